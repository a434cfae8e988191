#include "huffman.h"

#define HUFFMAN_SHORTEST 5u

/* The first codes of six bits, seven, eight and ten. */
#define HUFFMAN_SIX 0x50000000u
#define HUFFMAN_SEVEN 0xb8000000u
#define HUFFMAN_EIGHT 0xf8000000u
#define HUFFMAN_TEN 0xfe000000u

/* Codes of one length follow each other, and all of a length lie ahead of those that are longer. */
struct huffman_group {
	uint32_t first; /* code, from the highest bit on */
	uint8_t length;
	uint8_t symbol; /* place of the first one */
};

static const struct huffman_group huffman_groups[] = {
	{ 0x00000000, 5, 0 },     { HUFFMAN_SIX, 6, 10 },  { HUFFMAN_SEVEN, 7, 36 },
	{ HUFFMAN_EIGHT, 8, 68 }, { HUFFMAN_TEN, 10, 74 }, { 0xff400000, 11, 79 },
	{ 0xffa00000, 12, 82 },   { 0xffc00000, 13, 84 },  { 0xfff00000, 14, 90 },
	{ 0xfff80000, 15, 92 },   { 0xfffe0000, 19, 95 },  { 0xfffe6000, 20, 98 },
	{ 0xfffee000, 21, 106 },  { 0xffff4800, 22, 119 }, { 0xffffb000, 23, 145 },
	{ 0xffffea00, 24, 174 },  { 0xfffff600, 25, 186 }, { 0xfffff800, 26, 190 },
	{ 0xfffffbc0, 27, 205 },  { 0xfffffe20, 28, 224 }, { 0xfffffff0, 30, 253 },
};

#define HUFFMAN_GROUPS (sizeof(huffman_groups) / sizeof(huffman_groups[0]))

/* In the order of their codes; behind them the end, that no string has. */
static const uint8_t huffman_symbols[256] = {
	48,  49,  50,  97,  99,  101, 105, 111, 115, 116, 32,  37,  45,  46,  47,  51,  52,  53,
	54,  55,  56,  57,  61,  65,  95,  98,  100, 102, 103, 104, 108, 109, 110, 112, 114, 117,
	58,  66,  67,  68,  69,  70,  71,  72,  73,  74,  75,  76,  77,  78,  79,  80,  81,  82,
	83,  84,  85,  86,  87,  89,  106, 107, 113, 118, 119, 120, 121, 122, 38,  42,  44,  59,
	88,  90,  33,  34,  40,  41,  63,  39,  43,  124, 35,  62,  0,   36,  64,  91,  93,  126,
	94,  125, 60,  96,  123, 92,  195, 208, 128, 130, 131, 162, 184, 194, 224, 226, 153, 161,
	167, 172, 176, 177, 179, 209, 216, 217, 227, 229, 230, 129, 132, 133, 134, 136, 146, 154,
	156, 160, 163, 164, 169, 170, 173, 178, 181, 185, 186, 187, 189, 190, 196, 198, 228, 232,
	233, 1,   135, 137, 138, 139, 140, 141, 143, 147, 149, 150, 151, 152, 155, 157, 158, 165,
	166, 168, 174, 175, 180, 182, 183, 188, 191, 197, 231, 239, 9,   142, 144, 145, 148, 159,
	171, 206, 215, 225, 236, 237, 199, 207, 234, 235, 192, 193, 200, 201, 202, 205, 210, 213,
	218, 219, 238, 240, 242, 243, 255, 203, 204, 211, 212, 214, 221, 222, 223, 241, 244, 245,
	246, 247, 248, 250, 251, 252, 253, 254, 2,   3,   4,   5,   6,   7,   8,   11,  12,  14,
	15,  16,  17,  18,  19,  20,  21,  23,  24,  25,  26,  27,  28,  29,  30,  31,  127, 220,
	249, 10,  13,  22,
};

/* What is not there yet reads as ones: as of no group that lies ahead. */
static uint32_t huffman_window(const struct huffman *h)
{
	if (h->count >= 32)
		return (uint32_t)(h->bits >> (h->count - 32));
	return (uint32_t)(h->bits << (32 - h->count)) | UINT32_MAX >> h->count;
}

/* Of text nearly all codes are of the first groups: which one is found without a branch. */
static const struct huffman_group *huffman_find(uint32_t window)
{
	const struct huffman_group *g = huffman_groups;

	g += (window >= HUFFMAN_SIX) + (window >= HUFFMAN_SEVEN) + (window >= HUFFMAN_EIGHT);
	if (window < HUFFMAN_TEN)
		return g;
	while (g + 1 < huffman_groups + HUFFMAN_GROUPS && window >= g[1].first)
		g++;
	return g;
}

int huffman_next(struct huffman *h)
{
	const struct huffman_group *g;
	uint32_t window, at;

	if (h->count < HUFFMAN_SHORTEST)
		return HUFFMAN_MORE;
	window = huffman_window(h);
	g = huffman_find(window);
	if (g->length > h->count)
		return HUFFMAN_MORE;
	at = g->symbol + ((window - g->first) >> (32 - g->length));
	h->count -= g->length;
	return at < sizeof(huffman_symbols) ? huffman_symbols[at] : HUFFMAN_BAD;
}
