#include "drain.h"

#include "bare.h"
#include "family.h"
#include "moment.h"
#include "orders.h"
#include "turn.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define DRAIN_SECOND_NS UINT64_C(1000000000)
#define DRAIN_FORGET_NS (600 * DRAIN_SECOND_NS) /* a process not found again by then is dead */
#define DRAIN_BOOT "/proc/sys/kernel/random/boot_id"
#define DRAIN_TRY_NS 10000000L
#define DRAIN_LOCK_TRIES 200 /* of the checkpoint: the agent before us is about to end */
#define DRAIN_SAVE_TRIES 20  /* of the last one: somebody reads from the next stage */

_Static_assert(DRAIN_SAVE_BYTES == CHECKPOINT_BLOB_BYTES, "what is promised to the next stage");

struct drain {
	pthread_t thread;
	struct orders orders;
	struct drain_counts published; /* under the lock of orders */
	struct turn turn;
	/* the thread's own from here on */
	struct drain_config config;
	struct drain_counts counts;
	struct family **families;
	uint32_t family_room;
	struct bare bare;
	struct wire *wire;
	struct checkpoint *checkpoint;
	uint64_t opened_ns, calibrate_ns, second_ns; /* when it began; when these are due */
	uint64_t saved;                              /* what had been told when it was saved last */
	bool save_due;
	bool last_round;
	struct watched_shared shared;
};

int drain_add(struct drain *d, const struct capture_target *target, int memfd)
{
	struct order order = { .fd = memfd, .target = *target };
	int result = orders_put(&d->orders, &order);

	if (result)
		close(memfd);
	return result;
}

int drain_attach(struct drain *d, const struct capture_target *target)
{
	struct order order = { .kind = ORDER_ATTACH, .fd = -1, .target = *target };

	return orders_put(&d->orders, &order);
}

int drain_kin(struct drain *d, uint64_t key, int memfd)
{
	struct order order = { .kind = ORDER_KIN, .key = key, .fd = memfd };
	int result = orders_put(&d->orders, &order);

	if (result)
		close(memfd);
	return result;
}

int drain_wire(struct drain *d, int fd, uint32_t bytes)
{
	struct order order = { .kind = ORDER_WIRE, .fd = fd, .bytes = bytes };
	int result = orders_put(&d->orders, &order);

	if (result && fd >= 0)
		close(fd);
	return result;
}

int drain_lost(struct drain *d, uint64_t key, const uint64_t status[RS_STATUS_CLASSES])
{
	struct order order = { .kind = ORDER_LOST, .key = key, .fd = -1 };

	memcpy(order.lost, status, sizeof(order.lost));
	return orders_put(&d->orders, &order);
}

int drain_died(struct drain *d, uint64_t key)
{
	struct order order = { .kind = ORDER_DIED, .key = key, .fd = -1 };

	return orders_put(&d->orders, &order);
}

int drain_detail(struct drain *d, uint64_t key, const struct drain_detail *detail)
{
	struct order order = { .kind = ORDER_DETAIL, .key = key, .fd = -1, .detail = *detail };

	return orders_put(&d->orders, &order);
}

static bool drain_room(struct drain *d)
{
	uint32_t room = d->family_room ? 2 * d->family_room : 64;
	struct family **families;

	if (d->counts.processes < d->family_room)
		return true;
	families = realloc(d->families, room * sizeof(struct family *));
	if (!families)
		return false;
	d->families = families;
	d->family_room = room;
	return true;
}

static bool drain_watches(const struct drain *d, uint64_t key)
{
	for (uint32_t i = 0; i < d->counts.processes; i++)
		if (family_key(d->families[i]) == key)
			return true;
	return false;
}

static void drain_obey_add(struct drain *d, const struct order *order)
{
	struct family *family;

	if (drain_watches(d, order->target.key)) {
		/* Told twice: a new worker also reads what its predecessor left on the link. */
	} else if (!drain_room(d) ||
		   family_open(&family, &d->shared, &order->target, order->fd, d->checkpoint)) {
		d->counts.refused++;
	} else {
		d->families[d->counts.processes++] = family;
		d->counts.added++;
	}
	close(order->fd);
}

