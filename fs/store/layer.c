/* SPDX-License-Identifier: MIT */
/*
 * Opening and closing a store: the descriptors of both layers and the format's checks. A store that
 * opens can do everything that its format asks of the file system; one that cannot says why, before
 * any program runs on it. What lies in work/ was never given a name, so it is nobody's: emptied.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "store_i.h"

static int make_subdir(int dir, const char *name, bool read_only, int *ret)
{
	if (!read_only && mkdirat(dir, name, 0700) < 0 && errno != EEXIST)
		return -errno;
	int fd = openat(dir, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	*ret = fd;
	return 0;
}

/* The meta lives in user.* attributes; tmpfs has them since Linux 6.6, NFS mostly not. */
static int check_xattrs(struct store *s, struct err *e)
{
	struct build b = BUILD_INIT;
	int r = build_file(s, 0600, &b);
	if (r)
		return err_errno(e, -r, "scratch cannot be written");
	if (fsetxattr(b.fd, META_XATTR, "", 0, 0) < 0)
		r = err_set(e, errno,
			"scratch lies on a file system without user attributes: %s; set "
			"XDG_STATE_HOME to a directory on ext4, xfs, btrfs or a newer tmpfs",
			strerror(errno));
	build_drop(s, &b);
	return r;
}

static int check_format(struct store *s, struct err *e)
{
	char text[16];
	int n = snprintf(text, sizeof text, "%d\n", STORE_FORMAT);
	char *found cleanup_free = NULL;
	size_t len;
	int r = sys_read_file(s->scratch, "format", 64, &found, &len);
	if (r == -ENOENT && !s->read_only)
		return sys_write_file(s->scratch, "format", text, (size_t)n, 0600);
	if (r)
		return err_errno(e, -r, "scratch has no readable format file");
	if (atoi(found) != STORE_FORMAT)
		return err_set(e, EPROTONOSUPPORT,
			"scratch has format %d, this writ knows %d; use the writ that made it",
			atoi(found), STORE_FORMAT);
	return 0;
}

static void clean_work(struct store *s)
{
	int fd = sys_reopen(s->work, O_RDONLY | O_DIRECTORY);
	if (fd < 0)
		return;
	DIR *d cleanup_dir = fdopendir(fd);
	if (!d) {
		(void)fd_close(fd);
		return;
	}
	struct dirent *entry;
	while ((entry = readdir(d)))
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			(void)sys_remove_tree(s->work, entry->d_name);
}

static bool dir_has_entries(int dir)
{
	int fd = sys_reopen(dir, O_RDONLY | O_DIRECTORY);
	if (fd < 0)
		return false;
	DIR *d cleanup_dir = fdopendir(fd);
	if (!d) {
		(void)fd_close(fd);
		return false;
	}
	struct dirent *entry;
	while ((entry = readdir(d)))
		if (entry->d_name[0] != '.')
			return true;
	return false;
}

static int probe_layers(struct store *s, struct err *e)
{
	struct statx real, tree;
	int r = sys_statx(s->real, "", &real);
	if (!r)
		r = sys_statx(s->tree, "", &tree);
	if (r)
		return err_errno(e, -r, "cannot look at the root");
	s->real_dev = (uint64_t)real.stx_dev_major << 32 | real.stx_dev_minor;
	s->scratch_dev = (uint64_t)tree.stx_dev_major << 32 | tree.stx_dev_minor;
	s->same_mount = s->real_dev == s->scratch_dev && real.stx_mnt_id == tree.stx_mnt_id;
	atomic_store(&s->index_used, dir_has_entries(s->index));
	return 0;
}

/* umask(2) can only be read by setting it, which other threads would see; proc_pid_status(5). */
static mode_t own_umask(void)
{
	char *text cleanup_free = NULL;
	size_t len;
	if (sys_read_file(AT_FDCWD, "/proc/self/status", 1 << 16, &text, &len))
		return 0777;
	const char *line = strstr(text, "\nUmask:");
	return line ? (mode_t)strtoul(line + 7, NULL, 8) : 0777;
}

static int store_setup(struct store *s, const struct store_options *options, struct err *e)
{
	s->real = openat(options->real, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	s->scratch = openat(options->scratch, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (s->real < 0 || s->scratch < 0)
		return err_errno(e, errno, "cannot open the root or its scratch");
	const struct {
		const char *name;
		int *fd;
	} dirs[] = {{"tree", &s->tree}, {"index", &s->index}, {"base", &s->base},
		{"kept", &s->kept}, {"work", &s->work}};
	for (size_t i = 0; i < sizeof dirs / sizeof dirs[0]; i++) {
		int r = make_subdir(s->scratch, dirs[i].name, options->read_only, dirs[i].fd);
		if (r)
			return err_errno(e, -r, "scratch: %s", dirs[i].name);
	}
	int r = check_format(s, e);
	if (r)
		return r;
	r = probe_layers(s, e);
	if (r || options->read_only)
		return r;
	clean_work(s);
	return check_xattrs(s, e);
}

int store_open(const struct store_options *options, struct store **ret, struct err *e)
{
	struct store *s cleanup_with(store_freep) = calloc(1, sizeof *s);
	if (!s)
		return err_set(e, ENOMEM, "out of memory");
	s->real = s->scratch = s->tree = s->index = s->base = s->kept = s->work = -1;
	(void)pthread_mutex_init(&s->group_lock, NULL);
	s->read_only = options->read_only;
	s->euid = geteuid();
	s->egid = getegid();
	s->umask = own_umask();
	int r = store_setup(s, options, e);
	if (r)
		return r;
	*ret = steal_ptr(&s);
	return 0;
}

void store_set_umask(struct store *s, mode_t mask)
{
	s->umask = mask;
}

void store_free(struct store *s)
{
	if (!s)
		return;
	int *fds[] = {&s->real, &s->scratch, &s->tree, &s->index, &s->base, &s->kept, &s->work};
	for (size_t i = 0; i < sizeof fds / sizeof fds[0]; i++)
		*fds[i] = fd_close(*fds[i]);
	(void)pthread_mutex_destroy(&s->group_lock);
	free(s);
}

void store_freep(struct store **s)
{
	store_free(*s);
	*s = NULL;
}

int store_real(const struct store *s)
{
	return s->real;
}

int store_tree(const struct store *s)
{
	return s->tree;
}

int store_base(const struct store *s)
{
	return s->base;
}

int store_kept(const struct store *s)
{
	return s->kept;
}

bool store_same_mount(const struct store *s)
{
	return s->same_mount;
}
