#include "redis_wire.h"

#include "library.h"

#include <errno.h>
#include <hiredis/hiredis.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REDIS_WIRE_LIBRARY "libhiredis.so.0.14"
#define REDIS_WIRE_WORD 32 /* of the digits and marks around a word */

static struct {
	__typeof__(redisReaderCreateWithFunctions) *create;
	__typeof__(redisReaderFree) *free;
	__typeof__(redisReaderFeed) *feed;
	__typeof__(redisReaderGetReply) *next;
} redis_hiredis;

struct redis_wire {
	redisReader *reader;
	redisReplyObjectFunctions functions;
	size_t most, taken; /* bytes of one answer: at most, and of the one that is being read */
	bool too_long;
};

_Static_assert((int)REDIS_STRING == REDIS_REPLY_STRING && (int)REDIS_NIL == REDIS_REPLY_NIL &&
		       (int)REDIS_REFUSAL == REDIS_REPLY_ERROR,
	       "types are counted as hiredis counts them");

static int redis_wire_library(void)
{
	static const struct library_function functions[] = {
		{ "redisReaderCreateWithFunctions", &redis_hiredis.create },
		{ "redisReaderFree", &redis_hiredis.free },
		{ "redisReaderFeed", &redis_hiredis.feed },
		{ "redisReaderGetReply", &redis_hiredis.next },
	};

	return library_open(REDIS_WIRE_LIBRARY, functions,
			    sizeof(functions) / sizeof(functions[0]));
}

/* Room for so much of the answer that is being read; NULL: it gets too long, or no memory. */
static struct redis_value *redis_wire_value(const redisReadTask *task, size_t text, size_t items)
{
	struct redis_wire *w = task->privdata;
	struct redis_value *v = NULL;
	size_t left = w->most > w->taken ? w->most - w->taken : 0;
	size_t size = sizeof(*v) + text + items * sizeof(struct redis_value *);

	w->too_long = items > left / sizeof(*v) || size > left;
	if (w->too_long)
		return NULL;
	v = calloc(1, sizeof(*v) + text + 1);
	if (!v)
		return NULL;
	w->taken += size;
	v->type = (enum redis_type)task->type;
	if (items) {
		v->items = calloc(items, sizeof(struct redis_value *));
		if (!v->items) {
			free(v);
			return NULL;
		}
	}
	v->count = items;
	if (task->parent)
		((struct redis_value *)task->parent->obj)->items[task->idx] = v;
	return v;
}

static void *redis_wire_string(const redisReadTask *task, char *text, size_t length)
{
	struct redis_value *v = redis_wire_value(task, length, 0);

	if (v)
		memcpy(v->text, text, length);
	if (v)
		v->length = length;
	return v;
}

static void *redis_wire_array(const redisReadTask *task, int items)
{
	return items < 0 ? NULL : redis_wire_value(task, 0, (size_t)items);
}

static void *redis_wire_integer(const redisReadTask *task, long long number)
{
	struct redis_value *v = redis_wire_value(task, 0, 0);

	if (v)
		v->number = number;
	return v;
}

static void *redis_wire_nil(const redisReadTask *task)
{
	struct redis_value *v = redis_wire_value(task, 0, 0);

	if (v)
		v->type = REDIS_NIL;
	return v;
}

void redis_value_free(struct redis_value *v)
{
	if (!v)
		return;
	for (size_t i = 0; i < v->count; i++)
		redis_value_free(v->items[i]); /* seven deep at most: hiredis takes no more */
	free(v->items);
	free(v);
}

static void redis_wire_free(void *value)
{
	redis_value_free(value);
}

int redis_wire_open(struct redis_wire **out, size_t most_bytes)
{
	int ret = redis_wire_library();
	struct redis_wire *w;

	*out = NULL;
	if (ret)
		return ret;
	w = calloc(1, sizeof(*w));
	if (!w)
		return -ENOMEM;
	w->most = most_bytes;
	w->functions =
		(redisReplyObjectFunctions){ redis_wire_string, redis_wire_array,
					     redis_wire_integer, redis_wire_nil, redis_wire_free };
	w->reader = redis_hiredis.create(&w->functions);
	if (!w->reader) {
		free(w);
		return -ENOMEM;
	}
	w->reader->privdata = w;
	*out = w;
	return 0;
}

void redis_wire_close(struct redis_wire *w)
{
	if (!w)
		return;
	redis_hiredis.free(w->reader);
	free(w);
}

int redis_wire_feed(struct redis_wire *w, const void *bytes, size_t length)
{
	return redis_hiredis.feed(w->reader, bytes, length) == REDIS_OK ? 0 : -ENOMEM;
}

int redis_wire_next(struct redis_wire *w, struct redis_value **out)
{
	void *value = NULL;

	*out = NULL;
	if (redis_hiredis.next(w->reader, &value) != REDIS_OK)
		return w->too_long ? -EMSGSIZE : -EPROTO;
	if (value) {
		w->taken = 0;
		*out = value;
		return 1;
	}
	/* a text is told when it is whole: what is of it until then lies in the reader */
	return w->reader->len - w->reader->pos + w->taken > w->most ? -EMSGSIZE : 0;
}

char *redis_wire_question(const struct redis_text *words, size_t count, size_t *length)
{
	size_t size = REDIS_WIRE_WORD, n;
	char *out;

	for (size_t i = 0; i < count; i++)
		size += words[i].length + REDIS_WIRE_WORD;
	out = malloc(size);
	if (!out)
		return NULL;
	n = (size_t)snprintf(out, size, "*%zu\r\n", count);
	for (size_t i = 0; i < count; i++) {
		n += (size_t)snprintf(out + n, size - n, "$%zu\r\n", words[i].length);
		memcpy(out + n, words[i].bytes, words[i].length);
		n += words[i].length;
		memcpy(out + n, "\r\n", 2);
		n += 2;
	}
	*length = n;
	return out;
}
