/* SPDX-License-Identifier: MIT */
/* Alignment goes down first, then each layer is judged by itself. Start reading at stack_judge().
 */
#include "rules/stack.h"

#include <stddef.h>

enum { MEMORY_PAGE = 4096 };

uint64_t stack_alignment(uint64_t value, uint64_t most)
{
	uint64_t lowest = value & -value;

	return !value || lowest > most ? most : lowest;
}

static uint64_t smaller(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* Gives the layers below the alignment that pages have there. True: one of them became smaller. */
static bool hand_down(const struct stack *stack, const struct stack_layer *layer, uint64_t own,
		      uint64_t page, uint64_t aligns[STACK_LAYERS])
{
	bool changed = false;

	for (unsigned i = layer->first; i < layer->first + layer->count; i++) {
		const struct stack_span *span = &stack->spans[i];
		uint64_t align = smaller(own, smaller(stack_alignment(span->start, page),
						      stack_alignment(span->offset, page)));
		changed |= align < aligns[span->below];
		aligns[span->below] = smaller(align, aligns[span->below]);
	}
	return changed;
}

/* A layer may stand in the list before one of the layers above it, so repeat until nothing changes.
 */
static void find_alignments(const struct stack *stack, uint64_t page, uint64_t align,
			    uint64_t ret_aligns[STACK_LAYERS])
{
	bool changed = true;

	for (unsigned i = 0; i < stack->layer_count; i++)
		ret_aligns[i] = page;
	ret_aligns[0] = smaller(align, page);
	while (changed) {
		changed = false;
		for (unsigned i = 0; i < stack->layer_count; i++)
			changed |= hand_down(stack, &stack->layers[i], ret_aligns[i], page,
					     ret_aligns);
	}
}

struct judgement {
	const struct stack *stack;
	const struct stack_layer *layer;
	uint64_t page, align; /* of the pages in this layer */
	struct stack_finding *findings;
	unsigned count;
};

static void find(struct judgement *j, enum stack_condition condition, enum stack_answer answer,
		 uint64_t value, uint64_t wanted)
{
	j->findings[j->count++] =
		(struct stack_finding){ j->layer, condition, answer, value, wanted };
}

static void find_if(struct judgement *j, enum stack_condition condition, bool holds, uint64_t value,
		    uint64_t wanted)
{
	find(j, condition, holds ? STACK_YES : STACK_NO, value, wanted);
}

/* If requests are cut at each multiple of `every`, does each page stay in one piece? */
static bool is_uncut(const struct judgement *j, uint64_t every)
{
	return !every || (every % j->page == 0 && j->align == j->page);
}

/* Takes the worst place at which one span ends and the next begins. */
static void judge_spans(struct judgement *j)
{
	const struct stack_layer *layer = j->layer;
	uint64_t worst = j->align;

	for (unsigned i = layer->first; i < layer->first + layer->count; i++)
		worst = smaller(worst, stack_alignment(j->stack->spans[i].start, j->page));
	if (layer->count > 1)
		find_if(j, CONDITION_SPANS, worst == j->page, worst, j->page);
}

static void judge_queue(struct judgement *j)
{
	const struct stack_queue *queue = &j->layer->queue;
	uint64_t pieces = (j->page + MEMORY_PAGE - 1) / MEMORY_PAGE + 1;

	find_if(j, CONDITION_LENGTH, queue->max >= j->page, queue->max, j->page);
	find_if(j, CONDITION_SEGMENTS, queue->segments >= pieces, queue->segments, pieces);
	if (queue->chunk)
		find_if(j, CONDITION_CHUNK, is_uncut(j, queue->chunk), queue->chunk, j->page);
}

static void judge_promise(struct judgement *j)
{
	const struct limits *limits = &j->layer->limits;

	if (j->layer->error)
		find(j, CONDITION_PROMISE, STACK_UNKNOWN, 0, j->page);
	else
		find_if(j, CONDITION_PROMISE,
			!limits->refusal && limits->unit_max >= j->page &&
				limits->unit_min <= j->page,
			limits->unit_max, j->page);
	if (j->align < limits->alignment)
		find(j, CONDITION_ALIGNMENT, STACK_NO, j->align, limits->alignment);
	if (limits->boundary)
		find_if(j, CONDITION_BOUNDARY, is_uncut(j, limits->boundary), limits->boundary,
			j->page);
}

static bool is_lowest(const struct stack_layer *layer)
{
	return layer->kind == STACK_PATH || (layer->kind == STACK_DISK && !layer->has_paths);
}

/* A volume without a table lies on nothing. */
static bool lacks_parts(const struct stack_layer *layer)
{
	return !layer->count && (layer->kind == STACK_PARTITION || layer->kind == STACK_LINEAR ||
				 layer->kind == STACK_STRIPES);
}

/* True for a layer whose other conditions need no look: it, or what lies below, is unknown, or it
 * is refused. */
static bool is_end(struct judgement *j)
{
	const struct stack_layer *layer = j->layer;

	if ((layer->error && layer->kind != STACK_DISK) || lacks_parts(layer))
		find(j, CONDITION_BELOW, STACK_UNKNOWN, 0, 0);
	else if (layer->kind == STACK_REFUSED)
		find(j, CONDITION_KIND, STACK_NO, 0, 0);
	else
		return false;
	return true;
}

static void judge_layer(struct judgement *j)
{
	const struct stack_layer *layer = j->layer;

	if (is_end(j))
		return;
	if (layer->kind == STACK_LINEAR)
		judge_spans(j);
	if (layer->kind == STACK_STRIPES)
		find_if(j, CONDITION_STRIPES, is_uncut(j, layer->chunk), layer->chunk, j->page);
	if (layer->queue.is_read)
		judge_queue(j);
	else if (layer->kind != STACK_PARTITION)
		find(j, CONDITION_LENGTH, STACK_UNKNOWN, 0, j->page);
	if (is_lowest(layer))
		find(j, CONDITION_MERGES,
		     !layer->queue.is_read        ? STACK_UNKNOWN
		     : layer->queue.nomerges == 2 ? STACK_YES
						  : STACK_NO,
		     layer->queue.nomerges, 2);
	if (layer->kind == STACK_DISK)
		judge_promise(j);
}

unsigned stack_judge(const struct stack *stack, uint64_t page, uint64_t align,
		     struct stack_finding ret_findings[STACK_FINDINGS])
{
	struct judgement j = { .stack = stack, .page = page, .findings = ret_findings };
	uint64_t aligns[STACK_LAYERS];

	find_alignments(stack, page, align, aligns);
	for (unsigned i = 0; i < stack->layer_count; i++) {
		j.layer = &stack->layers[i];
		j.align = aligns[i];
		judge_layer(&j);
	}
	return j.count;
}

enum stack_answer stack_verdict(const struct stack_finding *findings, unsigned count,
				const struct stack_finding **ret_first)
{
	*ret_first = NULL;
	for (unsigned i = 0; i < count; i++) {
		const struct stack_finding *finding = &findings[i];
		if (finding->answer == STACK_NO &&
		    (!*ret_first || (*ret_first)->answer != STACK_NO))
			*ret_first = finding;
		if (finding->answer == STACK_UNKNOWN && !*ret_first)
			*ret_first = finding;
	}
	return *ret_first ? (*ret_first)->answer : STACK_YES;
}
