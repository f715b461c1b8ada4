/* SPDX-License-Identifier: MIT */
/*
 * What the test_store_* programs share: cmocka's includes in the order it wants, a fixture that is
 * set up before and removed after each test, and assertions that name the errno.
 */
#ifndef WRITFS_TESTS_STORE_TEST_H
#define WRITFS_TESTS_STORE_TEST_H

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
#include <unistd.h>

#include <cmocka.h>

#include <writfs/cleanup.h>
#include <writfs/store.h>

#include "fixture.h"

/* The call must answer 0, or exactly -errno. */
#define assert_ok(call) assert_error(call, 0)
#define assert_error(call, errnum) assert_result(#call, (call), (errnum), __FILE__, __LINE__)

static inline void assert_result(const char *what, long got, int errnum, const char *file, int line)
{
	if (got == -errnum)
		return;
	print_error("%s: %ld (%s), should be %d (%s)\n", what, got,
		got < 0 ? strerror((int)-got) : "success", -errnum,
		errnum ? strerror(errnum) : "success");
	_fail(file, line);
}

/* The shown content of path is text. */
static inline void assert_shows_at(
	struct store *s, const char *path, const char *text, const char *file, int line)
{
	cleanup_free char *shown = NULL;
	size_t len = 0;
	int r = view_read(s, path, &shown, &len);
	if (r == 0 && len == strlen(text) && memcmp(shown, text, len) == 0)
		return;
	print_error("%s shows \"%.200s\" (%d), should show \"%.200s\"\n", path,
		shown ? shown : "(nothing)", r, text);
	_fail(file, line);
}
#define assert_shows(s, path, text) assert_shows_at(s, path, text, __FILE__, __LINE__)

static inline void assert_names_at(
	struct store *s, const char *path, const char *names, const char *file, int line)
{
	cleanup_free char *shown = view_names(s, path);
	if (shown && strcmp(shown, names) == 0)
		return;
	print_error(
		"\"%s\" lists:\n%s-- should list:\n%s", path, shown ? shown : "(error)\n", names);
	_fail(file, line);
}
/* names: each followed by '\n', in byte order. */
#define assert_names(s, path, names) assert_names_at(s, path, names, __FILE__, __LINE__)

static inline int store_test_setup(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);
	int r = f ? fixture_open(f) : -ENOMEM;
	*state = f;
	if (r < 0) {
		print_error("no place for a test: %s (WRIT_TEST_DIR chooses one)\n", strerror(-r));
		free(f);
	}
	return r;
}

static inline int store_test_teardown(void **state)
{
	struct fixture *f = *state;
	fixture_close(f);
	free(f);
	return 0;
}

#define store_test(fn) cmocka_unit_test_setup_teardown(fn, store_test_setup, store_test_teardown)

/* The shown attributes, which must exist. */
static inline struct store_object shown(struct store *s, const char *path)
{
	struct store_object o = {0};
	int r = view_stat(s, path, &o);
	if (r < 0)
		fail_msg("%s: %s", path, strerror(-r));
	return o;
}

static inline int64_t mtime_ns(const struct stat *st)
{
	return st->st_mtim.tv_sec * INT64_C(1000000000) + st->st_mtim.tv_nsec;
}

#endif
