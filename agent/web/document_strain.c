/*
 * document_strain - what processes ask of disks, memory and the network, and what happens to them;
 *                   each null with its reason beside it.
 */
#include "site.h"

#define STRAIN_INPUTS                                                                              \
	"the kernel does not tell, or not yet: /api/health lists its facilities (inputs)"
#define STRAIN_LIFE                                                                                \
	"the kernel does not tell of forks and ends: /api/health lists its facilities (life)"

/* A value and why it is null. */
struct strain_value {
	const char *key;
	double value;
	const char *why;
};

/* Counts have no fraction. */
static void strain_put(struct json *j, const struct strain_value *values, size_t count)
{
	for (size_t i = 0; i < count; i++)
		json_measure(j, values[i].key, values[i].value);
	json_object_begin(j, "unknown");
	for (size_t i = 0; i < count; i++)
		if (values[i].value < 0)
			json_string(j, values[i].key, values[i].why);
	json_object_end(j);
}

static double strain_mean(double sum, double count)
{
	return sum >= 0 && count > 0 ? sum / count : METRICS_UNKNOWN;
}

/* Of two of which one may be unknown. */
static double strain_both(double a, double b)
{
	return a < 0 ? b : b < 0 ? a : a + b;
}

static const char *strain_why_mean(double count, const char *none)
{
	return count < 0 ? STRAIN_INPUTS : none;
}

static double strain_latency_ms(const struct metrics_strain *s)
{
	return strain_mean(strain_both(s->read_ms, s->write_ms), strain_both(s->reads, s->writes));
}

static double strain_trip_ms(const struct metrics_strain *s)
{
	return strain_mean(s->trips_ms, s->looks);
}

static double strain_retransmit_percent(const struct metrics_strain *s)
{
	return s->segments == 0 ? 0 : 100 * strain_mean(s->retransmits, s->segments);
}

static void strain_io(struct json *j, const struct document_strain *d)
{
	static const char none[] = "no block I/O came back in this window";
	static const char files[] = "/proc/PID/io cannot be read, or was read once as yet";
	const struct metrics_strain *s = &d->sum;
	const struct strain_value values[] = {
		{ "readBytesPerSecond", d->read_per_s, files },
		{ "writeBytesPerSecond", d->write_per_s, files },
		{ "latencyMs", strain_latency_ms(s),
		  strain_why_mean(strain_both(s->reads, s->writes), none) },
		{ "waitPercent", d->wait_percent,
		  "kernel.task_delayacct is 0: told of processes that were asked for (ringside "
		  "attach)" },
		{ "readBytes", s->read_bytes, files },
		{ "writeBytes", s->write_bytes, files },
		{ "reads", s->reads, STRAIN_INPUTS },
		{ "writes", s->writes, STRAIN_INPUTS },
		{ "readLatencyMs", strain_mean(s->read_ms, s->reads),
		  strain_why_mean(s->reads, none) },
		{ "writeLatencyMs", strain_mean(s->write_ms, s->writes),
		  strain_why_mean(s->writes, none) },
	};

	json_object_begin(j, "io");
	strain_put(j, values, sizeof(values) / sizeof(values[0]));
	json_object_end(j);
}

static void strain_faults(struct json *j, const struct metrics_strain *s)
{
	static const char twice[] = "it takes two looks at a process, a second apart";
	const struct strain_value values[] = {
		{ "major", s->major_faults, twice },
		{ "minor", s->minor_faults, twice },
	};

	json_object_begin(j, "faults");
	strain_put(j, values, sizeof(values) / sizeof(values[0]));
	json_object_end(j);
}

static void strain_network(struct json *j, const struct metrics_strain *s)
{
	static const char none[] = "no connection that sent something was looked at in this window";
	static const char asked[] =
		"told of processes that were asked for (ringside attach), of what they accept from "
		"then on; not where capture.http is by system calls";
	static const char unread[] = "nothing that arrived was read in this window";
	const char *why = s->arrivals < 0 ? asked : unread;
	const struct strain_value values[] = {
		{ "segments", s->segments, STRAIN_INPUTS },
		{ "retransmits", s->retransmits, STRAIN_INPUTS },
		{ "retransmitPercent",
		  s->segments < 0 ? METRICS_UNKNOWN : strain_retransmit_percent(s), STRAIN_INPUTS },
		{ "rttMs", strain_trip_ms(s), strain_why_mean(s->looks, none) },
		{ "rttMinMs", s->shortest_ms, strain_why_mean(s->looks, none) },
		{ "reads", s->arrivals, asked },
		{ "readDelayMs", strain_mean(s->arrival_ms, s->arrivals), why },
		{ "readDelayMaxMs", s->longest_ms, why },
	};

	json_object_begin(j, "network");
	strain_put(j, values, sizeof(values) / sizeof(values[0]));
	json_object_end(j);
}

static void strain_incidents(struct json *j, const struct document_strain *d)
{
	const char *why = d->of_process ? "of services alone" : STRAIN_LIFE;
	const double *window = d->incidents.window;
	const struct strain_value values[] = {
		{ "restarts", window[METRICS_RESTARTS], why },
		{ "started", window[METRICS_STARTS], why },
		{ "ended", window[METRICS_ENDS], why },
		{ "oomKills", window[METRICS_KILLS], STRAIN_INPUTS },
	};

	json_object_begin(j, "incidents");
	strain_put(j, values, sizeof(values) / sizeof(values[0]));
	json_object_end(j);
}

static void strain_sum(double *sum, double value)
{
	*sum = strain_both(*sum, value);
}

void document_strain_add(struct document_strain *d, const struct metrics_process *process)
{
	metrics_strain_add(&d->sum, &process->strain);
	if (process->io_wait_percent > d->wait_percent)
		d->wait_percent = process->io_wait_percent;
	if (!process->alive)
		return;
	strain_sum(&d->read_per_s, process->read_per_s);
	strain_sum(&d->write_per_s, process->write_per_s);
}

void document_strain_init(struct document_strain *d)
{
	metrics_strain_init(&d->sum);
	d->read_per_s = d->write_per_s = d->wait_percent = METRICS_UNKNOWN;
}

void document_strain_put(const struct document_strain *d, struct json *j)
{
	strain_io(j, d);
	strain_faults(j, &d->sum);
	strain_network(j, &d->sum);
	strain_incidents(j, d);
}

void document_strain_row(const struct metrics_row *row, bool of_service, struct json *j)
{
	const struct metrics_strain *s = &row->strain;
	const double *window = row->incidents.window;

	json_measure(j, "majorFaults", s->major_faults);
	json_measure(j, "readBytes", s->read_bytes);
	json_measure(j, "writeBytes", s->write_bytes);
	json_measure(j, "ioLatencyMs", strain_latency_ms(s));
	json_measure(j, "retransmits", s->retransmits);
	json_measure(j, "rttMs", strain_trip_ms(s));
	if (of_service) {
		json_measure(j, "oomKills", window[METRICS_KILLS]);
		json_measure(j, "restarts", window[METRICS_RESTARTS]);
	} else {
		json_measure(j, "oomKills",
			     row->killed       ? 1
			     : row->kills_told ? 0
					       : METRICS_UNKNOWN);
	}
}
