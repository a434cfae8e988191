/*
 * cache - the verb about the agent's cache: its statistics, one entry, clearing it.
 */
#include "agent.h"
#include "arguments.h"
#include "client.h"
#include "json.h"
#include "settings.h"
#include "verbs.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CACHE_ENTRIES "/api/cache/entries/"
#define CACHE_VALUE_MAX (16u << 20) /* the agent takes none that is longer */

enum {
	CACHE_JSON,
	CACHE_TTL,
	CACHE_TAGS,
	CACHE_TYPE,
	CACHE_PREFIX,
	CACHE_TOP,
	CACHE_SOCKET,
	CACHE_RUN_DIR
};

static const struct arguments cache_arguments = {
	.verb = "cache",
	.usage = "stats|get|set|delete|clear|warm [OPTION]... [WORD]...",
	.about = "stats              what the cache holds and how often it answers\n"
		 "get KEY            the value, as it was kept, on standard output\n"
		 "set KEY [VALUE]    keeps a value; without one: standard input\n"
		 "delete KEY         takes one entry out\n"
		 "clear PATTERN      takes out all that match: * any bytes, ? one byte,\n"
		 "                   \\ quotes, everything else literal\n"
		 "warm KEY...        loads entries through their origins\n\n"
		 "All but stats are for root and group ringside. Exit code 1: get: there is\n"
		 "no such entry; or the agent refuses.\n",
	.options = {
		{ "json", NULL, "what the agent answers, as it is" },
		{ "ttl", "SECONDS", "set, warm: how long it lives (cache.default_ttl)" },
		{ "tags", "A,B", "set: names to invalidate it by" },
		{ "type", "TYPE", "set: its content type (application/octet-stream)" },
		{ "prefix", "TEXT", "warm: the hottest keys that begin so" },
		{ "top", "N", "warm: how many of them" },
		{ "socket", "PATH", "the agent's Unix socket (api.sock in run-dir)" },
		{ "run-dir", "DIR", "the agent's run directory (/run/ringside)" },
	},
};

typedef void (*cache_print_fn)(const struct envelope_node *data);

struct cache_order {
	const char *const *values; /* of the options */
	char **words;
	int count; /* of words */
};

/* In percent code, three bytes for each; returns where it ends. */
static char *cache_encode(char *at, const char *text)
{
	*at = '\0';
	for (; *text; text++)
		at += sprintf(at, "%%%02X", (unsigned char)*text); /* NOLINT(cert-err33-c) */
	return at;
}

/* The path of a key, any byte of it in percent code; NULL: no memory. */
static char *cache_path(const char *key, const char *query)
{
	char *path = malloc(sizeof(CACHE_ENTRIES) + 3 * strlen(key) + strlen(query)), *at = path;

	if (!path)
		return NULL;
	at += sprintf(at, CACHE_ENTRIES); /* NOLINT(cert-err33-c): there is room */
	at = cache_encode(at, key);
	strcpy(at, query); /* NOLINT: there is room */
	return path;
}

/* Sends it, and prints the answer; print NULL: as it is. */
static int cache_send(struct agent *agent, const struct client_request *request,
		      cache_print_fn print, struct agent_error *error)
{
	struct envelope_error odd;
	struct client_answer answer;
	struct envelope *envelope;
	int result = agent_send(agent, request, &answer, error);

	if (result)
		return result;
	if (!print) {
		if (answer.length &&
		    fwrite(answer.bytes, 1, answer.length, stdout) != answer.length)
			result = -EIO;
	} else {
		result = envelope_open(&envelope, answer.bytes, answer.length, &odd);
		if (!result)
			print(envelope_data(envelope));
		else
			snprintf(error->text, sizeof(error->text), "%s", odd.text);
		envelope_close(envelope);
	}
	client_answer_free(&answer);
	return result;
}

