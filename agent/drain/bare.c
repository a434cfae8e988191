#include "bare.h"

#include <errno.h>
#include <stdlib.h>

struct bare_one {
	struct bare_one *next;
	struct capture_target target; /* the sink's, from seen to gone */
};

static struct bare_one **bare_find(struct bare *b, uint64_t key)
{
	struct bare_one **at = &b->first;

	while (*at && (*at)->target.key != key)
		at = &(*at)->next;
	return at;
}

int bare_add(struct bare *b, const struct drain_sink *sink, const struct capture_target *target)
{
	struct bare_one *one;

	if (*bare_find(b, target->key))
		return 0; /* told twice: a new worker also reads what its predecessor left */
	one = malloc(sizeof(*one));
	if (!one)
		return -ENOMEM;
	one->target = *target;
	one->next = b->first;
	b->first = one;
	b->told++;
	sink->seen(sink->ctx, &one->target);
	return 0;
}

void bare_died(struct bare *b, const struct drain_sink *sink, uint64_t key, uint64_t now_ns)
{
	struct bare_one **at = bare_find(b, key), *one = *at;

	if (!one)
		return;
	*at = one->next;
	b->told++;
	sink->gone(sink->ctx, &one->target, now_ns);
	free(one);
}

void bare_fini(struct bare *b)
{
	while (b->first) {
		struct bare_one *one = b->first;

		b->first = one->next;
		free(one);
	}
}
