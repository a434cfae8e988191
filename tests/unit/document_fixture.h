/*
 * document_fixture - a site with one target, and its documents as text.
 */
#ifndef DOCUMENT_FIXTURE_H
#define DOCUMENT_FIXTURE_H

#include "config.h"
#include "health.h"
#include "metrics_fixture.h"
#include "site.h"

#define NOW (20000 * SECOND)
#define NOW_MS INT64_C(1767225600000) /* 2026-01-01T00:00:00Z */

struct document_fixture {
	struct fixture f;
	struct site site;
	struct config *config;
	struct request request;
	struct params params;
	struct refusal no;
};

/* The agent started ten minutes ago. */
static inline void document_open(struct document_fixture *d)
{
	memset(d, 0, sizeof(*d));
	fixture_open(&d->f, NOW - 600 * SECOND);
	assert_int_equal(config_open(&d->config), 0);
	assert_int_equal(health_open(&d->site.health), 0);
	d->site.metrics = d->f.m;
	d->site.config = d->config;
	d->site.token = "";
	d->site.started_ns = NOW - 600 * SECOND;
	d->request = (struct request){ .method = "GET",
				       .target = "/",
				       .local_host = "",
				       .host = "localhost",
				       .now_ns = NOW,
				       .wall_ms = NOW_MS };
}

static inline void document_close(struct document_fixture *d)
{
	shelf_fini(&d->site.shelf);
	body_put(d->site.openapi);
	metrics_close(d->f.m);
	config_close(d->config);
	health_close(d->site.health);
}

/* The document as text, freed by the caller; NULL: refused, see no. */
static inline char *document_text(struct document_fixture *d, document_fn make, const char *target)
{
	struct question q = {
		.site = &d->site, .request = &d->request, .params = &d->params, .no = &d->no
	};
	struct json j;

	memset(&d->no, 0, sizeof(d->no));
	assert_int_equal(params_split(target, &d->params, &d->no), 0);
	assert_int_equal(params_ask(&d->params, ~0u, &d->request, &q.ask, &d->no), 0);
	q.path = d->params.path;
	json_init(&j);
	if (make(&q, &j)) {
		json_fini(&j);
		return NULL;
	}
	assert_int_equal(json_finish(&j), 0);
	return j.bytes;
}

#define assert_holds(text, part)                                                                   \
	do {                                                                                       \
		if (!strstr(text, part))                                                           \
			fail_msg("%s\nis not in\n%s", part, text);                                 \
	} while (0)
#define assert_lacks(text, part) assert_null(strstr(text, part))

#endif
