/* SPDX-License-Identifier: MIT */
/*
 * The untorn shim's own interface: settings in the environment, and one function. Programs may use
 * it, but need nothing except Linux's own interface (untorn_uapi.h has its names for older
 * headers).
 */
#ifndef UNTORN_H
#define UNTORN_H

/**
 * DOC: environment
 *
 * UNTORN_MODE
 *	"auto" (default): where the kernel natively reports at least the limits that the device
 *	promises, the kernel does the write; elsewhere one device command does. "command": the kernel
 *	never does it natively. "off": every call goes to the kernel untouched.
 *
 * UNTORN_NVME_LIMITS
 *	"namespace" (default): the atomic write unit of an NVMe namespace is NAWUPF, or the vendor's
 *	documented field, or else one logical block. "controller": where the namespace says nothing,
 *	AWUPF of the controller is believed too, as Linux 6.11 to 6.19 did. "single": AWUPF is
 *	believed only if the controller is the only one and has one format for all namespaces.
 *
 * UNTORN_RULES
 *	"linux" (default): an atomic write is a power of two long and naturally aligned. "device":
 *	it is as long as the device promises, at any block, and crosses none of its boundaries; no
 *	native kernel accepts that. statx() answers the same with both.
 *
 * UNTORN_AIO
 *	"event" (default): io_submit() returns at once, io_getevents() hands out the result.
 *	"inline": io_submit() does an atomic write itself, for programs that read the events out of
 *	the kernel's ring; a write that fails is io_submit()'s error.
 *
 * UNTORN_LOG
 *	"off" (default), or LEVEL[=COUNT][:FILE]: "error": commands that failed. "info": also why
 *	writes are refused, each reason once per device. "debug": every decision. At most COUNT
 *	lines (1000; "all": any number) a process, to FILE, else to standard error.
 *
 * UNTORN_STAT
 *	The memory to count in. `untorn run --report` sets it.
 *
 * UNTORN_DEEP
 *	"1": system calls that the program makes without the C library are caught too (Linux 5.11,
 *	x86-64). Unset (default), or anything else: they are not.
 *
 * UNTORN_ONLY, UNTORN_SKIP
 *	Names of programs, with colons between them. The shim serves only those in ONLY, and none in
 *	SKIP, which is the stronger. For all others it acts as with UNTORN_MODE=off. A name is that of
 *	the file that was executed, or the one that the program is called by, both without folders.
 *
 * A value that is not listed means the strictest one: "off" for UNTORN_MODE, else the default.
 * All are read once per process, and not at all in set-uid programs.
 */
#define UNTORN_ENV_MODE        "UNTORN_MODE"
#define UNTORN_ENV_NVME_LIMITS "UNTORN_NVME_LIMITS"
#define UNTORN_ENV_RULES       "UNTORN_RULES"
#define UNTORN_ENV_AIO         "UNTORN_AIO"
#define UNTORN_ENV_LOG         "UNTORN_LOG"
#define UNTORN_ENV_STAT        "UNTORN_STAT"
#define UNTORN_ENV_DEEP        "UNTORN_DEEP"
#define UNTORN_ENV_ONLY        "UNTORN_ONLY"
#define UNTORN_ENV_SKIP        "UNTORN_SKIP"

/**
 * untorn_version() - version of the shim in this process
 *
 * Declared weak: its address is NULL in a process without the shim. Thread-safe,
 * async-signal-safe.
 *
 * Return: "major.minor.patch", static.
 */
const char *untorn_version(void) __attribute__((weak));

#endif
