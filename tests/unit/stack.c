/* SPDX-License-Identifier: MIT */
/*
 * Tests rules/stack.c: whether a plain write of one page becomes one command at the disk. Each test
 * describes one stack of devices. It then breaks one condition after the other, and expects this
 * condition, of this layer, as the first finding.
 */
#include <string.h>

#include "rules/stack.h"
#include "suite.h"

enum { KIB = 1024, PAGE = 16 * KIB, MIB = 1024 * KIB };

static struct stack stack;
static struct stack_finding findings[STACK_FINDINGS];

static struct stack_layer *add(enum stack_kind kind)
{
	struct stack_layer *layer = &stack.layers[stack.layer_count++];

	*layer = (struct stack_layer){ .kind = kind };
	if (kind != STACK_PARTITION && kind != STACK_REFUSED)
		layer->queue = (struct stack_queue){ true, 2, 512 * KIB, 127, 0 };
	if (kind == STACK_DISK)
		layer->limits = (struct limits){ .unit_min = 512, .unit_max = PAGE, .max = PAGE };
	return layer;
}

static void span(struct stack_layer *layer, uint64_t start, uint64_t offset, unsigned below)
{
	if (!layer->count)
		layer->first = stack.span_count;
	layer->count++;
	stack.spans[stack.span_count++] = (struct stack_span){ start, offset, below };
}

static void start(void)
{
	memset(&stack, 0, sizeof(stack));
}

static enum stack_answer judge(uint64_t align, const struct stack_finding **ret_first)
{
	return stack_verdict(findings, stack_judge(&stack, PAGE, align, findings), ret_first);
}

static void yes(void)
{
	const struct stack_finding *first;

	ck_assert_int_eq(judge(PAGE, &first), STACK_YES);
	ck_assert_ptr_null(first);
}

static void not(enum stack_answer answer, enum stack_condition condition, unsigned layer)
{
	const struct stack_finding *first;

	ck_assert_int_eq(judge(PAGE, &first), answer);
	ck_assert_ptr_nonnull(first);
	ck_assert_int_eq(first->condition, condition);
	ck_assert_ptr_eq(first->layer, &stack.layers[layer]);
}

START_TEST(a_disk)
{
	struct stack_layer *disk = add(STACK_DISK);

	yes();
	disk->queue.nomerges = 1;
	not(STACK_NO, CONDITION_MERGES, 0);
	disk->queue.nomerges = 2;
	disk->queue.max = PAGE - 512;
	not(STACK_NO, CONDITION_LENGTH, 0);
	disk->queue.max = PAGE;
	yes();
	disk->queue.segments = 4; /* 16 KiB of unaligned memory lie in five 4 KiB pages */
	not(STACK_NO, CONDITION_SEGMENTS, 0);
	disk->queue.segments = 5;
	yes();
	disk->limits.unit_max = PAGE / 2;
	not(STACK_NO, CONDITION_PROMISE, 0);
	disk->limits.unit_max = 2 * PAGE;
	yes();
	disk->limits.alignment = 2 * PAGE;
	not(STACK_NO, CONDITION_ALIGNMENT, 0);
	disk->limits.alignment = PAGE;
	yes();
	disk->limits.unit_min = 2 * PAGE;
	not(STACK_NO, CONDITION_PROMISE, 0);
	disk->limits = limits_refused(REFUSAL_METADATA);
	not(STACK_NO, CONDITION_PROMISE, 0);
	disk->error = -13;
	not(STACK_UNKNOWN, CONDITION_PROMISE, 0);
	disk->queue.nomerges = 0; /* NO wins over UNKNOWN */
	not(STACK_NO, CONDITION_MERGES, 0);
	disk->queue.is_read = false;
	not(STACK_UNKNOWN, CONDITION_LENGTH, 0);
}
END_TEST

