/* SPDX-License-Identifier: MIT */
/* writ mount and writ umount: the command lines of mounts, and the list of them. */
#include "commands.h"

#include <errno.h>
#include <stdio.h>

#include <writfs/cleanup.h>
#include <writfs/json.h>
#include <writfs/run.h>
#include <writfs/str.h>

#include "help.h"
#include "table.h"

struct mount_args {
	bool foreground;
	bool json;
	struct opt_list options;
	const char *root;
};

static void mount_args_free(struct mount_args *args)
{
	opt_list_free(&args->options);
}

static int mount_print_json(
	const struct command *self, const struct mount_entry *entries, size_t count)
{
	cJSON *json = cli_json_new();
	cJSON *mounts = cJSON_AddArrayToObject(json, "mounts");

	for (size_t i = 0; i < count; i++) {
		cJSON *row = cJSON_CreateObject();

		json_add_path(row, "target", entries[i].target);
		json_add_path(row, "source", entries[i].source);
		json_add_path(row, "root", entries[i].root);
		json_add_path(row, "job", entries[i].job);
		json_add_path(row, "options", entries[i].options);
		cJSON_AddItemToArray(mounts, row);
	}
	return cli_print_json(self, json);
}

static int mount_show(const struct command *self, bool json)
{
	struct mount_entry *entries = NULL;
	size_t count = 0;
	struct err e = {0};
	int status = CLI_DONE;

	if (mount_list(&entries, &count, &e) < 0)
		return cli_fail(self, &e);
	if (json) {
		status = mount_print_json(self, entries, count);
	} else {
		struct table table cleanup_with(table_free) = {.columns = 3};

		for (size_t i = 0; i < count; i++) {
			table_add(&table, cli_path(entries[i].target), NULL);
			table_add(&table, cli_text(entries[i].job), NULL);
			table_addf(&table, NULL, "shows %s (%s)", cli_path(entries[i].root),
				cli_text(entries[i].options));
		}
		table_print(&table);
	}
	mount_list_free(entries, count);
	return status;
}

static int mount_run(const struct command *self, char **argv)
{
	struct mount_args args cleanup_with(mount_args_free) = {0};
	cleanup_opt_list struct opt_list words = {0};
	cleanup_str struct str joined = STR_INIT;
	struct err e = {0};
	int status = cli_parse(self, argv, &args, &words);

	if (status != CLI_GO_ON)
		return status;
	if (!words.count && !args.root && !args.options.count && !args.foreground)
		return mount_show(self, args.json);
	if (args.json)
		return cli_error(
			self, EINVAL, "mount: --json is for the list of mounts; leave it out");
	if (words.count != 1)
		return cli_error(self, EINVAL,
			"mount: %s directory is given; writ mount [--root DIR] DIR",
			words.count ? "more than one" : "no");
	for (size_t i = 0; i < args.options.count; i++)
		str_addf(&joined, "%s%s", i ? "," : "", args.options.items[i]);
	if (joined.failed)
		return cli_error(self, ENOMEM, "mount: out of memory");

	struct mount_options options = {
		.dir = words.items[0],
		.root = args.root,
		.options = joined.p,
		.foreground = args.foreground,
	};

	status = mount_start(&options, &e);
	if (e.errnum)
		(void)cli_fail(self, &e);
	return status;
}

struct umount_args {
	bool lazy;
};

static int umount_run(const struct command *self, char **argv)
{
	struct umount_args args = {0};
	cleanup_opt_list struct opt_list words = {0};
	int status = cli_parse(self, argv, &args, &words);

	if (status != CLI_GO_ON)
		return status;
	if (!words.count)
		return cli_error(
			self, EINVAL, "umount: no directory is given; writ mount lists them");
	status = CLI_DONE;
	for (size_t i = 0; i < words.count; i++) {
		struct err e = {0};
		int one = mount_end(words.items[i], args.lazy, &e);

		if (e.errnum)
			(void)cli_fail(self, &e);
		if (one > status)
			status = one;
	}
	return status;
}

static const struct opt mount_options_table[] = {
	{'f', OPT_FLAG, "foreground", NULL, offsetof(struct mount_args, foreground),
		"stay until it is unmounted instead of going to the background"},
	{'o', OPT_LIST, "options", "OPTS", offsetof(struct mount_args, options),
		"mount options, separated by commas: fsname=NAME, allow_other, "
		"default_permissions, "
		"rw, ro, noatime, nodev, dev, nosuid, suid, ..."},
	{0, OPT_STRING, "root", "DIR", offsetof(struct mount_args, root),
		"show this directory at DIR; left out, DIR covers itself"},
	CLI_JSON_OPTION(mount_args),
	{0},
};

static const struct example mount_examples[] = {
	{"mount ~/photos", "from now on every write below ~/photos is redirected, by any program"},
	{"mount --root ~/photos /tmp/photos",
		"the same at another place; ~/photos itself stays open"},
	{"mount", "which mounts there are"},
	{"umount ~/photos",
		"end it; then `writ status`, `writ diff`, `writ apply`, `writ discard`"},
	{NULL, NULL},
};

const struct command command_mount = {
	.name = "mount",
	.summary = "cover a directory for all programs; without arguments list mounts",
	.usage = (const char *const[]){"[-f] [-o OPTS] [--root DIR] DIR", "[--json]", NULL},
	.options = mount_options_table,
	.help = "Mounts a directory, or covers it with itself, so that every write in it is "
		"redirected to a job's scratch, whoever writes. Nothing is granted: there is no "
		"workspace. The mount goes to the background and ends with `writ umount` or "
		"umount(8).\n"
		"A mount is a guard against accidents only: a program of yours can unmount it or "
		"reach the real directory in another way. Programs that you do not trust belong "
		"under `writ run`.\n"
		"As root, `-o allow_other,default_permissions,dev,suid` serves other users with "
		"their own permissions and ownership.\n",
	.examples = mount_examples,
	.see = "writ-umount(1), writ-run(1), mount(8)",
	.run = mount_run,
};

static const struct opt umount_options_table[] = {
	{'l', OPT_FLAG, "lazy", NULL, offsetof(struct umount_args, lazy),
		"take it out of sight now, end it when nobody uses it any more"},
	{0},
};

static const struct example umount_examples[] = {
	{"umount ~/photos", "end the mount and close its job"},
	{NULL, NULL},
};

const struct command command_umount = {
	.name = "umount",
	.summary = "end a mount of writ mount",
	.usage = (const char *const[]){"[-l] DIR...", NULL},
	.options = umount_options_table,
	.help = "Ends the mount and waits until its job is closed. What was redirected is kept "
		"until you apply or discard it. A mount that is in use (a shell stands in it, a "
		"file is open) stays, with exit status 1.\n",
	.examples = umount_examples,
	.exit = help_exit_decide,
	.see = "writ-mount(1), writ-status(1), umount(8)",
	.run = umount_run,
};
