#include "check.h"

#include "json.h"

#include <stdarg.h>
#include <string.h>

static const char *const check_names[] = {
	[CHECK_OK] = "ok",
	[CHECK_WARN] = "warn",
	[CHECK_BAD] = "bad",
};

/* Reasons come from other programs too: a terminal gets no control bytes of theirs. */
static void check_clean(char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			*text = ' ';
}

void check_add(struct checks *c, const char *name, enum check_level level, const char *advice,
	       const char *format, ...)
{
	bool full = c->count == CHECK_MAX;
	struct check *check = &c->items[full ? CHECK_MAX - 1 : c->count];
	va_list arguments;

	check->name = name;
	check->level = full ? CHECK_BAD : level;
	snprintf(check->advice, sizeof(check->advice), "%s", advice ? advice : "");
	va_start(arguments, format);
	vsnprintf(check->found, sizeof(check->found), format, arguments);
	va_end(arguments);
	if (full)
		snprintf(check->found, sizeof(check->found), "more was found than fits here");
	else
		c->count++;
	check_clean(check->found);
	check_clean(check->advice);
}

enum check_level check_worst(const struct checks *c)
{
	enum check_level worst = CHECK_OK;

	for (unsigned int i = 0; i < c->count; i++)
		if (c->items[i].level > worst)
			worst = c->items[i].level;
	return worst;
}

void check_print(const struct checks *c, FILE *out)
{
	for (unsigned int i = 0; i < c->count; i++) {
		const struct check *check = &c->items[i];

		fprintf(out, "%-5s %-14s %s\n", check_names[check->level], check->name,
			check->found);
		if (check->advice[0])
			fprintf(out, "%-20s → %s\n", "", check->advice);
	}
}

int check_print_json(const struct checks *c, FILE *out)
{
	struct json j;
	int result;

	json_init(&j);
	json_object_begin(&j, NULL);
	json_string(&j, "status", check_names[check_worst(c)]);
	json_array_begin(&j, "checks");
	for (unsigned int i = 0; i < c->count; i++) {
		const struct check *check = &c->items[i];

		json_object_begin(&j, NULL);
		json_string(&j, "name", check->name);
		json_string(&j, "status", check_names[check->level]);
		json_string(&j, "found", check->found);
		json_string(&j, "advice", check->advice[0] ? check->advice : NULL);
		json_object_end(&j);
	}
	json_array_end(&j);
	json_object_end(&j);
	result = json_finish(&j);
	if (result == 0)
		fprintf(out, "%s\n", j.bytes);
	json_fini(&j);
	return result;
}
