/* SPDX-License-Identifier: MIT */
/*
 * What `run` says on stderr: one line at the start, and at the end, if something was redirected or
 * a real change is one to look at, at most SUMMARY_LINES lines; one line where nobody sits at a
 * terminal. What was shown here counts as shown for apply.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <writfs/path.h>
#include <writfs/review.h>

#include "run_i.h"

#define SUMMARY_LINES 12
#define SUMMARY_FRAME 5 /* lines that are not rows: first, more, real, trouble, look */
#define SUMMARY_ROWS (SUMMARY_LINES - SUMMARY_FRAME)
#define SUMMARY_PLACES 3 /* in the one line without a terminal */
#define GRANTS_MAX 3     /* named in the start line */
#define PATH_COLUMN_MAX 40
#define SHOWN_MAX 512
#define NS_PER_S 1000000000LL

/* ---- the start ---- */

static void add_path(struct str *out, const char *path, const char *home)
{
	char shown[SHOWN_MAX];
	str_add(out, path_display(shown, sizeof(shown), path, home));
}

char *summary_grants(const struct policy *policy, const char *home, bool no_grants)
{
	cleanup_str struct str out = STR_INIT;
	const char *why = NULL, *workspace = policy_workspace(policy, &why);
	size_t named = 0, more = 0;
	if (workspace) {
		add_path(&out, workspace, home);
		named++;
	}
	for (size_t i = 0; i < policy_rule_count(policy); i++) {
		const struct policy_rule *rule = policy_rule_get(policy, (int32_t)i);
		if (rule->kind != RULE_ALLOW || rule->source == POLICY_GRANT ||
			rule->source == POLICY_BUILTIN)
			continue;
		if (named >= GRANTS_MAX) {
			more++;
			continue;
		}
		str_add(&out, named++ ? ", " : "");
		add_path(&out, rule->path, home);
		/* All ways to write "X and all beneath" are shown as X. */
		if (out.len > 3 && strcmp(out.p + out.len - 3, "/**") == 0)
			out.p[out.len -= 3] = '\0';
		else if (out.len > 1 && out.p[out.len - 1] == '/')
			out.p[--out.len] = '\0';
	}
	if (more > 0)
		str_addf(&out, " and %zu more", more);
	if (named == 0 && no_grants)
		str_add(&out, "nothing");
	else if (named == 0)
		str_addf(&out, "nothing%s%s%s", why ? " (" : "", why ? why : "", why ? ")" : "");
	return out.failed ? NULL : steal_ptr(&out.p);
}

/* "$HOME and ~/x": the roots in words. */
static void add_roots(struct str *out, const struct stage *stage)
{
	for (size_t i = 0; i < stage->root_count; i++) {
		if (i > 0)
			str_add(out, i + 1 == stage->root_count ? " and " : ", ");
		if (strcmp(stage->roots[i].path, stage->home) == 0)
			str_add(out, "$HOME");
		else
			add_path(out, stage->roots[i].path, stage->home);
	}
}

static void print(struct str *text)
{
	if (!text->failed && text->len > 0)
		(void)!write(STDERR_FILENO, text->p, text->len);
}

void summary_start(const struct stage *stage)
{
	cleanup_str struct str out = STR_INIT;
	const char *const *notes;
	const char *why = NULL;
	if (!isatty(STDERR_FILENO))
		return;
	str_addf(&out, "writ: %s · real: %s · all else in ", stage->job->id,
		stage->grants ? stage->grants : "nothing");
	add_roots(&out, stage);
	str_add(&out, " is redirected\n");
	size_t count = policy_notes(stage->policy, &notes);
	(void)policy_workspace(stage->policy, &why);
	for (size_t i = 0; i < count; i++) {
		char shown[ERR_TEXT_MAX];
		if (why && strstr(notes[i], why)) /* said in the line above */
			continue;
		str_addf(&out, "writ: %s\n", escape_buf(shown, sizeof(shown), notes[i]));
	}
	print(&out);
}

/* ---- rows ---- */

/* One line of the table, each column ready to print. */
struct line {
	char path[SHOWN_MAX];
	char words[96];
	char who[96];
	const char *label;
	bool danger, real;
};

