#include "origin_answer.h"

#include "text.h"
#include "transfer_head.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define ORIGIN_UNSAID UINT64_MAX

/* What an answer's Cache-Control says, all of its lines together. */
struct origin_control {
	bool never;               /* no-store, no-cache, private */
	bool strict;              /* never stale */
	uint64_t max_s, shared_s; /* ORIGIN_UNSAID: it does not */
};

/* "60", also in quotes; what is no number is 0: over at once. */
static uint64_t origin_seconds(const char *text, size_t length)
{
	uint64_t s = 0;

	if (length > 1 && *text == '"' && text[length - 1] == '"') {
		text++;
		length -= 2;
	}
	for (size_t i = 0; i < length; i++) {
		if (text[i] < '0' || text[i] > '9')
			return 0;
		s = s * 10 + (uint64_t)(text[i] - '0');
		s = s < CACHE_TTL_MAX_S ? s : CACHE_TTL_MAX_S;
	}
	return s;
}

static bool origin_is_word(const char *text, size_t length, const char *word)
{
	return strlen(word) == length && !strncasecmp(text, word, length);
}

static void origin_control_one(struct origin_control *c, const char *text, size_t length)
{
	const char *equals = memchr(text, '=', length);
	size_t name = equals ? (size_t)(equals - text) : length;
	uint64_t s = equals ? origin_seconds(equals + 1, length - name - 1) : 0;

	if (origin_is_word(text, name, "no-store") || origin_is_word(text, name, "no-cache") ||
	    origin_is_word(text, name, "private"))
		c->never = true;
	else if (origin_is_word(text, name, "must-revalidate") ||
		 origin_is_word(text, name, "proxy-revalidate"))
		c->strict = true;
	else if (origin_is_word(text, name, "s-maxage"))
		c->shared_s = s < c->shared_s ? s : c->shared_s;
	else if (origin_is_word(text, name, "max-age"))
		c->max_s = s < c->max_s ? s : c->max_s;
}

/* The next of some that are parted by commas, outside of quotes; *length: what is left. */
static const char *origin_next(const char **text, size_t *left, size_t *length)
{
	const char *from = *text, *at = from, *end = from + *left;
	bool quoted = false;

	while (at < end && (quoted || *at != ',')) {
		quoted ^= *at == '"';
		at++;
	}
	*text = at < end ? at + 1 : end;
	*left = (size_t)(end - *text);
	while (from < at && (*from == ' ' || *from == '\t'))
		from++;
	while (at > from && (at[-1] == ' ' || at[-1] == '\t'))
		at--;
	*length = (size_t)(at - from);
	return from;
}

static void origin_control_read(const char *head, struct origin_control *c)
{
	const char *from = NULL, *value, *one;
	size_t left, length;

	*c = (struct origin_control){ .max_s = ORIGIN_UNSAID, .shared_s = ORIGIN_UNSAID };
	while ((value = transfer_head_find(head, "Cache-Control", &from, &left))) {
		while (left) {
			one = origin_next(&value, &left, &length);
			origin_control_one(c, one, length);
		}
	}
	from = NULL;
	while ((value = transfer_head_find(head, "Vary", &from, &left)))
		c->never = c->never || memchr(value, '*', left);
}

static void origin_keep(const struct origin_rule *rule, const char *head, uint64_t ttl_s,
			struct origin_answer *out)
{
	struct origin_control c;
	const char *age;
	uint64_t said_s, aged_s = 0;
	size_t length;

	out->ttl_s = ttl_s;
	out->revalidate_s = rule->revalidate_s;
	out->error_s = rule->error_s;
	if (!rule->honours)
		return;
	origin_control_read(head, &c);
	age = transfer_head_find(head, "Age", NULL, &length);
	if (age)
		aged_s = origin_seconds(age, length);
	said_s = c.shared_s != ORIGIN_UNSAID ? c.shared_s : c.max_s;
	if (said_s != ORIGIN_UNSAID) /* that there is none is not known for longer than we may */
		out->ttl_s = out->found || said_s < ttl_s ? said_s : ttl_s;
	if (said_s != ORIGIN_UNSAID)
		out->ttl_s = out->ttl_s > aged_s ? out->ttl_s - aged_s : 0;
	if (c.never)
		out->ttl_s = 0;
	if (c.strict)
		out->revalidate_s = out->error_s = 0;
}

