/* SPDX-License-Identifier: MIT */
/*
 * The life of a job on disk. A job appears at once, by one rename of a directory that is complete
 * (locked, with its roots' directories and job.json), and it disappears at once, by one rename
 * away. In between it is live as long as somebody has its lock.
 *
 * Directories are 0700 without ACLs: a default ACL of the state directory would otherwise be
 * inherited by everything that a program writes, and turn up when it is applied.
 */
#include "job_i.h"

#include <ctype.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include <writfs/cleanup.h>
#include <writfs/journal.h>
#include <writfs/path.h>
#include <writfs/str.h>
#include <writfs/sys.h>

/* Bytes of the program's name in an id; the rest is for the counter. */
#define ID_NAME_MAX 40
#define ID_COUNTER_MAX 1000000000UL
/* How long a continued job waits for a review of it to end. */
#define CONTINUE_REVIEW_MS 5000

struct job *job_new(void)
{
	struct job *job = calloc(1, sizeof *job);
	if (job)
		*job = (struct job){.dir = -1, .lock = -1, .review_lock = -1, .status = -1};
	return job;
}

void job_free(struct job *job)
{
	if (!job)
		return;
	job->dir = fd_close(job->dir);
	job->lock = fd_close(job->lock);
	job->review_lock = fd_close(job->review_lock);
	for (size_t i = 0; job->roots && job->roots[i]; i++)
		free(job->roots[i]);
	free(job->roots);
	free(job->program);
	free(job->command);
	free(job->cwd);
	free(job->workspace);
	free(job->kind);
	free(job->grants);
	free(job->mountpoint);
	free(job);
}

void job_freep(struct job **job)
{
	int saved = errno;
	job_free(*job);
	errno = saved;
}

#define cleanup_job cleanup_with(job_freep)

bool job_id_valid(const char *id)
{
	size_t len = strlen(id);
	return len > 0 && len < JOB_ID_MAX && id[0] != '.' && !strchr(id, '/');
}

int jobs_dir(bool make, struct err *e)
{
	char *state cleanup_free = NULL;
	int r = path_state(&state, e);
	if (!state)
		return r;
	struct str path cleanup_str = STR_INIT;
	str_addf(&path, "%s/jobs", state);
	if (path.failed)
		return err_errno(e, ENOMEM, "%s", state);
	if (make)
		return path_make_dirs(path.p, e);
	int fd = open(path.p, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 && errno != ENOENT)
		return err_errno(e, errno, "%s", path.p);
	return fd < 0 ? -ENOENT : fd;
}

/* A directory of our own mode, whatever the umask, set-gid bits and default ACLs around it say. */
static int make_private_dir(int dirfd, const char *name)
{
	if (mkdirat(dirfd, name, 0700) < 0)
		return -errno;
	(void)sys_removexattr(dirfd, name, "system.posix_acl_default");
	(void)sys_removexattr(dirfd, name, "system.posix_acl_access");
	return sys_chmod(dirfd, name, 0700);
}

static bool copy_string(char **to, const char *from)
{
	*to = from ? strdup(from) : NULL;
	return *to || !from;
}

/* A job in memory with copies of like's strings. */
static struct job *job_like(const struct job *like)
{
	struct job *job = job_new();
	if (!job)
		return NULL;
	size_t count = 0;
	while (like->roots && like->roots[count])
		count++;
	job->roots = calloc(count + 1, sizeof(char *));
	bool good =
		job->roots && copy_string(&job->program, like->program) &&
		copy_string(&job->command, like->command) && copy_string(&job->cwd, like->cwd) &&
		copy_string(&job->workspace, like->workspace) &&
		copy_string(&job->kind, like->kind) && copy_string(&job->grants, like->grants) &&
		copy_string(&job->mountpoint, like->mountpoint);
	for (size_t i = 0; good && i < count; i++)
		good = copy_string(&job->roots[i], like->roots[i]);
	if (!good) {
		job_free(job);
		return NULL;
	}
	job->start_ns = like->start_ns ? like->start_ns : sys_time_ns(CLOCK_REALTIME);
	job->supervisor = like->supervisor ? like->supervisor : getpid();
	return job;
}

