#include "store.h"

#include "compact.h"
#include "log.h"
#include "mend.h"
#include "recall.h"
#include "stock.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define STORE_PAUSE_MS 5000u
#define STORE_STEP_S 7200 /* by so much a wall clock may be set */

const uint32_t store_keep_s[SERIES_STEPS] = { 3600, 86400, 2592000 };

/* One block holds no more slots than a run may have. */
static const uint32_t store_most_s[SERIES_STEPS] = { 60, 600, 18000 };

/* As few as a block is written for. */
static const uint32_t store_least_s[SERIES_STEPS] = { 4, 60, 300 };

struct store {
	struct store_config config;
	int folder;
	char boot[ARCHIVE_BOOT_BYTES];
	struct block block;   /* the writer's */
	pthread_mutex_t lock; /* of all from here on; the writer alone changes archives */
	pthread_cond_t wake;
	pthread_t thread;
	bool is_running, is_ending;
	struct archive archives[SERIES_STEPS];
	struct store_state state;
	struct stock given;
	bool is_given; /* … and not written yet */
};

static int store_folder(struct store *s)
{
	if (mkdir(s->config.folder, 0750) && errno != EEXIST)
		return -errno;
	s->folder = open(s->config.folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	return s->folder < 0 ? -errno : 0;
}

int store_open(struct store **out, const struct store_config *config)
{
	struct store *s = calloc(1, sizeof(*s));
	pthread_condattr_t by;

	if (!s)
		return -ENOMEM;
	s->config = *config;
	s->folder = -1;
	if (!s->config.budget)
		s->config.budget = STORE_BUDGET;
	if (!s->config.pause_ms)
		s->config.pause_ms = STORE_PAUSE_MS;
	s->state.budget = s->config.budget;
	strncpy(s->boot, config->boot, sizeof(s->boot) - 1);
	pthread_mutex_init(&s->lock, NULL);
	/* a step of the wall clock neither ends a pause nor lengthens it */
	pthread_condattr_init(&by);
	pthread_condattr_setclock(&by, CLOCK_MONOTONIC);
	pthread_cond_init(&s->wake, &by);
	pthread_condattr_destroy(&by);
	*out = s;
	return 0;
}

static void store_error(struct store *s, int error)
{
	if (error && !s->state.error) {
		s->state.error_ms = s->config.wall_ms();
		log_error("history: nothing can be written, it goes on in memory alone: %s",
			  strerrordesc_np(-error));
	} else if (!error && s->state.error) {
		log_info("history: it is written again");
	}
	s->state.error = error;
}

static void store_counts(struct store *s)
{
	s->state.bytes = s->state.files = s->state.cuts = 0;
	for (int i = 0; i < SERIES_STEPS; i++) {
		s->state.bytes += s->archives[i].bytes;
		s->state.files += s->archives[i].count;
		s->state.cuts += s->archives[i].cuts;
		if (s->archives[i].cut[0])
			memcpy(s->state.cut, s->archives[i].cut, sizeof(s->state.cut));
	}
}

/* What the agent before did not come to, where its memory did not come to us. */
static void store_mend(struct store *s, struct archive *archives)
{
	for (int i = SERIES_COARSE; i < SERIES_STEPS; i++) {
		struct export_span span = { .step = (enum series_step)i };
		struct mend m = { .to = &archives[i], .from = &archives[i - 1] };
		int ret;

		metrics_export(s->config.metrics, &span, NULL);
		m.memory_from_s = span.from_s;
		ret = mend_step(&m);
		if (ret)
			log_warning("history: steps of %u s are not mended: %s", series_step_s[i],
				    strerrordesc_np(-ret));
	}
}

/* What is there, once: it is read whole, and nobody waits for that. */
static bool store_begin(struct store *s)
{
	struct archive archives[SERIES_STEPS];
	int ret = s->folder >= 0 ? 0 : store_folder(s);

	for (int i = 0; ret == 0 && i < SERIES_STEPS; i++) {
		ret = archive_open(&archives[i], s->folder, (enum series_step)i, s->boot);
		if (archives[i].cuts)
			log_warning("history: %s", archives[i].cut);
		for (int done = i; ret < 0 && done >= 0; done--)
			archive_close(&archives[done]);
	}
	if (ret == 0)
		store_mend(s, archives);
	pthread_mutex_lock(&s->lock);
	store_error(s, ret);
	if (ret == 0) {
		memcpy(s->archives, archives, sizeof(archives));
		s->state.is_ready = true;
		store_counts(s);
	}
	pthread_mutex_unlock(&s->lock);
	return ret == 0;
}

static void store_on_series(void *ctx, const struct export_key *key)
{
	block_series(ctx, key);
}

static void store_on_slot(void *ctx, uint32_t second, const uint8_t *packed, uint32_t size)
{
	block_slot(ctx, second, packed, size);
}

static void store_on_gauges(void *ctx, uint32_t second, const double values[METRICS_GAUGES])
{
	block_gauges(ctx, second, values);
}

/* The next block of a step; false: there is none, or it could not be written. */
static bool store_write(struct store *s, enum series_step step, bool is_last)
{
	struct archive *a = &s->archives[step];
	struct export_span span = { .step = step, .from_s = archive_until(a) };
	const struct export_sink sink = { &s->block, store_on_series, store_on_slot,
					  store_on_gauges };
	struct block_names *names;
	int ret;

	span.from_s -= span.from_s % series_step_s[step]; /* what was mended may end within one */
	span.most_s = store_most_s[step];
	metrics_export(s->config.metrics, &span, NULL);
	if (span.until_s - span.from_s < (is_last ? 1 : store_least_s[step]))
		return false;
	pthread_mutex_lock(&s->lock);
	names = archive_names(a);
	pthread_mutex_unlock(&s->lock);
	if (!names)
		return false;
	block_begin(&s->block, names, &span);
	span.most_s = span.until_s - span.from_s;
	metrics_export(s->config.metrics, &span, &sink);
	s->block.head.until_s = span.until_s;
	ret = block_end(&s->block);
	pthread_mutex_lock(&s->lock);
	if (ret == 0)
		ret = archive_append(a, &s->block);
	else
		archive_give_up(a);
	s->state.lost += ret ? 0 : s->block.lost;
	store_error(s, ret);
	pthread_mutex_unlock(&s->lock);
	return ret == 0;
}

/* Of an earlier boot the wall clock tells the age alone: a step of it must not cost anything. */
static bool store_is_old(const struct store *s, int step, const struct archive_file *file)
{
	int64_t until_ms = (int64_t)file->until_s * 1000 + file->wall_offset_ms;

	if (!file->until_s)
		return !file->is_aside;
	if (!memcmp(file->boot, s->boot, sizeof(s->boot)))
		return file->until_s + store_keep_s[step] < archive_until(&s->archives[0]);
	return until_ms + (store_keep_s[step] + STORE_STEP_S) * INT64_C(1000) < s->config.wall_ms();
}

static void store_expire(struct store *s)
{
	for (int i = 0; i < SERIES_STEPS; i++) {
		struct archive *a = &s->archives[i];

		for (uint32_t at = 0; at < a->count;)
			at += !store_is_old(s, i, &a->files[at]) || !archive_drop(a, at);
	}
}

static void store_shrink(struct store *s)
{
	store_counts(s);
	for (int i = 0; i < SERIES_STEPS && s->state.bytes > s->config.budget;) {
		if (!archive_drop(&s->archives[i], 0)) {
			i++;
			continue;
		}
		s->state.deleted++;
		store_counts(s);
	}
}

/* One file at a time. One that cannot be read or written again stays as it is. */
static void store_compact(struct store *s)
{
	for (int i = 0; i < SERIES_STEPS; i++) {
		struct archive *a = &s->archives[i];
		int index = archive_loose(a), ret;
		uint64_t bytes = 0;

		if (index < 0)
			continue;
		ret = compact_file(s->folder, (enum series_step)i, &a->files[index], &bytes);
		if (ret) {
			log_warning("history: a file of steps of %u s stays as large as it is: %s",
				    series_step_s[i], strerrordesc_np(-ret));
			bytes = a->files[index].bytes;
		}
		pthread_mutex_lock(&s->lock);
		archive_compacted(a, index, bytes);
		pthread_mutex_unlock(&s->lock);
		return;
	}
}

/* A file of its own. Of this boot the offset is the one of now: a file's last one holds for all. */
static int store_stock_write(struct store *s, struct stock *k, const struct stock_window *w,
			     int64_t offset_ms)
{
	struct archive *a = &s->archives[k->step];
	struct export_span span = { .step = k->step,
				    .from_s = w->first->second,
				    .until_s = w->last->second + series_step_s[k->step],
				    .wall_offset_ms = w->last->wall_offset_ms };
	struct block_names *names;
	int ret;

	if (!memcmp(w->first->boot, s->boot, sizeof(s->boot)))
		span.wall_offset_ms = offset_ms;
	pthread_mutex_lock(&s->lock);
	archive_give_up(a); /* what is being written ends here: it is of another time */
	names = archive_names(a);
	pthread_mutex_unlock(&s->lock);
	if (!names)
		return -ENOMEM;
	block_begin(&s->block, names, &span);
	ret = stock_put(k, w, &s->block);
	if (ret == 0)
		ret = block_end(&s->block);
	pthread_mutex_lock(&s->lock);
	if (ret == 0)
		ret = archive_append_alone(a, &s->block, w->first->boot);
	else
		archive_give_up(a);
	s->state.regained += ret ? 0 : w->count;
	s->state.lost += ret ? 0 : s->block.lost;
	store_error(s, ret);
	pthread_mutex_unlock(&s->lock);
	return ret;
}

static void store_stock(struct store *s)
{
	struct export_span span = { .step = s->given.step };
	struct stock_window w;
	uint32_t dropped;
	int ret = 0;

	metrics_export(s->config.metrics, &span, NULL);
	dropped = stock_drop(&s->given, &s->archives[span.step], span.from_s);
	stock_sort(&s->given);
	for (uint32_t at = 0; !ret && stock_window(&s->given, at, &w); at += w.count)
		ret = store_stock_write(s, &s->given, &w, span.wall_offset_ms);
	pthread_mutex_lock(&s->lock);
	s->state.had += dropped;
	stock_fini(&s->given);
	s->is_given = false;
	pthread_mutex_unlock(&s->lock);
}

static bool store_is_given(struct store *s)
{
	bool is_given;

	pthread_mutex_lock(&s->lock);
	is_given = s->is_given;
	pthread_mutex_unlock(&s->lock);
	return is_given;
}

static void store_look(struct store *s, bool is_last)
{
	if (!s->state.is_ready && !store_begin(s))
		return;
	if (store_is_given(s))
		store_stock(s);
	for (int i = 0; i < SERIES_STEPS; i++) {
		while (store_write(s, (enum series_step)i, is_last))
			;
	}
	if (!is_last)
		store_compact(s);
	pthread_mutex_lock(&s->lock);
	store_expire(s);
	store_shrink(s);
	pthread_mutex_unlock(&s->lock);
}

void store_step(struct store *s)
{
	store_look(s, false);
}

static bool store_pause(struct store *s)
{
	struct timespec until;
	bool goes_on;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += s->config.pause_ms / 1000;
	until.tv_nsec += s->config.pause_ms % 1000 * 1000000L;
	if (until.tv_nsec >= 1000000000) {
		until.tv_nsec -= 1000000000;
		until.tv_sec++;
	}
	pthread_mutex_lock(&s->lock);
	if (!s->is_ending)
		pthread_cond_timedwait(&s->wake, &s->lock, &until);
	goes_on = !s->is_ending;
	pthread_mutex_unlock(&s->lock);
	return goes_on;
}

static void *store_thread(void *store)
{
	struct store *s = store;

	do {
		store_look(s, false);
	} while (store_pause(s));
	store_look(s, true);
	return NULL;
}

int store_run(struct store *s)
{
	int ret = pthread_create(&s->thread, NULL, store_thread, s);

	s->is_running = ret == 0;
	return -ret;
}

void store_close(struct store *s)
{
	if (!s)
		return;
	pthread_mutex_lock(&s->lock);
	s->is_ending = true;
	pthread_cond_signal(&s->wake);
	pthread_mutex_unlock(&s->lock);
	if (s->is_running)
		pthread_join(s->thread, NULL);
	for (int i = 0; i < SERIES_STEPS && s->state.is_ready; i++)
		archive_close(&s->archives[i]);
	block_fini(&s->block);
	stock_fini(&s->given);
	if (s->folder >= 0)
		close(s->folder);
	pthread_cond_destroy(&s->wake);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

bool store_lacks(struct store *s, enum series_step step, int64_t from_ms, int64_t until_ms)
{
	bool lacks;

	pthread_mutex_lock(&s->lock);
	lacks = !s->state.is_ready || !archive_covers(&s->archives[step], from_ms, until_ms);
	pthread_mutex_unlock(&s->lock);
	return lacks;
}

int store_give(struct store *s, struct stock *stock)
{
	int ret = 0;

	pthread_mutex_lock(&s->lock);
	if (s->is_given || !s->state.is_ready) {
		ret = -EAGAIN;
	} else {
		s->given = *stock;
		s->is_given = true;
		stock_init(stock, stock->step);
		pthread_cond_signal(&s->wake);
	}
	pthread_mutex_unlock(&s->lock);
	return ret;
}

void store_state_get(struct store *s, struct store_state *out)
{
	pthread_mutex_lock(&s->lock);
	*out = s->state;
	pthread_mutex_unlock(&s->lock);
}

/* A copy of the list: a file that is deleted meanwhile is missing, or still read to its end. */
static int store_files(struct store *s, enum series_step step, struct archive_file **out)
{
	const struct archive *a = &s->archives[step];
	int count = 0;

	*out = NULL;
	pthread_mutex_lock(&s->lock);
	if (s->state.is_ready && a->count) {
		*out = malloc(a->count * sizeof(**out));
		if (*out)
			memcpy(*out, a->files, a->count * sizeof(**out));
		count = *out ? (int)a->count : -ENOMEM;
	}
	pthread_mutex_unlock(&s->lock);
	return count;
}

static int store_recall(struct store *s, struct recall *r)
{
	struct archive_file *files;
	int count, ret;

	r->step = timeline_slots(r->t->step_s);
	r->folder = s->folder;
	r->boot = s->boot;
	count = store_files(s, r->step, &files);
	ret = count > 0 ? recall_files(r, files, (uint32_t)count) : count;
	free(files);
	return ret;
}

int store_timeline(struct store *s, const struct metrics_scope *scope, struct timeline *t)
{
	struct recall r = { .scope = scope, .t = t };

	return store_recall(s, &r);
}

int store_gauges(struct store *s, const struct metrics_scope *scope, enum metrics_gauge gauge,
		 struct timeline *t)
{
	struct cells cells;
	struct recall r = { .scope = scope, .t = t, .cells = &cells };
	int ret = cells_open(&cells, t, gauge);

	if (ret == 0)
		ret = store_recall(s, &r);
	if (cells.at)
		cells_fold(&cells, t);
	cells_fini(&cells);
	return ret;
}
