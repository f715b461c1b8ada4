/* SPDX-License-Identifier: MIT */
/*
 * The journal of one job: journal.jsonl in the job's directory, append-only, one JSON object a
 * line, and journal.ring beside it, a shared mapping through which the daemon's request threads
 * hand records to the writer thread without a system call.
 *
 * Promises: a killed daemon loses no record (the ring is in the page cache; the next
 * journal_open drains what is left of it); a power cut loses at most JOURNAL_SYNC_MS; a torn last
 * line is skipped by the reader and ended by the next writer; a full ring makes the caller wait,
 * never drop. Numbers (seq) go on after a reopen.
 */
#ifndef WRITFS_JOURNAL_H
#define WRITFS_JOURNAL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include <cjson/cJSON.h>
#include <writfs/err.h>
#include <writfs/str.h>

#define JOURNAL_SYNC_MS 250
#define JOURNAL_RING_BYTES (1u << 20)
#define JOURNAL_ARGV_MAX 512   /* bytes of argv kept, secrets masked */
#define JOURNAL_LINE_MAX 65536 /* a longer line is cut, with "cut":true */

enum journal_op {
	JOURNAL_CREATE,
	JOURNAL_MKDIR,
	JOURNAL_SYMLINK,
	JOURNAL_MKNOD,
	JOURNAL_WRITE,
	JOURNAL_TRUNCATE,
	JOURNAL_CHMOD,
	JOURNAL_CHOWN,
	JOURNAL_UTIMES,
	JOURNAL_XATTR,
	JOURNAL_UNLINK,
	JOURNAL_RMDIR,
	JOURNAL_RENAME,
	JOURNAL_LINK,
	JOURNAL_PROMOTE,
	JOURNAL_APPLY,
	JOURNAL_DISCARD,
	JOURNAL_NOTE
};

/* verdict of a record: what happened to the change. */
enum journal_verdict { JOURNAL_GRANTED, JOURNAL_REDIRECTED, JOURNAL_REFUSED };

/* Who did it. Interned in the journal by (pid, start time, exe): pointers stay valid until close.
 */
struct journal_actor {
	pid_t pid;
	pid_t ppid;
	uint64_t start_time; /* clock ticks since boot, /proc/PID/stat field 22 */
	const char *exe;     /* /proc/PID/exe; "" if not known */
	const char *argv;    /* joined by spaces, bounded, secrets masked */
	const char *cwd;
	const char *program; /* short name for screens: script of an interpreter, else basename */
	const char *parent;  /* parent's program, "" if outside the job or unknown */
};

/* Strings are borrowed for the call. Rule fields: of the rule that decided, pattern NULL if none.
 */
struct journal_record {
	enum journal_op op;
	enum journal_verdict verdict;
	const char *path;  /* absolute */
	const char *path2; /* rename, link: the new name; symlink: the target; NULL */
	const char *rule;  /* pattern */
	const char *rule_file;
	unsigned rule_line;
	const char *note; /* e.g. "not undoable: no base kept", NULL */
	int64_t bytes;    /* -1: not said */
	int result;       /* 0 or positive errno */
	const struct journal_actor
		*actor; /* NULL: no process (mapped pages written back, writ itself) */
};

struct journal;

/* dirfd is the job's directory (borrowed until close). Starts threads: open it after the last fork.
 * -EBUSY: another process has it open. */
int journal_open(int dirfd, struct journal **ret, struct err *e);
/* Drains, fsyncs, frees. Returns the first write error as -errno: the caller tells the person (what
 * could not be written is in journal.ring still, if there was room, and the next open takes it). */
int journal_close(struct journal *j);

/* From any thread; no system call but a futex when the writer sleeps. Never fails: what cannot be
 * written is counted, and journal_close says so. */
void journal_append(struct journal *j, const struct journal_record *record);

/*
 * The process behind a request. Cached by pid; an entry is trusted for JOURNAL_ACTOR_MS, then
 * start time and exe are read again, so that an exec or a reused pid is seen. pid 0: NULL.
 * root_pid: pids are those of the caller's own pid namespace.
 */
#define JOURNAL_ACTOR_MS 20
const struct journal_actor *journal_actor_get(struct journal *j, pid_t pid);

/* Forces what was appended before the call to the file (not to the disk): status on a live job. */
void journal_flush(struct journal *j);

/*
 * An argv for people and the journal: joined by spaces, values of secrets replaced by ***, at most
 * most bytes. args: NUL-terminated strings, one behind the other,
 * len bytes in all, as /proc/PID/cmdline has them.
 */
void journal_mask_argv(struct str *out, const char *args, size_t len, size_t most);

/* One parsed line for readers. Owned by the reader callback's caller; strings live in json. Strings
 * that the record lacks are NULL, bytes is -1, numbers 0; paths are the exact bytes. */
struct journal_line {
	uint64_t seq;
	struct timespec time;
	enum journal_op op;
	enum journal_verdict verdict;
	const char *path, *path2, *rule, *rule_file, *program, *parent, *exe, *argv, *cwd, *note;
	unsigned rule_line;
	pid_t pid;
	int64_t bytes;
	int result;
	const cJSON *json;
};

/* Calls fn for each whole line, oldest first; fn returns 0 to go on, else that value is returned.
 * A line that is not a record is skipped and counted in *ret_bad (may be NULL). No journal: 0.
 * Where no daemon is alive, what a killed one left in the ring is read too. */
int journal_read(int dirfd, int (*fn)(const struct journal_line *line, void *arg), void *arg,
	unsigned *ret_bad, struct err *e);

const char *journal_op_name(enum journal_op op);
const char *journal_verdict_name(enum journal_verdict v);

#endif
