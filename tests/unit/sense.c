/* SPDX-License-Identifier: MIT */
/*
 * Tests rules/sense.c: which errno, and which retry, each outcome of a SCSI command gives. The
 * expected values are those of Linux's drivers/scsi. Each row of sense data is tried in both
 * formats that a disk may send, fixed and descriptor.
 */
#include <errno.h>
#include <string.h>

#include "rules/sense.h"
#include "suite.h"

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))

static const struct {
	const char *why;
	uint8_t key, code, qualifier;
	int error;
	enum sense_retry retry;
} senses[] = {
	{ "no sense", 0x0, 0, 0, -EIO, SENSE_FINAL },
	{ "recovered", 0x1, 0x17, 0x01, 0, SENSE_FINAL },
	{ "becoming ready", 0x2, 0x04, 0x01, -EIO, SENSE_WAIT },
	{ "start it first", 0x2, 0x04, 0x02, -EIO, SENSE_FINAL },
	{ "format in progress", 0x2, 0x04, 0x04, -EIO, SENSE_WAIT },
	{ "in transition", 0x2, 0x04, 0x0a, -EIO, SENSE_WAIT },
	{ "standby port", 0x2, 0x04, 0x0b, -EIO, SENSE_FINAL },
	{ "no medium", 0x2, 0x3a, 0x01, -EIO, SENSE_FINAL },
	{ "unrecovered read error", 0x3, 0x11, 0x00, -ENODATA, SENSE_FINAL },
	{ "no address mark", 0x3, 0x13, 0x00, -ENODATA, SENSE_FINAL },
	{ "record not found", 0x3, 0x14, 0x00, -ENODATA, SENSE_FINAL },
	{ "write error", 0x3, 0x0c, 0x00, -EIO, SENSE_RETRY },
	{ "hardware", 0x4, 0x44, 0x00, -EREMOTEIO, SENSE_FINAL },
	{ "invalid opcode", 0x5, 0x20, 0x00, -EREMOTEIO, SENSE_FINAL },
	{ "out of range", 0x5, 0x21, 0x00, -EREMOTEIO, SENSE_FINAL },
	{ "illegal function", 0x5, 0x22, 0x00, -EREMOTEIO, SENSE_FINAL },
	{ "invalid field", 0x5, 0x24, 0x00, -EREMOTEIO, SENSE_FINAL },
	{ "invalid parameter", 0x5, 0x26, 0x00, -EREMOTEIO, SENSE_FINAL },
	{ "write protected, as a request", 0x5, 0x27, 0x00, -EREMOTEIO, SENSE_FINAL },
	{ "logical unit not supported", 0x5, 0x25, 0x00, -EIO, SENSE_FINAL },
	{ "protection, by the initiator", 0x5, 0x10, 0x01, -EILSEQ, SENSE_FINAL },
	{ "power on or reset", 0x6, 0x29, 0x00, -EIO, SENSE_RETRY },
	{ "parameters changed", 0x6, 0x2a, 0x09, -EIO, SENSE_RETRY },
	{ "write protected", 0x7, 0x27, 0x00, -EREMOTEIO, SENSE_FINAL },
	{ "thin pool full", 0x7, 0x27, 0x07, -ENOSPC, SENSE_FINAL },
	{ "blank check", 0x8, 0, 0, -EREMOTEIO, SENSE_FINAL },
	{ "vendor's own", 0x9, 0, 0, -EIO, SENSE_FINAL },
	{ "copy aborted", 0xa, 0, 0, -EREMOTEIO, SENSE_FINAL },
	{ "aborted", 0xb, 0x00, 0x00, -EIO, SENSE_RETRY },
	{ "guard check", 0xb, 0x10, 0x01, -EILSEQ, SENSE_FINAL },
	{ "volume overflow", 0xd, 0, 0, -EREMOTEIO, SENSE_FINAL },
	{ "miscompare", 0xe, 0x1d, 0x00, -EREMOTEIO, SENSE_FINAL },
	{ "completed", 0xf, 0, 0, -EIO, SENSE_FINAL },
};

static struct scsi_outcome fixed(int row)
{
	struct scsi_outcome outcome = { .status = 0x02, .sense_length = 18 };

	outcome.sense[0] = 0xf0;                   /* fixed format (70h), with the VALID bit */
	outcome.sense[2] = senses[row].key | 0x20; /* the ILI bit must not count */
	outcome.sense[12] = senses[row].code;
	outcome.sense[13] = senses[row].qualifier;
	return outcome;
}

static struct scsi_outcome descriptor(int row)
{
	struct scsi_outcome outcome = { .status = 0x02, .sense_length = 8 };

	outcome.sense[0] = 0x72;
	outcome.sense[1] = senses[row].key;
	outcome.sense[2] = senses[row].code;
	outcome.sense[3] = senses[row].qualifier;
	return outcome;
}

