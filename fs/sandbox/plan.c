/* SPDX-License-Identifier: MIT */
/*
 * The order of a sandbox's steps, as data. Nothing here touches the machine, so that the order,
 * on which the boundary rests, can be read and tested without privileges.
 *
 * Why this order:
 * - Masks come before the roots: what covers a socket lies in the state directory, usually in
 *   $HOME, and its path leads into the overlay once $HOME is mounted.
 * - /dev/fuse is opened after the first unshare: the kernel takes a descriptor for a mount only
 *   from the user namespace that opened it.
 * - The descriptors are handed over before the pid namespace exists: the mount then reports pids
 *   as the daemon outside sees them.
 * - The second user and mount namespace comes last of the mounts: a mount that is copied into a
 *   mount namespace of another user namespace is locked, so that nobody in it can take it off,
 *   whatever capabilities a file or a further namespace lends.
 * - The working directory is entered by path after that: an inherited one is the real tree.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <writfs/path.h>
#include <writfs/sandbox.h>

#include "sandbox_i.h"

/* As real root, kuid 0 owns these and needs no capability to change the machine through them. */
static const char *const root_read_only[] = {"/sys", NULL};
static const char *const root_read_only_proc[] = {"/proc/sys", "/proc/sysrq-trigger", "/proc/irq",
	"/proc/bus", "/proc/fs", "/proc/acpi", "/proc/scsi", NULL};

/* Aborting a connection here would turn the roots into ENOTCONN. */
#define FUSECTL "/sys/fs/fuse/connections"

static void add(
	struct sandbox_plan *plan, enum sandbox_step_kind kind, const char *path, size_t number)
{
	plan->steps[plan->count++] = (struct sandbox_step){kind, path, number};
}

static void add_all(
	struct sandbox_plan *plan, enum sandbox_step_kind kind, const char *const *paths)
{
	for (size_t i = 0; paths && paths[i]; i++)
		add(plan, kind, paths[i], i);
}

static size_t list_length(const char *const *list)
{
	size_t n = 0;
	while (list && list[n])
		n++;
	return n;
}

static bool in_a_root(const struct sandbox_options *options, const char *path)
{
	for (size_t i = 0; options->roots[i]; i++) {
		if (path_is_beneath(path, options->roots[i]))
			return true;
	}
	return false;
}

static void plan_masks(struct sandbox_plan *plan, const struct sandbox_facts *facts)
{
	/* A socket under a root is out of reach already: FUSE shows another inode. */
	for (size_t i = 0; facts->sockets && facts->sockets[i]; i++) {
		if (!in_a_root(&plan->options, facts->sockets[i]))
			add(plan, SANDBOX_MASK_SOCKET, facts->sockets[i], i);
	}
	add(plan, SANDBOX_MASK_DIR, FUSECTL, 0);
	add_all(plan, SANDBOX_MASK_DIR, plan->options.hidden);
	add_all(plan, SANDBOX_READ_ONLY, plan->options.read_only);
	if (facts->real_root) {
		add_all(plan, SANDBOX_READ_ONLY, root_read_only);
		add(plan, SANDBOX_MINIMAL_DEV, NULL, 0);
	}
}

static void plan_outer(struct sandbox_plan *plan, const struct sandbox_facts *facts)
{
	add(plan, SANDBOX_UNSHARE, NULL, 0);
	add(plan, facts->real_root ? SANDBOX_MAP_ALL : SANDBOX_MAP_SELF, NULL, 0);
	add(plan, SANDBOX_PRIVATE, NULL, 0);
	plan_masks(plan, facts);
	add_all(plan, SANDBOX_MOUNT_ROOT, plan->options.roots);
	add(plan, SANDBOX_HAND_OVER, NULL, 0);
	add(plan, SANDBOX_PID, NULL, 0);
}

static void plan_init(struct sandbox_plan *plan, const struct sandbox_facts *facts)
{
	add(plan, SANDBOX_PROC, NULL, 0);
	/* On the new /proc, or on the old one where there is no new one. */
	if (facts->real_root)
		add_all(plan, SANDBOX_READ_ONLY, root_read_only_proc);
	add(plan, SANDBOX_FORK, NULL, 0);
}

