/* SPDX-License-Identifier: MIT */
/*
 * Sockets of programs outside that run commands for whoever connects: the session bus and the
 * service manager, container engines, terminal multiplexers, editors, window managers. One
 * connection to any of them is a process outside the job. ssh-agent and gpg-agent sign, but run
 * nothing, and stay.
 *
 * Only what exists at the start is found; a socket that such a program makes later in a directory
 * that CMD can reach is not covered. Abstract sockets are Landlock's business.
 */
#include <errno.h>
#include <glob.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <writfs/cleanup.h>
#include <writfs/str.h>

#include "sandbox_i.h"

/* %r: the runtime directory, %u: the user's id, %t: the directory for temporary files. */
static const char *const user_patterns[] = {
	"%r/bus",
	"%r/systemd/private",
	"%r/systemd/notify",
	"%r/systemd/io.systemd.*",
	"%r/at-spi/bus*",
	"%r/docker.sock",
	"%r/podman/podman.sock",
	"%r/containerd*/*.sock",
	"/run/docker.sock",
	"/run/podman/podman.sock",
	"/run/containerd/containerd.sock",
	"/run/crio/crio.sock",
	"/run/libvirt/libvirt-sock",
	"/run/snapd.socket",
	"/var/lib/incus/unix.socket",
	"/var/lib/lxd/unix.socket",
	"/var/snap/lxd/common/lxd/unix.socket",
	"%t/tmux-%u/*",
	"/tmp/tmux-%u/*",
	"/run/screen/S-*/*",
	"%r/zellij/*/*",
	"%r/wezterm/*",
	"%r/kitty-*",
	"%r/vscode-*.sock",
	"%t/vscode-*.sock",
	"/tmp/vscode-*.sock",
	"%t/cursor-*.sock",
	"%r/nvim.*",
	"%t/nvim*/*/nvim.*",
	"%r/emacs/*",
	"%t/emacs%u/*",
	"%r/sway-ipc.*",
	"%r/i3/ipc-socket.*",
	"%r/hypr/*/.socket.sock",
	"%r/wayfire-*.socket",
	"%r/niri.*.sock",
};

/* For uid 0 the system's own manager is what the session's is for others. */
static const char *const root_patterns[] = {
	"/run/systemd/private",
	"/run/systemd/notify",
	"/run/systemd/io.systemd.*",
	"/run/dbus/system_bus_socket",
	"/run/acpid.socket",
};

enum form {
	FORM_PATH,  /* the value is a path */
	FORM_COMMA, /* a path up to the first comma */
	FORM_URL    /* unix:PATH, unix://PATH or unix:path=PATH,...; several by ';' */
};

static const struct {
	const char *name;
	enum form form;
} variables[] = {
	{"DBUS_SESSION_BUS_ADDRESS", FORM_URL},
	{"AT_SPI_BUS_ADDRESS", FORM_URL},
	{"DOCKER_HOST", FORM_URL},
	{"CONTAINER_HOST", FORM_URL},
	{"TMUX", FORM_COMMA},
	{"NVIM", FORM_PATH},
	{"NVIM_LISTEN_ADDRESS", FORM_PATH},
	{"VSCODE_IPC_HOOK", FORM_PATH},
	{"VSCODE_IPC_HOOK_CLI", FORM_PATH},
	{"VSCODE_GIT_IPC_HANDLE", FORM_PATH},
	{"KITTY_LISTEN_ON", FORM_URL},
	{"WEZTERM_UNIX_SOCKET", FORM_PATH},
	{"SWAYSOCK", FORM_PATH},
	{"I3SOCK", FORM_PATH},
	{"NIRI_SOCKET", FORM_PATH},
};

struct found {
	char **paths;
	size_t count;
	int error;
};

static void add_found(struct found *found, const char *path)
{
	struct stat st;
	cleanup_free char *real = realpath(path, NULL);
	if (!real || stat(real, &st) < 0 || !S_ISSOCK(st.st_mode) || found->error < 0)
		return;
	for (size_t i = 0; i < found->count; i++) {
		if (strcmp(found->paths[i], real) == 0)
			return;
	}
	if (found->count == SANDBOX_SOCKETS_MAX) {
		found->error = -E2BIG;
		return;
	}
	char **grown = reallocarray(found->paths, found->count + 2, sizeof(*grown));
	if (!grown) {
		found->error = -ENOMEM;
		return;
	}
	found->paths = grown;
	found->paths[found->count++] = steal_ptr(&real);
	found->paths[found->count] = NULL;
}

