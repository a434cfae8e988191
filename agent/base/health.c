#include "health.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct health {
	pthread_mutex_t lock;
	struct health_part parts[HEALTH_PARTS];
	size_t count;
	struct facility facilities[HEALTH_FACILITIES];
	size_t facility_count;
	bool ready;
	char reason[HEALTH_REASON];
};

int health_open(struct health **out)
{
	struct health *h = calloc(1, sizeof(*h));
	int ret;

	if (!h)
		return -ENOMEM;
	ret = pthread_mutex_init(&h->lock, NULL);
	if (ret) {
		free(h);
		return -ret;
	}
	snprintf(h->reason, sizeof(h->reason), "starting");
	*out = h;
	return 0;
}

void health_close(struct health *h)
{
	if (!h)
		return;
	pthread_mutex_destroy(&h->lock);
	free(h);
}

static struct health_part *health_find(struct health *h, const char *name)
{
	for (size_t i = 0; i < h->count; i++) {
		if (!strncmp(h->parts[i].name, name, HEALTH_NAME - 1))
			return &h->parts[i];
	}
	return NULL;
}

int health_put(struct health *h, const char *name, enum health_status status, const char *reason,
	       int64_t wall_ms)
{
	struct health_part *part;
	int ret = 0;

	pthread_mutex_lock(&h->lock);
	part = health_find(h, name);
	if (!part && h->count == HEALTH_PARTS) {
		ret = -ENOSPC;
		goto out;
	}
	if (!part) {
		part = &h->parts[h->count++];
		snprintf(part->name, sizeof(part->name), "%s", name);
		part->since_ms = wall_ms;
	} else if (part->status != status) {
		part->since_ms = wall_ms;
	}
	part->status = status;
	snprintf(part->reason, sizeof(part->reason), "%s", reason ? reason : "");
out:
	pthread_mutex_unlock(&h->lock);
	return ret;
}

void health_drop(struct health *h, const char *name)
{
	struct health_part *part;

	pthread_mutex_lock(&h->lock);
	part = health_find(h, name);
	if (part) {
		h->count--;
		memmove(part, part + 1, (size_t)(h->parts + h->count - part) * sizeof(*part));
	}
	pthread_mutex_unlock(&h->lock);
}

size_t health_list(struct health *h, struct health_part *out, size_t room)
{
	size_t count;

	pthread_mutex_lock(&h->lock);
	count = h->count < room ? h->count : room;
	memcpy(out, h->parts, count * sizeof(*out));
	pthread_mutex_unlock(&h->lock);
	return count;
}

enum health_status health_worst(struct health *h)
{
	enum health_status worst = HEALTH_HEALTHY;

	pthread_mutex_lock(&h->lock);
	for (size_t i = 0; i < h->count; i++) {
		/* What nobody asked for makes nothing worse. */
		if (h->parts[i].status > worst && h->parts[i].status != HEALTH_INFO)
			worst = h->parts[i].status;
	}
	pthread_mutex_unlock(&h->lock);
	return worst;
}

const char *health_status_name(enum health_status status)
{
	static const char *const names[] = { "healthy", "info", "degraded", "unhealthy" };

	return names[status];
}

int health_facility_put(struct health *h, const struct facility *facility)
{
	size_t i = 0;
	int ret = 0;

	pthread_mutex_lock(&h->lock);
	while (i < h->facility_count && (strcmp(h->facilities[i].set, facility->set) != 0 ||
					 strcmp(h->facilities[i].name, facility->name) != 0))
		i++;
	if (i == HEALTH_FACILITIES)
		ret = -ENOSPC;
	else
		h->facilities[i] = *facility;
	if (!ret && i == h->facility_count)
		h->facility_count++;
	pthread_mutex_unlock(&h->lock);
	return ret;
}

size_t health_facilities(struct health *h, struct facility *out, size_t room)
{
	size_t count;

	pthread_mutex_lock(&h->lock);
	count = h->facility_count < room ? h->facility_count : room;
	memcpy(out, h->facilities, count * sizeof(*out));
	pthread_mutex_unlock(&h->lock);
	return count;
}

void health_ready_put(struct health *h, bool ready, const char *reason)
{
	pthread_mutex_lock(&h->lock);
	h->ready = ready;
	snprintf(h->reason, sizeof(h->reason), "%s", reason ? reason : "");
	pthread_mutex_unlock(&h->lock);
}

bool health_ready_get(struct health *h, char reason[HEALTH_REASON])
{
	bool ready;

	pthread_mutex_lock(&h->lock);
	ready = h->ready;
	memcpy(reason, h->reason, HEALTH_REASON);
	pthread_mutex_unlock(&h->lock);
	return ready;
}
