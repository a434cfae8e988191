#include "redis_greeting.h"

#include <stdio.h>
#include <string.h>

/* A place behind the greetings that are there. */
static int redis_greeting_add(struct redis_link *l, const struct redis_text *words, size_t count,
			      uint32_t taken, redis_fn done)
{
	struct redis_call **at = &l->unsent.first, *c;
	int ret = redis_call_open(&c, words, count);

	if (ret)
		return ret;
	c->greeting = c->own = true;
	c->done = done;
	c->ctx = l;
	c->taken = taken;
	c->deadline_ns = l->until_ns;
	while (*at && (*at)->greeting)
		at = &(*at)->next;
	redis_queue_insert(&l->unsent, at, c);
	return 0;
}

static void redis_greeting_doom(struct redis_link *l, enum redis_fault fault,
				const struct redis_value *v)
{
	if (fault != REDIS_FINE && v && l->doom == REDIS_FINE)
		redis_link_doom(l, fault, v->text, v->length);
}

static void redis_greeting_plain(void *ctx, enum redis_fault fault, const struct redis_value *v)
{
	redis_greeting_doom(ctx, fault, v);
}

static void redis_greeting_ready(struct redis_link *l)
{
	if (l->doom != REDIS_FINE)
		return;
	l->state = REDIS_LINK_READY;
	redis_search_worked(&l->search);
	l->fault = REDIS_FINE;
	l->text[0] = '\0';
	l->shared->turned(l->shared->ctx, l);
}

/* Who may not ask that is none the worse for it, but does not know. */
static void redis_greeting_info(void *ctx, enum redis_fault fault, const struct redis_value *v)
{
	static const char loading[] = "LOADING";
	struct redis_link *l = ctx;

	if (fault == REDIS_FINE)
		redis_info_read(&l->info, v->text, v->length);
	else if (fault != REDIS_NOPERM)
		redis_greeting_doom(l, fault, v);
	if (l->info.loading)
		redis_link_doom(l, REDIS_LOADING, loading, sizeof(loading) - 1);
}

static void redis_greeting_save(void *ctx, enum redis_fault fault, const struct redis_value *v)
{
	struct redis_link *l = ctx;

	if (fault == REDIS_FINE)
		redis_info_save(&l->info, v);
	if (v)
		redis_greeting_ready(l);
}

static void redis_greeting_listens(void *ctx, enum redis_fault fault, const struct redis_value *v)
{
	redis_greeting_doom(ctx, fault, v);
	if (v)
		redis_greeting_ready(ctx);
}

static int redis_greeting_password(struct redis_link *l)
{
	const struct redis_url *who = l->shared->who;
	struct redis_text words[3] = { REDIS_TEXT("AUTH"), { who->user, strlen(who->user) } };
	size_t n = *who->user ? 2 : 1;

	if (!*who->password && !*who->user)
		return 0;
	words[n++] = (struct redis_text){ who->password, strlen(who->password) };
	return redis_greeting_add(l, words, n, REDIS_BIT(REDIS_STATUS), redis_greeting_plain);
}

static int redis_greeting_database(struct redis_link *l)
{
	char number[16];
	struct redis_text words[] = { REDIS_TEXT("SELECT"), { number, 0 } };

	if (!l->shared->who->db || l->channel) /* channels are of all databases */
		return 0;
	words[1].length = (size_t)snprintf(number, sizeof(number), "%u", l->shared->who->db);
	return redis_greeting_add(l, words, 2, REDIS_BIT(REDIS_STATUS), redis_greeting_plain);
}

int redis_greeting_put(struct redis_link *l, uint64_t now_ns)
{
	const struct redis_text info[] = { REDIS_TEXT("INFO") };
	const struct redis_text save[] = { REDIS_TEXT("CONFIG"), REDIS_TEXT("GET"),
					   REDIS_TEXT("save") };
	const struct redis_text listens[] = { REDIS_TEXT("SUBSCRIBE"),
					      { l->channel, l->channel ? strlen(l->channel) : 0 } };
	int ret;

	l->state = REDIS_LINK_GREETING;
	l->until_ns = now_ns + l->shared->timeout_ns;
	memset(&l->info, 0, sizeof(l->info));
	ret = redis_greeting_password(l);
	if (!ret)
		ret = redis_greeting_database(l);
	if (!ret && l->channel)
		return redis_greeting_add(l, listens, 2, REDIS_BIT(REDIS_ARRAY),
					  redis_greeting_listens);
	if (!ret)
		ret = redis_greeting_add(l, info, 1, REDIS_BIT(REDIS_STRING), redis_greeting_info);
	if (!ret)
		ret = redis_greeting_add(l, save, 3, REDIS_BIT(REDIS_ARRAY), redis_greeting_save);
	return ret;
}