static size_t columns(const char *text)
{
	size_t n = 0;
	for (; *text; text++)
		n += ((unsigned char)*text & 0xc0) != 0x80;
	return n;
}

static void add_column(struct str *out, const char *text, size_t width)
{
	str_add(out, text);
	for (size_t n = columns(text); n < width; n++)
		str_add_char(out, ' ');
}

static void describe_who(struct line *line, const struct change *c)
{
	char program[40], parent[40] = "";
	if (!c->program || !c->program[0])
		return;
	(void)escape_buf(program, sizeof(program), c->program);
	if (c->parent)
		(void)escape_buf(parent, sizeof(parent), c->parent);
	(void)snprintf(
		line->who, sizeof(line->who), "%s%s%s", program, parent[0] ? " ← " : "", parent);
}

static void describe_row(struct line *line, const struct change_row *row, const char *home)
{
	char files[32], deleted[32];
	const struct change *c = row->first;
	*line = (struct line){.label = c->label,
		.danger = c->class == CLASS_DANGER,
		.real = c->verdict == JOURNAL_GRANTED};
	(void)path_display(line->path, sizeof(line->path), row->path, home);
	if (row->changes <= 1 && !(row->deleted == 1 && row->files == 0))
		(void)change_words(line->words, sizeof(line->words), c);
	else if (row->files > 0 && row->deleted > 0)
		(void)snprintf(line->words, sizeof(line->words), "%s %s, %s deleted",
			format_count(files, sizeof(files), row->files),
			row->files == 1 ? "file" : "files",
			format_count(deleted, sizeof(deleted), row->deleted));
	else if (row->files > 0)
		(void)snprintf(line->words, sizeof(line->words), "%s %s",
			format_count(files, sizeof(files), row->files),
			row->files == 1 ? "file" : "files");
	else
		(void)snprintf(line->words, sizeof(line->words), "%s deleted",
			format_count(deleted, sizeof(deleted), row->deleted));
	describe_who(line, c);
}

struct table {
	struct line lines[SUMMARY_ROWS];
	size_t count;
	size_t more, more_places;
	bool danger;
};

static void add_real_rows(struct table *t, const struct changes *c, const char *home)
{
	for (size_t i = 0; i < c->real.count && t->count < SUMMARY_ROWS / 2; i++) {
		const struct change *change = &c->real.items[i];
		const struct change_row row = {
			.first = change, .path = change->path, .changes = 1, .files = 1};
		if (change->label)
			describe_row(&t->lines[t->count++], &row, home);
	}
}

/* Line counts are worth reading two files only for what is shown by itself. */
static void count_lines(struct review *r, const struct changes *c, const struct change_rows *rows)
{
	for (size_t i = 0; i < rows->count; i++) {
		if (rows->items[i].changes == 1)
			(void)review_count_lines(
				r, &c->scratch.items[rows->items[i].first - c->scratch.items]);
	}
}

static int fill_table(struct table *t, struct review *r, const struct changes *c, const char *home)
{
	struct change_rows rows = {0};
	add_real_rows(t, c, home);
	size_t real = t->count;
	int result = review_rows(&c->scratch, SUMMARY_ROWS - real, &rows);
	if (result < 0)
		return result;
	count_lines(r, c, &rows);
	/* Dangerous ones first, then the real ones, then all others. */
	struct line real_lines[SUMMARY_ROWS];
	memcpy(real_lines, t->lines, sizeof(real_lines));
	t->count = 0;
	for (size_t i = 0; i < rows.count && rows.items[i].first->class == CLASS_DANGER; i++)
		describe_row(&t->lines[t->count++], &rows.items[i], home);
	size_t dangerous = t->count;
	for (size_t i = 0; i < real; i++)
		t->lines[t->count++] = real_lines[i];
	for (size_t i = dangerous; i < rows.count; i++)
		describe_row(&t->lines[t->count++], &rows.items[i], home);
	t->danger = dangerous > 0;
	t->more = rows.more;
	t->more_places = rows.more_places;
	change_rows_free(&rows);
	return 0;
}

