#include "origin_settings.h"

#include "log.h"
#include "secret.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What the file says takes the place of its path. */
static int origin_settings_secret(struct origin_header *h, char fault[ORIGIN_SETTINGS_FAULT])
{
	size_t name = strcspn(h->text, ":") + 2; /* "Name: " */
	char path[ORIGIN_HEADER];
	int ret;

	memcpy(path, h->text + name, sizeof(path) - name);
	ret = secret_read(path, h->text + name, sizeof(h->text) - name);
	for (const char *at = h->text + name; !ret && *at; at++)
		if ((unsigned char)*at < ' ' || *at == 0x7f)
			ret = -EINVAL;
	if (ret)
		snprintf(fault, ORIGIN_SETTINGS_FAULT, "header_files: %.120s: %.80s", path,
			 secret_error_text(ret));
	h->from_file = false;
	return ret;
}

static void origin_settings_secrets(struct origin_setting *one)
{
	for (uint32_t i = 0; i < one->rule.header_count; i++) {
		struct origin_header *h = &one->rule.headers[i];

		if (h->from_file && origin_settings_secret(h, one->fault))
			log_error("cache.origins: %s: %s", one->rule.prefix, one->fault);
	}
}

int origin_settings_open(struct origin_settings **out, const struct config *c)
{
	size_t count = config_count(c, CONFIG_CACHE_ORIGINS);
	struct channel_error why;

	*out = NULL;
	if (!count)
		return 0;
	*out = calloc(1, sizeof(**out));
	if (!*out)
		return -ENOMEM;
	for (size_t i = 0; i < count && i < ORIGIN_MAX; i++) {
		struct origin_setting *one = &(*out)->at[(*out)->count];

		if (origin_rule_parse(config_item(c, CONFIG_CACHE_ORIGINS, i), &one->rule, &why))
			continue; /* it was checked */
		origin_settings_secrets(one);
		(*out)->count++;
	}
	return 0;
}

void origin_settings_close(struct origin_settings *s)
{
	if (!s)
		return;
	explicit_bzero(s, sizeof(*s));
	free(s);
}
