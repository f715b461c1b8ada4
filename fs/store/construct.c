/* SPDX-License-Identifier: MIT */
/*
 * Objects under construction. A new object is finished (data, attributes, meta) while it has no
 * name in tree/ and gets its name by one linkat(2) or renameat2(2), so that a name never stands for
 * something half made. Files are O_TMPFILE where the file system has it, else a name in work/.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "store_i.h"

int build_file(struct store *s, mode_t disk_mode, struct build *b)
{
	b->temp[0] = '\0';
	b->fd = openat(s->work, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, disk_mode);
	if (b->fd >= 0)
		return 0;
	if (errno != EOPNOTSUPP && errno != EISDIR && errno != ENOENT)
		return -errno;
	sys_temp_name(b->temp, "f");
	b->fd = openat(
		s->work, b->temp, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC | O_NOFOLLOW, disk_mode);
	return b->fd < 0 ? -errno : 0;
}

int build_dir(struct store *s, mode_t disk_mode, struct build *b)
{
	sys_temp_name(b->temp, "d");
	return mkdirat(s->work, b->temp, disk_mode) < 0 ? -errno : 0;
}

static int build_name(struct store *s, struct build *b)
{
	if (b->temp[0])
		return 0;
	sys_temp_name(b->temp, "f");
	int r = sys_link_fd(b->fd, s->work, b->temp);
	if (r)
		b->temp[0] = '\0';
	return r;
}

int build_place(struct store *s, struct build *b, int dir, const char *name, bool over_file)
{
	int r;
	if (!over_file && !b->temp[0])
		return sys_link_fd(b->fd, dir, name);
	r = build_name(s, b);
	if (!r)
		r = sys_rename(s->work, b->temp, dir, name, over_file ? 0 : RENAME_NOREPLACE);
	if (!r)
		b->temp[0] = '\0';
	return r;
}

void build_drop(struct store *s, struct build *b)
{
	b->fd = fd_close(b->fd);
	if (b->temp[0])
		(void)sys_remove_tree(s->work, b->temp);
	b->temp[0] = '\0';
}

/* Only root can give files away; an ordinary user's true owner lives in the meta. */
int build_chown(struct store *s, int fd, uid_t uid, gid_t gid)
{
	if (s->euid != 0 || (uid == s->euid && gid == s->egid))
		return 0;
	return fchown(fd, uid, gid) < 0 ? -errno : 0;
}

void quiet_begin(int dir, struct timespec times[2])
{
	struct statx stx;
	times[0].tv_nsec = UTIME_OMIT;
	times[1].tv_nsec = UTIME_OMIT;
	if (sys_statx(dir, "", &stx))
		return;
	times[1].tv_sec = stx.stx_mtime.tv_sec;
	times[1].tv_nsec = stx.stx_mtime.tv_nsec;
}

void quiet_end(int dir, const struct timespec times[2])
{
	char path[SYS_FD_PATH_MAX];
	if (times[1].tv_nsec != UTIME_OMIT)
		(void)utimensat(AT_FDCWD, sys_fd_path(path, dir, NULL), times, 0);
}
