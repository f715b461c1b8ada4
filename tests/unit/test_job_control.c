/* SPDX-License-Identifier: MIT */
/* The control socket: answers, wrong requests, a peer that says nothing, a daemon that is gone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <writfs/cleanup.h>
#include <writfs/job.h>
#include <writfs/sys.h>

#include "../support/tempdir.h"

struct server {
	struct tempdir *dir;
	struct job *job;
	struct control *control;
};

static cJSON *answer(const cJSON *request, void *arg)
{
	int *calls = arg;
	++*calls;
	cJSON *reply = cJSON_CreateObject();
	const char *op = cJSON_GetStringValue(cJSON_GetObjectItem(request, "op"));
	if (op && strcmp(op, "big") == 0) {
		cJSON *list = cJSON_AddArrayToObject(reply, "list");
		for (int i = 0; i < 50000; i++)
			(void)cJSON_AddItemToArray(
				list, cJSON_CreateString("a line\nwith a newline in it"));
	}
	(void)cJSON_AddStringToObject(reply, "echo", op ? op : "none");
	return reply;
}

static int calls;

static int setup(void **state)
{
	struct server *s = calloc(1, sizeof *s);
	if (!s || tempdir_setup((void **)&s->dir) < 0)
		return -1;
	/* A path that no socket address could hold. */
	char deep[PATH_MAX];
	(void)snprintf(deep, sizeof deep, "%s/%0100d/%0100d", s->dir->path, 1, 2);
	struct job like = {.program = (char[]){"sh"}};
	calls = 0;
	*state = s;
	if (setenv("XDG_STATE_HOME", deep, 1) < 0 || job_create(&like, &s->job, NULL) < 0)
		return -1;
	return control_serve(s->job, answer, &calls, &s->control, NULL);
}

static int teardown(void **state)
{
	struct server *s = *state;
	control_stop(s->control);
	job_free(s->job);
	int r = tempdir_teardown((void **)&s->dir);
	free(s);
	return r;
}

static void check_echo(const struct job *job, const char *op, const char *wanted)
{
	cJSON *request = cJSON_CreateObject();
	cJSON *reply = NULL;
	struct err e = {0};
	if (op)
		(void)cJSON_AddStringToObject(request, "op", op);
	int r = control_ask(job, request, &reply, &e);
	if (r < 0)
		print_error("%s\n", e.text);
	assert_int_equal(r, 0);
	assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItem(reply, "echo")), wanted);
	cJSON_Delete(request);
	cJSON_Delete(reply);
}

static void questions_are_answered(void **state)
{
	struct server *s = *state;
	struct job *job = NULL;
	struct err e = {0};
	assert_int_equal(job_open("sh-1", &job, &e), 0);
	check_echo(job, "hello", "hello");
	check_echo(job, "two\nlines", "two\nlines");
	check_echo(job, NULL, "none");
	check_echo(job, "big", "big");
	assert_int_equal(calls, 4);
	struct stat st;
	assert_int_equal(fstatat(job->dir, "control", &st, AT_SYMLINK_NOFOLLOW), 0);
	assert_true(S_ISSOCK(st.st_mode));
	assert_int_equal(st.st_mode & 07777, 0600);
	job_free(job);
	(void)s;
}

static int dial(const struct job *job)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	(void)snprintf(
		address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d/control", job->dir);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
	return fd;
}

static void wrong_requests_do_no_harm(void **state)
{
	struct server *s = *state;
	char buf[256];
	static const char *const wrong[] = {"not json\n", "[]\n", "\n", "{\"op\":\n"};
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		int fd cleanup_fd = dial(s->job);
		assert_int_equal(sys_write_full(fd, wrong[i], strlen(wrong[i])), 0);
		ssize_t n = sys_read_full(fd, buf, sizeof buf - 1);
		assert_true(n > 0);
		buf[n] = '\0';
		assert_string_equal(buf, "{\"error\":\"not a JSON object\"}\n");
	}
	/* One hangs up in the middle, one before the answer. */
	int half = dial(s->job);
	assert_int_equal(sys_write_full(half, "{\"op\"", 5), 0);
	(void)close(half);
	int deaf = dial(s->job);
	assert_int_equal(sys_write_full(deaf, "{\"op\":\"big\"}\n", 13), 0);
	(void)close(deaf);
	check_echo(s->job, "still", "still");
}

static void stopping_does_not_wait_for_a_silent_peer(void **state)
{
	struct server *s = *state;
	int silent cleanup_fd = dial(s->job);
	assert_true(silent >= 0);
	int64_t then = sys_time_ns(CLOCK_MONOTONIC);
	control_stop(s->control);
	s->control = NULL;
	assert_true(sys_time_ns(CLOCK_MONOTONIC) - then < 3000000000);
	cJSON *request = cJSON_CreateObject();
	cJSON *reply = NULL;
	struct err e = {0};
	assert_int_equal(control_ask(s->job, request, &reply, &e), -ENOENT);
	cJSON_Delete(request);
	assert_null(reply);
}

static void a_dead_daemon_leaves_a_socket(void **state)
{
	struct server *s = *state;
	control_stop(s->control);
	s->control = NULL;
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		struct control *control = NULL;
		if (control_serve(s->job, answer, &calls, &control, NULL) < 0)
			_exit(1);
		(void)raise(SIGKILL);
	}
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	cJSON *request = cJSON_CreateObject();
	cJSON *reply = NULL;
	struct err e = {0};
	assert_int_equal(control_ask(s->job, request, &reply, &e), -ECONNREFUSED);
	cJSON_Delete(request);
	assert_string_equal(e.text, "job sh-1: no daemon answers: Connection refused");
	/* The next daemon takes its place. */
	assert_int_equal(control_serve(s->job, answer, &calls, &s->control, &e), 0);
	check_echo(s->job, "again", "again");
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(questions_are_answered),
		TEST(wrong_requests_do_no_harm),
		TEST(stopping_does_not_wait_for_a_silent_peer),
		TEST(a_dead_daemon_leaves_a_socket),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
