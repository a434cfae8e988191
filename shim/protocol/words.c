#include "words.h"

#include <string.h>

void words_init(struct words *w)
{
	memset(w, 0, sizeof(*w));
}

static bool words_is_blank(uint8_t c)
{
	return c == ' ' || c == '\r' || c == '\n';
}

static void words_take(struct words *w, uint8_t c)
{
	if (!w->open) {
		w->open = true;
		w->number++;
		w->length = 0;
	}
	if (w->length < WORDS_KEPT)
		w->word[w->length] = c;
	w->length++;
}

enum words_event words_next(struct words *w, const uint8_t **at, const uint8_t *end)
{
	while (*at < end) {
		uint8_t c = **at;

		if (words_is_blank(c) && w->open) {
			w->open = false;
			return WORDS_WORD;
		}
		(*at)++;
		w->bytes++;
		if (c == '\n')
			return WORDS_LINE;
		if (!words_is_blank(c))
			words_take(w, c);
	}
	return WORDS_MORE;
}

bool words_are(const struct words *w, const char *text)
{
	return w->length == strlen(text) && !memcmp(w->word, text, w->length);
}

bool words_count(const struct words *w, uint64_t *out)
{
	*out = 0;
	for (uint32_t i = 0; i < w->length && i < WORDS_KEPT; i++) {
		if (w->word[i] < '0' || w->word[i] > '9')
			return false;
		*out = *out * 10 + (w->word[i] - '0');
	}
	return w->length && w->length < WORDS_KEPT;
}
