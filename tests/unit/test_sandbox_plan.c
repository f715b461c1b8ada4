/* SPDX-License-Identifier: MIT */
/* The order of the sandbox's steps, which the boundary rests on, and the maps of ids. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <writfs/sandbox.h>

#include "../../fs/sandbox/sandbox_i.h"

static char command_true[] = "true";
static char socket_bus[] = "/run/user/1000/bus";
static char socket_editor[] = "/home/u/.cache/editor.sock";
static char *command[] = {command_true, NULL};
static const char *roots[] = {"/home/u", "/srv/work", NULL};
static char *sockets[] = {socket_bus, socket_editor, NULL};

static struct sandbox_options options_new(void)
{
	return (struct sandbox_options){.roots = roots,
		.decoy = "/home/u/.local/state/writfs/jobs/sh-1/decoy",
		.cwd = "/home/u/src",
		.argv = command,
		.terminal = -1};
}

static const struct sandbox_facts user = {
	.uid = 1000, .gid = 1000, .landlock_abi = 7, .sockets = sockets};
static const struct sandbox_facts root = {.real_root = true, .landlock_abi = 7};

static struct sandbox_plan *plan_new(const struct sandbox_options *o, const struct sandbox_facts *f)
{
	struct sandbox_plan *plan = NULL;
	struct err e = {0};
	assert_int_equal(sandbox_plan_make(o, f, &plan, &e), 0);
	assert_non_null(plan);
	return plan;
}

/* Index of the nth step of that kind, -1: there is none. */
static int find(const struct sandbox_plan *plan, enum sandbox_step_kind kind, size_t nth)
{
	for (size_t i = 0; i < plan->count; i++) {
		if (plan->steps[i].kind == kind && nth-- == 0)
			return (int)i;
	}
	return -1;
}

static size_t count(const struct sandbox_plan *plan, enum sandbox_step_kind kind)
{
	size_t n = 0;
	while (find(plan, kind, n) >= 0)
		n++;
	return n;
}

static int find_path(const struct sandbox_plan *plan, enum sandbox_step_kind kind, const char *path)
{
	for (size_t i = 0; i < plan->count; i++) {
		const struct sandbox_step *step = &plan->steps[i];
		if (step->kind == kind && step->path && strcmp(step->path, path) == 0)
			return (int)i;
	}
	return -1;
}

static void test_order_of_user(void **state)
{
	static const enum sandbox_step_kind wanted[] = {SANDBOX_UNSHARE, SANDBOX_MAP_SELF,
		SANDBOX_PRIVATE, SANDBOX_MASK_SOCKET, SANDBOX_MASK_DIR, SANDBOX_MOUNT_ROOT,
		SANDBOX_MOUNT_ROOT, SANDBOX_HAND_OVER, SANDBOX_PID, SANDBOX_PROC, SANDBOX_FORK,
		SANDBOX_UNSHARE, SANDBOX_MAP_SELF, SANDBOX_CHDIR, SANDBOX_CLOSE_FDS,
		SANDBOX_NO_NEW_PRIVS, SANDBOX_LANDLOCK, SANDBOX_SECCOMP, SANDBOX_DROP_BOUNDING,
		SANDBOX_DROP_CAPS, SANDBOX_EXEC};
	struct sandbox_options o = options_new();
	struct sandbox_plan *plan = plan_new(&o, &user);
	(void)state;
	for (size_t i = 0; i < plan->count && i < sizeof(wanted) / sizeof(wanted[0]); i++)
		assert_string_equal(
			sandbox_step_name(plan->steps[i].kind), sandbox_step_name(wanted[i]));
	assert_int_equal(plan->count, sizeof(wanted) / sizeof(wanted[0]));
	assert_int_equal(plan->uid, 1000);
	sandbox_plan_free(plan);
}

static void test_root_keeps_ids_and_capabilities(void **state)
{
	struct sandbox_options o = options_new();
	struct sandbox_plan *plan = plan_new(&o, &root);
	(void)state;
	assert_int_equal(count(plan, SANDBOX_MAP_ALL), 2);
	assert_int_equal(count(plan, SANDBOX_MAP_SELF), 0);
	assert_int_equal(count(plan, SANDBOX_DROP_BOUNDING), 0);
	assert_int_equal(count(plan, SANDBOX_NO_NEW_PRIVS), 0);
	assert_int_equal(count(plan, SANDBOX_DROP_CAPS), 1);
	assert_int_equal(count(plan, SANDBOX_SECCOMP), 1);
	sandbox_plan_free(plan);
}

/* What uid 0 could change the machine through is covered before the mounts are locked, and what
 * lies in /proc after the new /proc is there. */
static void test_root_covers_the_machine(void **state)
{
	struct sandbox_options o = options_new();
	struct sandbox_plan *plan = plan_new(&o, &root);
	int locked = find(plan, SANDBOX_UNSHARE, 1), proc = find(plan, SANDBOX_PROC, 0);
	int sysctl = find_path(plan, SANDBOX_READ_ONLY, "/proc/sys");
	int sysfs = find_path(plan, SANDBOX_READ_ONLY, "/sys");
	int dev = find(plan, SANDBOX_MINIMAL_DEV, 0);
	(void)state;
	assert_in_range(sysfs, 0, locked);
	assert_in_range(dev, 0, locked);
	assert_in_range(sysctl, proc + 1, locked);
	sandbox_plan_free(plan);

	plan = plan_new(&o, &user);
	assert_int_equal(count(plan, SANDBOX_READ_ONLY), 0);
	assert_int_equal(count(plan, SANDBOX_MINIMAL_DEV), 0);
	sandbox_plan_free(plan);
}

