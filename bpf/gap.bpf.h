/*
 * gap - where events of a connection found no room: which of its answers are counted in the kernel
 *       instead, and where the agent may go on.
 *
 * Includers: the probes that tell struct http_event, and tests/unit/test_gap.c; it needs no kernel.
 *
 * Of an HTTP/1.x connection nothing is told from the first event without room on, and each answer
 * is counted here: the one that had begun, too. What begins a request behind an answer is told
 * again; HTTP_RESUMED says ahead of it how many were counted of those that the agent waits for. Of
 * others, HTTP/2 among them, all is told that finds room: their streams have numbers.
 */
#ifndef BPF_GAP_BPF_H
#define BPF_GAP_BPF_H

#define GAP_SWITCHES 1 /* a class: 101, another protocol follows */
#define GAP_CLASSES 5
#define GAP_LOOKED 3 /* bytes */

struct gap {
	unsigned int lost;  /* answers that were counted since it began */
	unsigned char open; /* there is one */
	unsigned char
		answer; /* class of the last answer told of; 0: none, or nothing of it follows */
	unsigned char speaks;  /* a status line was written: it is HTTP/1.x */
	unsigned char answers; /* in the gap, and nothing arrived since: a request would begin */
};

static inline void gap_begin(struct gap *g)
{
	if (g->open)
		return;
	g->open = 1;
	g->lost = 0;
	g->answers = 0;
}

/* Is what moves not to be told? class: of the answer that it begins, as http_class has it. */
static inline int gap_hides(const struct gap *g, unsigned int class)
{
	return g->open && (g->speaks || class);
}

/* Bytes arrived in the gap, which look like a request's first or not: is it over? */
static inline int gap_ends(struct gap *g, int like_request)
{
	int ends = g->answers && like_request;

	g->answers = 0;
	return ends;
}

/* Methods are capitals, mostly: another one is seen again behind its answer's next request. */
static inline int gap_is_request(const unsigned char *text)
{
	return text[0] >= 'A' && text[0] <= 'Z';
}

/* The agent knows. text: what goes on there, HTTP/2 maybe, behind a 101 that was lost. */
static inline void gap_over(struct gap *g, const unsigned char *text)
{
	g->lost = 0;
	g->open = 0;
	g->answer = 0;
	g->speaks = !(text[0] == 'P' && text[1] == 'R' && text[2] == 'I');
	g->answers = 0;
}

/* A write was told of. */
static inline void gap_told(struct gap *g, unsigned int class)
{
	if (!class)
		return;
	g->speaks = class != GAP_SWITCHES;
	g->answer = class > GAP_SWITCHES && class <= GAP_CLASSES ? (unsigned char)class : 0;
}

/* A write in the gap: the class of the answer to be counted, 0: none is. */
static inline unsigned int gap_wrote(struct gap *g, unsigned int class)
{
	unsigned int lost = class ? class : g->answer;

	if (class)
		g->speaks = 1;
	g->answer = 0;
	g->answers = g->speaks;
	if (lost > GAP_CLASSES)
		return 0;
	g->lost += lost != 0;
	return lost;
}

#endif