static void cache_print_redis(const struct envelope_node *redis)
{
	printf("  look-ups   %.0f hits, %.0f misses: %s %%; %.0f not asked, %.0f too late\n",
	       envelope_number(redis, "hits"), envelope_number(redis, "misses"),
	       envelope_text(redis, "hitRate"), envelope_number(redis, "unasked"),
	       envelope_number(redis, "late"));
	printf("  writes     %.0f wait, %.0f written, %.0f removed; lost: %.0f values, %.0f "
	       "removals\n",
	       envelope_number(redis, "pendingWrites"), envelope_number(redis, "written"),
	       envelope_number(redis, "removed"), envelope_number(redis, "lostWrites"),
	       envelope_number(redis, "lostDeletes"));
	printf("  found odd  %.0f corrupted, %.0f of other keys\n",
	       envelope_number(redis, "corrupted"), envelope_number(redis, "foreign"));
}

static void cache_print_stats(const struct envelope_node *data)
{
	const struct envelope_node *all = envelope_member(data, "overall");
	const struct envelope_node *memory = envelope_member(data, "memory");
	const struct envelope_node *packed = envelope_member(data, "compression");
	const struct envelope_node *redis = envelope_member(data, "redis");
	const char *reason = envelope_text(redis, "reason"), *mode = envelope_text(redis, "mode");

	printf("look-ups     %.0f hits, %.0f misses: %s %%\n", envelope_number(all, "hits"),
	       envelope_number(all, "misses"), envelope_text(all, "hitRate"));
	printf("changes      %.0f sets, %.0f deletes, %.0f invalidated, %.0f errors\n",
	       envelope_number(all, "sets"), envelope_number(all, "deletes"),
	       envelope_number(all, "invalidations"), envelope_number(all, "errors"));
	printf("memory       %.0f of %.0f entries, %.1f of %.1f MiB\n",
	       envelope_number(memory, "items"), envelope_number(memory, "maxItems"),
	       envelope_number(memory, "bytes") / 1048576,
	       envelope_number(memory, "maxBytes") / 1048576);
	printf("gone         %.0f evicted (%.0f in the last minute), %.0f expired\n",
	       envelope_number(memory, "evictions"), envelope_number(all, "evictionsPerMinute"),
	       envelope_number(memory, "expired"));
	printf("compression  %.0f entries, %.0f bytes kept as %.0f\n",
	       envelope_number(packed, "entries"), envelope_number(packed, "rawBytes"),
	       envelope_number(packed, "storedBytes"));
	printf("redis        %s%s%s\n", mode, reason ? ": " : "", reason ? reason : "");
	if (envelope_number(redis, "pendingWrites") >= 0)
		cache_print_redis(redis);
}

/* What could not be loaded, and why. */
static void cache_print_failed(const struct envelope_node *failed)
{
	for (size_t i = 0; i < envelope_size(failed); i++) {
		const struct envelope_node *one = envelope_at(failed, i);

		printf("%s: %s\n", envelope_text(one, "key"), envelope_text(one, "reason"));
	}
}

