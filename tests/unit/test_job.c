/* SPDX-License-Identifier: MIT */
/* Jobs on disk: made whole, locked while they live, found, chosen, continued, reviewed, removed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include <writfs/cleanup.h>
#include <writfs/job.h>
#include <writfs/journal.h>
#include <writfs/str.h>
#include <writfs/sys.h>

#include "../support/tempdir.h"

#define DAY_NS (INT64_C(86400) * 1000000000)

/* XDG_STATE_HOME is a directory of the test's own. */
static int setup(void **state)
{
	int r = tempdir_setup(state);
	struct tempdir *dir = *state;
	if (r == 0)
		r = setenv("XDG_STATE_HOME", dir->path, 1);
	if (r == 0)
		r = unsetenv("WRIT_JOB");
	return r;
}

/* The jobs that have changes, as a list of ids between blanks. */
static char changed[256];

static bool has_changes(struct job *job)
{
	char spaced[JOB_ID_MAX + 2];
	(void)snprintf(spaced, sizeof spaced, " %s ", job->id);
	return strstr(changed, spaced) != NULL;
}

static struct job *make(const char *program, const char *workspace)
{
	char *roots[] = {(char[]){"/home/me"}, (char[]){"/data/\xff"}, NULL};
	char *command = NULL;
	assert_true(asprintf(&command, "%s --flag", program) > 0);
	char *copies[] = {strdup(program), workspace ? strdup(workspace) : NULL};
	struct job like = {
		.program = copies[0],
		.command = command,
		.cwd = copies[0],
		.workspace = copies[1],
		.roots = roots,
	};
	struct job *job = NULL;
	struct err e = {0};
	int r = job_create(&like, &job, &e);
	if (r < 0)
		print_error("%s\n", e.text);
	assert_int_equal(r, 0);
	free(command);
	free(copies[0]);
	free(copies[1]);
	return job;
}

/* Made and ended, as run does. */
static void make_ended(const char *program, const char *workspace)
{
	struct job *job = make(program, workspace);
	struct err e = {0};
	job->end_ns = sys_time_ns(CLOCK_REALTIME);
	job->status = 0;
	assert_int_equal(job_save(job, &e), 0);
	job_free(job);
}

static struct job *get(const char *id)
{
	struct job *job = NULL;
	struct err e = {0};
	int r = job_open(id, &job, &e);
	if (r < 0)
		print_error("%s\n", e.text);
	assert_int_equal(r, 0);
	return job;
}

static void a_job_is_whole_and_private(void **state)
{
	(void)state;
	struct job *job = make("/usr/bin/claude", "/home/me/src/bot");
	assert_string_equal(job->id, "claude-1");
	assert_int_equal(job->state, JOB_LIVE);
	assert_true(job->lock >= 0);
	static const char *const dirs[] = {".", "0", "1", "intents"};
	for (size_t i = 0; i < 4; i++) {
		struct stat st;
		assert_int_equal(fstatat(job->dir, dirs[i], &st, 0), 0);
		assert_int_equal(st.st_mode & 07777, 0700);
	}
	assert_int_equal(faccessat(job->dir, "2", F_OK, 0), -1);
	int scratch cleanup_fd = job_scratch(job, 1);
	assert_true(scratch >= 0);
	assert_int_equal(job_scratch(job, 2), -ENOENT);

	struct job *seen = get("claude-1");
	assert_int_equal(seen->state, JOB_LIVE);
	assert_int_equal(seen->lock, -1);
	assert_string_equal(seen->program, "/usr/bin/claude");
	assert_string_equal(seen->command, "/usr/bin/claude --flag");
	assert_string_equal(seen->workspace, "/home/me/src/bot");
	assert_string_equal(seen->kind, "run");
	assert_string_equal(seen->roots[0], "/home/me");
	assert_string_equal(seen->roots[1], "/data/\xff");
	assert_null(seen->roots[2]);
	assert_null(seen->mountpoint);
	assert_int_equal(seen->review, JOB_UNDECIDED);
	assert_int_equal(seen->status, -1);
	assert_int_equal(seen->supervisor, getpid());
	assert_true(seen->start_ns == job->start_ns && seen->start_ns > 0);
	assert_true(seen->end_ns == 0);
	job_free(seen);

	job->end_ns = job->start_ns + 5;
	job->status = 137;
	job->review = JOB_PARTLY;
	struct err e = {0};
	assert_int_equal(job_save(job, &e), 0);
	job_free(job);
	seen = get("claude-1");
	assert_int_equal(seen->state, JOB_ENDED);
	assert_int_equal(seen->status, 137);
	assert_int_equal(seen->review, JOB_PARTLY);
	assert_true(seen->end_ns == seen->start_ns + 5);
	job_free(seen);
}

