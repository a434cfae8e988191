#include "asset.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* The file itself, put in place by the assembler: no generator, no second copy in the tree. */
__asm__(".pushsection .rodata, \"a\"\n"
	".global asset_openapi_begin\n"
	".hidden asset_openapi_begin\n"
	"asset_openapi_begin:\n"
	".incbin \"" ASSET_OPENAPI "\"\n"
	".global asset_openapi_end\n"
	".hidden asset_openapi_end\n"
	"asset_openapi_end:\n"
	".byte 0\n"
	".popsection\n");

extern const char asset_openapi_begin[], asset_openapi_end[];

int asset_openapi_open(struct body **out)
{
	size_t length = (size_t)((uintptr_t)asset_openapi_end - (uintptr_t)asset_openapi_begin);
	char *bytes = malloc(length ? length : 1);

	if (!bytes)
		return -ENOMEM;
	memcpy(bytes, asset_openapi_begin, length);
	return body_open(out, bytes, length);
}
