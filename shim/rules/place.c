/* SPDX-License-Identifier: MIT */
/* Start reading at place_judge(); place_add() and place_end() put pages together from extents. */
#include "rules/place.h"

#include <stddef.h>
#include <string.h>

static void count(struct place *place, struct place_walk *walk, enum place_fault fault)
{
	place->seen++;
	if (fault && !place->fault) {
		place->fault = fault;
		place->first_fault = walk->at;
	}
	place->faults[fault]++;
	walk->at += walk->page;
	walk->next = walk->at;
	walk->fault = FAULT_NONE;
}

static enum place_fault fault_of(const struct place_piece *piece)
{
	return piece->is_encoded     ? FAULT_ENCODED
	       : piece->is_delayed   ? FAULT_DELAYED
	       : piece->is_unwritten ? FAULT_UNWRITTEN
	       : piece->is_shared    ? FAULT_SHARED
				     : FAULT_NONE;
}

/* A page in one piece counts as whole at any alignment; the layers below judge the alignment. */
static void count_whole(struct place *place, struct place_walk *walk)
{
	uint64_t align = stack_alignment(walk->physical, walk->page);

	if (!walk->fault && align < place->align)
		place->align = align;
	count(place, walk, walk->fault);
}

/* Adds the part of the current page that this piece covers. */
static void add_part(struct place_walk *walk, const struct place_piece *piece, uint64_t end)
{
	uint64_t from = walk->next, physical = piece->physical + (from - piece->start);
	enum place_fault fault = fault_of(piece);

	if (from == walk->at)
		walk->physical = physical;
	else if (!fault && !walk->fault && physical != walk->physical + (from - walk->at))
		fault = FAULT_APART;
	if (fault && !walk->fault)
		walk->fault = fault;
	walk->next = end;
}

void place_add(struct place *place, struct place_walk *walk, const struct place_piece *piece)
{
	uint64_t end = piece->start + piece->length;

	if (piece->start > walk->next)
		place_end(place, walk, piece->start);
	while (walk->next < end) {
		uint64_t until = walk->at + walk->page;
		add_part(walk, piece, end < until ? end : until);
		if (walk->next == until)
			count_whole(place, walk);
	}
}

/* The current page has a hole, and so do all further pages that end before `end`. */
void place_end(struct place *place, struct place_walk *walk, uint64_t end)
{
	if (walk->next < end && !walk->fault)
		walk->fault = FAULT_HOLE;
	while (walk->at + walk->page <= end)
		count(place, walk, walk->fault ? walk->fault : FAULT_HOLE);
	if (walk->next < end) {
		walk->fault = walk->fault ? walk->fault : FAULT_HOLE;
		walk->next = end;
	}
}

/* Why this type of filesystem is refused. NULL: it writes in place. "": the type is unknown. */
static const char *type_why(const char *type)
{
	static const struct {
		const char *type, *why;
	} types[] = {
		{ "ext4", NULL },
		{ "xfs", NULL },
		{ "ext2", NULL },
		{ "btrfs",
		  "btrfs writes to a new place (unless nodatacow is set): that keeps a page whole, "
		  "with O_DIRECT too, and not the disk" },
		{ "zfs",
		  "ZFS writes to a new place, not over old data: that keeps a page whole which fits "
		  "its recordsize, not the disk" },
		{ "bcachefs", "bcachefs writes to a new place, not over old data" },
		{ "f2fs", "f2fs writes to a new place, not over old data" },
		{ "overlay", "an overlay copies a file up at the first write: name a file in the "
			     "filesystem of its upper folder" },
		{ "nfs", "a server writes it, which cannot be seen from here" },
		{ "nfs4", "a server writes it, which cannot be seen from here" },
		{ "cifs", "a server writes it, which cannot be seen from here" },
		{ "smb3", "a server writes it, which cannot be seen from here" },
		{ "ceph", "a server writes it, which cannot be seen from here" },
		{ "9p", "a server writes it, which cannot be seen from here" },
		{ "virtiofs", "a server writes it, which cannot be seen from here" },
		{ "tmpfs", "it is memory" },
		{ "ramfs", "it is memory" },
	};

	if (strncmp(type, "fuse", 4) == 0)
		return "a program writes it, which cannot be seen from here";
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		if (strcmp(type, types[i].type) == 0)
			return types[i].why;
	}
	return "";
}

struct findings {
	struct place_finding *list;
	unsigned count;
};

static void find(struct findings *findings, enum place_condition condition,
		 enum stack_answer answer, const char *why)
{
	findings->list[findings->count++] = (struct place_finding){ condition, answer, why };
}

static void judge_kind(const struct place *place, struct findings *findings)
{
	const char *why = place->is_encrypted    ? "the file is encrypted"
			  : place->is_compressed ? "the file is compressed"
			  : place->is_verity     ? "the file is sealed (fs-verity)"
			  : place->is_realtime
				  ? "its data is in the realtime section of XFS, on another device"
			  : place->is_journaled ? "data goes through the journal (data=journal)"
						: NULL;

	find(findings, PLACE_KIND, why ? STACK_NO : STACK_YES, why);
}

static void judge_direct(const struct place *place, uint64_t page, struct findings *findings)
{
	bool holds = place->has_direct && place->direct <= page;

	find(findings, PLACE_DIRECT, holds ? STACK_YES : STACK_NO,
	     place->has_direct ? NULL : "it cannot be written with O_DIRECT");
}

/* Existing pages are judged by their extents, future pages by the allocation unit. */
static void judge_pages(const struct place *place, uint64_t page, struct findings *findings)
{
	bool fits = place->unit && place->unit % page == 0;

	bool has_pages = !place->is_folder && !place->map_error && place->pages;

	if (!has_pages)
		find(findings, PLACE_UNIT,
		     fits          ? STACK_YES
		     : place->unit ? STACK_NO
				   : STACK_UNKNOWN,
		     NULL);
	if (!place->is_folder && (place->pages || place->map_error))
		find(findings, PLACE_PAGES,
		     place->map_error ? STACK_UNKNOWN
		     : place->fault   ? STACK_NO
				      : STACK_YES,
		     place->map_error ? "the filesystem does not tell where the file is" : NULL);
}

unsigned place_judge(const struct place *place, uint64_t page,
		     struct place_finding ret_findings[PLACE_CONDITIONS])
{
	struct findings findings = { ret_findings, 0 };
	const char *why = type_why(place->type);

	if (why) {
		find(&findings, PLACE_TYPE_KNOWN, *why ? STACK_NO : STACK_UNKNOWN,
		     *why ? why : "untorn has no rules for this filesystem");
		return findings.count;
	}
	find(&findings, PLACE_TYPE_KNOWN, STACK_YES, NULL);
	judge_direct(place, page, &findings);
	judge_kind(place, &findings);
	judge_pages(place, page, &findings);
	return findings.count;
}

const char *place_fault(enum place_fault fault)
{
	static const char *const faults[FAULT_COUNT] = {
		[FAULT_NONE] = "whole",
		[FAULT_HOLE] = "not allocated",
		[FAULT_UNWRITTEN] = "allocated and never written",
		[FAULT_DELAYED] = "not on the disk yet",
		[FAULT_SHARED] = "shared with another file",
		[FAULT_ENCODED] = "compressed, encrypted or kept beside the inode",
		[FAULT_APART] = "in two pieces",
	};

	return faults[fault];
}
