/* SPDX-License-Identifier: MIT */
/*
 * Cost and threads: work is counted in nodes and wildcards looked at, never in seconds. What a job
 * can choose, names and depth, must not make the policy grow without limit.
 */
#include "../support/policy_test.h"

#include <pthread.h>
#include <stdlib.h>

#include "../../fs/policy/policy_i.h"

#define MANY 10000
#define THREADS 4

static const struct glob_bases bases = {.home = "/h", .dot = "/h", .bare = "/h"};

static struct nfa *graph(const char *fmt, unsigned count)
{
	struct nfa *nfa = NULL;
	assert_int_equal(nfa_create(&nfa), 0);
	for (unsigned i = 0; i < count; i++) {
		char text[GLOB_PATTERN_MAX];
		struct glob g = GLOB_INIT;
		int len = 0;
		for (const char *c = fmt; *c; c++)
			len += *c == '#'
				       ? snprintf(text + len, sizeof text - (size_t)len, "%u", i)
				       : snprintf(text + len, sizeof text - (size_t)len, "%c", *c);
		assert_int_equal(glob_parse(&g, text, &bases, NULL), 0);
		assert_int_equal(nfa_add(nfa, &g, i, KIND_REDIRECT), 0);
		glob_free(&g);
	}
	return nfa;
}

/* The work of a walk below "/", from the start of the patterns of every root. */
static uint64_t walk_work(const struct nfa *nfa, const char *const *names)
{
	struct nfa_step step;
	struct ids from;
	nfa_step_init(&step);
	ids_init(&from);
	nfa_step_start(nfa, NFA_IN_ROOTS, &step);
	for (size_t i = 0; names[i]; i++) {
		from.len = 0;
		for (size_t k = 0; k < step.nodes.len; k++)
			ids_add(&from, ids_at(&step.nodes)[k]);
		nfa_step_name(nfa, ids_at(&from), from.len, names[i], strlen(names[i]), &step);
	}
	uint64_t work = step.work;
	ids_free(&from);
	nfa_step_end(&step);
	return work;
}

static void literal_patterns_cost_nothing(void **state)
{
	(void)state;
	struct nfa *nfa = graph("**/a#/**/b#", MANY);
	static const char *const none[] = {"x", "y", "z", "w", NULL};
	static const char *const some[] = {"a1", "a2", "a3", "b2", NULL};
	assert_in_range(walk_work(nfa, none), 4, 8);
	assert_in_range(walk_work(nfa, some), 4, 32);
	nfa_free(nfa);
}

static void wildcards_cost_one_try_each(void **state)
{
	(void)state;
	struct nfa *nfa = graph("**/a#*z", MANY);
	static const char *const names[] = {"x", "a5z", NULL};
	assert_in_range(walk_work(nfa, names), MANY, 3 * MANY);
	nfa_free(nfa);
}

static void stars_collapse(void **state)
{
	(void)state;
	char text[GLOB_PATTERN_MAX + 1] = "**";
	while (strlen(text) + 3 <= GLOB_PATTERN_MAX)
		(void)strcat(text, "/**");
	struct glob g = GLOB_INIT;
	assert_int_equal(glob_parse(&g, text, &bases, NULL), 0);
	assert_int_equal(g.count, 0);
	glob_free(&g);
	(void)strcpy(text + 3002, "/x/**/**");
	assert_int_equal(glob_parse(&g, text, &bases, NULL), 0);
	assert_int_equal(g.count, 2);
	glob_free(&g);
}

/* Double stars in a row of wildcards: the set of nodes grows with the pattern, not with 2^depth. */
static void stars_between_wildcards_stay_linear(void **state)
{
	(void)state;
	char text[GLOB_PATTERN_MAX + 1] = "**";
	while (strlen(text) + 6 <= 1200)
		(void)strcat(text, "/a*/**");
	(void)strcat(text, "/x");
	struct nfa *nfa = graph(text, 1);
	const char *names[2001];
	for (size_t i = 0; i < 2000; i++)
		names[i] = "aa";
	names[2000] = NULL;
	assert_in_range(walk_work(nfa, names), 2000, UINT64_C(2000) * 1200);
	nfa_free(nfa);
}

