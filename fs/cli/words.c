/* SPDX-License-Identifier: MIT */
/*
 * The words that name changes, as the job names its roots. A root is kept without symlinks; people
 * may reach it through one (/home that leads to /var/home), and so does what they type. Only the
 * way to a root is followed: within it a word means the name that it spells, because a link there
 * may be the job's and would lead to a file that nobody named.
 */
#include "cli.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <writfs/path.h>

static bool words_is_root(const struct job *job, const char *path)
{
	for (size_t i = 0; job->roots[i]; i++)
		if (strcmp(job->roots[i], path) == 0)
			return true;
	return false;
}

static bool words_in_a_root(const struct job *job, const char *path)
{
	for (size_t i = 0; job->roots[i]; i++)
		if (path_is_beneath(path, job->roots[i]))
			return true;
	return false;
}

/* The root that a beginning of path leads to, with the rest of path; NULL if none does. */
static char *words_through_link(const struct job *job, char *path)
{
	char *found = NULL;

	for (char *end = path + 1; !found && *end; end++) {
		end += strcspn(end, "/");

		char after = *end;

		*end = '\0';
		char *real cleanup_free = realpath(path, NULL);
		*end = after;
		if (real && words_is_root(job, real) && asprintf(&found, "%s%s", real, end) < 0)
			return NULL;
		if (!after)
			break;
	}
	return found;
}

void cli_words_free(struct cli_words *words)
{
	for (size_t i = 0; words->items && words->items[i]; i++)
		free(words->items[i]);
	free(words->items);
	*words = (struct cli_words){0};
}

int cli_words_take(const struct command *self, const struct job *job, const struct opt_list *typed,
	struct cli_words *ret)
{
	const char *home = cli_home(self), *cwd = cli_cwd(self);

	if (!home || !cwd)
		return CLI_MACHINE;
	ret->items = calloc(typed->count + 1, sizeof *ret->items);
	if (!ret->items)
		return cli_error(self, ENOMEM, "out of memory");
	for (size_t i = 0; i < typed->count; i++) {
		const char *word = typed->items[i];
		char *path cleanup_free = NULL;

		/* What is no path says so where it is used. */
		if (strncmp(word, "**/", 3) != 0 &&
			path_absolute(word, cwd, home, &path, NULL) == 0 &&
			!words_in_a_root(job, path))
			ret->items[i] = words_through_link(job, path);
		if (!ret->items[i])
			ret->items[i] = strdup(word);
		if (!ret->items[i])
			return cli_error(self, ENOMEM, "out of memory");
		ret->count++;
	}
	return CLI_GO_ON;
}