static void plan_inner(struct sandbox_plan *plan, const struct sandbox_facts *facts)
{
	add(plan, SANDBOX_UNSHARE, NULL, 0);
	add(plan, facts->real_root ? SANDBOX_MAP_ALL : SANDBOX_MAP_SELF, NULL, 0);
	if (plan->options.own_group)
		add(plan, SANDBOX_GROUP, NULL, 0);
	add(plan, SANDBOX_CHDIR, plan->options.cwd, 0);
	add(plan, SANDBOX_CLOSE_FDS, NULL, 0);
	/* Before the bounding set: Landlock and seccomp ask for no_new_privs or CAP_SYS_ADMIN,
	 * which real root, who keeps both sets, still has. */
	if (!facts->real_root)
		add(plan, SANDBOX_NO_NEW_PRIVS, NULL, 0);
	if (facts->landlock_abi >= LANDLOCK_ABI_SCOPE)
		add(plan, SANDBOX_LANDLOCK, NULL, 0);
	add(plan, SANDBOX_SECCOMP, NULL, 0);
	if (!facts->real_root)
		add(plan, SANDBOX_DROP_BOUNDING, NULL, 0);
	add(plan, SANDBOX_DROP_CAPS, NULL, 0);
	add(plan, SANDBOX_EXEC, NULL, 0);
}

static int check_options(const struct sandbox_options *o, struct err *e)
{
	size_t roots = list_length(o->roots);
	if (roots == 0)
		return err_set(e, EINVAL, "a sandbox needs a root");
	if (roots > SANDBOX_ROOTS_MAX)
		return err_set(
			e, EINVAL, "%zu roots, at most %d are possible", roots, SANDBOX_ROOTS_MAX);
	for (size_t i = 0; i < roots; i++) {
		if (o->roots[i][0] != '/' || o->roots[i][1] == '\0')
			return err_set(e, EINVAL, "'%s' cannot be a root", o->roots[i]);
		for (size_t k = 0; k < roots; k++) {
			if (k != i && path_is_beneath(o->roots[i], o->roots[k]))
				return err_set(e, EINVAL, "the root '%s' lies in the root '%s'",
					o->roots[i], o->roots[k]);
		}
	}
	if (!o->argv || !o->argv[0])
		return err_set(e, EINVAL, "no command to run");
	if (!o->cwd || o->cwd[0] != '/')
		return err_set(e, EINVAL, "the working directory has no absolute path");
	return 0;
}

int sandbox_plan_make(const struct sandbox_options *options, const struct sandbox_facts *facts,
	struct sandbox_plan **ret, struct err *e)
{
	int r = check_options(options, e);
	if (r < 0)
		return r;
	size_t sockets = list_length((const char *const *)facts->sockets);
	size_t max = PLAN_FIXED_STEPS_MAX + list_length(options->roots) + sockets +
		     list_length(options->hidden) + list_length(options->read_only);
	struct sandbox_plan *plan = calloc(1, sizeof(*plan));
	if (!plan)
		return err_errno(e, ENOMEM, "plan");
	plan->steps = calloc(max, sizeof(*plan->steps));
	if (!plan->steps) {
		free(plan);
		return err_errno(e, ENOMEM, "plan");
	}
	plan->options = *options;
	plan->uid = facts->uid;
	plan->gid = facts->gid;
	plan_outer(plan, facts);
	plan_init(plan, facts);
	plan_inner(plan, facts);
	*ret = plan;
	return 0;
}

void sandbox_plan_free(struct sandbox_plan *plan)
{
	if (!plan)
		return;
	free(plan->steps);
	free(plan);
}

void sandbox_plan_freep(struct sandbox_plan **plan)
{
	sandbox_plan_free(*plan);
}

const char *sandbox_step_name(enum sandbox_step_kind kind)
{
	static const char *const names[] = {
		[SANDBOX_UNSHARE] = "unshare",
		[SANDBOX_MAP_SELF] = "map-self",
		[SANDBOX_MAP_ALL] = "map-all",
		[SANDBOX_PRIVATE] = "private",
		[SANDBOX_MASK_SOCKET] = "mask-socket",
		[SANDBOX_MASK_DIR] = "mask-dir",
		[SANDBOX_READ_ONLY] = "read-only",
		[SANDBOX_MINIMAL_DEV] = "minimal-dev",
		[SANDBOX_MOUNT_ROOT] = "mount-root",
		[SANDBOX_HAND_OVER] = "hand-over",
		[SANDBOX_PID] = "pid",
		[SANDBOX_PROC] = "proc",
		[SANDBOX_FORK] = "fork",
		[SANDBOX_GROUP] = "group",
		[SANDBOX_CHDIR] = "chdir",
		[SANDBOX_CLOSE_FDS] = "close-fds",
		[SANDBOX_DROP_CAPS] = "drop-caps",
		[SANDBOX_DROP_BOUNDING] = "drop-bounding",
		[SANDBOX_NO_NEW_PRIVS] = "no-new-privs",
		[SANDBOX_LANDLOCK] = "landlock",
		[SANDBOX_SECCOMP] = "seccomp",
		[SANDBOX_EXEC] = "exec",
	};
	return names[kind];
}
