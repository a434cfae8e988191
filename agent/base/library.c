#include "library.h"

#include <dlfcn.h>
#include <errno.h>
#include <string.h>

int library_open(const char *name, const struct library_function *functions, size_t count)
{
	void *library = dlopen(name, RTLD_NOW | RTLD_LOCAL);

	if (!library)
		return -ELIBACC;
	for (size_t i = 0; i < count; i++) {
		void *found = dlsym(library, functions[i].name);

		if (!found) {
			dlclose(library);
			return -ELIBACC;
		}
		memcpy(functions[i].to, &found, sizeof(found)); /* a function's is no object's */
	}
	return 0;
}
