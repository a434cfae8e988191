#include "pack.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#define PACK_SAVES 8

struct pack_library {
	void *handle;
	__typeof__(ZSTD_compressBound) *bound;
	__typeof__(ZSTD_compress) *compress;
	__typeof__(ZSTD_decompress) *decompress;
	__typeof__(ZSTD_isError) *is_error;
};

static void pack_library_close(struct pack_library *l)
{
	if (l && l->handle)
		dlclose(l->handle);
	free(l);
}

static int pack_library_open(struct pack_library **out)
{
	struct pack_library *l = calloc(1, sizeof(*l));
	const struct {
		const char *name;
		void *to;
	} functions[] = {
		{ "ZSTD_compressBound", l ? &l->bound : NULL },
		{ "ZSTD_compress", l ? &l->compress : NULL },
		{ "ZSTD_decompress", l ? &l->decompress : NULL },
		{ "ZSTD_isError", l ? &l->is_error : NULL },
	};

	if (!l)
		return -ENOMEM;
	l->handle = dlopen("libzstd.so.1", RTLD_NOW | RTLD_LOCAL);
	for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++) {
		void *found = l->handle ? dlsym(l->handle, functions[i].name) : NULL;

		if (!found) {
			pack_library_close(l);
			return -ELIBACC;
		}
		memcpy(functions[i].to, &found, sizeof(found));
	}
	*out = l;
	return 0;
}

void pack_close(struct pack *p)
{
	pack_library_close(p->library);
	p->library = NULL;
}

/* The library is there, or why not. */
static int pack_ready(struct pack *p)
{
	if (!p->library && !p->error)
		p->error = pack_library_open(&p->library);
	return p->error;
}

int pack_make(struct pack *p, const void *bytes, size_t length, void **out, size_t *packed)
{
	size_t room, made;

	if (!p->on || length < p->from)
		return -ERANGE;
	if (pack_ready(p))
		return p->error;
	room = p->library->bound(length);
	*out = malloc(room);
	if (!*out)
		return -ENOMEM;
	made = p->library->compress(*out, room, bytes, length, p->level);
	if (!p->library->is_error(made) && made <= length - length / PACK_SAVES) {
		*packed = made;
		return 0;
	}
	free(*out);
	*out = NULL;
	return -ERANGE;
}

int pack_expand(struct pack *p, const void *packed, size_t size, void *out, size_t length)
{
	if (pack_ready(p))
		return p->error;
	return p->library->decompress(out, length, packed, size) == length ? 0 : -EBADMSG;
}
