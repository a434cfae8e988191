#include "postbox.h"

#include "diary.h"
#include "json.h"
#include "stamped.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define POSTBOX_SUM 17                   /* of a line: sixteen digits and a blank */
#define POSTBOX_BYTES (64u << 20)        /* no file is ever longer */
#define POSTBOX_ANEW (UINT32_C(1) << 20) /* a file of so many bytes, most of them past, … */
#define POSTBOX_ENTRY 2048u              /* … where an entry has about so many */

static int postbox_channel(const struct postbox *p, const char *name)
{
	for (uint32_t i = 0; name && i < p->names.count; i++)
		if (!strcmp(p->names.at[i], name))
			return (int)i;
	return -ENOENT;
}

/* The first of this number that waits for the channel: numbers may have begun anew. */
static struct postbox_entry *postbox_find(const struct postbox *p, uint64_t sequence,
					  uint32_t channel)
{
	for (size_t i = 0; i < p->count; i++)
		if (p->entries[i].notice.sequence == sequence &&
		    p->entries[i].waiting >> channel & 1)
			return &p->entries[i];
	return NULL;
}

static struct postbox_entry *postbox_add(struct postbox *p, const struct notice *notice,
					 uint32_t channels)
{
	size_t room = p->room ? 2 * p->room : 16;
	struct postbox_entry *more = p->entries;

	if (!more || p->count == p->room) {
		more = realloc(p->entries, room * sizeof(*more));
		if (!more)
			return NULL;
		p->entries = more;
		p->room = room;
	}
	more[p->count] = (struct postbox_entry){ .notice = *notice, .waiting = channels };
	return &more[p->count++];
}

static void postbox_through(struct postbox *p, struct postbox_entry *entry, uint32_t channel)
{
	size_t at = (size_t)(entry - p->entries);

	entry->waiting &= ~(1u << channel);
	if (entry->waiting)
		return;
	p->count--;
	memmove(entry, entry + 1, (p->count - at) * sizeof(*entry));
}

/* One line of the file, without its end, to the json's own. */
static int postbox_line(struct json *j, char sum[POSTBOX_SUM + 1])
{
	int ret = json_finish(j);

	if (!ret)
		snprintf(sum, POSTBOX_SUM + 1, "%016" PRIx64 " ", stamped_sum(j->bytes, j->length));
	return ret;
}

static void postbox_put_entry(const struct postbox *p, struct json *j,
			      const struct postbox_entry *entry)
{
	json_object_begin(j, NULL);
	json_array_begin(j, "channels");
	for (uint32_t i = 0; i < p->names.count; i++)
		if (entry->waiting >> i & 1)
			json_string(j, NULL, p->names.at[i]);
	json_array_end(j);
	diary_notice_put(j, "notice", &entry->notice);
	json_object_end(j);
}

static int postbox_give(struct postbox *p, const struct scribe_page *page)
{
	int ret = scribe_give(p->scribe, page);

	if (ret)
		return ret;
	p->moving = true;
	p->whole = page->how == SCRIBE_WHOLE;
	p->fresh = page->how == SCRIBE_APPEND;
	p->bytes = (p->whole ? 0 : p->bytes) + page->length;
	return 0;
}

static int postbox_append(struct postbox *p, struct json *j, const char *stop)
{
	struct scribe_page page = { .file = POSTBOX_FILE, .how = SCRIBE_APPEND, .stop = stop };
	char sum[POSTBOX_SUM + 1];
	int ret = postbox_line(j, sum), n = 0;

	if (!ret)
		n = asprintf(&page.bytes, "%s%s\n", sum, j->bytes);
	if (ret || n < 0)
		return -ENOMEM;
	page.length = (size_t)n;
	return postbox_give(p, &page);
}

/* The channel is through with it; at_ms: when what was to be done began, 0: it was told. */
static void postbox_put_done(const struct postbox *p, struct json *j, uint64_t sequence,
			     uint32_t channel, int64_t at_ms)
{
	json_object_begin(j, NULL);
	json_uint(j, "done", sequence);
	json_string(j, "channel", p->names.at[channel]);
	if (at_ms)
		json_int(j, "at", at_ms);
	json_object_end(j);
}

