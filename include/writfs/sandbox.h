/* SPDX-License-Identifier: MIT */
/*
 * The confined side of `writ run`: namespaces, mounts over the roots, masks, and the exec of CMD.
 *
 * Three processes beneath the supervisor (design part 6):
 *   outer  user + mount namespace; mounts FUSE over each root and hands the descriptors out
 *   init   pid 1 of a pid namespace (or, where /proc cannot be mounted, an ordinary subreaper)
 *   inner  a second user + mount namespace, in which every mount is locked; becomes CMD
 *
 * What is done and in which order is decided by sandbox_plan_make(), which touches nothing: it
 * turns options and facts about the machine into a list of steps. sandbox_start() executes it.
 */
#ifndef WRITFS_SANDBOX_H
#define WRITFS_SANDBOX_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include <writfs/err.h>

#define SANDBOX_ROOTS_MAX 16
#define SANDBOX_SOCKETS_MAX 4096

/* ---- facts and plan ---- */

/* What plan.c has to know of this machine and this user. */
struct sandbox_facts {
	uid_t uid;
	gid_t gid;
	bool real_root;   /* uid 0 with CAP_SETUID, CAP_SETGID, CAP_SETFCAP: all ids are mapped */
	int landlock_abi; /* 0: none */
	char **sockets;   /* known sockets that exist, resolved; NULL-terminated */
};

/* Looks at the machine. The caller releases with sandbox_facts_clear. */
int sandbox_facts_get(struct sandbox_facts *ret, struct err *e);
void sandbox_facts_clear(struct sandbox_facts *facts);

/* Strings are borrowed until the plan is freed. */
struct sandbox_options {
	const char *const *roots;     /* real paths, none inside another; NULL-terminated */
	const char *decoy;            /* a socket nobody listens on; covers what is masked */
	const char *const *hidden;    /* directories outside the roots that look empty; or NULL */
	const char *const *read_only; /* trees outside the roots that CMD may only read; or NULL */
	const char *cwd;              /* absolute; CMD starts here, reached through the mounts */
	char *const *argv;            /* CMD; NULL-terminated */
	bool own_group;               /* CMD leads its own process group */
	int terminal;                 /* handed to that group before CMD starts; -1: not */
	sigset_t mask;                /* CMD starts with this signal mask */
	bool ignore_child;            /* CMD starts with SIGCHLD ignored, as the caller was */
};

enum sandbox_step_kind {
	/* outer */
	SANDBOX_UNSHARE,     /* user and mount namespace */
	SANDBOX_MAP_SELF,    /* one id to itself, setgroups denied */
	SANDBOX_MAP_ALL,     /* every id to itself; written by the process above */
	SANDBOX_PRIVATE,     /* no mount event crosses */
	SANDBOX_MASK_SOCKET, /* path: covered by the decoy; skipped if it has gone */
	SANDBOX_MASK_DIR,    /* path: covered by an empty directory; skipped if it is not there */
	SANDBOX_READ_ONLY,   /* path: and all beneath; skipped if it is not there */
	SANDBOX_MINIMAL_DEV,
	SANDBOX_MOUNT_ROOT, /* path: FUSE over it; number: which root */
	SANDBOX_HAND_OVER,  /* sends the FUSE descriptors, waits until they are served */
	SANDBOX_PID,        /* pid namespace: what follows runs in its init */
	/* init */
	SANDBOX_PROC, /* a fresh /proc; where that is refused: go on without a pid namespace */
	SANDBOX_FORK, /* what follows runs in CMD's process */
	/* inner */
	SANDBOX_GROUP, /* own process group, and the terminal */
	SANDBOX_CHDIR,
	SANDBOX_CLOSE_FDS,
	SANDBOX_DROP_CAPS, /* ambient and inheritable */
	SANDBOX_DROP_BOUNDING,
	SANDBOX_NO_NEW_PRIVS,
	SANDBOX_LANDLOCK, /* scope only: signals and abstract sockets */
	SANDBOX_SECCOMP,  /* TIOCSTI and TIOCLINUX answer EPERM */
	SANDBOX_EXEC
};

