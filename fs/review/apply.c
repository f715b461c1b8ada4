/* SPDX-License-Identifier: MIT */
/*
 * Apply and discard: plan, intent, steps, results. The intent is on the disk before the first step;
 * review_recover runs the same steps again, and each of them finds out by itself whether it was
 * done.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <writfs/log.h>

#include "steps.h"

static void record_all(struct journal *j, const struct steps *steps, struct changes *c)
{
	struct change_list *const lists[] = {&c->scratch, &c->same};
	for (size_t l = 0; l < sizeof lists / sizeof lists[0]; l++) {
		for (size_t i = 0; i < lists[l]->count; i++) {
			const struct change *change = &lists[l]->items[i];
			if (!change->chosen ||
				steps->groups[change->group].result != RESULT_KIND_MAX)
				continue;
			const struct journal_record record = {
				.op = steps->discard ? JOURNAL_DISCARD : JOURNAL_APPLY,
				.verdict = steps->discard ? JOURNAL_REDIRECTED : JOURNAL_GRANTED,
				.path = change->path,
				.path2 = change->from,
				.note = change_kind_name(change->kind),
				.bytes = -1};
			journal_append(j, &record);
		}
	}
}

static void record(struct review *r, const struct steps *steps, struct changes *c)
{
	struct journal *j = r->journal;
	struct err e = {0};
	if (!j && journal_open(r->job->dir, &j, &e)) {
		log_warning("%s: what was decided is not in the journal: %s", r->job->id, e.text);
		return;
	}
	record_all(j, steps, c);
	if (!r->journal)
		(void)journal_close(j);
}

static void note_review(struct review *r, bool discard)
{
	struct err e = {0};
	struct changes *c cleanup_with(changes_freep) = changes_new();
	bool left = !c || collect_scratch(r, true, c) != 0;
	enum job_review now = discard ? JOB_DISCARDED : JOB_APPLIED;
	if (r->job->review != JOB_UNDECIDED && r->job->review != now)
		now = JOB_DECIDED;
	r->job->review = left ? JOB_PARTLY : now;
	if (job_save(r->job, &e))
		log_warning("%s: %s", r->job->id, e.text);
}

static int compare_results(const void *a, const void *b)
{
	const struct review_result *x = a, *y = b;
	return strcmp(x->path, y->path);
}

static int add_results(const struct steps *steps, struct change_list *list, bool same,
	struct review_results *results)
{
	for (size_t i = 0; i < list->count; i++) {
		const struct change *c = &list->items[i];
		if (!c->chosen)
			continue;
		const struct group *group = &steps->groups[c->group];
		enum result_kind kind = group->result;
		if (kind == RESULT_KIND_MAX)
			kind = same             ? RESULT_SAME
			       : steps->discard ? RESULT_DISCARDED
						: RESULT_APPLIED;
		/* Names that were no change are mentioned to those who named them. */
		if (same && !c->named && kind == RESULT_SAME)
			continue;
		int r = results_add(results, kind, c, group->why);
		if (r)
			return r;
	}
	return 0;
}

static int finish_results(
	const struct steps *steps, struct changes *c, struct review_results *results)
{
	int r = add_results(steps, &c->scratch, false, results);
	if (!r)
		r = add_results(steps, &c->same, true, results);
	if (!r && results->count)
		qsort(results->items, results->count, sizeof *results->items, compare_results);
	return r;
}

static void choose_none(struct changes *c)
{
	for (size_t i = 0; i < c->scratch.count; i++)
		c->scratch.items[i].chosen = false;
	for (size_t i = 0; i < c->same.count; i++)
		c->same.items[i].chosen = false;
}

/* The disk gave up: what has not left scratch yet counts as not done. */
static void stop_groups(struct steps *steps)
{
	for (size_t i = 0; i < steps->count; i++)
		if (!steps->items[i].done)
			step_fail(steps, &steps->items[i], RESULT_FAILED, "the work stopped");
}

static int act(struct review *r, struct changes *c, const struct review_act *how,
	struct steps *steps, struct review_results *results, struct err *e)
{
	struct plan p = {r, c, how, steps, results, NULL, 0};
	int status = steps->discard ? plan_discard(&p) : plan_apply(&p);
	free(p.links);
	if (status)
		(void)err_errno(e, -status, "cannot plan the %s of %s",
			steps->discard ? "discard" : "apply", r->job->id);
	if (!status && steps->count)
		status = intent_write(r->job, steps, e);
	if (status) {
		choose_none(c);
		return status;
	}
	if (!steps->count)
		return 0;
	status = steps_run(r, steps, e);
	if (status)
		stop_groups(steps);
	record(r, steps, c);
	note_review(r, steps->discard);
	struct err noted = {0};
	if (shown_forget(r, c, steps, &noted))
		log_warning("%s", noted.text);
	return status;
}

static int decide(struct review *r, const char *verb, struct changes *c,
	const struct review_act *how, struct review_results **ret, struct err *e)
{
	struct steps steps cleanup_steps = {.discard = strcmp(verb, "discard") == 0};
	if (r->look)
		return err_set(e, EBADF, "%s was opened for looking only", r->job->id);
	if (r->remote_act)
		return remote_act(r, verb, c, how, ret, e);
	struct review_results *results cleanup_with(review_results_freep) =
		calloc(1, sizeof *results);
	if (!results)
		return err_set(e, ENOMEM, "out of memory");
	int status = act(r, c, how, &steps, results, e);
	if (finish_results(&steps, c, results))
		return err_set(e, ENOMEM, "out of memory");
	*ret = steal_ptr(&results);
	return status;
}

int review_apply(struct review *r, struct changes *c, const struct review_act *how,
	struct review_results **ret, struct err *e)
{
	return decide(r, "apply", c, how, ret, e);
}

int review_discard(struct review *r, struct changes *c, const struct review_act *how,
	struct review_results **ret, struct err *e)
{
	return decide(r, "discard", c, how, ret, e);
}

struct recovery {
	struct review *review;
	size_t finished; /* changes */
	struct err *e;
};

static int recover_one(struct steps *steps, void *arg)
{
	struct recovery *recovery = arg;
	log_info("%s: finishing what a crash cut off", recovery->review->job->id);
	int status = steps_run(recovery->review, steps, recovery->e);
	for (size_t i = 0; i < steps->group_count; i++) {
		if (steps->groups[i].result == RESULT_KIND_MAX)
			recovery->finished++;
		else
			log_warning("%s: left in scratch: %s", recovery->review->job->id,
				steps->groups[i].why);
	}
	if (!status)
		note_review(recovery->review, steps->discard);
	return status;
}

int recover_job(struct job *job, size_t *ret_finished, struct err *e)
{
	struct review *r cleanup_with(review_freep) = NULL;
	bool pending = false;
	int status = intent_pending(job, &pending, e);
	if (status || !pending)
		return status;
	status = review_open_plain(job, &r, e);
	struct recovery recovery = {r, 0, e};
	if (!status)
		status = intent_each(job, recover_one, &recovery, e);
	if (!status)
		*ret_finished = recovery.finished;
	return status;
}

int review_recover(struct job *job, struct err *e)
{
	size_t finished = 0;
	return recover_job(job, &finished, e);
}
