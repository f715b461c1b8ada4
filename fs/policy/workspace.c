/* SPDX-License-Identifier: MIT */
/*
 * Finds the workspace. What lies in the current directory may come from a stranger, so nothing in
 * it is believed about places outside: a .git file grants the directory that it names only if that
 * directory, which the stranger could not write, names the checkout too.
 *
 *   worktree   GIT/worktrees/NAME holds "gitdir", the path of our .git file. GIT is taken from
 *              where that directory lies, not from what it says.
 *   submodule  the directory holds a config whose core.worktree is our directory.
 *
 * A .git that is not believed makes the current directory the workspace, and nothing above it.
 */
#include "workspace.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <writfs/cleanup.h>
#include <writfs/path.h>
#include <writfs/policy.h>
#include <writfs/str.h>
#include <writfs/sys.h>

#define GIT_FILE_MAX (PATH_MAX + 16)
#define GIT_CONFIG_MAX (1U << 20)

enum believed { BELIEVED, NOT_GIT, DISTRUSTED };

void workspace_end(struct workspace *w)
{
	free(w->top);
	free(w->git);
	free(w->distrusted);
	*w = (struct workspace){0};
}

static char *join(const char *dir, const char *name)
{
	struct str s cleanup_str = STR_INIT;
	str_addf(&s, "%s/%s", strcmp(dir, "/") == 0 ? "" : dir, name);
	return s.failed ? NULL : steal_ptr(&s.p);
}

/* The first line of dir/name without its end, or NULL. */
static char *read_line(const char *dir, const char *name)
{
	char *path cleanup_free = join(dir, name);
	char *text = NULL;
	size_t len;
	if (!path || sys_read_file(AT_FDCWD, path, GIT_FILE_MAX, &text, &len) < 0)
		return NULL;
	text[strcspn(text, "\r\n")] = '\0';
	return text;
}

/* realpath of path, which is relative to dir. */
static char *real_from(const char *dir, const char *path)
{
	if (path[0] == '/')
		return realpath(path, NULL);
	char *joined cleanup_free = join(dir, path);
	return joined ? realpath(joined, NULL) : NULL;
}

static bool has(const char *dir, const char *name, mode_t type)
{
	char *path cleanup_free = join(dir, name);
	struct stat st;
	return path && stat(path, &st) == 0 && (st.st_mode & S_IFMT) == type;
}

/* As git tells its directories from others. */
static bool is_git_dir(const char *dir)
{
	return has(dir, "HEAD", S_IFREG) && has(dir, "objects", S_IFDIR) &&
	       has(dir, "refs", S_IFDIR);
}

/* git may be GIT/worktrees/NAME: GIT, if it names top/.git. */
static char *worktree_common(const char *git, const char *top)
{
	char *back cleanup_free = read_line(git, "gitdir");
	char *common cleanup_free = real_from(git, "../..");
	char *worktrees cleanup_free = real_from(git, "..");
	if (!back || !common || !worktrees)
		return NULL;
	const char *name = path_relative(worktrees, common);
	if (!name || strcmp(name, "worktrees") != 0 || !is_git_dir(common))
		return NULL;
	/* The file itself, wherever its directory is reached by. */
	char *slash = strrchr(back, '/');
	if (!slash || strcmp(slash, "/.git") != 0)
		return NULL;
	*slash = '\0';
	char *its_top cleanup_free = real_from(git, *back ? back : "/");
	return its_top && strcmp(its_top, top) == 0 ? steal_ptr(&common) : NULL;
}

/* The value of "worktree" in section [core] of a git config, unquoted; NULL: none. */
static char *config_worktree(char *text)
{
	bool in_core = false;
	char *found = NULL;
	char *rest = NULL;
	for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		line += strspn(line, " \t");
		if (*line == '[') {
			in_core = strncasecmp(line, "[core]", 6) == 0;
			continue;
		}
		size_t key = strspn(line, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");
		if (!in_core || key != 8 || strncasecmp(line, "worktree", key) != 0)
			continue;
		char *value = line + key + strspn(line + key, " \t");
		if (*value != '=')
			continue;
		value += 1 + strspn(value + 1, " \t");
		size_t len = strcspn(value, "\r");
		while (len && (value[len - 1] == ' ' || value[len - 1] == '\t'))
			len--;
		/* Quotes around it; escapes do not occur in what git writes here. */
		if (len >= 2 && value[0] == '"' && value[len - 1] == '"') {
			value++;
			len -= 2;
		}
		value[len] = '\0';
		found = value;
	}
	return found;
}

static bool submodule_names(const char *git, const char *top)
{
	char *config cleanup_free = join(git, "config");
	char *text cleanup_free = NULL;
	size_t len;
	if (!config || !is_git_dir(git) ||
		sys_read_file(AT_FDCWD, config, GIT_CONFIG_MAX, &text, &len) < 0)
		return false;
	char *worktree = config_worktree(text);
	char *its_top cleanup_free = worktree ? real_from(git, worktree) : NULL;
	return its_top && strcmp(its_top, top) == 0;
}

/* Sets *ret_git (NULL: it lies inside top). */
static enum believed believe(const char *top, char **ret_git)
{
	char *dot_git cleanup_free = join(top, ".git");
	struct stat st;
	if (!dot_git || lstat(dot_git, &st) < 0)
		return NOT_GIT;
	if (S_ISDIR(st.st_mode)) {
		if (!is_git_dir(dot_git))
			return NOT_GIT;
		/* As git: another user's repository decides nothing for us. */
		return st.st_uid == geteuid() ? BELIEVED : DISTRUSTED;
	}
	if (!S_ISREG(st.st_mode))
		return DISTRUSTED;
	char *line cleanup_free = read_line(top, ".git");
	if (!line || strncmp(line, "gitdir: ", 8) != 0)
		return DISTRUSTED;
	char *git cleanup_free = real_from(top, line + 8);
	if (!git)
		return DISTRUSTED;
	char *common cleanup_free = worktree_common(git, top);
	if (!common && submodule_names(git, top))
		common = steal_ptr(&git);
	if (!common)
		return DISTRUSTED;
	if (!path_is_beneath(common, top))
		*ret_git = steal_ptr(&common);
	return BELIEVED;
}

int workspace_discover(const char *dir, struct workspace *ret)
{
	char *real cleanup_free = realpath(dir, NULL);
	if (!real)
		return -errno;
	char *at cleanup_free = strdup(real);
	if (!at)
		return -ENOMEM;
	struct workspace w = {0};
	for (;;) {
		enum believed believed = believe(at, &w.git);
		if (believed == BELIEVED) {
			w.top = steal_ptr(&at);
			break;
		}
		if (believed == DISTRUSTED || strcmp(at, "/") == 0) {
			w.top = steal_ptr(&real);
			if (believed == DISTRUSTED)
				w.distrusted = join(at, ".git");
			break;
		}
		char *slash = strrchr(at, '/');
		slash[slash == at] = '\0';
	}
	*ret = w;
	return 0;
}

int workspace_find(const char *dir, char **ret_top, char **ret_git)
{
	struct workspace w = {0};
	int r = workspace_discover(dir, &w);
	if (r < 0)
		return r;
	*ret_top = steal_ptr(&w.top);
	*ret_git = steal_ptr(&w.git);
	workspace_end(&w);
	return 0;
}
