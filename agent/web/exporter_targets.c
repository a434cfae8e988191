/*
 * exporter_targets - what /metrics tells of each process that is watched.
 */
#include "exporter.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

/* What is told of each process, one value a family but for the first. */
static const struct {
	struct exposition_family family;
	const char *label, *value; /* NULL: none */
	size_t offset;             /* of a double */
} exporter_targets[] = {
	{ { "ringside_process_cpu_seconds", "CPU time of a watched process.", EXPOSITION_COUNTER },
	  "mode",
	  "user",
	  offsetof(struct metrics_process, user_s) },
	{ { "ringside_process_cpu_seconds", NULL, EXPOSITION_COUNTER },
	  "mode",
	  "system",
	  offsetof(struct metrics_process, system_s) },
	{ { "ringside_process_run_queue_seconds", "Time that its threads waited for a CPU.",
	    EXPOSITION_COUNTER },
	  NULL,
	  NULL,
	  offsetof(struct metrics_process, run_queue_s) },
	{ { "ringside_process_resident_memory_bytes", "Resident memory.", EXPOSITION_GAUGE },
	  NULL,
	  NULL,
	  offsetof(struct metrics_process, rss) },
	{ { "ringside_process_proportional_memory_bytes", "Memory, shared pages by their share.",
	    EXPOSITION_GAUGE },
	  NULL,
	  NULL,
	  offsetof(struct metrics_process, pss) },
	{ { "ringside_process_heap_bytes", "Live bytes of the heap.", EXPOSITION_GAUGE },
	  NULL,
	  NULL,
	  offsetof(struct metrics_process, heap_live) },
	{ { "ringside_process_memory_limit_bytes", "The nearest limit of its memory.",
	    EXPOSITION_GAUGE },
	  NULL,
	  NULL,
	  offsetof(struct metrics_process, memory_limit) },
	{ { "ringside_process_page_faults", "Page faults; major ones waited for a disk.",
	    EXPOSITION_COUNTER },
	  "kind",
	  "major",
	  offsetof(struct metrics_process, whole.major_faults) },
	{ { "ringside_process_page_faults", NULL, EXPOSITION_COUNTER },
	  "kind",
	  "minor",
	  offsetof(struct metrics_process, whole.minor_faults) },
	{ { "ringside_process_disk_bytes", "Bytes read from disks, and made dirty to be written.",
	    EXPOSITION_COUNTER },
	  "operation",
	  "read",
	  offsetof(struct metrics_process, whole.read_bytes) },
	{ { "ringside_process_disk_bytes", NULL, EXPOSITION_COUNTER },
	  "operation",
	  "write",
	  offsetof(struct metrics_process, whole.write_bytes) },
	{ { "ringside_process_disk_operations", "Block I/O that came back since it is watched.",
	    EXPOSITION_COUNTER },
	  "operation",
	  "read",
	  offsetof(struct metrics_process, whole.reads) },
	{ { "ringside_process_disk_operations", NULL, EXPOSITION_COUNTER },
	  "operation",
	  "write",
	  offsetof(struct metrics_process, whole.writes) },
	{ { "ringside_process_tcp_segments", "Segments with bytes, sent since it is watched.",
	    EXPOSITION_COUNTER },
	  NULL,
	  NULL,
	  offsetof(struct metrics_process, whole.segments) },
	{ { "ringside_process_tcp_retransmits", "Segments sent again, which are among them.",
	    EXPOSITION_COUNTER },
	  NULL,
	  NULL,
	  offsetof(struct metrics_process, whole.retransmits) },
	{ { "ringside_process_gc_pauses", "Stops of its runtime for a collection of garbage.",
	    EXPOSITION_COUNTER },
	  NULL,
	  NULL,
	  offsetof(struct metrics_process, collected.total_count) },
	{ { "ringside_process_gc_pause_seconds", "Time that its runtime stopped for them.",
	    EXPOSITION_COUNTER },
	  NULL,
	  NULL,
	  offsetof(struct metrics_process, collected.total_s) },
	{ { "ringside_process_statements", "Statements that it served, as it tells.",
	    EXPOSITION_COUNTER },
	  NULL,
	  NULL,
	  offsetof(struct metrics_process, served.total_count) },
	{ { "ringside_process_statement_seconds", "Time that it took to serve them.",
	    EXPOSITION_COUNTER },
	  NULL,
	  NULL,
	  offsetof(struct metrics_process, served.total_s) },
};

static void exporter_process(struct exposition_labels *l, const struct metrics_process *p)
{
	char pid[16];

	exporter_service(l, p->target.service, p->target.environment);
	snprintf(pid, sizeof(pid), "%d", p->target.pid);
	exposition_label(l, "pid", pid);
}

