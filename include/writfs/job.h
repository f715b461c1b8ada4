/* SPDX-License-Identifier: MIT */
/*
 * Jobs on disk: $XDG_STATE_HOME/writfs/jobs/ID/ (0700), see design part 5. An id is the program's
 * name and a counter ("claude-12"). job.json is written atomically and read by every command.
 *
 *   job.json policy.json journal.jsonl journal.ring intents/ lock control
 * N/{tree,index,base,kept,work}
 */
#ifndef WRITFS_JOB_H
#define WRITFS_JOB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <cjson/cJSON.h>
#include <writfs/err.h>

#define JOB_ID_MAX 64
#define JOB_ROOTS_MAX 16

enum job_state { JOB_LIVE, JOB_ENDED, JOB_KILLED /* not ended, nobody holds its lock */ };
/* What the person has done with its changes. */
/* Decided: in several steps, so perhaps some applied and the rest discarded. */
enum job_review { JOB_UNDECIDED, JOB_APPLIED, JOB_DISCARDED, JOB_PARTLY, JOB_DECIDED };

struct job {
	char id[JOB_ID_MAX];
	int dir;         /* O_PATH|O_DIRECTORY of its directory */
	int lock;        /* held lock, or -1 */
	int review_lock; /* held by job_lock_review, or -1 */
	enum job_state state;
	enum job_review review;
	char *program; /* argv[0]'s base name */
	char *command; /* argv joined, escaped, secrets masked */
	char *cwd;
	char *workspace;  /* NULL: none */
	char *kind;       /* "run" or "mount" */
	char **roots;     /* NULL-terminated, real paths; scratch of roots[i] is directory "i" */
	char *grants;     /* start line's words for what is real, e.g. "~/src/bot" */
	char *mountpoint; /* kind mount: where; NULL */
	int64_t start_ns; /* CLOCK_REALTIME */
	int64_t end_ns;   /* 0: not ended */
	int64_t saved_ns; /* when job.json was written last */
	int status;       /* exit status as run returns it, -1: unknown */
	pid_t supervisor;
};

/*
 * Creates the directory with the next free counter, N/ for each root, takes the lock (live) and
 * saves. Of like: program, command (masked: journal_mask_argv), cwd, workspace, kind, roots,
 * grants, mountpoint, start_ns (0: now), supervisor (0: this process).
 */
int job_create(const struct job *like, struct job **ret, struct err *e);
/* By id; -ENOENT names the nearest id. Takes no lock. */
int job_open(const char *id, struct job **ret, struct err *e);
/* -j: locks an ended job to run on, live and undecided again. -EBUSY: it is live, or in review.
 * Recovers what a killed daemon left. */
int job_continue(const char *id, struct job **ret, struct err *e);
int job_save(struct job *job, struct err *e); /* writes job.json */
void job_free(struct job *job);
void job_freep(struct job **job);

/* All jobs, newest first, each readable or skipped with a log line; *ret is NULL-terminated. */
int job_list(struct job ***ret, size_t *ret_count, struct err *e);
void job_list_free(struct job **list);

/* Exclusive lock for review (waits up to timeout_ms, then -EBUSY naming who); released by job_free.
 * state, review, status and end_ns are read again: another review may have ended meanwhile. */
int job_lock_review(struct job *job, int timeout_ms, struct err *e);

/*
 * Design part 2: -j ID (may be NULL), then $WRIT_JOB, then the one job with unreviewed changes
 * whose workspace holds cwd, else the only one there is. With several: changing commands get
 * -EEXIST and a list in *e's text; others get the newest and *ret_others. has_changes is asked for
 * candidates.
 */
int job_select(const char *id, const char *cwd, bool changes_something,
	bool (*has_changes)(struct job *job), struct job **ret, size_t *ret_others, struct err *e);

/* Opens scratch directory of root i (O_PATH). */
int job_scratch(const struct job *job, size_t root);

/* Removes a job wholly (prune); job is still to be freed. -EBUSY: it is live, or another writ
 * reviews it. Undecided with changes: the caller has asked. */
int job_remove(struct job *job, struct err *e);

/*
 * Removes what nobody will miss: jobs without changes after JOB_EMPTY_DAYS, decided ones after
 * JOB_DECIDED_DAYS; undecided changes never, live jobs never. What cannot be removed is skipped
 * with a log line.
 */
#define JOB_EMPTY_DAYS 1
#define JOB_DECIDED_DAYS 14
int job_prune(bool (*has_changes)(struct job *job), unsigned *ret_removed, struct err *e);
/* The rule itself, at time now_ns, without the question for changes of a live job. */
bool job_prunable(struct job *job, bool (*has_changes)(struct job *job), int64_t now_ns);

/*
 * Control socket of a live job: one JSON line in, one JSON line out, SO_PEERCRED uid checked
 * (same uid or root). Bound and connected through /proc/self/fd, so that the path's length is no
 * limit. The server runs in a thread of the daemon.
 */
struct control;
typedef cJSON *(*control_fn)(const cJSON *request, void *arg); /* owns the reply */
int control_serve(struct job *job, control_fn fn, void *arg, struct control **ret, struct err *e);
void control_stop(struct control *control);
/* -ENOENT, -ECONNREFUSED: no daemon is there. *ret is the caller's to cJSON_Delete. */
int control_ask(const struct job *job, const cJSON *request, cJSON **ret, struct err *e);

#endif
