#include "script.h"

#include "text.h"

#include <stdbool.h>
#include <string.h>

/* Words stand between blanks, letters of options that may be joined ("-Im") by themselves. */
struct script_interpreter {
	const char *names;    /* of the executable; digits and dots may follow */
	const char *values;   /* options whose value is the next argument */
	const char *programs; /* … and is the program */
	const char *inlines;  /* … and is its code */
	const char *commands; /* words ahead of the program */
	const char *folders;  /* options whose value names what is served, without a program */
	const char *letters;  /* options as letters: with a value, the rest or the next argument */
	const char *program_letters;
	const char *inline_letters;
	const char *rest_letters; /* with a value that is the rest of the argument, or none */
};

static const struct script_interpreter script_interpreters[] = {
	{ .names = " python pypy ",
	  .values = " --check-hash-based-pycs ",
	  .letters = "WX",
	  .program_letters = "m",
	  .inline_letters = "c" },
	{ .names = " node nodejs ",
	  .values = " -r --require --import --loader --experimental-loader -C --conditions "
		    "--env-file --title --inspect-port --icu-data-dir --openssl-config "
		    "--diagnostic-dir --redirect-warnings ",
	  .inlines = " -e --eval -p --print -pe " },
	{ .names = " bun ",
	  .values = " -r --preload --cwd -c --config ",
	  .inlines = " -e --eval ",
	  .commands = " run " },
	{ .names = " deno ",
	  .values = " -c --config --import-map --location ",
	  .commands = " run serve " },
	{ .names = " ruby ", .letters = "ICEr", .inline_letters = "e", .rest_letters = "WKFixT0" },
	{ .names = " perl ",
	  .letters = "I",
	  .inline_letters = "eE",
	  .rest_letters = "MmCDFil0xVd" },
	{ .names = " php ",
	  .values = " -c -d -S -z --php-ini --define --server --zend-extension ",
	  .folders = " -t --docroot ",
	  .programs = " -f --file ",
	  .inlines = " -r --run -B -R -F -E " },
	{ .names = " java ",
	  .values = " -cp -classpath --class-path -p --module-path --upgrade-module-path "
		    "--add-modules --add-opens --add-exports --add-reads --patch-module "
		    "--limit-modules --enable-native-access --source ",
	  .programs = " -jar -m --module " },
	{ .names = " dotnet ",
	  .values = " --runtimeconfig --depsfile --additionalprobingpath --fx-version "
		    "--roll-forward ",
	  .commands = " exec " },
	{ .names = " lua luajit ", .letters = "l", .inline_letters = "e" },
	{ .names = " bash dash sh ksh zsh ",
	  .values = " --rcfile --init-file ",
	  .letters = "oO",
	  .inline_letters = "cs" },
};

struct script_scan {
	const struct script_interpreter *interpreter;
	const char *at, *end; /* the next argument */
	const char *program;  /* NULL: not found yet */
	const char *folder;
	bool is_inline;
};

static bool script_has_word(const char *words, const char *word, size_t length)
{
	for (const char *at = words ? strchr(words, ' ') : NULL; at && at[1];
	     at = strchr(at + 1, ' ')) {
		if (strncmp(at + 1, word, length) == 0 && at[1 + length] == ' ')
			return true;
	}
	return false;
}

static bool script_has_letter(const char *letters, char letter)
{
	return letters && letter && strchr(letters, letter);
}

static const struct script_interpreter *script_interpreter(const char *exe)
{
	const char *slash = strrchr(exe, '/');
	const char *base = slash ? slash + 1 : exe;
	size_t length = strlen(base);

	while (length && strchr("0123456789.", base[length - 1]))
		length--;
	for (size_t i = 0; length && i < sizeof(script_interpreters) / sizeof(*script_interpreters);
	     i++) {
		if (script_has_word(script_interpreters[i].names, base, length))
			return &script_interpreters[i];
	}
	return NULL;
}

