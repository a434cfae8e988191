#include "profiling.h"

#include "link.h"

void profiling_open(struct profiling *p, struct outbox *outbox, int targets)
{
	sampling_open(&p->sampling, outbox, targets);
	unwinding_open(&p->unwinding, outbox);
	waiting_open(&p->waiting, outbox, targets);
}

void profiling_close(struct profiling *p)
{
	waiting_end(&p->waiting);
	unwinding_end(&p->unwinding);
	sampling_close(&p->sampling);
}

void profiling_ask(struct profiling *p, struct finder *f, const struct link_message *message,
		   uint64_t now_ns)
{
	if (message->kind == LINK_FILES)
		sampling_files(&p->sampling, f, message->key);
	else if (message->kind == LINK_UNWIND)
		unwinding_ask(&p->unwinding, f, message, now_ns);
	else if (message->kind == LINK_OFFCPU)
		waiting_ask(&p->waiting, f, message, now_ns);
}

void profiling_step(struct profiling *p, struct finder *f, uint64_t now_ns)
{
	sampling_step(&p->sampling, finder_size(f));
	unwinding_step(&p->unwinding, f, now_ns);
	waiting_step(&p->waiting, f, now_ns);
}

void profiling_second(struct profiling *p)
{
	sampling_second(&p->sampling);
	unwinding_second(&p->unwinding);
}
