/* SPDX-License-Identifier: MIT */
/*
 * What the ring promises: a record whose append returned is in the journal exactly once, whenever
 * the daemon is killed; a full ring waits; a disk that is full loses what it must and says so.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <pthread.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <writfs/cleanup.h>
#include <writfs/sys.h>

#include "../../fs/journal/journal_i.h"
#include "../support/tempdir.h"

#define THREADS 8
#define CRASH_ROUNDS 25
#define CRASH_THREADS 3

struct tally {
	uint64_t last_seq;
	unsigned count;
	unsigned gaps;
	unsigned disorder;
	long last[THREADS]; /* the last number of each thread */
	unsigned bad;
};

/* Paths are "/THREAD/NUMBER"; numbers of one thread come in order, without gaps. */
static int tally_line(const struct journal_line *line, void *arg)
{
	struct tally *tally = arg;
	unsigned thread = 0;
	long number = 0;
	tally->gaps += line->seq != tally->last_seq + 1;
	tally->last_seq = line->seq;
	tally->count++;
	if (sscanf(line->path, "/%u/%ld", &thread, &number) == 2 && thread < THREADS) {
		tally->disorder += number != tally->last[thread] + 1;
		tally->last[thread] = number;
	}
	return 0;
}

static struct tally tally_all(struct tempdir *dir)
{
	struct tally tally = {0};
	struct err e = {0};
	assert_int_equal(journal_read(dir->fd, tally_line, &tally, &tally.bad, &e), 0);
	return tally;
}

static void append_number(struct journal *j, unsigned thread, long number)
{
	char path[64];
	(void)snprintf(path, sizeof path, "/%u/%ld", thread, number);
	journal_append(j, &(struct journal_record){.op = JOURNAL_WRITE,
				  .verdict = JOURNAL_REDIRECTED,
				  .path = path,
				  .bytes = number});
}

static void reopen(struct tempdir *dir)
{
	struct journal *j = NULL;
	struct err e = {0};
	int r = journal_open(dir->fd, &j, &e);
	if (r < 0)
		print_error("%s\n", e.text);
	assert_int_equal(r, 0);
	assert_int_equal(journal_close(j), 0);
}

struct worker {
	struct journal *j;
	unsigned thread;
	_Atomic long *done; /* the last number whose append returned */
	long start, end;
	pthread_t id;
};

static void *work(void *arg)
{
	struct worker *w = arg;
	for (long i = w->start; i < w->end; i++) {
		append_number(w->j, w->thread, i);
		if (w->done)
			atomic_store(w->done, i);
	}
	return NULL;
}

static _Noreturn void child_appends_for_ever(struct tempdir *dir, _Atomic long *done)
{
	struct journal *j = NULL;
	if (journal_open(dir->fd, &j, NULL) < 0)
		_exit(9);
	struct worker workers[CRASH_THREADS];
	for (unsigned t = 0; t < CRASH_THREADS; t++) {
		workers[t] = (struct worker){.j = j,
			.thread = t,
			.done = &done[t],
			.start = done[t] + 1,
			.end = 1 << 30};
		if (pthread_create(&workers[t].id, NULL, work, &workers[t]) != 0)
			_exit(9);
	}
	for (;;)
		(void)pause();
}

static void a_killed_daemon_loses_nothing(void **state)
{
	struct tempdir *dir = *state;
	_Atomic long *done =
		mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(done, MAP_FAILED);
	unsigned seed = 12345;
	for (int round = 0; round < CRASH_ROUNDS; round++) {
		pid_t pid = fork();
		assert_true(pid >= 0);
		if (pid == 0)
			child_appends_for_ever(dir, done);
		long before = done[0];
		for (int i = 0; i < 5000 && atomic_load(&done[0]) == before; i++)
			(void)usleep(1000);
		seed = seed * 1103515245 + 12345;
		(void)usleep(seed / 65536 % 40000);
		assert_int_equal(kill(pid, SIGKILL), 0);
		int status = 0;
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFSIGNALED(status));
		/* Even before anybody opens it again, a reader sees all. */
		for (int look = 0; look < 2; look++) {
			struct tally tally = tally_all(dir);
			assert_int_equal(tally.gaps, 0);
			assert_int_equal(tally.disorder, 0);
			for (unsigned t = 0; t < CRASH_THREADS; t++) {
				/* One append may have been under way. */
				assert_true(tally.last[t] >= done[t]);
				assert_true(tally.last[t] <= done[t] + 1);
			}
			if (look == 0)
				reopen(dir);
			for (unsigned t = 0; look && t < CRASH_THREADS; t++)
				done[t] = tally.last[t];
		}
	}
	assert_true(tally_all(dir).count > CRASH_ROUNDS);
	(void)munmap((void *)done, 4096);
}

