/* SPDX-License-Identifier: MIT */
/*
 * The store's process dies, or a system call fails, at every point of every operation. Afterwards a
 * new store shows the tree as before the operation or as after it: never another file's data, never
 * silently the real tree's, and the real tree is untouched.
 */
#include "../support/store_test.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "../support/faults.h"
#include "../support/op.h"
#include "../support/snapshot.h"

#define POINT_OPS 45
#define POINTS_MAX 400
#define KILL_ROUNDS 80
#define KILL_OPS 400
#define KILL_US_MAX 9000

struct crash {
	struct fixture *f;
	struct op_limits limits;
	struct model *model;
	struct snapshot before;
	struct op op;
	struct random r;
	uint64_t seed;
	int *done; /* shared with the child */
	char text[4096];
};

/* A small tree: it is compared as a whole thousands of times. */
static void make_tree(struct fixture *f)
{
	char big[20000];
	memset(big, 'B', sizeof big);
	assert_ok(fixture_mkdir(f, "a", 0755));
	assert_ok(fixture_mkdir(f, "a/b", 0755));
	assert_ok(fixture_file(f, "a/c", 0644, "content of a/c"));
	assert_ok(fixture_file(f, "a/b/d", 0600, "content of a/b/d"));
	assert_ok(fixture_data(f, "a/b/e", 0644, big, sizeof big));
	assert_ok(fixture_xattr(f, "a/b/e", "user.a", "1", 1));
	assert_ok(fixture_mkdir(f, "b", 0755));
	assert_ok(fixture_symlink(f, "b/a", "target"));
	assert_ok(fixture_mkdir(f, "c", 0755));
	assert_ok(fixture_file(f, "d", 0644, "content of d"));
	assert_ok(fixture_node(f, "e", S_IFIFO | 0644));
}

static void crash_start(struct crash *c, struct fixture *f, uint64_t seed)
{
	*c = (struct crash){.f = f, .seed = seed, .r = {seed}};
	c->limits = (struct op_limits){.write_max = 3000};
	make_tree(f);
	c->model = model_load(f->real);
	assert_non_null(c->model);
	assert_ok(snapshot_take(f->real, NULL, SNAPSHOT_SAME, &c->before));
}

static void crash_end(struct crash *c)
{
	struct snapshot now;
	assert_ok(snapshot_take(c->f->real, NULL, SNAPSHOT_SAME, &now));
	if (!snapshot_equal(&c->before, &now, c->text, sizeof c->text))
		fail_msg("the real tree changed: %s", c->text);
	snapshot_free(&now);
	snapshot_free(&c->before);
	model_free(c->model);
}

/* The bits that a write takes away are a step of their own, as they are in the kernel. */
static bool in_two_steps(const struct model *m, const struct op *op)
{
	int e = 0;
	const struct model_node *n = model_find(m, op->path, &e);
	return (op->kind == OP_WRITE || op->kind == OP_TRUNCATE) && n && (n->mode & 06000);
}

static void draw(
	struct random *r, const struct model *m, const struct op_limits *limits, struct op *op)
{
	do
		op_draw(r, m, limits, op);
	while (op_may_be_exdev(m, limits, op) || in_two_steps(m, op));
}

static int child_setup(void *arg)
{
	struct crash *c = arg;
	return fixture_start(c->f);
}

static int child_op(void *arg)
{
	struct crash *c = arg;
	return op_on_store(c->f->store, &c->limits, &c->op);
}

/* A directory over an empty one: the empty one may be gone already. Nothing is lost with it. */
static bool without_target(struct crash *c)
{
	char text[1024];
	int e = 0;
	const struct model_node *n = model_find(c->model, c->op.path2, &e);
	if (c->op.kind != OP_RENAME || !n || !S_ISDIR(n->mode) || n->count || n == c->model->root)
		return false;
	struct model *m = model_clone(c->model);
	(void)model_rmdir(m, c->op.path2);
	bool equal = op_compare(c->f->store, m, false, text, sizeof text) == 0;
	if (equal) {
		model_free(c->model);
		c->model = m;
	} else {
		model_free(m);
	}
	return equal;
}

/* -1: neither; 0: as before; 1: as after. */
static int which(struct crash *c, struct model *after)
{
	char text[1024];
	if (op_compare(c->f->store, c->model, false, text, sizeof text) == 0 || without_target(c))
		return 0;
	if (op_compare(c->f->store, after, false, c->text, sizeof c->text) == 0)
		return 1;
	size_t len = strlen(c->text);
	(void)snprintf(c->text + len, sizeof c->text - len, " (against before: %s)", text);
	return -1;
}

