/* SPDX-License-Identifier: MIT */
/*
 * A policy file. Beyond not crashing: what is refused says where, and what is accepted gives the
 * same verdict by path and by steps, and can be dumped.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <writfs/policy.h>
#include <writfs/sys.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool good)
{
	if (!good)
		abort();
}

static char home_dir[] = "/tmp/writ-fuzz-XXXXXX";

static void remove_home(void)
{
	(void)rmdir(home_dir);
}

static const char *home(void)
{
	static bool made;
	if (!made) {
		check(mkdtemp(home_dir) != NULL && atexit(remove_home) == 0);
		made = true;
	}
	return home_dir;
}

static void check_path(const struct policy *p, const char *const *names, size_t count)
{
	struct str path cleanup_str = STR_INIT;
	policy_state s = policy_root_state(p, 0);
	str_add(&path, home());
	for (size_t i = 0; i < count; i++) {
		str_addf(&path, "/%s", names[i]);
		s = policy_step(p, s, names[i], strlen(names[i]));
		struct verdict a = policy_decide(p, s, s, true);
		struct verdict b = policy_decide_path(p, path.p);
		int32_t rules[4];
		check(a.kind == b.kind && a.hidden == b.hidden);
		check(a.rule < (int32_t)policy_rule_count(p));
		size_t said = policy_explain(p, path.p, rules, 4);
		check(said <= 4 && (a.rule < 0 || said > 0));
		check(policy_same_beneath(p, s, s));
		(void)policy_uniform(p, s);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const paths[][4] = {
		{"a", "b", "c", ".env"},
		{".ssh", "x", "a", "b"},
		{"src", ".git", "hooks", "pre-commit"},
		{".config", "autostart", "a.b", "*"},
	};
	int fd cleanup_fd = memfd_create("policy", MFD_CLOEXEC);
	check(fd >= 0 && sys_write_full(fd, data, size) == 0);
	char name[SYS_FD_PATH_MAX];
	const char *files[] = {sys_fd_path(name, fd, NULL), NULL};
	struct policy_options options = {.home = home(),
		.cwd = home(),
		.files = files,
		.no_workspace = true,
		.no_files = true,
		.etc_dir = "/etc/writfs",
		.config_dir = "/nonexistent/writfs"};
	struct policy *p cleanup_with(policy_freep) = NULL;
	struct err e = {0};
	int r = policy_load(&options, &p, &e);
	if (r < 0) {
		check(!p && e.errnum == -r && strncmp(e.text, name, strlen(name)) == 0);
		check(!strchr(e.text, '\n'));
		return 0;
	}
	for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++)
		check_path(p, paths[i], 4);
	cJSON *dump = policy_dump(p);
	check(dump != NULL);
	cJSON_Delete(dump);
	return 0;
}
