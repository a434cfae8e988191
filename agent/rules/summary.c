#include "summary.h"

#include "text.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define SUMMARY_NEAR 4

static const char *const summary_names[SUMMARY_FIELDS] = {
	[SUMMARY_RULE] = "rule",       [SUMMARY_SEVERITY] = "severity",
	[SUMMARY_VALUE] = "value",     [SUMMARY_THRESHOLD] = "threshold",
	[SUMMARY_SERVICE] = "service", [SUMMARY_ENVIRONMENT] = "environment",
	[SUMMARY_ROUTE] = "route",     [SUMMARY_METHOD] = "method",
	[SUMMARY_WINDOW] = "window",   [SUMMARY_SINCE] = "since",
};

static int summary_find(const char *name, size_t length)
{
	for (int i = 0; i < SUMMARY_FIELDS; i++)
		if (strlen(summary_names[i]) == length && !memcmp(summary_names[i], name, length))
			return i;
	return -ENOENT;
}

static const char *summary_nearest(const char *name)
{
	const char *nearest = NULL;
	size_t least = SUMMARY_NEAR;

	for (int i = 0; i < SUMMARY_FIELDS; i++) {
		size_t distance = text_distance(summary_names[i], name);

		if (distance < least) {
			least = distance;
			nearest = summary_names[i];
		}
	}
	return nearest;
}

int summary_check(const char *template, char *field, size_t size, const char **near)
{
	*near = NULL;
	for (const char *at = strpbrk(template, "{}"); at; at = strpbrk(at + 1, "{}")) {
		const char *end = *at == '{' ? strpbrk(at + 1, "{}") : NULL;

		snprintf(field, size, "%.*s", end ? (int)(end - at - 1) : 1, end ? at + 1 : at);
		if (!end || *end != '}')
			return -EINVAL;
		if (summary_find(at + 1, (size_t)(end - at - 1)) < 0) {
			*near = summary_nearest(field);
			return -EINVAL;
		}
		at = end;
	}
	return 0;
}

void summary_render(const char *template, const char *const values[SUMMARY_FIELDS], char *out,
		    size_t size)
{
	size_t used = 0;

	while (*template && used + 1 < size) {
		size_t plain = strcspn(template, "{");
		size_t name = template[plain] ? strcspn(template + plain, "}") : 0;
		int field = name ? summary_find(template + plain + 1, name - 1) : -ENOENT;
		int n = snprintf(out + used, size - used, "%.*s%s", (int)plain, template,
				 field >= 0 && values[field] ? values[field] : "");

		used += n > 0 ? (size_t)n : 0;
		template += plain + name + (name && template[plain + name] == '}');
	}
	out[used < size ? used : size - 1] = '\0';
}
