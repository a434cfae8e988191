/*
 * exporter - what /metrics tells: requests by route, targets, and the agent itself.
 *
 * Threads:  the web thread.
 * Memory:   the caller frees *bytes.
 * Errors:   -ENOMEM.
 * Names:    OpenTelemetry's where it has one; ringside_process_* are those watched, plain process_*
 *           this process. Counters never go back while the agent lives.
 */
#ifndef WEB_EXPORTER_H
#define WEB_EXPORTER_H

#include "exposition.h"
#include "site.h"

#define EXPORTER_ROUTES 2000 /* of a reply: about 7 MB; the rest is counted */

int exporter_render(struct site *site, const struct request *r, bool open, char **bytes,
		    size_t *length);

/* Its parts. */
void exporter_service(struct exposition_labels *l, const char *service, const char *environment);
void exporter_put_incidents(struct exposition *e, const struct metrics_row *rows, int count);
void exporter_put_targets(struct exposition *e, const struct metrics_process *rows, int count);
void exporter_put_agent(struct exposition *e, const struct site *site, const struct request *r);
void exporter_put_cache(struct exposition *e, const struct site *site);
void exporter_put_origins(struct exposition *e, const struct site *site);
void exporter_put_proxy(struct exposition *e, const struct site *site);

#endif