static void put_numbered(struct ring *ring, uint64_t seq)
{
	char body[128];
	int n = snprintf(body, sizeof body,
		"\"op\":\"write\",\"verdict\":\"redirected\",\"path\":\"/0/%d\"}", (int)seq);
	struct ring_item item = {
		.seq = seq, .time_ns = sys_time_ns(CLOCK_REALTIME), .len = (size_t)n};
	assert_true(ring_put(ring, &item, body));
}

/* The lines of records first to last, as the writer makes them. */
static void add_lines(struct str *out, int first, int last)
{
	for (int i = first; i <= last; i++)
		str_addf(out,
			"{\"seq\":%d,\"time\":\"2026-11-23T10:50:06.000000001Z\",\"op\":\"write\","
			"\"verdict\":\"redirected\",\"path\":\"/0/%d\"}\n",
			i, i);
}

static void a_kill_before_the_tail_moved(void **state)
{
	struct tempdir *dir = *state;
	/* The file ends after record 3, in the middle of record 4, or exactly before its newline.
	 */
	for (int cut = 0; cut < 3; cut++) {
		struct ring ring;
		struct err e = {0};
		assert_int_equal(ring_open(dir->fd, false, &ring, &e), 0);
		for (uint64_t seq = 1; seq <= 6; seq++)
			put_numbered(&ring, seq);
		ring_close(&ring);
		struct str text cleanup_str = STR_INIT;
		add_lines(&text, 1, cut ? 4 : 3);
		size_t len = text.len - (cut == 1 ? 30 : cut == 2 ? 1 : 0);
		assert_int_equal(sys_write_file(dir->fd, "journal.jsonl", text.p, len, 0600), 0);
		reopen(dir);
		struct tally tally = tally_all(dir);
		assert_int_equal(tally.count, 6);
		assert_int_equal(tally.gaps, 0);
		assert_int_equal(tally.disorder, 0);
		assert_int_equal(tally.bad, cut == 1);
		reopen(dir);
		assert_int_equal(tally_all(dir).count, 6);
	}
}

static void a_damaged_ring_ends_where_it_is_damaged(void **state)
{
	struct tempdir *dir = *state;
	struct ring ring;
	struct err e = {0};
	assert_int_equal(ring_open(dir->fd, false, &ring, &e), 0);
	for (uint64_t seq = 1; seq <= 3; seq++)
		put_numbered(&ring, seq);
	ring.data[ring_head(&ring) - 40] ^= 1; /* in the body of the third */
	ring_close(&ring);
	reopen(dir);
	assert_int_equal(tally_all(dir).count, 2);
	/* A file that is no ring at all is replaced. */
	assert_int_equal(sys_write_file(dir->fd, "journal.ring", "garbage", 7, 0600), 0);
	reopen(dir);
	struct journal *j = NULL;
	assert_int_equal(journal_open(dir->fd, &j, &e), 0);
	append_number(j, 0, 3);
	assert_int_equal(journal_close(j), 0);
	assert_int_equal(tally_all(dir).last_seq, 3);
}

