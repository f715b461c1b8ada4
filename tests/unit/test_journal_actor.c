/* SPDX-License-Identifier: MIT */
/* Who did it: short names of programs, identities over fork, exec and threads, secrets masked. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <writfs/cleanup.h>
#include <writfs/sys.h>

#include "../../fs/journal/journal_i.h"
#include "../support/tempdir.h"

/* args are separated by '|'. */
static void check_program(const char *exe, const char *args, const char *wanted)
{
	char cmdline[512];
	char name[PROGRAM_NAME_MAX];
	size_t len = strlen(args) + 1;
	memcpy(cmdline, args, len);
	for (size_t i = 0; i < len; i++)
		cmdline[i] = cmdline[i] == '|' ? '\0' : cmdline[i];
	program_name(exe, cmdline, len > 1 ? len : 0, name);
	assert_string_equal(name, wanted);
}

static void programs_have_short_names(void **state)
{
	(void)state;
	check_program("/usr/bin/git", "git|commit", "git");
	check_program("/usr/bin/git", "anything|commit", "git");
	check_program("/usr/bin/python3.11", "python3|/opt/tool.py|-c", "tool.py");
	check_program("/usr/bin/python3.11", "python3|-u|-W|ignore|tool", "tool");
	check_program("/usr/bin/python3.11", "python3|-c|import os|x", "python3");
	check_program("/usr/bin/python3.11", "python3|-m|venv|dir", "venv");
	check_program("/usr/bin/python3.11", "python3", "python3");
	check_program("/usr/bin/node", "node|/usr/local/bin/claude|--resume", "claude");
	check_program("/usr/bin/node", "node|--max-old-space-size=4096|-r|ts|cli.js", "cli.js");
	check_program("/usr/bin/node", "node|--require|x|cli.js", "cli.js");
	check_program("/usr/bin/node", "node|-e|code", "node");
	check_program("/usr/bin/node", "node|--eval|code", "node");
	check_program("/usr/bin/bash", "bash|./install.sh|-x", "install.sh");
	check_program("/usr/bin/bash", "bash|-euo|pipefail|run", "run");
	check_program("/usr/bin/bash", "bash|-lc|npm install", "bash");
	check_program("/usr/bin/bash", "-bash", "bash");
	check_program("/usr/bin/bash", "bash|-s|arg", "bash");
	check_program("/usr/bin/bash", "bash|--rcfile|f|script", "script");
	check_program("/usr/bin/bash", "bash|--|-odd", "-odd");
	check_program("/usr/bin/bash", "bash|-", "bash");
	check_program("/usr/bin/dash", "sh|./install.sh", "install.sh");
	check_program("/usr/bin/dash", "sh|-c|x", "sh");
	check_program("/usr/bin/perl", "perl|-I/usr/lib|-w|/usr/bin/debconf", "debconf");
	check_program("/usr/bin/perl", "perl|-i.bak|-pe|s/a/b/|file", "perl");
	check_program("/usr/bin/perl", "perl|-MFile::Copy|-we|x", "perl");
	check_program("/usr/bin/ruby3.1", "ruby|-I|lib|/usr/bin/rake", "rake");
	check_program("/usr/bin/busybox", "ls|-l", "ls");
	check_program("/usr/bin/vim.basic", "vim|x", "vim");
	check_program("/home/me/.local/share/claude/versions/2.1.3", "claude|--help", "claude");
	check_program("/home/me/versions/2.1.3", "", "2.1.3");
	check_program("/home/me/prog (deleted)", "prog", "prog");
	check_program("", "/opt/setuid|x", "setuid");
	check_program("", "", "");
	check_program("/root/.bun/bin/bun", "bun|run|server.ts", "server.ts");
}

/* args are separated by '|'; wanted has the words with blanks between. */
static void check_mask(const char *args, const char *wanted)
{
	struct str out cleanup_str = STR_INIT;
	char cmdline[1024];
	size_t len = strlen(args) + 1;
	memcpy(cmdline, args, len);
	for (size_t i = 0; i < len; i++)
		cmdline[i] = cmdline[i] == '|' ? '\0' : cmdline[i];
	journal_mask_argv(&out, cmdline, len, JOURNAL_ARGV_MAX);
	assert_string_equal(out.p ? out.p : "", wanted);
}

