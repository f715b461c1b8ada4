/* SPDX-License-Identifier: MIT */
/*
 * The terminal. All answers are taken once at the start, because the pager replaces standard
 * output later and colours must still be those of the screen behind it. Progress runs in a thread
 * of its own: the work that it reports on is one call into a layer that knows no terminal.
 */
#include "terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <wchar.h>

#include <writfs/cleanup.h>

#define TERMINAL_WIDTH_MIN 40
#define TERMINAL_WIDTH_MAX 1000
#define TERMINAL_PAGER "less"
/* As git does: leave at once if it fits, colours through, do not clear the screen. */
#define TERMINAL_LESS "FRX"
#define TERMINAL_PROGRESS_MS 1000

static struct {
	bool out, err, colour;
	unsigned width;
	pid_t pager;
} terminal;

static struct {
	pthread_mutex_t lock;
	pthread_cond_t wake;
	pthread_t thread;
	bool running, done;
	const char *what;
} progress = {.lock = PTHREAD_MUTEX_INITIALIZER};

void terminal_setup(void)
{
	const char *no_color = getenv("NO_COLOR");
	const char *term = getenv("TERM");
	const char *columns = getenv("COLUMNS");
	struct winsize size;

	terminal.out = isatty(STDOUT_FILENO);
	terminal.err = isatty(STDERR_FILENO);
	terminal.colour =
		terminal.out && !(no_color && *no_color) && term && strcmp(term, "dumb") != 0;
	if (!terminal.out)
		return;
	if (!ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) && size.ws_col)
		terminal.width = size.ws_col;
	else if (columns)
		terminal.width = (unsigned)strtoul(columns, NULL, 10);
	if (terminal.width < TERMINAL_WIDTH_MIN || terminal.width > TERMINAL_WIDTH_MAX)
		terminal.width = 80;
}

bool terminal_colour(void)
{
	return terminal.colour;
}

const char *terminal_style(enum style style)
{
	static const char *const sequences[] = {
		[STYLE_OFF] = "\033[0m",
		[STYLE_BOLD] = "\033[1m",
		[STYLE_DIM] = "\033[2m",
		[STYLE_DANGER] = "\033[1;31m",
		[STYLE_REAL] = "\033[33m",
		[STYLE_GOOD] = "\033[32m",
	};

	return terminal.colour ? sequences[style] : "";
}

unsigned terminal_width(void)
{
	return terminal.width;
}

unsigned terminal_columns(const char *text)
{
	mbstate_t state = {0};
	unsigned columns = 0;

	while (*text) {
		wchar_t wide;
		size_t len = mbrtowc(&wide, text, MB_CUR_MAX, &state);

		if (len == (size_t)-1 || len == (size_t)-2) {
			/* Not this locale's: a UTF-8 character counts as one column. */
			state = (mbstate_t){0};
			columns += ((unsigned char)*text & 0xc0) != 0x80;
			text++;
			continue;
		}
		int width = wcwidth(wide);

		columns += width > 0 ? (unsigned)width : 0;
		text += len;
	}
	return columns;
}

static void terminal_exec_pager(const char *pager, int input)
{
	(void)dup2(input, STDIN_FILENO);
	(void)setenv("LESS", TERMINAL_LESS, 0);
	(void)execl("/bin/sh", "sh", "-c", pager, (char *)NULL);
	_exit(127);
}

void terminal_pager(void)
{
	const char *pager = getenv("PAGER");
	int ends[2];

	if (!pager)
		pager = TERMINAL_PAGER;
	if (!terminal.out || terminal.pager > 0 || !*pager || !strcmp(pager, "cat"))
		return;
	if (pipe2(ends, O_CLOEXEC) < 0)
		return;
	(void)fflush(stdout);
	pid_t pid = fork();
	if (pid == 0)
		terminal_exec_pager(pager, ends[0]);
	if (pid > 0) {
		/* A person who leaves the pager early has seen enough: that is no failure. */
		(void)signal(SIGPIPE, SIG_IGN);
		(void)dup2(ends[1], STDOUT_FILENO);
		terminal.pager = pid;
	}
	(void)close(ends[0]);
	(void)close(ends[1]);
}

int terminal_finish(void)
{
	int rc = 0;

	errno = 0;
	if (fflush(stdout) == EOF || ferror(stdout))
		rc = errno ? -errno : -EIO;
	if (terminal.pager <= 0)
		return rc;
	/* The pager reads until end of file: this was the last descriptor of the pipe. */
	(void)close(STDOUT_FILENO);
	while (waitpid(terminal.pager, NULL, 0) < 0 && errno == EINTR)
		;
	terminal.pager = 0;
	return rc == -EPIPE ? 0 : rc;
}

static void *terminal_progress_run(void *arg)
{
	struct timespec at;
	unsigned seconds = 0;

	(void)arg;
	(void)clock_gettime(CLOCK_MONOTONIC, &at);
	pthread_mutex_lock(&progress.lock);
	while (!progress.done) {
		at.tv_sec += TERMINAL_PROGRESS_MS / 1000;
		while (!progress.done &&
			pthread_cond_timedwait(&progress.wake, &progress.lock, &at) != ETIMEDOUT)
			;
		if (!progress.done)
			(void)fprintf(stderr, "\r\033[Kwrit: %s, %u s", progress.what, ++seconds);
	}
	pthread_mutex_unlock(&progress.lock);
	if (seconds)
		(void)fputs("\r\033[K", stderr);
	return NULL;
}

void terminal_progress_begin(const char *what)
{
	pthread_condattr_t attr;

	if (!terminal.err || progress.running)
		return;
	(void)pthread_condattr_init(&attr);
	(void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&progress.wake, &attr);
	(void)pthread_condattr_destroy(&attr);
	progress.what = what;
	progress.done = false;
	progress.running = pthread_create(&progress.thread, NULL, terminal_progress_run, NULL) == 0;
}

void terminal_progress_end(void)
{
	if (!progress.running)
		return;
	pthread_mutex_lock(&progress.lock);
	progress.done = true;
	pthread_cond_signal(&progress.wake);
	pthread_mutex_unlock(&progress.lock);
	(void)pthread_join(progress.thread, NULL);
	(void)pthread_cond_destroy(&progress.wake);
	progress.running = false;
}