static void default_acls_are_not_inherited(void **state)
{
	struct tempdir *dir = *state;
	/* user::rwx user:1:rwx group::--- mask::rwx other::--- as the kernel stores it */
	static const unsigned char acl[] = {2, 0, 0, 0, 1, 0, 7, 0, 255, 255, 255, 255, 2, 0, 7, 0,
		1, 0, 0, 0, 4, 0, 0, 0, 255, 255, 255, 255, 16, 0, 7, 0, 255, 255, 255, 255, 32, 0,
		0, 0, 255, 255, 255, 255};
	assert_int_equal(mkdirat(dir->fd, "writfs", 0700), 0);
	assert_int_equal(mkdirat(dir->fd, "writfs/jobs", 0700), 0);
	int jobs cleanup_fd = openat(dir->fd, "writfs/jobs", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (sys_setxattr(jobs, NULL, "system.posix_acl_default", acl, sizeof acl, 0) < 0)
		skip();
	struct job *job = make("sh", NULL);
	char value[256];
	static const char *const names[] = {"0", "1", "intents"};
	for (size_t i = 0; i < 3; i++) {
		assert_true(sys_getxattr(job->dir, names[i], "system.posix_acl_default", value,
				    sizeof value) < 0);
		assert_true(sys_getxattr(job->dir, names[i], "system.posix_acl_access", value,
				    sizeof value) < 0);
	}
	assert_true(
		sys_getxattr(job->dir, NULL, "system.posix_acl_default", value, sizeof value) < 0);
	job_free(job);
}

static void ids_count_up(void **state)
{
	(void)state;
	static const char *const rows[][2] = {{"sh", "sh-1"}, {"/bin/sh", "sh-2"}, {"sh", "sh-3"},
		{"../..", "job-1"}, {"", "job-2"}, {".hid\nden", "hidden-1"}, {"a b", "ab-1"},
		{"sh-3", "sh-3-1"}};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct job *job = make(rows[i][0], NULL);
		assert_string_equal(job->id, rows[i][1]);
		job_free(job);
	}
	char big[500];
	memset(big, 'x', sizeof big);
	big[sizeof big - 1] = '\0';
	struct job *job = make(big, NULL);
	assert_true(strlen(job->id) < JOB_ID_MAX);
	job_free(job);
	struct err e = {0};
	char root[] = "/r";
	char *roots[JOB_ROOTS_MAX + 2];
	for (size_t i = 0; i <= JOB_ROOTS_MAX; i++)
		roots[i] = root;
	roots[JOB_ROOTS_MAX + 1] = NULL;
	struct job like = {.roots = roots};
	assert_int_equal(job_create(&like, &job, &e), -E2BIG);
	struct job **list = NULL;
	size_t count = 0;
	assert_int_equal(job_list(&list, &count, &e), 0);
	assert_int_equal(count, 9);
	job_list_free(list);
}

static void a_killed_job_is_told_from_an_ended_one(void **state)
{
	(void)state;
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		struct job *job = make("sh", NULL);
		struct journal *j = NULL;
		if (journal_open(job->dir, &j, NULL) < 0)
			_exit(1);
		for (int i = 0; i < 100; i++)
			journal_append(j, &(struct journal_record){.path = "/x", .bytes = -1});
		(void)raise(SIGKILL);
	}
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	struct job *job = get("sh-1");
	assert_int_equal(job->state, JOB_KILLED);
	job_free(job);

	struct err e = {0};
	assert_int_equal(job_continue("sh-1", &job, &e), 0);
	assert_int_equal(job->state, JOB_LIVE);
	/* The journal was brought in order. */
	assert_int_equal(faccessat(job->dir, "journal.ring", F_OK, 0), -1);
	struct stat st;
	assert_int_equal(fstatat(job->dir, "journal.jsonl", &st, 0), 0);
	assert_true(st.st_size > 1000);
	struct job *other = NULL;
	assert_int_equal(job_continue("sh-1", &other, &e), -EBUSY);
	assert_non_null(strstr(e.text, "job sh-1 is live (process "));
	job_free(job);
	assert_int_equal(job_continue("sh-9", &other, &e), -ENOENT);
	assert_string_equal(e.text, "no job sh-9 (did you mean sh-1?)");
}

