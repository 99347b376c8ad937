/* SPDX-License-Identifier: MIT */
/* Adds the policy and rules for the device, who decided them, and what the other policies would
 * give. Start reading at the end. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "command/command.h"
#include "device/decision.h"
#include "doctor/examine.h"
#include "doctor/formats.h"

/* Advises on ways to a larger unit. */
static void advise_on_unit(const struct patient *p, struct evidence *e)
{
	struct limits other = patient_limits_by(p, NVME_POLICY_CONTROLLER);
	struct limits single = patient_limits_by(p, NVME_POLICY_SINGLE);
	unsigned unit = p->device.limits.unit_max, native = p->device.native.unit_max;

	if (single.unit_max > unit && single.unit_max > native)
		evidence_advise(
			e,
			"AWUPF would make it %u bytes, and it can mean only one format here: "
			"--nvme-limits=single",
			single.unit_max);
	else if (other.unit_max > unit && other.unit_max > native)
		evidence_advise(
			e,
			"AWUPF would make it %u bytes, but does not say in blocks of which "
			"format: if the vendor confirms the value, --nvme-limits=controller",
			other.unit_max);
	if (unit && p->device.disk.limits.unit_max == p->device.block && native <= unit)
		formats_advise_larger(p, e);
}

/* ", by line 3 of /etc/untorn/devices.conf" */
static const char *decided_by(bool is_set, bool is_found, const struct decision_source *source,
			      char ret_text[64])
{
	if (is_set)
		return ", by the environment";
	if (!is_found)
		return "";
	if (source->error)
		return ", by the record that root published";
	snprintf(ret_text, 64, ", by line %u of " DECISION_DIRECTORY "/" DECISION_FILE,
		 source->line);
	return ret_text;
}

/* The decision for this disk now, and where it came from. */
struct decided {
	struct decision decision;
	struct decision_source source;
	int error; /* -errno: no answer */
};

static void look_at_nvme_limits(const struct patient *p, const struct decided *decided,
				struct evidence *e)
{
	char text[64];

	enum nvme_policy set = config_get().decision.nvme_policy;
	enum nvme_policy found = decided->source.found.nvme_policy;
	enum nvme_policy wanted = set ?: found ?: NVME_POLICY_NAMESPACE;

	evidence_fact(e, "policy", "UNTORN_NVME_LIMITS", "%s%s", config_policy_word(wanted),
		      decided_by(set, found, &decided->source, text));
	if (!decided->error && wanted > decided->decision.nvme_policy)
		evidence_fact(e, "policy", "which is not followed",
			      "several controllers lead to this disk, and "
			      "another one may promise less");
	if (!p->identified)
		return;
	for (enum nvme_policy policy = NVME_POLICY_NAMESPACE; policy <= NVME_POLICY_CONTROLLER;
	     policy++) {
		struct limits limits = patient_limits_by(p, policy);
		if (limits.unit_max)
			evidence_fact(e, "policy", config_policy_word(policy), "%u bytes, from %s",
				      limits.unit_max, limits_origin(limits.origin));
	}
}

static void look_at_rules(const struct patient *p, const struct decided *decided,
			  struct evidence *e)
{
	struct limits limits = patient_limits(p);
	enum rules set = config_get().decision.rules, found = decided->source.found.rules;
	char text[64];

	evidence_fact(e, "policy", "UNTORN_RULES", "%s%s",
		      config_rules_word(set ?: found ?: RULES_LINUX),
		      decided_by(set, found, &decided->source, text));
	if (p->identified && limits.most)
		evidence_fact(e, "policy", "by device rules",
			      "up to %llu bytes, in steps of %u, at each multiple of %u; "
			      "no native kernel accepts that",
			      (unsigned long long)limits.most, limits.granularity,
			      limits.alignment);
}

static void look_at_file(const struct decision_source *source, struct evidence *e)
{
	static const char file[] = DECISION_DIRECTORY "/" DECISION_FILE;

	if (source->error == 0)
		evidence_fact(e, "policy", file,
			      source->line ? "line %u matches this disk"
					   : "no line matches this disk",
			      source->line);
	else if (source->error == -EBADMSG)
		evidence_fact(e, "policy", file, "line %u is invalid: the whole file is ignored",
			      source->line);
	else if (source->error == -EACCES)
		evidence_fact(e, "policy", file, "this user may not read it");
	else if (source->error != -ENOENT)
		evidence_fact(e, "policy", file, "not believed: %s",
			      cmd_why_not_believed(source->error));
	if (source->error == -EBADMSG)
		evidence_advise(e, "correct line %u of %s, see untorn-devices.conf(5)",
				source->line, file);
	else if (source->error == -EPERM)
		evidence_advise(e,
				"as root: chown root: %s; chmod go-w %s, and the same for its "
				"folder",
				file, file);
}

void cmd_examine_policy(const struct patient *p, struct evidence *e)
{
	static const char *const modes[] = { "auto", "command", "off" };
	enum mode mode = config_get().mode;
	struct decided decided = { 0 };

	decided.error = decision_of(p->device.number, &decided.decision, &decided.source);
	if (decided.error)
		evidence_fact(e, "policy", "cannot tell", "%s", strerror(-decided.error));
	evidence_fact(e, "policy", "UNTORN_MODE", "%s", modes[mode]);
	if (mode == MODE_OFF)
		evidence_advise(e, "UNTORN_MODE is off, or its value is unknown: unset it");
	look_at_file(&decided.source, e);
	if (p->device.disk.limits.unit_max && p->identified)
		evidence_fact(e, "policy", "unit taken from", "%s",
			      limits_origin(p->device.disk.limits.origin));
	if (!p->device.transport)
		return;
	if (!patient_is_scsi(p))
		look_at_nvme_limits(p, &decided, e);
	look_at_rules(p, &decided, e);
	if (p->identified && !patient_is_scsi(p))
		advise_on_unit(p, e);
}
