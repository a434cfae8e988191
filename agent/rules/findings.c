#include "findings.h"

#include <stdarg.h>
#include <stdio.h>

void findings_init(struct findings *f)
{
	f->count = f->beyond = 0;
}

void findings_add(struct findings *f, const char *format, ...)
{
	va_list args;

	if (f->count == FINDINGS_ROWS) {
		f->beyond++;
		return;
	}
	va_start(args, format);
	vsnprintf(f->rows[f->count++], FINDINGS_TEXT, format, args);
	va_end(args);
}
