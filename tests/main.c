/* SPDX-License-Identifier: MIT */
/* Runs the one suite of a test file. 0: all passed, 1: not all, 77: cannot run here. */
#include <stdlib.h>

#include "suite.h"

int main(void)
{
	SRunner *runner = srunner_create(suite());

	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
