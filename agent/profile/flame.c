#include "flame.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FLAME_WIDTH 1200.0
#define FLAME_ROW 18u
#define FLAME_TOP 54u
#define FLAME_LETTER 7.2 /* of the text's font, which is 12 high */
#define FLAME_LEAST 0.2  /* narrower boxes are not drawn: nobody could see them */

/* A box: a frame at one place of the tree. */
struct flame_node {
	uint32_t frame, depth;
	uint64_t samples;
	uint32_t child, next; /* plus 1 */
	double x;             /* of its left edge, in samples */
};

struct flame {
	const struct graph *graph;
	struct flame_node *nodes; /* the first is the root, "all" */
	uint32_t count, deepest;
};

/* Zoom keeps a clicked box's ancestors and descendants; search paints what has the text. */
static const char flame_script[] =
	"(function(){'use strict';\n"
	"var svg=document.documentElement,W=1200,all=[].slice.call(svg.querySelectorAll('g.f'));\n"
	"var hint=svg.getElementById('hint'),find=svg.getElementById('find'),total=+all[0]"
	".getAttribute('data-w');\n"
	"function at(g){return+g.getAttribute('data-x')}\n"
	"function wide(g){return+g.getAttribute('data-w')}\n"
	"function name(g){return g.querySelector('title').textContent}\n"
	"function zoom(z){var x=at(z),w=wide(z),k=W/w;all.forEach(function(g){\n"
	"var a=at(g),b=wide(g),l=Math.max(a,x),r=Math.min(a+b,x+w);\n"
	"g.style.display=r-l>w*1e-5?'':'none';var t=g.querySelector('text'),"
	"b2=g.querySelector('rect');\n"
	"b2.setAttribute('x',(l-x)*k);b2.setAttribute('width',Math.max((r-l)*k,0));\n"
	"t.setAttribute('x',(l-x)*k+3);var n=Math.floor(((r-l)*k-6)/7.2),"
	"s=g.getAttribute('data-n');\n"
	"t.textContent=n<3?'':s.length>n?s.slice(0,n-2)+'..':s})}\n"
	"function search(){var s=prompt('function to find (text or regular expression)','');\n"
	"if(s===null)return;var e;try{e=new RegExp(s,'i')}catch(x){e={test:function(n){return "
	"n.indexOf(s)>=0}}}\n"
	"var spans=[];all.forEach(function(g){var hit=s!==''&&e.test(g.getAttribute('data-n'));\n"
	"g.classList.toggle('hit',hit);if(hit)spans.push([at(g),at(g)+wide(g)])});\n"
	"spans.sort(function(a,b){return a[0]-b[0]});var sum=0,end=0;spans.forEach(function(p){\n"
	"if(p[1]>end){sum+=p[1]-Math.max(p[0],end);end=p[1]}});\n"
	"find.textContent=s===''?'search':'found: '+(100*sum/total).toFixed(1)+' %'}\n"
	"all.forEach(function(g){g.addEventListener('click',function(){zoom(g)});\n"
	"g.addEventListener('mouseover',function(){hint.textContent=name(g)})});\n"
	"find.addEventListener('click',search);\n"
	"svg.getElementById('whole').addEventListener('click',function(){zoom(all[0])});\n"
	"addEventListener('keydown',function(e){if((e.ctrlKey||e.metaKey)&&e.key==='f'){"
	"e.preventDefault();search()}});\n"
	"})();\n";

static void flame_escape(FILE *file, const char *text)
{
	for (; *text; text++) {
		if (*text == '<')
			fputs("&lt;", file);
		else if (*text == '>')
			fputs("&gt;", file);
		else if (*text == '&')
			fputs("&amp;", file);
		else if (*text == '"')
			fputs("&quot;", file);
		else
			fputc((unsigned char)*text < ' ' || (unsigned char)*text > '~' ? '?'
										       : *text,
			      file);
	}
}

static uint32_t flame_child(struct flame *f, uint32_t parent, uint32_t frame)
{
	struct flame_node *node;

	for (uint32_t i = f->nodes[parent].child; i; i = f->nodes[i - 1].next)
		if (f->nodes[i - 1].frame == frame)
			return i - 1;
	node = &f->nodes[f->count];
	*node = (struct flame_node){ .frame = frame,
				     .depth = f->nodes[parent].depth + 1,
				     .next = f->nodes[parent].child };
	if (node->depth > f->deepest)
		f->deepest = node->depth;
	f->nodes[parent].child = ++f->count;
	return f->count - 1;
}

static int flame_tree(struct flame *f)
{
	const struct graph *g = f->graph;

	f->nodes = calloc((size_t)g->place_count + 1, sizeof(*f->nodes));
	if (!f->nodes)
		return -ENOMEM;
	f->count = 1;
	f->nodes[0].samples = g->samples;
	for (uint32_t i = 0; i < g->stack_count; i++) {
		const struct graph_stack *s = &g->stacks[i];
		uint32_t at = 0;

		for (uint32_t k = 0; k < s->depth; k++) {
			at = flame_child(f, at, g->places[s->first + k]);
			f->nodes[at].samples += s->samples;
		}
	}
	return 0;
}

