/* SPDX-License-Identifier: MIT */
/* Private to fs/sandbox: the state of a launch as it passes from process to process. */
#ifndef WRITFS_SANDBOX_I_H
#define WRITFS_SANDBOX_I_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <writfs/err.h>
#include <writfs/sandbox.h>

#define LANDLOCK_ABI_SCOPE 6    /* the first that knows scopes */
#define PLAN_FIXED_STEPS_MAX 48 /* steps that do not come from a list of the caller's */
#define SANDBOX_GRACE_MS 2000   /* from SIGTERM to SIGKILL for what CMD left behind */
#define ID_MAP_MAX 16384        /* bytes of /proc/PID/uid_map: 340 lines */

/* Kinds of reports that are not events for the caller. */
enum { REPORT_ROOTS = 1000 /* carries the FUSE descriptors */ };

/* One packet from any of the sandbox's processes to the supervisor. */
struct report {
	int32_t kind; /* enum sandbox_event_kind or REPORT_* */
	int32_t number;
	char text[ERR_TEXT_MAX];
};

/* What one of the sandbox's processes knows. Each fork has its own copy. */
struct launch {
	const struct sandbox_plan *plan;
	size_t next; /* step after the one that is being run */
	int report;  /* SOCK_SEQPACKET to the supervisor */
	int maps;    /* to the process that writes this one's id maps; -1 */
	int settled; /* init to outer: which kind of /proc there is; -1 */
	int fuse[SANDBOX_ROOTS_MAX];
	bool pid_namespace;
	int fail_status; /* of writ, if the next step fails */
};

/* ---- report.c ---- */

int report_send(int fd, int kind, int number, const char *text, const int *fds, size_t fd_count);
/* 1 a report, 0 none now or end of file (*ret_end), -errno. Descriptors go to fds[max]. */
int report_receive(
	int fd, struct report *ret, pid_t *ret_pid, int *fds, size_t *fd_count, bool *ret_end);

/* ---- steps.c ---- */

/* Runs the plan from l->next to its end; in CMD's process it does not return but by exec. */
void launch_run(struct launch *l) __attribute__((noreturn));
void launch_fail(struct launch *l, const struct err *e) __attribute__((noreturn));

/* ---- namespaces.c ---- */

int step_unshare(struct launch *l, const struct sandbox_step *step, struct err *e);
int step_map_self(struct launch *l, const struct sandbox_step *step, struct err *e);
int step_map_all(struct launch *l, const struct sandbox_step *step, struct err *e);
int step_private(struct launch *l, const struct sandbox_step *step, struct err *e);
/* The other side of step_map_all: waits until pid has unshared, writes its maps, lets it go on. */
int map_all_serve(int fd, pid_t pid);
/* One line a range of this process's own map, each id to itself. */
int map_identity(const char *own_map, char *buf, size_t size);

/* ---- mounts.c, dev.c ---- */

int step_mask_socket(struct launch *l, const struct sandbox_step *step, struct err *e);
int step_mask_dir(struct launch *l, const struct sandbox_step *step, struct err *e);
int step_read_only(struct launch *l, const struct sandbox_step *step, struct err *e);
int step_mount_root(struct launch *l, const struct sandbox_step *step, struct err *e);
int step_hand_over(struct launch *l, const struct sandbox_step *step, struct err *e);
int step_proc(struct launch *l, const struct sandbox_step *step, struct err *e);
int step_minimal_dev(struct launch *l, const struct sandbox_step *step, struct err *e);

/* ---- init.c ---- */

int step_pid(struct launch *l, const struct sandbox_step *step, struct err *e);
int step_fork(struct launch *l, const struct sandbox_step *step, struct err *e);

/* ---- hygiene.c ---- */

int step_group(struct launch *l, const struct sandbox_step *step, struct err *e);
int step_chdir(struct launch *l, const struct sandbox_step *step, struct err *e);
int step_close_fds(struct launch *l, const struct sandbox_step *step, struct err *e);
int step_drop_caps(struct launch *l, const struct sandbox_step *step, struct err *e);
int step_drop_bounding(struct launch *l, const struct sandbox_step *step, struct err *e);
int step_no_new_privs(struct launch *l, const struct sandbox_step *step, struct err *e);
int step_exec(struct launch *l, const struct sandbox_step *step, struct err *e);
/* Closes all descriptors above 2 but keep[] and pipes that the caller's caller passed on. */
int fds_close_but(const int *keep, size_t count);
/* 0, 1 and 2 become /dev/null: nobody waits for the end of a pipe because of this process. */
void stdio_drop(void);

/* ---- confine.c ---- */

int step_landlock(struct launch *l, const struct sandbox_step *step, struct err *e);
int step_seccomp(struct launch *l, const struct sandbox_step *step, struct err *e);
int landlock_abi(void);

/* ---- sockets.c ---- */

/* Known sockets that exist, resolved, each once. 0 or -errno with *e. */
int sockets_find(uid_t uid, char ***ret, struct err *e);
void sockets_free(char **sockets);

/* ---- cure.c ---- */

/* One exact line that cures a failed unshare or open of /dev/fuse on this machine. */
void probe_cure_namespace(int errnum, char *buf, size_t size);
void probe_cure_fuse(int errnum, char *buf, size_t size);
/* strerror(), but for what the errno of namespaces means. */
const char *probe_reason(int errnum);

#endif