/* May be told twice, as a process may. */
static void drain_obey_kin(struct drain *d, struct family *family, int memfd)
{
	int result = family_kin(family, memfd, d->checkpoint);

	d->counts.refused += result && result != -EEXIST;
}

static void drain_obey_about(struct drain *d, const struct order *order)
{
	for (uint32_t i = 0; i < d->counts.processes; i++) {
		struct family *family = d->families[i];

		if (family_key(family) != order->key)
			continue;
		if (order->kind == ORDER_DETAIL)
			family_detail(family, &order->detail);
		else if (order->kind == ORDER_DIED)
			family_died(family);
		else
			drain_obey_kin(d, family, order->fd);
	}
	if (order->kind == ORDER_DIED) {
		wire_round(d->wire, d->config.now_ns()); /* while it is known */
		bare_died(&d->bare, &d->config.sink, order->key, d->config.now_ns());
	}
	if (order->fd >= 0)
		close(order->fd);
}

static void drain_obey_wire(struct drain *d, const struct order *order)
{
	d->counts.refused += wire_ring_put(d->wire, order->fd, order->bytes) != 0;
	if (order->fd >= 0)
		close(order->fd);
}

static void drain_obey(struct drain *d, struct order *order)
{
	while (order) {
		struct order *next = order->next;

		if (order->kind == ORDER_ADD)
			drain_obey_add(d, order);
		else if (order->kind == ORDER_WIRE)
			drain_obey_wire(d, order);
		else if (order->kind == ORDER_LOST)
			bare_lost(&d->bare, order->key, order->lost);
		else if (order->kind == ORDER_ATTACH)
			d->counts.refused +=
				bare_add(&d->bare, &d->config.sink, &order->target) != 0;
		else
			drain_obey_about(d, order);
		free(order);
		order = next;
	}
}

static void drain_tell(struct drain *d, bool listening)
{
	for (uint32_t i = 0; i < d->counts.processes; i++)
		family_tell(d->families[i], listening);
}

static void drain_calibrate(struct drain *d, uint64_t now_ns)
{
	struct calibrate_pair pair;

	if (now_ns < d->calibrate_ns)
		return;
	d->calibrate_ns = now_ns + CALIBRATE_NEXT_NS;
	calibrate_read(d->config.now_ns, &pair);
	if (calibrate_step(&d->shared.tsc, &pair))
		drain_tell(d, true);
	else if (!d->shared.tsc.ns_per_tick)
		d->calibrate_ns = now_ns + CALIBRATE_FIRST_NS;
	d->counts.clock_changes += calibrate_source_changed(&d->shared.tsc, CALIBRATE_SOURCE);
}

static void drain_visit_all(struct drain *d, uint64_t now_ns)
{
	uint32_t i = 0;

	while (i < d->counts.processes) {
		if (family_round(d->families[i], now_ns, d->last_round)) {
			i++;
			continue;
		}
		family_close(d->families[i]);
		d->families[i] = d->families[--d->counts.processes];
	}
}

static void drain_each_second(struct drain *d, uint64_t now_ns)
{
	if (now_ns < d->second_ns)
		return;
	d->second_ns = now_ns + DRAIN_SECOND_NS;
	d->save_due = true;
	for (uint32_t i = 0; i < d->counts.processes; i++)
		if (family_ready(d->families[i]))
			family_list(d->families[i], now_ns);
	if (d->checkpoint && now_ns > d->opened_ns + DRAIN_FORGET_NS)
		checkpoint_forget(d->checkpoint);
}

/*
 * The next stage's state and what was booked, of one moment: nothing is told to it in between.
 * False: it is busy, the last checkpoint stands.
 */
