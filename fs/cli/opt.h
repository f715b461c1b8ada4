/* SPDX-License-Identifier: MIT */
/*
 * Options of one command as data: the same table parses the command line, prints the help, and
 * makes the manual page and the shell completions.
 */
#ifndef CLI_OPT_H
#define CLI_OPT_H

#include <stdbool.h>
#include <stddef.h>

#include <writfs/err.h>

enum opt_kind {
	OPT_FLAG,   /* bool */
	OPT_STRING, /* const char *, given at most once */
	OPT_LIST    /* struct opt_list, in the order given */
};

/* Borrowed strings, terminated by NULL: usable where a NULL-terminated array is asked for. */
struct opt_list {
	const char **items;
	size_t count;
};

#define cleanup_opt_list cleanup_with(opt_list_free)

/* One option. A table ends with a row whose name is NULL. */
struct opt {
	char letter; /* 0: none */
	enum opt_kind kind;
	const char *name;
	const char *value; /* what help calls it (GLOB, FILE, DIR, JOB...); NULL for a flag */
	size_t offset;     /* of the target in the command's arguments */
	const char *help;
};

/* -h and --help are known to every command without being in its table. */
#define OPT_HELP_WANTED 1

/*
 * Parses the NULL-terminated argv (without the command's name) into args and *ret_words. GNU
 * style: --opt=value and --opt value, clustered letters, -jVALUE, options after words unless
 * stop_at_word, "--" ends them. 0, OPT_HELP_WANTED, -EINVAL with a line that begins with name, or
 * -ENOMEM. Lists are the caller's to free whatever is returned.
 */
int opt_parse(const char *name, const struct opt *table, bool stop_at_word, char **argv, void *args,
	struct opt_list *ret_words, struct err *e);

/* Appends item (borrowed) and the NULL after it: 0 or -ENOMEM. */
int opt_list_add(struct opt_list *list, const char *item);
void opt_list_free(struct opt_list *list);

#endif
