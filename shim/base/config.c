/* SPDX-License-Identifier: MIT */
/*
 * The library's only reader of the environment. Parsing is lazy, because other libraries'
 * constructors may call the doors before ours has run. It is idempotent, so it needs no lock.
 */
#include "base/config.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>

#include "base/early.h"
#include "untorn.h"

static bool is(const char *value, const char *word)
{
	return value && strcmp(value, word) == 0;
}

/* Returns the value's place among the words, counted from 1 as in the enums; 0: not among them. */
static unsigned word_of(const char *value, const char *const words[], unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		if (is(value, words[i]))
			return i + 1;
	}
	return 0;
}

static const char *const policy_words[] = { "namespace", "single", "controller" };
static const char *const rules_words[] = { "linux", "device" };

enum nvme_policy config_parse_policy(const char *value)
{
	return word_of(value, policy_words, 3);
}

enum rules config_parse_rules(const char *value)
{
	return word_of(value, rules_words, 2);
}

const char *config_policy_word(enum nvme_policy policy)
{
	return policy_words[policy - 1];
}

const char *config_rules_word(enum rules rules)
{
	return rules_words[rules - 1];
}

/* A value that is set but unknown means the strictest one. */
static struct decision parse_decision(const char *nvme_limits, const char *rules)
{
	struct decision decision = { config_parse_policy(nvme_limits), config_parse_rules(rules) };

	if (nvme_limits && *nvme_limits && !decision.nvme_policy)
		decision.nvme_policy = NVME_POLICY_NAMESPACE;
	if (rules && *rules && !decision.rules)
		decision.rules = RULES_LINUX;
	return decision;
}

static enum mode parse_mode(const char *value)
{
	if (!value || !*value || is(value, "auto"))
		return MODE_AUTO;
	return is(value, "command") ? MODE_COMMAND : MODE_OFF;
}

struct config config_parse(const char *mode, const char *nvme_limits, const char *rules,
			   const char *aio, const char *deep)
{
	return (struct config){
		.mode = parse_mode(mode),
		.decision = parse_decision(nvme_limits, rules),
		.aio_inline = is(aio, "inline"),
		.deep = is(deep, "1"),
	};
}

static bool lists(const char *list, const char *name)
{
	size_t length = name ? strlen(name) : 0;

	while (length && *list) {
		size_t entry = strcspn(list, ":");
		if (entry == length && memcmp(list, name, length) == 0)
			return true;
		list += entry + (list[entry] == ':');
	}
	return false;
}

bool config_serves(const char *only, const char *skip, const char *called, const char *file)
{
	const char *slash = file ? strrchr(file, '/') : NULL;
	const char *name = slash ? slash + 1 : file;

	if (skip && (lists(skip, called) || lists(skip, name)))
		return false;
	return !only || !*only || lists(only, called) || lists(only, name);
}

/* AT_EXECFN names the executed file. The kernel passes it, so this makes no system call. */
static bool is_served(void)
{
	const char *only = secure_getenv(UNTORN_ENV_ONLY), *skip = secure_getenv(UNTORN_ENV_SKIP);

	return (!only && !skip) || config_serves(only, skip, program_invocation_short_name,
						 (const char *)getauxval(AT_EXECFN));
}

bool config_preloads(const char *part)
{
	const char *preload = getenv("LD_PRELOAD");

	return preload && strstr(preload, part);
}

/* The settings in one word: a signal handler that interrupts the first parse finds all of them or
 * none. */
union packed {
	struct {
		unsigned char mode, nvme_policy, rules, aio_inline, deep, parsed;
	} is;
	uint64_t word;
};

/* Copies, because a program may overwrite its environment to change what ps(1) shows. Threads that
 * parse at once write the same bytes. */
static EARLY _Atomic char texts[CONFIG_TEXTS][CONFIG_TEXT];

static void keep_text(enum config_text which, const char *value)
{
	size_t length = value ? strlen(value) : 0;

	for (size_t i = 0; i < length && length < CONFIG_TEXT; i++)
		atomic_store_explicit(&texts[which][i], value[i], memory_order_relaxed);
}

bool config_text(enum config_text which, char ret_text[CONFIG_TEXT])
{
	config_get();
	for (size_t i = 0; i < CONFIG_TEXT; i++) {
		ret_text[i] = atomic_load_explicit(&texts[which][i], memory_order_relaxed);
		if (!ret_text[i])
			break;
	}
	return *ret_text != '\0';
}

static union packed parse_environment(void)
{
	/* Keeps no texts, so that such a program counts and logs nothing either. */
	if (!is_served())
		return (union packed){ .is = { .mode = MODE_OFF, .parsed = 1 } };
	keep_text(CONFIG_STAT, secure_getenv(UNTORN_ENV_STAT));
	keep_text(CONFIG_LOG, secure_getenv(UNTORN_ENV_LOG));
	struct config config =
		config_parse(secure_getenv(UNTORN_ENV_MODE), secure_getenv(UNTORN_ENV_NVME_LIMITS),
			     secure_getenv(UNTORN_ENV_RULES), secure_getenv(UNTORN_ENV_AIO),
			     secure_getenv(UNTORN_ENV_DEEP));

	return (union packed){ .is = { .mode = (unsigned char)config.mode,
				       .nvme_policy = (unsigned char)config.decision.nvme_policy,
				       .rules = (unsigned char)config.decision.rules,
				       .aio_inline = config.aio_inline,
				       .deep = config.deep,
				       .parsed = 1 } };
}

struct config config_get(void)
{
	static EARLY _Atomic uint64_t cached;
	union packed packed = { .word = atomic_load_explicit(&cached, memory_order_acquire) };

	if (!packed.is.parsed) {
		packed = parse_environment();
		atomic_store_explicit(&cached, packed.word, memory_order_release);
	}
	return (struct config){ packed.is.mode,
				{ packed.is.nvme_policy, packed.is.rules },
				packed.is.aio_inline,
				packed.is.deep };
}
