/* SPDX-License-Identifier: MIT */
/*
 * shown.json: for each path the id of the change that the person saw last. One string an entry,
 * "ID PATH" with the path's unusual bytes as %XX, so that any name fits into JSON and a reader can
 * tell what it says. What is no change any more is left out at the next writing, and what was
 * decided at once: another change at the same path is a new one, not one that drifted.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "steps.h"

#define SHOWN_FILE "shown.json"

struct shown_row {
	const char *path; /* escaped */
	char id[CHANGE_ID_SIZE];
};

struct shown {
	struct shown_row *rows; /* sorted */
	size_t count, cap;
	struct memory memory;
};

static void shown_free(struct shown *s)
{
	free(s->rows);
	memory_free(&s->memory);
}

static int compare_rows(const void *a, const void *b)
{
	return strcmp(((const struct shown_row *)a)->path, ((const struct shown_row *)b)->path);
}

static int shown_load(const struct review *r, struct shown *s)
{
	struct json_doc *doc cleanup_json = NULL;
	const cJSON *item;
	int status = json_load(r->job->dir, SHOWN_FILE, SHOWN_FILE, REVIEW_SHOWN_MAX, &doc, NULL);
	/* Nothing was shown, or nobody can say what: the same. */
	if (status)
		return status == -ENOMEM ? status : 0;
	cJSON_ArrayForEach (item, cJSON_GetObjectItemCaseSensitive(doc->root, "shown")) {
		const char *text = cJSON_GetStringValue(item);
		if (!text || strlen(text) < CHANGE_ID_SIZE || text[CHANGE_ID_SIZE - 1] != ' ')
			continue;
		status = array_grow(&s->rows, s->count, &s->cap, sizeof *s->rows);
		if (status)
			return status;
		struct shown_row *row = &s->rows[s->count];
		memcpy(row->id, text, CHANGE_ID_SIZE - 1);
		row->id[CHANGE_ID_SIZE - 1] = '\0';
		row->path = memory_string(&s->memory, text + CHANGE_ID_SIZE);
		if (!row->path)
			return -ENOMEM;
		s->count++;
	}
	if (s->count)
		qsort(s->rows, s->count, sizeof *s->rows, compare_rows);
	return 0;
}

static const struct shown_row *shown_find(const struct shown *s, const char *path)
{
	struct str escaped cleanup_str = STR_INIT;
	if (!s->count)
		return NULL;
	path_escape(&escaped, path);
	if (escaped.failed)
		return NULL;
	struct shown_row key = {.path = escaped.p};
	return bsearch(&key, s->rows, s->count, sizeof *s->rows, compare_rows);
}

int shown_mark(struct review *r, struct changes *c)
{
	struct shown s cleanup_with(shown_free) = {0};
	int status = shown_load(r, &s);
	for (size_t i = 0; !status && i < c->scratch.count; i++) {
		struct change *change = &c->scratch.items[i];
		const struct shown_row *row = shown_find(&s, change->path);
		change->shown = row && strcmp(row->id, change->id) == 0;
		change->drifted = row && !change->shown;
	}
	return status;
}

/* The id to be noted for a change, NULL: none. decided: what has left scratch, or NULL. */
static const char *id_to_note(
	const struct shown *s, const struct change *c, const struct steps *decided)
{
	if (!decided && c->selected)
		return c->id;
	if (decided && c->chosen && decided->groups[c->group].result == RESULT_KIND_MAX)
		return NULL;
	const struct shown_row *row = shown_find(s, c->path);
	return row ? row->id : NULL;
}

static int shown_write(
	struct review *r, const struct changes *c, const struct steps *decided, struct err *e)
{
	struct shown s cleanup_with(shown_free) = {0};
	struct str text cleanup_str = STR_INIT;
	bool first = true;
	int status = shown_load(r, &s);
	if (status)
		return err_errno(e, -status, "cannot read what was shown of %s", r->job->id);
	str_add(&text, "{\"v\":1,\"shown\":[");
	for (size_t i = 0; i < c->scratch.count; i++) {
		const char *id = id_to_note(&s, &c->scratch.items[i], decided);
		if (!id)
			continue;
		str_addf(&text, "%s\n\"%s ", first ? "" : ",", id);
		path_escape(&text, c->scratch.items[i].path);
		str_add_char(&text, '"');
		first = false;
	}
	str_add(&text, "\n]}\n");
	if (text.failed)
		return err_set(e, ENOMEM, "out of memory");
	status = sys_write_file(r->job->dir, SHOWN_FILE, text.p, text.len, 0600);
	if (status)
		return err_errno(e, -status, "cannot note what was shown of %s", r->job->id);
	return 0;
}

int review_mark_shown(struct review *r, const struct changes *c, struct err *e)
{
	return shown_write(r, c, NULL, e);
}

int shown_forget(
	struct review *r, const struct changes *c, const struct steps *decided, struct err *e)
{
	return shown_write(r, c, decided, e);
}
