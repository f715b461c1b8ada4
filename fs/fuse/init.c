/* SPDX-License-Identifier: MIT */
/*
 * Negotiation. What libfuse 3.14 cannot ask for is added to its INIT reply on the way to the
 * kernel, through the custom I/O hooks that it has since 3.13 (fuse_session_custom_io). The bits
 * are the kernel's protocol (include/uapi/linux/fuse.h) and are only set where the kernel offered
 * them.
 *
 * The same hook sees each request's unique number before libfuse does: the request slots need it.
 */
#include <errno.h>
#include <linux/fuse.h>
#include <sys/uio.h>
#include <unistd.h>

#include "fuse_i.h"

/* Newer than Debian 12's headers in part. */
#define INIT_NO_EXPORT (1ULL << 38)

#define MAX_BACKGROUND 64
#define MAX_READAHEAD (1u << 20)

static _Thread_local uint64_t current_unique;
static _Thread_local int current_write_kills = -1;

uint64_t session_unique(void)
{
	return current_unique;
}

int session_write_kills(void)
{
	return current_write_kills;
}

static ssize_t hook_read(int fd, void *buf, size_t len, void *userdata)
{
	struct session *s = userdata;
	ssize_t n = read(fd, buf, len);
	if (n < (ssize_t)sizeof(struct fuse_in_header))
		return n;
	const struct fuse_in_header *header = buf;
	current_unique = header->unique;
	current_write_kills = -1;
	if (header->opcode == FUSE_WRITE &&
		n >= (ssize_t)(sizeof *header + sizeof(struct fuse_write_in))) {
		const struct fuse_write_in *in = (const void *)(header + 1);
		current_write_kills = (in->write_flags & FUSE_WRITE_KILL_SUIDGID) != 0;
	}
	if (header->opcode == FUSE_INIT && n >= (ssize_t)(sizeof *header + 16)) {
		const struct fuse_init_in *in = (const void *)(header + 1);
		s->offered = in->flags;
		s->offered2 = 0;
		if ((in->flags & FUSE_INIT_EXT) && n >= (ssize_t)(sizeof *header + sizeof *in))
			s->offered2 = in->flags2;
		s->init_unique = header->unique;
		s->init_done = false;
	}
	return n;
}

static ssize_t send_init(struct session *s, int fd, const struct iovec *iov)
{
	struct fuse_init_out out;
	memcpy(&out, iov[1].iov_base, sizeof out);
	/* Lookups and listings of one directory at once: the node table is made for it. */
	out.flags |= s->offered & FUSE_PARALLEL_DIROPS;
	/* suid and sgid bits fall in the daemon: no GETXATTR before every write. */
	out.flags |= s->offered & FUSE_HANDLE_KILLPRIV_V2;
	if (s->offered2 & (uint32_t)(INIT_NO_EXPORT >> 32)) {
		out.flags |= FUSE_INIT_EXT;
		out.flags2 |= (uint32_t)(INIT_NO_EXPORT >> 32);
	}
	struct iovec edited[2] = {iov[0], {&out, sizeof out}};
	s->init_done = true;
	return writev(fd, edited, 2);
}

static ssize_t hook_writev(int fd, struct iovec *iov, int count, void *userdata)
{
	struct session *s = userdata;
	const struct fuse_out_header *header = iov[0].iov_base;
	if (!s->init_done && count == 2 && header->unique == s->init_unique &&
		iov[1].iov_len == sizeof(struct fuse_init_out))
		return send_init(s, fd, iov);
	return writev(fd, iov, count);
}

int session_hook_io(struct session *s, int fd)
{
	static const struct fuse_custom_io io = {.read = hook_read, .writev = hook_writev};
	return fuse_session_custom_io(s->se, &io, fd);
}

void session_init_connection(struct session *s, struct fuse_conn_info *conn)
{
	(void)s;
	/* O_TRUNC has to come as SETATTR: with opens that carry nothing it would be lost. */
	conn->want &=
		~(unsigned)(FUSE_CAP_ATOMIC_O_TRUNC | FUSE_CAP_SPLICE_READ | FUSE_CAP_SPLICE_WRITE |
			    FUSE_CAP_SPLICE_MOVE | FUSE_CAP_WRITEBACK_CACHE | FUSE_CAP_FLOCK_LOCKS |
			    FUSE_CAP_POSIX_LOCKS | FUSE_CAP_READDIRPLUS |
			    FUSE_CAP_READDIRPLUS_AUTO | FUSE_CAP_EXPORT_SUPPORT);
	conn->want |= conn->capable & (FUSE_CAP_POSIX_ACL | FUSE_CAP_DONT_MASK |
					      FUSE_CAP_CACHE_SYMLINKS | FUSE_CAP_PARALLEL_DIROPS |
					      FUSE_CAP_AUTO_INVAL_DATA | FUSE_CAP_ASYNC_READ);
	conn->max_write = IO_MAX;
	conn->max_readahead = MAX_READAHEAD;
	conn->max_background = MAX_BACKGROUND;
	conn->congestion_threshold = MAX_BACKGROUND * 3 / 4;
	conn->time_gran = 1;
}
