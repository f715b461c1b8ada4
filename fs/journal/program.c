/* SPDX-License-Identifier: MIT */
/*
 * A process's short name for screens. The program file says who it is; argv is only believed
 * where the file says too little: for interpreters (the script), programs of many names (busybox),
 * and files that are named after a version.
 */
#include "journal_i.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

struct interpreter {
	const char *name;
	const char *code;     /* short options that bring the program's text, or stdin */
	const char *argument; /* short options whose argument is the rest or the next word */
	const char *attached; /* short options whose argument is only ever the rest */
	const char *module;   /* short options that name the script or module */
	const char *words;    /* long options whose argument is the next word, between spaces */
};

#define SHELL_WORDS " --rcfile --init-file "
#define NODE_WORDS                                                                                 \
	" --require --import --loader --experimental-loader --conditions --env-file --title "

/* A trailing version ("python3.11", "lua5.4") is taken off before the comparison. */
static const struct interpreter interpreters[] = {
	{"python", "c", "WX", "", "m", ""},
	{"pypy", "c", "WX", "", "m", ""},
	{"node", "ep", "rC", "", "", NODE_WORDS},
	{"nodejs", "ep", "rC", "", "", NODE_WORDS},
	{"deno", "e", "", "", "", ""},
	{"bun", "e", "r", "", "", ""},
	{"bash", "cs", "oO", "", "", SHELL_WORDS},
	{"rbash", "cs", "oO", "", "", SHELL_WORDS},
	{"sh", "cs", "o", "", "", ""},
	{"dash", "cs", "o", "", "", ""},
	{"ash", "cs", "o", "", "", ""},
	{"ksh", "cs", "o", "", "", ""},
	{"mksh", "cs", "o", "", "", ""},
	{"zsh", "cs", "o", "", "", ""},
	{"fish", "c", "CodD", "", "", ""},
	{"perl", "eE", "", "MmIiFxCDl0V", "S", ""},
	{"ruby", "e", "IrCE", "KTWi0Fx", "S", ""},
	{"php", "rRBE", "dcz", "", "fF", ""},
	{"lua", "e", "l", "", "", ""},
	{"luajit", "e", "l", "jO", "", ""},
	{"tclsh", "", "", "", "", " -encoding "},
	{"Rscript", "e", "", "", "", ""},
};

/* Subcommands of an interpreter that come before the script. */
static const char *const run_words[] = {"run", "x", "exec"};

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash ? slash + 1 : path;
}

static const struct interpreter *interpreter_find(const char *name)
{
	size_t len = strlen(name);
	while (len && (isdigit((unsigned char)name[len - 1]) || name[len - 1] == '.'))
		len--;
	for (size_t i = 0; i < sizeof interpreters / sizeof *interpreters; i++) {
		if (strlen(interpreters[i].name) == len &&
			memcmp(interpreters[i].name, name, len) == 0)
			return &interpreters[i];
	}
	return NULL;
}

/* The word after at, NULL at the end. */
static const char *next_word(const char *at, const char *end)
{
	at += strlen(at) + 1;
	return at < end ? at : NULL;
}

enum option_kind { OPTION_SKIP, OPTION_SKIP_NEXT, OPTION_NAMES_SCRIPT, OPTION_CODE };

static enum option_kind short_options(const struct interpreter *in, const char *word)
{
	for (const char *letter = word + 1; *letter; letter++) {
		if (strchr(in->code, *letter))
			return OPTION_CODE;
		if (strchr(in->module, *letter))
			return letter[1] ? OPTION_CODE : OPTION_NAMES_SCRIPT;
		if (strchr(in->argument, *letter))
			return letter[1] ? OPTION_SKIP : OPTION_SKIP_NEXT;
		if (strchr(in->attached, *letter))
			return OPTION_SKIP;
	}
	return OPTION_SKIP;
}

static enum option_kind option_kind(const struct interpreter *in, const char *word)
{
	char spaced[64];
	(void)snprintf(spaced, sizeof spaced, " %.60s ", word);
	if (strstr(in->words, spaced))
		return OPTION_SKIP_NEXT;
	if (strncmp(word, "--", 2) != 0)
		return short_options(in, word);
	if (strcmp(word, "--eval") == 0 || strcmp(word, "--print") == 0 ||
		strcmp(word, "--command") == 0)
		return OPTION_CODE;
	return OPTION_SKIP;
}

/* The script among the arguments of an interpreter, NULL if there is none. */
static const char *find_script(const struct interpreter *in, const char *args, const char *end)
{
	bool subcommand = strcmp(in->name, "deno") == 0 || strcmp(in->name, "bun") == 0;
	for (const char *word = next_word(args, end); word; word = next_word(word, end)) {
		bool option = word[0] == '-' || (word[0] == '+' && strchr(in->code, 's'));
		if (option && word[1] != '\0') {
			if (strcmp(word, "--") == 0)
				return next_word(word, end);
			enum option_kind kind = option_kind(in, word);
			if (kind == OPTION_CODE)
				return NULL;
			if (kind == OPTION_NAMES_SCRIPT)
				return next_word(word, end);
			if (kind == OPTION_SKIP_NEXT)
				word = next_word(word, end);
			if (!word)
				return NULL;
			continue;
		}
		if (option || word[0] == '\0')
			return NULL; /* "-" is stdin */
		bool runs = false;
		for (size_t i = 0; subcommand && i < sizeof run_words / sizeof *run_words; i++)
			runs |= strcmp(word, run_words[i]) == 0;
		if (!runs)
			return word;
	}
	return NULL;
}

static bool has_letter(const char *text)
{
	while (*text && !isalpha((unsigned char)*text))
		text++;
	return *text != '\0';
}

/* Whether argv[0]'s name is the better word for the file's: "vim" for vim.basic, "ls" for busybox,
 * "claude" for versions/2.1.3, "sh" for dash. */
static bool argv_is_better(const char *file, const char *arg)
{
	size_t len = strlen(arg);
	if (len == 0 || !has_letter(arg))
		return false;
	if (strcmp(file, "busybox") == 0 || strcmp(file, "toybox") == 0 ||
		strcmp(file, "coreutils") == 0 || !has_letter(file))
		return true;
	if (interpreter_find(file) && interpreter_find(arg))
		return true;
	return strncmp(file, arg, len) == 0 &&
	       (file[len] == '.' || file[len] == '-' || isdigit((unsigned char)file[len]));
}

void program_name(
	const char *exe, const char *cmdline, size_t len, char buf[static PROGRAM_NAME_MAX])
{
	static const char deleted[] = " (deleted)";
	const char *end = cmdline + len;
	char file[PROGRAM_NAME_MAX];
	(void)snprintf(file, sizeof file, "%s", base_name(exe));
	size_t file_len = strlen(file);
	if (file_len >= sizeof deleted &&
		strcmp(file + file_len - (sizeof deleted - 1), deleted) == 0)
		file[file_len - (sizeof deleted - 1)] = '\0';
	const char *arg = len ? base_name(cmdline) : "";
	if (arg[0] == '-')
		arg++; /* a login shell */
	const char *name = file[0] == '\0' || argv_is_better(file, arg) ? arg : file;
	const struct interpreter *in = interpreter_find(name);
	const char *script = in && len ? find_script(in, cmdline, end) : NULL;
	if (script && base_name(script)[0])
		name = base_name(script);
	(void)snprintf(buf, PROGRAM_NAME_MAX, "%s", name);
}
