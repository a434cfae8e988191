#include "strains.h"

#define STRAINS_VALUES (sizeof(struct metrics_strain) / sizeof(double))

void metrics_strain_init(struct metrics_strain *sum)
{
	double *value = (double *)sum;

	_Static_assert(sizeof(*sum) % sizeof(double) == 0, "values only");
	for (size_t i = 0; i < STRAINS_VALUES; i++)
		value[i] = METRICS_UNKNOWN;
}

void metrics_strain_add(struct metrics_strain *sum, const struct metrics_strain *one)
{
	double shortest = sum->shortest_ms, longest = sum->longest_ms, *to = (double *)sum;
	const double *from = (const double *)one;

	if (shortest < 0 || (one->shortest_ms >= 0 && one->shortest_ms < shortest))
		shortest = one->shortest_ms;
	if (one->longest_ms > longest)
		longest = one->longest_ms;
	for (size_t i = 0; i < STRAINS_VALUES; i++)
		if (from[i] >= 0)
			to[i] = (to[i] < 0 ? 0 : to[i]) + from[i];
	sum->shortest_ms = shortest;
	sum->longest_ms = longest;
}

/* Totals; METRICS_UNKNOWN: they are those of another count. */
static double strains_more(uint64_t first, uint64_t last)
{
	return last < first ? METRICS_UNKNOWN : (double)(last - first);
}

static double strains_more_ms(uint64_t first_ns, uint64_t last_ns)
{
	double ns = strains_more(first_ns, last_ns);

	return ns < 0 ? METRICS_UNKNOWN : ns / 1e6;
}

static double strains_bytes(double first, double last)
{
	return first < 0 || last < first ? METRICS_UNKNOWN : last - first;
}

static void strains_kernel(const struct strain *first, const struct strain *last,
			   struct metrics_strain *out)
{
	if (last->known & STRAIN_DISK) {
		out->reads = strains_more(first->reads, last->reads);
		out->writes = strains_more(first->writes, last->writes);
		out->read_ms = strains_more_ms(first->read_ns, last->read_ns);
		out->write_ms = strains_more_ms(first->write_ns, last->write_ns);
	}
	if (last->known & STRAIN_TCP) {
		out->segments = strains_more(first->segments, last->segments);
		out->retransmits = strains_more(first->retransmits, last->retransmits);
		out->looks = strains_more(first->looks, last->looks);
		out->trips_ms = strains_more_ms(first->trips_us * 1000, last->trips_us * 1000);
	}
	if (last->known & STRAIN_ARRIVAL) {
		out->arrivals = strains_more(first->arrivals, last->arrivals);
		out->arrival_ms = strains_more_ms(first->arrival_ns, last->arrival_ns);
	}
}

/*
 * The kernel's own count where it keeps one; else that of the probes, of who was asked for. No
 * estimate: in a window of seconds it would be one walk's luck.
 */
static void strains_wait(const struct means_sample *first, const struct means_sample *last,
			 struct metrics_strain *out)
{
	/* a beginning has no threads yet, and waited for nothing */
	if (last->disk_known && (first->disk_known || !first->threads))
		out->wait_ms = strains_more_ms(first->disk_ns, last->disk_ns);
	else if (last->each_known)
		out->wait_ms = strains_more_ms(first->each_disk_ns, last->each_disk_ns);
}

void strains_between(const struct means_sample *first, const struct means_sample *last,
		     struct metrics_strain *out)
{
	metrics_strain_init(out);
	out->major_faults = strains_more(first->major_faults, last->major_faults);
	out->minor_faults = strains_more(first->minor_faults, last->minor_faults);
	out->read_bytes = strains_bytes(first->read_bytes, last->read_bytes);
	out->write_bytes = strains_bytes(first->write_bytes, last->write_bytes);
	strains_wait(first, last, out);
	strains_kernel(&first->strain, &last->strain, out);
}
