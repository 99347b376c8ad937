/* SPDX-License-Identifier: MIT */
/* Texts only: the names of conditions, the findings in words, and the commands that change them. */
#include "doctor/way_advice.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

const char *way_size(uint64_t bytes, char ret_text[32])
{
	if (bytes && bytes % 1024 == 0)
		snprintf(ret_text, 32, "%llu KiB", (unsigned long long)bytes / 1024);
	else
		snprintf(ret_text, 32, "%llu bytes", (unsigned long long)bytes);
	return ret_text;
}

const char *way_stack_condition(enum stack_condition condition)
{
	static const char *const names[CONDITION_COUNT] = {
		[CONDITION_KIND] = "kind",
		[CONDITION_BELOW] = "devices below",
		[CONDITION_SPANS] = "parts",
		[CONDITION_STRIPES] = "stripes",
		[CONDITION_LENGTH] = "max_sectors_kb",
		[CONDITION_SEGMENTS] = "max_segments",
		[CONDITION_CHUNK] = "chunk_sectors",
		[CONDITION_MERGES] = "nomerges",
		[CONDITION_ALIGNMENT] = "atomic alignment",
		[CONDITION_PROMISE] = "atomic unit",
		[CONDITION_BOUNDARY] = "atomic boundary",
	};

	return names[condition];
}

const char *way_place_condition(enum place_condition condition)
{
	static const char *const names[PLACE_CONDITIONS] = {
		[PLACE_TYPE_KNOWN] = "filesystem",
		[PLACE_DIRECT] = "O_DIRECT",
		[PLACE_KIND] = "kind",
		[PLACE_UNIT] = "allocation",
		[PLACE_PAGES] = "pages",
	};

	return names[condition];
}

static void say_unknown(const struct stack_finding *f, char text[192])
{
	int error = f->layer->error;

	if (f->condition == CONDITION_BELOW && !error)
		snprintf(text, 192, "it has none, such as a volume without a table");
	else if (f->condition == CONDITION_BELOW && f->layer->kind == STACK_LINEAR)
		snprintf(text, 192, "this user may not read its table (%s)", strerror(-error));
	else if (f->condition == CONDITION_BELOW && error == -ENXIO)
		snprintf(text, 192, "members of the array are missing");
	else if (f->condition == CONDITION_PROMISE && f->layer->has_paths && error == -ENXIO)
		snprintf(text, 192, "/sys shows none of the disk's paths");
	else if (f->condition == CONDITION_PROMISE && error)
		snprintf(text, 192, "this user may not ask the disk, or it does not answer (%s)",
			 strerror(-error));
	else
		snprintf(text, 192, "/sys does not say%s%s", error ? ": " : "",
			 error ? strerror(-error) : "");
}

void way_say_stack(const struct stack_finding *f, char text[192])
{
	char value[32], wanted[32];

	way_size(f->value, value);
	way_size(f->wanted, wanted);
	if (f->answer == STACK_UNKNOWN)
		say_unknown(f, text);
	else if (f->condition == CONDITION_KIND)
		snprintf(text, 192, "%s", f->layer->why);
	else if (f->condition == CONDITION_MERGES)
		snprintf(text, 192, "%s (queue/nomerges is %u)",
			 f->value == 2 ? "nothing is merged" : "neighbouring writes are merged",
			 (unsigned)f->value);
	else if (f->condition == CONDITION_SEGMENTS)
		snprintf(text, 192, "%llu pieces of memory in a request, %llu needed",
			 (unsigned long long)f->value, (unsigned long long)f->wanted);
	else if (f->condition == CONDITION_PROMISE)
		snprintf(text, 192, "the disk promises %s, %s needed", value, wanted);
	else if (f->condition == CONDITION_ALIGNMENT)
		snprintf(text, 192,
			 "pages at multiples of %s, and the disk promises them at multiples of %s",
			 value, wanted);
	else if (f->condition == CONDITION_LENGTH)
		snprintf(text, 192, "requests of up to %s, %s needed", value, wanted);
	else if (f->condition == CONDITION_SPANS)
		snprintf(text, 192,
			 f->answer == STACK_YES ? "each begins at a multiple of %s"
						: "a page may cross two parts: they begin at "
						  "multiples of %s",
			 value);
	else if (f->condition == CONDITION_BOUNDARY)
		snprintf(text, 192, "the promise ends at each multiple of %s; %s", value,
			 f->answer == STACK_YES ? "no page crosses one" : "pages cross them");
	else
		snprintf(text, 192, "a write is cut at each multiple of %s, %s", value,
			 f->answer == STACK_YES ? "only between pages" : "also within pages");
}

static void say_pages(const struct place *place, const struct place_finding *f, char text[192])
{
	unsigned long long seen = place->seen, bad = seen - place->faults[FAULT_NONE];
	char align[32];

	if (f->answer == STACK_UNKNOWN)
		snprintf(text, 192, "%s (%s)", f->why, strerror(-place->map_error));
	else if (f->answer == STACK_YES)
		snprintf(text, 192, "%s%llu of %llu, each in one piece, at multiples of %s",
			 seen < place->pages ? "looked at " : "", seen,
			 (unsigned long long)place->pages, way_size(place->align, align));
	else
		snprintf(text, 192, "%llu of %llu are not in one piece: the one at %llu is %s", bad,
			 seen, (unsigned long long)place->first_fault, place_fault(place->fault));
}

