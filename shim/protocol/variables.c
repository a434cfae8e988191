#include "variables.h"

#include "http1.h"
#include "line.h"

enum variables_step {
	VARIABLES_AT_NAME_LENGTH,
	VARIABLES_AT_VALUE_LENGTH,
	VARIABLES_AT_NAME,
	VARIABLES_AT_VALUE,
};

static const struct {
	char name[VARIABLES_NAME];
	uint8_t length;
	uint8_t wanted;
} variables_known[] = {
	{ "REQUEST_METHOD", 14, VARIABLES_OF_METHOD },
	{ "REQUEST_URI", 11, VARIABLES_OF_URI },
	{ "SCRIPT_NAME", 11, VARIABLES_OF_SCRIPT },
	{ "UWSGI_ROUTER", 12, VARIABLES_OF_ROUTER },
};

/* By enum variables_form: what comes behind a step. */
static const uint8_t variables_next[][4] = {
	{ VARIABLES_AT_VALUE_LENGTH, VARIABLES_AT_NAME, VARIABLES_AT_VALUE,
	  VARIABLES_AT_NAME_LENGTH },
	{ 0, 0, VARIABLES_AT_VALUE, VARIABLES_AT_NAME },
	{ VARIABLES_AT_NAME, VARIABLES_AT_VALUE, VARIABLES_AT_VALUE_LENGTH,
	  VARIABLES_AT_NAME_LENGTH },
};

static uint8_t variables_first(uint8_t form)
{
	return form == VARIABLES_SCGI ? VARIABLES_AT_NAME : VARIABLES_AT_NAME_LENGTH;
}

void variables_init(struct variables *v, enum variables_form form)
{
	memset(v, 0, sizeof(*v));
	v->form = (uint8_t)form;
	v->step = variables_first(v->form);
}

bool variables_is_whole(const struct variables *v)
{
	return v->step == variables_first(v->form) && !v->got && !v->name_length;
}

uint8_t variables_method(const struct variables *v)
{
	return http1_method(v->method, v->method_length);
}

static uint8_t variables_which(const struct variables *v)
{
	for (size_t i = 0; i < sizeof(variables_known) / sizeof(variables_known[0]); i++) {
		if (v->name_length == variables_known[i].length &&
		    !memcmp(v->name, variables_known[i].name, v->name_length))
			return variables_known[i].wanted;
	}
	return VARIABLES_NONE;
}

static void variables_begin_value(struct variables *v)
{
	uint8_t wanted = variables_which(v);

	v->query = false;
	if (wanted == VARIABLES_OF_METHOD) {
		memset(v->method, 0, sizeof(v->method));
		v->method_length = 0;
	} else if (wanted == VARIABLES_OF_ROUTER) {
		v->routed = true;
		wanted = VARIABLES_NONE;
	} else if (wanted < v->source) {
		wanted = VARIABLES_NONE;
	} else if (wanted) {
		v->source = wanted;
		v->path_length = 0;
	}
	v->wanted = wanted;
	v->name_length = 0;
}

/* The step is over: the first byte of the next one is still to come. */
static void variables_step_on(struct variables *v)
{
	v->step = variables_next[v->form][v->step];
	if (v->step == VARIABLES_AT_VALUE) {
		v->left = v->value;
		variables_begin_value(v);
	}
}

/* Of a length one more byte. FastCGI's is one byte, or four with the highest bit set. */
static void variables_length(struct variables *v, uint8_t byte)
{
	bool more;

	if (v->form == VARIABLES_UWSGI) {
		v->length |= (uint32_t)byte << 8 * v->got;
		more = ++v->got < 2;
	} else {
		v->length = v->length << 8 | byte;
		more = ++v->got < 4 && v->length >> (8 * v->got - 1);
	}
	if (more)
		return;
	v->length &= 0x7fffffffu;
	if (v->step == VARIABLES_AT_NAME_LENGTH)
		v->left = v->length;
	else
		v->value = v->length;
	v->got = 0;
	v->length = 0;
	variables_step_on(v);
}

static void variables_keep_path(struct variables *v, const uint8_t *at, const uint8_t *end)
{
	const uint8_t *stop = line_find(at, end, '?', '#');
	size_t n = (size_t)(stop - at);

	v->query = stop < end;
	if (n > RS_PATH_BYTES - v->path_length)
		n = RS_PATH_BYTES - v->path_length;
	memcpy(v->path + v->path_length, at, n);
	v->path_length = (uint8_t)(v->path_length + n);
}

static void variables_keep(struct variables *v, const uint8_t *at, size_t n)
{
	if (v->step == VARIABLES_AT_NAME) {
		for (size_t i = 0; i < n && v->name_length <= VARIABLES_NAME; i++, v->name_length++)
			if (v->name_length < VARIABLES_NAME)
				v->name[v->name_length] = at[i];
	} else if (v->wanted == VARIABLES_OF_METHOD) {
		for (size_t i = 0; i < n && v->method_length < VARIABLES_METHOD; i++)
			v->method[v->method_length++] = at[i];
	} else if (v->wanted && !v->query) {
		variables_keep_path(v, at, at + n);
	}
}

/* A name or a value, as far as it goes; true: it is complete. */
static bool variables_text(struct variables *v, const uint8_t **at, const uint8_t *end)
{
	bool counted = v->form != VARIABLES_SCGI;
	const uint8_t *stop = counted ? end : line_find(*at, end, 0, 0);
	size_t n = (size_t)(stop - *at);

	if (counted && n > v->left)
		n = v->left;
	variables_keep(v, *at, n);
	*at += n;
	v->left -= counted ? (uint32_t)n : 0;
	if (counted)
		return !v->left;
	*at += stop < end;
	return stop < end;
}

void variables_read(struct variables *v, const uint8_t *at, size_t n)
{
	const uint8_t *end = at + n;
	bool counted = v->form != VARIABLES_SCGI;

	/* An empty name or value is over without a byte. */
	while (at < end || (counted && v->step >= VARIABLES_AT_NAME && !v->left)) {
		if (v->step < VARIABLES_AT_NAME)
			variables_length(v, *at++);
		else if (variables_text(v, &at, end))
			variables_step_on(v);
	}
}
