/* SPDX-License-Identifier: MIT */
/*
 * Data. OPEN and OPENDIR answer ENOSYS: the kernel then sends neither again, nor RELEASE for what
 * was opened, and a cached file is opened, read and closed without a request. FLUSH, ACCESS and the
 * lock operations have no handler, which the kernel takes the same way: locks are its own then,
 * right among all processes of the mount.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/fuse.h>
#include <stdlib.h>
#include <sys/uio.h>
#include <unistd.h>

#include "ops.h"

void op_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	(void)ino;
	(void)fi;
	count_request(session_of(req), FUSE_OPEN);
	(void)fuse_reply_err(req, ENOSYS);
}

void op_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	(void)ino;
	(void)fi;
	count_request(session_of(req), FUSE_RELEASE);
	(void)fuse_reply_err(req, 0);
}

static void note_own(struct session *s, fuse_ino_t ino, int fd, bool read)
{
	struct node_view v;
	if (s->o.policy && !table_view(s->table, ino, &v))
		reply_note_own(s, &v, fd, read);
}

void op_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off, struct fuse_file_info *fi)
{
	struct session *s = session_of(req);
	struct fd_ref ref cleanup_fd_ref = FD_REF_INIT;
	(void)fi;
	count_request(s, FUSE_READ);
	int r = data_open_read(s, ino, &ref);
	if (r) {
		(void)fuse_reply_err(req, -r);
		return;
	}
	char *buf cleanup_free = malloc(size ? size : 1);
	if (!buf) {
		(void)fuse_reply_err(req, ENOMEM);
		return;
	}
	size_t done = 0;
	while (done < size) {
		ssize_t n = pread(ref.fd, buf + done, size - done, off + (off_t)done);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && !done) {
			(void)fuse_reply_err(req, errno);
			return;
		}
		if (n <= 0)
			break;
		done += (size_t)n;
	}
	note_own(s, ino, ref.fd, true);
	(void)fuse_reply_buf(req, buf, done);
}

void op_write(fuse_req_t req, fuse_ino_t ino, const char *buf, size_t size, off_t off,
	struct fuse_file_info *fi)
{
	struct session *s cleanup_shared = change_begin(req);
	struct fd_ref ref cleanup_fd_ref = FD_REF_INIT;
	count_request(s, FUSE_WRITE);
	/* Pages of a mapping that are written back belong to no process any more. */
	bool append = !fi->writepage && (fi->flags & O_APPEND);
	int r = data_open_write(req, s, ino, JOURNAL_WRITE, (int64_t)size, &ref);
	if (r) {
		/* A store into a shared mapping that is refused: the page must not go on showing
		 * it. */
		if (fi->writepage)
			notify_data(s->notifier, ino);
		(void)fuse_reply_err(req, -r);
		return;
	}
	size_t done = 0;
	while (done < size) {
		struct iovec iov = {(char *)(uintptr_t)buf + done, size - done};
		ssize_t n = pwritev2(ref.fd, &iov, 1, off + (off_t)done, append ? RWF_APPEND : 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && !done) {
			(void)fuse_reply_err(req, errno);
			return;
		}
		if (n <= 0)
			break;
		done += (size_t)n;
	}
	note_own(s, ino, ref.fd, false);
	(void)fuse_reply_write(req, done);
}

static int sync_fd(int fd, bool datasync)
{
	if ((datasync ? fdatasync(fd) : fsync(fd)) == 0)
		return 0;
	return -errno;
}

void op_fsync(fuse_req_t req, fuse_ino_t ino, int datasync, struct fuse_file_info *fi)
{
	struct session *s = session_of(req);
	struct fd_ref ref cleanup_fd_ref = FD_REF_INIT;
	(void)fi;
	count_request(s, FUSE_FSYNC);
	int r = data_open_read(s, ino, &ref);
	if (!r)
		r = sync_fd(ref.fd, datasync != 0);
	(void)fuse_reply_err(req, -r);
}