/* A parent stands in front of its children, so that one pass places all. */
static void flame_place(struct flame *f)
{
	for (uint32_t i = 0; i < f->count; i++) {
		double x = f->nodes[i].x;

		for (uint32_t k = f->nodes[i].child; k; k = f->nodes[k - 1].next) {
			f->nodes[k - 1].x = x;
			x += (double)f->nodes[k - 1].samples;
		}
	}
}

/* A colour of its name alone, so that a function looks the same in every graph. */
static void flame_colour(FILE *file, const struct graph_frame *frame, const char *name)
{
	uint32_t hash = 2166136261u;

	for (; *name; name++)
		hash = (hash ^ (unsigned char)*name) * 16777619u;
	if (frame && frame->kernel)
		fprintf(file, "rgb(%u,%u,%u)", 90 + hash % 50, 150 + hash / 64 % 50, 230u);
	else if (frame && frame->why)
		fprintf(file, "rgb(%u,%u,%u)", 190 + hash % 30, 190 + hash % 30, 185u);
	else
		fprintf(file, "rgb(%u,%u,%u)", 215 + hash % 35, 90 + hash / 64 % 120,
			30 + hash / 8192 % 40);
}

static void flame_amount(FILE *file, const struct graph *g, uint64_t samples)
{
	if (g->kind == GRAPH_OFFCPU)
		fprintf(file, "%.6f s", (double)samples / 1e9);
	else
		fprintf(file, "%" PRIu64 " samples", samples);
}

static void flame_box(FILE *file, const struct flame *f, const struct flame_node *node)
{
	double all = f->nodes[0].samples ? (double)f->nodes[0].samples : 1;
	double share = (double)node->samples / all;
	double x = FLAME_WIDTH * node->x / all, width = FLAME_WIDTH * share;
	const struct graph_frame *frame = node == f->nodes ? NULL : &f->graph->frames[node->frame];
	const char *name = frame ? frame->name : "all";
	uint32_t y = FLAME_TOP + (f->deepest - node->depth) * FLAME_ROW;
	char label[160] = "";
	int letters = (int)((width - 6) / FLAME_LETTER);

	if (frame && width < FLAME_LEAST)
		return;
	if (letters >= 3)
		snprintf(label, sizeof(label), (int)strlen(name) > letters ? "%.*s.." : "%.*s",
			 (int)strlen(name) > letters ? letters - 2 : letters, name);
	fprintf(file, "<g class=\"f\" data-x=\"%.0f\" data-w=\"%" PRIu64 "\" data-n=\"", node->x,
		node->samples);
	flame_escape(file, name);
	fputs("\"><title>", file);
	flame_escape(file, name);
	fputs("  ", file);
	flame_amount(file, f->graph, node->samples);
	fprintf(file, ", %.2f %%", 100.0 * share);
	if (frame && frame->module[0]) {
		fputs("  ", file);
		flame_escape(file, frame->module);
	}
	if (frame && frame->why) {
		fputs("  ", file);
		flame_escape(file, frame->why);
	}
	fprintf(file,
		"</title><rect x=\"%.2f\" y=\"%" PRIu32 "\" width=\"%.2f\" height=\"%u\" fill=\"",
		x, y, width, FLAME_ROW - 1);
	flame_colour(file, frame, name);
	fprintf(file, "\"/><text x=\"%.2f\" y=\"%" PRIu32 "\">", x + 3, y + 13);
	flame_escape(file, label);
	fputs("</text></g>\n", file);
}

static void flame_all(FILE *file, const struct flame *f, const char *title)
{
	uint32_t height = FLAME_TOP + (f->deepest + 2) * FLAME_ROW;

	fprintf(file,
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		"<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%.0f\" height=\"%" PRIu32
		"\" viewBox=\"0 0 %.0f %" PRIu32 "\">\n"
		"<style>text{font:12px monospace;fill:#111;pointer-events:none}"
		".b{pointer-events:all;cursor:pointer;fill:#06c}"
		"g.f{cursor:pointer}g.f:hover rect{stroke:#111}g.hit rect{fill:#c0f}</style>\n"
		"<rect width=\"100%%\" height=\"100%%\" fill=\"#fff\"/>\n<text x=\"3\" y=\"18\">",
		FLAME_WIDTH, height, FLAME_WIDTH, height);
	flame_escape(file, title);
	fputs("  ", file);
	flame_amount(file, f->graph, f->graph->samples);
	fprintf(file,
		", %" PRIu64 " lost</text>\n"
		"<text class=\"b\" id=\"whole\" x=\"3\" y=\"38\">whole</text>"
		"<text class=\"b\" id=\"find\" x=\"60\" y=\"38\">search</text>\n"
		"<text id=\"hint\" x=\"3\" y=\"%" PRIu32 "\"> </text>\n",
		f->graph->lost, height - 5);
	for (uint32_t i = 0; i < f->count; i++)
		flame_box(file, f, &f->nodes[i]);
	fprintf(file, "<script><![CDATA[\n%s]]></script>\n</svg>\n", flame_script);
}

int flame_write(const struct graph *g, const char *title, char **out, size_t *length)
{
	struct flame f = { .graph = g };
	int result = flame_tree(&f);
	FILE *file;

	if (result)
		return result;
	flame_place(&f);
	file = open_memstream(out, length);
	if (file)
		flame_all(file, &f, title);
	if (!file || fclose(file))
		result = -ENOMEM;
	free(f.nodes);
	return result;
}
