/* SPDX-License-Identifier: MIT */
/*
 * A job as the commands that look at one need it: chosen, opened, with its changes, and the line
 * that each of their screens begins with.
 */
#include "cli.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <writfs/run.h>
#include <writfs/str.h>
#include <writfs/sys.h>

#include "inside.h"
#include "terminal.h"

/* How long a command waits for another one that reviews the same job. */
#define CLI_LOCK_MS 10000
/* Bytes of a command in the line of its job. */
#define CLI_COMMAND_MAX 60
#define NS_PER_S INT64_C(1000000000)
#define MINUTE_S 60
#define HOUR_S 3600
#define DAY_S 86400

int cli_job_open(
	const struct command *self, const char *id, bool change, struct job **ret, bool *ret_named)
{
	struct err e = {0};
	size_t others = 0;
	const char *cwd = cli_cwd(self);
	const char *inside;

	if (!cwd)
		return CLI_MACHINE;
	if (run_inside_job(&inside))
		return cli_error(self, EINVAL,
			"%s: this is inside job %s, which does not see its own records; ask from "
			"outside: writ %s -j %s",
			self->name, cli_text(inside), self->name, cli_text(inside));
	if (job_select(id, cwd, change, review_has_changes, ret, &others, &e) < 0)
		return cli_fail(self, &e);
	if (ret_named)
		*ret_named = id || others;
	if (others)
		(void)fprintf(stderr,
			"writ: the newest of %zu jobs is shown; writ jobs lists all\n", others + 1);
	return CLI_GO_ON;
}

void cli_review_close(struct cli_review *r)
{
	changes_free(r->changes);
	review_free(r->review);
	job_free(r->job);
	*r = (struct cli_review){0};
}

int cli_review_open(const struct command *self, const char *job, const struct opt_list *patterns,
	bool change, struct cli_review *ret)
{
	struct review_options options = {.look = !change, .home = cli_home(self)};
	struct cli_words words cleanup_cli_words = {0};
	struct err e = {0};
	int rc = 0;
	int status = options.home ? cli_job_open(self, job, change, &ret->job, &ret->named)
				  : CLI_MACHINE;

	if (status == CLI_GO_ON)
		status = cli_words_take(self, ret->job, patterns, &words);
	if (status != CLI_GO_ON)
		return status;
	terminal_progress_begin("looking at the changes");
	if (change)
		rc = job_lock_review(ret->job, CLI_LOCK_MS, &e);
	if (!rc)
		rc = review_open(ret->job, &options, &ret->review, &e);
	size_t recovered = rc ? 0 : review_recovered(ret->review);
	if (!rc)
		rc = review_collect(ret->review, &ret->changes, &e);
	if (!rc && words.count)
		rc = review_select(ret->changes, (const char *const *)words.items, words.count,
			cli_cwd(self), options.home, &e);
	terminal_progress_end();
	if (recovered)
		(void)fprintf(stderr,
			"writ: %s: an earlier command was cut off and is finished now, %zu %s\n",
			ret->job->id, recovered, recovered == 1 ? "change" : "changes");
	return rc < 0 ? cli_fail(self, &e) : CLI_GO_ON;
}

void cli_review_shown(const struct cli_review *r)
{
	struct err e = {0};

	if (review_mark_shown(r->review, r->changes, &e) < 0)
		(void)cli_fail(NULL, &e);
}

char *cli_duration(char *buf, size_t size, int64_t ns)
{
	long long s = ns / NS_PER_S;

	if (s < 1)
		(void)snprintf(buf, size, "under a second");
	else if (s < MINUTE_S)
		(void)snprintf(buf, size, "%lld s", s);
	else if (s < HOUR_S)
		(void)snprintf(buf, size, "%lld min", s / MINUTE_S);
	else if (s < 2 * DAY_S)
		(void)snprintf(buf, size, "%lld h %lld min", s / HOUR_S, s % HOUR_S / MINUTE_S);
	else
		(void)snprintf(buf, size, "%lld days", s / DAY_S);
	return buf;
}

