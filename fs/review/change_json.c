/* SPDX-License-Identifier: MIT */
/*
 * One change as JSON and back: the same object is what --json shows and what a daemon that alone
 * sees the real tree tells the reviewer (remote.c).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "review_i.h"

static const struct {
	unsigned bit;
	const char *name;
} aspect_names[] = {{ASPECT_DATA, "data"}, {ASPECT_MODE, "mode"}, {ASPECT_OWNER, "owner"},
	{ASPECT_XATTR, "xattr"}, {ASPECT_TIMES, "times"}};
#define ASPECT_COUNT (sizeof aspect_names / sizeof aspect_names[0])

static const char *const class_names[] = {
	[CLASS_DANGER] = "danger", [CLASS_LOGIN] = "login", [CLASS_NONE] = NULL};

static void add_text(cJSON *json, const char *key, const char *text)
{
	if (text)
		json_add_path(json, key, text);
}

static void add_flag(cJSON *json, const char *key, bool set)
{
	if (set)
		(void)cJSON_AddTrueToObject(json, key);
}

static void add_state(cJSON *json, const char *key, mode_t mode, uid_t uid, gid_t gid,
	uint64_t size, int64_t mtime_ns)
{
	char time[FORMAT_TIME_SIZE];
	cJSON *state = cJSON_AddObjectToObject(json, key);
	if (!state)
		return;
	(void)cJSON_AddStringToObject(state, "type", mode_type_name(mode));
	json_add_i64(state, "mode", mode);
	json_add_i64(state, "uid", uid);
	json_add_i64(state, "gid", gid);
	json_add_i64(state, "size", (int64_t)size);
	(void)cJSON_AddStringToObject(state, "mtime", format_time(time, mtime_ns));
}

static void add_states(cJSON *json, const struct change *c)
{
	const struct store_print *was = c->real.exists ? &c->real : &c->base;
	if (c->kind != CHANGE_DELETED && c->now.st_mode)
		add_state(json, "now", c->now.st_mode, c->now.st_uid, c->now.st_gid,
			(uint64_t)c->now.st_size,
			(int64_t)c->now.st_mtim.tv_sec * 1000000000 + c->now.st_mtim.tv_nsec);
	if (c->verdict == JOURNAL_REDIRECTED && was->exists)
		add_state(json, "real", was->mode, was->uid, was->gid, was->size, was->mtime_ns);
}

static void add_flags(cJSON *json, const struct change *c)
{
	add_flag(json, "conflict", c->conflict);
	add_text(json, "why", c->why);
	add_flag(json, "base_unknown", c->base_unknown);
	add_flag(json, "metadata_only", c->metadata_only);
	add_flag(json, "shown", c->shown);
	add_flag(json, "drifted", c->drifted);
	add_flag(json, "busy", c->busy);
	if ((size_t)c->class < sizeof class_names / sizeof class_names[0] && class_names[c->class])
		(void)cJSON_AddStringToObject(json, "class", class_names[c->class]);
	add_text(json, "label", c->label);
}

static void add_actor(cJSON *json, const struct change *c)
{
	char time[FORMAT_TIME_SIZE];
	add_text(json, "program", c->program);
	add_text(json, "parent", c->parent);
	add_text(json, "rule", c->rule);
	add_text(json, "rule_file", c->rule_file);
	if (c->rule_line)
		json_add_i64(json, "rule_line", c->rule_line);
	add_text(json, "note", c->note);
	if (c->time_ns)
		(void)cJSON_AddStringToObject(json, "time", format_time(time, c->time_ns));
	if (c->records)
		json_add_i64(json, "records", c->records);
}

cJSON *change_to_json(const struct change *c)
{
	cJSON *json = cJSON_CreateObject();
	if (!json)
		return NULL;
	if (*c->id)
		(void)cJSON_AddStringToObject(json, "id", c->id);
	(void)cJSON_AddStringToObject(json, "kind", change_kind_name(c->kind));
	json_add_path(json, "path", c->path);
	add_text(json, "from", c->from);
	add_text(json, "target", c->target);
	cJSON *aspects = c->aspects ? cJSON_AddArrayToObject(json, "aspects") : NULL;
	for (size_t i = 0; aspects && i < ASPECT_COUNT; i++)
		if (c->aspects & aspect_names[i].bit)
			(void)cJSON_AddItemToArray(
				aspects, cJSON_CreateString(aspect_names[i].name));
	add_states(json, c);
	if (c->files)
		json_add_i64(json, "files", (int64_t)c->files);
	json_add_i64(json, "bytes", (int64_t)c->bytes);
	if (c->lines_added >= 0 && c->lines_removed >= 0) {
		json_add_i64(json, "lines_added", c->lines_added);
		json_add_i64(json, "lines_removed", c->lines_removed);
	}
	add_flags(json, c);
	add_actor(json, c);
	if (c->verdict == JOURNAL_GRANTED)
		(void)cJSON_AddBoolToObject(json, "undoable", c->undoable);
	return json;
}

/* ---- back ---- */

