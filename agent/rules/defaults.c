#include "defaults.h"

#include <stdint.h>

/* The file itself, put in place by the assembler: no generator, no second copy in the tree. */
__asm__(".pushsection .rodata, \"a\"\n"
	".global defaults_rules_begin\n"
	".hidden defaults_rules_begin\n"
	"defaults_rules_begin:\n"
	".incbin \"" DEFAULTS_RULES "\"\n"
	".global defaults_rules_end\n"
	".hidden defaults_rules_end\n"
	"defaults_rules_end:\n"
	".byte 0\n"
	".popsection\n");

extern const char defaults_rules_begin[], defaults_rules_end[];

struct config_text defaults_text(void)
{
	uintptr_t length = (uintptr_t)defaults_rules_end - (uintptr_t)defaults_rules_begin;

	return (struct config_text){ DEFAULTS_NAME, defaults_rules_begin, (size_t)length };
}
