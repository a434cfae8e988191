#include "template.h"

#include "fold.h"

#include <stdlib.h>
#include <string.h>

#define TEMPLATE_PRIME UINT64_C(0x9e3779b97f4a7c15)
#define TEMPLATE_FIRST 64u /* nodes of a new tree */
#define TEMPLATE_NARROW 8u /* words that a place must have to be given up for room */
#define TEMPLATE_ROOM 64u  /* nodes that one path may need */
#define TEMPLATE_ROOT 0u

/* Which new words of a place are variable. */
enum template_taken {
	TEMPLATE_NONE,
	TEMPLATE_LEAVES, /* those that nothing follows */
	TEMPLATE_ALL,
};

#define TEMPLATE_NAME FOLD_KINDS /* a kind more: words that were too many */
#define TEMPLATE_KINDS (FOLD_KINDS + 1)

static const char *template_text(uint8_t kind)
{
	return kind == TEMPLATE_NAME ? "{name}" : fold_name[kind];
}

struct template_segment {
	const char *text;
	size_t length;
	uint8_t kind; /* enum fold_kind, or TEMPLATE_NAME */
	bool last;
};

struct template_walk {
	struct template *tree;
	uint16_t at;
	bool learn;
	bool known; /* the tree has all so far */
};

void template_fini(struct template *t)
{
	free(t->nodes);
	memset(t, 0, sizeof(*t));
}

static uint8_t template_kind_of(const char *text, size_t length)
{
	for (uint8_t kind = FOLD_ID; length && text[0] == '{' && kind < TEMPLATE_KINDS; kind++) {
		const char *name = template_text(kind);

		if (strlen(name) == length && !memcmp(name, text, length))
			return kind;
	}
	return (uint8_t)fold_kind((const uint8_t *)text, length);
}

static uint64_t template_hash(const char *text, size_t length)
{
	uint64_t hash = length * TEMPLATE_PRIME;

	for (size_t i = 0; i < length; i++) {
		hash = (hash ^ (uint8_t)text[i]) * TEMPLATE_PRIME;
		hash ^= hash >> 32;
	}
	return hash;
}

static struct template_node *template_at(const struct template *t, uint16_t node)
{
	return &t->nodes[node];
}

static bool template_is_leaf(const struct template_node *node)
{
	return !node->first && !node->variable;
}

static bool template_grow(struct template *t)
{
	uint32_t capacity = t->capacity ? t->capacity * 2 : TEMPLATE_FIRST;
	struct template_node *nodes;

	if (t->capacity >= TEMPLATE_NODES)
		return false;
	nodes = realloc(t->nodes, capacity * sizeof(*nodes));
	if (!nodes)
		return false;
	if (!t->nodes)
		nodes[t->used++] = (struct template_node){ 0 };
	t->nodes = nodes;
	t->capacity = capacity;
	return true;
}

/* 0: there is none left. */
static uint16_t template_node_take(struct template *t)
{
	uint16_t node = t->spare;

	if (node) {
		t->spare = template_at(t, node)->next;
	} else {
		if (t->used == t->capacity && !template_grow(t))
			return 0;
		node = (uint16_t)t->used++;
	}
	*template_at(t, node) = (struct template_node){ 0 };
	return node;
}

static void template_node_put(struct template *t, uint16_t node)
{
	template_at(t, node)->next = t->spare;
	t->spare = node;
}

static uint16_t template_word_find(const struct template *t, uint16_t parent, uint64_t hash)
{
	uint16_t node = template_at(t, parent)->first;

	while (node && template_at(t, node)->hash != hash)
		node = template_at(t, node)->next;
	return node;
}

static void template_word_link(struct template *t, uint16_t parent, uint16_t node)
{
	template_at(t, node)->next = template_at(t, parent)->first;
	template_at(t, parent)->first = node;
	template_at(t, parent)->words++;
}

static void template_settle(struct template *t, uint16_t parent);
static void template_unite(struct template *t, uint16_t to, uint16_t from);

/* A word that has become variable: what is below it is united with what is below the others. */
static void template_word_melt(struct template *t, uint16_t parent, uint16_t word)
{
	struct template_node *node = template_at(t, word);

	if (template_at(t, parent)->variable) {
		template_unite(t, template_at(t, parent)->variable, word);
		return;
	}
	node->hash = 0;
	node->next = 0;
	node->kind = TEMPLATE_NAME;
	template_at(t, parent)->variable = word;
}

