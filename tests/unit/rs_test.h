/*
 * rs_test - what every unit test includes: cmocka with the headers it wants before it.
 */
#ifndef RS_TEST_H
#define RS_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* Says why: tools/test shows it, though the other tests of the program ran. */
#define rs_skip(reason)                                                                            \
	do {                                                                                       \
		print_message("skipped: %s\n", reason);                                            \
		skip();                                                                            \
	} while (0)

#endif
