/* SPDX-License-Identifier: MIT */
/*
 * Random operations on the store and on a plain in-memory tree: the same results, the same view,
 * and a real tree that does not change outside the grant. A seed that fails is printed with its
 * operations; WRIT_MODEL_SEED and WRIT_MODEL_OPS run another one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include <writfs/cleanup.h>

#include "../support/fixture.h"
#include "../support/op.h"
#include "../support/snapshot.h"

#define OPS_PER_SEED 600
#define OPS_PER_BATCH 25

struct run {
	struct fixture f;
	struct op_limits limits;
	struct model *model;
	struct snapshot before;
	uint64_t seed;
	bool groups; /* with hard links in the real tree: every second seed */
	char text[4096];
};

static int run_fail(struct run *run, const char *what)
{
	char text[sizeof run->text];
	(void)snprintf(text, sizeof text, "%s", run->text);
	(void)snprintf(run->text, sizeof run->text, "%s: %.3900s", what, text);
	return -1;
}

static int run_compare(struct run *run, const char *what)
{
	if (op_compare(run->f.store, run->model, true, run->text, sizeof run->text) < 0)
		return run_fail(run, what);
	return 0;
}

static int run_op(struct run *run, const struct op *op)
{
	if (op->kind == OP_REOPEN && fixture_restart(&run->f) < 0)
		return run_fail(run, "the store could not be opened again");
	bool exdev_ok = op_may_be_exdev(run->model, &run->limits, op);
	int got = op_on_store(run->f.store, &run->limits, op);
	if (got == -EXDEV && exdev_ok)
		return 0;
	int want = op_on_model(run->model, op);
	if (got == want)
		return 0;
	(void)snprintf(run->text, sizeof run->text, "result %d (%s), should be %d (%s)", got,
		strerror(-got), want, strerror(-want));
	return run_fail(run, "the last operation");
}

static int run_real_unchanged(struct run *run)
{
	struct snapshot now;
	assert_int_equal(snapshot_take(run->f.real, run->limits.grant, SNAPSHOT_SAME, &now), 0);
	bool equal = snapshot_equal(&run->before, &now, run->text, sizeof run->text);
	snapshot_free(&now);
	return equal ? 0 : run_fail(run, "the real tree changed");
}

/* What was granted is really there: a job with nothing in scratch shows the same. */
static int run_grant_is_real(struct run *run)
{
	int e = 0;
	struct model sub = {.root = model_find(run->model, run->limits.grant, &e)};
	struct store *fresh = NULL;
	cleanup_fd int fd = openat(run->f.real, run->limits.grant, O_RDONLY | O_DIRECTORY);
	assert_true(fd >= 0);
	assert_int_equal(mkdirat(run->f.dir, "empty", 0700), 0);
	cleanup_fd int scratch = openat(run->f.dir, "empty", O_RDONLY | O_DIRECTORY);
	struct store_options options = {.real = fd, .scratch = scratch};
	assert_int_equal(store_open(&options, &fresh, NULL), 0);
	int r = op_compare(fresh, &sub, true, run->text, sizeof run->text);
	store_free(fresh);
	return r < 0 ? run_fail(run, "the granted directory on disk") : 0;
}

static void run_start(struct run *run, uint64_t seed, const char *grant)
{
	*run = (struct run){.seed = seed, .groups = seed % 2 == 0};
	run->limits = (struct op_limits){.grant = grant, .reopen = true, .write_max = 5000};
	int r = fixture_open(&run->f);
	if (r == -ENOTSUP)
		skip();
	assert_int_equal(r, 0);
	assert_int_equal(fixture_populate(&run->f, seed, run->groups), 0);
	run->model = model_load(run->f.real);
	assert_non_null(run->model);
	assert_int_equal(snapshot_take(run->f.real, grant, SNAPSHOT_SAME, &run->before), 0);
	assert_int_equal(fixture_start(&run->f), 0);
}

static void run_end(struct run *run)
{
	model_free(run->model);
	snapshot_free(&run->before);
	fixture_close(&run->f);
}

