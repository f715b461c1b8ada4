/* SPDX-License-Identifier: MIT */
/*
 * Path strings at the edge. Everything here works on text, except path_home (realpath) and
 * path_make_dirs, which walk by descriptor.
 */
#include <writfs/path.h>

#include <fcntl.h>
#include <limits.h>
#include <pwd.h>
#include <string.h>
#include <sys/stat.h>

#include <writfs/cleanup.h>
#include <writfs/str.h>

#define PASSWD_BUFFER_MAX 16384

const char *path_relative(const char *path, const char *dir)
{
	size_t len = strlen(dir);
	if (len && dir[len - 1] == '/')
		len--; /* "/" is the only normalised path that ends so */
	if (strncmp(path, dir, len) != 0)
		return NULL;
	if (path[len] == '\0')
		return path + len;
	if (path[len] != '/')
		return NULL;
	return path + len + 1;
}

bool path_is_beneath(const char *path, const char *dir)
{
	return path_relative(path, dir) != NULL;
}

char *path_display(char *buf, size_t size, const char *path, const char *home)
{
	const char *rest = NULL;
	if (home && home[0] == '/' && home[1] != '\0')
		rest = path_relative(path, home);
	if (!rest || size < 3)
		return escape_buf(buf, size, path);
	buf[0] = '~';
	buf[1] = '\0';
	if (*rest) {
		buf[1] = '/';
		(void)escape_buf(buf + 2, size - 2, rest);
	}
	return buf;
}

/* Appends the components of part to out ("" is the root), dropping "." and taking ".." by text. */
static void path_append(struct str *out, const char *part)
{
	while (*part) {
		size_t len = strcspn(part, "/");
		if (len == 2 && part[0] == '.' && part[1] == '.') {
			while (out->len && out->p[out->len - 1] != '/')
				out->len--;
			if (out->len)
				out->len--;
			if (out->p)
				out->p[out->len] = '\0';
		} else if (len && !(len == 1 && part[0] == '.')) {
			str_add_char(out, '/');
			str_add_mem(out, part, len);
		}
		part += len;
		part += *part == '/';
	}
}

int path_absolute(const char *path, const char *base, const char *home, char **ret, struct err *e)
{
	if (path[0] == '\0')
		return err_set(e, EINVAL, "an empty path names nothing");
	if (path[0] == '~' && path[1] != '\0' && path[1] != '/')
		return err_set(e, EINVAL,
			"%s: other users' homes are not looked up; write the whole path, or ./%s",
			path, path);
	struct str out cleanup_str = STR_INIT;
	if (path[0] == '~') {
		path_append(&out, home);
		path++;
	} else if (path[0] != '/') {
		path_append(&out, base);
	}
	path_append(&out, path);
	if (out.len == 0)
		str_add_char(&out, '/');
	if (out.failed)
		return err_errno(e, ENOMEM, "%.200s", path);
	if (out.len >= PATH_MAX)
		return err_set(e, EINVAL, "%.200s…: the path is longer than %d bytes", out.p,
			PATH_MAX - 1);
	*ret = steal_ptr(&out.p);
	return 0;
}

int path_home(char **ret, struct err *e)
{
	const char *home = getenv("HOME");
	char *buffer cleanup_free = NULL;
	if (!home || home[0] != '/') {
		struct passwd entry;
		struct passwd *found = NULL;
		buffer = malloc(PASSWD_BUFFER_MAX);
		if (!buffer)
			return err_errno(e, ENOMEM, "$HOME");
		int r = getpwuid_r(getuid(), &entry, buffer, PASSWD_BUFFER_MAX, &found);
		if (!found || !entry.pw_dir || entry.pw_dir[0] != '/')
			return err_set(e, r > 0 ? r : ENOENT,
				"$HOME is not set and user %u has no home directory: set HOME",
				getuid());
		home = entry.pw_dir;
	}
	char *real = realpath(home, NULL);
	if (!real)
		return err_errno(e, errno, "home directory %s", home);
	*ret = real;
	return 0;
}

/* $variable if it is absolute (the XDG specification ignores others), else home/fallback. */
static int path_xdg(const char *variable, const char *fallback, char **ret, struct err *e)
{
	struct str out cleanup_str = STR_INIT;
	const char *dir = getenv(variable);
	if (dir && dir[0] == '/') {
		path_append(&out, dir);
	} else {
		char *home cleanup_free = NULL;
		int r = path_home(&home, e);
		if (!home)
			return r;
		path_append(&out, home);
		path_append(&out, fallback);
	}
	path_append(&out, "writfs");
	if (out.failed)
		return err_errno(e, ENOMEM, "$%s", variable);
	*ret = steal_ptr(&out.p);
	return 0;
}

int path_state(char **ret, struct err *e)
{
	return path_xdg("XDG_STATE_HOME", ".local/state", ret, e);
}

int path_config(char **ret, struct err *e)
{
	return path_xdg("XDG_CONFIG_HOME", ".config", ret, e);
}

int path_make_dirs(const char *path, struct err *e)
{
	int fd cleanup_fd = open(path[0] == '/' ? "/" : ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return err_errno(e, errno, "%s", path);
	const char *part = path;
	while (*part) {
		part += strspn(part, "/");
		size_t len = strcspn(part, "/");
		if (len == 0)
			break;
		char name[NAME_MAX + 1];
		if (len > NAME_MAX)
			return err_errno(e, ENAMETOOLONG, "%s", path);
		memcpy(name, part, len);
		name[len] = '\0';
		part += len;
		/* Opened first: a component above may be unwritable or a link of the user's. */
		int next = openat(fd, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (next < 0 && errno == ENOENT) {
			if (mkdirat(fd, name, 0700) < 0 && errno != EEXIST)
				return err_errno(e, errno, "cannot make directory %.*s",
					(int)(part - path), path);
			next = openat(fd, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
		}
		if (next < 0)
			return err_errno(
				e, errno, "cannot open directory %.*s", (int)(part - path), path);
		(void)fd_close(fd);
		fd = next;
	}
	return steal_fd(&fd);
}
