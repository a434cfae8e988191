#include "naming.h"

#include "symbolize.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct naming {
	struct graph *graph;
	const struct symbols_question *question;
	const uint64_t *addresses; /* sorted, each once */
	uint32_t count;
	struct symbols symbols;
	const char *problem; /* why nothing has a name; NULL: it is each frame's own */
};

/* All but the innermost frame hold where they go on: the call itself is one byte before. */
static uint64_t naming_address(const struct naming_stack *s, uint32_t i)
{
	return s->addresses[i] - (i != 0 && s->addresses[i] != 0);
}

static int naming_order(const void *left, const void *right)
{
	uint64_t a, b;

	memcpy(&a, left, sizeof(a));
	memcpy(&b, right, sizeof(b));
	return (a > b) - (a < b);
}

/* Every address once, in order. */
static int naming_addresses(const struct naming_stack *stacks, uint32_t count, uint64_t **out,
			    uint32_t *out_count)
{
	size_t all = 0, n = 0;
	uint64_t *a;

	for (uint32_t i = 0; i < count; i++)
		all += (size_t)stacks[i].kernel_count + stacks[i].user_count;
	a = malloc((all + 1) * sizeof(*a));
	if (!a)
		return -ENOMEM;
	for (uint32_t i = 0; i < count; i++)
		for (uint32_t k = 0; k < (uint32_t)stacks[i].kernel_count + stacks[i].user_count;
		     k++)
			a[n++] = naming_address(&stacks[i], k);
	qsort(a, n, sizeof(*a), naming_order);
	*out_count = 0;
	for (size_t i = 0; i < n; i++)
		if (i == 0 || a[i] != a[i - 1])
			a[(*out_count)++] = a[i];
	*out = a;
	return 0;
}

/* Its place among all; count: it is none of them. */
static uint32_t naming_place(const struct naming *n, uint64_t address)
{
	const uint64_t *found =
		bsearch(&address, n->addresses, n->count, sizeof(address), naming_order);

	return found ? (uint32_t)(found - n->addresses) : n->count;
}

static const char *naming_name(const struct naming *n, uint64_t address)
{
	uint32_t place = naming_place(n, address);

	return place < n->count && n->symbols.names ? n->symbols.names[place] : NULL;
}

static const struct symbols_file *naming_file(const struct naming *n, uint64_t address)
{
	for (uint32_t i = 0; i < n->question->file_count; i++) {
		const struct symbols_file *f = &n->question->files[i];

		if (address >= f->start && address < f->end)
			return f;
	}
	return NULL;
}

static const char *naming_why(const struct naming *n, const struct symbols_file *file)
{
	if (n->problem)
		return n->problem;
	if (!file)
		return "no code is mapped there any more";
	if (file->why)
		return file->why;
	return file->whole ? "no function is known there"
			   : "only exported functions have names: its debug symbols are missing";
}

/* What stands for a function without a name: its library in brackets. */
static void naming_unnamed(const char *module, char *out, size_t size)
{
	const char *base = strrchr(module, '/');

	if (*module == '[')
		snprintf(out, size, "%s", module);
	else
		snprintf(out, size, "[%s]", base ? base + 1 : *module ? module : "unknown");
}

_Static_assert(SYMBOLIZE_ADDRESSES == 262144, "as naming_frame says");

static int naming_frame(const struct naming *n, uint64_t address, uint32_t *out)
{
	const struct symbols_file *file = naming_file(n, address);
	const char *name = naming_name(n, address);
	struct graph_frame frame = { .kernel = address & NAMING_KERNEL };
	char module[160], unnamed[168];

	snprintf(module, sizeof(module), "%s", file ? file->name : "");
	if (frame.kernel)
		snprintf(module, sizeof(module), "[kernel]");
	naming_unnamed(module, unnamed, sizeof(unnamed));
	frame.name = name ? (char *)(uintptr_t)name : unnamed;
	frame.module = module;
	if (!name && !n->problem && naming_place(n, address) >= n->symbols.asked)
		frame.why = "too many places in one profile: those beyond 262,144 have no names";
	else if (!name && frame.kernel)
		frame.why = "the kernel's symbols are not readable";
	else if (!name)
		frame.why = naming_why(n, file);
	return graph_frame(n->graph, &frame, out);
}

/* One that was put into the function at an address, where its caller stands. */
static int naming_inlined(const struct naming *n, const char *name, size_t length,
			  const struct graph_frame *within, uint32_t *out)
{
	struct graph_frame frame = { .module = within->module };
	char text[SYMBOLIZE_NAME + 16];

	snprintf(text, sizeof(text), "%.*s (inlined)", (int)length, name);
	frame.name = text;
	return graph_frame(n->graph, &frame, out);
}

/* The frame of an address, and within it what was put there, as far as there is room. */
static int naming_frames(const struct naming *n, uint64_t address, uint32_t *frames, uint32_t room,
			 uint32_t *count)
{
	uint32_t place = naming_place(n, address);
	const char *all = place < n->count && n->symbols.inlined ? n->symbols.inlined[place] : NULL;
	const char *end = all ? all + strlen(all) : NULL;
	int result = naming_frame(n, address, frames);

	*count = 1;
	while (!result && end && *count < room) {
		const char *name = memrchr(all, '\t', (size_t)(end - all));

		name = name ? name + 1 : all;
		result = naming_inlined(n, name, (size_t)(end - name), &n->graph->frames[frames[0]],
					&frames[*count]);
		*count += 1;
		end = name == all ? NULL : name - 1;
	}
	return result;
}

