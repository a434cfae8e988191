#include "capsule.h"

#include "put.h"
#include "siphash.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define CAPSULE_VERSION 1
#define CAPSULE_PACKED 1u

struct capsule_head {
	char magic[3];
	uint8_t version, flags, zero;
	uint16_t type;
	uint32_t key, tags;
	uint64_t stored, length, created_ms, ttl_s, checksum;
	uint64_t all; /* of what is before it, and of what follows the head */
};

_Static_assert(sizeof(struct capsule_head) == 64, "as the format has it");

/* The body's checksum is keyed with the head's. */
static uint64_t capsule_checksum(const struct capsule_head *head, const void *body, size_t length)
{
	static const uint64_t none[2] = { 0, 0 };
	const uint64_t of_head[2] = { siphash(none, head, offsetof(struct capsule_head, all)), 0 };

	return siphash(of_head, body, length);
}

static void capsule_head_make(const struct capsule *c, struct capsule_head *out)
{
	*out = (struct capsule_head){
		.magic = { 'R', 'S', 'C' },
		.version = CAPSULE_VERSION,
		.flags = c->value.packed ? CAPSULE_PACKED : 0,
		.type = htole16((uint16_t)strlen(c->value.type)),
		.key = htole32((uint32_t)c->key.length),
		.tags = htole32((uint32_t)strlen(c->value.tags)),
		.stored = htole64(c->value.bytes.length),
		.length = htole64(c->value.length),
		.created_ms = htole64((uint64_t)c->value.created_ms),
		.ttl_s = htole64(c->ttl_s),
		.checksum = htole64(c->value.checksum),
	};
}

static unsigned char *capsule_put(unsigned char *at, const void *bytes, size_t length)
{
	if (length)
		memcpy(at, bytes, length);
	return at + length;
}

int capsule_make(const struct capsule *c, void **out, size_t *length)
{
	size_t type = strlen(c->value.type) + 1, tags = strlen(c->value.tags) + 1;
	size_t body = c->key.length + type + tags + c->value.bytes.length;
	struct capsule_head head;
	unsigned char *bytes = malloc(sizeof(head) + body), *at;

	*out = bytes;
	if (!bytes)
		return -ENOMEM;
	capsule_head_make(c, &head);
	at = capsule_put(bytes + sizeof(head), c->key.at, c->key.length);
	at = capsule_put(at, c->value.type, type);
	at = capsule_put(at, c->value.tags, tags);
	capsule_put(at, c->value.bytes.at, c->value.bytes.length);
	head.all = htole64(capsule_checksum(&head, bytes + sizeof(head), body));
	memcpy(bytes, &head, sizeof(head));
	*length = sizeof(head) + body;
	return 0;
}

static bool capsule_is_value(const struct capsule *c)
{
	const struct cache_stored *v = &c->value;

	if (v->bytes.length > CAPSULE_VALUE || v->length > CAPSULE_VALUE)
		return false;
	return v->packed ? v->bytes.length < v->length : v->bytes.length == v->length;
}

/* A text with its NUL, where it should be and nowhere before. */
static bool capsule_is_text(const char *text, size_t length)
{
	return !text[length] && strlen(text) == length;
}

static bool capsule_is_good(const struct capsule *c, size_t type, size_t tags)
{
	struct cache_bytes names[CACHE_TAGS];

	return c->key.length && c->key.length <= CACHE_KEY_MAX && c->ttl_s &&
	       c->ttl_s <= CACHE_TTL_MAX_S && capsule_is_value(c) &&
	       capsule_is_text(c->value.type, type) && put_is_type(c->value.type) &&
	       capsule_is_text(c->value.tags, tags) && put_tags_read(c->value.tags, names) >= 0;
}

static bool capsule_is_ours(const struct capsule_head *head)
{
	return !memcmp(head->magic, "RSC", 3) && head->version == CAPSULE_VERSION &&
	       head->flags <= CAPSULE_PACKED && !head->zero;
}

int capsule_tags(const void *bytes, size_t length, const char **out)
{
	const char *body = (const char *)bytes + sizeof(struct capsule_head);
	struct cache_bytes names[CACHE_TAGS];
	struct capsule_head head;
	size_t at, tags;

	if (length < sizeof(head))
		return -EBADMSG;
	memcpy(&head, bytes, sizeof(head));
	at = (size_t)le32toh(head.key) + le16toh(head.type) + 1;
	tags = le32toh(head.tags);
	*out = body + at;
	if (!capsule_is_ours(&head) || length < sizeof(head) + at + tags + 1 ||
	    !capsule_is_text(*out, tags) || put_tags_read(*out, names) < 0)
		return -EBADMSG;
	return 0;
}

int capsule_read(const void *bytes, size_t length, struct capsule *out)
{
	const char *body = (const char *)bytes + sizeof(struct capsule_head);
	struct capsule_head head;
	size_t key, type, tags;
	uint64_t stored;

	if (length < sizeof(head))
		return -EBADMSG;
	memcpy(&head, bytes, sizeof(head));
	if (!capsule_is_ours(&head))
		return -EBADMSG;
	key = le32toh(head.key);
	type = le16toh(head.type);
	tags = le32toh(head.tags);
	stored = le64toh(head.stored);
	if (stored > CAPSULE_VALUE || length != sizeof(head) + key + type + tags + 2 + stored ||
	    capsule_checksum(&head, body, length - sizeof(head)) != le64toh(head.all))
		return -EBADMSG;
	*out = (struct capsule){ .key = { body, key }, .ttl_s = le64toh(head.ttl_s) };
	out->value = (struct cache_stored){
		.bytes = { body + key + type + tags + 2, (size_t)stored },
		.type = body + key,
		.tags = body + key + type + 1,
		.length = (size_t)le64toh(head.length),
		.packed = head.flags & CAPSULE_PACKED,
		.checksum = le64toh(head.checksum),
		.created_ms = (int64_t)le64toh(head.created_ms),
	};
	return capsule_is_good(out, type, tags) ? 0 : -EBADMSG;
}