static void continuing_makes_it_undecided(void **state)
{
	(void)state;
	make_ended("sh", NULL);
	struct err e = {0};
	struct job *job = get("sh-1");
	job->review = JOB_APPLIED;
	assert_int_equal(job_save(job, &e), 0);
	job_free(job);
	assert_int_equal(job_continue("sh-1", &job, &e), 0);
	job_free(job);
	job = get("sh-1");
	assert_int_equal(job->review, JOB_UNDECIDED);
	assert_int_equal(job->state, JOB_KILLED); /* continued and not ended */
	job_free(job);
}

static void unknown_jobs_are_named(void **state)
{
	(void)state;
	struct job *job = NULL;
	struct err e = {0};
	assert_int_equal(job_open("claude-1", &job, &e), -ENOENT);
	assert_string_equal(e.text, "no job claude-1: there are none yet");
	make_ended("claude", NULL);
	assert_int_equal(job_open("clade-1", &job, &e), -ENOENT);
	assert_string_equal(e.text, "no job clade-1 (did you mean claude-1?)");
	assert_int_equal(job_open("zebra", &job, &e), -ENOENT);
	assert_string_equal(e.text, "no job zebra: writ jobs lists them");
	static const char *const wrong[] = {"", ".", "..", "../jobs/claude-1", "a/b"};
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		assert_int_equal(job_open(wrong[i], &job, NULL), -ENOENT);
	assert_null(job);
}

static void damaged_jobs_are_skipped(void **state)
{
	struct tempdir *dir = *state;
	make_ended("a", NULL);
	make_ended("b", NULL);
	make_ended("c", NULL);
	int b cleanup_fd = openat(dir->fd, "writfs/jobs/b-1", O_PATH | O_DIRECTORY | O_CLOEXEC);
	static const char *const texts[] = {"{", "{}", "{\"v\":2}",
		"{\"v\":1,\"roots\":[{}],\"review\":\"undecided\"}",
		"{\"v\":1,\"roots\":[],\"review\":\"maybe\"}",
		"{\"v\":1,\"roots\":[],\"review\":\"undecided\",\"start\":5}",
		"{\"v\":1,\"roots\":7,\"review\":\"undecided\"}",
		"{\"v\":1,\"roots\":[],\"review\":\"undecided\",\"status\":\"0\"}"};
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		struct err e = {0};
		struct job *job = NULL;
		struct job **list = NULL;
		size_t count = 0;
		assert_int_equal(
			sys_write_file(b, "job.json", texts[i], strlen(texts[i]), 0600), 0);
		assert_int_equal(job_open("b-1", &job, &e), -EINVAL);
		assert_memory_equal(e.text, "b-1/job.json:1:", 15);
		assert_int_equal(job_list(&list, &count, &e), 0);
		assert_int_equal(count, 2);
		assert_null(list[2]);
		job_list_free(list);
	}
	assert_int_equal(mkdirat(dir->fd, "writfs/jobs/empty-1", 0700), 0);
	int file cleanup_fd =
		openat(dir->fd, "writfs/jobs/file", O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	assert_true(file >= 0);
	struct job **list = NULL;
	size_t count = 0;
	assert_int_equal(job_list(&list, &count, NULL), 0);
	assert_int_equal(count, 2);
	assert_string_equal(list[0]->id, "c-1"); /* newest first */
	assert_string_equal(list[1]->id, "a-1");
	job_list_free(list);
}

static int choose(const char *id, const char *cwd, bool change, char ret_id[JOB_ID_MAX],
	size_t *others, struct err *e)
{
	struct job *job = NULL;
	int r = job_select(id, cwd, change, has_changes, &job, others, e);
	(void)snprintf(ret_id, JOB_ID_MAX, "%s", r == 0 ? job->id : "");
	job_free(job);
	return r;
}

