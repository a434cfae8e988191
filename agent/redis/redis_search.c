#include "redis_search.h"

#include <errno.h>
#include <string.h>

#define REDIS_SEARCH_KEEP_NS UINT64_C(30000000000)
#define REDIS_SEARCH_FAILED_NS UINT64_C(5000000000)
#define REDIS_SEARCH_UNKNOWN_NS UINT64_C(1000000000)

static bool redis_search_is_at(const struct redis_search *s, const struct redis_place *p)
{
	return s->place.port == p->port && !strcmp(s->place.host, p->host) &&
	       !strcmp(s->place.path, p->path);
}

void redis_search_fini(struct redis_search *s)
{
	redis_name_drop(s->name);
	memset(s, 0, sizeof(*s));
}

void redis_search_begin(struct redis_search *s, const struct redis_place *place)
{
	if (!redis_search_is_at(s, place)) {
		redis_search_fini(s);
		s->place = *place;
		s->found.count = !redis_place_address(place, &s->found.at[0]);
	}
	s->tried = 0;
}

static bool redis_search_is_stale(const struct redis_search *s, uint64_t now_ns)
{
	uint64_t keep_ns = s->has_failed ? REDIS_SEARCH_FAILED_NS : REDIS_SEARCH_KEEP_NS;

	if (!s->found.count)
		keep_ns = REDIS_SEARCH_UNKNOWN_NS;
	return !s->is_asked || now_ns - s->asked_ns >= keep_ns;
}

static bool redis_search_is_number(const struct redis_search *s)
{
	struct redis_address address;

	return !redis_place_address(&s->place, &address);
}

/* What was to be tried is so still, wherever it stands now. */
static void redis_search_take(struct redis_search *s, const struct redis_addresses *found)
{
	const struct redis_address *wanted = &s->found.at[s->next];
	uint32_t next = 0;

	for (uint32_t i = 0; s->found.count && i < found->count; i++)
		if (found->at[i].length == wanted->length &&
		    !memcmp(&found->at[i].at, &wanted->at, wanted->length))
			next = i;
	s->found = *found;
	s->next = next;
}

/* A name that is not found any more keeps the addresses that it had. False: not yet. */
static bool redis_search_hear(struct redis_search *s, uint64_t now_ns)
{
	struct redis_addresses found;
	int ret = redis_name_get(s->name, &found, &s->fault);

	if (ret == -EAGAIN)
		return false;
	if (!ret)
		redis_search_take(s, &found);
	redis_name_drop(s->name);
	s->name = NULL;
	s->is_asked = true;
	s->asked_ns = now_ns;
	return true;
}

int redis_search_next(struct redis_search *s, uint64_t now_ns, struct redis_address *out,
		      const char **fault)
{
	bool asks = !s->name && !s->tried && !redis_search_is_number(s) &&
		    redis_search_is_stale(s, now_ns);
	int ret = asks ? redis_name_ask(&s->name, &s->place) : 0;

	if (ret) {
		*fault = strerrordesc_np(-ret);
		return ret;
	}
	if (s->name && !redis_search_hear(s, now_ns))
		return 0;
	if (!s->found.count) {
		*fault = s->fault;
		return -ENOENT;
	}
	*out = s->found.at[s->next];
	return 1;
}

int redis_search_fd(const struct redis_search *s)
{
	return s->name ? redis_name_fd(s->name) : -1;
}

void redis_search_failed(struct redis_search *s)
{
	s->has_failed = true;
	s->tried++;
	if (s->found.count)
		s->next = (s->next + 1) % s->found.count;
}

void redis_search_worked(struct redis_search *s)
{
	s->has_failed = false;
}

bool redis_search_more(const struct redis_search *s)
{
	return s->tried + 1 < s->found.count;
}
