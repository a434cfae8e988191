#include "reload.h"

#include "board.h"
#include "file.h"
#include "link.h"
#include "log.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define RELOAD_BYTES 65536 /* at a time */

/* Of its own, so that whoever writes into the file changes nothing. */
static int reload_copy(int from)
{
	int to = memfd_create("ringside.json", MFD_CLOEXEC);
	char bytes[RELOAD_BYTES];
	ssize_t n = 0;
	int ret = 0;

	if (to < 0)
		return -errno;
	while (!ret && (n = read(from, bytes, sizeof(bytes))) > 0)
		ret = file_write(to, bytes, (size_t)n);
	if (ret || n < 0 || lseek(to, 0, SEEK_SET)) {
		close(to);
		return -EIO;
	}
	return to;
}

/* Is it good? Then the courier has its channels. */
static int reload_check(const struct reload *r, int fd, struct config_error *error)
{
	struct config_alerts *alerts;
	struct config *next;
	int ret = options_config(r->options, fd, &next, error);

	if (ret)
		return ret;
	ret = config_alerts_open(&alerts, next, error);
	if (!ret && r->board)
		board_put(r->board, alerts);
	config_alerts_close(alerts);
	config_close(next);
	return ret;
}

static void reload_password_again(const struct reload *r)
{
	struct link_message message = { .kind = LINK_PASSWORD };

	memcpy(message.password, r->password.text, sizeof(message.password));
	if (*message.password && link_send(r->link, &message, -1))
		log_error("the Redis's password is not reloaded: the worker is behind");
	explicit_bzero(&message, sizeof(message));
}

/* The file alone: which one it is says the configuration that the agent was started with. */
static void reload_password(struct reload *r)
{
	struct secret now;

	secret_load(&now, "redis.password_file", r->password_file ? r->password_file : "");
	if (*now.fault)
		log_error("not reloaded: %s", now.fault);
	else if (*now.text)
		r->password = now;
	explicit_bzero(&now, sizeof(now));
	reload_password_again(r);
}

static void reload_good(const struct reload *r)
{
	const struct link_message message = { .kind = LINK_RELOAD };

	if (r->good >= 0 && (lseek(r->good, 0, SEEK_SET) || link_send(r->link, &message, r->good)))
		log_error("not reloaded: the worker is behind");
}

void reload_again(struct reload *r)
{
	rulefiles_again(&r->rules);
	reload_password_again(r);
	reload_good(r);
}

void reload_now(struct reload *r)
{
	struct config_error error;
	int fd, copy;

	rulefiles_again(&r->rules); /* whatever becomes of the configuration */
	reload_password(r);
	if (options_file_open(r->options, &fd, &error)) {
		log_error("not reloaded: %s", error.text);
		return;
	}
	if (fd < 0) {
		log_info("there is no %s to reload", r->options->file);
		return;
	}
	copy = reload_copy(fd);
	close(fd);
	if (copy < 0 || reload_check(r, copy, &error)) {
		log_error("not reloaded: %s", copy < 0 ? strerrordesc_np(-copy) : error.text);
		if (copy >= 0)
			close(copy);
		return;
	}
	if (r->good >= 0)
		close(r->good);
	r->good = copy;
	reload_good(r);
}