static struct policy *many_rules(const struct home *h, unsigned count, const char *fmt)
{
	char *json = malloc((size_t)count * 64 + 256);
	assert_non_null(json);
	size_t len = (size_t)sprintf(json, "{\"filesystem\": {\"redirectWrite\": [");
	for (unsigned i = 0; i < count; i++) {
		json[len++] = i ? ',' : ' ';
		json[len++] = '"';
		for (const char *c = fmt; *c; c++)
			len += (size_t)(*c == '#' ? sprintf(json + len, "%u", i)
						  : sprintf(json + len, "%c", *c));
		json[len++] = '"';
	}
	(void)strcpy(json + len, "]}}");
	home_write(h, "~/.config/writfs/policy.json", json);
	free(json);
	struct policy_options o = home_options(h, "~");
	struct policy *p = NULL;
	struct err e = {0};
	int r = policy_load(&o, &p, &e);
	if (r < 0)
		assert_non_null(strstr(e.text, "more than 20000 patterns in all"));
	return p;
}

static void ten_thousand_patterns_work(void **state)
{
	const struct home *h = *state;
	struct policy *p = many_rules(h, MANY, "**/n#/*.o");
	assert_non_null(p);
	expect_verdict(p, h, "~/n9999/x.o", "redirect");
	assert_true(verdict_of(p, h, "~/a/b/n77/x.o").rule >= 0);
	assert_int_equal(verdict_of(p, h, "~/a/b/n77/x.c").rule, -1);
	policy_free(p);
}

static void too_many_patterns_are_an_error(void **state)
{
	const struct home *h = *state;
	assert_null(many_rules(h, POLICY_RULES_MAX, "~/n#"));
	assert_null(many_rules(
		h, POLICY_RULES_MAX / 1000, "~/n#{a,b,c,d}{a,b,c,d}{a,b,c,d}{a,b,c,d}{a,b,c,d}"));
}

static void names_of_a_job_make_no_states(void **state)
{
	const struct home *h = *state;
	struct policy *p = many_rules(h, 100, "**/w#*");
	policy_state s = state_of(p, home_path(h, "~/a"));
	size_t before = automaton_states(p->automaton);
	for (unsigned i = 0; i < 50000; i++) {
		char name[32];
		int len = snprintf(name, sizeof name, "name-%u", i);
		assert_int_equal(policy_step(p, s, name, (size_t)len), s);
	}
	assert_int_equal(automaton_states(p->automaton), before);
	/* Depth alone makes none either. */
	for (unsigned i = 0; i < 5000; i++)
		s = policy_step(p, s, "d", 1);
	assert_int_equal(automaton_states(p->automaton), before);
	policy_free(p);
}

static void a_cached_step_is_the_computed_one(void **state)
{
	const struct home *h = *state;
	struct policy *p = many_rules(h, 100, "**/w#*");
	policy_state s = state_of(p, home_path(h, "~/a"));
	for (unsigned round = 0; round < 3; round++) {
		for (unsigned i = 0; i < 20000; i++) {
			char name[80];
			int len = snprintf(name, sizeof name, i % 7 ? "w%u" : "%060u", i);
			policy_state to = policy_step(p, s, name, (size_t)len);
			bool named = policy_decide(p, to, to, true).rule >= 0;
			assert_int_equal(named, i % 7 != 0);
		}
	}
	policy_free(p);
}