static void crash_fail(struct crash *c, const struct faults *at, const struct faults_result *r)
{
	(void)fprintf(stderr, "seed %llu, %s at changing call %d (system call %d):\n%s\n",
		(unsigned long long)c->seed, at->kill_at ? "killed" : "an error",
		at->kill_at ? at->kill_at : at->error_at, r->last, c->text);
	op_print(stderr, 0, &c->op);
	fail_msg("%s", c->text);
}

/* One operation, disturbed at its nth point. True: there is a further point to try. */
static bool disturb(struct crash *c, const struct faults *at)
{
	struct faults_result r;
	struct model *after = model_clone(c->model);
	int want = op_on_model(after, &c->op);
	bool hit = false;
	int error = faults_run(at, child_setup, child_op, c, &r);
	if (error == -ENOSYS) {
		model_free(after);
		skip();
	}
	assert_ok(error);
	hit = r.killed || (at->error_at && r.calls >= at->error_at);
	assert_ok(fixture_start(c->f));
	int state = which(c, after);
	bool wrong = state < 0 ||
		     (!hit && (r.result != want || (state == 0 && want == 0 &&
							   op_compare(c->f->store, after, false,
								   c->text, sizeof c->text) < 0)));
	/* Success was reported, so it must be there. */
	if (!wrong && hit && !r.killed && r.result == 0 &&
		op_compare(c->f->store, after, false, c->text, sizeof c->text) < 0)
		wrong = true;
	fixture_stop(c->f);
	if (wrong) {
		size_t len = strlen(c->text);
		(void)snprintf(c->text + len, sizeof c->text - len, " [result %d, should be %d]",
			r.result, want);
		model_free(after);
		crash_fail(c, at, &r);
	}
	bool again = hit && state == 0;
	if (again) {
		model_free(after);
	} else {
		model_free(c->model);
		c->model = after;
	}
	return again;
}

static void run_points(struct fixture *f, uint64_t seed, int error)
{
	struct crash c;
	const char *other = getenv("WRIT_CRASH_SEED");
	if (other)
		seed += strtoull(other, NULL, 10);
	crash_start(&c, f, seed);
	for (int i = 0; i < POINT_OPS; i++) {
		draw(&c.r, c.model, &c.limits, &c.op);
		for (int n = 1; n < POINTS_MAX; n++) {
			struct faults at = {.kill_at = error ? 0 : n,
				.error_at = error ? n : 0,
				.error = error};
			if (!disturb(&c, &at))
				break;
		}
	}
	crash_end(&c);
}

static void test_killed_at_every_point(void **state)
{
	run_points(*state, 1, 0);
}

static void test_killed_at_every_point_again(void **state)
{
	run_points(*state, 2, 0);
}

static void test_disk_full_at_every_point(void **state)
{
	run_points(*state, 3, ENOSPC);
}

static void test_io_error_at_every_point(void **state)
{
	run_points(*state, 4, EIO);
}

/* The child works through one sequence that both sides can draw; the parent kills it somewhere. */
__attribute__((noreturn)) static void kill_child(struct crash *c)
{
	if (fixture_start(c->f) < 0)
		_exit(1);
	for (int i = 0; i < KILL_OPS; i++) {
		draw(&c->r, c->model, &c->limits, &c->op);
		(void)op_on_store(c->f->store, &c->limits, &c->op);
		(void)op_on_model(c->model, &c->op);
		__atomic_store_n(c->done, i + 1, __ATOMIC_SEQ_CST);
	}
	_exit(0);
}

static void kill_round(struct crash *c, struct random *r)
{
	*c->done = 0;
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		kill_child(c);
	(void)usleep(random_below(r, KILL_US_MAX));
	(void)kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	for (int i = 0; i < *c->done; i++) {
		draw(&c->r, c->model, &c->limits, &c->op);
		(void)op_on_model(c->model, &c->op);
	}
	draw(&c->r, c->model, &c->limits, &c->op);
	struct model *after = model_clone(c->model);
	(void)op_on_model(after, &c->op);
	assert_ok(fixture_start(c->f));
	int state = which(c, after);
	if (state < 0) {
		op_print(stderr, (size_t)*c->done, &c->op);
		fail_msg("seed %llu: %s", (unsigned long long)c->seed, c->text);
	}
	fixture_stop(c->f);
	model_free(state ? c->model : after);
	c->model = state ? after : c->model;
}

static void test_killed_at_random_times(void **state)
{
	struct crash c;
	struct random times = {77};
	crash_start(&c, *state, 5);
	c.done = mmap(
		NULL, sizeof *c.done, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_true(c.done != MAP_FAILED);
	for (int i = 0; i < KILL_ROUNDS; i++)
		kill_round(&c, &times);
	(void)munmap(c.done, sizeof *c.done);
	crash_end(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		store_test(test_killed_at_every_point),
		store_test(test_killed_at_every_point_again),
		store_test(test_disk_full_at_every_point),
		store_test(test_io_error_at_every_point),
		store_test(test_killed_at_random_times),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
