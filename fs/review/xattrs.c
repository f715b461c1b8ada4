/* SPDX-License-Identifier: MIT */
/*
 * Extended attributes as review compares them: one sorted list of "name\0length value" for what the
 * job shows and for what is real.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "review_i.h"

#define XATTR_NAMES_BYTES 65536
#define XATTR_BYTES 65536

/* Labels of security modules belong to the place, not to the program. */
static bool xattr_counts(const char *attr)
{
	return (strncmp(attr, "user.", 5) == 0 && strncmp(attr, "user.writfs", 11) != 0) ||
	       strncmp(attr, "system.posix_acl_", 17) == 0 ||
	       strcmp(attr, "security.capability") == 0;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

typedef ssize_t (*xattr_get_fn)(const void *arg, const char *attr, void *value, size_t size);

static int xattrs_gather(
	char *names, size_t len, xattr_get_fn get, const void *arg, struct str *ret)
{
	const char **sorted cleanup_free = NULL;
	size_t count = 0, cap = 0;
	char *value cleanup_free = NULL;
	for (size_t at = 0; at < len; at += strlen(names + at) + 1) {
		if (!xattr_counts(names + at))
			continue;
		int r = array_grow(&sorted, count, &cap, sizeof *sorted);
		if (r)
			return r;
		sorted[count++] = names + at;
	}
	if (!count)
		return 0;
	value = malloc(XATTR_BYTES);
	if (!value)
		return -ENOMEM;
	qsort(sorted, count, sizeof *sorted, compare_names);
	for (size_t i = 0; i < count; i++) {
		ssize_t n = get(arg, sorted[i], value, XATTR_BYTES);
		if (n == -ENODATA)
			continue;
		if (n < 0)
			return (int)n;
		str_add_mem(ret, sorted[i], strlen(sorted[i]) + 1);
		str_add_mem(ret, &n, sizeof n);
		str_add_mem(ret, value, (size_t)n);
	}
	return ret->failed ? -ENOMEM : 0;
}

static ssize_t get_shown(const void *arg, const char *attr, void *value, size_t size)
{
	const struct shown_object *s = arg;
	return store_getxattr(s->store, s->dir, s->name, s->object, attr, value, size);
}

int xattrs_of_shown(const struct shown_object *shown, struct str *ret)
{
	char *names cleanup_free = malloc(XATTR_NAMES_BYTES);
	if (!names)
		return -ENOMEM;
	ssize_t n = store_listxattr(
		shown->store, shown->dir, shown->name, shown->object, names, XATTR_NAMES_BYTES);
	if (n == -EOPNOTSUPP)
		return 0;
	return n < 0 ? (int)n : xattrs_gather(names, (size_t)n, get_shown, shown, ret);
}

struct real_name {
	int dir;
	const char *name;
};

static ssize_t get_real(const void *arg, const char *attr, void *value, size_t size)
{
	const struct real_name *real = arg;
	return sys_getxattr(real->dir, real->name, attr, value, size);
}

int xattrs_of_real(int dir, const char *name, struct str *ret)
{
	struct real_name real = {dir, name};
	char *names cleanup_free = malloc(XATTR_NAMES_BYTES);
	if (!names)
		return -ENOMEM;
	ssize_t n = sys_listxattr(dir, name, names, XATTR_NAMES_BYTES);
	if (n == -EOPNOTSUPP)
		return 0;
	return n < 0 ? (int)n : xattrs_gather(names, (size_t)n, get_real, &real, ret);
}

bool xattr_next(const struct str *list, size_t *at, struct xattr_row *row)
{
	if (*at >= list->len)
		return false;
	row->name = list->p + *at;
	size_t name_len = strlen(row->name) + 1;
	memcpy(&row->len, row->name + name_len, sizeof row->len);
	row->value = row->name + name_len + sizeof row->len;
	*at += name_len + sizeof row->len + (size_t)row->len;
	return true;
}

/* Attributes that the job added, changed or removed are as the real directory's again. */
int xattrs_reset(
	struct store *s, const struct store_dir *dir, const char *name, struct store_object *o)
{
	const struct shown_object shown = {s, dir, name, o};
	struct str mine cleanup_str = STR_INIT;
	struct str real cleanup_str = STR_INIT;
	struct xattr_row row;
	int r = xattrs_of_shown(&shown, &mine);
	if (!r)
		r = xattrs_of_real(dir->lower, name, &real);
	if (r || (mine.len == real.len && (!mine.len || !memcmp(mine.p, real.p, mine.len))))
		return r;
	for (size_t at = 0; !r && xattr_next(&mine, &at, &row);)
		r = store_removexattr(s, dir, name, STORE_SCRATCH, row.name, o);
	for (size_t at = 0; !r && xattr_next(&real, &at, &row);)
		r = store_setxattr(
			s, dir, name, STORE_SCRATCH, row.name, row.value, (size_t)row.len, 0, o);
	return r;
}
