#include "redis_settings.h"

#include "file.h"
#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define REDIS_SETTINGS_ANSWER (8u << 20) /* bytes: a value of 1 MiB, or a large set of tags */
#define REDIS_SETTINGS_QUESTIONS 4096    /* under way: 500 ms of 8,000 a second */
#define REDIS_SETTINGS_ASKED (32u << 20) /* bytes of these */

/* A secret's file has one line. */
static int redis_settings_password(const char *path, char out[REDIS_URL_SECRET])
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK), ret = 0;
	struct stat st;
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = file_read(fd, out, REDIS_URL_SECRET);
	if (n < 0)
		ret = (int)n;
	else if (n == REDIS_URL_SECRET)
		ret = -EFBIG;
	if (!ret && !fstat(fd, &st) && st.st_mode & S_IROTH)
		log_warning("redis.password_file: %s can be read by everybody", path);
	close(fd);
	out[n > 0 && !ret ? n : 0] = '\0';
	out[strcspn(out, "\r\n")] = '\0';
	return ret || *out ? ret : -ENODATA;
}

int redis_settings_read(struct redis_settings *out, const struct config *c)
{
	const char *path = config_text(c, CONFIG_REDIS_PASSWORD_FILE), *reason = "";
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
	if (!*path || !strcmp(path, "none"))
		return 0;
	ret = redis_settings_password(path, out->url.password);
	if (ret)
		snprintf(out->fault, sizeof(out->fault), "redis.password_file: %.120s: %.80s", path,
			 strerrordesc_np(-ret));
	return ret;
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