/* The next argument; NULL: there is none, or the last was cut. */
static const char *script_next(struct script_scan *s)
{
	const char *argument = s->at;
	const char *nul =
		argument < s->end ? memchr(argument, '\0', (size_t)(s->end - argument)) : NULL;

	if (!nul)
		return NULL;
	s->at = nul + 1;
	return argument;
}

static void script_program(struct script_scan *s, const char *program)
{
	s->program = program;
	s->is_inline = !program || !*program || strcmp(program, "-") == 0;
}

/* A cluster of options: "-uIm", "-Wignore". */
static void script_letters(struct script_scan *s, const char *letters)
{
	const struct script_interpreter *i = s->interpreter;

	for (; *letters; letters++) {
		bool program = script_has_letter(i->program_letters, *letters);

		if (script_has_letter(i->inline_letters, *letters)) {
			s->is_inline = true;
			return;
		}
		if (script_has_letter(i->rest_letters, *letters))
			return;
		if (!program && !script_has_letter(i->letters, *letters))
			continue;
		letters = letters[1] ? letters + 1 : script_next(s);
		if (program)
			script_program(s, letters);
		return;
	}
}

static void script_option(struct script_scan *s, const char *option)
{
	const struct script_interpreter *i = s->interpreter;
	size_t length = strlen(option);

	if (strcmp(option, "--") == 0 || script_has_word(i->programs, option, length))
		script_program(s, script_next(s));
	else if (script_has_word(i->inlines, option, length))
		s->is_inline = true;
	else if (script_has_word(i->values, option, length))
		script_next(s);
	else if (script_has_word(i->folders, option, length))
		s->folder = script_next(s);
	else if (option[1] != '-' && (i->letters || i->inline_letters))
		script_letters(s, option + 1);
}

static void script_find(struct script_scan *s)
{
	const char *argument;
	bool command = s->interpreter->commands;

	script_next(s); /* its own name */
	while (!s->program && !s->is_inline && (argument = script_next(s))) {
		if (argument[0] == '-' && argument[1])
			script_option(s, argument);
		else if (command &&
			 script_has_word(s->interpreter->commands, argument, strlen(argument)))
			command = false;
		else
			script_program(s, argument);
	}
}

/* Only what tells it from others of its kind: see the header. */
static const char *script_short(const char *path)
{
	static const char *const folders[] = { "/usr/local/bin/",  "/usr/bin/",  "/bin/",
					       "/usr/local/sbin/", "/usr/sbin/", "/sbin/" };

	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		size_t length = strlen(folders[i]);

		if (strncmp(path, folders[i], length) == 0 && path[length] &&
		    !strchr(path + length, '/'))
			return path + length;
	}
	while (strncmp(path, "./", 2) == 0)
		path += 1 + strspn(path + 1, "/");
	return path;
}

/* The end of a long one tells more; it begins with a whole %XX. */
static void script_put(const char *name, char *out, size_t size)
{
	char canonical[1024];
	size_t length = text_canonical(name, strlen(name), canonical, sizeof(canonical));
	size_t from = length < size ? 0 : length - (size - 1);

	for (size_t i = from >= 2 ? from - 2 : 0; i < from; i++) {
		if (canonical[i] == '%')
			from = i + 3;
	}
	memcpy(out, canonical + from, length - from + 1);
}

enum script_found script_name(const char *exe, const char *arguments, size_t length, char *out,
			      size_t size)
{
	struct script_scan s = { .interpreter = script_interpreter(exe),
				 .at = arguments,
				 .end = arguments + length };

	if (!s.interpreter || !length || !*arguments)
		return SCRIPT_NONE;
	script_find(&s);
	if (!s.program && !s.is_inline && s.folder)
		script_program(&s, s.folder);
	if (s.is_inline || !s.program || !*script_short(s.program))
		return SCRIPT_INLINE;
	script_put(script_short(s.program), out, size);
	return SCRIPT_NAMED;
}
