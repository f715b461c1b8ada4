/* SPDX-License-Identifier: MIT */
/* What the files of fs/journal share: the encoded body of a record, the ring, the actors. */
#ifndef WRITFS_JOURNAL_I_H
#define WRITFS_JOURNAL_I_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <writfs/journal.h>
#include <writfs/str.h>

#define JOURNAL_FILE "journal.jsonl"
#define JOURNAL_RING "journal.ring"

/*
 * A line is {"seq":N,"time":"...", and the body, which ends with "}" and no newline. Head and
 * newline are the writer's: the number is known only when the record has its place in the ring.
 */
#define JOURNAL_HEAD_MAX 80
#define JOURNAL_BODY_MAX (JOURNAL_LINE_MAX - JOURNAL_HEAD_MAX - 1)

/* Encodes into buf; the length, or -ENOBUFS if cap is too small. Never for cap JOURNAL_BODY_MAX
 * with cut set, which shortens every string but the paths and says "cut":true. */
ssize_t journal_encode(const struct journal_record *record, bool cut, char *buf, size_t cap);
/* Writes head, body and newline; returns the length. buf has JOURNAL_LINE_MAX bytes. */
size_t journal_format_line(
	char *buf, uint64_t seq, int64_t time_ns, const char *body, size_t body_len);

/* Parses one line without its newline. 0 or -EINVAL. *ret_json owns line's strings. */
int journal_line_parse(const char *text, size_t len, struct journal_line *line, cJSON **ret_json);

/* ---- ring.c: the mapped file; the caller serialises producers and has one consumer ---- */

struct ring_head;

struct ring {
	struct ring_head *head; /* NULL: not open */
	unsigned char *data;
};

struct ring_item {
	uint64_t seq;
	int64_t time_ns;
	size_t len;
};

/* Maps journal.ring, making it if there is none; read_only: -ENOENT then. */
int ring_open(int dirfd, bool read_only, struct ring *ret, struct err *e);
void ring_close(struct ring *ring);
/* Positions only grow. head: where the next record will be put; tail: the next one to be taken. */
uint64_t ring_head(const struct ring *ring);
uint64_t ring_tail(const struct ring *ring);
/* False: no room. When it returns true, a kill loses the record no more. */
bool ring_put(struct ring *ring, const struct ring_item *item, const char *body);
/* Reads the record at position at into *item and body (JOURNAL_BODY_MAX bytes), the position after
 * it into *ret_next. -EBADMSG: what lies there is no whole record. */
int ring_get(const struct ring *ring, uint64_t at, struct ring_item *item, char *body,
	uint64_t *ret_next);
void ring_set_tail(struct ring *ring, uint64_t tail);

/* ---- file.c: journal.jsonl as the writer sees it ---- */

struct journal_file {
	int fd; /* O_APPEND, locked while open */
	off_t size;
	bool torn; /* it ends in the middle of a line */
};

/* Opens and locks journal.jsonl (-EBUSY: another process has it), ends a torn last line and finds
 * the last number, 0 if there is no record. */
int journal_file_open(int dirfd, struct journal_file *ret, uint64_t *ret_seq, struct err *e);
/* Appends whole lines, all or nothing. */
int journal_file_append(struct journal_file *file, const char *text, size_t len);
/* Moves the records from at up to head into the file, all but those numbered up to *seq, which
 * goes on. *ret_at: where it stopped, also on an error. */
int journal_file_drain(struct journal_file *file, struct ring *ring, uint64_t at, uint64_t head,
	uint64_t *seq, uint64_t *ret_at);

/* ---- actor.c ---- */

struct actors;

int actors_create(struct actors **ret);
void actors_free(struct actors *actors);
const struct journal_actor *actors_get(struct actors *actors, pid_t pid);

/* ---- program.c ---- */

#define PROGRAM_NAME_MAX 64

/* The short name for screens from exe and /proc/PID/cmdline (len bytes, ended by a NUL). */
void program_name(
	const char *exe, const char *cmdline, size_t len, char buf[static PROGRAM_NAME_MAX]);

#endif
