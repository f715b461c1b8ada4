/* SPDX-License-Identifier: MIT */
/* What the files of fs/job share: where jobs lie, and job.json. */
#ifndef WRITFS_JOB_I_H
#define WRITFS_JOB_I_H

#include <writfs/job.h>

#define JOB_FILE "job.json"
#define JOB_LOCK "lock"
#define JOB_REVIEW_LOCK "review.lock"
#define JOB_CONTROL "control"
#define JOB_FORMAT 1
#define JOB_FILE_MAX (1u << 20) /* bytes of job.json */

/* Directories of these names are no jobs: under construction, or being removed. */
#define JOB_NEW_PREFIX ".new-"
#define JOB_GONE_PREFIX ".gone-"

/* .../writfs/jobs as O_PATH; make: it is made if it is missing, else -ENOENT without *e. */
int jobs_dir(bool make, struct err *e);
bool job_id_valid(const char *id);
struct job *job_new(void);
/* Sets job->dir and reads job.json; state is found out with the lock. */
int job_open_at(int jobs, const char *id, struct job **ret, struct err *e);

/* job.json: reading fills everything but id, dir, locks and state. */
int job_file_read(struct job *job, struct err *e);
int job_file_write(struct job *job, struct err *e);

/* Locks, by flock on a file of the job's directory. ret_fd >= 0 holds it. -EWOULDBLOCK: another has
 * it for longer than timeout_ms. The file says who has it. */
int job_lock_take(int dirfd, const char *name, int timeout_ms, int *ret_fd);
/* Who has the lock as the file says, 0: unknown. */
pid_t job_lock_owner(int dirfd, const char *name);
bool job_lock_is_held(int dirfd, const char *name);

#endif