/* The words of a place that what it takes covers. */
static void template_melt(struct template *t, uint16_t parent)
{
	uint16_t word = template_at(t, parent)->first;

	template_at(t, parent)->first = 0;
	template_at(t, parent)->words = 0;
	while (word) {
		uint16_t next = template_at(t, word)->next;

		if (template_at(t, parent)->taken == TEMPLATE_ALL ||
		    template_is_leaf(template_at(t, word)))
			template_word_melt(t, parent, word);
		else
			template_word_link(t, parent, word);
		word = next;
	}
}

static void template_take(struct template *t, uint16_t parent, enum template_taken taken)
{
	template_at(t, parent)->taken = (uint8_t)taken;
	template_melt(t, parent);
	t->changes++;
}

/* Too many words: those that nothing follows go first. */
static void template_settle(struct template *t, uint16_t parent)
{
	if (template_at(t, parent)->words <= TEMPLATE_WIDTH)
		return;
	template_take(t, parent, TEMPLATE_LEAVES);
	if (template_at(t, parent)->words > TEMPLATE_WIDTH / 2)
		template_take(t, parent, TEMPLATE_ALL);
}

static void template_unite_words(struct template *t, uint16_t to, uint16_t word)
{
	while (word) {
		uint16_t next = template_at(t, word)->next;
		uint16_t same = template_word_find(t, to, template_at(t, word)->hash);

		if (same)
			template_unite(t, same, word);
		else
			template_word_link(t, to, word);
		word = next;
	}
}

/* Recursion: at most as deep as a path has segments. */
static void template_unite(struct template *t, uint16_t to, uint16_t from)
{
	struct template_node one = *template_at(t, from);

	template_node_put(t, from);
	if (one.variable && template_at(t, to)->variable)
		template_unite(t, template_at(t, to)->variable, one.variable);
	else if (one.variable)
		template_at(t, to)->variable = one.variable;
	template_unite_words(t, to, one.first);
	if (one.taken > template_at(t, to)->taken)
		template_at(t, to)->taken = one.taken;
	if (template_at(t, to)->taken)
		template_melt(t, to);
	template_settle(t, to);
}

/* No node is left: the place with the most words becomes variable before its time. */
static bool template_squeeze(struct template *t)
{
	uint16_t widest = TEMPLATE_ROOT;

	for (uint32_t i = 0; i < t->used; i++) {
		if (t->nodes[i].words > t->nodes[widest].words)
			widest = (uint16_t)i;
	}
	if (t->nodes[widest].words < TEMPLATE_NARROW)
		return false;
	template_take(t, widest, TEMPLATE_ALL);
	return true;
}

static bool template_has_room(struct template *t)
{
	uint32_t spare = 0;

	if (t->used + TEMPLATE_ROOM <= TEMPLATE_NODES)
		return true;
	for (uint16_t node = t->spare; node && spare < TEMPLATE_ROOM; spare++)
		node = template_at(t, node)->next;
	return spare + TEMPLATE_NODES - t->used >= TEMPLATE_ROOM;
}

static uint16_t template_variable(struct template_walk *w, uint8_t kind)
{
	struct template *t = w->tree;
	uint16_t node = template_at(t, w->at)->variable;

	if (node || !w->learn)
		return node;
	node = template_node_take(t);
	if (!node)
		return 0;
	template_at(t, node)->kind = kind;
	template_at(t, w->at)->variable = node;
	return node;
}

static uint16_t template_word_add(struct template_walk *w, uint64_t hash)
{
	uint16_t node = template_node_take(w->tree);

	if (!node)
		return 0;
	template_at(w->tree, node)->hash = hash;
	template_word_link(w->tree, w->at, node);
	return node;
}