static void secrets_are_masked(void **state)
{
	(void)state;
	check_mask("gh|auth|--token=abcdef|x", "gh auth --token=*** x");
	check_mask("gh|auth|--token|abcdef|x", "gh auth --token *** x");
	check_mask("x|--password|p w|--api-key=k1|--verbose",
		"x --password *** --api-key=*** --verbose");
	check_mask(
		"x|--access-key|AKEY|--client-secret=s", "x --access-key *** --client-secret=***");
	check_mask("x|--token|--verbose", "x --token --verbose");
	check_mask("docker|login|--password-stdin|reg.io", "docker login --password-stdin reg.io");
	check_mask("curl|-H|Authorization: Bearer abcdefgh123|https://x",
		"curl -H Authorization: *** https://x");
	check_mask("curl|-HX-Api-Key: zzz|u", "curl -HX-Api-Key: *** u");
	check_mask("curl|-u|me:secret|https://x", "curl -u me:*** https://x");
	check_mask("curl|-u|me|https://x", "curl -u me https://x");
	check_mask("git|clone|https://me:pass@host/repo", "git clone https://me:***@host/repo");
	check_mask("git|clone|https://abcdefghijklmnopqrst@host/r", "git clone https://***@host/r");
	check_mask("git|clone|https://git@host/r", "git clone https://git@host/r");
	check_mask("git|clone|ssh://git@host:22/r", "git clone ssh://git@host:22/r");
	check_mask("x|sk-ant-abcdefghijk|y", "x sk-*** y");
	check_mask("x|key is ghp_0123456789abcdef,", "x key is ghp_***,");
	check_mask("aws|AKIAIOSFODNN7EXAMPLE", "aws AKIA***");
	check_mask("env|MY_TOKEN=a b c|cmd", "env MY_TOKEN=*** cmd");
	check_mask("env|DB_PASSWORD=x|API_KEY=y|HOME=/root",
		"env DB_PASSWORD=*** API_KEY=*** HOME=/root");
	check_mask("sh|-c|SECRET=abc make all", "sh -c SECRET=*** make all");
	check_mask("bash|-lc|curl -H \"Authorization: Bearer abcdefghi\" https://x --token zz -v",
		"bash -lc curl -H \"Authorization: ***\" https://x --token *** -v");
	check_mask("sh|-c|export A_KEY='x y'; run", "sh -c export A_KEY='***'; run");
	check_mask("curl|-d|{\"user\":\"me\",\"password\": \"p\"}",
		"curl -d {\"user\":\"me\",\"password\": \"***\"}");
	check_mask("x|-----BEGIN RSA PRIVATE KEY-----\nabc", "x ***");
	check_mask("x|Basic dXNlcjpwYXNz", "x Basic ***");
	check_mask("x|eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.sig-sig", "x eyJ***");
	check_mask("plain|words|--name=value|a=b|C:\\x", "plain words --name=value a=b C:\\x");
	check_mask("pip|install|sk-learn|--token=", "pip install sk-learn --token=");
	check_mask("", "");
}

static void masking_comes_before_cutting(void **state)
{
	(void)state;
	char args[2048];
	memset(args, 'a', sizeof args);
	memcpy(args + JOURNAL_ARGV_MAX - 20, " --token=SECRETSECRETSECRET", 27);
	args[sizeof args - 1] = '\0';
	struct str out cleanup_str = STR_INIT;
	journal_mask_argv(&out, args, sizeof args, JOURNAL_ARGV_MAX);
	assert_true(out.len <= JOURNAL_ARGV_MAX);
	assert_null(strstr(out.p, "SECRET"));
	/* Cut between characters. */
	struct str cut cleanup_str = STR_INIT;
	journal_mask_argv(&cut, "aé", sizeof "aé", 2);
	assert_string_equal(cut.p, "a");
}