static void cache_print_done(const struct envelope_node *data)
{
	static const char *const names[] = { "deleted", "cleared", "loaded" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (envelope_number(data, names[i]) >= 0)
			printf("%.0f %s\n", envelope_number(data, names[i]), names[i]);
	if (envelope_number(data, "ttl") > 0)
		printf("%.0f bytes kept for %.0f s\n", envelope_number(data, "bytes"),
		       envelope_number(data, "ttl"));
	cache_print_failed(envelope_member(data, "failed"));
}

static cache_print_fn cache_printer(const struct cache_order *o)
{
	return o->values[CACHE_JSON] ? NULL : cache_print_done;
}

static int cache_stats(struct agent *agent, const struct cache_order *o, struct agent_error *error)
{
	const struct client_request request = { .method = "GET", .path = "/api/cache/stats" };

	return cache_send(agent, &request, o->values[CACHE_JSON] ? NULL : cache_print_stats, error);
}

/* The request's path is what comes behind the key: its query, or "". */
static int cache_of_key(struct agent *agent, const struct client_request *request, const char *key,
			cache_print_fn print, struct agent_error *error)
{
	struct client_request whole = *request;
	char *path = cache_path(key, request->path);
	int result;

	if (!path) {
		snprintf(error->text, sizeof(error->text), "out of memory");
		return -ENOMEM;
	}
	whole.path = path;
	result = cache_send(agent, &whole, print, error);
	free(path);
	return result;
}

static int cache_get_entry(struct agent *agent, const struct cache_order *o,
			   struct agent_error *error)
{
	return cache_of_key(agent, &(struct client_request){ .method = "GET", .path = "" },
			    o->words[0], NULL, error);
}

static int cache_delete_entry(struct agent *agent, const struct cache_order *o,
			      struct agent_error *error)
{
	return cache_of_key(agent, &(struct client_request){ .method = "DELETE", .path = "" },
			    o->words[0], cache_printer(o), error);
}

/* All of standard input; NULL: no memory, or it is longer than any value may be. */
static char *cache_input(size_t *length)
{
	char *bytes = malloc(CACHE_VALUE_MAX + 1);

	*length = bytes ? fread(bytes, 1, CACHE_VALUE_MAX + 1, stdin) : 0;
	if (*length <= CACHE_VALUE_MAX && !ferror(stdin))
		return bytes;
	free(bytes);
	return NULL;
}

/* NULL: no memory. */
static char *cache_set_query(const char *ttl, const char *tags)
{
	char *query = malloc(sizeof("?ttl=&tags=") + 3 * (strlen(ttl) + strlen(tags))), *at = query;

	if (!query)
		return NULL;
	*at = '\0';
	if (*ttl)
		at = cache_encode(stpcpy(at, "?ttl="), ttl);
	if (*tags)
		cache_encode(stpcpy(at, *ttl ? "&tags=" : "?tags="), tags);
	return query;
}

static int cache_set_entry(struct agent *agent, const struct cache_order *o,
			   struct agent_error *error)
{
	const char *ttl = o->values[CACHE_TTL], *tags = o->values[CACHE_TAGS];
	struct client_request request = { .method = "PUT", .type = o->values[CACHE_TYPE] };
	char *query = cache_set_query(ttl ? ttl : "", tags ? tags : ""), *input = NULL;
	int result;

	if (!query) {
		snprintf(error->text, sizeof(error->text), "out of memory");
		return -ENOMEM;
	}
	if (!request.type)
		request.type = "application/octet-stream";
	if (o->count > 1) {
		request.body = o->words[1];
		request.length = strlen(request.body);
	} else {
		request.body = input = cache_input(&request.length);
		if (!input) {
			free(query);
			snprintf(error->text, sizeof(error->text),
				 "standard input cannot be read, or is longer than any value may "
				 "be");
			return -EFBIG;
		}
	}
	request.path = query;
	result = cache_of_key(agent, &request, o->words[0], cache_printer(o), error);
	free(query);
	free(input);
	return result;
}

static int cache_post(struct agent *agent, const char *path, struct json *j, cache_print_fn print,
		      struct agent_error *error)
{
	struct client_request request = { .method = "POST",
					  .path = path,
					  .type = "application/json" };
	int result = json_finish(j);

	request.body = j->bytes;
	request.length = j->length;
	if (result)
		snprintf(error->text, sizeof(error->text), "out of memory");
	else
		result = cache_send(agent, &request, print, error);
	json_fini(j);
	return result;
}

static int cache_clear_all(struct agent *agent, const struct cache_order *o,
			   struct agent_error *error)
{
	struct json j;

	json_init(&j);
	json_object_begin(&j, NULL);
	json_string(&j, "pattern", o->words[0]);
	json_object_end(&j);
	return cache_post(agent, "/api/cache/clear", &j, cache_printer(o), error);
}

static int cache_warm(struct agent *agent, const struct cache_order *o, struct agent_error *error)
{
	const char *prefix = o->values[CACHE_PREFIX];
	struct json j;

	json_init(&j);
	json_object_begin(&j, NULL);
	if (prefix) {
		json_string(&j, "prefix", prefix);
		json_uint(&j, "top",
			  strtoul(o->values[CACHE_TOP] ? o->values[CACHE_TOP] : "100", NULL, 10));
	} else {
		json_array_begin(&j, "keys");
		for (int i = 0; i < o->count; i++)
			json_string(&j, NULL, o->words[i]);
		json_array_end(&j);
	}
	if (o->values[CACHE_TTL])
		json_uint(&j, "ttl", strtoul(o->values[CACHE_TTL], NULL, 10));
	json_object_end(&j);
	return cache_post(agent, "/api/cache/warm", &j, cache_printer(o), error);
}

#define CACHE_BIT(option) (1u << (option))

struct cache_word {
	const char *name;
	int least, most;      /* words behind it */
	unsigned int options; /* that it takes beside socket and run-dir */
	int (*call)(struct agent *agent, const struct cache_order *o, struct agent_error *error);
};

static const struct cache_word cache_words[] = {
	{ "stats", 0, 0, CACHE_BIT(CACHE_JSON), cache_stats },
	{ "get", 1, 1, 0, cache_get_entry },
	{ "set", 1, 2,
	  CACHE_BIT(CACHE_JSON) | CACHE_BIT(CACHE_TTL) | CACHE_BIT(CACHE_TAGS) |
		  CACHE_BIT(CACHE_TYPE),
	  cache_set_entry },
	{ "delete", 1, 1, CACHE_BIT(CACHE_JSON), cache_delete_entry },
	{ "clear", 1, 1, CACHE_BIT(CACHE_JSON), cache_clear_all },
	{ "warm", 0, 1000,
	  CACHE_BIT(CACHE_JSON) | CACHE_BIT(CACHE_TTL) | CACHE_BIT(CACHE_PREFIX) |
		  CACHE_BIT(CACHE_TOP),
	  cache_warm },
};

#define CACHE_WORDS (sizeof(cache_words) / sizeof(cache_words[0]))

static int cache_do(const struct cache_word *word, const struct cache_order *o)
{
	struct settings_flags flags = { o->values[CACHE_RUN_DIR], o->values[CACHE_SOCKET] };
	struct agent_error error = { "" };
	struct settings settings;
	struct config_error wrong;
	struct agent agent;
	int result;

	if (settings_open(&settings, &flags, &wrong)) {
		fprintf(stderr, "ringside cache: %s\n", wrong.text);
		return VERBS_USAGE;
	}
	result = agent_open(&agent, &settings, &error);
	if (!result) {
		result = word->call(&agent, o, &error);
		agent_close(&agent);
	}
	if (result)
		fprintf(stderr, "ringside cache: %s\n", error.text);
	settings_close(&settings);
	return result ? VERBS_BAD : 0;
}

static int cache_unknown(const char *word)
{
	const char *names[CACHE_WORDS + 1] = { NULL }, *near;

	for (size_t i = 0; i < CACHE_WORDS; i++)
		names[i] = cache_words[i].name;
	near = arguments_nearest(word, names);
	fprintf(stderr, "ringside cache: say stats, get, set, delete, clear or warm%s%s%s\n",
		near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
	return VERBS_USAGE;
}

/* Are these options and words those that it takes? */
static bool cache_check(const struct cache_word *word, const struct cache_order *o)
{
	bool warms_nothing = word->call == cache_warm && !o->count == !o->values[CACHE_PREFIX];

	for (int i = 0; i < CACHE_SOCKET; i++) {
		if (!o->values[i] || word->options & CACHE_BIT(i))
			continue;
		fprintf(stderr, "ringside cache: %s takes no --%s\n", word->name,
			cache_arguments.options[i].name);
		return false;
	}
	if (o->count >= word->least && o->count <= word->most && !warms_nothing)
		return true;
	fprintf(stderr, "ringside cache: see ringside cache --help for what %s takes\n",
		word->name);
	return false;
}

int cache_verb(int argc, char **argv)
{
	const char *values[ARGUMENTS_MAX], *name = argc > 1 ? argv[1] : "";
	const struct cache_word *word = NULL;
	struct cache_order order = { .values = values };
	int at;

	for (size_t i = 0; i < CACHE_WORDS && !word; i++)
		word = strcmp(cache_words[i].name, name) ? NULL : &cache_words[i];
	if (!word && *name != '-')
		return cache_unknown(name);
	at = arguments_read(&cache_arguments, argc - (word != NULL), argv + (word != NULL), values);
	if (at < 0)
		return at == ARGUMENTS_HELP ? 0 : VERBS_USAGE;
	if (!word)
		return cache_unknown("");
	order.words = argv + 1 + at;
	order.count = argc - 1 - at;
	return cache_check(word, &order) ? cache_do(word, &order) : VERBS_USAGE;
}
