#include "request.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

int refuse(struct refusal *out, unsigned int status, const char *code, const char *format, ...)
{
	va_list args;

	out->status = status;
	out->code = code;
	va_start(args, format);
	vsnprintf(out->message, sizeof(out->message), format, args);
	va_end(args);
	return -EINVAL;
}
