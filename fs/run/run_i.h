/* SPDX-License-Identifier: MIT */
/*
 * Private to fs/run. Who does what:
 *   stage.c      everything that can fail before anything is mounted: policy, roots, job
 *   daemon.c     the process that serves the mounts; control.c answers other commands in it
 *   fdstore.c    the supervisor's store of descriptors
 *   supervise.c  the supervisor while CMD runs; terminal.c its terminal
 *   summary.c    what is said at the start and at the end
 *   run.c, mount.c, mounts.c, probes.c   the public functions
 */
#ifndef WRITFS_RUN_I_H
#define WRITFS_RUN_I_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <writfs/cleanup.h>
#include <writfs/err.h>
#include <writfs/job.h>
#include <writfs/journal.h>
#include <writfs/policy.h>
#include <writfs/run.h>
#include <writfs/sandbox.h>
#include <writfs/str.h>

/* ---- stage.c ---- */

/* A root before and while it is mounted. */
struct stage_root {
	const char *path; /* real path; the policy's */
	int real;         /* O_PATH, opened before anything covers it */
	int scratch;      /* its directory N/ in the job */
	int table;        /* memfd of its node table */
};

/* All that a supervisor and each daemon that it starts need. */
struct stage {
	char *home;
	char *cwd;
	struct policy *policy;
	struct job *job;
	bool is_new;      /* the job was made here: a failed start takes it back */
	bool started;     /* CMD or a mount has begun: the job stays */
	bool handed_over; /* a daemon that was left behind ends the job */
	int state;        /* writfs's own directory, hidden from the job */
	int log;          /* daemon.log: diagnostics of this process and its daemon */
	char *state_path;
	char *config_path;
	char *decoy; /* covers masked sockets; NULL for mounts */
	char *grants;
	struct stage_root roots[JOB_ROOTS_MAX];
	size_t root_count;
};

#define STAGE_INIT                                                                                 \
	{                                                                                          \
		.state = -1, .log = -1                                                             \
	}
#define cleanup_stage cleanup_with(stage_clear)

int stage_for_run(const struct run_options *options, struct stage *ret, struct err *e);
/* root: real path of what is shown; mountpoint: where. */
int stage_for_mount(const char *root, const char *mountpoint, struct stage *ret, struct err *e);
/* The job has ended: says so in job.json. */
int stage_finish(struct stage *stage, int status, struct err *e);
/* Removes a job that never started; closes everything. */
void stage_clear(struct stage *stage);

/* ---- daemon.c ---- */

enum daemon_word { DAEMON_READY, DAEMON_FAILED, DAEMON_TROUBLE /* at its end: text says what */ };

/* One packet from the daemon to whoever started it. */
struct daemon_message {
	int32_t word;
	int32_t errnum;
	char text[ERR_TEXT_MAX];
};

struct daemon_options {
	struct stage *stage;
	int fuse[JOB_ROOTS_MAX]; /* duplicated */
	int fd_store;            /* -1: none */
	bool map_ids;
	bool confined; /* the job lives in a user namespace of its own */
	pid_t parent;  /* who forks it */
	const char
		*mountpoint; /* unmounted when a signal ends the daemon; NULL: not its business */
};

/*
 * Serves until every mount has gone or SIGTERM comes; says READY or FAILED on link once. Returns
 * 0 or -errno of what went wrong (also said on link). Starts threads; stdio is the caller's.
 */
int daemon_serve(const struct daemon_options *options, int link, struct err *e);

/* Those that end a daemon in order; for one that mounts by itself, before it does. */
void daemon_block_signals(sigset_t *ret);

/* What the forked process does: daemon_serve(), and around it what its starter wants done. */
typedef int (*daemon_fn)(const struct daemon_options *options, int link, struct err *e);

/*
 * Forks a daemon in a session of its own, which calls fn and ends. In the parent: its pid, and
 * *ret_link to read from. close_fds (-1 terminated) are closed in it. The caller makes sure that
 * it ends: by its mounts, or daemon_with_parent() in fn.
 */
pid_t daemon_fork(const struct daemon_options *options, daemon_fn fn, const int *close_fds,
	int *ret_link, struct err *e);
/* daemon_serve() in a process that SIGTERM ends when the thread that forked it does. */
int daemon_with_parent(const struct daemon_options *options, int link, struct err *e);
/* 0 a message, -EPIPE end of file, else -errno. */
int daemon_read(int link, struct daemon_message *ret);
/* Waits for READY; FAILED is *e. */
int daemon_wait_ready(int link, struct err *e);

/* Closes descriptors above 2 that the caller's caller passed on: only CMD is to hold them. */
void drop_inherited(void);
/* from..to of 0, 1, 2 become /dev/null. */
void null_stdio(int from, int to);

/* ---- mounts.c ---- */

#define MOUNT_DEVICE_SIZE 24

/* The writfs mount that this process sees at target: its device, "0:41". */
bool mount_find(const char *target, char ret_device[static MOUNT_DEVICE_SIZE]);
/* Any process that may be looked at has it in its mount namespace. */
bool mount_is_elsewhere(const char *device);

/* ---- control.c ---- */

struct session;
struct store;
struct review;

/* What the daemon serves. */
struct served {
	struct stage *stage;
	struct journal *journal;
	struct store *stores[JOB_ROOTS_MAX];
	struct session *sessions[JOB_ROOTS_MAX];
	size_t count;
	struct review *review; /* opened by the first request that needs it */
};

/* Answers one request on the job's socket; arg is struct served. */
cJSON *control_answer(const cJSON *request, void *arg);

/* ---- fdstore.c ---- */

struct fdstore;
int fdstore_new(struct fdstore **ret);
/* Takes what lies on the socket without waiting. 0, -EPIPE at end of file, -errno. */
int fdstore_receive(struct fdstore *s, int socket);
/* Borrowed; -1: not there. */
int fdstore_get(const struct fdstore *s, uint32_t root, uint64_t nodeid);
size_t fdstore_count(const struct fdstore *s);
void fdstore_free(struct fdstore *s);
void fdstore_freep(struct fdstore **s);

/* ---- terminal.c ---- */

struct terminal {
	int fd;        /* -1: CMD shares this process's group, and with it the terminal */
	pid_t own;     /* this process's group */
	pid_t stopped; /* the group that had the terminal when CMD stopped, 0: none */
};

#define TERMINAL_INIT                                                                              \
	{                                                                                          \
		.fd = -1                                                                           \
	}

/* Decides whether CMD gets a group and the terminal of its own. */
void terminal_open(struct terminal *t);
void terminal_close(struct terminal *t);
/* CMD (pid) stopped by sig: takes the terminal, stops this process. True: go on with it at once. */
bool terminal_stop(struct terminal *t, pid_t command, int sig);
/* This process was continued: gives the terminal back if it has it. */
void terminal_resume(struct terminal *t, pid_t command);
void terminal_take(const struct terminal *t);

/* ---- supervise.c ---- */

struct outcome {
	int status; /* for exit(3) */
	bool ran;   /* CMD was started */
	bool daemon_lost;
	int daemon_status;          /* wait status, if lost */
	char trouble[ERR_TEXT_MAX]; /* the daemon's last words, "" if all is well */
};

/* Everything from the first namespace to the end of the daemon. */
int supervise(struct stage *stage, char *const *argv, struct outcome *ret, struct err *e);

/* ---- summary.c ---- */

/* "real: ..." of the start line. */
char *summary_grants(const struct policy *policy, const char *home, bool no_grants);
void summary_start(const struct stage *stage);
void summary_end(const struct stage *stage, const struct outcome *outcome);

#endif
