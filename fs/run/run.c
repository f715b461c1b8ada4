/* SPDX-License-Identifier: MIT */
/* `writ run` from its options to its exit status. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <writfs/review.h>
#include <writfs/sys.h>

#include "run_i.h"

#define PRUNED_NAME "pruned" /* its time: when jobs were pruned last */
#define PRUNE_INTERVAL_S 3600

bool run_inside_job(const char **ret_id)
{
	const char *id = getenv("WRIT_JOB");
	struct mount_entry *entries = NULL;
	size_t count = 0;
	/* The variable alone says nothing: it may have been handed on by a terminal multiplexer. */
	if (!id || !id[0] || mount_list(&entries, &count, NULL) < 0)
		return false;
	mount_list_free(entries, count);
	if (count > 0 && ret_id)
		*ret_id = id;
	return count > 0;
}

/* A second layer would only hide the first one's records. */
static int run_in_this_job(const struct run_options *o, const char *id, struct err *e)
{
	char shown[JOB_ID_MAX * 4];
	if (o->job && strcmp(o->job, id) != 0) {
		(void)err_set(
			e, EBUSY, "this is inside job %s; job %s cannot be run in it", id, o->job);
		return RUN_EXIT_CANNOT;
	}
	if (!o->quiet)
		(void)fprintf(stderr,
			"writ: inside job %s already: running in it, under its rules\n",
			escape_buf(shown, sizeof(shown), id));
	(void)execvp(o->argv[0], o->argv);
	int errnum = errno;
	if (errnum == ENOENT) {
		(void)err_set(e, errnum, "%s: command not found", o->argv[0]);
		return RUN_EXIT_NOT_FOUND;
	}
	(void)err_errno(e, errnum, "%s", o->argv[0]);
	return RUN_EXIT_NOT_EXECUTABLE;
}

/* A killed daemon loses no record: opening its journal writes down what lies in the ring. */
static void record_loss(const struct stage *stage, const struct outcome *outcome)
{
	struct journal *journal = NULL;
	char note[64];
	if (journal_open(stage->job->dir, &journal, NULL) < 0)
		return;
	(void)snprintf(note, sizeof(note), "the daemon died (%s %d)",
		WIFSIGNALED(outcome->daemon_status) ? "signal" : "status",
		WIFSIGNALED(outcome->daemon_status) ? WTERMSIG(outcome->daemon_status)
						    : WEXITSTATUS(outcome->daemon_status));
	const struct journal_record record = {.op = JOURNAL_NOTE,
		.verdict = JOURNAL_REFUSED,
		.path = stage->roots[0].path,
		.note = note,
		.bytes = -1,
		.result = ENOTCONN};
	journal_append(journal, &record);
	(void)journal_close(journal);
}

/* As git gc --auto: what nobody will miss goes without a word, and not after every run. */
static void prune(const struct stage *stage)
{
	struct stat st;
	if (fstatat(stage->state, PRUNED_NAME, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		time(NULL) - st.st_mtime < PRUNE_INTERVAL_S)
		return;
	if (sys_write_file(stage->state, PRUNED_NAME, "", 0, 0600) == 0)
		(void)job_prune(review_has_changes, NULL, NULL);
}

int run_command(const struct run_options *o, struct err *e)
{
	const char *id = NULL;
	struct stage stage cleanup_stage = STAGE_INIT;
	struct outcome outcome;
	struct err late = {0};
	if (!o->argv || !o->argv[0]) {
		(void)err_set(e, EINVAL, "run: no command is given; writ run [OPTION]... -- CMD");
		return RUN_EXIT_CANNOT;
	}
	if (run_inside_job(&id))
		return run_in_this_job(o, id, e);
	if (stage_for_run(o, &stage, e) < 0)
		return RUN_EXIT_CANNOT;
	if (!o->quiet)
		summary_start(&stage);
	if (supervise(&stage, o->argv, &outcome, e) < 0 && !outcome.ran)
		return RUN_EXIT_CANNOT;
	/* A command that was never executed leaves no job. */
	if (!outcome.ran && stage.is_new) {
		stage.started = false;
		return outcome.status;
	}
	if (outcome.daemon_lost)
		record_loss(&stage, &outcome);
	if (stage_finish(&stage, outcome.status, &late) < 0 && e->errnum == 0)
		*e = late;
	if (!o->quiet)
		summary_end(&stage, &outcome);
	prune(&stage);
	return outcome.status;
}
