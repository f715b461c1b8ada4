/* SPDX-License-Identifier: MIT */
/*
 * The terminal between the shell, this process and CMD.
 *
 * CMD gets a process group and the terminal of its own when this process is in the foreground and
 * both its input and its output are the terminal. Then ^C and ^Z are CMD's alone, and this process
 * follows: when CMD stops, it takes the terminal, stops itself in the same way, so that the shell
 * sees a stopped job, and when it is continued, hands the terminal back and continues CMD.
 *
 * Otherwise (a pipeline, a background job, no terminal) CMD stays in this process's group: the
 * other members of a pipeline read the same terminal, and `timeout`, cron and CI signal groups.
 * ^Z is mirrored there too, since the shell waits for this process.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "run_i.h"

void terminal_open(struct terminal *t)
{
	*t = (struct terminal)TERMINAL_INIT;
	t->own = getpgrp();
	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
		return;
	cleanup_fd int fd = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (fd >= 0 && tcgetpgrp(fd) == t->own)
		t->fd = steal_fd(&fd);
}

void terminal_close(struct terminal *t)
{
	t->fd = fd_close(t->fd);
}

void terminal_take(const struct terminal *t)
{
	/* SIGTTOU is blocked: a background group may do this. */
	if (t->fd >= 0 && tcgetpgrp(t->fd) != t->own)
		(void)tcsetpgrp(t->fd, t->own);
}

/* Stops this process as the terminal would. False: the kernel ignored it, because nobody is there
 * to continue an orphaned process group. */
static bool stop_self(void)
{
	struct sigaction standard = {.sa_handler = SIG_DFL}, old;
	sigset_t stop, pending;
	(void)sigemptyset(&stop);
	(void)sigaddset(&stop, SIGTSTP);
	(void)sigaction(SIGTSTP, &standard, &old);
	(void)kill(getpid(), SIGTSTP);
	(void)sigprocmask(SIG_UNBLOCK, &stop, NULL);
	/* Here it stands, until SIGCONT, which is blocked and therefore pending now. */
	(void)sigprocmask(SIG_BLOCK, &stop, NULL);
	(void)sigaction(SIGTSTP, &old, NULL);
	return sigpending(&pending) == 0 && sigismember(&pending, SIGCONT) == 1;
}

bool terminal_stop(struct terminal *t, pid_t command, int sig)
{
	bool had_terminal = false;
	if (t->fd >= 0) {
		pid_t group = tcgetpgrp(t->fd);
		had_terminal = group != t->own;
		t->stopped = had_terminal ? group : command;
		terminal_take(t);
	}
	if (stop_self())
		return false; /* SIGCONT is waiting to be read */
	/* CMD's group is not orphaned, its parent is in ours, so its stop was real. It goes on as
	 * it would have without us; but not where it would only stop again at once. */
	return sig == SIGTSTP || (sig != SIGSTOP && had_terminal);
}

void terminal_resume(struct terminal *t, pid_t command)
{
	if (t->fd < 0 || command == 0 || tcgetpgrp(t->fd) != t->own)
		return;
	if (t->stopped == 0 || tcsetpgrp(t->fd, t->stopped) < 0)
		(void)tcsetpgrp(t->fd, command);
	t->stopped = 0;
}
