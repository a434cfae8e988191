#include "router.h"

#include "access.h"
#include "asset.h"
#include "cache.h"
#include "entries.h"
#include "events.h"
#include "exporter.h"
#include "front.h"
#include "negotiate.h"
#include "text.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define ROUTER_PREFIX "{\"success\":true,\"data\":"
#define ROUTER_JSON "application/json"
#define ROUTER_CACHE "/api/cache/"
#define ROUTER_ESCAPED 6 /* bytes of JSON for one of a key */

enum router_flag {
	ROUTER_PUBLIC = 1 << 0,     /* needs no token, whatever is configured */
	ROUTER_PRIVILEGED = 1 << 1, /* reveals inner data */
	ROUTER_SHELF = 1 << 2,      /* made of metrics alone: good while their generation stands */
	ROUTER_ASKS = 1 << 3,       /* its render looks at the parameters itself */
	ROUTER_POST = 1 << 4,       /* takes this method and no GET */
	ROUTER_DELETE = 1 << 5,
	ROUTER_PUT = 1 << 6,
	ROUTER_ROOT = 1 << 7, /* privileged is also who is root on loopback TCP */
	ROUTER_CHANGES = ROUTER_POST | ROUTER_DELETE | ROUTER_PUT,
};

struct router_call {
	struct site *site;
	const struct request *request;
	const struct params *params;
	const struct router_endpoint *endpoint;
	struct refusal *no;
};

struct router_endpoint {
	const char *path;                                              /* a glob */
	document_fn document;                                          /* in the envelope, or … */
	int (*render)(const struct router_call *c, struct reply *out); /* … a reply of its own */
	unsigned int take;                                             /* enum params_take */
	unsigned int flags;                                            /* enum router_flag */
};

static int router_metrics(const struct router_call *c, struct reply *out)
{
	bool open = negotiate_metrics(c->request->accept) == NEGOTIATE_OPENMETRICS;
	char *bytes;
	size_t length;
	int ret = exporter_render(c->site, c->request, open, &bytes, &length);

	if (ret)
		return ret;
	reply_bytes(out, open ? EXPOSITION_OPEN : EXPOSITION_TEXT, bytes, length);
	return 0;
}

static int router_openapi(const struct router_call *c, struct reply *out)
{
	if (!c->site->openapi && asset_openapi_open(&c->site->openapi)) {
		c->site->openapi = NULL;
		return -ENOMEM;
	}
	*out = (struct reply){ .status = 200, .type = REPLY_JSON, .kept = true };
	out->body = body_get(c->site->openapi);
	return 0;
}

static int router_profile(const struct router_call *c, struct reply *out)
{
	return document_profile(c->site, c->request, c->params, out, c->no);
}

static int router_events(const struct router_call *c, struct reply *out)
{
	return events_open_client(c->site, c->request, c->params, out, c->no);
}

static int router_entry(const struct router_call *c, struct reply *out)
{
	return entries_get_path(c->site, c->request, c->params, out, c->no);
}

static int router_posted(const struct router_call *c, struct reply *out)
{
	return entries_get_posted(c->site, c->request, out, c->no);
}

