/* SPDX-License-Identifier: MIT */
/* Executes a plan: a table from kinds to functions, and one way to fail. */
#include <errno.h>
#include <unistd.h>

#include "sandbox_i.h"

typedef int (*step_fn)(struct launch *l, const struct sandbox_step *step, struct err *e);

static const step_fn step_functions[] = {
	[SANDBOX_UNSHARE] = step_unshare,
	[SANDBOX_MAP_SELF] = step_map_self,
	[SANDBOX_MAP_ALL] = step_map_all,
	[SANDBOX_PRIVATE] = step_private,
	[SANDBOX_MASK_SOCKET] = step_mask_socket,
	[SANDBOX_MASK_DIR] = step_mask_dir,
	[SANDBOX_READ_ONLY] = step_read_only,
	[SANDBOX_MINIMAL_DEV] = step_minimal_dev,
	[SANDBOX_MOUNT_ROOT] = step_mount_root,
	[SANDBOX_HAND_OVER] = step_hand_over,
	[SANDBOX_PID] = step_pid,
	[SANDBOX_PROC] = step_proc,
	[SANDBOX_FORK] = step_fork,
	[SANDBOX_GROUP] = step_group,
	[SANDBOX_CHDIR] = step_chdir,
	[SANDBOX_CLOSE_FDS] = step_close_fds,
	[SANDBOX_DROP_CAPS] = step_drop_caps,
	[SANDBOX_DROP_BOUNDING] = step_drop_bounding,
	[SANDBOX_NO_NEW_PRIVS] = step_no_new_privs,
	[SANDBOX_LANDLOCK] = step_landlock,
	[SANDBOX_SECCOMP] = step_seccomp,
	[SANDBOX_EXEC] = step_exec,
};

void launch_fail(struct launch *l, const struct err *e)
{
	(void)report_send(l->report, SANDBOX_FAILED, l->fail_status, e->text, NULL, 0);
	_exit(l->fail_status);
}

void launch_run(struct launch *l)
{
	struct err e = {0};
	while (l->next < l->plan->count) {
		const struct sandbox_step *step = &l->plan->steps[l->next++];
		int r = step_functions[step->kind](l, step, &e);
		if (r < 0)
			launch_fail(l, &e);
	}
	(void)err_set(&e, EINVAL, "the plan ended without a command");
	launch_fail(l, &e);
}