/* What a file that is written anew says of all that is past. */
static void postbox_put_last(const struct postbox *p, struct json *j)
{
	json_object_begin(j, NULL);
	json_uint(j, "last", p->last);
	json_object_begin(j, "begun");
	for (uint32_t i = 0; i < p->names.count; i++)
		if (p->begun_ms[i])
			json_int(j, p->names.at[i], p->begun_ms[i]);
	json_object_end(j);
	json_object_end(j);
}

/* The whole of it as it is in memory, in place of the file. */
static int postbox_all(const struct postbox *p, struct json *all)
{
	char sum[POSTBOX_SUM + 1];
	int ret = 0;

	for (size_t i = 0; i <= p->count && !ret; i++) {
		struct json j;

		json_init(&j);
		if (i < p->count)
			postbox_put_entry(p, &j, &p->entries[i]);
		else
			postbox_put_last(p, &j);
		ret = postbox_line(&j, sum);
		all->comma = false;
		if (!ret)
			json_raw(all, NULL, sum, POSTBOX_SUM);
		all->comma = false;
		if (!ret)
			json_raw(all, NULL, j.bytes, j.length);
		all->comma = false;
		json_raw(all, NULL, "\n", 1);
		json_fini(&j);
	}
	return ret ? ret : json_finish(all);
}

static int postbox_anew(struct postbox *p)
{
	struct scribe_page page = { .file = POSTBOX_FILE, .how = SCRIBE_WHOLE };
	struct json all;
	int ret;

	json_init(&all);
	ret = postbox_all(p, &all);
	if (ret) {
		json_fini(&all);
		return ret;
	}
	page.bytes = all.bytes;
	page.length = all.length;
	return postbox_give(p, &page);
}

/* What was said in memory is on its way to the disk, or to be said later. */
static int postbox_settle(struct postbox *p, int ret)
{
	if (ret)
		p->stale = true;
	if (p->stale || (p->bytes > POSTBOX_ANEW && p->bytes / POSTBOX_ENTRY > 2 * p->count)) {
		ret = postbox_anew(p);
		p->stale = ret != 0;
	}
	if (ret)
		p->error = ret;
	return ret;
}

void postbox_sync(struct postbox *p)
{
	const struct scribe_page page = { .file = POSTBOX_FILE,
					  .how = SCRIBE_SYNC,
					  .stop = "boxed" };

	if (!p->stale && p->fresh)
		postbox_settle(p, postbox_give(p, &page));
}

bool postbox_is_settled(struct postbox *p)
{
	int error;

	if (p->moving)
		p->number = scribe_given(p->scribe);
	p->moving = false;
	if (!scribe_wrote(p->scribe, p->number))
		return false;
	error = scribe_error(p->scribe, POSTBOX_FILE);
	if (!error && !p->stale)
		p->error = 0;
	if (!error || p->stale)
		return true;
	p->error = error;
	p->stale = true;
	if (p->whole)
		return true;
	postbox_settle(p, 0); /* a line was refused: all of it, once, at once */
	return postbox_is_settled(p);
}

void postbox_second(struct postbox *p)
{
	bool settled = postbox_is_settled(p);

	p->late = settled ? 0 : p->late + 1;
	if (settled && p->stale)
		postbox_settle(p, 0);
}

static void postbox_read_notice(struct postbox *p, const struct tree *line)
{
	const struct tree *names = tree_member(line, "channels");
	struct notice notice;
	uint32_t channels = 0;

	if (!diary_notice_take(tree_member(line, "notice"), &notice)) {
		p->damaged++;
		return;
	}
	for (size_t i = 0; i < tree_size(names); i++) {
		int channel = postbox_channel(p, tree_text(tree_at(names, i)));

		if (channel >= 0)
			channels |= 1u << channel;
	}
	p->last = notice.sequence;
	if (channels)
		postbox_add(p, &notice, channels);
}