static void say_unit(const struct place *place, uint64_t page, char text[192])
{
	char unit[32], wanted[32];

	if (place->unit)
		snprintf(text, 192, "in units of %s, %s needed", way_size(place->unit, unit),
			 way_size(page, wanted));
	else
		snprintf(text, 192, "the filesystem does not tell its unit (%s)",
			 strerror(-place->unit_error));
}

void way_say_place(const struct place *place, uint64_t page, const struct place_finding *f,
		   char text[192])
{
	char size[32];

	if (f->condition == PLACE_PAGES)
		say_pages(place, f, text);
	else if (f->condition == PLACE_UNIT)
		say_unit(place, page, text);
	else if (f->condition == PLACE_TYPE_KNOWN && f->answer == STACK_YES)
		snprintf(text, 192, "%s writes in place", place->type);
	else if (f->condition == PLACE_TYPE_KNOWN)
		snprintf(text, 192, "%s: %s", *place->type ? place->type : "unknown", f->why);
	else if (f->why)
		snprintf(text, 192, "%s", f->why);
	else if (f->condition == PLACE_DIRECT && place->direct)
		snprintf(text, 192, "for writes of %s and more", way_size(place->direct, size));
	else
		snprintf(text, 192, "%s",
			 f->condition == PLACE_DIRECT ? "this kernel names no limit"
						      : "nothing is in the way");
}

/* The kernel clears the setting before it sets it, so writing 2 over 2 allows merges for a moment.
 */
static void advise_on_merges(const struct stack_layer *layer, struct evidence *e)
{
	evidence_advise(
		e,
		"now: grep -qx 2 /sys/block/%s/queue/nomerges || echo 2 > /sys/block/%s/queue/nomerges",
		layer->name, layer->name);
	evidence_advise(e,
			"at each boot, in /etc/udev/rules.d/61-nomerges.rules: ACTION!=\"remove\", "
			"SUBSYSTEM==\"block\", KERNEL==\"%s\", ATTR{queue/nomerges}!=\"2\", "
			"ATTR{queue/nomerges}=\"2\"",
			layer->name);
}

void way_advise_stack(const struct stack_finding *f, uint64_t page, struct evidence *e)
{
	const char *name = f->layer->name;
	char size[32];

	way_size(page, size);
	if (f->answer == STACK_UNKNOWN && f->layer->error != -ENXIO &&
	    (f->condition == CONDITION_BELOW || f->condition == CONDITION_PROMISE))
		evidence_advise(e, "run untorn doctor as root");
	if (f->answer != STACK_NO)
		return;
	if (f->condition == CONDITION_MERGES)
		advise_on_merges(f->layer, e);
	else if (f->condition == CONDITION_LENGTH)
		evidence_advise(e,
				"echo %llu > /sys/block/%s/queue/max_sectors_kb, or more; "
				"the limit is max_hw_sectors_kb",
				(unsigned long long)(page + 1023) / 1024, name);
	else if (f->condition == CONDITION_SPANS)
		evidence_advise(
			e,
			"%s: its parts must begin at multiples of %s, in it and on the devices "
			"below: pvcreate --dataalignment, vgcreate --physicalextentsize",
			name, size);
	else if (f->condition == CONDITION_STRIPES)
		evidence_advise(
			e,
			"%s: use chunks of a multiple of %s, and align all that is on it to that: lvcreate "
			"--stripesize, mdadm --chunk",
			name, size);
	else if (f->condition == CONDITION_CHUNK || f->condition == CONDITION_BOUNDARY ||
		 f->condition == CONDITION_ALIGNMENT)
		evidence_advise(e, "let partitions and volumes on %s begin at multiples of %s",
				name, size);
	else if (f->condition == CONDITION_PROMISE)
		evidence_advise(e, "to see what else the disk could promise: untorn doctor /dev/%s",
				name);
}

static void advise_on_pages(const struct place *place, struct evidence *e)
{
	if (place->fault == FAULT_HOLE || place->fault == FAULT_UNWRITTEN)
		evidence_advise(
			e, "let the program that owns the file write all of it once, then sync");
	else if (place->fault == FAULT_DELAYED)
		evidence_advise(e, "sync the file, and run untorn doctor again");
	else if (place->fault == FAULT_SHARED)
		evidence_advise(
			e, "make a copy that shares no blocks (cp --reflink=never), and rename it");
}

void way_advise_place(const struct place *place, uint64_t page, const struct place_finding *f,
		      struct evidence *e)
{
	bool is_about_units = f->condition == PLACE_UNIT ||
			      (f->condition == PLACE_PAGES && place->fault == FAULT_APART);

	if (f->answer == STACK_UNKNOWN && f->condition == PLACE_UNIT)
		evidence_advise(e, "run untorn doctor as root, or name a file");
	if (f->answer != STACK_NO)
		return;
	if (f->condition == PLACE_PAGES)
		advise_on_pages(place, e);
	if (is_about_units)
		evidence_advise(
			e,
			"use a filesystem that allocates whole pages: mkfs.ext4 -O bigalloc -C %llu, or "
			"mkfs.xfs -b size=%llu (Linux 6.12); this erases what is there",
			(unsigned long long)page, (unsigned long long)page);
}
