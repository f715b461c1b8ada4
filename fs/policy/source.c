/* SPDX-License-Identifier: MIT */
/*
 * Policy files. Everything in them is checked, also what does not count here (another workspace's
 * entry, a grant under -n): a file is right or wrong, whatever it is used for. The first mistake
 * ends the loading; a policy that is half understood would protect half.
 *
 * A file that lies in the workspace may come from a stranger: it only narrows.
 */
#include "policy_i.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include <writfs/cleanup.h>
#include <writfs/json.h>
#include <writfs/path.h>

#define POLICY_FORMAT 1
#define SIZE_NUMBER_MAX 1e15

struct source {
	struct build *b;
	const struct json_doc *doc;
	enum policy_source source;
	struct glob_bases bases;
	bool counts;            /* false: only checked */
	struct str not_counted; /* keys of a workspace file that would widen */
	struct str no_effect;   /* keys that this version accepts and does nothing with */
	struct err *e;
};

static void list_add(struct str *list, const char *key)
{
	if (list->p && strstr(list->p, key))
		return;
	str_addf(list, "%s%s", list->len ? ", " : "", key);
}

static int type_error(struct source *s, const cJSON *item, const char *must)
{
	return json_error(s->e, s->doc, item, false, "\"%s\" must be %s",
		item->string ? item->string : "policy", must);
}

/* Calls fn with each text of a list. */
static int for_each_text(struct source *s, const cJSON *list,
	int (*fn)(struct source *s, const cJSON *item, void *arg), void *arg)
{
	if (!cJSON_IsArray(list))
		return type_error(s, list, "a list of texts");
	const cJSON *item;
	cJSON_ArrayForEach (item, list) {
		if (!cJSON_IsString(item))
			return json_error(s->e, s->doc, item, false,
				"\"%s\" must be a list of texts, and this is none", list->string);
		int r = fn ? fn(s, item, arg) : 0;
		if (r < 0)
			return r;
	}
	return 0;
}

/* A key of "filesystem". */
struct list_key {
	const char *name;
	enum rule_kind kind;
	bool widens;
};

static const struct list_key list_keys[] = {
	{"allowWrite", RULE_ALLOW, true},
	{"redirectWrite", RULE_REDIRECT, false},
	{"denyWrite", RULE_REDIRECT, false},
	{"refuseWrite", RULE_REFUSE, false},
	{"denyRead", RULE_HIDE, false},
	{"allowRead", RULE_REVEAL, true},
};

/* "./x" of a file that is not about one place names the workspace; where there is none, it would
 * grant whatever directory the person happens to be in. */
static bool names_no_workspace(const struct source *s, const char *pattern)
{
	return !s->b->usable && (s->source == POLICY_USER || s->source == POLICY_ETC) &&
	       pattern[0] == '.' && (pattern[1] == '/' || pattern[1] == '\0');
}

static int read_pattern(struct source *s, const cJSON *item, void *arg)
{
	const struct list_key *key = arg;
	unsigned line;
	unsigned column;
	json_where(s->doc, item, false, &line, &column);
	struct rule_spec spec = {.kind = key->kind,
		.source = s->source,
		.pattern = item->valuestring,
		.file = s->doc->name,
		.line = line,
		.bases = s->bases};
	bool counts = s->counts && !(key->widens && s->source == POLICY_WORKSPACE) &&
		      !(key->kind == RULE_ALLOW && s->b->options->no_grants);
	if (counts && key->kind == RULE_ALLOW && names_no_workspace(s, spec.pattern)) {
		counts = false;
		if (build_note(s->b,
			    "%s:%u: \"%s\" is the workspace, and there is none here: not counted",
			    s->doc->name, line, spec.pattern) < 0)
			return err_errno(s->e, ENOMEM, "%s", s->doc->name);
	}
	struct err why = {0};
	int r = counts ? build_rule(s->b, &spec, &why)
		       : build_check(spec.pattern, &spec.bases, &why);
	if (r < 0)
		return json_error(s->e, s->doc, item, false, "%s \"%s\": %s", key->name,
			item->valuestring, why.text);
	return 0;
}