static void check_chosen(const char *cwd, bool change, const char *wanted, size_t wanted_others)
{
	char id[JOB_ID_MAX];
	size_t others = 99;
	struct err e = {0};
	assert_int_equal(choose(NULL, cwd, change, id, &others, &e), 0);
	assert_string_equal(id, wanted);
	assert_int_equal(others, wanted_others);
}

static void the_job_that_is_meant(void **state)
{
	(void)state;
	char id[JOB_ID_MAX];
	size_t others = 0;
	struct err e = {0};
	changed[0] = '\0';
	assert_int_equal(choose(NULL, "/", false, id, &others, &e), -ENOENT);
	assert_non_null(strstr(e.text, "writ run"));
	make_ended("a", "/w/one");
	check_chosen("/elsewhere", true, "a-1", 0); /* the only one there is */
	make_ended("b", "/w/two");
	make_ended("c", "/w/two/deep");
	make_ended("d", NULL);
	check_chosen("/elsewhere", false, "d-1", 3); /* no changes anywhere: the newest */
	assert_int_equal(choose(NULL, "/x", true, id, &others, &e), -EEXIST);
	assert_string_equal(e.text,
		"several jobs, name one with -j: d-1 (d --flag), c-1 (c --flag), "
		"b-1 (b --flag), a-1 (a --flag)");

	(void)snprintf(changed, sizeof changed, " a-1 b-1 ");
	check_chosen("/w/one/sub", true, "a-1", 0);
	check_chosen("/w/two/deep", true, "b-1", 0); /* c has no changes */
	check_chosen("/w/onemore", false, "b-1", 1);
	assert_int_equal(choose(NULL, "/w/onemore", true, id, &others, &e), -EEXIST);
	(void)snprintf(changed, sizeof changed, " a-1 b-1 c-1 ");
	check_chosen("/w/two", true, "b-1", 0);
	check_chosen("/w/two/deep/er", false, "c-1", 1);
	assert_int_equal(choose(NULL, "/w/two/deep", true, id, &others, &e), -EEXIST);
	assert_string_equal(
		e.text, "several jobs, name one with -j: c-1 (c --flag), b-1 (b --flag)");
	(void)snprintf(changed, sizeof changed, " a-1 ");
	check_chosen("/elsewhere", true, "a-1", 0);

	assert_int_equal(choose("d-1", "/w/one", true, id, &others, &e), 0);
	assert_string_equal(id, "d-1");
	assert_int_equal(setenv("WRIT_JOB", "c-1", 1), 0);
	check_chosen("/w/one", true, "c-1", 0);
	assert_int_equal(choose("d-1", "/w/one", true, id, &others, &e), 0);
	assert_string_equal(id, "d-1");
	assert_int_equal(setenv("WRIT_JOB", "gone-1", 1), 0);
	assert_int_equal(choose(NULL, "/w/one", true, id, &others, &e), -ENOENT);
	assert_memory_equal(e.text, "$WRIT_JOB: no job gone-1", 24);
	assert_int_equal(setenv("WRIT_JOB", "", 1), 0);
	check_chosen("/elsewhere", true, "a-1", 0);
}

static void one_review_at_a_time(void **state)
{
	(void)state;
	make_ended("sh", NULL);
	struct err e = {0};
	struct job *one = get("sh-1");
	struct job *two = get("sh-1");
	assert_int_equal(job_lock_review(one, 0, &e), 0);
	assert_int_equal(job_lock_review(one, 0, &e), 0);
	assert_int_equal(job_lock_review(two, 0, &e), -EBUSY);
	char wanted[128];
	(void)snprintf(wanted, sizeof wanted,
		"job sh-1 is being reviewed by another writ (process %d): wait for it", getpid());
	assert_string_equal(e.text, wanted);
	one->review = JOB_DISCARDED;
	assert_int_equal(job_save(one, &e), 0);
	job_free(one);
	assert_int_equal(job_lock_review(two, 1000, &e), 0);
	assert_int_equal(two->review, JOB_DISCARDED);
	job_free(two);
}

