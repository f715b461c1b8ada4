/* SPDX-License-Identifier: MIT */
/* The grammar of patterns: what matches, what is an error, and a model test against a matcher that
 * shares nothing with the one under test. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <writfs/glob.h>

#define HOME "/home/u"

static const struct glob_bases bases = {.home = HOME, .dot = HOME "/src/here", .bare = HOME "/src"};

static int found(uint32_t tag, size_t depth, void *arg)
{
	(void)tag;
	*(size_t *)arg = depth;
	return 1;
}

/* Depth of the first match + 1, 0: none. */
static size_t match(const char *pattern, const char *path)
{
	struct glob_set *set = NULL;
	struct err e = {0};
	size_t depth = 0;
	assert_int_equal(glob_set_create(&set), 0);
	if (glob_set_add(set, pattern, &bases, 7, &e) < 0)
		fail_msg("%s: %s", pattern, e.text);
	int r = glob_set_match(set, path, HOME, found, &depth);
	glob_set_free(set);
	return r ? depth + 1 : 0;
}

/* Paths after "|" match, those after "!" do not. */
static const struct {
	const char *pattern;
	const char *paths[8];
} table[] = {
	{"~", {"|/home/u", "|/home/u/x/y", "!/home", "!/home/u2", "!/"}},
	{"~/", {"|/home/u", "|/home/u/x"}},
	{"~/**", {"|/home/u", "|/home/u/x", "!/home"}},
	{"/**", {"|/", "|/etc/x"}},
	{"/", {"|/", "|/etc/x"}},
	{"/etc", {"|/etc", "|/etc/passwd", "!/etcx", "!/"}},
	{"/etc//./passwd/", {"|/etc/passwd", "!/etc"}},
	{"x", {"|/home/u/src/x", "|/home/u/src/x/y", "!/home/u/x", "!/home/u/src/here/x"}},
	{"./x", {"|/home/u/src/here/x", "!/home/u/src/x"}},
	{".", {"|/home/u/src/here", "|/home/u/src/here/x", "!/home/u/src"}},
	{"./", {"|/home/u/src/here", "!/home/u/src"}},
	{".x", {"|/home/u/src/.x", "!/home/u/src/x"}},
	{"~/a/*", {"|/home/u/a/b", "|/home/u/a/.b", "|/home/u/a/b/c", "!/home/u/a"}},
	{"~/a/*/", {"|/home/u/a/b", "|/home/u/a/b/c", "!/home/u/a"}},
	{"~/a/**/*", {"|/home/u/a/b", "|/home/u/a/b/c", "!/home/u/a"}},
	{"~/a/**/*/*", {"|/home/u/a/b/c", "|/home/u/a/b/c/d", "!/home/u/a/b"}},
	{"~/a/*/**/c", {"|/home/u/a/b/c", "|/home/u/a/b/x/c", "!/home/u/a/c"}},
	{"~/a/**/*/c", {"|/home/u/a/b/c", "|/home/u/a/b/x/c", "!/home/u/a/c"}},
	{"~/a/**/c", {"|/home/u/a/c", "|/home/u/a/b/c", "|/home/u/a/b/c/d", "!/home/u/a/cc"}},
	{"~/a/**/**/**/c", {"|/home/u/a/c", "|/home/u/a/b/x/c", "!/home/u/c"}},
	{"~/a/**/b/**/c", {"|/home/u/a/b/c", "|/home/u/a/x/b/y/c", "!/home/u/a/c", "!/home/u/a/b"}},
	{"**/c", {"|/home/u/c", "|/home/u/a/c/d", "!/home/c", "!/c", "!/home/u"}},
	{"**", {"|/home/u", "|/home/u/a", "!/home", "!/etc"}},
	{"**/*", {"|/home/u/a", "|/home/u/a/b", "!/home/u"}},
	{"**/u", {"!/home/u", "|/home/u/u"}},
	{"**/.env*", {"|/home/u/.env", "|/home/u/a/.env.local", "!/home/u/a/env"}},
	{"**/a?c", {"|/home/u/abc", "|/home/u/a.c", "!/home/u/ac", "!/home/u/abbc"}},
	{"**/a**c", {"|/home/u/ac", "|/home/u/abbc", "!/home/u/a/c"}},
	{"**/*.tar.*", {"|/home/u/x.tar.gz", "|/home/u/.tar.", "!/home/u/x.tar"}},
	{"**/*a*b*c*", {"|/home/u/abc", "|/home/u/xaxbxcx", "!/home/u/acb"}},
	{"**/*aab", {"|/home/u/aaab", "|/home/u/aab", "!/home/u/aaba"}},
	{"**/[ab]x", {"|/home/u/ax", "|/home/u/bx", "!/home/u/cx", "!/home/u/[ab]x"}},
	{"**/[!ab]x", {"|/home/u/cx", "!/home/u/ax"}},
	{"**/[^ab]x", {"|/home/u/cx", "!/home/u/ax"}},
	{"**/[a-c0-2]", {"|/home/u/b", "|/home/u/1", "!/home/u/d", "!/home/u/-"}},
	{"**/[]]", {"|/home/u/]", "!/home/u/["}},
	{"**/[!]]", {"|/home/u/x", "!/home/u/]"}},
	{"**/[a-]", {"|/home/u/-", "|/home/u/a", "!/home/u/b"}},
	{"**/[\\]]", {"|/home/u/]"}},
	{"**/[[:digit:]x]", {"|/home/u/5", "|/home/u/x", "!/home/u/y"}},
	{"**/[[:alpha:]]*", {"|/home/u/a5", "!/home/u/5a", "!/home/u/\xc3\xa9"}},
	{"**/\xc3?", {"|/home/u/\xc3\xa9"}},
	{"~/\\*", {"|/home/u/*", "!/home/u/x"}},
	{"~/\\{a,b\\}", {"|/home/u/{a,b}", "!/home/u/a"}},
	{"~/{a,b}", {"|/home/u/a", "|/home/u/b", "!/home/u/c"}},
	{"~/x{,.bak}", {"|/home/u/x", "|/home/u/x.bak", "!/home/u/x."}},
	{"~/{a}", {"|/home/u/a"}},
	{"~/{a/{x,y},b}/c", {"|/home/u/a/x/c", "|/home/u/a/y/c", "|/home/u/b/c", "!/home/u/a/c"}},
	{"~/{a\\,b,c}", {"|/home/u/a,b", "|/home/u/c", "!/home/u/a"}},
	{"~/a,b", {"|/home/u/a,b"}},
	{"{~/a,/b,**/c,d}", {"|/home/u/a", "|/b", "|/home/u/x/c", "|/home/u/src/d"}},
	{"\\~x", {"|/home/u/src/~x"}},
	{"~/a~", {"|/home/u/a~"}},
	{"a/~b", {"|/home/u/src/a/~b"}},
	{"~/...", {"|/home/u/...", "!/home/u"}},
	{"~/X", {"!/home/u/x"}},
	{"/home/*/.ssh", {"|/home/u/.ssh", "|/home/v/.ssh/id", "!/home/.ssh"}},
};

