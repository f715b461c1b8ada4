/* SPDX-License-Identifier: MIT */
/* The tree that the fuzzer starts from, and the shrinking of a list of calls. */
#include "diff_op.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#define WORKERS 8
#define LINES_MAX 100000

/* Long ago, so that a time that no program set cannot pass for one that was. */
static int set_old_times(int dir, const char *name, struct random *r)
{
	struct timespec times[2] = {
		{1000000000, 0}, {1000000000 + random_below(r, 100000000), 12345}};
	return utimensat(dir, name, times, AT_SYMLINK_NOFOLLOW);
}

static int make_file(int dir, const char *name, struct random *r)
{
	static const mode_t modes[] = {0644, 0644, 0600, 0755, 0444, 0640, 04755, 02755};
	char data[4096];
	int fd = openat(dir, name, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
	if (fd < 0)
		return -1;
	unsigned blocks = random_below(r, 8) ? random_below(r, 3) : random_below(r, 30);
	size_t rest = random_below(r, sizeof data);
	for (unsigned i = 0; i <= blocks; i++) {
		memset(data, (int)(random_below(r, 255) + 1), sizeof data);
		/* A hole now and then. */
		off_t at = (off_t)i * (off_t)sizeof data;
		if (i < blocks && random_below(r, 4) == 0)
			continue;
		if (pwrite(fd, data, i < blocks ? sizeof data : rest, at) < 0)
			return -1;
	}
	if (random_below(r, 4) == 0 && fsetxattr(fd, "user.a", data, 20, 0) < 0)
		return -1;
	int result = fchmod(fd, modes[random_below(r, 8)]);
	(void)close(fd);
	return result;
}

static int make_dir(int parent, const char *name, struct random *r, int depth);

/* No hard links to begin with: what a real group of names counts while a part of it is the job's is
 * a known gap. Those that the calls make are compared. */
static int make_one(int dir, unsigned i, struct random *r, int depth)
{
	const char *name = random_names[i];
	int result;
	switch (random_below(r, depth < 3 ? 10 : 6)) {
	case 0:
		result = symlinkat(random_below(r, 2) ? "a" : "./b", dir, name);
		break;
	case 1:
		result = mknodat(dir, name, (random_below(r, 2) ? S_IFIFO : S_IFSOCK) | 0644, 0);
		break;
	case 6:
	case 7:
	case 8:
	case 9:
		return make_dir(dir, name, r, depth + 1);
	default:
		result = make_file(dir, name, r);
		break;
	}
	return result < 0 ? result : set_old_times(dir, name, r);
}

static int make_dir(int parent, const char *name, struct random *r, int depth)
{
	static const mode_t modes[] = {0755, 0755, 0700, 0775, 02755, 0777};
	if (mkdirat(parent, name, 0700) < 0)
		return -1;
	int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	int result = 0;
	for (unsigned i = 0; i < RANDOM_NAMES && result == 0; i++)
		if (random_below(r, 10) < 6)
			result = make_one(fd, i, r, depth);
	if (result == 0)
		result = fchmod(fd, depth ? modes[random_below(r, 6)] : 0777);
	(void)close(fd);
	return result < 0 ? result : set_old_times(parent, name, r);
}

int diff_populate(uint64_t seed, const char *path)
{
	struct random r = {seed};
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int result = fd < 0 ? -1 : 0;
	for (unsigned i = 0; i < WORKERS && result == 0; i++) {
		char name[16];
		(void)snprintf(name, sizeof name, "w%u", i);
		result = make_dir(fd, name, &r, 0);
	}
	if (result == 0)
		result = mkdirat(fd, "s", 0777);
	if (result == 0)
		result = fchmodat(fd, "s", 0777, 0);
	if (result < 0)
		(void)fprintf(stderr, "diff_fuzz: %s: %s\n", path, strerror(errno));
	if (fd >= 0)
		(void)close(fd);
	return result < 0 ? 3 : 0;
}

struct lines {
	char **text;
	bool *keep;
	size_t count;
};

static bool read_lines(const char *file, struct lines *l)
{
	char *line = NULL;
	size_t size = 0;
	FILE *in = fopen(file, "re");
	l->text = calloc(LINES_MAX, sizeof *l->text);
	l->keep = calloc(LINES_MAX, sizeof *l->keep);
	while (in && l->text && l->keep && l->count < LINES_MAX && getline(&line, &size, in) > 0) {
		l->keep[l->count] = true;
		l->text[l->count++] = line;
		line = NULL;
		size = 0;
	}
	free(line);
	if (in)
		(void)fclose(in);
	return l->count > 0;
}

static bool write_lines(const char *file, const struct lines *l)
{
	FILE *out = fopen(file, "we");
	for (size_t i = 0; out && i < l->count; i++)
		if (l->keep[i])
			(void)fputs(l->text[i], out);
	return out && fclose(out) == 0;
}

/* Runs "COMMAND FILE"; true: it still says 1, a difference. Another status proves nothing. */
static bool still_fails(const char *file, const char *command, const struct lines *l)
{
	if (!write_lines(file, l))
		return false;
	pid_t pid = fork();
	if (pid == 0) {
		(void)execlp(command, command, file, (char *)NULL);
		_exit(127);
	}
	int status = 0;
	return pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) &&
	       WEXITSTATUS(status) == 1;
}

/* Workers do not meet: mostly the calls of one are enough. */
static void keep_one_worker(const char *file, const char *command, struct lines *l)
{
	for (unsigned worker = 0; worker < WORKERS; worker++) {
		for (size_t i = 0; i < l->count; i++)
			l->keep[i] = strtoul(l->text[i], NULL, 10) == worker;
		if (still_fails(file, command, l))
			return;
	}
	memset(l->keep, true, l->count * sizeof *l->keep);
}

int diff_shrink(const char *file, const char *command)
{
	struct lines l = {0};
	if (!read_lines(file, &l))
		return 3;
	if (!still_fails(file, command, &l)) {
		(void)fprintf(stderr, "diff_fuzz: these calls, one after the other, do not fail\n");
		return 1;
	}
	keep_one_worker(file, command, &l);
	for (size_t piece = l.count / 2; piece > 0; piece /= 2) {
		for (size_t at = 0; at < l.count; at += piece) {
			size_t n = l.count - at < piece ? l.count - at : piece;
			bool any = false;
			for (size_t i = at; i < at + n; i++)
				any = any || l.keep[i];
			if (!any)
				continue;
			bool saved[LINES_MAX];
			memcpy(saved, l.keep, l.count * sizeof *saved);
			memset(l.keep + at, false, n * sizeof *l.keep);
			if (!still_fails(file, command, &l))
				memcpy(l.keep, saved, l.count * sizeof *saved);
		}
	}
	(void)write_lines(file, &l);
	for (size_t i = 0; i < l.count; i++)
		free(l.text[i]);
	free(l.text);
	free(l.keep);
	return 0;
}