static void removing_takes_all(void **state)
{
	struct tempdir *dir = *state;
	struct job *live = make("live", NULL);
	struct err e = {0};
	struct job *same = get("live-1");
	assert_int_equal(job_remove(same, &e), -EBUSY);
	assert_memory_equal(e.text, "job live-1 is live", 18);
	job_free(same);
	int scratch cleanup_fd = job_scratch(live, 0);
	assert_int_equal(mkdirat(scratch, "tree", 0700), 0);
	assert_int_equal(mkdirat(scratch, "tree/locked", 0), 0);
	job_free(live);
	struct job *gone = get("live-1");
	assert_int_equal(job_remove(gone, &e), 0);
	job_free(gone);
	assert_int_equal(faccessat(dir->fd, "writfs/jobs/live-1", F_OK, 0), -1);
	int jobs = openat(dir->fd, "writfs/jobs", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *list cleanup_dir = fdopendir(jobs);
	unsigned count = 0;
	while (readdir(list))
		count++;
	assert_int_equal(count, 2);
}

/* Ends job id days ago. */
static void age(const char *id, enum job_review review, int days)
{
	struct job *job = get(id);
	char text[4096];
	struct err e = {0};
	job->review = review;
	assert_int_equal(job_save(job, &e), 0);
	/* saved is now: written again by hand. */
	char *old cleanup_free = NULL;
	assert_int_equal(sys_read_file(job->dir, "job.json", 4000, &old, NULL), 0);
	int64_t then = sys_time_ns(CLOCK_REALTIME) - days * DAY_NS;
	char when[FORMAT_TIME_SIZE];
	(void)format_time(when, then);
	size_t len = 0;
	for (const char *at = old; *at;) {
		bool time = strncmp(at, "\"saved\":", 8) == 0 || strncmp(at, "\"end\":", 6) == 0;
		const char *end = time ? strchr(at, ',') : at + 1;
		if (time)
			len += (size_t)snprintf(text + len, sizeof text - len, "\"%s\":\"%s\"",
				at[1] == 's' ? "saved" : "end", when);
		else
			text[len++] = *at;
		at = end;
	}
	assert_int_equal(sys_write_file(job->dir, "job.json", text, len, 0600), 0);
	job_free(job);
}

static void pruning_keeps_what_is_undecided(void **state)
{
	struct tempdir *dir = *state;
	static const struct {
		const char *program;
		enum job_review review;
		int days;
		bool changes, kept;
	} rows[] = {
		{"a", JOB_UNDECIDED, 0, false, true},
		{"b", JOB_UNDECIDED, 2, false, false},
		{"c", JOB_UNDECIDED, 400, true, true},
		{"d", JOB_APPLIED, 13, false, true},
		{"e", JOB_APPLIED, 15, false, false},
		{"f", JOB_DISCARDED, 15, false, false},
		{"g", JOB_PARTLY, 400, true, true},
		{"h", JOB_PARTLY, 15, false, false},
	};
	changed[0] = '\0';
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char id[8];
		make_ended(rows[i].program, NULL);
		(void)snprintf(id, sizeof id, "%s-1", rows[i].program);
		age(id, rows[i].review, rows[i].days);
		size_t len = strlen(changed);
		if (rows[i].changes)
			(void)snprintf(changed + len, sizeof changed - len, " %s ", id);
	}
	struct job *live = make("live", NULL);
	assert_int_equal(mkdirat(dir->fd, "writfs/jobs/.new-0", 0700), 0);
	unsigned removed = 0;
	struct err e = {0};
	assert_int_equal(job_prune(has_changes, &removed, &e), 0);
	assert_int_equal(removed, 4);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char path[64];
		(void)snprintf(path, sizeof path, "writfs/jobs/%s-1", rows[i].program);
		assert_int_equal(faccessat(dir->fd, path, F_OK, 0), rows[i].kept ? 0 : -1);
	}
	job_free(get("live-1"));
	job_free(live);
	assert_int_equal(faccessat(dir->fd, "writfs/jobs/.new-0", F_OK, 0), 0); /* young */
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, tempdir_teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_job_is_whole_and_private),
		TEST(default_acls_are_not_inherited),
		TEST(ids_count_up),
		TEST(a_killed_job_is_told_from_an_ended_one),
		TEST(continuing_makes_it_undecided),
		TEST(unknown_jobs_are_named),
		TEST(damaged_jobs_are_skipped),
		TEST(the_job_that_is_meant),
		TEST(one_review_at_a_time),
		TEST(removing_takes_all),
		TEST(pruning_keeps_what_is_undecided),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
