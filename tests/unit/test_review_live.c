/* SPDX-License-Identifier: MIT */
/*
 * Reviewing a live job: the daemon's reviewer answers over the control socket, each change is made
 * under one freeze, what is open for writing is left, and what the job changes meanwhile is never
 * dropped. The daemon's side is a thread of this test.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../fs/review/review_i.h"
#include "../support/desk.h"

struct daemon {
	struct desk *desk;
	struct review *review;
	struct control *control;
	struct store *stores[1];
	atomic_int frozen, freezes, refreshes;
	const char *busy;             /* rel */
	const char *write_at_refresh; /* the job writes to this name after that of "a" changed */
};

static void freeze(void *arg, size_t root)
{
	struct daemon *m = arg;
	assert_int_equal(root, 0);
	assert_int_equal(atomic_fetch_add(&m->frozen, 1), 0);
	atomic_fetch_add(&m->freezes, 1);
}

static void thaw(void *arg, size_t root)
{
	struct daemon *m = arg;
	(void)root;
	assert_int_equal(atomic_fetch_sub(&m->frozen, 1), 1);
	if (m->write_at_refresh)
		assert_int_equal(do_write(m->desk->f.store, m->write_at_refresh, 0, "LATE", 4), 0);
	m->write_at_refresh = NULL;
}

static void refresh(void *arg, size_t root, const char *path)
{
	struct daemon *m = arg;
	(void)root;
	assert_non_null(path);
	assert_int_equal(atomic_load(&m->frozen), 1);
	atomic_fetch_add(&m->refreshes, 1);
}

static bool busy(void *arg, size_t root, const char *path)
{
	const struct daemon *m = arg;
	(void)root;
	return m->busy && strcmp(m->busy, path) == 0;
}

static cJSON *answer(const cJSON *request, void *arg)
{
	struct daemon *m = arg;
	return review_control(m->review, request);
}

#define ok(expr) assert_int_equal((expr), 0)

static void daemon_start(struct daemon *m, struct desk *d)
{
	struct err e = {0};
	*m = (struct daemon){.desk = d, .stores = {d->f.store}};
	const struct review_live live = {
		.arg = m, .freeze = freeze, .thaw = thaw, .refresh = refresh, .busy = busy};
	const struct review_options options = {
		.stores = m->stores, .live = &live, .home = d->root, .path_env = "/nowhere"};
	ok(review_open(&d->job, &options, &m->review, &e));
	ok(control_serve(&d->job, answer, m, &m->control, &e));
	d->job.state = JOB_LIVE;
}

static void daemon_stop(struct daemon *m)
{
	control_stop(m->control);
	review_free(m->review);
	m->desk->job.state = JOB_ENDED;
}

static int setup(void **state)
{
	struct desk *d = malloc(sizeof *d);
	if (!d || desk_open(d))
		return -1;
	*state = d;
	return 0;
}

static int teardown(void **state)
{
	desk_close(*state);
	free(*state);
	return 0;
}

static void applied_through_the_daemon(void **state)
{
	struct desk *d = *state;
	struct daemon m;
	ok(fixture_file(&d->f, "gone", 0644, "x"));
	ok(fixture_file(&d->f, "mode", 0644, "x"));
	ok(do_mkdir(d->f.store, "dir", 0750));
	ok(do_create(d->f.store, "dir/f", 0644, "f"));
	ok(do_create(d->f.store, "open", 0644, "o"));
	ok(do_create(d->f.store, ".bashrc", 0644, "evil"));
	ok(do_unlink(d->f.store, "gone"));
	ok(do_chmod(d->f.store, "mode", 0600));
	daemon_start(&m, d);
	m.busy = "open";
	ok(desk_apply(d, NULL));
	assert_int_equal(desk_result(d, "dir/f"), RESULT_APPLIED);
	assert_int_equal(desk_result(d, "gone"), RESULT_APPLIED);
	assert_int_equal(desk_result(d, "mode"), RESULT_APPLIED);
	assert_int_equal(desk_result(d, "open"), RESULT_BUSY);
	assert_int_equal(desk_result(d, ".bashrc"), RESULT_DANGEROUS);
	assert_int_equal(d->results->left, 2);
	assert_true(d->results->unshown > 0);
	assert_true(real_shows(d, "dir/f", "f"));
	assert_false(real_exists(d, "gone"));
	assert_false(real_exists(d, "open"));
	assert_int_equal(atomic_load(&m.frozen), 0);
	assert_true(atomic_load(&m.freezes) > 3);
	assert_int_equal(atomic_load(&m.refreshes), atomic_load(&m.freezes));
	daemon_stop(&m);
}

static void discarded_through_the_daemon(void **state)
{
	struct desk *d = *state;
	struct daemon m;
	const char *const one[] = {"a", NULL};
	ok(do_create(d->f.store, "a", 0644, "a"));
	ok(do_create(d->f.store, "b", 0644, "b"));
	daemon_start(&m, d);
	ok(desk_discard(d, one));
	assert_int_equal(desk_result(d, "a"), RESULT_DISCARDED);
	assert_int_equal(d->results->left, 0);
	assert_true(view_shows(d->f.store, "b", "b"));
	daemon_stop(&m);
}

