/* SPDX-License-Identifier: MIT */
/*
 * Intents: jobs/ID/intents/N.jsonl holds the steps of one apply or discard, written and synced
 * before the first of them runs; N.done is what it is called when the last one has. A done intent
 * stays: it says which name in base/ or trash/ belongs to which path.
 *
 * One line a step. Numbers of 64 bits are text, because JSON readers make them floating.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <writfs/log.h>

#include "steps.h"

#define INTENT_VERSION 1

static const char *const step_names[STEP_KIND_MAX] = {
	[STEP_REMOVE] = "remove",
	[STEP_MKDIR] = "mkdir",
	[STEP_PUBLISH] = "publish",
	[STEP_LINK] = "link",
	[STEP_DIR] = "dir",
	[STEP_DROP] = "drop",
	[STEP_COLLAPSE] = "collapse",
	[STEP_DISCARD] = "discard",
};

static int open_intents(struct job *job)
{
	if (mkdirat(job->dir, "intents", 0700) < 0 && errno != EEXIST)
		return -errno;
	return sys_open_at(job->dir, "intents", O_RDONLY | O_DIRECTORY, 0);
}

static int compare_numbers(const void *a, const void *b)
{
	unsigned x = *(const unsigned *)a, y = *(const unsigned *)b;
	return x < y ? -1 : x > y;
}

/* Numbers of the intents, sorted; open: only those that are not done. */
static int list_numbers(int dir, bool open, unsigned **ret, size_t *ret_count)
{
	unsigned *numbers cleanup_free = NULL;
	size_t count = 0, cap = 0;
	int fd = sys_reopen(dir, O_RDONLY | O_DIRECTORY);
	if (fd < 0)
		return fd;
	DIR *d cleanup_dir = fdopendir(fd);
	if (!d) {
		(void)fd_close(fd);
		return -ENOMEM;
	}
	struct dirent *entry;
	while ((entry = readdir(d))) {
		char *end;
		unsigned long number = strtoul(entry->d_name, &end, 10);
		if (end == entry->d_name || number > UINT32_MAX)
			continue;
		if (strcmp(end, ".jsonl") != 0 && (open || strcmp(end, ".done") != 0))
			continue;
		int r = array_grow(&numbers, count, &cap, sizeof *numbers);
		if (r)
			return r;
		numbers[count++] = (unsigned)number;
	}
	if (count)
		qsort(numbers, count, sizeof *numbers, compare_numbers);
	*ret = steal_ptr(&numbers);
	*ret_count = count;
	return 0;
}

static void add_path_member(struct str *s, const char *key, const char *path)
{
	if (!path)
		return;
	str_addf(s, ",\"%s\":\"", key);
	path_escape(s, path);
	str_add_char(s, '"');
}

static void add_print(struct str *s, const struct store_print *p)
{
	str_addf(s,
		",\"expect\":\"%d %d %o %u %u %" PRIu64 " %" PRIu64 " %" PRId64 " %" PRId64 "\"",
		p->known, p->exists, p->mode, p->uid, p->gid, p->ino, p->size, p->mtime_ns,
		p->ctime_ns);
}

static int parse_print(const char *text, struct store_print *p)
{
	int known, exists;
	if (sscanf(text, "%d %d %o %u %u %" SCNu64 " %" SCNu64 " %" SCNd64 " %" SCNd64, &known,
		    &exists, &p->mode, &p->uid, &p->gid, &p->ino, &p->size, &p->mtime_ns,
		    &p->ctime_ns) != 9)
		return -EINVAL;
	p->known = known != 0;
	p->exists = exists != 0;
	return 0;
}

static void add_step(struct str *s, const struct steps *steps, const struct step *step)
{
	char keep[64];
	str_addf(s, "{\"step\":\"%s\",\"group\":%zu,\"root\":%zu", step_names[step->kind],
		step->group, step->root);
	add_path_member(s, "path", step->rel);
	add_path_member(s, "from", step->from);
	add_path_member(s, "opaque", step->opaque);
	if (step->content)
		str_addf(s, ",\"content\":\"%s\"", step->content);
	if (step->ident)
		str_addf(s, ",\"ident\":\"%s\"", step->ident);
	if (step->mtime_ns != INT64_MIN)
		str_addf(s, ",\"mtime\":\"%" PRId64 "\"", step->mtime_ns);
	if (step->metadata)
		str_add(s, ",\"metadata\":true");
	if (step->drop)
		str_addf(s, ",\"drop\":%zu", step->drop);
	if (step->expect.known)
		add_print(s, &step->expect);
	if (step->kind == STEP_REMOVE || step->kind == STEP_DISCARD ||
		(step->kind == STEP_PUBLISH && !step->metadata) || step->kind == STEP_LINK) {
		step_keep_name(steps, step, keep);
		str_addf(s, ",\"kept\":\"%s\"", keep);
	}
	str_add(s, "}\n");
}

int intent_write(struct job *job, struct steps *steps, struct err *e)
{
	unsigned *numbers cleanup_free = NULL;
	size_t count = 0;
	struct str text cleanup_str = STR_INIT;
	char name[32];
	int dir cleanup_fd = open_intents(job);
	int r = dir < 0 ? dir : list_numbers(dir, false, &numbers, &count);
	if (r)
		return err_errno(e, -r, "intents of %s", job->id);
	steps->number = count ? numbers[count - 1] + 1 : 1;
	str_addf(&text, "{\"v\":%d,\"verb\":\"%s\",\"groups\":%zu,\"time\":\"%" PRId64 "\"}\n",
		INTENT_VERSION, steps->discard ? "discard" : "apply", steps->group_count,
		sys_time_ns(CLOCK_REALTIME));
	for (size_t i = 0; i < steps->count; i++)
		add_step(&text, steps, &steps->items[i]);
	if (text.failed)
		return err_set(e, ENOMEM, "out of memory");
	(void)snprintf(name, sizeof name, "%u.jsonl", steps->number);
	r = sys_write_file(dir, name, text.p, text.len, 0600);
	return r ? err_errno(e, -r, "intents of %s", job->id) : 0;
}