/* False: it is none that can be kept, or told on. */
static bool origin_type_read(const char *head, char out[CACHE_TYPE + 1u])
{
	static const char none[] = "application/octet-stream";
	size_t length;
	const char *type = transfer_head_find(head, "Content-Type", NULL, &length);

	if (!type || !length) {
		memcpy(out, none, sizeof(none));
		return true;
	}
	if (length > CACHE_TYPE)
		return false;
	for (size_t i = 0; i < length; i++)
		if (type[i] < ' ' || type[i] > '~')
			return false;
	memcpy(out, type, length);
	out[length] = '\0';
	return true;
}

static bool origin_type_fits(const struct origin_rule *rule, const char *type)
{
	char media[CACHE_TYPE + 1u];
	size_t length = strcspn(type, "; \t");

	for (size_t i = 0; i < length; i++)
		media[i] = (char)(type[i] >= 'A' && type[i] <= 'Z' ? type[i] - 'A' + 'a' : type[i]);
	media[length] = '\0';
	for (uint32_t i = 0; i < rule->type_count; i++)
		if (text_glob(rule->types[i], media))
			return true;
	return !rule->type_count;
}

static bool origin_tag_is_there(const char *tags, const char *tag, size_t length)
{
	for (const char *at = tags; *at; at += strspn(at, " ")) {
		size_t n = strcspn(at, " ");

		if (n == length && !memcmp(at, tag, n))
			return true;
		at += n;
	}
	return false;
}

static bool origin_tag_add(char out[ORIGIN_ANSWER_TAGS], uint32_t *count, const char *tag,
			   size_t length)
{
	size_t used = strlen(out);

	if (origin_tag_is_there(out, tag, length))
		return true;
	if (*count == CACHE_TAGS || length > CACHE_TAG)
		return false;
	for (size_t i = 0; i < length; i++)
		if (tag[i] <= ' ' || tag[i] > '~' || tag[i] == ',')
			return false;
	if (used)
		out[used++] = ' ';
	memcpy(out + used, tag, length);
	out[used + length] = '\0';
	(*count)++;
	return true;
}

/*
 * Those of the rule and of the answer (Surrogate-Key). False: not all of them can be kept; what
 * could not be invalidated by one of its tags must not be kept either.
 */
static bool origin_tags_read(const struct origin_rule *rule, const char *head,
			     char out[ORIGIN_ANSWER_TAGS])
{
	const char *from = NULL, *value;
	size_t left, length;
	uint32_t count = 0;
	bool all = true;

	out[0] = '\0';
	for (uint32_t i = 0; i < rule->tag_count; i++)
		all = origin_tag_add(out, &count, rule->tags[i], strlen(rule->tags[i])) && all;
	while ((value = transfer_head_find(head, "Surrogate-Key", &from, &left))) {
		for (; left; value += length, left -= length) {
			bool blank = *value == ' ' || *value == '\t';

			length = 1;
			while (!blank && length < left && !strchr(" \t", value[length]))
				length++;
			if (!blank)
				all = origin_tag_add(out, &count, value, length) && all;
		}
	}
	return all;
}

/* It was not asked for, and we have no place to say how to take it off. */
static bool origin_is_encoded(const char *head)
{
	size_t length;
	const char *value = transfer_head_find(head, "Content-Encoding", NULL, &length);

	return value && length && !origin_is_word(value, length, "identity");
}

/* All that is said of its length, by one header or by several, is true of what came. */
static bool origin_length_fits(const struct transfer_result *result)
{
	const char *from = NULL, *value;
	size_t length;

	if (transfer_head_find(result->head, "Transfer-Encoding", NULL, &length))
		return true; /* then it says itself where it ends */
	while ((value = transfer_head_find(result->head, "Content-Length", &from, &length))) {
		char *end;

		if (strtoull(value, &end, 10) != result->content_length || end != value + length)
			return false;
	}
	return true;
}