static void test_sockets_outside_roots_only(void **state)
{
	struct sandbox_options o = options_new();
	struct sandbox_plan *plan = plan_new(&o, &user);
	(void)state;
	assert_int_equal(count(plan, SANDBOX_MASK_SOCKET), 1);
	assert_true(find_path(plan, SANDBOX_MASK_SOCKET, sockets[0]) >= 0);
	/* The decoy's path leads into the overlay once the roots are mounted. */
	assert_true(find(plan, SANDBOX_MASK_SOCKET, 0) < find(plan, SANDBOX_MOUNT_ROOT, 0));
	sandbox_plan_free(plan);
}

static void test_hidden_and_read_only(void **state)
{
	const char *hidden[] = {"/var/state/writfs", NULL};
	const char *read_only[] = {"/var/config/writfs", NULL};
	struct sandbox_options o = options_new();
	o.hidden = hidden;
	o.read_only = read_only;
	struct sandbox_plan *plan = plan_new(&o, &user);
	(void)state;
	assert_true(find_path(plan, SANDBOX_MASK_DIR, hidden[0]) >= 0);
	assert_true(find_path(plan, SANDBOX_READ_ONLY, read_only[0]) >= 0);
	assert_true(find_path(plan, SANDBOX_MASK_DIR, "/sys/fs/fuse/connections") >= 0);
	sandbox_plan_free(plan);
}

static void test_roots_are_numbered(void **state)
{
	struct sandbox_options o = options_new();
	struct sandbox_plan *plan = plan_new(&o, &user);
	(void)state;
	for (size_t i = 0; roots[i]; i++) {
		int at = find_path(plan, SANDBOX_MOUNT_ROOT, roots[i]);
		assert_true(at >= 0);
		assert_int_equal(plan->steps[at].number, i);
	}
	sandbox_plan_free(plan);
}

static void test_group_and_landlock_follow_facts(void **state)
{
	struct sandbox_options o = options_new();
	struct sandbox_facts old = user;
	(void)state;
	old.landlock_abi = 5;
	o.own_group = true;
	struct sandbox_plan *plan = plan_new(&o, &old);
	assert_int_equal(count(plan, SANDBOX_LANDLOCK), 0);
	assert_int_equal(count(plan, SANDBOX_GROUP), 1);
	sandbox_plan_free(plan);
}

static void refuses(struct sandbox_options o, const char *words)
{
	struct sandbox_plan *plan = NULL;
	struct err e = {0};
	assert_int_equal(sandbox_plan_make(&o, &user, &plan, &e), -EINVAL);
	assert_null(plan);
	assert_non_null(strstr(e.text, words));
}

static void test_bad_options(void **state)
{
	const char *none[] = {NULL}, *slash[] = {"/", NULL}, *relative[] = {"home", NULL};
	const char *inside[] = {"/home/u", "/home/u/src", NULL};
	const char *many[SANDBOX_ROOTS_MAX + 2];
	char names[SANDBOX_ROOTS_MAX + 1][16];
	char *nothing[] = {NULL};
	struct sandbox_options o = options_new();
	(void)state;
	o.roots = none;
	refuses(o, "needs a root");
	o.roots = slash;
	refuses(o, "cannot be a root");
	o.roots = relative;
	refuses(o, "cannot be a root");
	o.roots = inside;
	refuses(o, "lies in the root");
	for (size_t i = 0; i <= SANDBOX_ROOTS_MAX; i++) {
		(void)snprintf(names[i], sizeof(names[i]), "/r%zu", i);
		many[i] = names[i];
	}
	many[SANDBOX_ROOTS_MAX + 1] = NULL;
	o.roots = many;
	refuses(o, "17 roots");
	o = options_new();
	o.argv = nothing;
	refuses(o, "no command");
	o = options_new();
	o.cwd = "src";
	refuses(o, "working directory");
}

static void test_map_identity(void **state)
{
	char text[ID_MAP_MAX];
	(void)state;
	assert_int_equal(map_identity("         0          0 4294967295\n", text, sizeof(text)), 0);
	assert_string_equal(text, "0 0 4294967295\n");
	/* In a container's own namespace: ids as they are called inside. */
	assert_int_equal(map_identity("0 1000 1\n1 100000 65536\n", text, sizeof(text)), 0);
	assert_string_equal(text, "0 0 1\n1 1 65536\n");
	assert_int_equal(map_identity("", text, sizeof(text)), -EINVAL);
	assert_int_equal(map_identity("0 0\n", text, sizeof(text)), -EINVAL);
	assert_int_equal(map_identity("0 0 1\n", text, 4), -E2BIG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order_of_user),
		cmocka_unit_test(test_root_keeps_ids_and_capabilities),
		cmocka_unit_test(test_root_covers_the_machine),
		cmocka_unit_test(test_sockets_outside_roots_only),
		cmocka_unit_test(test_hidden_and_read_only),
		cmocka_unit_test(test_roots_are_numbered),
		cmocka_unit_test(test_group_and_landlock_follow_facts),
		cmocka_unit_test(test_bad_options),
		cmocka_unit_test(test_map_identity),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
