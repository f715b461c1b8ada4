/* SPDX-License-Identifier: MIT */
/*
 * A pattern and, after the first newline, a path. Beyond not crashing: what is accepted matches the
 * same with a slash or a double star behind it, and an escaped path matches itself.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <writfs/glob.h>
#include <writfs/str.h>

#define PATH_LEN_MAX 512

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct glob_bases bases = {.home = "/h", .dot = "/h/d", .bare = "/h/b"};

static void check(bool good)
{
	if (!good)
		abort();
}

static int deepest(uint32_t tag, size_t depth, void *arg)
{
	(void)tag;
	size_t *most = arg;
	*most = depth + 1 > *most ? depth + 1 : *most;
	return 0;
}

/* The depth of the deepest match + 1, 0: none, -1: the pattern is refused. */
static long match(const char *pattern, const char *path)
{
	struct glob_set *set = NULL;
	struct err e = {0};
	size_t most = 0;
	check(glob_set_create(&set) == 0);
	int r = glob_set_add(set, pattern, &bases, 0, &e);
	if (r == 0)
		check(glob_set_match(set, path, "/h", deepest, &most) == 0);
	else
		check(e.errnum == -r && e.text[0] && !strchr(e.text, '\n'));
	glob_set_free(set);
	return r == 0 ? (long)most : -1;
}

/* An absolute path without empty, "." or ".." components. */
static void normalise(const char *from, struct str *out)
{
	while (*from && out->len < PATH_LEN_MAX) {
		size_t len = strcspn(from, "/");
		bool dots = len <= 2 && strspn(from, ".") >= len;
		if (len && len < 256 && !dots) {
			str_add_char(out, '/');
			str_add_mem(out, from, len);
		}
		from += len;
		from += *from == '/';
	}
	if (!out->len)
		str_add_char(out, '/');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text cleanup_str = STR_INIT;
	struct str path cleanup_str = STR_INIT;
	struct str more cleanup_str = STR_INIT;
	str_add_mem(&text, data, size);
	str_add_char(&text, '\0');
	char *rest = text.p + strcspn(text.p, "\n");
	if (*rest)
		*rest++ = '\0';
	normalise(rest, &path);
	long got = match(text.p, path.p);

	str_add(&more, text.p);
	bool fits = strlen(text.p) + 3 <= GLOB_PATTERN_MAX;
	if (got >= 0 && fits && text.p[0]) {
		str_add(&more, "/");
		check(match(more.p, path.p) == got);
		str_add(&more, "**");
		check(match(more.p, path.p) == got);
	}
	str_clear(&more);
	glob_escape(&more, path.p);
	if (more.len <= GLOB_PATTERN_MAX)
		check(match(more.p, path.p) > 0);
	return 0;
}