/* The program's name as an id may have it. */
static void id_name(const char *program, char buf[static ID_NAME_MAX + 1])
{
	const char *slash = program ? strrchr(program, '/') : NULL;
	const char *from = slash ? slash + 1 : program ? program : "";
	size_t n = 0;
	for (; *from && n < ID_NAME_MAX; from++) {
		unsigned char c = (unsigned char)*from;
		bool good = isascii(c) && (isalnum(c) || (n && strchr("._-", c)));
		if (good)
			buf[n++] = (char)c;
	}
	buf[n] = '\0';
	if (n == 0)
		(void)snprintf(buf, ID_NAME_MAX + 1, "job");
}

/* The largest counter in use for name, 0 if there is none. */
static unsigned long id_last_counter(int jobs, const char *name)
{
	int fd = openat(jobs, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir cleanup_dir = fd < 0 ? NULL : fdopendir(fd);
	if (!dir) {
		(void)fd_close(fd);
		return 0;
	}
	size_t len = strlen(name);
	unsigned long last = 0;
	const struct dirent *entry;
	while ((entry = readdir(dir))) {
		const char *digits = entry->d_name + len + 1;
		if (strncmp(entry->d_name, name, len) != 0 || entry->d_name[len] != '-' ||
			strspn(digits, "0123456789") != strlen(digits))
			continue;
		unsigned long counter = strtoul(digits, NULL, 10);
		if (counter > last && counter < ID_COUNTER_MAX)
			last = counter;
	}
	return last;
}

/* Gives the complete directory jobs/temp the next free id. */
static int job_take_id(struct job *job, int jobs, const char *temp, struct err *e)
{
	char name[ID_NAME_MAX + 1];
	id_name(job->program, name);
	unsigned long counter = id_last_counter(jobs, name);
	for (;;) {
		char id[JOB_ID_MAX];
		(void)snprintf(id, sizeof id, "%s-%lu", name, ++counter);
		/* The empty directory reserves the name; the rename puts ours in its place. */
		int r = mkdirat(jobs, id, 0700) < 0 ? -errno : 0;
		if (r == -EEXIST && counter < ID_COUNTER_MAX)
			continue;
		if (r == 0)
			r = sys_rename(jobs, temp, jobs, id, 0);
		if (r < 0)
			return err_errno(e, -r, "cannot make job %s", id);
		(void)snprintf(job->id, sizeof job->id, "%s", id);
		return 0;
	}
}

/* Fills the new directory job->dir. */
static int job_fill_dir(struct job *job, struct err *e)
{
	int r = job_lock_take(job->dir, JOB_LOCK, 0, &job->lock);
	if (r == 0)
		r = make_private_dir(job->dir, "intents");
	for (size_t i = 0; r == 0 && job->roots[i]; i++) {
		char name[16];
		(void)snprintf(name, sizeof name, "%zu", i);
		r = i < JOB_ROOTS_MAX ? make_private_dir(job->dir, name) : -E2BIG;
	}
	if (r == -E2BIG)
		return err_set(e, E2BIG, "more than %d roots", JOB_ROOTS_MAX);
	if (r < 0)
		return err_errno(e, -r, "cannot make a job's directory");
	return job_file_write(job, e);
}

int job_create(const struct job *like, struct job **ret, struct err *e)
{
	struct job *job cleanup_job = job_like(like);
	if (!job)
		return err_errno(e, ENOMEM, "job");
	int jobs cleanup_fd = jobs_dir(true, e);
	if (jobs < 0)
		return jobs;
	char temp[SYS_TEMP_NAME_SIZE];
	int r = make_private_dir(jobs, sys_temp_name(temp, JOB_NEW_PREFIX));
	if (r == 0) {
		job->dir = sys_open_at(jobs, temp, O_PATH | O_DIRECTORY, 0);
		r = job->dir < 0 ? job->dir : 0;
	}
	if (r < 0)
		return err_errno(e, -r, "cannot make a job's directory");
	r = job_fill_dir(job, e);
	if (r == 0)
		r = job_take_id(job, jobs, temp, e);
	if (r < 0) {
		(void)sys_remove_tree(jobs, temp);
		return r;
	}
	job->state = JOB_LIVE;
	*ret = steal_ptr(&job);
	return 0;
}

static void job_find_state(struct job *job)
{
	if (job->lock >= 0 || job_lock_is_held(job->dir, JOB_LOCK))
		job->state = JOB_LIVE;
	else
		job->state = job->end_ns ? JOB_ENDED : JOB_KILLED;
}

int job_open_at(int jobs, const char *id, struct job **ret, struct err *e)
{
	struct job *job cleanup_job = job_new();
	if (!job)
		return err_errno(e, ENOMEM, "job %s", id);
	(void)snprintf(job->id, sizeof job->id, "%s", id);
	job->dir = sys_open_at(jobs, id, O_PATH | O_DIRECTORY, 0);
	if (job->dir < 0)
		return err_errno(e, -job->dir, "job %s", id);
	int r = job_file_read(job, e);
	if (r < 0)
		return r;
	job_find_state(job);
	*ret = steal_ptr(&job);
	return 0;
}

int job_continue(const char *id, struct job **ret, struct err *e)
{
	struct job *job cleanup_job = NULL;
	int r = job_open(id, &job, e);
	if (!job)
		return r;
	r = job_lock_take(job->dir, JOB_LOCK, 0, &job->lock);
	if (r == -EWOULDBLOCK)
		return err_set(e, EBUSY,
			"job %s is live (process %d): end it first, or leave -j out", id,
			job_lock_owner(job->dir, JOB_LOCK));
	if (r < 0)
		return err_errno(e, -r, "job %s: cannot lock it", id);
	/* A review that began before saw an ended job and works on its scratch. Order of the two
	 * locks: a review never waits for the first one. */
	r = job_lock_review(job, CONTINUE_REVIEW_MS, e);
	if (r < 0)
		return r;
	job->review_lock = fd_close(job->review_lock);
	(void)unlinkat(job->dir, JOB_CONTROL, 0);
	struct journal *journal = NULL;
	r = journal_open(job->dir, &journal, e);
	if (r < 0)
		return r;
	r = journal_close(journal);
	if (r < 0)
		return err_errno(e, -r, "job %s: cannot write its journal", id);
	job->state = JOB_LIVE;
	job->review = JOB_UNDECIDED;
	job->end_ns = 0;
	job->status = -1;
	job->supervisor = getpid();
	r = job_file_write(job, e);
	if (r == 0)
		*ret = steal_ptr(&job);
	return r;
}

int job_save(struct job *job, struct err *e)
{
	return job_file_write(job, e);
}

int job_lock_review(struct job *job, int timeout_ms, struct err *e)
{
	if (job->review_lock >= 0)
		return 0;
	int r = job_lock_take(job->dir, JOB_REVIEW_LOCK, timeout_ms, &job->review_lock);
	if (r == -EWOULDBLOCK)
		return err_set(e, EBUSY,
			"job %s is being reviewed by another writ (process %d): wait for it",
			job->id, job_lock_owner(job->dir, JOB_REVIEW_LOCK));
	if (r < 0)
		return err_errno(e, -r, "job %s: cannot lock it", job->id);
	struct job *now cleanup_job = job_new();
	if (!now)
		return err_errno(e, ENOMEM, "job %s", job->id);
	(void)snprintf(now->id, sizeof now->id, "%s", job->id);
	now->dir = fcntl(job->dir, F_DUPFD_CLOEXEC, 0);
	r = now->dir < 0 ? err_errno(e, errno, "job %s", job->id) : job_file_read(now, e);
	if (r < 0) {
		job->review_lock = fd_close(job->review_lock);
		return r;
	}
	job->review = now->review;
	job->status = now->status;
	job->end_ns = now->end_ns;
	job->saved_ns = now->saved_ns;
	job_find_state(job);
	return 0;
}

int job_scratch(const struct job *job, size_t root)
{
	char name[24];
	(void)snprintf(name, sizeof name, "%zu", root);
	return sys_open_at(job->dir, name, O_PATH | O_DIRECTORY, 0);
}