struct places {
	const char *runtime, *temporary;
	uid_t uid;
};

static void add_pattern(struct found *found, const char *pattern, const struct places *places)
{
	cleanup_str struct str text = STR_INIT;
	for (const char *p = pattern; *p; p++) {
		if (*p != '%') {
			str_add_char(&text, *p);
			continue;
		}
		p++;
		if (*p == 'r')
			str_add(&text, places->runtime);
		else if (*p == 't')
			str_add(&text, places->temporary);
		else
			str_addf(&text, "%u", places->uid);
	}
	if (text.failed) {
		found->error = -ENOMEM;
		return;
	}
	glob_t matches = {0};
	int r = glob(text.p, GLOB_NOSORT, NULL, &matches);
	if (r == GLOB_NOSPACE)
		found->error = -ENOMEM;
	for (size_t i = 0; r == 0 && i < matches.gl_pathc; i++)
		add_found(found, matches.gl_pathv[i]);
	globfree(&matches);
}

static void add_address(struct found *found, const char *address)
{
	char path[PATH_MAX];
	while (*address) {
		size_t len = strcspn(address, ";");
		const char *end = address + len;
		if (strncmp(address, "unix:", 5) == 0) {
			const char *start = address + 5;
			const char *key = memmem(start, (size_t)(end - start), "path=", 5);
			if (key)
				start = key + 5;
			else if (strncmp(start, "//", 2) == 0)
				start += 2;
			size_t n = strcspn(start, ",;");
			if (n > 0 && n < sizeof(path)) {
				memcpy(path, start, n);
				path[n] = '\0';
				add_found(found, path);
			}
		}
		address = *end ? end + 1 : end;
	}
}

static void add_variable(struct found *found, const char *value, enum form form)
{
	char path[PATH_MAX];
	if (form == FORM_URL) {
		add_address(found, value);
		return;
	}
	size_t n = form == FORM_COMMA ? strcspn(value, ",") : strlen(value);
	if (value[0] != '/' || n >= sizeof(path))
		return;
	memcpy(path, value, n);
	path[n] = '\0';
	add_found(found, path);
}

static void add_patterns(struct found *found, const struct places *places)
{
	for (size_t i = 0; i < sizeof(user_patterns) / sizeof(user_patterns[0]); i++)
		add_pattern(found, user_patterns[i], places);
	if (places->uid != 0)
		return;
	for (size_t i = 0; i < sizeof(root_patterns) / sizeof(root_patterns[0]); i++)
		add_pattern(found, root_patterns[i], places);
}

int sockets_find(uid_t uid, char ***ret, struct err *e)
{
	struct found found = {0};
	char runtime[64];
	const char *own = getenv("XDG_RUNTIME_DIR"), *temporary = getenv("TMUX_TMPDIR");
	if (!temporary)
		temporary = getenv("TMPDIR");
	(void)snprintf(runtime, sizeof(runtime), "/run/user/%u", uid);
	struct places places = {runtime, temporary ? temporary : "/tmp", uid};
	add_patterns(&found, &places);
	if (own && strcmp(own, runtime) != 0) {
		places.runtime = own;
		add_patterns(&found, &places);
	}
	for (size_t i = 0; i < sizeof(variables) / sizeof(variables[0]); i++) {
		const char *value = getenv(variables[i].name);
		if (value)
			add_variable(&found, value, variables[i].form);
	}
	if (found.error < 0) {
		sockets_free(found.paths);
		if (found.error == -E2BIG)
			return err_set(e, E2BIG,
				"more than %d sockets of editors and terminals to cover; remove "
				"the stale ones (ls /tmp/vscode-*.sock)",
				SANDBOX_SOCKETS_MAX);
		return err_errno(e, -found.error, "looking for sockets");
	}
	*ret = found.paths;
	return 0;
}

void sockets_free(char **sockets)
{
	for (size_t i = 0; sockets && sockets[i]; i++)
		free(sockets[i]);
	free(sockets);
}
