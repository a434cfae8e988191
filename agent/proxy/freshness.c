#include "freshness.h"

#include "cache_control.h"
#include "http_date.h"

#include <string.h>
#include <strings.h>

#define FRESHNESS_MOST_S INT64_C(31536000) /* a year: as long as the cache keeps anything */
#define FRESHNESS_S_NS UINT64_C(1000000000)

static bool freshness_is_keyed(const struct proxy_rule *r, const char *name)
{
	const struct http_text text = { name, strlen(name) };

	for (uint32_t i = 0; i < r->headers.count; i++)
		if (http_text_is(&text, r->headers.at[i]))
			return true;
	return false;
}

/* Asked for in a way that one whole stored reply does not answer. */
static bool freshness_is_partial(const struct http_head *request)
{
	return http_head_has(request, HTTP_RANGE) || http_head_has(request, HTTP_IF_RANGE) ||
	       http_head_has(request, HTTP_IF_MATCH) ||
	       http_head_has(request, HTTP_IF_UNMODIFIED_SINCE);
}

static bool freshness_says_no_cache(const struct http_head *request)
{
	const struct http_field *pragma = http_head_get(request, HTTP_PRAGMA, NULL);

	return pragma && http_text_is(&pragma->value, "no-cache");
}

void freshness_of_request(struct freshness_ask *ask, const struct proxy_rule *r,
			  const struct http_head *request)
{
	bool get = request->method.length == 3 && !memcmp(request->method.at, "GET", 3);
	bool head = request->method.length == 4 && !memcmp(request->method.at, "HEAD", 4);
	bool cookies = http_head_has(request, HTTP_COOKIE) && !r->without_cookies &&
		       !freshness_is_keyed(r, "cookie");
	struct cache_control control;

	cache_control_read(&control, request);
	*ask = (struct freshness_ask){
		.usable = (get || head) && !cookies && !control.no_store && !request->upgrade &&
			  !freshness_is_partial(request),
		.anew = control.no_cache || (!control.said && freshness_says_no_cache(request)),
		.cached = control.only_if_cached,
		.head = head,
		.authorized = http_head_has(request, HTTP_AUTHORIZATION) &&
			      !freshness_is_keyed(r, "authorization"),
		.conditional = http_head_has(request, HTTP_IF_NONE_MATCH) ||
			       http_head_has(request, HTTP_IF_MODIFIED_SINCE),
		.max_age = control.max_age,
		.min_fresh = control.min_fresh,
	};
}

/* May it be kept if the upstream says how long; said by nobody, 200 alone is. */
static bool freshness_is_kept(uint16_t status)
{
	static const uint16_t kept[] = { 200, 203, 204, 300, 301, 308, 404, 410 };

	for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++)
		if (kept[i] == status)
			return true;
	return false;
}

static bool freshness_varies_by_all(const struct http_head *reply)
{
	const struct http_field *f = NULL;
	struct http_text one;

	while ((f = http_head_get(reply, HTTP_VARY, f))) {
		struct http_text rest = f->value;

		while (http_text_next(&rest, &one))
			if (http_text_is(&one, "*"))
				return true;
	}
	return false;
}

/* One that goes on as long as somebody listens: whoever waited for its end would wait for good. */
static bool freshness_is_of_events(const struct http_head *reply)
{
	static const char events[] = "text/event-stream";
	const struct http_field *f = http_head_named(reply, "content-type", NULL);

	return f && f->value.length >= sizeof(events) - 1 &&
	       !strncasecmp(f->value.at, events, sizeof(events) - 1);
}

/* May requests with credentials be answered with it, and it be a reply to one? */
static bool freshness_is_for_all(const struct cache_control *c)
{
	return c->is_public || c->must_revalidate || c->s_maxage != CACHE_CONTROL_ABSENT;
}

static int64_t freshness_date_s(const struct http_head *reply, int64_t wall_s)
{
	const struct http_field *date = http_head_get(reply, HTTP_DATE, NULL);
	int64_t s;

	return date && !http_date_parse(&date->value, wall_s, &s) ? s : wall_s;
}

static int64_t freshness_age_of(const struct http_head *reply, int64_t wall_s, int64_t delay_s)
{
	const struct http_field *f = http_head_get(reply, HTTP_AGE, NULL);
	int64_t apparent = wall_s - freshness_date_s(reply, wall_s), said = 0;

	for (size_t i = 0; f && i < f->value.length; i++) {
		if (f->value.at[i] < '0' || f->value.at[i] > '9' || said > FRESHNESS_MOST_S)
			break;
		said = said * 10 + (f->value.at[i] - '0');
	}
	said += delay_s;
	return said > apparent ? said : apparent > 0 ? apparent : 0;
}

