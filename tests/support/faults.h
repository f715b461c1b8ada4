/* SPDX-License-Identifier: MIT */
/*
 * Crash and error points without a debugger or a preloaded library: a child process hands each of
 * its system calls that change a file system to this one (seccomp user notification) before it
 * runs. The parent lets it run, makes it fail with an errno, or kills the child at that very point.
 */
#ifndef WRITFS_TESTS_FAULTS_H
#define WRITFS_TESTS_FAULTS_H

#include <stdbool.h>

struct faults {
	int kill_at;  /* the child dies before its Nth changing call (from 1); 0: never */
	int error_at; /* its Nth changing call answers -error; 0: none */
	int error;    /* a positive errno */
};

struct faults_result {
	int calls; /* changing calls that were seen */
	bool killed;
	int result; /* what fn returned (0 or -errno), if it was not killed */
	int last;   /* number of the system call that was hit */
};

/* Runs setup(arg) undisturbed, then fn(arg), in one child. 0, or -ENOSYS where the kernel or a
 * container does not allow it. */
int faults_run(const struct faults *f, int (*setup)(void *arg), int (*fn)(void *arg), void *arg,
	struct faults_result *ret);

#endif