static uint64_t postbox_number(const struct tree *line, const char *name)
{
	double number = tree_number(tree_member(line, name));

	return number >= 0 && number < 9e15 ? (uint64_t)number : 0;
}

static void postbox_read_last(struct postbox *p, const struct tree *line)
{
	const struct tree *begun = tree_member(line, "begun");

	p->last = postbox_number(line, "last");
	for (uint32_t i = 0; i < p->names.count; i++)
		p->begun_ms[i] = (int64_t)postbox_number(begun, p->names.at[i]);
}

static void postbox_read_line(struct postbox *p, const char *line, size_t length)
{
	const char *json = line + POSTBOX_SUM;
	char sum[POSTBOX_SUM + 1] = "";
	struct tree_error error;
	struct postbox_entry *entry = NULL;
	struct tree *tree;
	int channel;

	if (length > POSTBOX_SUM)
		snprintf(sum, sizeof(sum), "%016" PRIx64 " ",
			 stamped_sum(json, length - POSTBOX_SUM));
	if (length <= POSTBOX_SUM || memcmp(sum, line, POSTBOX_SUM) != 0 ||
	    tree_open(&tree, json, length - POSTBOX_SUM, &error)) {
		p->damaged++;
		return;
	}
	if (tree_member(tree, "last"))
		postbox_read_last(p, tree);
	channel = postbox_channel(p, tree_text(tree_member(tree, "channel")));
	if (channel >= 0 && tree_member(tree, "at"))
		p->begun_ms[channel] = (int64_t)postbox_number(tree, "at");
	if (channel >= 0)
		entry = postbox_find(p, postbox_number(tree, "done"), (uint32_t)channel);
	if (tree_member(tree, "notice"))
		postbox_read_notice(p, tree);
	else if (entry)
		postbox_through(p, entry, (uint32_t)channel);
	tree_close(tree);
}

static int postbox_read(struct postbox *p, int fd)
{
	struct stat st;
	char *bytes, *at, *end;
	ssize_t n;

	if (fstat(fd, &st))
		return -errno;
	if (!S_ISREG(st.st_mode) || st.st_size > POSTBOX_BYTES)
		return -EBADMSG;
	bytes = malloc((size_t)st.st_size + 1);
	if (!bytes)
		return -ENOMEM;
	n = read(fd, bytes, (size_t)st.st_size);
	for (at = bytes; n > 0 && at < bytes + n; at = end + 1) {
		end = memchr(at, '\n', (size_t)(bytes + n - at));
		if (!end)
			break; /* cut off as it was written: nobody was told that it stands */
		if (!p->damaged)
			p->place =
				(struct postbox_place){ p->place.line + 1, (size_t)(at - bytes) };
		postbox_read_line(p, at, (size_t)(end - at));
	}
	free(bytes);
	return n < 0 ? -EIO : 0;
}

int postbox_open(struct postbox **out, struct scribe *scribe, const struct postbox_names *names)
{
	struct postbox *p = calloc(1, sizeof(*p));
	char path[512];
	int fd, ret = 0;

	*out = p;
	if (!p)
		return -ENOMEM;
	p->scribe = scribe;
	p->names = *names;
	snprintf(path, sizeof(path), "%.400s/" POSTBOX_FILE, scribe_folder(scribe));
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd >= 0) {
		ret = postbox_read(p, fd);
		close(fd);
	} else if (errno != ENOENT) {
		ret = -errno;
	}
	if (ret)
		p->damaged++;
	p->unread = ret;
	p->stale = true;
	postbox_settle(p, 0);
	return 0;
}

void postbox_close(struct postbox *p)
{
	if (!p)
		return;
	free(p->entries);
	free(p);
}

const struct postbox_entry *postbox_first(const struct postbox *p, uint32_t channel)
{
	for (size_t i = 0; i < p->count; i++)
		if (p->entries[i].waiting >> channel & 1)
			return &p->entries[i];
	return NULL;
}

