/* SPDX-License-Identifier: MIT */
/*
 * Steps that give a name its new object. The store builds and places it; here is decided whether it
 * may: what lies in scratch is what was looked at, and what is real is what was expected. An
 * identical result that is there already is a step that is done.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "steps.h"

struct target {
	struct held held;
	int dir;
	const char *name;
	struct store_print now;
	char keep[64];
};

static void target_close(struct target *t)
{
	held_close(&t->held);
	t->dir = fd_close(t->dir);
}
#define TARGET_INIT                                                                                \
	{                                                                                          \
		.held = HELD_INIT, .dir = -1                                                       \
	}
#define cleanup_target cleanup_with(target_close)

static bool same_as_real(
	const struct review *r, struct store *s, const struct held *h, int dir, const char *name)
{
	const struct shown_object shown = {s, &h->dir, h->name, &h->object, r->job->start_ns};
	bool type;
	unsigned aspects;
	return !compare_object(&shown, dir, name, &type, &aspects) && !type && !aspects;
}

/* The attributes of a file that a crash left half changed: it is still the file that was meant. */
static bool half_changed(const struct step *step, const struct store_print *now)
{
	return step->metadata && now->exists && now->ino == step->expect.ino &&
	       now->size == step->expect.size;
}

/* A crash after the old file got its second name in base/: the link changed its ctime, no more. */
static bool kept_already(struct store *s, const struct step *step, const struct target *t)
{
	struct store_print kept;
	return !store_print_of(store_base(s), t->keep, &kept) && kept.exists && t->now.exists &&
	       kept.ino == t->now.ino && kept.ino == step->expect.ino &&
	       kept.size == step->expect.size && kept.mtime_ns == step->expect.mtime_ns &&
	       kept.mode == step->expect.mode;
}

/* 1: the step is done or has failed; 0: go on, *expect is what must be there. */
static int decide(struct review *r, struct steps *all, const struct step *step, struct target *t,
	struct store_print *expect)
{
	struct store *s = r->roots[step->root].store;
	*expect = step->expect;
	if (print_is(&r->roots[step->root], expect, &t->now)) {
		*expect = t->now;
		return 0;
	}
	if (all->recovering && kept_already(s, step, t)) {
		(void)unlinkat(store_base(s), t->keep, 0);
		if (!store_print_of(t->dir, t->name, expect))
			return 0;
	}
	if (all->recovering && half_changed(step, &t->now)) {
		*expect = t->now;
		return 0;
	}
	if (t->now.exists && same_as_real(r, s, &t->held, t->dir, t->name))
		return 1;
	step_fail(all, step, RESULT_CONFLICT, "%s",
		!t->now.exists   ? "removed outside since"
		: expect->exists ? "changed outside since"
				 : "appeared outside since");
	return 1;
}

/* 0: *t is what scratch and the real tree have there. */
static int look(struct review *r, struct steps *all, const struct step *step, struct target *t)
{
	const struct review_root *root = &r->roots[step->root];
	step_keep_name(all, step, t->keep);
	t->dir = step_real_dir(r, all, step, step->rel, &t->name);
	if (t->dir < 0)
		return -1;
	int status = held_open(root, step->rel, &t->held);
	bool gone = status == -ENOENT || (!status && t->held.object.whiteout);
	/* Moved, or dropped: a recovery comes after the fact. */
	if (gone && all->recovering)
		return -1;
	if (gone || (!status && !held_is(root, &t->held, step->ident))) {
		step_fail(all, step, RESULT_DRIFTED, "changed since it was looked at");
		return -1;
	}
	if (!status)
		status = store_print_of(t->dir, t->name, &t->now);
	if (status)
		step_fail(all, step, RESULT_FAILED, "%s", strerror(-status));
	return status;
}