/* Two states and one name: with so many names some share a slot of the cache. */
static void cached_steps_of_two_states_stay_apart(void **state)
{
	const struct home *h = *state;
	struct policy_options o = home_options(h, "~");
	const char *const allow[] = {"~/a", "**/w{1,2,3,4}{1,2,3,4}{1,2,3,4}*", NULL};
	o.allow = allow;
	struct policy *p = load_ok(&o);
	policy_state granted = state_of(p, home_path(h, "~/a"));
	policy_state plain = state_of(p, home_path(h, "~/b"));
	for (unsigned i = 0; i < 40000; i++) {
		char name[32];
		size_t len = (size_t)snprintf(name, sizeof name, "name-%u", i);
		assert_int_equal(policy_step(p, granted, name, len), granted);
		assert_int_equal(policy_step(p, plain, name, len), plain);
	}
	policy_free(p);
}

/* ---- threads ---- */

static const char *const step_names[] = {
	"a", "b", ".env", "x.o", "src", ".git", "hooks", "pre-commit", "w1", "w22", "d", "e.c"};
#define NAMES (sizeof step_names / sizeof step_names[0])

struct worker {
	const struct policy *p;
	unsigned seed;
	uint64_t sum;
};

static void *work(void *arg)
{
	struct worker *w = arg;
	unsigned x = w->seed;
	for (int walk = 0; walk < 2000; walk++) {
		policy_state s = policy_root_state(w->p, 0);
		for (int depth = 0; depth < 8; depth++) {
			x = x * 1664525U + 1013904223U;
			const char *name = step_names[(x >> 16) % NAMES];
			s = policy_step(w->p, s, name, strlen(name));
			struct verdict v = policy_decide(w->p, s, s, true);
			/* Numbers of states depend on who came first; verdicts do not. */
			w->sum = w->sum * 31 + (uint64_t)v.kind * 2 + v.hidden +
				 (uint64_t)(v.rule + 1) * 8;
		}
	}
	return NULL;
}

static struct policy *threads_policy(const struct home *h)
{
	home_write(h, "~/.config/writfs/policy.json",
		"{\"filesystem\": {\"allowWrite\": [\"~/a\", \"**/src/**/d\", \"**/b/*/x.o\"],"
		"\"redirectWrite\": [\"**/.env\", \"**/d/**/e.*\", \"**/w{1,2,3,4,5,6,7,8,9}\","
		"\"**/w{1,2,3,4,5,6,7,8,9}?\"], \"refuseWrite\": [\"**/b/**/b\"],"
		"\"denyRead\": [\"**/a/**/b\"], \"allowRead\": [\"**/b/**/a\"]}}");
	struct policy_options o = home_options(h, "~");
	return load_ok(&o);
}

static void threads_agree(void **state)
{
	const struct home *h = *state;
	uint64_t alone[THREADS];
	for (unsigned i = 0; i < THREADS; i++) {
		struct policy *p = threads_policy(h);
		struct worker w = {.p = p, .seed = i % 2};
		(void)work(&w);
		alone[i] = w.sum;
		policy_free(p);
	}
	assert_int_equal(alone[0], alone[2]);
	struct policy *p = threads_policy(h);
	struct worker workers[THREADS];
	pthread_t threads[THREADS];
	for (unsigned i = 0; i < THREADS; i++) {
		workers[i] = (struct worker){.p = p, .seed = i % 2};
		assert_int_equal(pthread_create(&threads[i], NULL, work, &workers[i]), 0);
	}
	for (unsigned i = 0; i < THREADS; i++) {
		assert_int_equal(pthread_join(threads[i], NULL), 0);
		assert_int_equal(workers[i].sum, alone[i]);
	}
	policy_free(p);
}

#define home_test(f) cmocka_unit_test_setup_teardown(f, home_setup, home_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(literal_patterns_cost_nothing),
		cmocka_unit_test(wildcards_cost_one_try_each),
		cmocka_unit_test(stars_collapse),
		cmocka_unit_test(stars_between_wildcards_stay_linear),
		home_test(ten_thousand_patterns_work),
		home_test(too_many_patterns_are_an_error),
		home_test(names_of_a_job_make_no_states),
		home_test(a_cached_step_is_the_computed_one),
		home_test(cached_steps_of_two_states_stay_apart),
		home_test(threads_agree),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
