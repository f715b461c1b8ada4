/* SPDX-License-Identifier: MIT */
/*
 * A throw-away home for the tests of fs/policy: files are written by name, the policy is loaded
 * with what the test gives, verdicts are asked by "~/" paths both by path and by stepping, which
 * must agree.
 */
#ifndef WRITFS_TESTS_POLICY_TEST_H
#define WRITFS_TESTS_POLICY_TEST_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <sys/stat.h>

#include <writfs/path.h>
#include <writfs/policy.h>

#include "tempdir.h"

struct home {
	struct tempdir *dir;
	char path[PATH_MAX / 2];   /* the home directory: DIR/home */
	char config[PATH_MAX / 2]; /* DIR/home/.config/writfs */
	char etc[PATH_MAX / 2];    /* DIR/etc */
};

/* "~/x" in the home, "%/x" in the temporary directory beside it, else as it is. */
static inline const char *home_path(const struct home *h, const char *path)
{
	static char buffers[8][PATH_MAX];
	static unsigned next;
	char *out = buffers[next++ % 8];
	if (path[0] == '~')
		(void)snprintf(out, PATH_MAX, "%s%s", h->path, path + 1);
	else if (path[0] == '%')
		(void)snprintf(out, PATH_MAX, "%s%s", h->dir->path, path + 1);
	else
		(void)snprintf(out, PATH_MAX, "%s", path);
	return out;
}

__attribute__((format(printf, 1, 2))) static inline void shell(const char *fmt, ...)
{
	char command[4 * PATH_MAX];
	va_list ap;
	va_start(ap, fmt);
	int len = vsnprintf(command, sizeof command, fmt, ap);
	va_end(ap);
	assert_in_range(len, 1, sizeof command - 1);
	int status = system(command);
	if (status != 0)
		print_error("%s\n", command);
	assert_int_equal(status, 0);
}

static inline void home_write(const struct home *h, const char *path, const char *text)
{
	const char *file = home_path(h, path);
	FILE *out = fopen(file, "we");
	if (!out) {
		shell("mkdir -p \"$(dirname '%s')\"", file);
		out = fopen(file, "we");
	}
	assert_non_null(out);
	assert_true(fputs(text, out) >= 0);
	assert_int_equal(fclose(out), 0);
}

static inline int home_setup(void **state)
{
	struct home *h = calloc(1, sizeof *h);
	void *dir = NULL;
	if (!h || tempdir_setup(&dir) < 0)
		return -1;
	h->dir = dir;
	char *real = realpath(h->dir->path, NULL);
	if (!real)
		return -1;
	(void)snprintf(h->path, sizeof h->path, "%s/home", real);
	(void)snprintf(h->config, sizeof h->config, "%s/home/.config/writfs", real);
	(void)snprintf(h->etc, sizeof h->etc, "%s/etc", real);
	free(real);
	*state = h;
	return mkdir(h->path, 0755);
}

static inline int home_teardown(void **state)
{
	struct home *h = *state;
	void *dir = h->dir;
	free(h);
	return tempdir_teardown(&dir);
}

/* Options with nothing in them, at cwd, which holds until the next call. */
static inline struct policy_options home_options(const struct home *h, const char *cwd)
{
	static char kept[PATH_MAX];
	(void)snprintf(kept, sizeof kept, "%s", home_path(h, cwd));
	return (struct policy_options){
		.home = h->path, .cwd = kept, .etc_dir = h->etc, .config_dir = h->config};
}

static inline struct policy *load_ok(const struct policy_options *o)
{
	struct policy *p = NULL;
	struct err e = {0};
	int r = policy_load(o, &p, &e);
	if (r < 0)
		print_error("%s\n", e.text);
	assert_int_equal(r, 0);
	assert_non_null(p);
	return p;
}

static inline policy_state state_of(const struct policy *p, const char *path)
{
	const char *const *roots;
	size_t count = policy_roots(p, &roots);
	for (size_t i = 0; i < count; i++) {
		const char *rest = path_relative(path, roots[i]);
		if (!rest)
			continue;
		policy_state s = policy_root_state(p, i);
		while (*rest) {
			size_t len = strcspn(rest, "/");
			s = policy_step(p, s, rest, len);
			rest += len;
			rest += *rest == '/';
		}
		return s;
	}
	fail_msg("%s is in no root", path);
	return 0;
}

/* "grant", "redirect", "refuse"; with "+hidden" appended where it is. */
static inline const char *verdict_text(struct verdict v)
{
	static const char *const names[][2] = {
		[VERDICT_GRANT] = {"grant", "grant+hidden"},
		[VERDICT_REDIRECT] = {"redirect", "redirect+hidden"},
		[VERDICT_REFUSE] = {"refuse", "refuse+hidden"},
	};
	return names[v.kind][v.hidden];
}

static inline struct verdict verdict_of(
	const struct policy *p, const struct home *h, const char *path)
{
	const char *absolute = home_path(h, path);
	struct verdict by_path = policy_decide_path(p, absolute);
	policy_state s = state_of(p, absolute);
	struct verdict by_state = policy_decide(p, s, s, true);
	assert_string_equal(verdict_text(by_path), verdict_text(by_state));
	return by_state;
}

#define expect_verdict(p, h, path, text)                                                           \
	do {                                                                                       \
		const char *got_ = verdict_text(verdict_of(p, h, path));                           \
		if (strcmp(got_, text) != 0)                                                       \
			fail_msg("%s: %s, not %s", path, got_, text);                              \
	} while (0)

static inline bool has_note(const struct policy *p, const char *part)
{
	const char *const *notes;
	size_t count = policy_notes(p, &notes);
	for (size_t i = 0; i < count; i++) {
		if (strstr(notes[i], part))
			return true;
	}
	for (size_t i = 0; i < count; i++)
		print_message("note: %s\n", notes[i]);
	return false;
}

#endif
