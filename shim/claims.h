/*
 * claims - what a process says of itself when it starts: names by its environment, its arguments.
 *
 * Threads:  one, in the constructor; later both may be overwritten by the process itself.
 * Memory:   everything is copied; nothing of the environment is looked at again.
 * Errors:   what is malformed is as if it were not there.
 * Cost:     one pass over the environment.
 */
#ifndef SHIM_CLAIMS_H
#define SHIM_CLAIMS_H

#include "home.h"

/* Values in the environment; NULL: not set. The first of two counts, as getenv has it. */
struct claims_found {
	const char *asked;      /* RINGSIDE */
	const char *monitoring; /* PERFORMANCE_MONITORING_ENABLED */
	const char *run_dir;    /* RINGSIDE_RUN_DIR */
	const char *service;    /* RINGSIDE_SERVICE */
	const char *otel_name;  /* OTEL_SERVICE_NAME */
	const char *attributes; /* OTEL_RESOURCE_ATTRIBUTES */
	const char *node;       /* NODE_ENV */
	const char *preload;    /* LD_PRELOAD */
};

void claims_find(const char *const *environment, struct claims_found *out);
bool claims_refuse(const struct claims_found *found); /* it does not want to be watched */

/*
 * Names and run directory. OTEL_RESOURCE_ATTRIBUTES is read as OpenTelemetry's resource SDK says:
 * percent-encoded "key=value" by commas, the last of two counts, all of it dropped at any error.
 */
void claims_take(const struct claims_found *found, struct home_claims *out);

/* argv for rs_header.arguments, all of bytes; whole arguments while they fit. */
void claims_arguments(const char *const *argv, char *out, size_t bytes);

#endif
