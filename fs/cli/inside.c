/* SPDX-License-Identifier: MIT */
/*
 * Asking the mount from inside a job. An existing file or directory answers by its own attribute;
 * what cannot carry one (a name that does not exist, a symlink, a socket) is asked about through
 * its directory.
 */
#include "inside.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include <writfs/cleanup.h>
#include <writfs/json.h>
#include <writfs/path.h>
#include <writfs/str.h>

#include "table.h"
#include "terminal.h"

#define INSIDE_ATTR "user.writ.state"
#define INSIDE_ANSWER_MAX 65536

static int inside_read(const char *path, const char *attr, cJSON **ret)
{
	cleanup_free char *answer = malloc(INSIDE_ANSWER_MAX);
	ssize_t len = answer ? lgetxattr(path, attr, answer, INSIDE_ANSWER_MAX) : -1;

	if (len < 0)
		return -errno;
	*ret = cJSON_ParseWithLength(answer, (size_t)len);
	return *ret ? 0 : -ENODATA;
}

int inside_state(const char *path, cJSON **ret)
{
	cleanup_str struct str dir = STR_INIT;
	cleanup_str struct str attr = STR_INIT;
	const char *name = strrchr(path, '/');
	struct stat st;

	if (lstat(path, &st) == 0 && (S_ISREG(st.st_mode) || S_ISDIR(st.st_mode))) {
		int r = inside_read(path, INSIDE_ATTR, ret);

		/* Attributes of what is hidden cannot be read; its directory can say it. */
		if (r != -EACCES && r != -EPERM)
			return r;
	}
	if (!name || !name[1])
		return -ENODATA;
	str_add_mem(&dir, path, name == path ? 1 : (size_t)(name - path));
	str_addf(&attr, INSIDE_ATTR ".%s", name + 1);
	return dir.failed || attr.failed ? -ENOMEM : inside_read(dir.p, attr.p, ret);
}

static const char *inside_string(const cJSON *state, const char *key)
{
	return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(state, key));
}

/* "redirected, hidden, in scratch already": the answer in the words of every screen. */
static void inside_add_verdict(struct table *table, const cJSON *state)
{
	static const char *const words[][2] = {
		{"grant", "granted"}, {"redirect", "redirected"}, {"refuse", "refused"}};
	const char *verdict = inside_string(state, "verdict");
	const char *shown = verdict ? cli_text(verdict) : "?";

	for (size_t i = 0; verdict && i < sizeof words / sizeof *words; i++)
		if (!strcmp(verdict, words[i][0]))
			shown = words[i][1];
	table_addf(table, NULL, "%s%s%s", shown,
		cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(state, "hidden")) ? ", hidden" : "",
		cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(state, "sticky"))
			? ", in scratch already"
			: "");
}

/* Why there is no answer, in words. */
static const char *inside_why(int error)
{
	switch (error) {
	case -ENOENT:
	case -ENOTDIR:
		return "its directory does not exist";
	case -EACCES:
	case -EPERM:
		return "cannot be asked: its directory cannot be read";
	default:
		return "real, outside every root";
	}
}

static void inside_add_row(struct table *table, const char *path)
{
	cJSON *state = NULL;
	int error = inside_state(path, &state);
	const char *rule = inside_string(state, "rule");
	const char *file = inside_string(state, "file");
	const cJSON *line = cJSON_GetObjectItemCaseSensitive(state, "line");

	table_add(table, cli_path(path), NULL);
	if (error < 0)
		table_add(table, inside_why(error), NULL);
	else
		inside_add_verdict(table, state);
	if (rule && file && cJSON_IsNumber(line))
		table_addf(
			table, NULL, "%s (%s:%d)", cli_path(rule), cli_path(file), line->valueint);
	else if (rule)
		table_addf(table, NULL, "%s (%s)", cli_path(rule), file ? cli_path(file) : "?");
	else
		table_add(table, state ? "no rule" : "", NULL);
	cJSON_Delete(state);
}

static void inside_add_json(cJSON *rows, const char *path)
{
	cJSON *row = cJSON_CreateObject();
	cJSON *state = NULL;
	int error = inside_state(path, &state);

	json_add_path(row, "path", path);
	cJSON_AddItemToObject(row, "state", state ? state : cJSON_CreateNull());
	if (error < 0)
		cJSON_AddStringToObject(row, "why", inside_why(error));
	cJSON_AddItemToArray(rows, row);
}

int inside_show(
	const struct command *self, const char *job, const struct opt_list *paths, bool json)
{
	static const char *here[] = {"."};
	struct table table cleanup_with(table_free) = {.columns = 3, .indent = 2};
	const char *const *words = paths->count ? paths->items : here;
	size_t count = paths->count ? paths->count : 1;
	const char *home = cli_home(self);
	const char *cwd = cli_cwd(self);
	cJSON *document;

	if (!home || !cwd)
		return CLI_MACHINE;
	document = cli_json_new();
	cJSON_AddStringToObject(document, "inside", job);

	cJSON *rows = cJSON_AddArrayToObject(document, "paths");

	for (size_t i = 0; i < count; i++) {
		cleanup_free char *path = NULL;
		struct err e = {0};

		if (path_absolute(words[i], cwd, home, &path, &e) < 0) {
			cJSON_Delete(document);
			return cli_fail(self, &e);
		}
		if (json)
			inside_add_json(rows, path);
		else
			inside_add_row(&table, path);
	}
	if (json)
		return cli_print_json(self, document);
	cJSON_Delete(document);
	(void)printf("%s%s%s · you are inside this job\n", terminal_style(STYLE_BOLD),
		cli_text(job), terminal_style(STYLE_OFF));
	table_print(&table);
	return CLI_DONE;
}