static const cJSON *get(const cJSON *json, const char *key)
{
	return cJSON_GetObjectItemCaseSensitive(json, key);
}

static bool get_flag(const cJSON *json, const char *key)
{
	return cJSON_IsTrue(get(json, key));
}

static int64_t get_number(const cJSON *json, const char *key, int64_t missing)
{
	const cJSON *item = get(json, key);
	return cJSON_IsNumber(item) ? (int64_t)item->valuedouble : missing;
}

static const char *get_text(const cJSON *json, const char *key, struct memory *m)
{
	char *text cleanup_free = json_get_path(json, key);
	return memory_string(m, text);
}

static bool get_state(const cJSON *json, const char *key, struct store_print *p)
{
	const cJSON *state = get(json, key);
	const char *time = cJSON_GetStringValue(get(state, "mtime"));
	*p = (struct store_print){.known = true};
	if (!cJSON_IsObject(state))
		return false;
	p->exists = true;
	p->mode = (uint32_t)get_number(state, "mode", 0);
	p->uid = (uint32_t)get_number(state, "uid", 0);
	p->gid = (uint32_t)get_number(state, "gid", 0);
	p->size = (uint64_t)get_number(state, "size", 0);
	if (time)
		(void)parse_time(time, &p->mtime_ns);
	return true;
}

static void get_states(const cJSON *json, struct change *c)
{
	struct store_print now;
	if (get_state(json, "now", &now)) {
		c->now.st_mode = now.mode;
		c->now.st_uid = now.uid;
		c->now.st_gid = now.gid;
		c->now.st_size = (off_t)now.size;
		c->now.st_mtim.tv_sec = now.mtime_ns / 1000000000;
		c->now.st_mtim.tv_nsec = now.mtime_ns % 1000000000;
	}
	(void)get_state(json, "real", &c->real);
	c->base = c->real;
}

static enum change_kind get_kind(const cJSON *json)
{
	const char *name = cJSON_GetStringValue(get(json, "kind"));
	size_t kind = 0;
	while (name && kind < CHANGE_KIND_MAX &&
		strcmp(change_kind_name((enum change_kind)kind), name) != 0)
		kind++;
	return name ? (enum change_kind)kind : CHANGE_KIND_MAX;
}

static enum change_class get_class(const cJSON *json)
{
	const char *name = cJSON_GetStringValue(get(json, "class"));
	for (size_t i = 0; name && i < sizeof class_names / sizeof class_names[0]; i++)
		if (class_names[i] && strcmp(class_names[i], name) == 0)
			return (enum change_class)i;
	return CLASS_NONE;
}

static void get_aspects(const cJSON *json, struct change *c)
{
	const cJSON *item;
	cJSON_ArrayForEach (item, get(json, "aspects")) {
		for (size_t i = 0; i < ASPECT_COUNT; i++)
			if (cJSON_IsString(item) &&
				strcmp(item->valuestring, aspect_names[i].name) == 0)
				c->aspects |= aspect_names[i].bit;
	}
}

static void get_actor(const cJSON *json, struct memory *m, struct change *c)
{
	const char *time = cJSON_GetStringValue(get(json, "time"));
	c->program = get_text(json, "program", m);
	c->parent = get_text(json, "parent", m);
	c->rule = get_text(json, "rule", m);
	c->rule_file = get_text(json, "rule_file", m);
	c->rule_line = (unsigned)get_number(json, "rule_line", 0);
	c->note = get_text(json, "note", m);
	c->records = (unsigned)get_number(json, "records", 0);
	if (time)
		(void)parse_time(time, &c->time_ns);
}

int change_from_json(const cJSON *json, struct memory *m, struct change *c)
{
	const char *id = cJSON_GetStringValue(get(json, "id"));
	*c = (struct change){.kind = get_kind(json), .class = get_class(json), .selected = true};
	c->path = get_text(json, "path", m);
	if (!c->path || c->path[0] != '/' || c->kind == CHANGE_KIND_MAX)
		return m->failed ? -ENOMEM : -EBADMSG;
	if (id && strlen(id) == CHANGE_ID_SIZE - 1)
		memcpy(c->id, id, CHANGE_ID_SIZE);
	c->from = get_text(json, "from", m);
	c->target = get_text(json, "target", m);
	get_aspects(json, c);
	get_states(json, c);
	c->files = (size_t)get_number(json, "files", 0);
	c->bytes = (uint64_t)get_number(json, "bytes", 0);
	c->lines_added = get_number(json, "lines_added", -1);
	c->lines_removed = get_number(json, "lines_removed", -1);
	c->conflict = get_flag(json, "conflict");
	c->why = get_text(json, "why", m);
	c->base_unknown = get_flag(json, "base_unknown");
	c->metadata_only = get_flag(json, "metadata_only");
	c->shown = get_flag(json, "shown");
	c->drifted = get_flag(json, "drifted");
	c->busy = get_flag(json, "busy");
	c->label = get_text(json, "label", m);
	c->undoable = get_flag(json, "undoable");
	get_actor(json, m, c);
	return m->failed ? -ENOMEM : 0;
}