char *cli_ago(char *buf, size_t size, int64_t ns)
{
	static const struct {
		long long seconds;
		const char *unit;
	} units[] = {{DAY_S, "day"}, {HOUR_S, "hour"}, {MINUTE_S, "minute"}, {1, "second"}};
	long long s = ns / NS_PER_S;

	(void)snprintf(buf, size, "just now");
	for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
		long long n = s > 0 ? s / units[i].seconds : 0;

		if (n == 0)
			continue;
		(void)snprintf(buf, size, "%lld %s%s ago", n, units[i].unit, n == 1 ? "" : "s");
		break;
	}
	return buf;
}

char *cli_time(char buf[static CLI_TIME_SIZE], int64_t realtime_ns)
{
	time_t seconds = (time_t)(realtime_ns / NS_PER_S);
	struct tm tm;

	if (!localtime_r(&seconds, &tm) || !strftime(buf, CLI_TIME_SIZE, "%Y-%m-%d %H:%M:%S", &tm))
		(void)snprintf(buf, CLI_TIME_SIZE, "-");
	return buf;
}

const char *cli_job_state_name(enum job_state state)
{
	static const char *const names[] = {
		[JOB_LIVE] = "live", [JOB_ENDED] = "ended", [JOB_KILLED] = "killed"};

	return names[state];
}

const char *cli_job_review_name(enum job_review review)
{
	static const char *const names[] = {
		[JOB_UNDECIDED] = "undecided",
		[JOB_APPLIED] = "applied",
		[JOB_DISCARDED] = "discarded",
		[JOB_PARTLY] = "partly",
		[JOB_DECIDED] = "decided",
	};

	return names[review];
}

char *cli_job_state(char *buf, size_t size, const struct job *job)
{
	switch (job->state) {
	case JOB_LIVE:
		(void)snprintf(buf, size, "running");
		break;
	case JOB_KILLED:
		(void)snprintf(buf, size, "killed");
		break;
	case JOB_ENDED:
		if (job->status < 0)
			(void)snprintf(buf, size, "ended");
		else
			(void)snprintf(buf, size, "ended (%d)", job->status);
		break;
	}
	return buf;
}

/* The command's beginning: the whole of it is in `writ jobs`. */
static void cli_job_command(struct str *out, const char *command)
{
	size_t len = strlen(command);

	str_add(out, " · ");
	if (len <= CLI_COMMAND_MAX) {
		str_add(out, command);
		return;
	}
	len = CLI_COMMAND_MAX;
	while (((unsigned char)command[len] & 0xc0) == 0x80)
		len--;
	str_add_mem(out, command, len);
	str_add(out, "…");
}

void cli_job_line(struct str *out, const struct job *job)
{
	int64_t now = sys_time_ns(CLOCK_REALTIME);
	bool mount = job->kind && !strcmp(job->kind, "mount");
	char state[32], took[32], ago[32];

	str_addf(out, "%s%s%s · ", terminal_style(STYLE_BOLD), cli_text(job->id),
		terminal_style(STYLE_OFF));
	if (mount)
		str_add(out, job->state == JOB_LIVE ? "mounted" : "unmounted");
	else
		str_add(out, cli_job_state(state, sizeof state, job));
	if (job->state == JOB_LIVE)
		str_addf(out, " for %s", cli_duration(took, sizeof took, now - job->start_ns));
	else if (job->end_ns)
		str_addf(out, " after %s, %s",
			cli_duration(took, sizeof took, job->end_ns - job->start_ns),
			cli_ago(ago, sizeof ago, now - job->end_ns));
	else
		str_addf(out, ", begun %s", cli_ago(ago, sizeof ago, now - job->start_ns));
	if (mount && job->mountpoint)
		str_addf(out, " · at %s", cli_path(job->mountpoint));
	else if (job->workspace)
		str_addf(out, " · in %s", cli_path(job->workspace));
	else if (job->cwd)
		str_addf(out, " · in %s", cli_path(job->cwd));
	if (!mount && job->command)
		cli_job_command(out, cli_text(job->command));
}
