/* SPDX-License-Identifier: MIT */
/*
 * Fuzz target: untrusted identify bytes and queue limits become limits. The limits may promise
 * nothing that the input does not promise, and nothing beyond the input may be read.
 *
 * Compiled with -DFUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION and clang's
 * -fsanitize=fuzzer,address,undefined it is libFuzzer's usual target. Otherwise it has a main: it
 * runs each file named by an argument once. Without arguments it makes FUZZ_COUNT (1000000;
 * sanitized 50000) inputs from a fixed seed. Both end with abort() at the first wrong answer.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "unit/identify_page.h"

/* The input is this struct, as it lies in memory, then Identify Namespace from its first byte on.
 * Missing bytes are zero. */
struct head {
	uint8_t policy, page_shift, zoned, queue_is_the_disks;
	uint16_t vid, awun, awupf, segments;
	uint32_t block, max_hw_kb, chunk;
	uint64_t start;
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void fail(const char *what, const struct limits *limits)
{
	fprintf(stderr, "%s: %u/%u/%llu, boundary %u, refusal %d, origin %d\n", what,
		limits->unit_min, limits->unit_max, (unsigned long long)limits->max,
		limits->boundary, limits->refusal, limits->origin);
	abort();
}

static void check(const struct nvme_identity *page, const struct head *head)
{
	enum nvme_policy policy = head->policy & 1;
	struct limits device = limits_nvme(page, policy);
	struct queue queue = { .block = head->block,
			       .max_hw = (uint64_t)head->max_hw_kb * 1024,
			       .segments = head->segments,
			       .chunk = head->chunk,
			       .zoned = head->zoned & 1 };

	const char *wrong = identify_wrong_promise(page, &device, policy);
	if (wrong)
		fail(wrong, &device);
	/* The shim refuses a disk whose block size differs from the queue's. So the queue mostly
	 * gets the disk's block size here; now and then it keeps its own. */
	if (head->queue_is_the_disks)
		queue.block = (uint32_t)identify_block(page);
	struct limits limits = limits_cap(device, &queue, 4096U << (head->page_shift % 5));
	wrong = identify_wrong_cap(&device, &queue, &limits);
	if (wrong)
		fail(wrong, &limits);
	struct limits partition = limits_of_partition(limits, head->start);
	if (!limits_explain(partition.refusal) || !limits_origin(partition.origin))
		fail("everything has a text", &partition);
	if (partition.unit_max &&
	    (head->start % limits.unit_min || (limits.boundary && head->start % limits.boundary)))
		fail("a partition starts on unit and boundary", &partition);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct nvme_identity *page = calloc(1, sizeof(*page));
	struct head head = { 0 };

	if (!page)
		return 0;
	size_t first = size < sizeof(head) ? size : sizeof(head);
	memcpy(&head, data, first);
	size_t rest = size - first < IDENTIFY_SIZE ? size - first : IDENTIFY_SIZE;
	memcpy(page->namespace, data + first, rest);
	put16(page->controller, head.vid);
	put16(page->controller + 526, head.awun);
	put16(page->controller + 528, head.awupf);
	check(page, &head);
	free(page);
	return 0;
}

#ifndef FUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION /* builds with -fsanitize=fuzzer define it */

static int run_file(const char *path)
{
	static uint8_t input[sizeof(struct head) + IDENTIFY_SIZE];
	FILE *file = fopen(path, "rb");

	if (!file) {
		perror(path);
		return 1;
	}
	size_t size = fread(input, 1, sizeof(input), file);
	fclose(file);
	return LLVMFuzzerTestOneInput(input, size);
}

static struct head random_head(uint64_t *state, const struct nvme_identity *page)
{
	uint64_t a = identify_random(state), b = identify_random(state);

	return (struct head){ .policy = a & 1,
			      .page_shift = a >> 1 & 7 ? 0 : (uint8_t)(a >> 4),
			      .zoned = !(a >> 12 & 31),
			      .queue_is_the_disks = !!(a >> 17 & 7),
			      .vid = (uint16_t)get16(page->controller),
			      .awun = (uint16_t)get16(page->controller + 526),
			      .awupf = (uint16_t)get16(page->controller + 528),
			      .segments = (uint16_t)(a >> 20 & (a >> 36 & 1 ? 0xffff : 0xff)),
			      .block = a >> 37 & 1 ? 512U << (a >> 38 & 3) : (uint32_t)b,
			      .max_hw_kb = (uint32_t)(b >> (a >> 40 & 31)),
			      .chunk = a >> 45 & 1 ? 0 : 1U << (a >> 46 & 31),
			      .start = b >> (a >> 51 & 31) << 9 };
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) /* ten times slower, or more */
enum { COUNT = 50000 };
#else
enum { COUNT = 1000000 };
#endif

static int run_random(unsigned long count)
{
	static uint8_t input[sizeof(struct head) + 1024];
	static struct nvme_identity page;
	uint64_t state = 0x66757a7a;

	for (unsigned long i = 0; i < count; i++) {
		identify_random_page(&state, &page);
		struct head head = random_head(&state, &page);
		memcpy(input, &head, sizeof(head));
		memcpy(input + sizeof(head), page.namespace, 1024);
		size_t size = identify_random(&state) & 63
				      ? sizeof(input)
				      : identify_random(&state) % sizeof(input);
		LLVMFuzzerTestOneInput(input, size);
	}
	return 0;
}

int main(int argc, char **argv)
{
	const char *count = getenv("FUZZ_COUNT");
	int failed = 0;

	if (argc == 1)
		return run_random(count ? strtoul(count, NULL, 10) : COUNT);
	for (int i = 1; i < argc; i++)
		failed |= run_file(argv[i]);
	return failed;
}

#endif