/* On a disk with paths, only the paths' queues merge writes; its own queue merges nothing. */
START_TEST(a_disk_with_paths)
{
	struct stack_layer *disk = add(STACK_DISK), *path = add(STACK_PATH);

	disk->has_paths = true;
	disk->queue.nomerges = 0;
	span(disk, 0, 0, 1);
	yes();
	path->queue.nomerges = 0;
	not(STACK_NO, CONDITION_MERGES, 1);
	path->queue.is_read = false;
	not(STACK_UNKNOWN, CONDITION_LENGTH, 1);
}
END_TEST

/* Without boundaries and chunks a page may begin at any block. A disk that cuts at their multiples
 * needs aligned pages. */
START_TEST(a_partition)
{
	struct stack_layer *part = add(STACK_PARTITION), *disk = add(STACK_DISK);

	span(part, 0, 512, 1);
	yes();
	disk->limits.boundary = PAGE;
	not(STACK_NO, CONDITION_BOUNDARY, 1);
	stack.spans[0].offset = MIB;
	yes();
	disk->limits.boundary = PAGE / 2;
	not(STACK_NO, CONDITION_BOUNDARY, 1);
	disk->limits.boundary = 0;
	disk->queue.chunk = 128 * KIB;
	yes();
	stack.spans[0].offset = MIB + 4096;
	not(STACK_NO, CONDITION_CHUNK, 1);
	disk->queue.chunk = 0;
	part->error = -2;
	not(STACK_UNKNOWN, CONDITION_BELOW, 0);
}
END_TEST

START_TEST(a_volume)
{
	struct stack_layer *volume = add(STACK_LINEAR), *disk = add(STACK_DISK);

	span(volume, 0, 512, 1); /* a single part may begin at any block */
	yes();
	span(volume, 4 * MIB, 8 * MIB, 1);
	yes();
	stack.spans[1].start += 8 * KIB; /* the second part now begins within a page */
	not(STACK_NO, CONDITION_SPANS, 0);
	stack.spans[1].start -= 8 * KIB;
	disk->limits.boundary = PAGE; /* pages of the first part cross boundaries */
	not(STACK_NO, CONDITION_BOUNDARY, 1);
	stack.spans[0].offset = MIB;
	yes();
	volume->error = -1;
	not(STACK_UNKNOWN, CONDITION_BELOW, 0);
}
END_TEST

/* The pages of 16 KiB begin at multiples of 4096 only, because of a layer above. Then some lie
 * across two parts, or two chunks, even where these are aligned. */
START_TEST(pages_off_their_alignment)
{
	const struct stack_finding *first;
	struct stack_layer *volume = add(STACK_LINEAR), *disk = add(STACK_DISK);

	span(volume, 0, MIB, 1);
	ck_assert_int_eq(judge(4096, &first), STACK_YES);
	span(volume, 4 * MIB, 8 * MIB, 1);
	ck_assert_int_eq(judge(4096, &first), STACK_NO);
	ck_assert_int_eq(first->condition, CONDITION_SPANS);
	stack.span_count = volume->count = 1;
	disk->queue.chunk = 128 * KIB;
	ck_assert_int_eq(judge(4096, &first), STACK_NO);
	ck_assert_int_eq(first->condition, CONDITION_CHUNK);
}
END_TEST

START_TEST(stripes_of_two_disks)
{
	struct stack_layer *stripes = add(STACK_STRIPES), *disk = add(STACK_DISK);

	add(STACK_DISK);
	stripes->chunk = 64 * KIB;
	span(stripes, 0, MIB, 1);
	span(stripes, 0, MIB + 512, 2);
	yes();
	stripes->chunk = 8 * KIB;
	not(STACK_NO, CONDITION_STRIPES, 0);
	stripes->chunk = 24 * KIB;
	not(STACK_NO, CONDITION_STRIPES, 0);
	stripes->chunk = 64 * KIB;
	stack.layers[2].limits.boundary = PAGE; /* pages of its part cross boundaries */
	not(STACK_NO, CONDITION_BOUNDARY, 2);
	stack.spans[1].offset = MIB;
	yes();
	disk->limits.unit_max = 4096;
	not(STACK_NO, CONDITION_PROMISE, 1);
	disk->error = -13; /* the first disk is unknown; the second one merges */
	stack.layers[2].queue.nomerges = 0;
	not(STACK_NO, CONDITION_MERGES, 2);
}
END_TEST