/* What follows frame pointers where code keeps none finds numbers that are no code. */
static bool naming_is_code(const struct naming *n, uint64_t address)
{
	uint32_t files = n->question->file_count;

	return n->problem || !files || files >= SYMBOLS_FILES || address & NAMING_KERNEL ||
	       naming_file(n, address) || naming_name(n, address);
}

/* Frames up to the first that is no code; the innermost one of the user's is where it was. */
static uint32_t naming_depth(const struct naming *n, const struct naming_stack *s)
{
	uint32_t depth = (uint32_t)s->kernel_count + s->user_count;

	if (depth > GRAPH_DEPTH - 1)
		depth = GRAPH_DEPTH - 1;
	for (uint32_t i = s->kernel_count + 1u; i < depth; i++)
		if ((s->unwound && !s->addresses[i]) || !naming_is_code(n, naming_address(s, i)))
			return i;
	return depth;
}

static int naming_cut(const struct naming *n, const struct naming_stack *s, uint32_t *out)
{
	char pointers[] = "[no frame pointer]", unwound[] = "[not unwound]", module[] = "";
	bool unwinds = n->graph->kind == GRAPH_CPU;
	const struct graph_frame frame = {
		.name = s->unwound ? unwound : pointers,
		.module = module,
		.why = s->unwound ? "the code there has no unwind information, or lies deeper than "
				    "the 16 KiB of stack that are looked at"
		       : unwinds  ? "the code that was called from here keeps no frame pointer; "
				    "--unwind finds who calls it"
				  : "the code that was called from here keeps no frame pointer",
	};

	return graph_frame(n->graph, &frame, out);
}

/* How many innermost frames of a wait are the switch itself, and our own look at it. */
static uint32_t naming_switch(const struct naming *n, const struct naming_stack *s)
{
	static const char *const starts[] = { "bpf_", "__bpf_trace_", "__traceiter_",
					      "__schedule" };

	for (uint32_t i = 0; i < s->kernel_count; i++) {
		const char *name = naming_name(n, naming_address(s, i));
		bool ours = false;

		for (size_t k = 0; name && k < sizeof(starts) / sizeof(starts[0]); k++)
			ours = ours || strncmp(name, starts[k], strlen(starts[k])) == 0;
		if (name && strcmp(name, "schedule") == 0) /* the last of them, where it is there */
			return i + 1;
		if (!ours)
			return i;
	}
	return 0;
}

/* The innermost frame of a wait: what it was for. */
static int naming_cause(const struct naming *n, const struct naming_stack *s, uint32_t *out)
{
	char name[32], module[] = "";
	const struct graph_frame frame = { .name = name, .module = module };

	snprintf(name, sizeof(name), "[%s]", graph_cause(s->cause));
	return graph_frame(n->graph, &frame, out);
}

static int naming_stack_add(const struct naming *n, const struct naming_stack *s)
{
	struct graph_stack like = { .samples = s->samples, .waits = s->waits, .cause = s->cause };
	uint32_t depth = naming_depth(n, s), frames[GRAPH_DEPTH + 1], cut, from = 0, more;
	int result = 0;

	if (n->graph->kind == GRAPH_OFFCPU)
		from = naming_switch(n, s);

	cut = depth < GRAPH_DEPTH - 1 && depth < (uint32_t)s->kernel_count + s->user_count;
	if (cut)
		result = naming_cut(n, s, &frames[0]);
	like.depth = cut;
	for (uint32_t i = depth; i > from && !result; i--) {
		/* all that are still to come have room, and a cause */
		result = naming_frames(n, naming_address(s, i - 1), &frames[like.depth],
				       GRAPH_DEPTH - 1 - like.depth - (i - 1 - from), &more);
		like.depth += more;
	}
	if (n->graph->kind == GRAPH_OFFCPU && !result)
		result = naming_cause(n, s, &frames[like.depth++]);
	return result ? result : graph_wait_add(n->graph, frames, &like);
}

static const char *naming_problem(int error)
{
	return error == -ETIMEDOUT ? "the symbolizer needed too long and was ended"
				   : "the symbolizer failed";
}

int naming_add(struct graph *g, const struct naming_stack *stacks, uint32_t count,
	       struct symbols_question *question, const char *problem)
{
	struct naming n = { .graph = g, .question = question, .problem = problem };
	uint64_t *addresses;
	int result = naming_addresses(stacks, count, &addresses, &n.count);
	int asked;

	if (result)
		return result;
	n.addresses = question->addresses = addresses;
	question->address_count = n.count;
	asked = symbols_ask(question, &n.symbols);
	if (asked && !n.problem)
		n.problem = naming_problem(asked);
	if (n.problem)
		snprintf(g->problem, sizeof(g->problem), "%s", n.problem);
	for (uint32_t i = 0; i < count && !result; i++)
		result = naming_stack_add(&n, &stacks[i]);
	symbols_fini(&n.symbols);
	free(addresses);
	return result;
}