static bool drain_save(struct drain *d)
{
	size_t bytes = 0;
	void *room;
	int result;

	if (!d->checkpoint || d->saved == d->shared.told + d->bare.told)
		return true;
	room = checkpoint_begin(d->checkpoint);
	if (d->config.save)
		bytes = d->config.save(d->config.saved_ctx, room, DRAIN_SAVE_BYTES);
	if (d->config.save && (!bytes || bytes > DRAIN_SAVE_BYTES))
		return false;
	for (uint32_t i = 0; i < d->counts.processes; i++)
		family_save(d->families[i], d->checkpoint);
	result = checkpoint_end(d->checkpoint, bytes);
	d->counts.checkpoint_error = result;
	if (result)
		return true;
	d->counts.saved++;
	d->saved = d->shared.told + d->bare.told;
	return true;
}

static void drain_round(struct drain *d, uint64_t now_ns)
{
	drain_calibrate(d, now_ns);
	drain_visit_all(d, now_ns);
	wire_round(d->wire, now_ns);
	drain_each_second(d, now_ns);
	d->config.sink.tick(d->config.sink.ctx, now_ns);
	if (d->save_due)
		d->save_due = !drain_save(d);
}

static uint64_t drain_next_ns(struct drain *d)
{
	uint64_t next_ns = d->second_ns < d->calibrate_ns ? d->second_ns : d->calibrate_ns;
	uint64_t period_ns = DRAIN_SECOND_NS;
	uint64_t wire_ns = d->config.now_ns() + WIRE_PERIOD_NS;

	for (uint32_t i = 0; i < d->counts.processes; i++) {
		const struct family *f = d->families[i];

		if (!family_ready(f))
			continue; /* for the calibration */
		if (family_due_ns(f) < next_ns)
			next_ns = family_due_ns(f);
		if (family_period_ns(f) < period_ns)
			period_ns = family_period_ns(f);
	}
	if (d->bare.first && wire_listens(d->wire) && wire_ns < next_ns)
		next_ns = wire_ns;
	d->counts.period_ms = (uint32_t)(period_ns / 1000000);
	return next_ns;
}

/* Until then or the next command; false: the last round was done. */
static bool drain_wait(struct drain *d, struct order **orders)
{
	uint64_t next_ns = drain_next_ns(d), now_ns = d->config.now_ns();
	uint64_t until_ns = moment_monotonic_ns() + (next_ns > now_ns ? next_ns - now_ns : 0);

	turn_due(&d->turn, next_ns);
	d->counts.broken = d->shared.broken;
	d->counts.unequal = d->shared.unequal;
	d->counts.unknown = d->shared.unknown;
	d->counts.shapes_lost = d->shared.budget.lost + d->shared.streams.lost;
	wire_counts_get(d->wire, &d->counts.wire);
	pthread_mutex_lock(&d->orders.lock);
	d->published = d->counts;
	pthread_mutex_unlock(&d->orders.lock);
	return orders_wait(&d->orders, until_ns, orders);
}

static void drain_pause(void)
{
	const struct timespec pause = { .tv_nsec = DRAIN_TRY_NS };

	nanosleep(&pause, NULL);
}

static void *drain_run(void *drain)
{
	struct drain *d = drain;
	struct order *orders;

	pthread_setname_np(pthread_self(), "drain");
	while (drain_wait(d, &orders)) {
		turn_begin(&d->turn, d->config.now_ns());
		drain_obey(d, orders);
		drain_round(d, d->config.now_ns());
	}
	drain_obey(d, orders);
	d->last_round = true;
	drain_round(d, d->config.now_ns());
	for (int i = 0; i < DRAIN_SAVE_TRIES && !drain_save(d); i++)
		drain_pause();
	/* Not before: what comes after the last look still finds its lane or its cell. */
	drain_tell(d, false);
	return NULL;
}

