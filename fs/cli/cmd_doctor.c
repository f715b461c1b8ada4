/* SPDX-License-Identifier: MIT */
/* writ doctor: what writ needs of this machine, what is there, and the exact cure. */
#include "commands.h"

#include <errno.h>
#include <stdio.h>
#include <sys/utsname.h>

#include <writfs/cleanup.h>
#include <writfs/json.h>
#include <writfs/run.h>
#include <writfs/sandbox.h>
#include <writfs/str.h>

#include "table.h"
#include "terminal.h"

struct doctor_args {
	bool json;
};

static const char *doctor_state_name(enum probe_state state)
{
	static const char *const names[] = {
		[PROBE_OK] = "ok", [PROBE_LIMITED] = "limited", [PROBE_MISSING] = "missing"};

	return names[state];
}

static const char *doctor_style(enum probe_state state)
{
	static const enum style styles[] = {[PROBE_OK] = STYLE_GOOD,
		[PROBE_LIMITED] = STYLE_REAL,
		[PROBE_MISSING] = STYLE_DANGER};

	return terminal_style(styles[state]);
}

static void doctor_print(const struct probe *probes, size_t count, bool run, bool mount)
{
	struct table table cleanup_with(table_free) = {.columns = 3, .indent = 2};
	struct utsname kernel = {0};

	(void)uname(&kernel);
	(void)printf("writ " WRIT_VERSION " · %s %s %s\n", kernel.sysname, kernel.release,
		kernel.machine);
	for (size_t i = 0; i < count; i++) {
		const struct probe *p = &probes[i];

		table_add(&table, doctor_state_name(p->state), doctor_style(p->state));
		table_add(&table, cli_text(p->name), NULL);
		table_addf(&table, NULL, "%s%s%s", cli_text(p->found), *p->gives ? " · " : "",
			cli_text(p->gives));
	}
	table_print(&table);
	/* Cures stand alone and whole, so that they can be copied. */
	for (size_t i = 0; i < count; i++)
		if (*probes[i].cure)
			(void)printf("\n%s:\n  %s\n", cli_text(probes[i].name),
				cli_text(probes[i].cure));
	(void)printf("\nwrit run %s here; writ mount %s here\n", run ? "works" : "cannot work",
		mount ? "works" : "cannot work");
}

static cJSON *doctor_json(const struct probe *probes, size_t count, bool run, bool mount)
{
	cJSON *json = cli_json_new();
	cJSON *list;

	cJSON_AddStringToObject(json, "version", WRIT_VERSION);
	cJSON_AddBoolToObject(json, "run", run);
	cJSON_AddBoolToObject(json, "mount", mount);
	list = cJSON_AddArrayToObject(json, "probes");
	for (size_t i = 0; i < count; i++) {
		const struct probe *p = &probes[i];
		cJSON *row = cJSON_CreateObject();

		cJSON_AddStringToObject(row, "name", p->name);
		cJSON_AddStringToObject(row, "state", doctor_state_name(p->state));
		cJSON_AddBoolToObject(row, "for_run", p->for_run);
		cJSON_AddBoolToObject(row, "for_mount", p->for_mount);
		json_add_path(row, "found", p->found);
		json_add_path(row, "gives", p->gives);
		json_add_path(row, "cure", p->cure);
		cJSON_AddItemToArray(list, row);
	}
	return json;
}

static int doctor_run(const struct command *self, char **argv)
{
	struct doctor_args args = {0};
	cleanup_opt_list struct opt_list words = {0};
	struct probe probes[PROBES_MAX];
	bool run = true, mount = true;
	int status = cli_parse(self, argv, &args, &words);

	if (status != CLI_GO_ON)
		return status;
	if (words.count)
		return cli_error(self, EINVAL, "doctor: \"%s\" is too much; writ doctor [--json]",
			cli_text(words.items[0]));

	size_t count = run_probes(probes, PROBES_MAX);

	for (size_t i = 0; i < count; i++) {
		run &= !probes[i].for_run || probes[i].state != PROBE_MISSING;
		mount &= !probes[i].for_mount || probes[i].state != PROBE_MISSING;
	}
	if (args.json)
		status = cli_print_json(self, doctor_json(probes, count, run, mount));
	else
		doctor_print(probes, count, run, mount);
	if (args.json && status != CLI_DONE)
		return status;
	return run && mount ? CLI_DONE : CLI_MACHINE;
}

static const struct opt doctor_options[] = {
	CLI_JSON_OPTION(doctor_args),
	{0},
};

static const struct example doctor_examples[] = {
	{"doctor", "what is there, what is missing, and the one line that cures it"},
	{NULL, NULL},
};

const struct command command_doctor = {
	.name = "doctor",
	.summary = "what writ needs of this machine, and the cure",
	.usage = (const char *const[]){"[--json]", NULL},
	.options = doctor_options,
	.help = "Looks at the FUSE device, user namespaces and what may forbid them (AppArmor, "
		"seccomp, container), Landlock, libfuse and the place of scratch. Changes "
		"nothing.\n"
		"\"limited\" works, with less; \"missing\" must be cured first. Status 3 says "
		"that `writ run` or `writ mount` cannot work here.\n",
	.examples = doctor_examples,
	.see = "writ-run(1), writ-mount(1)",
	.run = doctor_run,
};
