#include "header.h"

#include <string.h>

static bool header_is(const struct hpack_field *field, const char *name)
{
	size_t n = strlen(name);

	return field->name_bytes == n && !memcmp(field->name, name, n);
}

static uint8_t header_method(const struct hpack_field *field)
{
	static const char *const names[RS_METHODS] = {
		[RS_METHOD_GET] = "GET",         [RS_METHOD_HEAD] = "HEAD",
		[RS_METHOD_POST] = "POST",       [RS_METHOD_PUT] = "PUT",
		[RS_METHOD_DELETE] = "DELETE",   [RS_METHOD_PATCH] = "PATCH",
		[RS_METHOD_OPTIONS] = "OPTIONS", [RS_METHOD_CONNECT] = "CONNECT",
		[RS_METHOD_TRACE] = "TRACE",
	};

	for (uint32_t i = RS_METHOD_GET; i < RS_METHODS; i++)
		if (field->value_bytes == strlen(names[i]) &&
		    !memcmp(field->value, names[i], field->value_bytes))
			return (uint8_t)i;
	return RS_METHOD_OTHER;
}

/* What is none is filler, where the shim did not know the name of the field. */
static void header_path(struct header *h, const struct hpack_field *field)
{
	size_t n = 0;

	if (!field->value_bytes || (field->value[0] != '/' && field->value[0] != '*'))
		return;
	while (n < field->value_bytes && n < RS_PATH_BYTES && field->value[n] != '?' &&
	       field->value[n] != '#')
		n++;
	memcpy(h->path, field->value, n);
	h->path_bytes = (uint8_t)n;
}

void header_field(void *header, const struct hpack_field *field)
{
	static const char grpc[] = "application/grpc";
	struct header *h = header;

	if (header_is(field, ":path")) {
		header_path(h, field);
	} else if (header_is(field, ":method")) {
		h->method = header_method(field);
	} else if (header_is(field, "content-type")) {
		h->grpc = field->value_bytes >= sizeof(grpc) - 1 &&
			  !memcmp(field->value, grpc, sizeof(grpc) - 1);
	}
}
