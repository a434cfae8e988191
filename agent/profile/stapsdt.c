#include "stapsdt.h"

#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define STAPSDT_OWNER "stapsdt"
#define STAPSDT_TYPE 3
#define STAPSDT_WORD 64 /* bytes of an argument; longer ones name symbols */

static size_t stapsdt_aligned(size_t bytes)
{
	return (bytes + 3) & ~(size_t)3;
}

/* A string within [*text, end); moves *text behind it. */
static const char *stapsdt_string(const char **text, const char *end)
{
	const char *begin = *text, *nul = memchr(begin, '\0', (size_t)(end - begin));

	if (!nul)
		return NULL;
	*text = nul + 1;
	return begin;
}

static bool stapsdt_body(const char *body, size_t bytes, struct stapsdt_note *out)
{
	const char *end = body + bytes;
	uint64_t words[3];

	if (bytes < sizeof(words))
		return false;
	memcpy(words, body, sizeof(words));
	out->place = words[0];
	out->base = words[1];
	out->semaphore = words[2];
	body += sizeof(words);
	out->provider = stapsdt_string(&body, end);
	out->name = out->provider ? stapsdt_string(&body, end) : NULL;
	out->arguments = out->name ? stapsdt_string(&body, end) : NULL;
	return out->arguments != NULL;
}

/* One note, ours or not. False: the section is over, or odd from here on. */
static bool stapsdt_step(const char *section, size_t bytes, size_t *at, struct stapsdt_note *out,
			 bool *ours)
{
	size_t left = bytes - *at, name, body;
	Elf64_Nhdr head;

	if (*at > bytes || left < sizeof(head))
		return false;
	memcpy(&head, section + *at, sizeof(head));
	left -= sizeof(head);
	name = stapsdt_aligned(head.n_namesz);
	if (head.n_namesz > left || name > left || head.n_descsz > left - name)
		return false;
	body = *at + sizeof(head) + name;
	*ours = head.n_type == STAPSDT_TYPE && head.n_namesz == sizeof(STAPSDT_OWNER) &&
		memcmp(section + *at + sizeof(head), STAPSDT_OWNER, sizeof(STAPSDT_OWNER)) == 0 &&
		stapsdt_body(section + body, head.n_descsz, out);
	left = stapsdt_aligned(head.n_descsz);
	*at = left > bytes - body ? bytes : body + left;
	return true;
}

bool stapsdt_next(const void *section, size_t bytes, size_t *at, struct stapsdt_note *out)
{
	bool ours = false;

	while (!ours && stapsdt_step(section, bytes, at, out, &ours))
		continue;
	return ours;
}

/* The registers of struct pt_regs, in its order, by their names in 8, 4, 2 and 1 bytes. */
#if defined(__x86_64__)
static const char *const stapsdt_registers[][4] = {
	{ "%r15", "%r15d", "%r15w", "%r15b" },
	{ "%r14", "%r14d", "%r14w", "%r14b" },
	{ "%r13", "%r13d", "%r13w", "%r13b" },
	{ "%r12", "%r12d", "%r12w", "%r12b" },
	{ "%rbp", "%ebp", "%bp", "%bpl" },
	{ "%rbx", "%ebx", "%bx", "%bl" },
	{ "%r11", "%r11d", "%r11w", "%r11b" },
	{ "%r10", "%r10d", "%r10w", "%r10b" },
	{ "%r9", "%r9d", "%r9w", "%r9b" },
	{ "%r8", "%r8d", "%r8w", "%r8b" },
	{ "%rax", "%eax", "%ax", "%al" },
	{ "%rcx", "%ecx", "%cx", "%cl" },
	{ "%rdx", "%edx", "%dx", "%dl" },
	{ "%rsi", "%esi", "%si", "%sil" },
	{ "%rdi", "%edi", "%di", "%dil" },
	{ NULL }, /* orig_ax, */
	{ NULL }, /* ip, */
	{ NULL }, /* cs, */
	{ NULL }, /* flags */
	{ "%rsp", "%esp", "%sp", "%spl" },
};

static int stapsdt_register(const char *name, uint8_t *out)
{
	for (size_t i = 0; i < sizeof(stapsdt_registers) / sizeof(stapsdt_registers[0]); i++) {
		for (int j = 0; j < 4 && stapsdt_registers[i][j]; j++) {
			if (strcmp(name, stapsdt_registers[i][j]) != 0)
				continue;
			*out = (uint8_t)i;
			return 0;
		}
	}
	return -ENOTSUP;
}

