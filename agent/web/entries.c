#include "entries.h"

#include "behind.h"
#include "negotiate.h"
#include "origin_template.h"
#include "tree.h"
#include "warmer.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define ENTRIES_S_NS UINT64_C(1000000000)
#define ENTRIES_ETAG 24
#define ENTRIES_MADE 8192 /* bytes of a key that is made of a request */

int entries_check(const struct site *site, struct refusal *no)
{
	if (site->cache)
		return 0;
	return refuse(no, 503, "cache_off", "the cache is turned off by cache.enabled");
}

static int entries_refuse(struct refusal *no, const char *field, const char *code,
			  const char *message)
{
	snprintf(no->field, sizeof(no->field), "%s", field);
	return refuse(no, 400, code, "%s", message);
}

int entries_object(const struct request *r, const char *const *names, struct tree **out,
		   struct refusal *no)
{
	const char *name = NULL, *const * known;
	struct tree_error error;
	int ret = tree_open_any(out, r->body ? r->body : "", r->body_length, &error);

	if (ret == -ENOMEM)
		return ret;
	if (ret)
		return refuse(no, 400, "bad_json", "line %d: %s", error.line, error.text);
	ret = tree_kind(*out) == TREE_OBJECT
		      ? 0
		      : refuse(no, 400, "bad_json", "the body must be an object");
	while (!ret && tree_next(*out, &name)) {
		for (known = names; *known && strcmp(*known, name) != 0;)
			known++;
		if (!*known)
			ret = entries_refuse(no, name, "unknown_member",
					     "the body has a member that this endpoint does not "
					     "take");
	}
	if (!ret)
		return 0;
	tree_close(*out);
	*out = NULL;
	return ret;
}

int entries_text(const struct tree *object, const char *name, struct cache_bytes *out,
		 struct refusal *no)
{
	out->at = tree_text_bytes(tree_member(object, name), &out->length);
	if (out->at && out->length)
		return 0;
	return entries_refuse(no, name, "bad_member", "must be a text, and not an empty one");
}

static void entries_etag(const struct cache_value *v, char out[ENTRIES_ETAG])
{
	snprintf(out, ENTRIES_ETAG, "\"%016" PRIx64 "\"", v->checksum);
}

/* etag: of what is there; "": nothing is. */
static int entries_check_match(const struct entries_ask *a, const char *etag)
{
	const char *wanted = a->request->if_match;

	if (!wanted || (*etag && negotiate_matches(wanted, etag)))
		return 0;
	return refuse(a->no, 412, "precondition_failed",
		      *etag ? "what is cached under this key is not what If-Match names"
			    : "nothing is cached under this key, and If-Match wants it to be");
}

int entries_conditions(const struct entries_ask *a)
{
	const struct request *r = a->request;
	char etag[ENTRIES_ETAG] = "";
	struct cache_value *v;
	uint64_t left_ns;

	if (!r->if_match && !r->if_none_match)
		return 0;
	v = cache_peek(a->site->cache, a->key, r->now_ns, &left_ns);
	if (v)
		entries_etag(v, etag);
	cache_value_put(v);
	if (entries_check_match(a, etag))
		return -EINVAL;
	if (!*etag || !r->if_none_match || !negotiate_has(r->if_none_match, etag))
		return 0;
	return refuse(a->no, 412, "precondition_failed",
		      "what is cached under this key is what If-None-Match rules out");
}

static int entries_later(struct reply *out, uint32_t place)
{
	*out = (struct reply){ .later = true, .later_for = place };
	return 0;
}

static int entries_found(struct reply *out, struct cache_value *v, uint64_t left_ns)
{
	out->value = v;
	out->type = v->type;
	out->max_age_s = left_ns / ENTRIES_S_NS;
	return 0;
}

static int entries_none(const struct entries_ask *a)
{
	return refuse(a->no, 404, "not_cached", "nothing is cached under this key");
}

/* Its origin was not asked. */
static int entries_unasked(const struct entries_ask *a, int error)
{
	if (error == -ENOMEM)
		return error;
	if (error == -EINVAL || error == -ENAMETOOLONG)
		return entries_refuse(a->no, "key", "bad_key",
				      "the origin of its prefix can have no such key");
	a->no->retry_after_s = 1;
	if (error == -EHOSTDOWN)
		return refuse(a->no, 503, "origin_down",
			      "the origin of this key does not answer: it is not asked for now");
	return refuse(a->no, 503, "busy", "too many wait for the origin of this key");
}