static void add_table(struct str *out, const struct table *t)
{
	size_t path = 0, words = 0, who = 0;
	bool any_real = false;
	for (size_t i = 0; i < t->count; i++) {
		const struct line *l = &t->lines[i];
		size_t n = columns(l->path);
		path = n > path && n <= PATH_COLUMN_MAX ? n : path;
		words = columns(l->words) > words ? columns(l->words) : words;
		who = columns(l->who) > who ? columns(l->who) : who;
		any_real |= l->real;
	}
	for (size_t i = 0; i < t->count; i++) {
		const struct line *l = &t->lines[i];
		str_addf(out, "  %c  ", l->danger ? '!' : ' ');
		add_column(out, l->path, path);
		if (any_real)
			add_column(out, l->real ? "  REAL" : "", 6);
		str_add(out, "  ");
		add_column(out, l->words, words);
		str_add(out, "  ");
		add_column(out, l->who, who);
		if (l->label)
			str_addf(out, "  %s", l->label);
		while (out->len > 0 && out->p[out->len - 1] == ' ')
			out->p[--out->len] = '\0';
		str_add_char(out, '\n');
	}
	if (t->more > 0) {
		char more[32];
		str_addf(out, "     %s more in %zu %s: writ status\n",
			format_count(more, sizeof(more), t->more), t->more_places,
			t->more_places == 1 ? "place" : "places");
	}
}

/* ---- the end ---- */

static void add_duration(struct str *out, int64_t ns)
{
	int64_t s = ns / NS_PER_S;
	if (s < 1)
		str_add(out, "under a second");
	else if (s < 60)
		str_addf(out, "%lld s", (long long)s);
	else if (s < 3600)
		str_addf(out, "%lld min", (long long)(s / 60));
	else
		str_addf(out, "%lld h %lld min", (long long)(s / 3600), (long long)(s / 60 % 60));
}

static size_t redirected_files(const struct changes *c)
{
	size_t n = c->scratch.count;
	for (size_t i = 0; i < c->scratch.count; i++)
		n += c->scratch.items[i].files;
	return n;
}

static void add_head(struct str *out, const struct stage *stage, const struct outcome *o,
	const struct changes *c)
{
	char count[32];
	size_t n = redirected_files(c);
	str_addf(out, "writ: %s ended (%d) after ", stage->job->id, o->status);
	add_duration(out, stage->job->end_ns - stage->job->start_ns);
	str_addf(out, " · %s %s redirected", format_count(count, sizeof(count), n),
		n == 1 ? "file" : "files");
	if (c->refused.count > 0)
		str_addf(
			out, " · %s refused", format_count(count, sizeof(count), c->refused.count));
	str_add(out, " · in ");
	add_roots(out, stage);
	str_add(out, " nothing outside your grants changed\n");
}

/* No bases are kept of real writes: they are named, and nothing is promised. */
static void add_real(struct str *out, const struct stage *stage, const struct changes *c)
{
	char count[32];
	const char *workspace = stage->job->workspace;
	size_t inside = 0, elsewhere = 0, shown = 0;
	if (c->real.count == 0)
		return;
	for (size_t i = 0; i < c->real.count; i++) {
		if (workspace && path_is_beneath(c->real.items[i].path, workspace))
			inside++;
		else
			elsewhere++;
	}
	str_add(out, "  real: ");
	if (inside > 0) {
		add_path(out, workspace, stage->home);
		str_addf(out, " %s %s", format_count(count, sizeof(count), inside),
			inside == 1 ? "file" : "files");
	}
	if (elsewhere > 0)
		str_addf(out, "%s%s %s elsewhere:", inside > 0 ? " · " : "",
			format_count(count, sizeof(count), elsewhere),
			elsewhere == 1 ? "file" : "files");
	for (size_t i = 0; i < c->real.count && shown < SUMMARY_PLACES && elsewhere > 0; i++) {
		if (workspace && path_is_beneath(c->real.items[i].path, workspace))
			continue;
		str_add_char(out, ' ');
		add_path(out, c->real.items[i].path, stage->home);
		shown++;
	}
	if (elsewhere > shown)
		str_add(out, " …");
	if (c->real_deleted > 0)
		str_addf(out, " · %s deleted", format_count(count, sizeof(count), c->real_deleted));
	str_add(out, " (not undoable)\n");
}