/* A child that waits, so that /proc has something to say. Its arguments are argv. */
static pid_t start(const char *path, const char *const argv[], int *ret_pipe)
{
	int fds[2];
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		(void)dup2(fds[0], 0);
		(void)execv(path, (char *const *)(uintptr_t)argv);
		_exit(127);
	}
	(void)close(fds[0]);
	*ret_pipe = fds[1];
	/* Until the exec is done. */
	char comm[64] = "";
	for (int i = 0; i < 500 && !strstr(comm, strrchr(path, '/') + 1); i++) {
		char name[64];
		(void)snprintf(name, sizeof name, "/proc/%d/comm", pid);
		int fd = open(name, O_RDONLY | O_CLOEXEC);
		ssize_t n = fd < 0 ? 0 : read(fd, comm, sizeof comm - 1);
		comm[n > 0 ? n : 0] = '\0';
		(void)fd_close(fd);
		(void)usleep(2000);
	}
	return pid;
}

static void stop(pid_t pid, int pipe)
{
	(void)close(pipe);
	(void)kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void an_actor_is_described(void **state)
{
	struct tempdir *dir = *state;
	struct journal *j = NULL;
	struct err e = {0};
	assert_int_equal(journal_open(dir->fd, &j, &e), 0);
	int pipe;
	const char *argv[] = {"cat", "--", "-", "--token=abc", NULL};
	pid_t pid = start("/bin/cat", argv, &pipe);
	const struct journal_actor *actor = journal_actor_get(j, pid);
	assert_non_null(actor);
	assert_int_equal(actor->pid, pid);
	assert_int_equal(actor->ppid, getpid());
	assert_true(actor->start_time > 0);
	assert_string_equal(strrchr(actor->exe, '/'), "/cat");
	assert_string_equal(actor->argv, "cat -- - --token=***");
	assert_string_equal(actor->program, "cat");
	char cwd[PATH_MAX];
	assert_non_null(getcwd(cwd, sizeof cwd));
	assert_string_equal(actor->cwd, cwd);
	/* Its parent is this program, which is the journal's own here: outside the job. */
	assert_string_equal(actor->parent, "");
	assert_ptr_equal(journal_actor_get(j, pid), actor);
	(void)usleep(2 * JOURNAL_ACTOR_MS * 1000);
	assert_ptr_equal(journal_actor_get(j, pid), actor);
	stop(pid, pipe);
	/* Gone, but it is still who it was, and the pointer stays. */
	assert_ptr_equal(journal_actor_get(j, pid), actor);
	assert_string_equal(actor->program, "cat");
	assert_null(journal_actor_get(j, 0));
	const struct journal_actor *unknown = journal_actor_get(j, 4194304 + 7);
	assert_non_null(unknown);
	assert_string_equal(unknown->exe, "");
	assert_int_equal(journal_close(j), 0);
}

static void an_exec_is_another_actor(void **state)
{
	struct tempdir *dir = *state;
	struct journal *j = NULL;
	struct err e = {0};
	assert_int_equal(journal_open(dir->fd, &j, &e), 0);
	int pipe;
	const char *argv[] = {"sh", "-c", "read x; exec sh -c 'read y; exec cat; :'", NULL};
	pid_t pid = start("/bin/sh", argv, &pipe);
	const struct journal_actor *first = journal_actor_get(j, pid);
	assert_string_equal(first->program, "sh");
	/* The same file again: only the place of its arguments tells. */
	assert_int_equal(write(pipe, "\n", 1), 1);
	const struct journal_actor *second = first;
	for (int i = 0; i < 500 && second == first; i++) {
		(void)usleep(5000);
		second = journal_actor_get(j, pid);
	}
	assert_ptr_not_equal(first, second);
	assert_string_equal(second->argv, "sh -c read y; exec cat; :");
	assert_string_equal(first->exe, second->exe);
	assert_int_equal(write(pipe, "\n", 1), 1);
	const struct journal_actor *third = second;
	for (int i = 0; i < 500 && third == second; i++) {
		(void)usleep(5000);
		third = journal_actor_get(j, pid);
	}
	assert_string_equal(third->program, "cat");
	assert_string_equal(first->argv, "sh -c read x; exec sh -c 'read y; exec cat; :'");
	stop(pid, pipe);
	assert_int_equal(journal_close(j), 0);
}

static void a_parent_is_named(void **state)
{
	struct tempdir *dir = *state;
	struct journal *j = NULL;
	struct err e = {0};
	assert_int_equal(journal_open(dir->fd, &j, &e), 0);
	int pipe;
	const char *argv[] = {"sh", "-c", "cat; :", NULL};
	pid_t pid = start("/bin/sh", argv, &pipe);
	char path[64];
	char children[64] = "";
	(void)snprintf(path, sizeof path, "/proc/%d/task/%d/children", pid, pid);
	for (int i = 0; i < 500 && children[0] == '\0'; i++) {
		int fd = open(path, O_RDONLY | O_CLOEXEC);
		ssize_t n = fd < 0 ? 0 : read(fd, children, sizeof children - 1);
		children[n > 0 ? n : 0] = '\0';
		(void)fd_close(fd);
		(void)usleep(2000);
	}
	pid_t child = (pid_t)strtol(children, NULL, 10);
	if (child <= 0) {
		stop(pid, pipe);
		assert_int_equal(journal_close(j), 0);
		skip(); /* a kernel without CONFIG_PROC_CHILDREN */
	}
	const struct journal_actor *actor = NULL;
	for (int i = 0; i < 500 && (!actor || strcmp(actor->program, "cat") != 0); i++) {
		(void)usleep(5000);
		actor = journal_actor_get(j, child);
	}
	assert_string_equal(actor->program, "cat");
	assert_int_equal(actor->ppid, pid);
	assert_string_equal(actor->parent, "sh");
	stop(pid, pipe);
	assert_int_equal(journal_close(j), 0);
}

static void *thread_asks(void *arg)
{
	struct journal *j = arg;
	const struct journal_actor *actor = NULL;
	for (int i = 0; i < 2000; i++)
		actor = journal_actor_get(j, (pid_t)syscall(SYS_gettid));
	return (void *)(uintptr_t)actor;
}

static void threads_are_their_process(void **state)
{
	struct tempdir *dir = *state;
	struct journal *j = NULL;
	struct err e = {0};
	assert_int_equal(journal_open(dir->fd, &j, &e), 0);
	const struct journal_actor *actor = NULL;
	pthread_t threads[8];
	for (size_t i = 0; i < 8; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, thread_asks, j), 0);
	for (size_t i = 0; i < 8; i++) {
		void *got = NULL;
		assert_int_equal(pthread_join(threads[i], &got), 0);
		actor = actor ? actor : got;
		assert_ptr_equal(got, actor);
	}
	assert_non_null(actor);
	assert_int_equal(actor->pid, getpid());
	assert_int_equal(journal_actor_get(j, getpid())->start_time, actor->start_time);
	assert_int_equal(journal_close(j), 0);
}

