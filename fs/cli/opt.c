/* SPDX-License-Identifier: MIT */
/*
 * The one option parser. getopt_long(3) is not used because it keeps its state in globals, accepts
 * any unambiguous beginning of a long option (a script that relies on one breaks when an option is
 * added), and its messages do not say what was probably meant.
 */
#include "opt.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <writfs/cleanup.h>
#include <writfs/str.h>

#define OPT_TABLE_MAX 32

struct opt_parser {
	const char *name;
	const struct opt *table;
	char **argv; /* the next argument */
	char *args;
	bool seen[OPT_TABLE_MAX];
	struct err *e;
};

int opt_list_add(struct opt_list *list, const char *item)
{
	const char **grown = realloc(list->items, (list->count + 2) * sizeof *grown);

	if (!grown)
		return -ENOMEM;
	list->items = grown;
	grown[list->count++] = item;
	grown[list->count] = NULL;
	return 0;
}

void opt_list_free(struct opt_list *list)
{
	free(list->items);
	*list = (struct opt_list){0};
}

static int opt_unknown(struct opt_parser *p, const char *given, size_t len)
{
	const char *names[OPT_TABLE_MAX + 2];
	size_t count = 0;
	char word[64];
	const char *near = NULL;

	for (const struct opt *o = p->table; o->name; o++)
		names[count++] = o->name;
	names[count++] = "help";
	names[count] = NULL;
	if (len < sizeof word) {
		memcpy(word, given, len);
		word[len] = '\0';
		near = nearest_word(word, names);
	}
	if (near)
		return err_set(p->e, EINVAL,
			"%s: unknown option \"--%.*s\" (did you mean \"--%s\"?)", p->name, (int)len,
			given, near);
	return err_set(p->e, EINVAL, "%s: unknown option \"--%.*s\"; its options: writ help %s",
		p->name, (int)len, given, p->name);
}

static int opt_store(struct opt_parser *p, const struct opt *o, const char *value)
{
	char *target = p->args + o->offset;
	bool seen = p->seen[o - p->table];

	p->seen[o - p->table] = true;
	switch (o->kind) {
	case OPT_FLAG:
		*(bool *)(void *)target = true;
		return 0;
	case OPT_STRING:
		if (seen)
			return err_set(p->e, EINVAL, "%s: --%s is given twice; give it once",
				p->name, o->name);
		*(const char **)(void *)target = value;
		return 0;
	case OPT_LIST:
		if (opt_list_add((struct opt_list *)(void *)target, value) < 0)
			return err_set(p->e, ENOMEM, "%s: out of memory", p->name);
		return 0;
	}
	return -EINVAL;
}

/* The value of o: what follows in the same argument, else the next argument. */
static int opt_take(struct opt_parser *p, const struct opt *o, const char *attached)
{
	const char *value = attached;

	if (o->kind == OPT_FLAG) {
		if (attached)
			return err_set(p->e, EINVAL, "%s: --%s takes no value; leave out \"=%s\"",
				p->name, o->name, attached);
		return opt_store(p, o, NULL);
	}
	if (!value) {
		value = *p->argv;
		if (!value)
			return err_set(p->e, EINVAL, "%s: --%s needs a value: --%s %s", p->name,
				o->name, o->name, o->value);
		p->argv++;
	}
	if (!*value)
		return err_set(p->e, EINVAL, "%s: --%s: the value is empty; give --%s %s", p->name,
			o->name, o->name, o->value);
	return opt_store(p, o, value);
}

static int opt_long(struct opt_parser *p, const char *text)
{
	const char *equals = strchr(text, '=');
	size_t len = equals ? (size_t)(equals - text) : strlen(text);

	if (len == 4 && !strncmp(text, "help", 4) && !equals)
		return OPT_HELP_WANTED;
	for (const struct opt *o = p->table; o->name; o++)
		if (strlen(o->name) == len && !strncmp(o->name, text, len))
			return opt_take(p, o, equals ? equals + 1 : NULL);
	return opt_unknown(p, text, len);
}

static int opt_letters(struct opt_parser *p, const char *text)
{
	while (*text) {
		const struct opt *o = p->table;

		if (*text == 'h')
			return OPT_HELP_WANTED;
		while (o->name && o->letter != *text)
			o++;
		if (!o->name) {
			/* A whole UTF-8 character, so that the message does not show half of one.
			 */
			size_t len = 1;

			while (((unsigned char)text[len] & 0xc0) == 0x80)
				len++;
			return err_set(p->e, EINVAL,
				"%s: unknown option \"-%.*s\"; its options: writ help %s", p->name,
				(int)len, text, p->name);
		}
		text++;
		if (o->kind != OPT_FLAG)
			return opt_take(p, o, *text ? text : NULL);

		int rc = opt_take(p, o, NULL);

		if (rc)
			return rc;
	}
	return 0;
}

int opt_parse(const char *name, const struct opt *table, bool stop_at_word, char **argv, void *args,
	struct opt_list *ret_words, struct err *e)
{
	struct opt_parser p = {.name = name, .table = table, .argv = argv, .args = args, .e = e};
	bool only_words = false;

	while (*p.argv) {
		char *arg = *p.argv++;
		int rc;

		if (only_words || arg[0] != '-' || !arg[1]) {
			rc = opt_list_add(ret_words, arg);
			if (rc < 0)
				return err_set(e, ENOMEM, "%s: out of memory", name);
			only_words |= stop_at_word;
		} else if (arg[1] != '-') {
			rc = opt_letters(&p, arg + 1);
		} else if (arg[2]) {
			rc = opt_long(&p, arg + 2);
		} else {
			only_words = true;
			rc = 0;
		}
		if (rc)
			return rc;
	}
	return 0;
}
