#include "code.h"

#include <capstone/capstone.h>
#include <dlfcn.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#define CODE_TEXT_OF(number) #number
#define CODE_TEXT(number) CODE_TEXT_OF(number)
#define CODE_LIBRARY "libcapstone.so." CODE_TEXT(CS_API_MAJOR)
#define CODE_PROLOGUE 4u /* instructions: a stack is compared, its size taken off ahead of that */

#ifdef __aarch64__
#define CODE_ARCH CS_ARCH_ARM64
#define CODE_MODE CS_MODE_ARM
#else
#define CODE_ARCH CS_ARCH_X86
#define CODE_MODE CS_MODE_64
#endif

static struct {
	cs_err (*open)(cs_arch arch, cs_mode mode, csh *out);
	cs_err (*close)(csh *handle);
	cs_insn *(*make)(csh handle);
	void (*free)(cs_insn *instructions, size_t count);
	bool (*next)(csh handle, const uint8_t **at, size_t *left, uint64_t *address, cs_insn *out);
} capstone;

int code_open(void)
{
	const struct {
		const char *name;
		void *to;
	} functions[] = {
		{ "cs_open", &capstone.open },        { "cs_close", &capstone.close },
		{ "cs_malloc", &capstone.make },      { "cs_free", &capstone.free },
		{ "cs_disasm_iter", &capstone.next },
	};
	void *library = dlopen(CODE_LIBRARY, RTLD_NOW | RTLD_LOCAL);

	for (size_t i = 0; library && i < sizeof(functions) / sizeof(functions[0]); i++) {
		void *found = dlsym(library, functions[i].name);

		if (!found)
			return -ELIBACC;
		memcpy(functions[i].to, &found, sizeof(found));
	}
	return library ? 0 : -ELIBACC;
}

static bool code_is_return(const cs_insn *i)
{
#ifdef __aarch64__
	return i->id == ARM64_INS_RET;
#else
	return i->id == X86_INS_RET;
#endif
}

/* The kernel steps over it by itself. */
static bool code_is_growth(const cs_insn *i)
{
#ifdef __aarch64__
	return i->id == ARM64_INS_B;
#else
	return i->id == X86_INS_JBE;
#endif
}

static int code_walk(csh handle, const uint8_t *code, size_t bytes, struct code_stops *out)
{
	cs_insn *i = capstone.make(handle);
	uint64_t address = 0;
	uint32_t number = 0;
	int result = i ? 0 : -ENOMEM;

	while (!result && bytes && capstone.next(handle, &code, &bytes, &address, i)) {
		uint32_t at = (uint32_t)i->address;

		if (number++ < CODE_PROLOGUE && !out->begin && code_is_growth(i))
			out->begin = at;
		if (!code_is_return(i))
			continue;
		if (out->count == CODE_RETURNS)
			result = -E2BIG;
		else
			out->returns[out->count++] = at;
	}
	if (i)
		capstone.free(i, 1);
	return !result && bytes ? -ENOEXEC : result;
}

int code_stops_find(const uint8_t *code, size_t bytes, struct code_stops *out)
{
	csh handle;
	int result;

	memset(out, 0, sizeof(*out));
	if (!capstone.open || capstone.open(CODE_ARCH, CODE_MODE, &handle) != CS_ERR_OK)
		return -ELIBACC;
	result = code_walk(handle, code, bytes, out);
	capstone.close(&handle);
	return result;
}
