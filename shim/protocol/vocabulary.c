#include "vocabulary.h"

#include "pairs.h"

#include <string.h>

static const struct vocabulary vocabulary_commands[] = {
	{ "get", 0, 0, 0 },
	{ "gets", 0, 0, 0 },
	{ "gat", 0, 0, 0 },
	{ "gats", 0, 0, 0 },
	{ "set", VOCABULARY_STORES, 5, 6 },
	{ "add", VOCABULARY_STORES, 5, 6 },
	{ "replace", VOCABULARY_STORES, 5, 6 },
	{ "append", VOCABULARY_STORES, 5, 6 },
	{ "prepend", VOCABULARY_STORES, 5, 6 },
	{ "cas", VOCABULARY_STORES, 5, 7 },
	{ "delete", 0, 0, 3 },
	{ "incr", 0, 0, 4 },
	{ "decr", 0, 0, 4 },
	{ "touch", 0, 0, 4 },
	{ "mg", VOCABULARY_META, 0, 3 },
	{ "ms", VOCABULARY_META | VOCABULARY_STORES, 3, 4 },
	{ "md", VOCABULARY_META, 0, 3 },
	{ "ma", VOCABULARY_META, 0, 3 },
	{ "me", VOCABULARY_META, 0, 0 },
	{ "mn", VOCABULARY_META | VOCABULARY_NOOP, 0, 0 },
	{ "stats", 0, 0, 0 },
	{ "version", 0, 0, 0 },
	{ "verbosity", 0, 0, 2 },
	{ "flush_all", 0, 0, 2 },
	{ "slabs", 0, 0, 0 },
	{ "lru", 0, 0, 0 },
	{ "lru_crawler", 0, 0, 0 },
	{ "watch", VOCABULARY_STREAM, 0, 0 },
	{ "cache_memlimit", 0, 0, 3 },
	{ "quit", VOCABULARY_CLOSE, 0, 0 },
	{ "shutdown", VOCABULARY_CLOSE, 0, 0 },
};

static const char vocabulary_opcodes[][12] = {
	"get",       "set",       "add",       "replace",   "delete",  "incr",  "decr",   "quit",
	"flush",     "getq",      "noop",      "version",   "getk",    "getkq", "append", "prepend",
	"stat",      "setq",      "addq",      "replaceq",  "deleteq", "incrq", "decrq",  "quitq",
	"flushq",    "appendq",   "prependq",  "verbosity", "touch",   "gat",   "gatq",   "",
	"sasl_list", "sasl_auth", "sasl_step", "gatk",      "gatkq",
};

const struct vocabulary *vocabulary_command(const uint8_t *word, size_t n)
{
	for (size_t i = 0; i < sizeof(vocabulary_commands) / sizeof(*vocabulary_commands); i++) {
		const struct vocabulary *c = &vocabulary_commands[i];

		if (strlen(c->name) == n && !memcmp(c->name, word, n))
			return c;
	}
	return NULL;
}

uint8_t vocabulary_line(const struct words *first)
{
	static const struct {
		char word[14];
		uint8_t kind;
	} lines[] = {
		{ "END", VOCABULARY_LAST },
		{ "VALUE", VOCABULARY_VALUE },
		{ "STORED", VOCABULARY_LAST },
		{ "NOT_STORED", VOCABULARY_LAST },
		{ "EXISTS", VOCABULARY_LAST },
		{ "NOT_FOUND", VOCABULARY_LAST },
		{ "DELETED", VOCABULARY_LAST },
		{ "TOUCHED", VOCABULARY_LAST },
		{ "OK", VOCABULARY_LAST },
		{ "RESET", VOCABULARY_LAST },
		{ "VERSION", VOCABULARY_LAST },
		{ "STAT", VOCABULARY_ONE_OF_MANY },
		{ "ITEM", VOCABULARY_ONE_OF_MANY },
		{ "PREFIX", VOCABULARY_ONE_OF_MANY },
		{ "ERROR", VOCABULARY_UNKNOWN },
		{ "CLIENT_ERROR", VOCABULARY_CLIENT_ERROR },
		{ "HD", VOCABULARY_LAST },
		{ "SERVER_ERROR", VOCABULARY_SERVER_ERROR },
		{ "VA", VOCABULARY_META_VALUE },
		{ "EN", VOCABULARY_LAST },
		{ "NF", VOCABULARY_LAST },
		{ "NS", VOCABULARY_LAST },
		{ "EX", VOCABULARY_LAST },
		{ "ME", VOCABULARY_LAST },
		{ "MN", VOCABULARY_MN },
		{ "BUSY", VOCABULARY_LAST },
		{ "BADCLASS", VOCABULARY_LAST },
		{ "NOSPARE", VOCABULARY_LAST },
		{ "NOTFULL", VOCABULARY_LAST },
		{ "UNSAFE", VOCABULARY_LAST },
		{ "SAME", VOCABULARY_LAST },
	};
	uint64_t number;

	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++)
		if (words_are(first, lines[i].word))
			return lines[i].kind;
	if (first->length > 4 && !memcmp(first->word, "key=", 4)) /* of lru_crawler metadump */
		return VOCABULARY_ONE_OF_MANY;
	return words_count(first, &number) ? VOCABULARY_LAST : VOCABULARY_ODD;
}

const char *vocabulary_opcode(uint8_t opcode)
{
	return opcode < sizeof(vocabulary_opcodes) / sizeof(*vocabulary_opcodes)
		       ? vocabulary_opcodes[opcode]
		       : "";
}

bool vocabulary_is_quiet(uint8_t opcode)
{
	return opcode == 0x09 || opcode == 0x0d || (opcode >= 0x11 && opcode <= 0x1a) ||
	       opcode == 0x1e || opcode == 0x24;
}

uint16_t vocabulary_status(uint16_t code)
{
	switch (code) {
	case 0:
	case 1: /* not found */
	case 2: /* exists */
	case 5: /* not stored */
		return PAIRS_OK;
	case 0x82: /* no memory */
	case 0x84: /* internal */
	case 0x85: /* busy */
	case 0x86: /* temporary */
		return PAIRS_FAILED;
	default:
		return PAIRS_REFUSED;
	}
}
