/*
 * defaults - the rules that are shipped: the guide's thresholds.
 *
 * Threads:  constants.
 * Memory:   none.
 * Errors:   none; a test holds that they can be read.
 */
#ifndef RULES_DEFAULTS_H
#define RULES_DEFAULTS_H

#include "config_file.h"

#define DEFAULTS_NAME "shipped" /* where they come from, as a rule says it */

struct config_text defaults_text(void);

#endif
