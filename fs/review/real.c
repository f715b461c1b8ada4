/* SPDX-License-Identifier: MIT */
/*
 * Ways into the real tree. Programs outside, and the job through its grants, may change it while
 * it is looked at: every directory is opened from the root's own descriptor with no symlink on the
 * way, and only then is one component looked at below it.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "review_i.h"

void rel_split(const char *rel, char dir[static PATH_MAX], const char **ret_name)
{
	const char *slash = strrchr(rel, '/');
	size_t len = slash ? (size_t)(slash - rel) : 0;
	if (len >= PATH_MAX)
		len = PATH_MAX - 1;
	memcpy(dir, rel, len);
	dir[len] = '\0';
	*ret_name = slash ? slash + 1 : rel;
}

int real_open_dir(const struct review_root *root, const char *rel)
{
	int real = store_real(root->store);
	return sys_open_beneath(real, *rel ? rel : ".", O_PATH | O_DIRECTORY, 0);
}

int real_cache_dir(struct real_cache *cache, const struct review_root *root, const char *rel,
	const char **ret_name)
{
	char dir[PATH_MAX];
	rel_split(rel, dir, ret_name);
	if (!**ret_name)
		*ret_name = ".";
	if (cache->valid && cache->root == root && strcmp(cache->dir, dir) == 0)
		return cache->fd;
	real_cache_drop(cache);
	cache->root = root;
	memcpy(cache->dir, dir, strlen(dir) + 1);
	cache->fd = real_open_dir(root, dir);
	cache->valid = true;
	return cache->fd;
}

void real_cache_drop(struct real_cache *cache)
{
	(void)fd_close(cache->fd);
	cache->fd = -1;
	cache->valid = false;
}

int real_print(struct real_cache *cache, const struct review_root *root, const char *rel,
	struct store_print *ret)
{
	const char *name;
	int dir = real_cache_dir(cache, root, rel, &name);
	if (dir == -ENOENT || dir == -ENOTDIR || dir == -ELOOP) {
		*ret = (struct store_print){.known = true};
		return 0;
	}
	return dir < 0 ? dir : store_print_of(dir, name, ret);
}