START_TEST(refused_and_deep)
{
	struct stack_layer *volume = add(STACK_LINEAR), *part = add(STACK_PARTITION);
	struct stack_layer *disk = add(STACK_DISK);

	span(volume, 0, MIB, 1);
	span(part, 0, 512, 2);
	yes();
	disk->limits.boundary = PAGE;
	not(STACK_NO, CONDITION_BOUNDARY, 2); /* the partition begins at 512, off the boundaries */
	disk->kind = STACK_REFUSED;
	not(STACK_NO, CONDITION_KIND, 2);
}
END_TEST

/* The volume lies below two layers. The list has it before one of them, the partition, whose offset
 * must still count for the volume and its disk. */
START_TEST(volume_below_two)
{
	struct stack_layer *top = add(STACK_LINEAR), *volume = add(STACK_LINEAR);
	struct stack_layer *disk = add(STACK_DISK), *part = add(STACK_PARTITION);

	span(top, 0, MIB, 1);
	span(top, MIB, 0, 3);
	span(volume, 0, MIB, 2);
	span(part, 0, 512, 1);
	disk->limits.boundary = PAGE;
	not(STACK_NO, CONDITION_BOUNDARY, 2);
	stack.spans[3].offset = MIB;
	yes();
}
END_TEST

/* With an error, the kind of the layer is not known: the answer is UNKNOWN, not NO. */
START_TEST(an_unknown_device)
{
	struct stack_layer *layer = add(STACK_REFUSED);

	layer->error = -5;
	not(STACK_UNKNOWN, CONDITION_BELOW, 0);
}
END_TEST

/* A volume without a table has no layer below. */
START_TEST(a_volume_on_nothing)
{
	add(STACK_LINEAR);
	not(STACK_UNKNOWN, CONDITION_BELOW, 0);
}
END_TEST

/* The list is full of disks with chunk, boundary and alignment, so that each has every finding that
 * a good disk can have. Then the last disk alone fails. */
START_TEST(all_layers_are_judged)
{
	while (stack.layer_count < STACK_LAYERS) {
		struct stack_layer *disk = add(STACK_DISK);
		disk->queue.chunk = disk->limits.boundary = PAGE;
		disk->limits.alignment = PAGE;
	}
	yes();
	stack.layers[STACK_LAYERS - 1].limits.boundary = 512;
	not(STACK_NO, CONDITION_BOUNDARY, STACK_LAYERS - 1);
}
END_TEST

START_TEST(alignment)
{
	ck_assert_uint_eq(stack_alignment(0, PAGE), PAGE);
	ck_assert_uint_eq(stack_alignment(512, PAGE), 512);
	ck_assert_uint_eq(stack_alignment(3 * 4096, PAGE), 4096);
	ck_assert_uint_eq(stack_alignment(MIB, PAGE), PAGE);
	ck_assert_uint_eq(stack_alignment(UINT64_C(1) << 63, PAGE), PAGE);
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("stack");
	TCase *tc = tcase_create("stack");

	tcase_add_checked_fixture(tc, start, NULL);
	tcase_add_test(tc, a_disk);
	tcase_add_test(tc, a_disk_with_paths);
	tcase_add_test(tc, a_partition);
	tcase_add_test(tc, a_volume);
	tcase_add_test(tc, pages_off_their_alignment);
	tcase_add_test(tc, stripes_of_two_disks);
	tcase_add_test(tc, refused_and_deep);
	tcase_add_test(tc, volume_below_two);
	tcase_add_test(tc, an_unknown_device);
	tcase_add_test(tc, a_volume_on_nothing);
	tcase_add_test(tc, all_layers_are_judged);
	tcase_add_test(tc, alignment);
	suite_add_tcase(s, tc);
	return s;
}