START_TEST(every_sense)
{
	struct scsi_outcome forms[] = { fixed(_i), descriptor(_i) };

	for (int i = 0; i < 2; i++) {
		int error = sense_to_errno(&forms[i]);
		ck_assert_msg(error == senses[_i].error, "%s: %s", senses[_i].why,
			      strerror(-error));
		ck_assert_msg(sense_retry(&forms[i]) == senses[_i].retry, "%s: retry %d",
			      senses[_i].why, sense_retry(&forms[i]));
	}
}
END_TEST

/* A deferred error (71h, 73h) is about an earlier command. This command was not done: whatever the
 * row says, it is sent again. */
START_TEST(deferred_errors_are_not_of_this_command)
{
	struct scsi_outcome forms[] = { fixed(_i), descriptor(_i) };

	forms[0].sense[0] = 0x71;
	forms[1].sense[0] = 0x73;
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(sense_to_errno(&forms[i]), -EIO);
		ck_assert_int_eq(sense_retry(&forms[i]), SENSE_RETRY);
	}
}
END_TEST

/* Sense data that is cut off, at any length, never turns a failure into a success. */
START_TEST(cut_sense_is_never_success)
{
	struct scsi_outcome forms[] = { fixed(_i), descriptor(_i) };

	for (int i = 0; i < 2; i++) {
		for (uint8_t length = 0; length < forms[i].sense_length; length++) {
			forms[i].sense_length = length;
			int error = sense_to_errno(&forms[i]);
			ck_assert_msg(error < 0 || senses[_i].error == 0, "%s, %d bytes",
				      senses[_i].why, length);
		}
	}
}
END_TEST

static const struct {
	const char *why;
	struct scsi_outcome outcome;
	int error;
	enum sense_retry retry;
} outcomes[] = {
	{ "good", { .status = 0x00 }, 0, SENSE_FINAL },
	{ "good, but less", { .status = 0x00, .residue = 512 }, -EIO, SENSE_FINAL },
	{ "good, but more", { .status = 0x00, .residue = -512 }, -EIO, SENSE_FINAL },
	{ "check condition without sense", { .status = 0x02 }, -EIO, SENSE_RETRY },
	{ "condition met", { .status = 0x04 }, -EIO, SENSE_FINAL },
	{ "busy", { .status = 0x08 }, -EIO, SENSE_WAIT },
	{ "intermediate", { .status = 0x10 }, -EIO, SENSE_FINAL },
	{ "reservation conflict", { .status = 0x18 }, -EBADE, SENSE_FINAL },
	{ "task set full", { .status = 0x28 }, -EIO, SENSE_WAIT },
	{ "ACA active", { .status = 0x30 }, -EIO, SENSE_FINAL },
	{ "task aborted", { .status = 0x40 }, -EIO, SENSE_RETRY },
	{ "no connection", { .host = 0x01 }, -EIO, SENSE_FINAL },
	{ "timed out", { .host = 0x03 }, -EIO, SENSE_FINAL },
	{ "bad target", { .host = 0x04 }, -EIO, SENSE_FINAL },
	{ "parity", { .host = 0x06 }, -EIO, SENSE_RETRY },
	{ "error", { .host = 0x07 }, -EIO, SENSE_RETRY },
	{ "reset", { .host = 0x08 }, -EIO, SENSE_RETRY },
	{ "soft error", { .host = 0x0b }, -EIO, SENSE_RETRY },
	{ "retry at once", { .host = 0x0c }, -EIO, SENSE_RETRY },
	{ "requeue", { .host = 0x0d }, -EIO, SENSE_WAIT },
	{ "transport disrupted", { .host = 0x0e }, -EIO, SENSE_RETRY },
	{ "transport failed fast", { .host = 0x0f }, -ENOLINK, SENSE_FINAL },
	{ "transport marginal", { .host = 0x14 }, -ENOLINK, SENSE_FINAL },
	{ "an error of the host is one, whatever the status", { .host = 0xff }, -EIO, SENSE_FINAL },
};

START_TEST(every_outcome)
{
	int error = sense_to_errno(&outcomes[_i].outcome);

	ck_assert_msg(error == outcomes[_i].error, "%s: %s", outcomes[_i].why, strerror(-error));
	ck_assert_msg(sense_retry(&outcomes[_i].outcome) == outcomes[_i].retry, "%s: retry %d",
		      outcomes[_i].why, sense_retry(&outcomes[_i].outcome));
}
END_TEST

START_TEST(recovered_but_less_is_an_error)
{
	struct scsi_outcome outcome = fixed(1); /* "recovered" */

	outcome.residue = 1;
	ck_assert_int_eq(sense_to_errno(&outcome), -EIO);
}
END_TEST

Suite *suite(void)
{
	Suite *suite = suite_create("sense");
	TCase *tc = tcase_create("tables");

	tcase_add_loop_test(tc, every_sense, 0, COUNT(senses));
	tcase_add_loop_test(tc, deferred_errors_are_not_of_this_command, 0, COUNT(senses));
	tcase_add_loop_test(tc, cut_sense_is_never_success, 0, COUNT(senses));
	tcase_add_loop_test(tc, every_outcome, 0, COUNT(outcomes));
	tcase_add_test(tc, recovered_but_less_is_an_error);
	suite_add_tcase(suite, tc);
	return suite;
}