uint32_t postbox_waiting(const struct postbox *p, uint32_t channel)
{
	uint32_t count = 0;

	for (size_t i = 0; i < p->count; i++)
		count += p->entries[i].waiting >> channel & 1;
	return count;
}

static int postbox_say_done(struct postbox *p, uint64_t sequence, uint32_t channel, int64_t at_ms)
{
	struct json j;
	int ret;

	if (p->stale)
		return 0; /* the file is to be written as a whole */
	json_init(&j);
	postbox_put_done(p, &j, sequence, channel, at_ms);
	ret = postbox_append(p, &j, at_ms ? NULL : "done");
	json_fini(&j);
	return ret;
}

int postbox_done(struct postbox *p, uint64_t sequence, uint32_t channel)
{
	struct postbox_entry *entry = postbox_find(p, sequence, channel);

	if (!entry)
		return 0;
	postbox_through(p, entry, channel);
	return postbox_settle(p, postbox_say_done(p, sequence, channel, 0));
}

void postbox_begin(struct postbox *p, uint64_t sequence, uint32_t channel, int64_t wall_ms)
{
	struct postbox_entry *entry = postbox_find(p, sequence, channel);

	if (entry)
		postbox_through(p, entry, channel);
	p->begun_ms[channel] = wall_ms;
	postbox_settle(p, postbox_say_done(p, sequence, channel, wall_ms));
	postbox_sync(p);
}

/* Behind the first, which may be under way. */
static const struct postbox_entry *postbox_behind(const struct postbox *p, uint32_t channel)
{
	const struct postbox_entry *first = postbox_first(p, channel);

	for (const struct postbox_entry *e = first + 1; first && e < p->entries + p->count; e++)
		if (e->waiting >> channel & 1)
			return e;
	return NULL;
}

/* A receiver that is away for long costs its oldest notices, not those of others. */
static void postbox_make_room(struct postbox *p, uint32_t channels)
{
	for (uint32_t i = 0; i < p->names.count; i++) {
		const struct postbox_entry *oldest = postbox_behind(p, i);

		if (!(channels >> i & 1) || !oldest || postbox_waiting(p, i) < POSTBOX_WAITING)
			continue;
		p->dropped[i]++;
		postbox_done(p, oldest->notice.sequence, i);
	}
}

int postbox_put(struct postbox *p, const struct notice *notice, uint32_t channels)
{
	const struct postbox_entry *entry;
	struct json j;
	int ret = 0;

	if (!channels || (notice->again && notice->sequence <= p->last))
		return 0;
	postbox_make_room(p, channels);
	p->last = notice->sequence;
	entry = postbox_add(p, notice, channels);
	if (!entry)
		return -ENOMEM;
	json_init(&j);
	postbox_put_entry(p, &j, entry);
	if (!p->stale)
		ret = postbox_append(p, &j, NULL);
	json_fini(&j);
	return postbox_settle(p, ret);
}

int postbox_rename(struct postbox *p, const struct postbox_names *names)
{
	const struct postbox before = *p;
	size_t kept = 0;

	p->names = *names;
	memset(p->dropped, 0, sizeof(p->dropped));
	memset(p->begun_ms, 0, sizeof(p->begun_ms));
	for (size_t i = 0; i < p->count; i++)
		p->entries[i].moved = 0;
	for (uint32_t k = 0; k < before.names.count; k++) {
		int to = postbox_channel(p, before.names.at[k]);

		if (to < 0)
			continue;
		p->dropped[to] = before.dropped[k];
		p->begun_ms[to] = before.begun_ms[k];
		for (size_t i = 0; i < p->count; i++)
			p->entries[i].moved |= (p->entries[i].waiting >> k & 1) << to;
	}
	for (size_t i = 0; i < p->count; i++) {
		p->entries[i].waiting = p->entries[i].moved;
		if (p->entries[i].waiting)
			p->entries[kept++] = p->entries[i];
	}
	p->count = kept;
	p->stale = true;
	return postbox_settle(p, 0);
}