static void exporter_target_values(struct exposition *e, const struct metrics_process *rows,
				   int count)
{
	for (size_t k = 0; k < sizeof(exporter_targets) / sizeof(exporter_targets[0]); k++) {
		if (exporter_targets[k].family.help)
			exposition_head(e, &exporter_targets[k].family);
		for (int i = 0; i < count; i++) {
			struct exposition_labels l;
			double value;

			exporter_process(&l, &rows[i]);
			if (exporter_targets[k].label)
				exposition_label(&l, exporter_targets[k].label,
						 exporter_targets[k].value);
			memcpy(&value, (const char *)&rows[i] + exporter_targets[k].offset,
			       sizeof(value));
			exposition_value(e, &l, value);
		}
	}
}

static void exporter_target_heap(struct exposition *e, const struct metrics_process *rows,
				 int count)
{
	static const struct exposition_family families[] = {
		{ "ringside_process_allocated_bytes", "Bytes allocated from the heap.",
		  EXPOSITION_COUNTER },
		{ "ringside_process_freed_bytes", "Bytes given back to the heap.",
		  EXPOSITION_COUNTER },
		{ "ringside_process_start_time_seconds", "When it began, since 1970.",
		  EXPOSITION_GAUGE },
	};
	struct exposition_labels l;

	for (unsigned int k = 0; k < 3; k++) {
		exposition_head(e, &families[k]);
		for (int i = 0; i < count; i++) {
			const struct metrics_process *p = &rows[i];

			exporter_process(&l, p);
			if (k == 2)
				exposition_value(e, &l, (double)p->target.started_ms / 1e3);
			else if (p->heap_live >= 0) /* its allocator is seen */
				exposition_uint(e, &l,
						k ? p->totals.freed_bytes
						  : p->totals.allocated_bytes);
		}
	}
}

/* Kept in milliseconds. */
static void exporter_disks(struct exposition *e, const struct metrics_process *rows, int count)
{
	static const struct exposition_family family = { "ringside_process_disk_seconds",
							 "What its block I/O took, from its "
							 "submission on.",
							 EXPOSITION_COUNTER };
	struct exposition_labels l;

	exposition_head(e, &family);
	for (int i = 0; i < 2 * count; i++) {
		const struct metrics_strain *s = &rows[i / 2].whole;
		double ms = i % 2 ? s->write_ms : s->read_ms;

		exporter_process(&l, &rows[i / 2]);
		exposition_label(&l, "operation", i % 2 ? "write" : "read");
		exposition_value(e, &l, ms < 0 ? METRICS_UNKNOWN : ms / 1e3);
	}
}

void exporter_put_incidents(struct exposition *e, const struct metrics_row *rows, int count)
{
	static const struct exposition_family families[METRICS_INCIDENTS] = {
		[METRICS_STARTS] = { "ringside_service_starts",
				     "Processes of a service that began.", EXPOSITION_COUNTER },
		[METRICS_ENDS] = { "ringside_service_ends", "Processes of a service that ended.",
				   EXPOSITION_COUNTER },
		[METRICS_RESTARTS] = { "ringside_service_restarts",
				       "Starts of a service after its end.", EXPOSITION_COUNTER },
		[METRICS_KILLS] = { "ringside_service_oom_kills",
				    "Processes that the kernel killed for want of memory.",
				    EXPOSITION_COUNTER },
	};
	struct exposition_labels l;

	for (int k = 0; k < METRICS_INCIDENTS; k++) {
		exposition_head(e, &families[k]);
		for (int i = 0; i < count; i++) {
			exporter_service(&l, rows[i].service, rows[i].environment);
			exposition_value(e, &l, rows[i].incidents.total[k]);
		}
	}
}

static void exporter_lost(struct exposition *e, const struct metrics_process *rows, int count)
{
	static const struct exposition_family family = {
		"ringside_process_lost", "Events that carried less than they could, by reason.",
		EXPOSITION_COUNTER
	};
	static const struct exposition_family unparsed = {
		"ringside_process_unparsed", "Messages and connections not parsed, by reason.",
		EXPOSITION_COUNTER
	};
	struct exposition_labels l;

	exposition_head(e, &family);
	for (int i = 0; i < count; i++) {
		for (unsigned int k = 0; document_lost(k); k++) {
			exporter_process(&l, &rows[i]);
			exposition_label(&l, "reason", document_lost(k));
			exposition_uint(e, &l, rows[i].totals.lost[k]);
		}
	}
	exposition_head(e, &unparsed);
	for (int i = 0; i < count; i++) {
		for (unsigned int k = 0; document_unparsed(k); k++) {
			exporter_process(&l, &rows[i]);
			exposition_label(&l, "reason", document_unparsed(k));
			exposition_uint(e, &l, rows[i].totals.unparsed[k]);
		}
	}
}

void exporter_put_targets(struct exposition *e, const struct metrics_process *rows, int count)
{
	exporter_target_values(e, rows, count);
	exporter_target_heap(e, rows, count);
	exporter_disks(e, rows, count);
	exporter_lost(e, rows, count);
}