static void many_threads_and_a_full_ring(void **state)
{
	struct tempdir *dir = *state;
	struct journal *j = NULL;
	struct err e = {0};
	assert_int_equal(journal_open(dir->fd, &j, &e), 0);
	struct worker workers[THREADS];
	enum { EACH = 6000 }; /* ten times what the ring holds */
	for (unsigned t = 0; t < THREADS; t++) {
		workers[t] = (struct worker){.j = j, .thread = t, .start = 1, .end = EACH + 1};
		assert_int_equal(pthread_create(&workers[t].id, NULL, work, &workers[t]), 0);
	}
	for (unsigned t = 0; t < THREADS; t++)
		assert_int_equal(pthread_join(workers[t].id, NULL), 0);
	journal_flush(j);
	assert_int_equal(tally_all(dir).count, THREADS * EACH);
	assert_int_equal(journal_close(j), 0);
	struct tally tally = tally_all(dir);
	assert_int_equal(tally.count, THREADS * EACH);
	assert_int_equal(tally.gaps, 0);
	assert_int_equal(tally.disorder, 0);
	assert_int_equal(tally.bad, 0);
}

static void flush_shows_what_was_appended(void **state)
{
	struct tempdir *dir = *state;
	struct journal *j = NULL;
	struct err e = {0};
	assert_int_equal(journal_open(dir->fd, &j, &e), 0);
	journal_flush(j);
	for (long i = 1; i <= 50; i++) {
		append_number(j, 0, i);
		journal_flush(j);
		assert_int_equal(tally_all(dir).count, i);
	}
	/* Without being asked it takes a moment. */
	append_number(j, 0, 51);
	for (int i = 0; i < 200 && tally_all(dir).count < 51; i++)
		(void)usleep(10000);
	assert_int_equal(tally_all(dir).count, 51);
	assert_int_equal(journal_close(j), 0);
}

static void one_writer_at_a_time(void **state)
{
	struct tempdir *dir = *state;
	struct journal *j = NULL;
	struct journal *other = NULL;
	struct err e = {0};
	assert_int_equal(journal_open(dir->fd, &j, &e), 0);
	assert_int_equal(journal_open(dir->fd, &other, &e), -EBUSY);
	assert_string_equal(e.text, "journal.jsonl: another writ is writing it");
	assert_int_equal(journal_close(j), 0);
	reopen(dir);
}

/* Appends count records while the file may not grow; says journal_close's errno in the pipe. */
static _Noreturn void child_with_full_disk(struct tempdir *dir, long count, int pipe)
{
	struct journal *j = NULL;
	if (journal_open(dir->fd, &j, NULL) < 0)
		_exit(99);
	(void)signal(SIGXFSZ, SIG_IGN);
	struct rlimit limit = {10000, RLIM_INFINITY};
	(void)setrlimit(RLIMIT_FSIZE, &limit);
	for (long i = 1; i <= count; i++)
		append_number(j, 0, i);
	char said = (char)-journal_close(j);
	(void)!write(pipe, &said, 1);
	_exit(0);
}

static void run_with_full_disk(struct tempdir *dir, long count)
{
	int fds[2];
	char said = 0;
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		child_with_full_disk(dir, count, fds[1]);
	(void)close(fds[1]);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_int_equal(read(fds[0], &said, 1), 1);
	(void)close(fds[0]);
	assert_int_equal(said, EFBIG);
}

static void a_full_disk_keeps_what_the_ring_holds(void **state)
{
	struct tempdir *dir = *state;
	run_with_full_disk(dir, 1000);
	struct tally tally = tally_all(dir);
	assert_int_equal(tally.count, 1000);
	reopen(dir);
	tally = tally_all(dir);
	assert_int_equal(tally.count, 1000);
	assert_int_equal(tally.gaps, 0);
	assert_int_equal(tally.disorder, 0);
}

static void a_full_disk_does_not_stop_the_program(void **state)
{
	struct tempdir *dir = *state;
	run_with_full_disk(dir, 20000);
	reopen(dir);
	struct tally tally = tally_all(dir);
	assert_int_equal(tally.last[0], 20000); /* the newest are kept */
	assert_int_equal(tally.gaps, 1);
	assert_true(tally.count < 20000);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, tempdir_setup, tempdir_teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_killed_daemon_loses_nothing),
		TEST(a_kill_before_the_tail_moved),
		TEST(a_damaged_ring_ends_where_it_is_damaged),
		TEST(many_threads_and_a_full_ring),
		TEST(flush_shows_what_was_appended),
		TEST(one_writer_at_a_time),
		TEST(a_full_disk_keeps_what_the_ring_holds),
		TEST(a_full_disk_does_not_stop_the_program),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