static const struct router_endpoint router_endpoints[] = {
	/* what is asked for most comes first */
	{ PARAMS_KEYED, NULL, router_entry, 0, ROUTER_PRIVILEGED | ROUTER_ASKS },
	{ PARAMS_KEYED, document_entry_put, NULL, PARAMS_ENTRY, ROUTER_PRIVILEGED | ROUTER_PUT },
	{ PARAMS_KEYED, document_entry_delete, NULL, 0, ROUTER_PRIVILEGED | ROUTER_DELETE },
	{ "/api/cache/get", NULL, router_posted, 0, ROUTER_PRIVILEGED | ROUTER_POST },
	{ "/api/cache/set", document_entry_set, NULL, 0, ROUTER_PRIVILEGED | ROUTER_POST },
	{ "/api/cache/stats", document_cache_stats, NULL, 0, 0 },
	{ "/api/cache/health", document_cache_health, NULL, 0, 0 },
	{ "/api/cache/clear", document_cache_clear, NULL, 0,
	  ROUTER_PRIVILEGED | ROUTER_POST | ROUTER_ROOT },
	{ "/api/cache/invalidate", document_cache_invalidate, NULL, 0,
	  ROUTER_PRIVILEGED | ROUTER_POST },
	{ "/api/cache/warm", document_cache_warm, NULL, 0, ROUTER_PRIVILEGED | ROUTER_POST },
	{ "/api/database/cache/clear", document_database_clear, NULL, 0,
	  ROUTER_PRIVILEGED | ROUTER_POST | ROUTER_ROOT },
	{ "/healthz", document_alive, NULL, 0, ROUTER_PUBLIC },
	{ "/readyz", document_ready, NULL, 0, ROUTER_PUBLIC },
	{ "/metrics", NULL, router_metrics, 0, ROUTER_SHELF },
	{ "/api/health", document_health, NULL, 0, 0 },
	{ "/api/performance/metrics", document_performance, NULL,
	  PARAMS_SCOPE | PARAMS_ROUTE | PARAMS_WINDOW, ROUTER_SHELF },
	{ "/api/performance/timeseries", document_timeseries, NULL,
	  PARAMS_SCOPE | PARAMS_ROUTE | PARAMS_WINDOW | PARAMS_SERIES, ROUTER_SHELF },
	{ "/api/services", document_services, NULL,
	  PARAMS_SERVICE | PARAMS_WINDOW | PARAMS_LIST | PARAMS_SORT, ROUTER_SHELF },
	{ "/api/processes", document_processes, NULL,
	  PARAMS_SCOPE | PARAMS_WINDOW | PARAMS_LIST | PARAMS_SORT, ROUTER_SHELF },
	{ "/api/routes", document_routes, NULL,
	  PARAMS_SERVICE | PARAMS_ROUTE | PARAMS_WINDOW | PARAMS_LIST | PARAMS_SORT, ROUTER_SHELF },
	{ "/api/requests/slow", document_slow, NULL,
	  PARAMS_SCOPE | PARAMS_ROUTE | PARAMS_WINDOW | PARAMS_LIST,
	  ROUTER_PRIVILEGED | ROUTER_SHELF },
	{ "/api/requests/inflight", document_in_flight, NULL,
	  PARAMS_SCOPE | PARAMS_ROUTE | PARAMS_LIST, ROUTER_PRIVILEGED | ROUTER_SHELF },
	{ "/api/capture", document_capture, NULL, PARAMS_SCOPE | PARAMS_WINDOW | PARAMS_LIST,
	  ROUTER_SHELF },
	{ "/api/profile/cpu", NULL, router_profile, 0, ROUTER_PRIVILEGED | ROUTER_ASKS },
	{ "/api/profile/offcpu", NULL, router_profile, 0, ROUTER_PRIVILEGED | ROUTER_ASKS },
	/* what reads it can send no token */
	{ "/debug/pprof/profile", NULL, router_profile, 0,
	  ROUTER_PRIVILEGED | ROUTER_ASKS | ROUTER_ROOT },
	{ "/api/alerts", document_alerts, NULL, PARAMS_SERVICE | PARAMS_LIST | PARAMS_STATE, 0 },
	{ "/api/alerts/rules", document_rules, NULL, PARAMS_LIST, 0 },
	{ "/api/alerts/channels", document_channels, NULL, PARAMS_LIST, 0 },
	{ "/api/alerts/channels/*/test", document_channel_test, NULL, 0,
	  ROUTER_PRIVILEGED | ROUTER_POST },
	{ "/api/alerts/silences", document_silence, NULL, 0, ROUTER_PRIVILEGED | ROUTER_POST },
	{ "/api/alerts/silences", document_unsilence, NULL, PARAMS_ID,
	  ROUTER_PRIVILEGED | ROUTER_DELETE },
	{ "/api/alerts/*/ack", document_acknowledge, NULL, 0, ROUTER_PRIVILEGED | ROUTER_POST },
	{ "/api/fleet/hosts", document_fleet_hosts, NULL, PARAMS_WINDOW | PARAMS_LIST, 0 },
	{ "/api/fleet/services", document_fleet_services, NULL,
	  PARAMS_SERVICE | PARAMS_WINDOW | PARAMS_LIST, 0 },
	{ "/api/fleet/performance/metrics", document_fleet_performance, NULL,
	  PARAMS_SERVICE | PARAMS_ROUTE | PARAMS_WINDOW, 0 },
	{ "/api/fleet/alerts", document_fleet_alerts, NULL, PARAMS_SERVICE | PARAMS_LIST, 0 },
	{ "/api/events", NULL, router_events, 0, ROUTER_ASKS },
	{ "/api/config", document_config, NULL, 0, 0 },
	{ "/api/openapi.json", NULL, router_openapi, 0, 0 },
};

