/* SPDX-License-Identifier: MIT */
/* Which extended attributes a change adds, changes and removes: names only, values may be bytes. */
#include <errno.h>
#include <string.h>

#include "review_i.h"

static void say(struct str *out, const char *what, const char *name)
{
	str_add(out, out->len ? ", " : "attribute ");
	str_addf(out, "%s ", what);
	str_add_escaped(out, name, strlen(name));
}

static void compare(const struct str *old, const struct str *new, struct str *out)
{
	size_t old_at = 0, new_at = 0;
	struct xattr_row a, b;
	bool have_a = xattr_next(old, &old_at, &a), have_b = xattr_next(new, &new_at, &b);
	while (have_a || have_b) {
		int order = !have_a ? 1 : !have_b ? -1 : strcmp(a.name, b.name);
		if (order < 0)
			say(out, "removed", a.name);
		else if (order > 0)
			say(out, "added", b.name);
		else if (a.len != b.len || memcmp(a.value, b.value, (size_t)a.len) != 0)
			say(out, "changed", a.name);
		if (order <= 0)
			have_a = xattr_next(old, &old_at, &a);
		if (order >= 0)
			have_b = xattr_next(new, &new_at, &b);
	}
}

int diff_xattrs(struct review *r, const struct change *c, struct str *out)
{
	const struct review_root *root = &r->roots[c->root];
	struct str old cleanup_str = STR_INIT;
	struct str new cleanup_str = STR_INIT;
	struct store_dir dir = {-1, -1};
	struct store_object o;
	char parent[PATH_MAX];
	const char *name;
	rel_split(change_rel(r, c), parent, &name);
	int real cleanup_fd = real_open_dir(root, parent);
	if (real < 0)
		return real;
	int status = *name ? store_resolve(root->store, parent, false, &dir)
			   : store_dir_root(root->store, &dir);
	if (!status)
		status = *name ? store_lookup(root->store, &dir, name, &o)
			       : store_lookup_root(root->store, &o);
	const struct shown_object shown = {root->store, &dir, *name ? name : ".", &o};
	if (!status)
		status = xattrs_of_shown(&shown, &new);
	if (!status)
		status = xattrs_of_real(real, *name ? name : ".", &old);
	store_dir_close(&dir);
	if (status)
		return status;
	compare(&old, &new, out);
	return out->failed ? -ENOMEM : 0;
}