/* After the last operation: nothing leaked into the real tree, and a restart shows the same. */
static int run_finish(struct run *run)
{
	if (run_compare(run, "the view at the end") < 0 || run_real_unchanged(run) < 0)
		return -1;
	if (run->limits.grant && run_grant_is_real(run) < 0)
		return -1;
	if (fixture_restart(&run->f) < 0 || run_compare(run, "the view after a restart") < 0)
		return -1;
	/* Names of a real group that the job did not touch show its change, and have no entry that
	 * could be dropped. */
	if (run->groups)
		return 0;
	/* Without the job's changes the real tree is seen again. */
	int dropped = do_drop_all(run->f.store);
	if (dropped < 0) {
		(void)snprintf(run->text, sizeof run->text, "%s", strerror(-dropped));
		return run_fail(run, "store_drop of everything");
	}
	model_free(run->model);
	run->model = model_load(run->f.real);
	assert_non_null(run->model);
	if (run_compare(run, "the view after everything was dropped") < 0)
		return -1;
	if (fixture_restart(&run->f) < 0 || run_compare(run, "after the drop and a restart") < 0)
		return -1;
	return run_real_unchanged(run);
}

/*
 * The operations of one seed. draw: they are drawn from the model as it goes and stored in ops;
 * else those with keep[i] set are taken from there. *ret_count: how many were done.
 */
static int run_ops(
	struct run *run, struct op *ops, size_t count, const bool *keep, size_t *ret_count)
{
	struct random r = {run->seed ^ 0x5eed};
	for (size_t i = 0; i < count; i++) {
		*ret_count = i + 1;
		if (keep && !keep[i])
			continue;
		if (!keep)
			op_draw(&r, run->model, &run->limits, &ops[i]);
		if (run_op(run, &ops[i]) < 0)
			return -1;
		if (i % OPS_PER_BATCH == 0 && run_compare(run, "the view") < 0)
			return -1;
	}
	return run_finish(run);
}

static bool still_fails(
	const struct run *of, struct op *ops, size_t count, const bool *keep, char text[256])
{
	struct run run;
	size_t done = 0;
	run_start(&run, of->seed, of->limits.grant);
	int r = run_ops(&run, ops, count, keep, &done);
	if (r < 0)
		(void)snprintf(text, 256, "%.255s", run.text);
	run_end(&run);
	return r < 0;
}

/* Leaves operations out, in ever smaller pieces, as long as the rest still fails. */
static void shrink(struct run *run, struct op *ops, size_t count)
{
	char text[256] = "";
	cleanup_free bool *keep = calloc(count, sizeof *keep);
	assert_non_null(keep);
	memset(keep, true, count * sizeof *keep);
	for (size_t piece = count / 2; piece > 0; piece /= 2) {
		for (size_t at = 0; at < count; at += piece) {
			size_t n = count - at < piece ? count - at : piece;
			memset(keep + at, false, n * sizeof *keep);
			if (!still_fails(run, ops, count, keep, text))
				memset(keep + at, true, n * sizeof *keep);
		}
	}
	(void)fprintf(stderr, "%s\nthese operations are enough:\n", text);
	for (size_t i = 0; i < count; i++)
		if (keep[i])
			op_print(stderr, i, &ops[i]);
}

static void run_seed(uint64_t seed, const char *grant, size_t count)
{
	struct run run;
	size_t done = 0;
	cleanup_free struct op *ops = calloc(count, sizeof *ops);
	assert_non_null(ops);
	run_start(&run, seed, grant);
	int r = run_compare(&run, "before the first operation");
	if (r == 0)
		r = run_ops(&run, ops, count, NULL, &done);
	if (r < 0) {
		(void)fprintf(stderr, "seed %llu%s: %s\n", (unsigned long long)seed,
			grant ? " with a grant" : "", run.text);
		shrink(&run, ops, done);
		run_end(&run);
		fail_msg("seed %llu: %s", (unsigned long long)seed, run.text);
	}
	run_end(&run);
}

static void test_all_in_scratch(void **state)
{
	(void)state;
	if (getenv("WRIT_MODEL_SEED"))
		skip();
	for (uint64_t seed = 1; seed <= 6; seed++)
		run_seed(seed, NULL, OPS_PER_SEED);
}

static void test_with_a_grant(void **state)
{
	(void)state;
	if (getenv("WRIT_MODEL_SEED"))
		skip();
	for (uint64_t seed = 101; seed <= 104; seed++)
		run_seed(seed, "grant", OPS_PER_SEED);
}

static void test_seed_from_environment(void **state)
{
	(void)state;
	const char *seed = getenv("WRIT_MODEL_SEED");
	const char *ops = getenv("WRIT_MODEL_OPS");
	if (!seed)
		skip();
	size_t count = ops ? strtoul(ops, NULL, 10) : OPS_PER_SEED;
	run_seed(strtoull(seed, NULL, 10), NULL, count);
	run_seed(strtoull(seed, NULL, 10), "grant", count);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_in_scratch),
		cmocka_unit_test(test_with_a_grant),
		cmocka_unit_test(test_seed_from_environment),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