static bool router_takes(const struct router_endpoint *e, const char *method)
{
	if (e->flags & ROUTER_POST)
		return !strcmp(method, "POST");
	if (e->flags & ROUTER_DELETE)
		return !strcmp(method, "DELETE");
	if (e->flags & ROUTER_PUT)
		return !strcmp(method, "PUT");
	return !strcmp(method, "GET") || !strcmp(method, "HEAD");
}

/* Of all that the endpoints of one path change by. */
static const char *router_allow(bool reads, unsigned int changes)
{
	switch (changes) {
	case 0:
		return reads ? "GET, HEAD" : NULL;
	case ROUTER_POST:
		return "POST";
	case ROUTER_POST | ROUTER_DELETE:
		return "POST, DELETE";
	default:
		return "GET, HEAD, PUT, DELETE";
	}
}

/* The endpoint that takes this method, or, in *allow, what those of the path do. */
static const struct router_endpoint *router_find(const char *path, const char *method,
						 const char **allow)
{
	unsigned int changes = 0;
	bool reads = false;

	for (size_t i = 0; i < sizeof(router_endpoints) / sizeof(router_endpoints[0]); i++) {
		const struct router_endpoint *e = &router_endpoints[i];

		if (!text_glob(e->path, path))
			continue;
		if (router_takes(e, method))
			return e;
		reads = reads || !(e->flags & ROUTER_CHANGES);
		changes |= e->flags & ROUTER_CHANGES;
	}
	*allow = router_allow(reads, changes);
	return NULL;
}

/* Root is asked for when the whole request is there, which one that is too long never is. */
static int router_check_rights(const struct router_call *c, const struct access *access)
{
	const struct request *r = c->request;
	unsigned int flags = c->endpoint->flags;

	if (flags & ROUTER_PUBLIC)
		return 0;
	if (flags & ROUTER_PRIVILEGED)
		return access_check_privileged(access, r, flags & ROUTER_ROOT && !r->body_too_long,
					       c->no);
	return access_check_reader(access, r, c->no);
}

/* No web page can send this type, or a PUT, without asking first; an empty body needs none. */
static int router_check_body(const struct request *r, unsigned int flags, struct refusal *no)
{
	const char *type = r->content_type ? r->content_type : "";
	size_t length = strcspn(type, "; ");
	bool own = flags & ROUTER_PUT;

	if (r->body_too_long)
		return refuse(no, 413, "body_too_large", "the body is longer than %zu bytes",
			      r->body_limit);
	if (!(flags & ROUTER_CHANGES))
		return 0;
	if (own && r->body_length && !length)
		return refuse(no, 415, "bad_type", "a body must come with its own Content-Type");
	if (own || !r->body_length ||
	    (length == sizeof(ROUTER_JSON) - 1 && !strncasecmp(type, ROUTER_JSON, length)))
		return 0;
	return refuse(no, 415, "bad_type", "a body must come as Content-Type: " ROUTER_JSON);
}

/* Finds the endpoint, or why there is none for this request: rights before anything of its body. */
static int router_check(struct router_call *c)
{
	const struct access access = { c->site->config, c->site->token };
	const struct request *r = c->request;
	const char *allow;

	if (access_check_sender(&access, r, c->no))
		return -EINVAL;
	c->endpoint = router_find(c->params->path, r->method, &allow);
	if (!c->endpoint && !allow)
		return refuse(c->no, 404, "not_found", "there is no such endpoint");
	if (!c->endpoint) {
		c->no->allow = allow;
		return refuse(c->no, 405, "method_not_allowed", "this endpoint takes %s", allow);
	}
	if (router_check_rights(c, &access))
		return -EINVAL;
	return router_check_body(r, c->endpoint->flags, c->no);
}

