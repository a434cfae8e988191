#include "kinds.h"

#include "hot.h"

_Static_assert(offsetof(struct redis, pairs) == 0, "one is the other");
_Static_assert(offsetof(struct memcached, pairs) == 0, "one is the other");
_Static_assert(offsetof(struct mysql, pairs) == 0, "one is the other");
_Static_assert(offsetof(struct postgres, pairs) == 0, "one is the other");

static HOT_IN(dialogue_redis) bool kind_redis_declines(const struct pairs *p, const uint8_t *at,
						       size_t n)
{
	return redis_declines((const struct redis *)(const void *)p, at, n);
}

static void kind_redis_init(struct pairs *p)
{
	redis_init((struct redis *)(void *)p);
}

static HOT_IN(dialogue_redis) bool kind_redis_read(struct pairs *p, struct pairs_call *call,
						   const uint8_t **at, size_t n)
{
	return redis_read((struct redis *)(void *)p, call, *at, n);
}

static HOT_IN(dialogue_redis) bool kind_redis_write(struct pairs *p, struct pairs_call *call,
						    const uint8_t *at, size_t n)
{
	return redis_write((struct redis *)(void *)p, call, at, n);
}

static uint32_t kind_redis_adopt(struct pairs *p)
{
	return redis_adopt((struct redis *)(void *)p);
}

static void kind_redis_close(struct pairs *p, struct pairs_call *call, bool client_gone)
{
	redis_close((struct redis *)(void *)p, call, client_gone);
}

static HOT_IN(dialogue_memcached) bool kind_memcached_declines(const struct pairs *p,
							       const uint8_t *at, size_t n)
{
	return memcached_declines((const struct memcached *)(const void *)p, at, n);
}

static void kind_memcached_init(struct pairs *p)
{
	memcached_init((struct memcached *)(void *)p);
}

static HOT_IN(dialogue_memcached) bool kind_memcached_read(struct pairs *p, struct pairs_call *call,
							   const uint8_t **at, size_t n)
{
	return memcached_read((struct memcached *)(void *)p, call, *at, n);
}

static HOT_IN(dialogue_memcached) bool kind_memcached_write(struct pairs *p,
							    struct pairs_call *call,
							    const uint8_t *at, size_t n)
{
	return memcached_write((struct memcached *)(void *)p, call, at, n);
}

static void kind_memcached_close(struct pairs *p, struct pairs_call *call, bool client_gone)
{
	memcached_close((struct memcached *)(void *)p, call, client_gone);
}

static HOT_IN(dialogue_mysql) bool kind_mysql_declines(const struct pairs *p, const uint8_t *at,
						       size_t n)
{
	(void)p;
	(void)at;
	(void)n;
	return false; /* it was the server that began */
}

static void kind_mysql_init(struct pairs *p)
{
	mysql_init((struct mysql *)(void *)p, false);
}

static void kind_mysql_secure_init(struct pairs *p)
{
	mysql_init((struct mysql *)(void *)p, true);
}

static HOT_IN(dialogue_mysql) bool kind_mysql_read(struct pairs *p, struct pairs_call *call,
						   const uint8_t **at, size_t n)
{
	return mysql_read((struct mysql *)(void *)p, call, at, n);
}

static HOT_IN(dialogue_mysql) bool kind_mysql_write(struct pairs *p, struct pairs_call *call,
						    const uint8_t *at, size_t n)
{
	return mysql_write((struct mysql *)(void *)p, call, at, n);
}

static void kind_mysql_close(struct pairs *p, struct pairs_call *call, bool client_gone)
{
	mysql_close((struct mysql *)(void *)p, call, client_gone);
}

static HOT_IN(dialogue_postgres) bool kind_postgres_declines(const struct pairs *p,
							     const uint8_t *at, size_t n)
{
	return postgres_declines((const struct postgres *)(const void *)p, at, n);
}

static void kind_postgres_init(struct pairs *p)
{
	postgres_init((struct postgres *)(void *)p);
}

static HOT_IN(dialogue_postgres) bool kind_postgres_read(struct pairs *p, struct pairs_call *call,
							 const uint8_t **at, size_t n)
{
	return postgres_read((struct postgres *)(void *)p, call, *at, n);
}

static HOT_IN(dialogue_postgres) bool kind_postgres_write(struct pairs *p, struct pairs_call *call,
							  const uint8_t *at, size_t n)
{
	return postgres_write((struct postgres *)(void *)p, call, at, n);
}

static void kind_postgres_close(struct pairs *p, struct pairs_call *call, bool client_gone)
{
	postgres_close((struct postgres *)(void *)p, call, client_gone);
}

static const struct kind kind_redis = {
	.declines = kind_redis_declines,
	.init = kind_redis_init,
	.read = kind_redis_read,
	.write = kind_redis_write,
	.adopt = kind_redis_adopt,
	.close = kind_redis_close,
	.protocol = RS_PROTOCOL_REDIS,
};

static const struct kind kind_memcached = {
	.declines = kind_memcached_declines,
	.init = kind_memcached_init,
	.read = kind_memcached_read,
	.write = kind_memcached_write,
	.adopt = pairs_adopt,
	.close = kind_memcached_close,
	.protocol = RS_PROTOCOL_MEMCACHED,
};

static const struct kind kind_postgres = {
	.declines = kind_postgres_declines,
	.init = kind_postgres_init,
	.read = kind_postgres_read,
	.write = kind_postgres_write,
	.adopt = pairs_adopt,
	.close = kind_postgres_close,
	.protocol = RS_PROTOCOL_POSTGRESQL,
};

static const struct kind kind_mysql = {
	.declines = kind_mysql_declines,
	.init = kind_mysql_init,
	.read = kind_mysql_read,
	.write = kind_mysql_write,
	.adopt = pairs_adopt,
	.close = kind_mysql_close,
	.protocol = RS_PROTOCOL_MYSQL,
};

static const struct kind kind_mysql_secure = {
	.declines = kind_mysql_declines,
	.init = kind_mysql_secure_init,
	.read = kind_mysql_read,
	.write = kind_mysql_write,
	.adopt = pairs_adopt,
	.close = kind_mysql_close,
	.protocol = RS_PROTOCOL_MYSQL,
};

const struct kind *kind_of_client(const uint8_t *at, size_t n)
{
	if (postgres_begins(at, n))
		return &kind_postgres;
	/* Ahead of Redis: its words are in lower case, which Redis takes too. */
	if (memcached_begins(at, n))
		return &kind_memcached;
	return redis_begins(at, n) ? &kind_redis : NULL;
}

const struct kind *kind_of_server(const uint8_t *at, size_t n)
{
	return mysql_greets(at, n) ? &kind_mysql : NULL;
}

const struct kind *kind_inside(uint8_t protocol)
{
	return protocol == RS_PROTOCOL_MYSQL ? &kind_mysql_secure : NULL;
}