static int read_lists(struct source *s, const cJSON *object)
{
	static const char *const keys[] = {"allowWrite", "redirectWrite", "denyWrite",
		"refuseWrite", "denyRead", "allowRead", NULL};
	if (!cJSON_IsObject(object))
		return type_error(s, object, "an object with lists of patterns");
	int r = json_check_keys(s->doc, object, keys, s->e);
	for (size_t i = 0; r == 0 && i < sizeof list_keys / sizeof list_keys[0]; i++) {
		struct list_key key = list_keys[i];
		const cJSON *list = cJSON_GetObjectItemCaseSensitive(object, key.name);
		if (!list)
			continue;
		r = for_each_text(s, list, read_pattern, &key);
		if (s->source == POLICY_WORKSPACE && key.widens && cJSON_GetArraySize(list) > 0)
			list_add(&s->not_counted, key.name);
	}
	return r;
}

static int read_root(struct source *s, const cJSON *item, void *arg)
{
	(void)arg;
	struct err why = {0};
	if (s->source == POLICY_WORKSPACE || s->b->options->roots_replace)
		return 0;
	const char *base = item->valuestring[0] == '.' ? s->bases.dot : s->bases.bare;
	int r = roots_add(s->b, item->valuestring, base, &why);
	if (r < 0)
		return json_error(
			s->e, s->doc, item, false, "root \"%s\": %s", item->valuestring, why.text);
	return 0;
}

static int read_hard_links(struct source *s, const cJSON *item)
{
	const char *value = cJSON_IsString(item) ? item->valuestring : "";
	bool by_name = strcmp(value, "byName") == 0;
	if (!by_name && strcmp(value, "safe") != 0)
		return type_error(s, item, "\"safe\" or \"byName\"");
	if (by_name && s->source == POLICY_WORKSPACE)
		list_add(&s->not_counted, "hardLinks");
	else if (!by_name || !s->b->options->no_grants)
		s->b->p->hard_links_safe = !by_name;
	return 0;
}

static int read_commands(struct source *s, const cJSON *list)
{
	static const char *const keys[] = {"match", "profiles", NULL};
	if (!cJSON_IsArray(list))
		return type_error(s, list, "a list of objects with \"match\"");
	const cJSON *item;
	cJSON_ArrayForEach (item, list) {
		if (!cJSON_IsObject(item))
			return json_error(
				s->e, s->doc, item, false, "a command is an object with \"match\"");
		int r = json_check_keys(s->doc, item, keys, s->e);
		if (r < 0)
			return r;
		const cJSON *match = cJSON_GetObjectItemCaseSensitive(item, "match");
		if (!cJSON_IsString(match) || match->valuestring[0] == '\0')
			return json_error(s->e, s->doc, match ? match : item, false,
				"a command needs \"match\", the name of a program");
		const cJSON *profiles = cJSON_GetObjectItemCaseSensitive(item, "profiles");
		r = profiles ? for_each_text(s, profiles, NULL, NULL) : 0;
		if (r < 0)
			return r;
	}
	return 0;
}

/* A number of bytes, or a text like "64M"; with percent also "5%". */
static bool is_size(const cJSON *item, bool percent)
{
	if (cJSON_IsNumber(item))
		return item->valuedouble >= 0 && item->valuedouble < SIZE_NUMBER_MAX &&
		       (double)(long long)item->valuedouble == item->valuedouble;
	const char *text = cJSON_IsString(item) ? item->valuestring : "";
	size_t digits = strspn(text, "0123456789");
	if (digits == 0 || digits > 15)
		return false;
	const char *unit = text + digits;
	if (percent && strcmp(unit, "%") == 0)
		return digits < 3 || strcmp(text, "100%") == 0;
	return *unit == '\0' || (strchr("KMGT", *unit) && unit[1] == '\0');
}

static int read_limits(struct source *s, const cJSON *object)
{
	static const char *const keys[] = {"keepFree", "undoBytes", NULL};
	if (!cJSON_IsObject(object))
		return type_error(s, object, "an object with \"keepFree\" and \"undoBytes\"");
	int r = json_check_keys(s->doc, object, keys, s->e);
	if (r < 0)
		return r;
	const cJSON *keep = cJSON_GetObjectItemCaseSensitive(object, "keepFree");
	const cJSON *undo = cJSON_GetObjectItemCaseSensitive(object, "undoBytes");
	if (keep && !is_size(keep, true))
		return type_error(s, keep, "a size (\"2G\") or a part of the disk (\"5%\")");
	if (undo && !is_size(undo, false))
		return type_error(s, undo, "a size (\"64M\")");
	return 0;
}

