#include "replay.h"

#include "metrics.h"
#include "source.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REPLAY_SECOND_NS UINT64_C(1000000000)
#define REPLAY_BEGIN_S UINT64_C(1000000) /* long enough after zero for every window */

struct replay {
	struct replay_config config;
	struct metrics *metrics;
	struct drain_sink sink;
	struct source source;
	struct engine *engine;
	uint32_t now_s;
	uint32_t target_count;
	struct capture_target targets[REPLAY_SERVICES];
};

static bool replay_is_of(const struct capture_target *target, const struct notice_labels *labels)
{
	return !strcmp(target->service, labels->service) &&
	       !strcmp(target->environment, labels->environment);
}

static struct capture_target *replay_target(struct replay *r, const struct notice_labels *labels)
{
	for (uint32_t i = 0; i < r->target_count; i++)
		if (replay_is_of(&r->targets[i], labels))
			return &r->targets[i];
	return NULL;
}

/* One process serves all of a service's requests. */
static int replay_seen(struct replay *r, const struct notice_labels *labels)
{
	struct capture_target *target = &r->targets[r->target_count];

	if (replay_target(r, labels))
		return 0;
	if (r->target_count == REPLAY_SERVICES)
		return -E2BIG;
	target->key = ++r->target_count;
	target->pid = (int32_t)r->target_count;
	snprintf(target->service, sizeof(target->service), "%s", labels->service);
	snprintf(target->environment, sizeof(target->environment), "%s", labels->environment);
	r->sink.seen(r->sink.ctx, target);
	return 0;
}

/* The values that a rule's metric is given, if it is given any at all. */
static bool replay_is_given(const struct replay_input *in, enum metric metric)
{
	for (size_t i = 0; i < in->value_count; i++)
		if (in->values[i].metric == metric)
			return true;
	return false;
}

static bool replay_has(const struct replay *r, const struct spec *spec,
		       const struct replay_value *v)
{
	const char *service = metric_info(spec->metric)->service ? v->labels.service : NULL;
	const char *route = spec->by_route ? v->labels.route : NULL;

	/* Told in the second behind it, as all others are. */
	return v->metric == spec->metric && r->now_s > v->from_s && r->now_s <= v->to_s &&
	       spec_has(spec, service, v->labels.environment, route);
}

bool replay_has_fed(const struct spec *spec, uint32_t step_s)
{
	static const bool fed[METRICS_OF_RULES] = { [METRIC_REQUESTS_RATE] = true,
						    [METRIC_REQUESTS_ERRORS] = true,
						    [METRIC_REQUESTS_DURATION] = true,
						    [METRIC_SLO_BURN] = true };

	int64_t step_ns = (int64_t)step_s * (int64_t)REPLAY_SECOND_NS;
	/* a burn is also that of its window's twelfth */
	int64_t least_ns = spec->window_ns / (spec->metric == METRIC_SLO_BURN ? 12 : 1);

	/* a window that cuts a slot would have all of it, or nothing */
	return fed[spec->metric] && least_ns >= step_ns && least_ns % step_ns == 0;
}

static int replay_read(void *ctx, const struct spec *spec, struct engine_reading **rows)
{
	struct replay *r = ctx;
	const struct replay_input *in = &r->config.input;
	int count = 0;

	if (r->config.feed && !replay_has_fed(spec, r->config.feed_step_s))
		return -ENODATA;
	if (!replay_is_given(in, spec->metric))
		return source_read(&r->source, spec, rows);
	*rows = calloc(in->value_count + 1, sizeof(**rows));
	if (!*rows)
		return -ENOMEM;
	for (size_t i = 0; i < in->value_count; i++) {
		if (!replay_has(r, spec, &in->values[i]))
			continue;
		(*rows)[count++] =
			(struct engine_reading){ &in->values[i].labels, in->values[i].value };
	}
	return count;
}

static void replay_label(void *ctx, const struct spec *spec, const void *of,
			 struct notice_labels *out)
{
	struct replay *r = ctx;

	if (replay_is_given(&r->config.input, spec->metric))
		*out = *(const struct notice_labels *)of;
	else
		source_label(&r->source, spec, of, out);
}