static void the_table(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
		for (size_t k = 0; k < 8 && table[i].paths[k]; k++) {
			const char *path = table[i].paths[k];
			if (!match(table[i].pattern, path + 1) != (path[0] == '!'))
				fail_msg("%s %s", table[i].pattern, path);
		}
	}
}

static void depth_is_that_of_the_name(void **state)
{
	(void)state;
	assert_int_equal(match("~/a", "/home/u/a/b/c"), 3 + 1);
	assert_int_equal(match("**/c", "/home/u/a/b/c"), 5 + 1);
	assert_int_equal(match("**/*", "/home/u/a/b/c"), 3 + 1);
	assert_int_equal(match("/", "/home"), 0 + 1);
}

static void bad(const char *pattern, const char *part)
{
	struct glob_set *set = NULL;
	struct err e = {0};
	assert_int_equal(glob_set_create(&set), 0);
	int r = glob_set_add(set, pattern, &bases, 0, &e);
	glob_set_free(set);
	if (r != -EINVAL || !strstr(e.text, part))
		fail_msg("%.100s: %d %s", pattern, r, e.text);
}

static void mistakes_are_errors(void **state)
{
	(void)state;
	bad("", "empty");
	bad("{,a}", "empty");
	bad("~root", "other users");
	bad("{~root/x,y}", "other users");
	bad("..", "\"..\"");
	bad("../x", "\"..\"");
	bad("~/a/../b", "\"..\"");
	bad("**/..", "\"..\"");
	bad("~/\\.\\./b", "\"..\"");
	bad("~/{.,x}{.,y}/b", "\"..\"");
	bad("~/{a", "{ without");
	bad("~/{a,{b}", "{ without");
	bad("~/a}", "} without");
	bad("~/[{]", "{ without");
	bad("~/[a", "[ without");
	bad("~/[a/b]", "[ without");
	bad("~/[]", "[ without");
	bad("~/[z-a]", "range");
	bad("~/[[:nonsense:]]", "known names");
	bad("~/a\\", "nothing to escape");
	bad("~/a\\/b", "nothing to escape");
}

static void limits_are_errors(void **state)
{
	(void)state;
	char long_text[GLOB_PATTERN_MAX + 2];
	memset(long_text, 'a', sizeof long_text - 1);
	long_text[sizeof long_text - 1] = '\0';
	bad(long_text, "longer than 4096");
	long_text[300] = '\0';
	bad(long_text, "a name of more than 255");
	/* 2^10 expansions are allowed, 2^11 are not. */
	char braces[64 * 5] = "~/";
	for (int i = 0; i < 10; i++)
		(void)strcat(braces, "{a,b}");
	assert_int_equal(match(braces, "/home/u/ababababab"), 3 + 1);
	assert_int_equal(match(braces, "/home/u/bbbbbbbbbb"), 3 + 1);
	assert_int_equal(match(braces, "/home/u/bbbbbbbbb"), 0);
	(void)strcat(braces, "{a,b}");
	bad(braces, "more than 1024");
	/* Saturates instead of overflowing. */
	char many[GLOB_PATTERN_MAX] = "~/";
	for (int i = 0; i < 800; i++)
		(void)strcat(many, "{a,b}");
	bad(many, "more than 1024");
	memset(many, '{', 40);
	memcpy(many + 40, "a", 2);
	bad(many, "deep");
	/* Many groups of one, which stand for one pattern. */
	many[0] = '\0';
	for (int i = 0; i < 80; i++)
		(void)strcat(many, "{a}");
	assert_int_equal(
		match(many, "/home/u/src/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
			    "aaaaaaaaaaaaaaaaaaaaaa"),
		4 + 1);
}