int intent_finish(struct job *job, const struct steps *steps)
{
	char name[32], done[32];
	int dir cleanup_fd = open_intents(job);
	if (dir < 0)
		return dir;
	(void)snprintf(name, sizeof name, "%u.jsonl", steps->number);
	(void)snprintf(done, sizeof done, "%u.done", steps->number);
	int r = sys_rename(dir, name, dir, done, 0);
	return r ? r : fsync(dir) < 0 ? -errno : 0;
}

static const char *string_of(const cJSON *line, const char *key)
{
	return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(line, key));
}

static size_t number_of(const cJSON *line, const char *key)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(line, key);
	return cJSON_IsNumber(item) && item->valuedouble >= 0 ? (size_t)item->valuedouble : 0;
}

static const char *path_of(struct steps *s, const cJSON *line, const char *key)
{
	const char *text = string_of(line, key);
	return text ? path_unescape(&s->memory, text) : NULL;
}

static int parse_step(struct steps *s, const cJSON *line)
{
	const char *name = string_of(line, "step"), *path = path_of(s, line, "path");
	const char *expect = string_of(line, "expect"), *mtime = string_of(line, "mtime");
	size_t kind = 0, group = number_of(line, "group");
	if (!name || !path || group >= s->group_count)
		return -EINVAL;
	while (kind < STEP_KIND_MAX && strcmp(step_names[kind], name) != 0)
		kind++;
	if (kind == STEP_KIND_MAX)
		return -EINVAL;
	struct step *step =
		steps_add(s, (enum step_kind)kind, group, number_of(line, "root"), path);
	if (!step)
		return -ENOMEM;
	step->from = path_of(s, line, "from");
	step->opaque = path_of(s, line, "opaque");
	step->content = memory_string(&s->memory, string_of(line, "content"));
	step->ident = memory_string(&s->memory, string_of(line, "ident"));
	step->metadata = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(line, "metadata"));
	step->drop = number_of(line, "drop");
	if (mtime)
		step->mtime_ns = strtoll(mtime, NULL, 10);
	if (step->root >= JOB_ROOTS_MAX)
		return -EINVAL;
	return expect ? parse_print(expect, &step->expect) : 0;
}

static int parse_header(struct steps *s, const cJSON *line)
{
	const char *verb = string_of(line, "verb");
	size_t groups = number_of(line, "groups"), group;
	if (number_of(line, "v") != INTENT_VERSION || !verb)
		return -EPROTONOSUPPORT;
	s->discard = strcmp(verb, "discard") == 0;
	for (size_t i = 0; i < groups; i++)
		if (steps_group(s, &group))
			return -ENOMEM;
	return 0;
}

static int parse_intent(char *text, struct steps *s)
{
	char *save = NULL;
	bool header = true;
	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		cJSON *json = cJSON_Parse(line);
		int r = !json ? -EINVAL : header ? parse_header(s, json) : parse_step(s, json);
		cJSON_Delete(json);
		if (r)
			return r;
		header = false;
	}
	for (size_t i = 0; i < s->count; i++)
		if (s->items[i].drop > s->count)
			return -EINVAL;
	return header ? -EINVAL : 0;
}

static int each_one(int dir, unsigned number, int (*fn)(struct steps *steps, void *arg), void *arg,
	struct err *e)
{
	struct steps steps cleanup_steps = {.number = number, .recovering = true};
	char *text cleanup_free = NULL;
	char name[32];
	size_t len;
	(void)snprintf(name, sizeof name, "%u.jsonl", number);
	int r = sys_read_file(dir, name, INTENT_BYTES_MAX, &text, &len);
	if (!r)
		r = parse_intent(text, &steps);
	if (r)
		return err_errno(
			e, -r, "intents/%s says what an apply had begun and cannot be read", name);
	return fn(&steps, arg);
}

static int open_numbers(
	struct job *job, int *ret_dir, unsigned **ret, size_t *ret_count, struct err *e)
{
	int dir cleanup_fd = sys_open_at(job->dir, "intents", O_RDONLY | O_DIRECTORY, 0);
	*ret_count = 0;
	if (dir == -ENOENT)
		return 0;
	int r = dir < 0 ? dir : list_numbers(dir, true, ret, ret_count);
	if (r)
		return err_errno(e, -r, "intents of %s", job->id);
	*ret_dir = steal_fd(&dir);
	return 0;
}

int intent_pending(struct job *job, bool *ret, struct err *e)
{
	unsigned *numbers cleanup_free = NULL;
	int dir cleanup_fd = -1;
	size_t count;
	int r = open_numbers(job, &dir, &numbers, &count, e);
	if (!r)
		*ret = count > 0;
	return r;
}

int intent_each(
	struct job *job, int (*fn)(struct steps *steps, void *arg), void *arg, struct err *e)
{
	unsigned *numbers cleanup_free = NULL;
	int dir cleanup_fd = -1;
	size_t count;
	int r = open_numbers(job, &dir, &numbers, &count, e);
	for (size_t i = 0; !r && i < count; i++)
		r = each_one(dir, numbers[i], fn, arg, e);
	return r;
}