/* "112(%rsp)", "(%rax)" */
static int stapsdt_memory(char *word, struct stapsdt_argument *out)
{
	char *open = strchr(word, '('), *end = word;
	long number = 0;

	if (word != open)
		number = strtol(word, &end, 10);
	if (end != open || number < INT32_MIN || number > INT32_MAX || open[1] != '%')
		return -ENOTSUP;
	end = strchr(open, ')');
	if (!end || end[1])
		return -EINVAL;
	*end = '\0';
	out->operand = STAPSDT_MEMORY;
	out->number = (int32_t)number;
	return stapsdt_register(open + 1, &out->place); /* two of them have no such name */
}

static bool stapsdt_is_constant(const char *word)
{
	return word[0] == '$';
}

static bool stapsdt_is_memory(const char *word)
{
	return strchr(word, '(') != NULL;
}
#else
/* "x19", "w3", "sp" */
static int stapsdt_register(const char *name, uint8_t *out)
{
	char *end;
	unsigned long number;

	if (strcmp(name, "sp") == 0) {
		*out = 31;
		return 0;
	}
	if ((name[0] != 'x' && name[0] != 'w') || name[1] < '0' || name[1] > '9')
		return -ENOTSUP;
	number = strtoul(name + 1, &end, 10);
	if (*end || number > 30)
		return -ENOTSUP;
	*out = (uint8_t)number;
	return 0;
}

/* "[sp, 112]", "[x0]" */
static int stapsdt_memory(char *word, struct stapsdt_argument *out)
{
	char *close = strchr(word, ']'), *comma = strchr(word, ',');
	long number = 0;

	if (!close || close[1])
		return -EINVAL;
	*close = '\0';
	if (comma) {
		char *end;

		*comma = '\0';
		number = strtol(comma + 1, &end, 10);
		if (*end || end == comma + 1 || number < INT32_MIN || number > INT32_MAX)
			return -ENOTSUP;
	}
	out->operand = STAPSDT_MEMORY;
	out->number = (int32_t)number;
	return stapsdt_register(word + 1, &out->place);
}

static bool stapsdt_is_constant(const char *word)
{
	return word[0] == '-' || (word[0] >= '0' && word[0] <= '9');
}

static bool stapsdt_is_memory(const char *word)
{
	return word[0] == '[';
}
#endif

static int stapsdt_constant(const char *word, struct stapsdt_argument *out)
{
	char *end;
	long number;

	word += word[0] == '$';
	number = strtol(word, &end, 10);
	if (end == word || *end)
		return -EINVAL;
	if (number < INT32_MIN || number > INT32_MAX)
		return -ENOTSUP;
	out->operand = STAPSDT_CONSTANT;
	out->number = (int32_t)number;
	return 0;
}

/* "-4", "8", what stands before the @. "8f" is a float. */
static int stapsdt_size(const char *text, const char *at, struct stapsdt_argument *out)
{
	char *end;
	long bytes = strtol(text, &end, 10);

	if (end == text || end > at)
		return -EINVAL;
	if (end != at)
		return -ENOTSUP;
	out->is_signed = bytes < 0;
	if (bytes < 0 && bytes >= -8)
		bytes = -bytes;
	if (bytes != 1 && bytes != 2 && bytes != 4 && bytes != 8)
		return -EINVAL;
	out->bytes = (uint8_t)bytes;
	return 0;
}

/* Where the argument that begins here ends: a blank within brackets is part of it. */
static size_t stapsdt_length(const char *text)
{
	size_t n = 0;
	int depth = 0;

	for (; text[n] && (text[n] != ' ' || depth > 0); n++)
		depth += (text[n] == '[' || text[n] == '(') - (text[n] == ']' || text[n] == ')');
	return n;
}

int stapsdt_argument(const char *arguments, unsigned int index, struct stapsdt_argument *out)
{
	const char *at;
	char word[STAPSDT_WORD];
	size_t length;
	int result;

	memset(out, 0, sizeof(*out));
	arguments += strspn(arguments, " ");
	for (unsigned int i = 0; i < index && *arguments; i++) {
		arguments += stapsdt_length(arguments);
		arguments += strspn(arguments, " ");
	}
	if (!*arguments)
		return -ENOENT;
	length = stapsdt_length(arguments);
	at = memchr(arguments, '@', length);
	if (!at)
		return -EINVAL;
	result = stapsdt_size(arguments, at, out);
	if (result)
		return result;
	length -= (size_t)(at + 1 - arguments);
	if (length >= sizeof(word))
		return -ENOTSUP;
	memcpy(word, at + 1, length);
	word[length] = '\0';
	if (stapsdt_is_constant(word))
		return stapsdt_constant(word, out);
	if (stapsdt_is_memory(word))
		return stapsdt_memory(word, out);
	out->operand = STAPSDT_REGISTER;
	return stapsdt_register(word, &out->place);
}
