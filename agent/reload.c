#include "reload.h"

#include "board.h"
#include "file.h"
#include "link.h"
#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define RELOAD_BYTES 65536 /* at a time */

/* Of its own, so that whoever writes into the file changes nothing. */
static int reload_copy(int from)
{
	int to = memfd_create("ringside.json", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	char bytes[RELOAD_BYTES];
	ssize_t n = 0;
	int ret = 0;

	if (to < 0)
		return -errno;
	while (!ret && (n = read(from, bytes, sizeof(bytes))) > 0)
		ret = file_write(to, bytes, (size_t)n);
	/* workers have it too, one after the other */
	if (ret || n < 0 || lseek(to, 0, SEEK_SET) ||
	    fcntl(to, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL)) {
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

/* False: the worker is behind, and is to be told another time. */
static bool reload_tell(const struct reload *r, const struct link_message *message, int fd)
{
	int ret = link_send(r->link, message, fd);

	if (ret && ret != -EAGAIN)
		log_error("the worker does not hear of a reload: %s", strerrordesc_np(-ret));
	return ret != -EAGAIN;
}

static void reload_pay(struct reload *r)
{
	const struct link_message message = { .kind = LINK_RELOAD };

	r->owed = !reload_tell(r, &message, r->good);
}

static void reload_pay_password(struct reload *r)
{
	struct link_message message = { .kind = LINK_PASSWORD };

	memcpy(message.password, r->password.text, sizeof(message.password));
	r->password_owed = *message.password && !reload_tell(r, &message, -1);
	explicit_bzero(&message, sizeof(message));
}

void reload_again(struct reload *r)
{
	rulefiles_again(&r->rules);
	reload_pay_password(r);
	if (r->good >= 0)
		reload_pay(r);
}

void reload_second(struct reload *r)
{
	if (r->password_owed)
		reload_pay_password(r);
	if (r->owed)
		reload_pay(r);
	rulefiles_second(&r->rules);
}

/* The new one before the old one goes: there is one at any time. */
static void reload_keep(const struct reload *r, bool first)
{
	const struct link_message message = { .kind = LINK_RELOAD };
	struct link_message old;
	int ret = link_send(r->kept[0], &message, r->good), fd;

	if (ret)
		log_error("a worker that is started anew begins with another configuration: %s",
			  strerrordesc_np(-ret));
	else if (!first && link_receive(r->kept[1], &old, &fd) == 1)
		close(fd);
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
	reload_pay_password(r);
}

void reload_now(struct reload *r)
{
	struct config_error error;
	bool first;
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
	first = r->good < 0;
	if (!first)
		close(r->good);
	r->good = copy;
	reload_keep(r, first);
	reload_pay(r);
}
