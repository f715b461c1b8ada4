/* SPDX-License-Identifier: MIT */
/*
 * Copying a file's data, the cheapest way first. Each way may fail at any point and the next one
 * takes over where it stopped; only the last way's errors count. Holes are never written, so a
 * sparse file stays sparse even where the data has to pass through memory.
 *
 * SEEK_DATA has no positioned form: the offset of from is put back at the end, which is enough
 * for descriptors that are otherwise used with pread(2) and pwrite(2) alone.
 */
#include <writfs/copy.h>

#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <linux/fs.h>

#include <writfs/cleanup.h>

#define COPY_BUFFER_BYTES (256u << 10)
#define COPY_RANGE_MAX ((size_t)64 << 20) /* per call, so that a signal is noticed */
#define CLONE_PAIRS_MAX 16

/* File system pairs that cannot share extents: asking again would cost a call for every file. */
static struct clone_pair {
	dev_t from, to;
} clone_pairs[CLONE_PAIRS_MAX];
static unsigned clone_pairs_used;
static pthread_mutex_t clone_lock = PTHREAD_MUTEX_INITIALIZER;

static bool clone_is_hopeless(dev_t from, dev_t to)
{
	bool found = false;
	(void)pthread_mutex_lock(&clone_lock);
	for (unsigned i = 0; i < clone_pairs_used && i < CLONE_PAIRS_MAX && !found; i++)
		found = clone_pairs[i].from == from && clone_pairs[i].to == to;
	(void)pthread_mutex_unlock(&clone_lock);
	return found;
}

static void clone_remember(dev_t from, dev_t to)
{
	(void)pthread_mutex_lock(&clone_lock);
	clone_pairs[clone_pairs_used++ % CLONE_PAIRS_MAX] = (struct clone_pair){from, to};
	(void)pthread_mutex_unlock(&clone_lock);
}

static bool copy_clone(int from, int to, const struct stat *from_st, dev_t to_dev)
{
	if (from_st->st_size == 0 || clone_is_hopeless(from_st->st_dev, to_dev))
		return false;
	if (ioctl(to, FICLONE, from) == 0)
		return true;
	/* EINVAL and others can be one file's own trouble: only these speak of the pair. */
	if (errno == EOPNOTSUPP || errno == ENOTTY || errno == EXDEV || errno == ENOSYS)
		clone_remember(from_st->st_dev, to_dev);
	return false;
}

/* Copies [at, end) through memory. *ret_at: where it stopped (early at the end of from). */
static int copy_through_memory(int from, int to, off_t at, off_t end, off_t *ret_at)
{
	char *buffer cleanup_free = malloc(COPY_BUFFER_BYTES);
	if (!buffer)
		return -ENOMEM;
	while (at < end) {
		size_t want = COPY_BUFFER_BYTES;
		if (end - at < (off_t)want)
			want = (size_t)(end - at);
		ssize_t got = pread(from, buffer, want, at);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (got == 0)
			break;
		for (ssize_t done = 0; done < got;) {
			ssize_t n = pwrite(to, buffer + done, (size_t)(got - done), at + done);
			if (n < 0 && errno == EINTR)
				continue;
			if (n < 0)
				return -errno;
			done += n;
		}
		at += got;
	}
	*ret_at = at;
	return 0;
}

/* Copies [at, end). *ret_at as above; *in_kernel is cleared when copy_file_range does not do. */
static int copy_extent(int from, int to, off_t at, off_t end, bool *in_kernel, off_t *ret_at)
{
	while (*in_kernel && at < end) {
		size_t want = COPY_RANGE_MAX;
		if (end - at < (off_t)want)
			want = (size_t)(end - at);
		loff_t in = at;
		loff_t out = at;
		ssize_t n = copy_file_range(from, &in, to, &out, want, 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && (errno == ENOSPC || errno == EDQUOT || errno == EFBIG))
			return -errno;
		/* 0 before the end: either from shrank or a file system that lies; read tells. */
		if (n <= 0)
			*in_kernel = false;
		else
			at += n;
	}
	if (at >= end) {
		*ret_at = at;
		return 0;
	}
	return copy_through_memory(from, to, at, end, ret_at);
}

static int copy_extents(int from, int to, off_t end, off_t *ret_end)
{
	bool in_kernel = true;
	off_t at = 0;
	while (at < end) {
		off_t data = lseek(from, at, SEEK_DATA);
		if (data < 0 && errno == ENXIO)
			break; /* a hole to the end */
		off_t hole = data < 0 ? -1 : lseek(from, data, SEEK_HOLE);
		if (data < 0) {
			data = at;
			hole = end;
		}
		if (hole < 0 || hole > end)
			hole = end;
		if (data >= end)
			break;
		int r = copy_extent(from, to, data, hole, &in_kernel, &at);
		if (r < 0)
			return r;
		if (at < hole) { /* from was cut meanwhile */
			*ret_end = at;
			return 0;
		}
	}
	*ret_end = end;
	return 0;
}

int copy_data(int from, int to, off_t limit)
{
	struct stat from_st;
	struct stat to_st;
	if (fstat(from, &from_st) < 0 || fstat(to, &to_st) < 0)
		return -errno;
	off_t end = from_st.st_size;
	if (limit >= 0 && limit < end)
		end = limit;
	if (end > 0 && copy_clone(from, to, &from_st, to_st.st_dev)) {
		if (end < from_st.st_size && ftruncate(to, end) < 0)
			return -errno;
		return 0;
	}
	off_t offset = lseek(from, 0, SEEK_CUR);
	off_t copied = 0;
	int r = copy_extents(from, to, end, &copied);
	if (offset >= 0)
		(void)lseek(from, offset, SEEK_SET);
	if (r < 0)
		return r;
	return ftruncate(to, copied) < 0 ? -errno : 0;
}
