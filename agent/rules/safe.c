#include "safe.h"

#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define SAFE_LATE 5 /* seconds: a disk that takes longer is spoken of */

void safe_init(struct safe *s, struct scribe *scribe)
{
	int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	struct diary *d = &s->diary;
	ssize_t n = fd < 0 ? -1 : read(fd, d->boot, sizeof(d->boot) - 1);

	*s = (struct safe){ .diary = s->diary };
	d->scribe = scribe;
	d->boot[n > 0 ? n : 0] = '\0';
	d->boot[strcspn(d->boot, "\n")] = '\0';
	if (fd >= 0)
		close(fd);
}

/* What cannot be read is kept under another name: it is out of the way of what is written. */
static void safe_set_aside(struct safe *s, const char *name, const char *why, const char *so)
{
	char from[512], to[520];

	snprintf(from, sizeof(from), "%.400s/%s", scribe_folder(s->diary.scribe), name);
	snprintf(to, sizeof(to), "%s.bad", from);
	log_error("%s: %s: %s; it is kept as %s", from, why, so, to);
	if (rename(from, to))
		log_error("%s cannot be kept: %m", from);
	snprintf(s->bad, sizeof(s->bad), "%s: %.70s: %s; it is kept as %s.bad", name, why, so,
		 name);
}

void safe_load(struct safe *s, struct engine *e, int64_t now_ns)
{
	char why[STAMPED_WHY];
	uint64_t sent;
	int ret = diary_marked(&s->diary, &sent, why);

	if (ret && ret != -ENOENT)
		safe_set_aside(s, DIARY_SENT, why, "what was sent may come again");
	ret = diary_load(&s->diary, e, sent, now_ns, why);
	if (ret && ret != -ENOENT)
		safe_set_aside(s, DIARY_STATE, why, "alerts began anew");
	s->covered = e->last_sequence; /* it is on disk */
}

static void safe_refused(struct safe *s, struct engine *e, int error)
{
	if (!s->error)
		log_error("the state of alerts cannot be written down: %s",
			  strerrordesc_np(-error));
	s->error = error;
	e->changed = true;
}

int safe_save(struct safe *s, struct engine *e, int64_t now_ns)
{
	int ret = diary_save(&s->diary, e, now_ns);

	if (ret == -ENOBUFS) {
		e->changed = true;
		return ret;
	}
	s->covering = e->last_sequence;
	e->changed = false;
	if (ret)
		safe_refused(s, e, ret);
	else
		s->saving = scribe_given(s->diary.scribe);
	return ret;
}

void safe_look(struct safe *s, struct engine *e)
{
	int error;

	if (!s->saving || !scribe_wrote(s->diary.scribe, s->saving))
		return;
	error = scribe_error(s->diary.scribe, DIARY_STATE);
	s->saving = 0;
	s->covered = s->covering; /* refused or not: notices go out all the same */
	if (error)
		safe_refused(s, e, error);
	else
		s->error = 0;
}

void safe_second(struct safe *s, struct engine *e, int64_t now_ns)
{
	int ret = 0;

	safe_look(s, e); /* what somebody was answered may be there by now */
	if (e->changed && !s->saving)
		ret = safe_save(s, e, now_ns);
	if (ret && ret != -ENOBUFS)
		s->covered = s->covering; /* as where the disk refuses it */
	if (s->marked && scribe_error(s->diary.scribe, DIARY_SENT))
		safe_mark(s, s->marked);
	safe_look(s, e);
	s->late = s->saving || ret == -ENOBUFS ? s->late + 1 : 0;
}

void safe_mark(struct safe *s, uint64_t sequence)
{
	int ret = diary_mark(&s->diary, sequence);

	s->marked = sequence;
	if (ret)
		log_error("that notices were sent cannot be marked: %s", strerrordesc_np(-ret));
}

bool safe_complains(const struct safe *s, char *out, size_t size)
{
	int error = s->error ? s->error : scribe_error(s->diary.scribe, DIARY_SENT);

	if (error)
		snprintf(out, size,
			 "the state cannot be written down, a restart would repeat notices: %s",
			 strerrordesc_np(-error));
	else if (s->late >= SAFE_LATE)
		snprintf(out, size,
			 "the disk has not taken the state for %u s: notices wait for that",
			 s->late);
	else if (*s->bad)
		snprintf(out, size, "%s", s->bad);
	return error || s->late >= SAFE_LATE || *s->bad;
}
