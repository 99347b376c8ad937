/* SPDX-License-Identifier: MIT */
/*
 * Static probes (USDT, provider "untorn") for perf, bpftrace and gdb. Each is a nop, and a note
 * that says where it stands. Without <sys/sdt.h> at build time there are none. engine/account.c has
 * the probes; untorn-environment(7) has their arguments.
 */
#ifndef PROBE_H
#define PROBE_H

#if defined(__has_include) && __has_include(<sys/sdt.h>)
#include <sys/sdt.h>
#define PROBE_DECISION(door, device, outcome, offset, length)                                      \
	STAP_PROBE5(untorn, decision, door, device, outcome, offset, length)
#define PROBE_COMMAND(door, device, offset, length)                                                \
	STAP_PROBE4(untorn, command, door, device, offset, length)
#define PROBE_COMPLETION(door, device, result, time)                                               \
	STAP_PROBE4(untorn, completion, door, device, result, time)
#else
#define PROBE_DECISION(door, device, outcome, offset, length)                                      \
	((void)(door), (void)(device), (void)(outcome), (void)(offset), (void)(length))
#define PROBE_COMMAND(door, device, offset, length)                                                \
	((void)(door), (void)(device), (void)(offset), (void)(length))
#define PROBE_COMPLETION(door, device, result, time)                                               \
	((void)(door), (void)(device), (void)(result), (void)(time))
#endif

#endif
