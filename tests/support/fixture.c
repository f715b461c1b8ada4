/* SPDX-License-Identifier: MIT */
/* The throw-away directory of a test: nothing outside it is touched, and it is gone afterwards. */
#include "fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <writfs/cleanup.h>
#include <writfs/sys.h>

#include "random.h"

/* Opens dir/.probe with a user xattr: tmpfs before Linux 6.6 and some network mounts cannot. */
static bool keeps_xattrs(int dir)
{
	cleanup_fd int fd = openat(dir, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	return fd >= 0 && fsetxattr(fd, "user.writ-probe", "x", 1, 0) == 0;
}

static int make_directory(struct fixture *f)
{
	const char *places[] = {getenv("WRIT_TEST_DIR"), getenv("TMPDIR"), "/tmp", "/var/tmp"};
	for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
		if (!places[i] || !*places[i])
			continue;
		(void)snprintf(f->path, sizeof f->path, "%s/writ-test-XXXXXX", places[i]);
		if (!mkdtemp(f->path))
			continue;
		f->dir = open(f->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (f->dir >= 0 && keeps_xattrs(f->dir))
			return 0;
		f->dir = fd_close(f->dir);
		(void)rmdir(f->path);
	}
	return -ENOTSUP;
}

int fixture_open(struct fixture *f)
{
	*f = (struct fixture){.dir = -1, .real = -1, .scratch = -1};
	/* As in the daemon: a caller's umask comes with its request. */
	(void)umask(0);
	int r = make_directory(f);
	if (r < 0)
		return r;
	if (mkdirat(f->dir, "real", 0755) < 0 || mkdirat(f->dir, "scratch", 0700) < 0)
		return -errno;
	f->real = openat(f->dir, "real", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	f->scratch = openat(f->dir, "scratch", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return f->real < 0 || f->scratch < 0 ? -errno : 0;
}

int fixture_start(struct fixture *f)
{
	struct err e = {0};
	struct store_options options = {.real = f->real, .scratch = f->scratch};
	int r = store_open(&options, &f->store, &e);
	if (r < 0)
		(void)fprintf(stderr, "store_open: %s\n", e.text);
	return r;
}

void fixture_stop(struct fixture *f)
{
	store_free(f->store);
	f->store = NULL;
}

int fixture_restart(struct fixture *f)
{
	fixture_stop(f);
	return fixture_start(f);
}

void fixture_close(struct fixture *f)
{
	fixture_stop(f);
	f->real = fd_close(f->real);
	f->scratch = fd_close(f->scratch);
	f->dir = fd_close(f->dir);
	if (f->path[0])
		(void)sys_remove_tree(AT_FDCWD, f->path);
	f->path[0] = '\0';
}

int fixture_mkdir(const struct fixture *f, const char *path, mode_t mode)
{
	if (mkdirat(f->real, path, 0700) < 0)
		return -errno;
	return fchmodat(f->real, path, mode, 0) < 0 ? -errno : 0;
}

int fixture_data(
	const struct fixture *f, const char *path, mode_t mode, const void *data, size_t len)
{
	cleanup_fd int fd = openat(f->real, path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	int r = sys_write_full(fd, data, len);
	if (r < 0)
		return r;
	return fchmod(fd, mode) < 0 ? -errno : 0;
}

int fixture_file(const struct fixture *f, const char *path, mode_t mode, const char *text)
{
	return fixture_data(f, path, mode, text, strlen(text));
}

int fixture_symlink(const struct fixture *f, const char *path, const char *target)
{
	return symlinkat(target, f->real, path) < 0 ? -errno : 0;
}

int fixture_link(const struct fixture *f, const char *from, const char *to)
{
	return linkat(f->real, from, f->real, to, 0) < 0 ? -errno : 0;
}

int fixture_node(const struct fixture *f, const char *path, mode_t mode)
{
	return mknodat(f->real, path, mode, 0) < 0 ? -errno : 0;
}

int fixture_xattr(
	const struct fixture *f, const char *path, const char *attr, const void *value, size_t size)
{
	char full[PATH_MAX];
	int len = snprintf(full, sizeof full, "%s/real/%s", f->path, path);
	if (len < 0 || (size_t)len >= sizeof full)
		return -ENAMETOOLONG;
	return lsetxattr(full, attr, value, size, 0) < 0 ? -errno : 0;
}

/* One object called path; kinds in about the proportions of a home directory. */
static int populate_one(const struct fixture *f, struct random *r, const char *path)
{
	static const mode_t modes[] = {0644, 0644, 0600, 0755, 0444, 0640, 04755, 02755};
	char text[6000];
	int result;
	switch (random_below(r, 12)) {
	case 0:
		return fixture_symlink(f, path, random_below(r, 2) ? "a" : "../nowhere/at/all");
	case 1:
		return fixture_node(f, path, (random_below(r, 2) ? S_IFIFO : S_IFSOCK) | 0644);
	default:
		break;
	}
	size_t len = random_below(r, 4) ? random_below(r, 300) : random_below(r, sizeof text);
	for (size_t i = 0; i < len; i++)
		text[i] = (char)('a' + random_below(r, 26));
	result = fixture_data(f, path, 0600, text, len);
	if (result == 0 && random_below(r, 4) == 0)
		result = fixture_xattr(f, path, "user.a", text, len > 40 ? 40 : len);
	if (result == 0 && fchmodat(f->real, path, modes[random_below(r, 8)], 0) < 0)
		result = -errno;
	return result;
}

static int populate_dir(const struct fixture *f, struct random *r, const char *path, int depth)
{
	static const mode_t modes[] = {0755, 0755, 0700, 0775};
	for (unsigned i = 0; i < RANDOM_NAMES; i++) {
		char child[PATH_MAX];
		if (random_below(r, 10) < 3)
			continue;
		(void)snprintf(
			child, sizeof child, "%s%s%s", path, *path ? "/" : "", random_names[i]);
		bool dir = depth < 3 && random_below(r, 10) < (depth == 0 ? 6 : 3);
		int result = dir ? fixture_mkdir(f, child, modes[random_below(r, 4)])
				 : populate_one(f, r, child);
		if (result == 0 && dir)
			result = populate_dir(f, r, child, depth + 1);
		if (result < 0)
			return result;
	}
	return 0;
}

int fixture_populate(const struct fixture *f, uint64_t seed, bool groups)
{
	struct random r = {seed};
	int result = populate_dir(f, &r, "", 0);
	if (result < 0)
		return result;
	/* The granted place of the tests, and two groups of hard links. */
	static const char *const dirs[] = {"grant", "grant/in", "links"};
	for (size_t i = 0; i < 3; i++) {
		result = fixture_mkdir(f, dirs[i], 0755);
		if (result < 0)
			return result;
	}
	result = fixture_file(f, "grant/in/three", 0644, "inside");
	if (result < 0 || !groups)
		return result;
	result = fixture_file(f, "links/one", 0644, "one inode, two names");
	if (result == 0)
		result = fixture_link(f, "links/one", "links/two");
	if (result == 0)
		result = fixture_file(f, "links/four", 0600, "one inode, three names");
	if (result == 0)
		result = fixture_link(f, "links/four", "links/five");
	if (result == 0)
		result = fixture_link(f, "links/four", "six");
	return result;
}