static void what_is_written_meanwhile_stays(void **state)
{
	struct desk *d = *state;
	struct daemon m;
	ok(fixture_file(&d->f, "z", 0644, "base"));
	ok(do_create(d->f.store, "a", 0644, "a"));
	ok(do_write(d->f.store, "z", 0, "mine", 4));
	daemon_start(&m, d);
	m.write_at_refresh = "z";
	ok(desk_apply(d, NULL));
	assert_int_equal(desk_result(d, "a"), RESULT_APPLIED);
	assert_int_equal(desk_result(d, "z"), RESULT_DRIFTED);
	assert_true(real_shows(d, "z", "base"));
	assert_true(view_shows(d->f.store, "z", "LATE"));
	daemon_stop(&m);
}

static void drifted_between_look_and_request(void **state)
{
	struct desk *d = *state;
	struct daemon m;
	struct err e = {0};
	const struct review_act act = {.bulk = true};
	ok(do_create(d->f.store, "a", 0644, "1"));
	daemon_start(&m, d);
	ok(desk_look(d));
	ok(do_write(d->f.store, "a", 0, "2", 1));
	ok(review_apply(d->review, d->changes, &act, &d->results, &e));
	assert_int_equal(desk_result(d, "a"), RESULT_DRIFTED);
	assert_false(real_exists(d, "a"));
	daemon_stop(&m);
}

static int count_lines(char kind, const char *text, size_t len, void *arg)
{
	(void)text;
	(void)len;
	*(unsigned *)arg += kind == '+';
	return 0;
}

/* Where the mount lies over the root, the daemon alone sees the real tree. */
static void looked_at_through_the_daemon(void **state)
{
	struct desk *d = *state;
	struct daemon m;
	struct err e = {0};
	struct changes *far = NULL;
	unsigned added = 0;
	ok(fixture_file(&d->f, "f\xff", 0644, "base\n"));
	ok(do_write(d->f.store, "f\xff", 0, "mine\nmore\n", 10));
	ok(do_mknod(d->f.store, "link", S_IFLNK | 0777, 0, "/etc/passwd"));
	ok(desk_record(d, JOURNAL_WRITE, JOURNAL_REDIRECTED, "f\xff", NULL, "vim"));
	daemon_start(&m, d);
	ok(desk_look(d));
	ok(desk_shown(d));
	d->review->remote_look = true;
	ok(review_collect(d->review, &far, &e));
	assert_int_equal(far->scratch.count, 2);
	assert_int_equal(far->dangerous, 1);
	const struct change *c = desk_find(d, &far->scratch, "f\xff");
	const struct change *near = desk_change(d, "f\xff");
	assert_non_null(c);
	assert_string_equal(c->id, near->id);
	assert_int_equal(c->kind, CHANGE_MODIFIED);
	assert_int_equal(c->aspects, near->aspects);
	assert_int_equal(c->now.st_mode, near->now.st_mode);
	assert_int_equal(c->real.mode, near->real.mode);
	assert_string_equal(c->program, "vim");
	assert_int_equal(c->time_ns, near->time_ns);
	assert_true(c->shown);
	ok(review_diff(d->review, desk_change(d, "f\xff"), count_lines, &added, &e));
	assert_int_equal(added, 2);
	struct change copy = *c;
	ok(review_count_lines(d->review, &copy));
	assert_int_equal(copy.lines_added, 2);
	assert_int_equal(copy.lines_removed, 1);
	changes_free(far);
	daemon_stop(&m);
}

static void nonsense_is_answered(void **state)
{
	struct desk *d = *state;
	struct daemon m;
	static const char *const texts[] = {"{\"cmd\":\"review.act\"}",
		"{\"cmd\":\"review.act\",\"verb\":\"apply\",\"changes\":[1,{}]}",
		"{\"cmd\":\"review.diff\"}", "{\"cmd\":\"review.diff\",\"path\":\"/x\"}",
		"{\"cmd\":\"review.xyz\"}"};
	daemon_start(&m, d);
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		cJSON *request = cJSON_Parse(texts[i]);
		cJSON *reply = review_control(m.review, request);
		assert_non_null(cJSON_GetObjectItemCaseSensitive(reply, "error"));
		cJSON_Delete(reply);
		cJSON_Delete(request);
	}
	cJSON *other = cJSON_Parse("{\"cmd\":\"status\"}");
	assert_null(review_control(m.review, other));
	cJSON_Delete(other);
	daemon_stop(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(applied_through_the_daemon, setup, teardown),
		cmocka_unit_test_setup_teardown(discarded_through_the_daemon, setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_written_meanwhile_stays, setup, teardown),
		cmocka_unit_test_setup_teardown(drifted_between_look_and_request, setup, teardown),
		cmocka_unit_test_setup_teardown(looked_at_through_the_daemon, setup, teardown),
		cmocka_unit_test_setup_teardown(nonsense_is_answered, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
