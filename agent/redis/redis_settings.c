#include "redis_settings.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define REDIS_SETTINGS_ANSWER (8u << 20) /* bytes: a value of 1 MiB, or a large set of tags */
#define REDIS_SETTINGS_QUESTIONS 4096    /* under way: 500 ms of 8,000 a second */
#define REDIS_SETTINGS_ASKED (32u << 20) /* bytes of these */

int redis_settings_read(struct redis_settings *out, const struct config *c,
			const struct secret *password)
{
	const char *reason = "";
	size_t count = config_count(c, CONFIG_REDIS_URL);
	int ret = count ? 0 : -ENOENT;

	memset(out, 0, sizeof(*out));
	for (size_t i = 0; !ret && i < count; i++)
		ret = redis_url_add(&out->url, config_item(c, CONFIG_REDIS_URL, i), &reason);
	if (ret) {
		snprintf(out->fault, sizeof(out->fault), "redis.url: %s",
			 count ? reason : "is not set");
		return ret;
	}
	if (*password->text)
		snprintf(out->url.password, sizeof(out->url.password), "%s", password->text);
	snprintf(out->fault, sizeof(out->fault), "%s", password->fault);
	return *password->fault ? -EACCES : 0;
}

void redis_settings_put(const struct redis_settings *s, const struct config *c,
			struct redis_config *out)
{
	out->url = &s->url;
	out->prefix = config_text(c, CONFIG_REDIS_PREFIX);
	out->timeout_ns = config_span_ns(c, CONFIG_REDIS_TIMEOUT);
	out->most_bytes = REDIS_SETTINGS_ANSWER;
	out->most_questions = REDIS_SETTINGS_QUESTIONS;
	out->most_question_bytes = REDIS_SETTINGS_ASKED;
}