static void drain_restore(struct drain *d, uint64_t now_ns)
{
	const struct drain_config *config = &d->config;
	size_t bytes;
	const void *blob = checkpoint_blob(d->checkpoint, &bytes);

	if (!blob)
		return;
	if (!config->restore)
		d->counts.restored = 0;
	else if (bytes)
		d->counts.restored = config->restore(config->saved_ctx, blob, bytes, now_ns);
	/* Without its state what was booked was booked to nobody. */
	if (d->counts.restored)
		checkpoint_forget(d->checkpoint);
	checkpoint_forget_blob(d->checkpoint);
}

static void drain_checkpoint(struct drain *d, uint64_t now_ns)
{
	char boot[CHECKPOINT_BOOT_BYTES] = "";
	int fd = open(DRAIN_BOOT, O_RDONLY | O_CLOEXEC);
	int result = 0;

	d->counts.restored = -ENOENT;
	if (fd >= 0) {
		result = read(fd, boot, sizeof(boot)) < 0 ? -errno : 0;
		close(fd);
	}
	if (!d->config.checkpoint || result) {
		d->counts.checkpoint_error = result;
		return;
	}
	for (int i = 0; i < DRAIN_LOCK_TRIES; i++) {
		result = checkpoint_open(&d->checkpoint, d->config.checkpoint, boot);
		if (result != -EBUSY)
			break;
		drain_pause();
	}
	d->counts.checkpoint_error = result;
	if (!result)
		drain_restore(d, now_ns);
}

/* Signals are main's, but for those that an instruction raises: segment.h has one of them. */
static int drain_start(struct drain *d)
{
	sigset_t others, before;
	int result;

	sigfillset(&others);
	sigdelset(&others, SIGBUS);
	sigdelset(&others, SIGSEGV);
	sigdelset(&others, SIGILL);
	sigdelset(&others, SIGFPE);
	pthread_sigmask(SIG_BLOCK, &others, &before);
	result = pthread_create(&d->thread, NULL, drain_run, d);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return -result;
}

static void drain_free(struct drain *d)
{
	for (uint32_t i = 0; i < d->counts.processes; i++)
		family_close(d->families[i]);
	free(d->families);
	wire_close(d->wire);
	bare_fini(&d->bare);
	checkpoint_close(d->checkpoint);
	orders_fini(&d->orders);
	free(d);
}

static int drain_wire_open(struct drain *d)
{
	const struct wire_config config = { .bare = &d->bare,
					    .sink = &d->config.sink,
					    .slow_warning_ns = d->config.slow_warning_ns,
					    .slow_critical_ns = d->config.slow_critical_ns };

	return wire_open(&d->wire, &config);
}

int drain_open(struct drain **out, const struct drain_config *config)
{
	struct drain *d = calloc(1, sizeof(*d));
	struct calibrate_pair pair;
	int result;

	*out = NULL;
	if (!d)
		return -ENOMEM;
	orders_init(&d->orders);
	d->config = *config;
	d->shared.sink = config->sink;
	d->shared.slow_warning_ns = config->slow_warning_ns;
	d->shared.slow_critical_ns = config->slow_critical_ns;
	d->shared.epoch = config->epoch;
	calibrate_read(config->now_ns, &pair);
	calibrate_init(&d->shared.tsc, &pair);
	d->opened_ns = pair.ns;
	d->calibrate_ns = pair.ns + CALIBRATE_FIRST_NS;
	drain_checkpoint(d, pair.ns);
	result = drain_wire_open(d);
	if (!result)
		result = segment_guard();
	if (!result)
		result = drain_start(d);
	if (result) {
		drain_free(d);
		return result;
	}
	*out = d;
	return 0;
}

void drain_close(struct drain *d)
{
	if (!d)
		return;
	orders_end(&d->orders);
	pthread_join(d->thread, NULL);
	drain_free(d);
}

void drain_counts_get(struct drain *d, struct drain_counts *out)
{
	pthread_mutex_lock(&d->orders.lock);
	*out = d->published;
	pthread_mutex_unlock(&d->orders.lock);
	out->late_ns = turn_late_ns(&d->turn, d->config.now_ns());
}
