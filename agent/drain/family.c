#include "family.h"

#include <errno.h>
#include <stdlib.h>

struct family {
	struct watched *own, *kin; /* kin NULL: none */
	bool died, closed;         /* closed: children were told to count elsewhere */
	uint64_t next_ns;          /* when the next step of its end is due; 0: it did not begin */
};

int family_open(struct family **out, struct watched_shared *shared,
		const struct capture_target *target, int memfd, struct checkpoint *checkpoint)
{
	struct family *f = calloc(1, sizeof(*f));
	int result;

	*out = NULL;
	if (!f)
		return -ENOMEM;
	result = watched_open(&f->own, shared, target, memfd, checkpoint);
	if (result) {
		free(f);
		return result;
	}
	*out = f;
	return 0;
}

void family_close(struct family *f)
{
	if (!f)
		return;
	watched_close(f->kin);
	watched_close(f->own);
	free(f);
}

int family_kin(struct family *f, int memfd, struct checkpoint *checkpoint)
{
	return f->kin ? -EEXIST : watched_kin_open(&f->kin, f->own, memfd, checkpoint);
}

uint64_t family_key(const struct family *f)
{
	return watched_key(f->own);
}

uint64_t family_due_ns(const struct family *f)
{
	return watched_due_ns(f->own);
}

uint64_t family_period_ns(const struct family *f)
{
	return watched_period_ns(f->own);
}

bool family_ready(const struct family *f)
{
	return watched_ready(f->own);
}

void family_died(struct family *f)
{
	f->died = true;
}

static void family_kin_drop(struct family *f)
{
	watched_close(f->kin);
	f->kin = NULL;
}

static bool family_take(struct family *f, uint64_t now_ns)
{
	if (f->kin && !watched_round(f->kin, now_ns))
		family_kin_drop(f); /* its memory is gone */
	return watched_round(f->own, now_ns);
}

/* The next step towards its end; false: it was the last one. */
static bool family_ending(struct family *f, uint64_t now_ns)
{
	if (f->kin && !f->next_ns) {
		f->next_ns = now_ns + FAMILY_WAIT_NS;
	} else if (f->kin && !f->closed && now_ns >= f->next_ns) {
		watched_off(f->kin);
		f->closed = true;
		f->next_ns = now_ns + FAMILY_CLOSE_NS;
	} else if (!f->kin || (f->closed && now_ns >= f->next_ns)) {
		if (f->kin)
			watched_end(f->kin, now_ns);
		family_kin_drop(f);
		watched_end(f->own, now_ns);
		return false;
	}
	return family_take(f, now_ns);
}

bool family_round(struct family *f, uint64_t now_ns, bool forced)
{
	uint64_t early_ns = family_period_ns(f) / 4; /* with its neighbours: one wake-up for all */

	if (!family_ready(f))
		return true;
	if (f->died && (!f->kin || !f->next_ns))
		return family_ending(f, now_ns);
	if (!forced && now_ns + early_ns < family_due_ns(f))
		return true;
	return f->died ? family_ending(f, now_ns) : family_take(f, now_ns);
}

void family_list(struct family *f, uint64_t now_ns)
{
	watched_list(f->own, now_ns);
}

void family_tell(struct family *f, bool listening)
{
	watched_tell(f->own, listening);
	if (f->kin)
		watched_tell(f->kin, listening);
}

void family_detail(struct family *f, const struct drain_detail *detail)
{
	watched_detail(f->own, detail);
	if (f->kin)
		watched_detail(f->kin, detail);
}

void family_save(const struct family *f, struct checkpoint *checkpoint)
{
	watched_save(f->own, checkpoint);
	if (f->kin)
		watched_save(f->kin, checkpoint);
}