static void escaped_text_means_itself(void **state)
{
	(void)state;
	static const char *const names[] = {"/a*b", "/[x]", "/{a,b}", "/back\\slash", "/~", "/q?"};
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		struct str s cleanup_str = STR_INIT;
		glob_escape(&s, names[i]);
		assert_int_equal(match(s.p, names[i]), 1 + 1);
		assert_int_equal(match(s.p, "/axb"), 0);
		assert_int_equal(match(s.p, "/a"), 0);
	}
}

static int collect(uint32_t tag, size_t depth, void *arg)
{
	(void)depth;
	*(uint32_t *)arg |= 1U << tag;
	return 0;
}

static void one_walk_finds_all_patterns(void **state)
{
	(void)state;
	static const char *const patterns[] = {
		"~/a", "~/a/*", "**/b", "~/a/c", "/home/**/b", "~/*/b/**"};
	struct glob_set *set = NULL;
	assert_int_equal(glob_set_create(&set), 0);
	for (uint32_t i = 0; i < 6; i++)
		assert_int_equal(glob_set_add(set, patterns[i], &bases, i, NULL), 0);
	uint32_t got = 0;
	assert_int_equal(glob_set_match(set, "/home/u/a/b", HOME, collect, &got), 0);
	assert_int_equal(got, 0x37);
	glob_set_free(set);
}

/* ---- the model: components against components, by recursion, without any normal form ---- */

static bool model_component(const char *pattern, size_t plen, const char *name, size_t nlen)
{
	if (plen == 0)
		return nlen == 0;
	if (pattern[0] == '*')
		return model_component(pattern + 1, plen - 1, name, nlen) ||
		       (nlen && model_component(pattern, plen, name + 1, nlen - 1));
	if (nlen == 0)
		return false;
	if (pattern[0] == '[') { /* only "[ab]" and "[!ab]" are generated */
		bool no = pattern[1] == '!';
		bool in = pattern[1 + no] == name[0] || pattern[2 + no] == name[0];
		size_t used = 4 + (size_t)no;
		return in != no && model_component(pattern + used, plen - used, name + 1, nlen - 1);
	}
	return (pattern[0] == '?' || pattern[0] == name[0]) &&
	       model_component(pattern + 1, plen - 1, name + 1, nlen - 1);
}

/* Both begin behind a slash, "" at the end. */
static bool model_match(const char *pattern, const char *path)
{
	if (*pattern == '\0')
		return true; /* and all beneath */
	size_t plen = strcspn(pattern, "/");
	const char *prest = pattern + plen + (pattern[plen] == '/');
	size_t nlen = strcspn(path, "/");
	const char *nrest = path + nlen + (path[nlen] == '/');
	if (plen == 2 && memcmp(pattern, "**", 2) == 0)
		return model_match(prest, path) || (*path && model_match(pattern, nrest));
	return *path && model_component(pattern, plen, path, nlen) && model_match(prest, nrest);
}

static void random_pattern(char *out, bool wild)
{
	static const char *const parts[] = {
		"a", "b", "ab", "*", "**", "?", "a*", "*b", "[ab]b", "[!ab]", "**", "*a*"};
	size_t count = (size_t)(rand() % 5) + 1;
	out[0] = '\0';
	for (size_t i = 0; i < count; i++) {
		(void)strcat(out, i ? "/" : "");
		(void)strcat(out, parts[rand() % (wild ? 12 : 3)]);
	}
}

static void agrees_with_the_model(void **state)
{
	(void)state;
	srand(20261);
	for (int round = 0; round < 3000; round++) {
		char pattern[128] = "/home/u/";
		char below[64];
		random_pattern(below, true);
		(void)strcat(pattern, below);
		struct glob_set *set = NULL;
		assert_int_equal(glob_set_create(&set), 0);
		assert_int_equal(glob_set_add(set, pattern, &bases, 0, NULL), 0);
		for (int k = 0; k < 20; k++) {
			char path[128] = "/home/u/";
			char names[64];
			size_t depth;
			random_pattern(names, false);
			(void)strcat(path, names);
			bool got = glob_set_match(set, path, HOME, found, &depth);
			if (got != model_match(below, names))
				fail_msg("%s %s: %d", pattern, path, got);
		}
		glob_set_free(set);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_table),
		cmocka_unit_test(depth_is_that_of_the_name),
		cmocka_unit_test(mistakes_are_errors),
		cmocka_unit_test(limits_are_errors),
		cmocka_unit_test(escaped_text_means_itself),
		cmocka_unit_test(one_walk_finds_all_patterns),
		cmocka_unit_test(agrees_with_the_model),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