static int router_document(const struct router_call *c, struct reply *out)
{
	struct question q = { .site = c->site,
			      .request = c->request,
			      .path = c->params->path,
			      .params = c->params,
			      .no = c->no };
	struct json j;
	int ret;

	/* A probe may carry what it likes in its query. */
	if (!(c->endpoint->flags & ROUTER_PUBLIC) &&
	    params_ask(c->params, c->endpoint->take, c->request, &q.ask, c->no))
		return -EINVAL;
	json_init(&j);
	json_raw(&j, NULL, ROUTER_PREFIX, sizeof(ROUTER_PREFIX) - 1);
	j.comma = false; /* the document is the value of the key just written */
	ret = c->endpoint->document(&q, &j);
	if (ret) {
		json_fini(&j);
		out->later = ret == -EAGAIN;
		return out->later ? 0 : ret;
	}
	j.comma = false;
	json_raw(&j, NULL, "}", 1);
	reply_json(out, c->no->status ? c->no->status : 200, &j);
	return 0;
}

/* Its own form, or the endpoint's document; both may stand on the shelf already. */
static int router_render(const struct router_call *c, struct reply *out)
{
	if (!c->endpoint->render)
		return router_document(c, out);
	if (c->params->count && !(c->endpoint->flags & ROUTER_ASKS))
		return refuse(c->no, 400, "unknown_parameter", "this endpoint takes no parameters");
	return c->endpoint->render(c, out);
}

static int router_shelf(const struct router_call *c, struct reply *out)
{
	const struct request *r = c->request;
	uint64_t generation = metrics_generation(c->site->metrics);
	bool open = c->endpoint->render && negotiate_metrics(r->accept) == NEGOTIATE_OPENMETRICS;
	const char *text = c->endpoint->render ? EXPOSITION_TEXT : REPLY_JSON;
	char key[SHELF_KEY];
	int ret;

	if (snprintf(key, sizeof(key), "%d %s", open, r->target) >= (int)sizeof(key))
		return router_render(c, out);
	*out = (struct reply){ .status = 200, .type = open ? EXPOSITION_OPEN : text };
	out->body = shelf_find(&c->site->shelf, key, generation, r->now_ns);
	if (out->body) {
		c->site->tally.counts[TALLY_SHELF]++;
		return 0;
	}
	ret = router_render(c, out);
	c->site->tally.counts[TALLY_RENDERED]++;
	if (!ret && out->body && out->status == 200)
		shelf_keep(&c->site->shelf, key, out->body, generation, r->now_ns);
	return ret;
}

size_t router_room(const struct site *site, const struct request *r)
{
	const struct access access = { site->config, site->token };
	size_t value;

	if (!site->cache || strncmp(r->target, ROUTER_CACHE, sizeof(ROUTER_CACHE) - 1) != 0 ||
	    !access_is_privileged(&access, r))
		return FRONT_BODY;
	value = cache_config_get(site->cache)->max_value;
	if (!strncmp(r->target, PARAMS_KEYED, sizeof(PARAMS_KEYED) - 1))
		return value > FRONT_BODY ? value : FRONT_BODY;
	return ROUTER_ESCAPED * (size_t)CACHE_KEY_MAX + 2 * value;
}

static void router_refuse(struct refusal *no, int error, struct reply *out)
{
	if (!no->status)
		refuse(no, 503, "unavailable", "%s",
		       error == -ENOMEM ? "the agent is out of memory"
					: "this could not be answered now");
	reply_refuse(out, no);
}

void router_answer(struct site *site, const struct request *r, struct reply *out)
{
	struct refusal no = { .status = 0 };
	struct params params;
	struct router_call c = { .site = site, .request = r, .params = &params, .no = &no };
	int ret = params_split(r->target, &params, &no);

	if (!ret)
		ret = router_check(&c);
	if (!ret)
		ret = c.endpoint->flags & ROUTER_SHELF ? router_shelf(&c, out)
						       : router_render(&c, out);
	if (ret)
		router_refuse(&no, ret, out);
	if (out->later)
		return;
	reply_negotiate(out, r);
	tally_reply(&site->tally, out->status);
}
