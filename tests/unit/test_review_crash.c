/* SPDX-License-Identifier: MIT */
/*
 * Apply and discard cut off at every place where something changes on disk, and by kill -9 at any
 * moment: the next reviewer finishes it, and the real tree, the job's view and base/ are what they
 * are without the crash.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../fs/review/review_i.h"
#include "../support/desk.h"
#include "../support/random.h"
#include "../support/snapshot.h"

#define POINTS_MAX 400
#define KILLS 40
#define CRASHED 42

#define ok(expr) assert_int_equal((expr), 0)

static unsigned crash_at, crash_count;

static void count_and_crash(void)
{
	if (++crash_count == crash_at)
		_exit(CRASHED);
}

/* One of each kind of change. */
static void work(struct desk *d)
{
	struct store *s = d->f.store;
	ok(fixture_mkdir(&d->f, "dir", 0755));
	ok(fixture_file(&d->f, "dir/old", 0640, "one\n"));
	ok(fixture_file(&d->f, "gone", 0644, "bye\n"));
	ok(fixture_file(&d->f, "mode", 0644, "m"));
	ok(fixture_mkdir(&d->f, "tree", 0755));
	ok(fixture_mkdir(&d->f, "tree/sub", 0755));
	ok(fixture_file(&d->f, "tree/sub/x", 0644, "x"));
	ok(fixture_mkdir(&d->f, "again", 0755));
	ok(fixture_file(&d->f, "again/a", 0644, "a"));
	ok(fixture_file(&d->f, "again/b", 0644, "b"));
	ok(fixture_file(&d->f, "moved", 0644, "moved"));
	ok(fixture_file(&d->f, "kind", 0644, "kind"));
	ok(fixture_file(&d->f, "linked", 0644, "linked"));
	ok(do_mkdir(s, "new", 0750));
	ok(do_mkdir(s, "new/deep", 0700));
	ok(do_create(s, "new/deep/file", 0600, "deep\n"));
	ok(do_setxattr(s, "new/deep/file", "user.k", "v", 1, 0));
	ok(do_chmod(s, "new/deep", 0500));
	ok(do_mknod(s, "new/link", S_IFLNK | 0777, 0, "deep/file"));
	ok(do_write(s, "dir/old", 0, "ONE\n", 4));
	ok(do_unlink(s, "gone"));
	ok(do_chmod(s, "mode", 0711));
	ok(do_setxattr(s, "mode", "user.note", "v", 1, 0));
	ok(do_unlink(s, "tree/sub/x"));
	ok(do_rmdir(s, "tree/sub"));
	ok(do_rmdir(s, "tree"));
	ok(do_unlink(s, "again/a"));
	ok(do_unlink(s, "again/b"));
	ok(do_rmdir(s, "again"));
	ok(do_mkdir(s, "again", 0755));
	ok(do_create(s, "again/a", 0644, "A"));
	ok(do_write(s, "moved", 0, "M", 1));
	ok(do_rename(s, "moved", "dir/moved", 0));
	ok(do_unlink(s, "kind"));
	ok(do_mkdir(s, "kind", 0755));
	ok(do_create(s, "kind/in", 0644, "in"));
	ok(do_write(s, "linked", 0, "L", 1));
	ok(do_link(s, "linked", "linked2"));
}

static bool apart; /* the real tree on another file system than scratch */

static void open_worked(struct desk *d)
{
	ok(apart ? desk_open_apart(d) : desk_open(d));
	work(d);
	ok(desk_look(d));
	ok(desk_shown(d));
	desk_leave(d);
}

static void close_desk(struct desk *d)
{
	if (real_exists(d, "new/deep"))
		assert_int_equal(fchmodat(d->f.real, "new/deep", 0700, 0), 0);
	desk_close(d);
}

/* What a person would miss: the real tree, and that every old content is somewhere. */
static void assert_same(
	struct desk *d, const struct snapshot *expected, const char *what, unsigned where)
{
	struct snapshot now = {0};
	char text[4096];
	ok(snapshot_take(d->f.real, NULL, SNAPSHOT_OWNERS, &now));
	if (!snapshot_equal(expected, &now, text, sizeof text)) {
		print_error("%s, crash %u: %s\n", what, where, text);
		fail();
	}
	snapshot_free(&now);
}

