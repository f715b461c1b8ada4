/* SPDX-License-Identifier: MIT */
/*
 * journal.jsonl from the writing side: appended in whole lines, and reopened so that every record
 * of the ring comes into it exactly once. The number of a record is what makes that possible: the
 * ring's tail may be older than the file (a kill between the write and the store of the tail), so
 * records that the file has already, by their numbers, are passed over.
 */
#include "journal_i.h"

#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <writfs/cleanup.h>
#include <writfs/log.h>
#include <writfs/sys.h>

#define FILE_BATCH_BYTES (4u * JOURNAL_LINE_MAX)
#define FILE_TAIL_FIRST (2 * (off_t)JOURNAL_LINE_MAX)
/* A killed daemon gives its lock up with its last thread: that may take a moment. */
#define FILE_LOCK_MS 2000
#define FILE_LOCK_STEP_MS 10

static int file_lock(int fd)
{
	for (int waited_ms = 0;; waited_ms += FILE_LOCK_STEP_MS) {
		if (flock(fd, LOCK_EX | LOCK_NB) == 0)
			return 0;
		if (errno == EINTR)
			continue;
		if (errno != EWOULDBLOCK)
			return -errno;
		if (waited_ms >= FILE_LOCK_MS)
			return -EBUSY;
		(void)usleep(FILE_LOCK_STEP_MS * 1000);
	}
}

/* The number in a whole record, 0 if text is none. */
static uint64_t line_seq(const char *text, size_t len)
{
	cJSON *json = NULL;
	struct journal_line line;
	if (len > JOURNAL_LINE_MAX || journal_line_parse(text, len, &line, &json) < 0)
		return 0;
	cJSON_Delete(json);
	return line.seq;
}

/* The last number among the lines of text, the first of which may be a part; 0: none. */
static uint64_t text_last_seq(const char *text, size_t len)
{
	while (len) {
		const char *newline = memrchr(text, '\n', len);
		size_t start = newline ? (size_t)(newline - text) + 1 : 0;
		uint64_t seq = line_seq(text + start, len - start);
		if (seq || !newline)
			return seq;
		len = start - 1;
	}
	return 0;
}

/* Looks from the end backwards, further and further, for the last record. */
static int file_last_seq(int fd, off_t size, bool *ret_torn, uint64_t *ret_seq)
{
	for (off_t want = FILE_TAIL_FIRST;; want *= 4) {
		off_t start = size > want ? size - want : 0;
		size_t len = (size_t)(size - start);
		char *text cleanup_free = malloc(len + 1);
		if (!text)
			return -ENOMEM;
		ssize_t n = pread(fd, text, len, start);
		if (n != (ssize_t)len)
			return n < 0 ? -errno : -EIO;
		*ret_torn = len && text[len - 1] != '\n';
		*ret_seq = text_last_seq(text, len);
		if (*ret_seq || start == 0)
			return 0;
	}
}

int journal_file_open(int dirfd, struct journal_file *ret, uint64_t *ret_seq, struct err *e)
{
	int fd cleanup_fd = sys_open_at(dirfd, JOURNAL_FILE, O_RDWR | O_CREAT | O_APPEND, 0600);
	if (fd < 0)
		return err_errno(e, -fd, "cannot open %s", JOURNAL_FILE);
	int r = file_lock(fd);
	if (r == -EBUSY)
		return err_set(e, EBUSY, "%s: another writ is writing it", JOURNAL_FILE);
	struct stat st;
	if (r == 0 && fstat(fd, &st) < 0)
		r = -errno;
	struct journal_file file = {.fd = fd};
	if (r == 0) {
		file.size = st.st_size;
		r = file_last_seq(fd, file.size, &file.torn, ret_seq);
	}
	if (r == 0 && file.torn)
		r = journal_file_append(&file, "", 0);
	if (r < 0)
		return err_errno(e, -r, "cannot use %s", JOURNAL_FILE);
	(void)steal_fd(&fd);
	*ret = file;
	return 0;
}

int journal_file_append(struct journal_file *file, const char *text, size_t len)
{
	if (file->torn) {
		int r = sys_write_full(file->fd, "\n", 1);
		if (r < 0)
			return r;
		file->torn = false;
		file->size++;
	}
	int r = sys_write_full(file->fd, text, len);
	if (r == 0) {
		file->size += (off_t)len;
		return 0;
	}
	/* What part of it was written would be torn, and once more whole later. */
	if (ftruncate(file->fd, file->size) < 0)
		file->torn = true;
	return r;
}

int journal_file_drain(struct journal_file *file, struct ring *ring, uint64_t at, uint64_t head,
	uint64_t *seq, uint64_t *ret_at)
{
	char *batch cleanup_free = malloc(FILE_BATCH_BYTES + JOURNAL_BODY_MAX);
	if (!batch)
		return -ENOMEM;
	char *body = batch + FILE_BATCH_BYTES;
	size_t used = 0;
	uint64_t done = at;
	uint64_t last = *seq;
	int r = 0;
	while (r == 0 && done != head) {
		uint64_t pos = done;
		while (pos != head && FILE_BATCH_BYTES - used >= JOURNAL_LINE_MAX) {
			struct ring_item item;
			if (ring_get(ring, pos, &item, body, &pos) < 0) {
				log_error("%s: the rest of it is damaged and was left out",
					JOURNAL_RING);
				pos = head;
			} else if (item.seq > last) {
				used += journal_format_line(
					batch + used, item.seq, item.time_ns, body, item.len);
				last = item.seq;
			}
		}
		if (used)
			r = journal_file_append(file, batch, used);
		if (r == 0) {
			done = pos;
			*seq = last;
		}
		used = 0;
	}
	*ret_at = done;
	return r;
}