static int entries_of_origin(const struct entries_ask *a, enum through_answer answer,
			     const struct through_found *found, struct reply *out)
{
	switch (answer) {
	case THROUGH_LATER:
		return entries_later(out, found->place);
	case THROUGH_FOUND:
		out->fetched = !found->stale;
		out->stale = found->stale;
		out->unkept = out->fetched && !found->left_ns;
		return entries_found(out, found->value, found->left_ns);
	case THROUGH_FAULT:
		return refuse(a->no, 502, "origin_failed", "the origin of this key: %s: %s",
			      origin_fault_name(found->fault), found->text);
	case THROUGH_REFUSED:
		return entries_unasked(a, found->error);
	case THROUGH_ABSENT:
		return refuse(a->no, 404, "not_found_at_origin",
			      "its origin has nothing under this key");
	default:
		return entries_none(a);
	}
}

/* Out of memory, from behind it, or from its origin; out->later: it is not known yet. */
static int entries_look(const struct entries_ask *a, struct reply *out)
{
	const struct request *r = a->request;
	const struct behind_look look = { a->key, r->now_ns, r->again, r->at_once };
	const struct through_look far = { a->key, r->who, r->at_once };
	enum through_answer told = THROUGH_NONE;
	enum behind_answer answer = BEHIND_NONE;
	struct through_found fetched;
	struct behind_found found;

	*out = (struct reply){ .status = 200 };
	if (a->site->warmer && !r->again)
		warmer_asked(a->site->warmer, a->key);
	found.value =
		r->again ? NULL : cache_get(a->site->cache, a->key, r->now_ns, &found.left_ns);
	if (!found.value && a->site->through)
		told = through_near(a->site->through, &far, &fetched);
	if (told != THROUGH_NONE)
		return entries_of_origin(a, told, &fetched, out);
	if (!found.value && a->site->behind)
		answer = behind_ask(a->site->behind, &look, &found);
	if (answer == BEHIND_LATER)
		return entries_later(out, found.place);
	out->behind = answer == BEHIND_FOUND;
	if (found.value)
		return entries_found(out, found.value, found.left_ns);
	if (!a->site->through)
		return entries_none(a);
	told = through_ask(a->site->through, &far, &fetched);
	return entries_of_origin(a, told, &fetched, out);
}

int entries_get(const struct entries_ask *a, struct reply *out)
{
	const char *wanted = a->request->if_none_match;
	struct cache_value *v;
	char etag[ENTRIES_ETAG] = "";
	int ret;

	if (entries_check(a->site, a->no))
		return -EINVAL;
	ret = entries_look(a, out);
	if (ret || out->later)
		return ret;
	v = out->value;
	if (wanted || a->request->if_match)
		entries_etag(v, etag);
	ret = entries_check_match(a, etag);
	if (wanted && negotiate_has(wanted, etag))
		out->status = 304;
	if (!ret && v->packed && out->status == 200)
		ret = cache_expand(a->site->cache, v, &out->expanded);
	if (ret)
		reply_fini(out);
	return ret;
}

/* What a key may be made of. */
struct entries_parts {
	const struct request *request;
	const struct params *params;
};

static const char *entries_query(void *ctx, const char *name)
{
	return params_get(((const struct entries_parts *)ctx)->params, name);
}

static const char *entries_header(void *ctx, const char *name)
{
	const struct request *r = ((const struct entries_parts *)ctx)->request;

	return r->header(r->connection, name);
}

int entries_get_path(struct site *site, const struct request *r, const struct params *params,
		     struct reply *out, struct refusal *no)
{
	struct cache_bytes key = { params->key, params->key_length };
	const struct origin_rule *rule =
		site->through ? origin_rule_of(through_origin(site->through), &key) : NULL;
	struct entries_parts from = { r, params };
	const struct origin_parts parts = { &from, entries_query, entries_header };
	char made[ENTRIES_MADE];
	int length;

	if (rule && *rule->key) {
		const struct origin_name name = { key.at, key.length, strlen(rule->prefix), false };

		length = origin_key_make(rule->key, &name, &parts, made, sizeof(made));
		if (length < 0)
			return refuse(no, 414, "key_too_long",
				      "the key that is made of this request is too long");
		key = (struct cache_bytes){ made, (size_t)length };
	} else if (params->count) {
		return refuse(no, 400, "unknown_parameter", "this endpoint takes no parameters");
	}
	return entries_get(&(struct entries_ask){ site, r, &key, no }, out);
}

int entries_get_posted(struct site *site, const struct request *r, struct reply *out,
		       struct refusal *no)
{
	static const char *const names[] = { "key", NULL };
	struct cache_bytes key;
	struct tree *body;
	int ret = entries_object(r, names, &body, no);

	if (ret)
		return ret;
	ret = entries_text(body, "key", &key, no);
	if (!ret && key.length > CACHE_KEY_MAX)
		ret = entries_refuse(no, "key", "bad_key", "a key has at most 65536 bytes");
	if (!ret)
		ret = entries_get(&(struct entries_ask){ site, r, &key, no }, out);
	tree_close(body);
	return ret;
}
