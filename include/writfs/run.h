/* SPDX-License-Identifier: MIT */
/*
 * `writ run` and `writ mount`: the supervisor and the daemon that it forks (design parts 2 and 6).
 * Everything that is said to the person while a program runs is said here, on stderr; errors go to
 * *e, and the caller prints them as "writ: TEXT" when e->errnum is not 0.
 */
#ifndef WRITFS_RUN_H
#define WRITFS_RUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <writfs/err.h>
#include <writfs/sandbox.h>

/* Exit statuses of `writ run` that are not CMD's own. */
#define RUN_EXIT_CANNOT 125
#define RUN_EXIT_NOT_EXECUTABLE 126
#define RUN_EXIT_NOT_FOUND 127

/* The command line. Lists are NULL-terminated, or NULL for none. */
struct run_options {
	const char *const *allow, *const *redirect, *const *refuse, *const *hide;
	const char *const *files; /* -p */
	const char *const *roots; /* --root */
	const char *job;          /* -j, NULL: a new one */
	bool no_grants;           /* -n */
	bool quiet;               /* -q */
	char *const *argv;        /* CMD */
};

/*
 * Runs CMD to its end. Returns the status to exit with: CMD's own, 128+N, or one of RUN_EXIT_*
 * with *e filled (125 always before CMD started). Inside a job: replaces this process by CMD after
 * saying so. Call it before any thread exists.
 */
int run_command(const struct run_options *options, struct err *e);

/* True if this process runs inside a job ($WRIT_JOB set and a writfs mount in sight). */
bool run_inside_job(const char **ret_id);

/* ---- mounts ---- */

struct mount_options {
	const char *dir;     /* where; absolute or relative */
	const char *root;    /* --root: what is shown there; NULL: dir itself */
	const char *options; /* -o, joined by commas; NULL: none */
	bool foreground;     /* -f */
};

/*
 * Mounts and, unless foreground, returns when the mount answers (a daemon goes on in the
 * background). Foreground: returns after the unmount. Returns the exit status: 0, 2 (bad use,
 * no such directory, unknown option), 3 (this machine cannot) with *e filled.
 */
int mount_start(const struct mount_options *options, struct err *e);

/* Ends the mount at dir and waits until its job is closed. Exit status: 0, 1 (busy), 2, 3. */
int mount_end(const char *dir, bool lazy, struct err *e);

/* One line of `writ mount` without arguments. Strings belong to the entry. */
struct mount_entry {
	char *target;  /* where, as programs see it */
	char *source;  /* fsname */
	char *root;    /* the real directory that is shown, "" if unknown */
	char *job;     /* id, "" if unknown */
	char *options; /* as in /proc/self/mountinfo */
};

/* All writfs mounts that this process sees (inside a job: the job's). Free with mount_list_free. */
int mount_list(struct mount_entry **ret, size_t *ret_count, struct err *e);
void mount_list_free(struct mount_entry *entries, size_t count);

/* ---- doctor ---- */

/* probe_machine() and what only this layer knows: libfuse, the place of scratch. */
size_t run_probes(struct probe *probes, size_t max);

#endif