/* How long it is fresh from its date on; -1: nobody says. */
static int64_t freshness_lifetime_s(const struct cache_control *c, const struct http_head *reply,
				    int64_t wall_s)
{
	const struct http_field *expires = http_head_get(reply, HTTP_EXPIRES, NULL);
	int64_t s;

	if (c->s_maxage != CACHE_CONTROL_ABSENT)
		return c->s_maxage;
	if (c->max_age != CACHE_CONTROL_ABSENT)
		return c->max_age;
	if (!expires)
		return -1;
	if (http_date_parse(&expires->value, wall_s, &s))
		return 0;
	s -= freshness_date_s(reply, wall_s);
	return s > 0 ? s : 0;
}

static enum freshness_why freshness_why_not(const struct cache_control *c,
					    const struct proxy_rule *r,
					    const struct freshness_reply *came)
{
	const struct http_head *request = came->request, *reply = came->reply;

	if (!freshness_is_kept(reply->status))
		return FRESHNESS_STATUS;
	if (c->no_store || c->no_cache || c->is_private || freshness_varies_by_all(reply) ||
	    freshness_is_of_events(reply))
		return FRESHNESS_FORBIDDEN;
	if (http_head_has(request, HTTP_AUTHORIZATION) && !freshness_is_keyed(r, "authorization") &&
	    !freshness_is_for_all(c))
		return FRESHNESS_FORBIDDEN;
	return http_head_has(reply, HTTP_SET_COOKIE) ? FRESHNESS_COOKIE : FRESHNESS_KEPT;
}

static int64_t freshness_within(int64_t s)
{
	if (s < 0)
		return 0;
	return s < FRESHNESS_MOST_S ? s : FRESHNESS_MOST_S;
}

/* How long behind the end of its freshness: what the reply says, else the rule. */
static int64_t freshness_more_s(const struct cache_control *c, int64_t said, uint32_t rule_s)
{
	if (c->must_revalidate || c->proxy_revalidate || c->s_maxage != CACHE_CONTROL_ABSENT)
		return 0;
	return said != CACHE_CONTROL_ABSENT ? said : (int64_t)rule_s;
}

void freshness_of_reply(struct freshness *out, const struct proxy_rule *r,
			const struct freshness_reply *came)
{
	int64_t lifetime, left, stale, fallback;
	struct cache_control c;

	cache_control_read(&c, came->reply);
	*out = (struct freshness){ .why = freshness_why_not(&c, r, came),
				   .for_authorized = freshness_is_for_all(&c) };
	lifetime = freshness_lifetime_s(&c, came->reply, came->wall_s);
	if (lifetime < 0)
		lifetime = came->reply->status == 200 ? (int64_t)r->ttl_s : 0;
	out->age_s = (uint32_t)freshness_within(
		freshness_age_of(came->reply, came->wall_s, came->delay_s));
	left = lifetime - (int64_t)out->age_s;
	/* what is said to be stale at once is not kept because of a rule about what was fresh */
	stale = freshness_more_s(&c, c.stale_while, lifetime ? r->stale_s : 0);
	fallback = freshness_more_s(&c, c.stale_error, lifetime ? r->fallback_s : 0);
	out->fresh_s = (uint32_t)freshness_within(left);
	out->stale_s = (uint32_t)freshness_within(left < 0 ? left + stale : stale);
	out->fallback_s = (uint32_t)freshness_within(left < 0 ? left + fallback : fallback);
	if (out->why == FRESHNESS_KEPT && !out->fresh_s && !out->stale_s && !out->fallback_s)
		out->why = FRESHNESS_NO_TIME;
}

uint32_t freshness_age_s(const struct freshness_stored *s, uint64_t now_ns)
{
	return s->age_s + (uint32_t)((now_ns - s->stored_ns) / FRESHNESS_S_NS);
}

static bool freshness_is_fresh(const struct freshness_stored *s, const struct freshness_ask *ask,
			       uint64_t now_ns)
{
	if (now_ns >= s->fresh_until_ns)
		return false;
	if (ask->max_age != CACHE_CONTROL_ABSENT &&
	    (int64_t)freshness_age_s(s, now_ns) > ask->max_age)
		return false;
	return ask->min_fresh == CACHE_CONTROL_ABSENT ||
	       (int64_t)((s->fresh_until_ns - now_ns) / FRESHNESS_S_NS) >= ask->min_fresh;
}

enum freshness_answer freshness_answer(const struct freshness_stored *s,
				       const struct freshness_ask *ask, uint64_t now_ns)
{
	bool picky = ask->max_age != CACHE_CONTROL_ABSENT || ask->min_fresh != CACHE_CONTROL_ABSENT;

	if (ask->anew || (ask->authorized && !s->for_authorized))
		return FRESHNESS_NONE;
	if (freshness_is_fresh(s, ask, now_ns))
		return FRESHNESS_HIT;
	if (!picky && now_ns < s->stale_until_ns)
		return FRESHNESS_STALE;
	return now_ns < s->fallback_until_ns ? FRESHNESS_FALLBACK : FRESHNESS_NONE;
}