/* Commands without -j take the job that job_select finds: is that this one? */
static bool needs_id(const struct stage *stage)
{
	struct job *chosen = NULL;
	size_t others = 0;
	(void)unsetenv("WRIT_JOB"); /* the next command will not have it */
	if (job_select(NULL, stage->cwd, true, review_has_changes, &chosen, &others, NULL) < 0)
		return true;
	bool same = strcmp(chosen->id, stage->job->id) == 0;
	job_free(chosen);
	return !same;
}

static void add_look(
	struct str *out, const struct stage *stage, const struct changes *c, bool danger)
{
	char id[JOB_ID_MAX + 8] = "";
	if (needs_id(stage))
		(void)snprintf(id, sizeof(id), " -j %s", stage->job->id);
	str_addf(out, "  look: writ diff%s", id);
	if (c->scratch.count > 0)
		str_addf(out, "    keep%s: writ apply%s    drop: writ discard%s",
			danger ? " all but \"!\"" : "", id, id);
	str_add_char(out, '\n');
}

static void add_trouble(struct str *out, const struct stage *stage, const struct outcome *o)
{
	if (o->daemon_lost) {
		str_addf(out, "writ: the daemon of %s died (", stage->job->id);
		if (WIFSIGNALED(o->daemon_status))
			str_addf(out, "signal %d", WTERMSIG(o->daemon_status));
		else
			str_addf(out, "status %d", WEXITSTATUS(o->daemon_status));
		str_add(out, "): from then on the program got \"Transport endpoint is not "
			     "connected\" in ");
		add_roots(out, stage);
		str_add(out, "; what it had written is kept\n");
	} else if (o->trouble[0]) {
		str_addf(out, "writ: %s: %s\n", stage->job->id, o->trouble);
	}
}

/* "writ: sh-1 ended (7) · 3 redirected: ~/.bashrc ~/.codex/ · writ status -j sh-1" */
static void add_one_line(struct str *out, const struct stage *stage, const struct outcome *o,
	const struct changes *c)
{
	struct change_rows rows = {0};
	char count[32];
	str_addf(out, "writ: %s ended (%d)", stage->job->id, o->status);
	if (c->scratch.count > 0 && review_rows(&c->scratch, SUMMARY_PLACES, &rows) == 0) {
		str_addf(out, " · %s redirected:",
			format_count(count, sizeof(count), redirected_files(c)));
		for (size_t i = 0; i < rows.count; i++) {
			str_add_char(out, ' ');
			add_path(out, rows.items[i].path, stage->home);
		}
		if (rows.more > 0)
			str_addf(out, " and %zu more", rows.more);
		change_rows_free(&rows);
	}
	if (c->real_labelled > 0)
		str_addf(out, " · %zu real %s to look at", c->real_labelled,
			c->real_labelled == 1 ? "change" : "changes");
	str_addf(out, " · writ status -j %s\n", stage->job->id);
}

static int add_changes(
	struct str *out, const struct stage *stage, const struct outcome *o, struct err *e)
{
	cleanup_with(review_freep) struct review *review = NULL;
	cleanup_with(changes_freep) struct changes *changes = NULL;
	const struct review_options look = {.look = true, .home = stage->home};
	int r = review_open(stage->job, &look, &review, e);
	if (r == 0)
		r = review_collect(review, &changes, e);
	if (r < 0 || !changes)
		return r;
	if (changes->scratch.count == 0 && changes->real_labelled == 0)
		return 0;
	if (isatty(STDERR_FILENO)) {
		struct table table = {0};
		r = fill_table(&table, review, changes, stage->home);
		if (r < 0)
			return err_errno(e, -r, "changes");
		add_head(out, stage, o, changes);
		add_table(out, &table);
		add_real(out, stage, changes);
		add_look(out, stage, changes, table.danger);
	} else {
		add_one_line(out, stage, o, changes);
	}
	return review_mark_shown(review, changes, e);
}

void summary_end(const struct stage *stage, const struct outcome *outcome)
{
	cleanup_str struct str out = STR_INIT;
	struct err e = {0};
	if (add_changes(&out, stage, outcome, &e) < 0)
		str_addf(&out, "writ: %s: %s\n", stage->job->id, e.text);
	add_trouble(&out, stage, outcome);
	print(&out);
}