static void origin_value_read(const struct origin_rule *rule, uint64_t ttl_s,
			      const struct transfer_result *result, struct origin_words *words,
			      struct origin_answer *out)
{
	out->fault = ORIGIN_ODD;
	out->text = "a part, which nobody asked for";
	if (result->status == 206)
		return;
	out->text = "a content encoding, which nobody asked for";
	if (origin_is_encoded(result->head))
		return;
	out->text = "a content length that is none of what came";
	if (!origin_length_fits(result))
		return;
	out->text = "a content type that cannot be kept";
	if (!origin_type_read(result->head, words->type))
		return;
	out->fault = ORIGIN_FINE;
	out->text = result->text;
	out->found = true;
	out->value = (struct cache_bytes){ result->content, result->content_length };
	origin_keep(rule, result->head, rule->ttl_s ? rule->ttl_s : ttl_s, out);
	if (!origin_tags_read(rule, result->head, words->tags) ||
	    !rule->kept[result->status - 200] || !origin_type_fits(rule, words->type))
		out->ttl_s = 0;
}

static enum origin_fault origin_fault_of(const struct transfer_result *result)
{
	static const enum origin_fault ends[TRANSFER_ENDS] = {
		[TRANSFER_WHOLE] = ORIGIN_FINE,  [TRANSFER_AWAY] = ORIGIN_AWAY,
		[TRANSFER_LATE] = ORIGIN_LATE,   [TRANSFER_CUT] = ORIGIN_CUT,
		[TRANSFER_LARGE] = ORIGIN_LARGE, [TRANSFER_ODD] = ORIGIN_ODD,
		[TRANSFER_OURS] = ORIGIN_OURS,
	};
	uint32_t status = result->status;

	if (result->end != TRANSFER_WHOLE)
		return ends[result->end];
	if (status / 100 == 2 || status == 404 || status == 410)
		return ORIGIN_FINE;
	if (status / 100 == 3)
		return ORIGIN_REDIRECT;
	if (status / 100 == 5 || status == 429)
		return ORIGIN_FAILING;
	return status / 100 == 4 ? ORIGIN_REFUSED : ORIGIN_ODD;
}

void origin_answer_read(const struct origin_rule *rule, uint64_t ttl_s,
			const struct transfer_result *result, struct origin_words *words,
			struct origin_answer *out)
{
	words->type[0] = words->tags[0] = '\0';
	*out = (struct origin_answer){ .fault = origin_fault_of(result),
				       .status = result->status,
				       .text = result->text,
				       .type = words->type,
				       .tags = words->tags };
	if (out->fault != ORIGIN_FINE)
		return;
	if (result->status / 100 == 2)
		origin_value_read(rule, ttl_s, result, words, out);
	else
		origin_keep(rule, result->head, rule->negative_s, out);
}

bool origin_fault_is_its_own(enum origin_fault fault)
{
	switch (fault) {
	case ORIGIN_AWAY:
	case ORIGIN_LATE:
	case ORIGIN_CUT:
	case ORIGIN_ODD:
	case ORIGIN_OURS:
	case ORIGIN_FAILING:
		return true;
	case ORIGIN_FINE:
	case ORIGIN_LARGE:
	case ORIGIN_REDIRECT:
	case ORIGIN_REFUSED:
	case ORIGIN_BROKEN:
	case ORIGIN_CLOSED:
	case ORIGIN_FAULTS:
		break;
	}
	return false;
}

const char *origin_fault_name(enum origin_fault fault)
{
	static const char *const names[ORIGIN_FAULTS] = {
		[ORIGIN_FINE] = "fine",
		[ORIGIN_AWAY] = "not there",
		[ORIGIN_LATE] = "timeout",
		[ORIGIN_CUT] = "cut short",
		[ORIGIN_LARGE] = "too large",
		[ORIGIN_ODD] = "odd answer",
		[ORIGIN_OURS] = "our own address",
		[ORIGIN_REDIRECT] = "redirect",
		[ORIGIN_REFUSED] = "refused",
		[ORIGIN_FAILING] = "failing",
		[ORIGIN_BROKEN] = "circuit open",
		[ORIGIN_CLOSED] = "closed",
	};

	return names[fault];
}
