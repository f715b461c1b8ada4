/* SPDX-License-Identifier: MIT */
/*
 * Inodes whose ctime apply itself has changed. A file that has several names and loses one to base/
 * shows another ctime under the others; that is no change from outside. base/ keeps those inodes,
 * so that a later apply knows them, too.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "steps.h"

struct touched {
	uint64_t *inos;
	size_t count, cap;
	bool loaded;
};

struct touched *touched_new(void)
{
	return calloc(1, sizeof(struct touched));
}

void touched_free(struct touched *t)
{
	if (t)
		free(t->inos);
	free(t);
}

static void add(struct touched *t, uint64_t ino)
{
	/* Without memory a conflict is shown that is none: the careful side. */
	if (!array_grow(&t->inos, t->count, &t->cap, sizeof *t->inos))
		t->inos[t->count++] = ino;
}

static void load(const struct review_root *root)
{
	struct touched *t = root->touched;
	struct dirent *entry;
	t->loaded = true;
	if (!store_same_mount(root->store))
		return; /* copies lie there */
	int fd = sys_reopen(store_base(root->store), O_RDONLY | O_DIRECTORY);
	DIR *d cleanup_dir = fd < 0 ? NULL : fdopendir(fd);
	if (!d) {
		(void)fd_close(fd);
		return;
	}
	while ((entry = readdir(d)))
		add(t, entry->d_ino);
}

void touched_add(const struct review_root *root, const struct store_print *was)
{
	if (was->exists && !S_ISDIR(was->mode))
		add(root->touched, was->ino);
}

bool print_is(const struct review_root *root, const struct store_print *was,
	const struct store_print *now)
{
	struct touched *t = root->touched;
	if (store_print_equal(was, now))
		return true;
	if (!was->known || !was->exists || !keep_is_expected(now, was))
		return false;
	if (!t->loaded)
		load(root);
	for (size_t i = t->count; i-- > 0;)
		if (t->inos[i] == now->ino)
			return true;
	return false;
}
