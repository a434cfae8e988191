#include "inlined.h"

#include "library.h"

#include <dwarf.h>
#include <elfutils/libdw.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

static struct {
	__typeof__(dwarf_begin_elf) *begin;
	__typeof__(dwarf_end) *end;
	__typeof__(dwarf_addrdie) *unit;
	__typeof__(dwarf_get_units) *units;
	__typeof__(dwarf_haspc) *has;
	__typeof__(dwarf_getscopes) *scopes;
	__typeof__(dwarf_getscopes_die) *parents;
	__typeof__(dwarf_tag) *tag;
	__typeof__(dwarf_diename) *name;
} inlined_dw;

struct inlined {
	Elf *elf;
	Dwarf *dwarf;
};

int inlined_load(void)
{
	static const struct library_function functions[] = {
		{ "dwarf_begin_elf", &inlined_dw.begin },
		{ "dwarf_end", &inlined_dw.end },
		{ "dwarf_addrdie", &inlined_dw.unit },
		{ "dwarf_get_units", &inlined_dw.units },
		{ "dwarf_haspc", &inlined_dw.has },
		{ "dwarf_getscopes", &inlined_dw.scopes },
		{ "dwarf_getscopes_die", &inlined_dw.parents },
		{ "dwarf_tag", &inlined_dw.tag },
		{ "dwarf_diename", &inlined_dw.name },
	};

	return library_open("libdw.so.1", functions, sizeof(functions) / sizeof(functions[0]));
}

int inlined_open(struct inlined **out, int fd)
{
	struct inlined *in;

	*out = NULL;
	if (!inlined_dw.begin)
		return -ELIBACC;
	in = calloc(1, sizeof(*in));
	if (!in)
		return -ENOMEM;
	elf_version(EV_CURRENT);
	/* not ELF_C_READ_MMAP: a file that is cut meanwhile would kill us */
	in->elf = elf_begin(fd, ELF_C_READ, NULL);
	in->dwarf = in->elf ? inlined_dw.begin(in->elf, DWARF_C_READ, NULL) : NULL;
	if (!in->dwarf) {
		elf_end(in->elf);
		free(in);
		return -ENODATA;
	}
	*out = in;
	return 0;
}

void inlined_close(struct inlined *in)
{
	if (!in)
		return;
	inlined_dw.end(in->dwarf);
	elf_end(in->elf);
	free(in);
}

/* clang writes no table of which unit has which addresses (.debug_aranges): each is asked then. */
static bool inlined_unit(const struct inlined *in, uint64_t address, Dwarf_Die *unit)
{
	Dwarf_CU *at = NULL;

	if (inlined_dw.unit(in->dwarf, address, unit))
		return true;
	while (!inlined_dw.units(in->dwarf, at, &at, NULL, NULL, unit, NULL))
		if (inlined_dw.has(unit, address) == 1)
			return true;
	return false;
}

void inlined_each(const struct inlined *in, uint64_t address, inlined_fn each, void *ctx)
{
	Dwarf_Die unit, *scopes = NULL, *parents = NULL, innermost;
	int count;

	if (!inlined_unit(in, address, &unit) || inlined_dw.scopes(&unit, address, &scopes) < 1)
		return;
	innermost = scopes[0];
	free(scopes);
	/* what a scope lies in, where it was put: the scopes alone say where it was written */
	count = inlined_dw.parents(&innermost, &parents);
	for (int i = 0; i < count && inlined_dw.tag(&parents[i]) != DW_TAG_subprogram; i++) {
		const char *name = inlined_dw.tag(&parents[i]) == DW_TAG_inlined_subroutine
					   ? inlined_dw.name(&parents[i])
					   : NULL;

		if (name)
			each(ctx, name);
	}
	free(parents);
}
