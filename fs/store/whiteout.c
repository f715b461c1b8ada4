/* SPDX-License-Identifier: MIT */
/*
 * Whiteouts and manifests. A whiteout is a stub whose meta says so and holds the print of what it
 * hides: the base that apply compares before it removes the real one. The whiteout of a directory
 * also holds a manifest, the names and prints of everything that was visible below it when it went,
 * because the whiteouts of those names go with it; apply removes what the manifest knows and
 * nothing else. An opaque directory keeps the manifest of its predecessor in index/.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "store_i.h"

struct manifest_print {
	uint8_t exists, known, pad[2];
	uint32_t mode, uid, gid;
	uint64_t ino, size;
	int64_t mtime_ns, ctime_ns;
};

#define MANIFEST_BYTES_MAX (256u << 20)

static int whiteout_build(struct store *s, const struct store_print *print,
	const struct str *manifest, struct build *b)
{
	struct store_meta m = {.flags = META_WHITEOUT | META_PRINT, .print = *print};
	if (!print->known)
		m.flags &= ~(unsigned)META_PRINT;
	int r = build_file(s, 0600, b);
	if (!r)
		r = meta_store(b->fd, NULL, &m);
	if (!r && manifest && manifest->len)
		r = sys_write_full(b->fd, manifest->p, manifest->len);
	return r;
}

int whiteout_make(struct store *s, int dir, const char *name, const struct store_print *print,
	const struct str *manifest, bool over_file)
{
	struct build b = BUILD_INIT;
	int r = whiteout_build(s, print, manifest, &b);
	if (!r)
		r = build_place(s, &b, dir, name, over_file);
	build_drop(s, &b);
	return r;
}

int whiteout_over_dir(struct store *s, int dir, const char *name, const struct store_print *print,
	const struct str *manifest)
{
	struct build b = BUILD_INIT;
	int r = whiteout_build(s, print, manifest, &b);
	if (!r && !b.temp[0]) {
		sys_temp_name(b.temp, "w");
		r = sys_link_fd(b.fd, s->work, b.temp);
	}
	/* One step for the name; the old directory, which held only whiteouts, is in work/ then. */
	if (!r)
		r = sys_rename(s->work, b.temp, dir, name, RENAME_EXCHANGE);
	build_drop(s, &b);
	return r;
}

void manifest_add(
	struct str *manifest, const char *prefix, const char *name, const struct store_print *print)
{
	struct manifest_print mp = {.exists = print->exists,
		.known = print->known,
		.mode = print->mode,
		.uid = print->uid,
		.gid = print->gid,
		.ino = print->ino,
		.size = print->size,
		.mtime_ns = print->mtime_ns,
		.ctime_ns = print->ctime_ns};
	if (prefix) {
		str_add(manifest, prefix);
		str_add_char(manifest, '/');
	}
	str_add_mem(manifest, name, strlen(name) + 1);
	str_add_mem(manifest, &mp, sizeof mp);
}

static int manifest_each(const struct str *manifest,
	int (*fn)(const char *path, const struct store_print *print, void *arg), void *arg)
{
	size_t at = 0;
	while (at < manifest->len) {
		const char *path = manifest->p + at;
		size_t len = strnlen(path, manifest->len - at);
		struct manifest_print mp;
		if (manifest->len - at < len + 1 + sizeof mp)
			return -EIO;
		memcpy(&mp, path + len + 1, sizeof mp);
		struct store_print print = {.known = mp.known != 0,
			.exists = mp.exists != 0,
			.mode = mp.mode,
			.uid = mp.uid,
			.gid = mp.gid,
			.ino = mp.ino,
			.size = mp.size,
			.mtime_ns = mp.mtime_ns,
			.ctime_ns = mp.ctime_ns};
		int r = fn(path, &print, arg);
		if (r)
			return r;
		at += len + 1 + sizeof mp;
	}
	return 0;
}

int manifest_read(int dir, const char *name, struct str *ret)
{
	char *text cleanup_free = NULL;
	size_t len;
	int r = sys_read_file(dir, name, MANIFEST_BYTES_MAX, &text, &len);
	if (r)
		return r;
	str_add_mem(ret, text, len);
	return ret->failed ? -ENOMEM : 0;
}

struct below {
	const char *name;
	size_t len;
	struct str *ret;
};

static int add_below(const char *path, const struct store_print *print, void *arg)
{
	struct below *b = arg;
	if (!strncmp(path, b->name, b->len) && path[b->len] == '/')
		manifest_add(b->ret, NULL, path + b->len + 1, print);
	return 0;
}

int manifest_below(const struct str *manifest, const char *name, struct str *ret)
{
	struct below b = {name, strlen(name), ret};
	int r = manifest_each(manifest, add_below, &b);
	return r ? r : ret->failed ? -ENOMEM : 0;
}

struct gather {
	struct store *s;
	const struct store_dir *child;
	struct str *manifest;
	const char *prefix;
};

static int add_nested(const char *path, const struct store_print *print, void *arg)
{
	struct gather *g = arg;
	manifest_add(g->manifest, g->prefix, path, print);
	return 0;
}

static int gather_upper(const struct dirent *entry, void *arg)
{
	const char *name = entry->d_name;
	struct gather *g = arg;
	struct store_object o;
	struct str nested cleanup_str = STR_INIT;
	int r = store_lookup(g->s, g->child, name, &o);
	if (!r)
		return -ENOTEMPTY;
	if (r != -ENOENT)
		return r;
	manifest_add(g->manifest, NULL, name, &o.base);
	if (!o.base.exists || !S_ISDIR(o.base.mode))
		return 0;
	r = manifest_read(g->child->upper, name, &nested);
	if (r)
		return r;
	struct gather below = {g->s, g->child, g->manifest, name};
	return manifest_each(&nested, add_nested, &below);
}

static int check_lower(const struct dirent *entry, void *arg)
{
	const char *name = entry->d_name;
	struct gather *g = arg;
	struct store_object o;
	int r = store_lookup(g->s, g->child, name, &o);
	return r == -ENOENT ? 0 : r ? r : -ENOTEMPTY;
}

int manifest_gather(struct store *s, const struct store_dir *child, struct str *manifest)
{
	struct gather g = {s, child, manifest, NULL};
	int r = 0;
	if (child->upper >= 0)
		r = dir_each(child->upper, gather_upper, &g);
	if (!r && child->lower >= 0)
		r = dir_each(child->lower, check_lower, &g);
	return r ? r : manifest->failed ? -ENOMEM : 0;
}

int store_whiteout_manifest(struct store *s, const struct store_dir *dir, const char *name,
	int (*fn)(const char *path, const struct store_print *print, void *arg), void *arg)
{
	struct str manifest cleanup_str = STR_INIT;
	struct store_object o;
	char in_index[24];
	int r = store_lookup(s, dir, name, &o);
	if (r && r != -ENOENT)
		return r;
	if (o.whiteout) {
		struct statx stx;
		r = sys_statx(dir->upper, name, &stx);
		if (!r && S_ISREG(stx.stx_mode))
			r = manifest_read(dir->upper, name, &manifest);
	} else if (o.opaque) {
		manifest_name(o.key.ino, in_index);
		r = manifest_read(s->index, in_index, &manifest);
	} else {
		r = -ENOENT;
	}
	return r ? r : manifest_each(&manifest, fn, arg);
}