static int read_workspaces(struct source *s, const cJSON *object)
{
	if (!cJSON_IsObject(object))
		return type_error(s, object, "an object of directories");
	const struct build *b = s->b;
	const cJSON *entry;
	cJSON_ArrayForEach (entry, object) {
		struct err why = {0};
		char *path cleanup_free = NULL;
		const char *name = entry->string;
		if (name[0] != '~' && name[0] != '/')
			return json_error(s->e, s->doc, entry, true,
				"workspace \"%s\": write ~/… or the whole path", name);
		if (path_absolute(name, "/", b->p->home, &path, &why) < 0)
			return json_error(s->e, s->doc, entry, true, "workspace: %s", why.text);
		char *real cleanup_free = realpath(path, NULL);
		s->counts = b->usable && strcmp(real ? real : path, b->workspace.top) == 0;
		int r = read_lists(s, entry);
		s->counts = true;
		if (r < 0)
			return r;
	}
	return 0;
}

/* Keys whose parts of the program do not exist in this version. */
static int read_later(struct source *s, const cJSON *item, const char *key)
{
	int r;
	if (strcmp(key, "commands") == 0)
		r = read_commands(s, item);
	else if (strcmp(key, "limits") == 0)
		r = read_limits(s, item);
	else
		r = for_each_text(s, item, NULL, NULL);
	bool narrows = strcmp(key, "limits") == 0;
	if (r == 0 && cJSON_GetArraySize(item) > 0)
		list_add(
			s->source == POLICY_WORKSPACE && !narrows ? &s->not_counted : &s->no_effect,
			key);
	return r;
}

static int read_key(struct source *s, const cJSON *item)
{
	const char *key = item->string;
	if (strcmp(key, "$schema") == 0)
		return cJSON_IsString(item) ? 0 : type_error(s, item, "a text");
	if (strcmp(key, "v") == 0)
		return cJSON_IsNumber(item) && item->valuedouble == POLICY_FORMAT
			       ? 0
			       : type_error(s, item, "1, the only version there is");
	if (strcmp(key, "filesystem") == 0)
		return read_lists(s, item);
	if (strcmp(key, "workspaces") == 0)
		return read_workspaces(s, item);
	if (strcmp(key, "hardLinks") == 0)
		return read_hard_links(s, item);
	if (strcmp(key, "roots") != 0)
		return read_later(s, item, key);
	if (s->source == POLICY_WORKSPACE && cJSON_GetArraySize(item) > 0)
		list_add(&s->not_counted, key);
	return for_each_text(s, item, read_root, NULL);
}

static int source_read(struct source *s)
{
	static const char *const keys[] = {"$schema", "v", "profiles", "roots", "sockets",
		"hardLinks", "filesystem", "commands", "workspaces", "limits", NULL};
	const cJSON *top = s->doc->root;
	if (!cJSON_IsObject(top))
		return json_error(s->e, s->doc, top, false, "a policy is an object: { … }");
	int r = json_check_keys(s->doc, top, keys, s->e);
	const cJSON *item;
	cJSON_ArrayForEach (item, top) {
		if (r == 0)
			r = read_key(s, item);
	}
	if (r < 0)
		return r;
	if (s->not_counted.len)
		r = build_note(s->b,
			"%s: %s not counted: a file in the workspace can only narrow "
			"(~/.config/writfs/policy.json can grant)",
			s->doc->name, s->not_counted.p);
	if (r == 0 && s->no_effect.len)
		r = build_note(s->b, "%s: %s without effect in this version of writ", s->doc->name,
			s->no_effect.p);
	if (r < 0 || s->not_counted.failed || s->no_effect.failed)
		return err_errno(s->e, ENOMEM, "%s", s->doc->name);
	return 0;
}

int source_load(struct build *b, enum policy_source source, const char *path, const char *shown,
	struct err *e)
{
	struct json_doc *doc cleanup_json = NULL;
	int r = json_load(AT_FDCWD, path, shown, POLICY_FILE_MAX, &doc, e);
	if ((r == -ENOENT || r == -ENOTDIR) && source != POLICY_FILE) {
		if (e)
			*e = (struct err){0};
		return 0;
	}
	if (r < 0)
		return r;
	bool at_home = source == POLICY_USER || source == POLICY_ETC;
	struct source s = {.b = b,
		.doc = doc,
		.source = source,
		.bases = {.home = b->p->home,
			.dot = b->base,
			.bare = at_home ? b->p->home : b->base},
		.counts = true,
		.e = e};
	r = source_read(&s);
	str_free(&s.not_counted);
	str_free(&s.no_effect);
	return r;
}