void step_publish(struct review *r, struct steps *all, struct step *step)
{
	struct store *s = r->roots[step->root].store;
	struct target t cleanup_target = TARGET_INIT;
	struct store_print expect;
	char temp[32];
	if (look(r, all, step, &t) || decide(r, all, step, &t, &expect))
		return;
	step_temp_name(all, step, temp);
	if (all->recovering)
		(void)unlinkat(t.dir, temp, 0);
	const struct store_publish p = {.real_dir = t.dir,
		.real_name = t.name,
		.expect = &expect,
		.keep_dir = expect.exists && !step->metadata ? store_base(s) : -1,
		.keep_name = t.keep,
		.temp = temp,
		/* In a live job somebody may have the scratch file open; in a directory that hides
		 * the real one the name must stay. */
		.move = !r->live && t.held.dir.lower >= 0};
	review_before_change();
	const struct quiet quiet = quiet_start(t.held.dir.upper);
	int status = store_publish_object(s, &t.held.dir, t.held.name, &t.held.object, &p);
	quiet_stop(&quiet);
	review_before_change();
	if (!status)
		touched_add(&r->roots[step->root], &expect);
	if (status == -ESTALE)
		step_fail(all, step, RESULT_CONFLICT, "changed outside since");
	else if (status == -EPERM && !S_ISREG(t.held.object.st.st_mode))
		step_fail(all, step, RESULT_FAILED, "only root can make a %s",
			mode_type_name(t.held.object.st.st_mode));
	else if (status)
		step_fail(all, step, RESULT_FAILED, "%s", strerror(-status));
}

/* The second name of a file that was published: linked beside, then put in place. */
static int place_link(struct store *s, struct target *t, const struct store_print *expect,
	int from_dir, const char *from_name, const char *temp)
{
	struct store_print now;
	(void)unlinkat(t->dir, temp, 0);
	review_before_change();
	if (linkat(from_dir, from_name, t->dir, temp, 0) < 0)
		return -errno;
	int status = store_print_of(t->dir, t->name, &now);
	if (!status && !store_print_equal(&now, expect))
		status = -ESTALE;
	if (!status && expect->exists) {
		const struct keep keep = {
			t->dir, t->name, expect, store_base(s), t->keep, NULL, NULL};
		status = keep_object(&keep);
	}
	review_before_change();
	if (!status)
		status = sys_rename(t->dir, temp, t->dir, t->name, RENAME_NOREPLACE);
	if (status)
		(void)unlinkat(t->dir, temp, 0);
	return status == -EEXIST ? -ESTALE : status;
}

void step_link(struct review *r, struct steps *all, struct step *step)
{
	struct store *s = r->roots[step->root].store;
	struct target t cleanup_target = TARGET_INIT;
	struct store_print expect, from, kept;
	const char *from_name;
	char temp[32], parent[PATH_MAX];
	if (look(r, all, step, &t))
		return;
	rel_split(step->from, parent, &from_name);
	int from_dir cleanup_fd = real_open_dir(&r->roots[step->root], parent);
	/* Without its first name it is a file of its own. */
	if (from_dir < 0 || store_print_of(from_dir, from_name, &from) || !from.exists ||
		!same_as_real(r, s, &t.held, from_dir, from_name)) {
		step_publish(r, all, step);
		return;
	}
	if (t.now.exists && t.now.ino == from.ino)
		return;
	/* Cut off between taking the old one away and giving the name. */
	if (all->recovering && !t.now.exists && step->expect.exists &&
		!store_print_of(store_base(s), t.keep, &kept) && kept.exists)
		expect = t.now;
	else if (decide(r, all, step, &t, &expect))
		return;
	step_temp_name(all, step, temp);
	int status = place_link(s, &t, &expect, from_dir, from_name, temp);
	if (!status)
		touched_add(&r->roots[step->root], &expect);
	if (status == -EXDEV || status == -EPERM || status == -EMLINK)
		step_publish(r, all, step);
	else if (status == -ESTALE)
		step_fail(all, step, RESULT_CONFLICT, "changed outside since");
	else if (status)
		step_fail(all, step, RESULT_FAILED, "%s", strerror(-status));
}
