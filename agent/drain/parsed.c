#include "parsed.h"

#include "counters.h"
#include "parser.h"

void parsed_fini(struct parsed *p)
{
	paths_fini(&p->paths);
}

static struct bare_one *parsed_process(const struct parsed *p)
{
	return bare_by_pid(p->bare, (int32_t)p->parser->pid);
}

struct drain_counters *parsed_news(const struct parsed *p)
{
	struct bare_one *one = parsed_process(p);

	return one ? bare_news(one) : NULL;
}

void parsed_opened(struct parsed *p)
{
	struct drain_counters *news = parsed_news(p);

	if (news)
		news->opened++;
}

void parsed_closed(struct parsed *p)
{
	struct drain_counters *news = parsed_news(p);

	if (news)
		news->closed++;
}

uint64_t parsed_now(void *context)
{
	const struct parsed *p = context;

	return p->now_ns;
}

int32_t parsed_begun(void *context, uint64_t t0)
{
	struct drain_counters *news = parsed_news(context);

	(void)t0;
	if (news)
		news->begun++;
	return -1;
}

void parsed_unparsed(void *context, uint8_t why)
{
	struct drain_counters *news = parsed_news(context);

	if (news && why < RS_UNPARSED_REASONS)
		news->unparsed[why]++;
}

void parsed_request(struct parsed *p, const struct served *s, const char *path)
{
	struct bare_one *one = parsed_process(p);
	const struct drain_request request = {
		.id = ++p->requests,
		.end_ns = s->end,
		.span_ns = s->end > s->t0 ? s->end - s->t0 : 0,
		.first_byte_ns = s->first_byte > s->t0 ? s->first_byte - s->t0 : 0,
		.bytes_in = s->bytes_in,
		.bytes_out = s->bytes_out,
		.path = path,
		.connection = p->parser->connection,
		.status = s->status,
		.method = s->method,
		.protocol = s->protocol,
		.flags = s->flags,
	};

	if (!one) {
		p->nobodys++;
		return;
	}
	counters_add_request(bare_news(one), &request, p->slow_warning_ns, p->slow_critical_ns);
	bare_request(p->bare, p->sink, one, &request);
}

void parsed_elsewhere(struct parsed *p)
{
	struct drain_counters *news = parsed_news(p);

	if (news)
		news->begun--; /* below 0 it is a difference all the same */
}

void parsed_lost(struct parsed *p)
{
	parsed_elsewhere(p);
	parsed_unparsed(p, RS_UNPARSED_UNSEEN_IO);
}

void parsed_missed(struct parsed *p, uint32_t from, uint32_t to)
{
	uint32_t count = to > from ? (to - from + 1) / 2 : 0; /* clients' numbers are odd */

	for (uint32_t i = 0; i < count && i < PARSED_MISSED_MOST; i++)
		parsed_unparsed(p, RS_UNPARSED_UNSEEN_IO);
}