struct sandbox_step {
	enum sandbox_step_kind kind;
	const char *path; /* borrowed from options and facts */
	size_t number;
};

struct sandbox_plan {
	struct sandbox_options options;
	uid_t uid;
	gid_t gid;
	struct sandbox_step *steps;
	size_t count;
};

/* Pure. options and facts must outlive the plan. -EINVAL: no root, no command, too many roots. */
int sandbox_plan_make(const struct sandbox_options *options, const struct sandbox_facts *facts,
	struct sandbox_plan **ret, struct err *e);
void sandbox_plan_free(struct sandbox_plan *plan);
void sandbox_plan_freep(struct sandbox_plan **plan);
const char *sandbox_step_name(enum sandbox_step_kind kind);

/* ---- execution ---- */

struct sandbox;

enum sandbox_event_kind {
	SANDBOX_STARTED, /* pid: CMD, in the caller's pid namespace; it is about to exec */
	SANDBOX_STOPPED, /* number: the signal that stopped CMD */
	SANDBOX_CONTINUED,
	SANDBOX_EXITED, /* number: wait status of CMD */
	SANDBOX_FAILED, /* text, number: exit status (125 before, 126 or 127 at exec) */
	SANDBOX_NOTE,   /* text: something weaker was used, e.g. no pid namespace */
	SANDBOX_GONE    /* all of it has ended; nothing follows */
};

struct sandbox_event {
	enum sandbox_event_kind kind;
	pid_t pid;
	int number;
	char text[ERR_TEXT_MAX];
};

/*
 * Forks outer and runs the plan up to SANDBOX_HAND_OVER. On return every root is mounted and its
 * descriptor can be taken. Call it from the thread that lives as long as the job (the children die
 * with that thread). Failure: nothing is left behind, *e says what this machine lacks.
 */
int sandbox_start(const struct sandbox_plan *plan, struct sandbox **ret, struct err *e);
/* The FUSE descriptor of a root; stays owned by the sandbox until sandbox_free. */
int sandbox_fuse_fd(const struct sandbox *s, size_t root);
/* The roots are served: go on to CMD. */
int sandbox_go(struct sandbox *s, struct err *e);
/* To poll for reading; then sandbox_next: 1 an event, 0 none now, -errno. */
int sandbox_event_fd(const struct sandbox *s);
int sandbox_next(struct sandbox *s, struct sandbox_event *ret);
/* Sends sig to CMD (group: to its process group). -ESRCH: it is not running. */
int sandbox_signal(struct sandbox *s, int sig, bool group);
pid_t sandbox_pid(const struct sandbox *s); /* CMD, 0: not started, or ended */
/* True if every id is mapped (real root); else all ids but one look like nobody's inside. */
bool sandbox_maps_all(const struct sandbox *s);
/* Closes the FUSE descriptors: a program that waits for an answer gets ENOTCONN. */
void sandbox_abandon(struct sandbox *s);
/* Kills what is left of it, waits for outer, closes everything. */
void sandbox_free(struct sandbox *s);
void sandbox_freep(struct sandbox **s);

/* ---- doctor ---- */

enum probe_state { PROBE_OK, PROBE_LIMITED /* works, with less */, PROBE_MISSING };

/* One need of writfs on this machine. */
struct probe {
	const char *name; /* "FUSE device" */
	enum probe_state state;
	bool for_run;    /* writ run cannot work without it */
	bool for_mount;  /* writ mount cannot work without it */
	char found[256]; /* what is there: "/dev/fuse, mode 0666" */
	char gives[256]; /* what it is for, or what is missing without it */
	char cure[512];  /* one exact line; "" when nothing is to be done */
};

#define PROBES_MAX 24

/* Fills up to max probes, returns how many. Changes nothing on the machine. */
size_t probe_machine(struct probe *probes, size_t max);

#endif
