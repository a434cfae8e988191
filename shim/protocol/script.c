#include "script.h"

#include "hot.h"

#include <ringside/canonical.h>

#include <stdbool.h>
#include <string.h>

/*
 * Words stand between blanks, letters of options that may be joined ("-Im") by themselves. There is
 * no pointer in it: each would be one that the loader has to move at every start of a program.
 */
struct script_interpreter {
	char names[24];    /* of the executable; digits and dots may follow */
	char values[216];  /* options whose value is the next argument */
	char programs[24]; /* … and is the program */
	char inlines[32];  /* … and is its code */
	char commands[16]; /* words ahead of the program */
	char folders[16];  /* options whose value names what is served, without a program */
	char letters[8];   /* options as letters: with a value, the rest or the next argument */
	char program_letters[4];
	char inline_letters[4];
	char rest_letters[16]; /* with a value that is the rest of the argument, or none */
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

/* Is the word at this place this one, and no other that begins as it does? */
static bool script_is_word(const char *at, const char *word, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (at[i] != word[i] || at[i] == ' ')
			return false;
	return at[length] == ' ';
}

static START bool script_has_word(const char *words, const char *word, size_t length)
{
	for (; *words; words++)
		if (*words == ' ' && script_is_word(words + 1, word, length))
			return true;
	return false;
}

static bool script_has_letter(const char *letters, char letter)
{
	while (*letters && *letters != letter)
		letters++;
	return letter && *letters;
}

/* How much of a path is its folder, with its '/'. */
static size_t script_folder(const char *path)
{
	size_t length = strlen(path);

	while (length && path[length - 1] != '/')
		length--;
	return length;
}

static const struct script_interpreter *script_interpreter(const char *exe)
{
	const char *base = exe + script_folder(exe);
	size_t length = strlen(base);

	while (length && script_has_letter("0123456789.", base[length - 1]))
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
	const char *argument = s->at, *nul = argument;

	while (nul < s->end && *nul)
		nul++;
	if (nul == s->end)
		return NULL;
	s->at = nul + 1;
	return argument;
}

static void script_program(struct script_scan *s, const char *program)
{
	s->program = program;
	s->is_inline = !program || !*program || (program[0] == '-' && !program[1]);
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

	if (script_is_word("-- ", option, length) || script_has_word(i->programs, option, length))
		script_program(s, script_next(s));
	else if (script_has_word(i->inlines, option, length))
		s->is_inline = true;
	else if (script_has_word(i->values, option, length))
		script_next(s);
	else if (script_has_word(i->folders, option, length))
		s->folder = script_next(s);
	else if (option[1] != '-')
		script_letters(s, option + 1);
}

static void script_find(struct script_scan *s)
{
	const char *argument;
	bool command = true;

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
	static const char folders[] = " /usr/local/bin/ /usr/bin/ /bin/ /usr/local/sbin/ "
				      "/usr/sbin/ /sbin/ ";
	size_t folder = script_folder(path);

	if (path[folder] && script_has_word(folders, path, folder))
		return path + folder;
	while (path[0] == '.' && path[1] == '/') {
		path++;
		while (*path == '/')
			path++;
	}
	return path;
}

/* The end of a long one tells more; it begins with a whole byte. */
static void script_put(const char *name, char *out, size_t size)
{
	size_t length = strlen(name), from = length, room = size - 1;

	while (from && rs_canonical_bytes((uint8_t)name[from - 1], false) <= room)
		room -= rs_canonical_bytes((uint8_t)name[--from], false);
	rs_canonical(name + from, length - from, false, out, size);
}

START enum script_found script_name(const char *exe, const char *arguments, size_t length,
				    char *out, size_t size)
{
	struct script_scan s = { .interpreter = script_interpreter(exe), .at = arguments };

	if (!s.interpreter || !length || !*arguments)
		return SCRIPT_NONE;
	while (length > 1 && !arguments[length - 1] && !arguments[length - 2])
		length--;
	s.end = arguments + length;
	script_find(&s);
	if (!s.program && !s.is_inline && s.folder)
		script_program(&s, s.folder);
	if (s.is_inline || !s.program || !*script_short(s.program))
		return SCRIPT_INLINE;
	script_put(script_short(s.program), out, size);
	return SCRIPT_NAMED;
}