static bool base_holds(struct desk *d, const char *text)
{
	char *found = NULL;
	size_t len;
	bool holds = false;
	int fd = openat(d->f.scratch, "base", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fdopendir(fd);
	struct dirent *entry;
	while ((entry = readdir(dir))) {
		if (!sys_read_file(fd, entry->d_name, 4096, &found, &len)) {
			holds = holds || strcmp(found, text) == 0;
			free(found);
		}
	}
	(void)closedir(dir);
	return holds;
}

static int decide(struct desk *d, bool discard)
{
	return discard ? desk_discard(d, NULL) : desk_apply(d, NULL);
}

/* The same work without a crash. */
static void take_expected(bool discard, struct snapshot *ret)
{
	struct desk d;
	open_worked(&d);
	ok(decide(&d, discard));
	for (size_t i = 0; i < d.results->count; i++)
		if (d.results->items[i].why)
			print_error("%s: %s\n", d.results->items[i].path, d.results->items[i].why);
	assert_int_equal(d.results->left, 0);
	ok(snapshot_take(d.f.real, NULL, SNAPSHOT_OWNERS, ret));
	ok(desk_look(&d));
	assert_int_equal(d.changes->scratch.count, 0);
	assert_int_equal(desk_count(&d, "tree"), 0);
	close_desk(&d);
}

/* Recovers, and, what a crash before the intent left undone, is decided again. */
static void assert_recovers(
	struct desk *d, bool discard, const struct snapshot *expected, unsigned where)
{
	ok(desk_look(d));
	if (d->changes->scratch.count) {
		ok(decide(d, discard));
		for (size_t i = 0; i < d->results->count; i++)
			if (d->results->items[i].why)
				print_error("crash %u: %s: %s\n", where, d->results->items[i].path,
					d->results->items[i].why);
		assert_int_equal(d->results->left, 0);
	}
	assert_same(d, expected, discard ? "discard" : "apply", where);
	if (!discard) {
		assert_true(base_holds(d, "one\n"));
		assert_true(base_holds(d, "bye\n"));
		assert_true(base_holds(d, "moved"));
		assert_true(base_holds(d, "kind"));
		assert_true(base_holds(d, "a"));
	}
	ok(desk_look(d));
	assert_int_equal(d->changes->scratch.count, 0);
}

/* True if the child came to its end. */
static bool run_child(struct desk *d, bool discard, unsigned at)
{
	int status;
	pid_t pid = fork();
	if (pid == 0) {
		crash_at = at;
		crash_count = 0;
		review_before_change = count_and_crash;
		_exit(decide(d, discard) ? 1 : 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_true(WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == CRASHED);
	return WEXITSTATUS(status) == 0;
}

static void crash_everywhere(bool discard, unsigned stride)
{
	struct snapshot expected = {0};
	bool finished = false;
	take_expected(discard, &expected);
	for (unsigned at = 1; !finished; at += stride) {
		struct desk d;
		assert_in_range(at, 1, POINTS_MAX);
		open_worked(&d);
		finished = run_child(&d, discard, at);
		assert_recovers(&d, discard, &expected, at);
		close_desk(&d);
	}
	snapshot_free(&expected);
}

static void apply_cut_off_anywhere(void **state)
{
	(void)state;
	crash_everywhere(false, 1);
}

static void discard_cut_off_anywhere(void **state)
{
	(void)state;
	crash_everywhere(true, 1);
}

static void recovery_cut_off_too(void **state)
{
	struct snapshot expected = {0};
	struct random random = {11};
	(void)state;
	take_expected(false, &expected);
	for (unsigned i = 0; i < 20; i++) {
		struct desk d;
		unsigned at = 1 + random_below(&random, 60);
		open_worked(&d);
		(void)run_child(&d, false, at);
		(void)run_child(&d, false, 1 + random_below(&random, 20));
		assert_recovers(&d, false, &expected, at);
		close_desk(&d);
	}
	snapshot_free(&expected);
}

static void killed_at_any_moment(void **state)
{
	struct snapshot expected = {0};
	struct random random = {7};
	(void)state;
	take_expected(false, &expected);
	for (unsigned i = 0; i < KILLS; i++) {
		struct desk d;
		open_worked(&d);
		pid_t pid = fork();
		if (pid == 0)
			_exit(decide(&d, false) ? 1 : 0);
		const struct timespec pause = {0, (long)random_below(&random, 40000000)};
		(void)nanosleep(&pause, NULL);
		assert_int_equal(kill(pid, SIGKILL), 0);
		assert_int_equal(waitpid(pid, NULL, 0), pid);
		assert_recovers(&d, false, &expected, i);
		close_desk(&d);
	}
	snapshot_free(&expected);
}

static void across_mounts(void **state)
{
	struct desk d;
	(void)state;
	(void)unsetenv("WRIT_TEST_DIR");
	int r = desk_open_apart(&d);
	desk_close(&d);
	if (r == -ENOTSUP)
		skip();
	apart = true;
	crash_everywhere(false, 2);
	crash_everywhere(true, 4);
	apart = false;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(apply_cut_off_anywhere),
		cmocka_unit_test(discard_cut_off_anywhere),
		cmocka_unit_test(recovery_cut_off_too),
		cmocka_unit_test(killed_at_any_moment),
		cmocka_unit_test(across_mounts),
	};
	/* In memory where it keeps xattrs: what is tested is order, not the disk, and there are
	 * many rounds. */
	(void)setenv("WRIT_TEST_DIR", "/dev/shm", 0);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
