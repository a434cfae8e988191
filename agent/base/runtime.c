#include "runtime.h"

#include "text.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

static const struct {
	enum runtime runtime;
	const char *pattern;
} runtime_files[] = {
	{ RUNTIME_NODE, "node" },         { RUNTIME_NODE, "nodejs" },
	{ RUNTIME_NODE, "libnode.so*" },  { RUNTIME_JVM, "libjvm.so" },
	{ RUNTIME_PYTHON, "python*" },    { RUNTIME_PYTHON, "libpython*.so*" },
	{ RUNTIME_RUBY, "ruby*" },        { RUNTIME_RUBY, "libruby*.so*" },
	{ RUNTIME_PHP, "php*" },          { RUNTIME_PHP, "libphp*.so*" },
	{ RUNTIME_POSTGRES, "postgres" },
};

const char *runtime_name(uint32_t runtime)
{
	static const char *const names[RUNTIMES] = { "",     "node", "jvm",     "python",
						     "ruby", "php",  "postgres" };

	return runtime < RUNTIMES ? names[runtime] : "";
}

bool runtime_maps_heap(uint32_t runtime)
{
	return runtime == RUNTIME_NODE || runtime == RUNTIME_JVM || runtime == RUNTIME_PHP;
}

const char *runtime_why_text(uint32_t why)
{
	static const char *const texts[RUNTIME_WHYS] = {
		[RUNTIME_UNKNOWN] = "its runtime is being looked for",
		[RUNTIME_ATTACHED] = "",
		[RUNTIME_FOREIGN] = "no runtime that tells its collections is known in it",
		[RUNTIME_BARE] = "its runtime was built without probes",
		[RUNTIME_UNSAFE] = "on this kernel it could end who filters system calls",
		[RUNTIME_REFUSED] = "the kernel refuses the probes",
		[RUNTIME_UNREADABLE] = "its runtime's file cannot be read",
		[RUNTIME_FULL] = "too many runtimes at once",
	};

	return why < RUNTIME_WHYS ? texts[why] : "unknown";
}

enum runtime runtime_of_file(const char *path)
{
	static const char deleted[] = "%20(deleted)"; /* an upgraded file goes by its old name */
	const char *base = strrchr(path, '/'), *end;
	char name[64];

	base = base ? base + 1 : path;
	end = strstr(base, deleted);
	if (snprintf(name, sizeof(name), "%.*s", end ? (int)(end - base) : (int)strlen(base),
		     base) >= (int)sizeof(name))
		return RUNTIME_NONE;
	for (size_t i = 0; i < sizeof(runtime_files) / sizeof(runtime_files[0]); i++)
		if (text_glob(runtime_files[i].pattern, name))
			return runtime_files[i].runtime;
	return RUNTIME_NONE;
}
