#include "code.h"

#include "library.h"

#include <capstone/capstone.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#define CODE_TEXT_OF(number) #number
#define CODE_TEXT(number) CODE_TEXT_OF(number)
#define CODE_LIBRARY "libcapstone.so." CODE_TEXT(CS_API_MAJOR)
#define CODE_PROLOGUE 4u /* instructions: a stack is compared, its size taken off ahead of that */
#define CODE_BEGIN 12u   /* instructions of C that may lie ahead of one that is cheap */
#define CODE_MOST 512u   /* instructions of one function of C */
#define CODE_CANARY 0x28 /* of a thread's own memory, by %fs */

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
	cs_err (*option)(csh handle, cs_opt_type type, size_t value);
	cs_err (*access)(csh handle, const cs_insn *i, cs_regs read, uint8_t *read_count,
			 cs_regs written, uint8_t *written_count);
} capstone;

int code_open(void)
{
	static const struct library_function functions[] = {
		{ "cs_open", &capstone.open },          { "cs_close", &capstone.close },
		{ "cs_malloc", &capstone.make },        { "cs_free", &capstone.free },
		{ "cs_disasm_iter", &capstone.next },   { "cs_option", &capstone.option },
		{ "cs_regs_access", &capstone.access },
	};

	return library_open(CODE_LIBRARY, functions, sizeof(functions) / sizeof(functions[0]));
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

/* What some linkers fill the room between two functions with. */
static bool code_is_room(const uint8_t *code, size_t bytes)
{
	while (bytes && !code[bytes - 1])
		bytes--;
	return !bytes;
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
	return !result && !code_is_room(code, bytes) ? -ENOEXEC : result;
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

#ifdef __x86_64__
enum code_is {
	CODE_CHEAP = 0x1,     /* the kernel does it by itself */
	CODE_RETURN = 0x2,    /* … */
	CODE_JUMP = 0x4,      /* to to, always or not */
	CODE_ELSEWHERE = 0x8, /* a jump, to an address that is not known */
	CODE_CALL = 0x10,
	CODE_ARGUMENT = 0x20, /* it changes one */
	CODE_RESULT = 0x40,   /* … */
	CODE_GUARD = 0x80,    /* the canary is compared */
	CODE_TARGET = 0x100,  /* of a jump */
};

struct code_one {
	uint32_t at, to;
	uint32_t is; /* enum code_is */
};

/* Of a register that holds an argument, or the result, whatever its width. */
static uint32_t code_register(uint16_t id)
{
	switch (id) {
	case X86_REG_RDI:
	case X86_REG_EDI:
	case X86_REG_RSI:
	case X86_REG_ESI:
	case X86_REG_RDX:
	case X86_REG_EDX:
	case X86_REG_DL:
	case X86_REG_RCX:
	case X86_REG_ECX:
	case X86_REG_CL:
		return CODE_ARGUMENT;
	case X86_REG_RAX:
	case X86_REG_EAX:
	case X86_REG_AX:
	case X86_REG_AL:
		return CODE_RESULT;
	default:
		return 0;
	}
}

static bool code_is_push(const uint8_t *b)
{
	uint8_t first = b[0] == 0x41 ? b[1] : b[0];

	return first >= 0x50 && first <= 0x57;
}

/* sub %fs:0x28,%reg, or xor */
static bool code_is_guard(const uint8_t *b)
{
	return b[0] == 0x64 && (b[2] == 0x2b || b[2] == 0x33) && b[4] == 0x25 &&
	       b[5] == CODE_CANARY;
}

/* As arch/x86/kernel/uprobes.c of the kernel has them: push, and near jumps and calls. */
static uint32_t code_kind(const cs_insn *i)
{
	const uint8_t *b = i->bytes;

	if (i->id == X86_INS_RET)
		return CODE_RETURN;
	if (code_is_push(b))
		return CODE_CHEAP;
	if ((b[0] & 0xf0) == 0x70 || (b[0] == 0x0f && (b[1] & 0xf0) == 0x80))
		return CODE_CHEAP | CODE_JUMP;
	if (b[0] == 0xeb || b[0] == 0xe9)
		return CODE_CHEAP | CODE_JUMP;
	if (b[0] == 0xe8)
		return CODE_CHEAP | CODE_CALL;
	if (i->id == X86_INS_CALL)
		return CODE_CALL;
	if (i->id == X86_INS_JMP)
		return CODE_ELSEWHERE;
	return code_is_guard(b) ? CODE_GUARD : 0;
}

static uint32_t code_jumps_to(const cs_insn *i)
{
	const uint8_t *end = i->bytes + i->size;
	int32_t by = end[-1] < 0x80 ? end[-1] : end[-1] - 0x100;

	if (i->size > 2)
		memcpy(&by, end - sizeof(by), sizeof(by));
	return (uint32_t)i->address + i->size + (uint32_t)by;
}

static void code_one_take(csh handle, const cs_insn *i, struct code_one *out)
{
	uint8_t read_count = 0, written_count = 0;
	cs_regs read, written;

	*out = (struct code_one){ .at = (uint32_t)i->address, .is = code_kind(i) };
	if (out->is & CODE_JUMP)
		out->to = code_jumps_to(i);
	if (capstone.access(handle, i, read, &read_count, written, &written_count) != CS_ERR_OK)
		out->is |= CODE_ARGUMENT | CODE_RESULT;
	for (uint8_t k = 0; k < written_count; k++)
		out->is |= code_register(written[k]);
}

/* All of them; 0: not all are understood. */
static uint32_t code_list(csh handle, const uint8_t *code, size_t bytes, struct code_one *out)
{
	cs_insn *i = capstone.make(handle);
	uint64_t address = 0;
	uint32_t count = 0;

	while (i && bytes && count < CODE_MOST && capstone.next(handle, &code, &bytes, &address, i))
		code_one_take(handle, i, &out[count++]);
	if (i)
		capstone.free(i, 1);
	return bytes ? 0 : count;
}

/* false: it leaves for places that are not its own. */
static bool code_targets(struct code_one *all, uint32_t count, size_t bytes)
{
	for (uint32_t i = 0; i < count; i++) {
		if (all[i].is & CODE_ELSEWHERE || (all[i].is & CODE_JUMP && all[i].to >= bytes))
			return false;
		for (uint32_t k = 0; all[i].is & CODE_JUMP && k < count; k++)
			if (all[k].at == all[i].to)
				all[k].is |= CODE_TARGET;
	}
	return true;
}

static bool code_begin(const struct code_one *all, uint32_t count, struct code_stops *out)
{
	for (uint32_t i = 0; i < count && i < CODE_BEGIN; i++) {
		if (all[i].is & CODE_TARGET)
			return false;
		if (all[i].is & CODE_CHEAP) {
			out->begin = all[i].at;
			return i > 0;
		}
		if (all[i].is & (CODE_ARGUMENT | CODE_RETURN | CODE_CALL))
			return false;
	}
	return false;
}

/* Behind the guard there is one way only, up to the return. */
static bool code_end(const struct code_one *all, uint32_t i, struct code_stops *out)
{
	while (i-- > 1 && !(all[i + 1].is & CODE_TARGET)) {
		if (all[i].is & CODE_JUMP && all[i - 1].is & CODE_GUARD &&
		    out->count < CODE_RETURNS) {
			out->returns[out->count++] = all[i].at;
			return true;
		}
		if (all[i].is & (CODE_JUMP | CODE_RETURN | CODE_CALL | CODE_RESULT))
			return false;
	}
	return false;
}

static int code_cheap(csh handle, const uint8_t *code, size_t bytes, struct code_stops *out)
{
	static struct code_one all[CODE_MOST];
	uint32_t count = code_list(handle, code, bytes, all);

	if (!count || !code_targets(all, count, bytes) || !code_begin(all, count, out))
		return -ENOTSUP;
	for (uint32_t i = 0; i < count; i++)
		if (all[i].is & CODE_RETURN && !code_end(all, i, out))
			return -ENOTSUP;
	return out->count ? 0 : -ENOTSUP;
}

int code_cheap_find(const uint8_t *code, size_t bytes, struct code_stops *out)
{
	csh handle;
	int result = -ENOTSUP;

	memset(out, 0, sizeof(*out));
	if (!capstone.open || capstone.open(CODE_ARCH, CODE_MODE, &handle) != CS_ERR_OK)
		return -ELIBACC;
	if (capstone.option(handle, CS_OPT_DETAIL, CS_OPT_ON) == CS_ERR_OK)
		result = code_cheap(handle, code, bytes, out);
	capstone.close(&handle);
	return result;
}
#else
int code_cheap_find(const uint8_t *code, size_t bytes, struct code_stops *out)
{
	(void)code;
	(void)bytes;
	memset(out, 0, sizeof(*out));
	return -ENOTSUP;
}
#endif