struct outliving {
	struct journal *j;
	int pipe; /* one byte of good news; a status would be the sanitizer's */
};

/* Asks about its thread when the process's first one has ended. */
static void *thread_outlives(void *arg)
{
	const struct outliving *o = arg;
	(void)usleep(100000);
	const struct journal_actor *actor = journal_actor_get(o->j, (pid_t)syscall(SYS_gettid));
	bool good = actor && actor->pid == getpid() && actor->exe[0] == '/' &&
		    actor->argv[0] != '\0' && actor->cwd[0] == '/';
	(void)!write(o->pipe, good ? "y" : "n", 1);
	_exit(0);
}

static void a_first_thread_may_end(void **state)
{
	struct tempdir *dir = *state;
	int fds[2];
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		static struct outliving o;
		pthread_t thread;
		o.pipe = fds[1];
		if (journal_open(dir->fd, &o.j, NULL) < 0 ||
			pthread_create(&thread, NULL, thread_outlives, &o) != 0)
			_exit(2);
		pthread_exit(NULL);
	}
	(void)close(fds[1]);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	char news = '?';
	assert_int_equal(read(fds[0], &news, 1), 1);
	(void)close(fds[0]);
	assert_int_equal(news, 'y');
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, tempdir_setup, tempdir_teardown)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(programs_have_short_names),
		cmocka_unit_test(secrets_are_masked),
		cmocka_unit_test(masking_comes_before_cutting),
		TEST(an_actor_is_described),
		TEST(an_exec_is_another_actor),
		TEST(a_parent_is_named),
		TEST(threads_are_their_process),
		TEST(a_first_thread_may_end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