/* The node of a segment below w->at; 0: not known. */
static uint16_t template_step(struct template_walk *w, const struct template_segment *segment)
{
	enum template_taken taken = template_at(w->tree, w->at)->taken;
	uint64_t hash;
	uint16_t node;

	if (segment->kind)
		return template_variable(w, segment->kind);
	hash = template_hash(segment->text, segment->length);
	node = template_word_find(w->tree, w->at, hash);
	if (node)
		return node;
	if (taken == TEMPLATE_ALL || (taken == TEMPLATE_LEAVES && segment->last))
		return template_variable(w, TEMPLATE_NAME);
	return w->learn ? template_word_add(w, hash) : 0;
}

static uint8_t template_walk_on(struct template_walk *w, const struct template_segment *segment)
{
	uint16_t node = w->known ? template_step(w, segment) : 0;

	if (!node) {
		w->known = false;
		return segment->kind;
	}
	w->at = node;
	return template_at(w->tree, node)->kind;
}

static size_t template_put(char *out, size_t done, const char *text, size_t length)
{
	if (length > RS_PATH_BYTES - done)
		length = RS_PATH_BYTES - done;
	memcpy(out + done, text, length);
	return done + length;
}

static void template_segment_at(const char *path, struct template_segment *out)
{
	out->text = path;
	out->length = strcspn(path, "/");
	out->last = !path[out->length];
	out->kind = template_kind_of(path, out->length);
}

static bool template_is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

/* The end of an identifier, or its beginning where there is none. */
static const char *template_identifier(const char *text)
{
	if (!template_is_letter(*text))
		return text;
	while (template_is_letter(*text) || (*text >= '0' && *text <= '9'))
		text++;
	return text;
}

/* /pkg.v1.Service/Method, as gRPC, Twirp and Connect have it: package in front, capitals behind. */
static bool template_is_rpc(const char *path)
{
	const char *name = path, *end = path;
	bool dotted = false;

	if (*path == '/') {
		name = path + 1;
		end = template_identifier(name);
	}
	while (end > name && *end == '.') {
		dotted = true;
		name = end + 1;
		end = template_identifier(name);
	}
	if (!dotted || *end != '/' || *name < 'A' || *name > 'Z')
		return false;
	name = end + 1;
	end = template_identifier(name);
	return !*end && *name >= 'A' && *name <= 'Z';
}

/* A command or a statement. Paths begin with a slash, what a CONNECT asks for ends with a port. */
static bool template_is_name(const char *path)
{
	const char *colon = strrchr(path, ':');

	if (!template_is_letter(*path) && *path != '(')
		return false;
	return !colon || !colon[1] || colon[1 + strspn(colon + 1, "0123456789")];
}

/* Takes the path in. Names come from a walk of their own: what was taken in may have melted. */
static void template_learn(struct template *t, const char *path)
{
	struct template_walk walk = { .tree = t, .learn = true, .known = true };
	struct template_segment segment = { 0 };

	if (!t->nodes && !template_grow(t))
		return;
	while (!template_has_room(t)) {
		if (!template_squeeze(t))
			return;
	}
	for (; walk.known && !segment.last; path += segment.length + 1) {
		uint16_t parent = walk.at;
		bool wide;

		template_segment_at(path, &segment);
		template_walk_on(&walk, &segment);
		wide = template_at(t, parent)->words > TEMPLATE_WIDTH;
		/* The word that was one too many is walked again: it has another node now. */
		if (wide) {
			template_settle(t, parent);
			walk.at = parent;
			template_walk_on(&walk, &segment);
		}
	}
}

static bool template_tell(struct template *t, const char *path, char *out)
{
	struct template_walk walk = { .tree = t, .known = t->nodes };
	struct template_segment segment = { 0 };
	size_t done = 0;

	while (!segment.last) {
		const char *text;
		uint8_t kind;

		template_segment_at(path, &segment);
		kind = template_walk_on(&walk, &segment);
		text = kind ? template_text(kind) : segment.text;
		done = template_put(out, done, text, kind ? strlen(text) : segment.length);
		if (!segment.last)
			done = template_put(out, done, "/", 1);
		path += segment.length + 1;
	}
	out[done] = '\0';
	return walk.known;
}

bool template_name(struct template *t, const char *path, bool learn, char out[RS_PATH_BYTES + 1])
{
	if (template_is_name(path) || template_is_rpc(path)) {
		out[template_put(out, 0, path, strlen(path))] = '\0';
		return learn;
	}
	if (learn)
		template_learn(t, path);
	return template_tell(t, path, out);
}