static int sync_dir(int fd)
{
	if (fd < 0)
		return 0;
	int dir cleanup_fd = sys_reopen(fd, O_RDONLY | O_DIRECTORY);
	/* A directory that we may enter but not read cannot be synced by its user either. */
	if (dir < 0)
		return dir == -EACCES ? 0 : dir;
	return sync_fd(dir, false);
}

void op_fsyncdir(fuse_req_t req, fuse_ino_t ino, int datasync, struct fuse_file_info *fi)
{
	struct session *s = session_of(req);
	struct fd_ref ref cleanup_fd_ref = FD_REF_INIT;
	(void)datasync;
	(void)fi;
	count_request(s, FUSE_FSYNCDIR);
	int r = node_dir(s, slot_of(ino), &ref);
	if (!r)
		r = sync_dir(ref.upper);
	if (!r)
		r = sync_dir(ref.fd);
	(void)fuse_reply_err(req, -r);
}

void op_fallocate(fuse_req_t req, fuse_ino_t ino, int mode, off_t offset, off_t length,
	struct fuse_file_info *fi)
{
	struct session *s cleanup_shared = change_begin(req);
	struct fd_ref ref cleanup_fd_ref = FD_REF_INIT;
	(void)fi;
	count_request(s, FUSE_FALLOCATE);
	int r = data_open_write(req, s, ino, JOURNAL_WRITE, 0, &ref);
	if (!r && fallocate(ref.fd, mode, offset, length) < 0)
		r = -errno;
	if (!r)
		note_own(s, ino, ref.fd, false);
	(void)fuse_reply_err(req, -r);
}

void op_lseek(fuse_req_t req, fuse_ino_t ino, off_t off, int whence, struct fuse_file_info *fi)
{
	struct session *s = session_of(req);
	struct fd_ref ref cleanup_fd_ref = FD_REF_INIT;
	(void)fi;
	count_request(s, FUSE_LSEEK);
	int r = data_open_read(s, ino, &ref);
	/* SEEK_DATA and SEEK_HOLE only: the shared descriptor's position means nothing. */
	off_t at = r ? 0 : lseek(ref.fd, off, whence);
	if (r || at < 0)
		(void)fuse_reply_err(req, r ? -r : errno);
	else
		(void)fuse_reply_lseek(req, at);
}

void op_copy_file_range(fuse_req_t req, fuse_ino_t ino_in, off_t off_in,
	struct fuse_file_info *fi_in, fuse_ino_t ino_out, off_t off_out,
	struct fuse_file_info *fi_out, size_t len, int flags)
{
	struct session *s cleanup_shared = change_begin(req);
	struct fd_ref in cleanup_fd_ref = FD_REF_INIT, out cleanup_fd_ref = FD_REF_INIT;
	(void)fi_in;
	(void)fi_out;
	count_request(s, FUSE_COPY_FILE_RANGE);
	int r = data_open_write(req, s, ino_out, JOURNAL_WRITE, (int64_t)len, &out);
	/* After the target, whose copy-up may change what the source's descriptor stands for. */
	if (!r)
		r = data_open_read(s, ino_in, &in);
	ssize_t n = 0;
	if (!r) {
		n = copy_file_range(in.fd, &off_in, out.fd, &off_out, len, (unsigned)flags);
		if (n < 0)
			r = -errno;
	}
	if (!r)
		note_own(s, ino_out, out.fd, false);
	if (r)
		(void)fuse_reply_err(req, -r);
	else
		(void)fuse_reply_write(req, (size_t)n);
}

void op_ioctl(fuse_req_t req, fuse_ino_t ino, unsigned int cmd, void *arg,
	struct fuse_file_info *fi, unsigned flags, const void *in_buf, size_t in_bufsz,
	size_t out_bufsz)
{
	(void)ino;
	(void)cmd;
	(void)arg;
	(void)fi;
	(void)flags;
	(void)in_buf;
	(void)in_bufsz;
	(void)out_bufsz;
	count_request(session_of(req), FUSE_IOCTL);
	(void)fuse_reply_err(req, ENOTTY);
}
