/* SPDX-License-Identifier: MIT */
/*
 * Threads on different names at once, as store.h allows: shared parents are made once, one group of
 * hard links is copied up once, nobody gets another one's data. Run under TSan, too.
 */
#include "../support/store_test.h"

#include <pthread.h>

#define THREADS 4
#define ROUNDS 40

struct worker {
	struct store *s;
	int number;
	int result;
	pthread_barrier_t *barrier;
	pthread_t thread;
};

static void run_threads(struct fixture *f, void *(*fn)(void *arg))
{
	struct worker workers[THREADS];
	pthread_barrier_t barrier;
	assert_int_equal(pthread_barrier_init(&barrier, NULL, THREADS), 0);
	for (int i = 0; i < THREADS; i++) {
		workers[i] = (struct worker){.s = f->store, .number = i, .barrier = &barrier};
		assert_int_equal(pthread_create(&workers[i].thread, NULL, fn, &workers[i]), 0);
	}
	for (int i = 0; i < THREADS; i++) {
		(void)pthread_join(workers[i].thread, NULL);
		if (workers[i].result < 0)
			fail_msg("thread %d: %s", i, strerror(-workers[i].result));
	}
	(void)pthread_barrier_destroy(&barrier);
}

/* Every thread writes its own file below parents that none of them has made yet. */
static void *copy_up_below_shared_parents(void *arg)
{
	struct worker *w = arg;
	for (int i = 0; i < ROUNDS && w->result == 0; i++) {
		char path[64];
		char text[32];
		(void)snprintf(path, sizeof path, "d%d/sub/f%d", i, w->number);
		(void)snprintf(text, sizeof text, "%d-%d", i, w->number);
		(void)pthread_barrier_wait(w->barrier);
		w->result = do_write(w->s, path, 0, text, strlen(text));
		if (w->result == 0 && !view_shows(w->s, path, text))
			w->result = -EIO;
	}
	return NULL;
}

static void test_shared_parents(void **state)
{
	struct fixture *f = *state;
	char path[64];
	for (int i = 0; i < ROUNDS; i++) {
		(void)snprintf(path, sizeof path, "d%d", i);
		assert_ok(fixture_mkdir(f, path, 0755));
		(void)snprintf(path, sizeof path, "d%d/sub", i);
		assert_ok(fixture_mkdir(f, path, 0750));
		for (int k = 0; k < THREADS; k++) {
			(void)snprintf(path, sizeof path, "d%d/sub/f%d", i, k);
			assert_ok(fixture_file(f, path, 0644, "x"));
		}
	}
	assert_ok(fixture_start(f));
	run_threads(f, copy_up_below_shared_parents);
	for (int i = 0; i < ROUNDS; i++) {
		(void)snprintf(path, sizeof path, "d%d/sub", i);
		assert_names(f->store, path, "f0\nf1\nf2\nf3\n");
		assert_int_equal(shown(f->store, path).st.st_mode & 07777, 0750);
	}
}

/* Every thread writes its own byte of one inode through its own name. */
static void *write_one_group(void *arg)
{
	struct worker *w = arg;
	for (int i = 0; i < ROUNDS && w->result == 0; i++) {
		char path[64];
		char byte = (char)('0' + w->number);
		(void)snprintf(path, sizeof path, "g%d-%d", i, w->number);
		(void)pthread_barrier_wait(w->barrier);
		w->result = do_write(w->s, path, w->number, &byte, 1);
	}
	return NULL;
}

static void test_one_group_of_links(void **state)
{
	struct fixture *f = *state;
	char path[64];
	char first[64];
	for (int i = 0; i < ROUNDS; i++) {
		(void)snprintf(first, sizeof first, "g%d-0", i);
		assert_ok(fixture_file(f, first, 0644, "....tail"));
		for (int k = 1; k < THREADS; k++) {
			(void)snprintf(path, sizeof path, "g%d-%d", i, k);
			assert_ok(fixture_link(f, first, path));
		}
	}
	assert_ok(fixture_start(f));
	run_threads(f, write_one_group);
	for (int i = 0; i < ROUNDS; i++)
		for (int k = 0; k < THREADS; k++) {
			(void)snprintf(path, sizeof path, "g%d-%d", i, k);
			assert_shows(f->store, path, "0123tail");
		}
}

/* Creating, renaming, linking and deleting in one directory while others list it. */
static void *churn(void *arg)
{
	struct worker *w = arg;
	for (int i = 0; i < ROUNDS && w->result == 0; i++) {
		char a[32];
		char b[32];
		(void)snprintf(a, sizeof a, "d/a%d", w->number);
		(void)snprintf(b, sizeof b, "d/b%d", w->number);
		int r = do_create(w->s, a, 0644, "mine");
		if (r == 0)
			r = do_rename(w->s, a, b, 0);
		if (r == 0)
			r = do_link(w->s, b, a);
		free(view_names(w->s, "d"));
		if (r == 0 && !view_shows(w->s, a, "mine"))
			r = -EIO;
		if (r == 0)
			r = do_unlink(w->s, b);
		if (r == 0)
			r = do_unlink(w->s, a);
		w->result = r;
	}
	return NULL;
}

static void test_one_directory(void **state)
{
	struct fixture *f = *state;
	assert_ok(fixture_mkdir(f, "d", 0755));
	assert_ok(fixture_file(f, "d/lower", 0644, "x"));
	assert_ok(fixture_start(f));
	run_threads(f, churn);
	assert_names(f->store, "d", "lower\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		store_test(test_shared_parents),
		store_test(test_one_group_of_links),
		store_test(test_one_directory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