static int replay_open_engine(struct replay *r, struct book *book)
{
	const struct engine_config config = { .read = replay_read,
					      .label = replay_label,
					      .ctx = r,
					      .turned = r->config.turned,
					      .turned_ctx = r->config.ctx,
					      .second_level = r->config.second_level,
					      .third_level = r->config.third_level,
					      .base = "" };
	int ret = engine_open(&r->engine, &config);

	if (!ret)
		ret = engine_rules(r->engine, book, (int64_t)(REPLAY_BEGIN_S * REPLAY_SECOND_NS),
				   r->config.begin_ms);
	if (ret)
		book_close(book);
	return ret;
}

int replay_open(struct replay **out, const struct replay_config *config, struct book *book)
{
	const struct metrics_limits limits = {
		80, 90, 95, 70, 85, REPLAY_SECOND_NS, 5 * REPLAY_SECOND_NS
	};
	struct replay *r = calloc(1, sizeof(*r));
	int ret;

	if (!r) {
		book_close(book);
		return -ENOMEM;
	}
	r->config = *config;
	r->source.agent = (struct source_agent){ .cpu_percent = (double)NAN,
						 .memory = (double)NAN,
						 .redis_failures = (double)NAN };
	ret = replay_open_engine(r, book);
	if (!ret)
		ret = metrics_open(&r->metrics, &limits, REPLAY_BEGIN_S * REPLAY_SECOND_NS);
	if (!ret) {
		r->source.metrics = r->metrics;
		metrics_sink(r->metrics, &r->sink);
	}
	for (size_t i = 0; !ret && i < config->input.load_count; i++)
		ret = replay_seen(r, &config->input.loads[i].labels);
	if (ret) {
		replay_close(r);
		return ret;
	}
	*out = r;
	return 0;
}

void replay_close(struct replay *r)
{
	if (!r)
		return;
	engine_close(r->engine);
	metrics_close(r->metrics);
	free(r);
}

static void replay_requests(struct replay *r, const struct replay_load *load, uint64_t end_ns)
{
	const struct capture_target *target = replay_target(r, &load->labels);
	struct drain_request request = { .end_ns = end_ns,
					 .span_ns = load->span_ns,
					 .path = load->labels.route,
					 .status = load->status,
					 .method = load->method,
					 .shape = true };
	struct drain_counters delta = { .begun = load->per_s,
					.requests = load->per_s,
					.span_ns = load->per_s * load->span_ns };
	const struct drain_ledger ledger = { .delivered = { 0 } };

	delta.pushed[RS_KIND_REQUEST] = load->per_s;
	delta.status[load->status / 100 - 1] = load->per_s;
	for (uint32_t i = 0; i < load->per_s; i++) {
		request.id++;
		r->sink.request(r->sink.ctx, target, &request);
	}
	r->sink.counters(r->sink.ctx, target, &delta, &ledger, end_ns, false);
}

int replay_step(struct replay *r)
{
	const struct replay_time when = { r->now_s, (uint32_t)REPLAY_BEGIN_S + r->now_s };
	uint64_t begin_ns = (REPLAY_BEGIN_S + r->now_s) * REPLAY_SECOND_NS, now_ns;
	int ret = 0;

	for (size_t i = 0; i < r->config.input.load_count; i++) {
		const struct replay_load *load = &r->config.input.loads[i];

		if (r->now_s >= load->from_s && r->now_s < load->to_s)
			replay_requests(r, load, begin_ns + REPLAY_SECOND_NS / 2);
	}
	if (r->config.feed)
		ret = r->config.feed(r->config.feed_ctx, r->metrics, &when);
	r->now_s++;
	now_ns = begin_ns + REPLAY_SECOND_NS;
	r->sink.tick(r->sink.ctx, now_ns);
	source_begin(&r->source, (int64_t)now_ns);
	engine_step(r->engine, (int64_t)now_ns, r->config.begin_ms + (int64_t)r->now_s * 1000);
	source_end(&r->source);
	engine_sent(r->engine, r->engine->outbox_count);
	return ret;
}
