/* SPDX-License-Identifier: MIT */
/*
 * A name that a request makes, removes or moves: resolved first, so that the errors of the name
 * itself (ENOENT, EEXIST, ENAMETOOLONG) come before any verdict, as in the kernel.
 */
#include <errno.h>
#include <sys/fsuid.h>
#include <sys/syscall.h>
#include <linux/capability.h>

#include "fuse_i.h"

int target_get(struct session *s, fuse_ino_t parent, const char *name, struct target *ret)
{
	struct target t cleanup_target = {.name = name, .dir = FD_REF_INIT};
	struct node_view v;
	if (strlen(name) > NAME_MAX)
		return -ENAMETOOLONG;
	int r = table_view(s->table, parent, &v);
	if (r)
		return r;
	t.parent = v.slot;
	r = node_dir(s, v.slot, &t.dir);
	if (!r)
		r = node_lookup_name(s, &t.dir, name, &t.o);
	t.exists = !r;
	if (r == -ENOENT)
		r = 0;
	if (!r)
		r = verdict_name(s, v.slot, name, &t.o, &t.d);
	if (r)
		return r;
	*ret = t;
	t.dir = (struct fd_ref)FD_REF_INIT;
	return 0;
}

void target_put(struct target *t)
{
	fds_put(&t->dir);
}

static void to_scratch(struct target *t)
{
	t->d.kind = VERDICT_REDIRECT;
	t->d.side = STORE_SCRATCH;
}

static int prepare_real(fuse_req_t req, struct session *s, struct target *t)
{
	struct fd_ref dir = FD_REF_INIT;
	if (t->dir.fd < 0) {
		int r = node_dir_lower(req, s, t->parent, &dir);
		if (r == -EXDEV) {
			to_scratch(t);
			return 0;
		}
		if (r)
			return r;
		fds_put(&t->dir);
		t->dir = dir;
	}
	if (t->o.whiteout && !t->o.lower_exists && t->dir.upper >= 0) {
		struct store_dir d = ref_dir(&t->dir);
		int r = store_drop(s->store, &d, t->name, -1, NULL);
		if (r && r != -ENOENT)
			return r;
		t->o = (struct store_object){.lower.known = true};
	}
	return 0;
}

int target_prepare(fuse_req_t req, struct session *s, struct target *t)
{
	struct fd_ref dir = FD_REF_INIT;
	int r = 0;
	if (t->d.kind == VERDICT_REFUSE)
		return -EACCES;
	if (t->d.side == STORE_REAL)
		r = prepare_real(req, s, t);
	if (r || t->d.side == STORE_REAL || t->dir.upper >= 0)
		return r;
	r = node_dir_upper(s, t->parent, &dir);
	if (r)
		return r;
	fds_put(&t->dir);
	t->dir = dir;
	return 0;
}

int target_dir_stat(struct session *s, struct target *t)
{
	struct place_ref place cleanup_place = {.dir = FD_REF_INIT};
	int r = node_place(s, table_ino(s->table, t->parent), &place);
	if (r)
		return r < 0 ? r : -ENOENT;
	t->dir_st = place.o.st;
	t->dir_known = true;
	return 0;
}

struct store_cred target_cred(fuse_req_t req, const struct session *s)
{
	const struct fuse_ctx *ctx = fuse_req_ctx(req);
	return (struct store_cred){.uid = s->is_root ? ctx->uid : s->o.uid,
		.gid = s->is_root ? ctx->gid : s->o.gid,
		.umask = ctx->umask,
		.privileged = ctx->uid == 0};
}

/*
 * As root for another user the real file system is to see that user: owner, set-gid rule, quota and
 * the loss of suid bits follow from it. The kernel has checked the permissions with the caller's
 * own groups already, so the right to pass mode bits is kept. Thread-local by the raw calls.
 */
struct as_caller caller_begin(fuse_req_t req, const struct session *s)
{
	const struct fuse_ctx *ctx = fuse_req_ctx(req);
	if (!s->is_root || (ctx->uid == 0 && ctx->gid == 0))
		return (struct as_caller){false};
	(void)setfsgid(ctx->gid);
	(void)setfsuid(ctx->uid);
	struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct data[2];
	if (ctx->uid != 0 && !syscall(SYS_capget, &header, data)) {
		data[0].effective |=
			data[0].permitted & (1u << CAP_DAC_OVERRIDE | 1u << CAP_DAC_READ_SEARCH |
						    1u << CAP_FOWNER | 1u << CAP_CHOWN);
		(void)syscall(SYS_capset, &header, data);
	}
	return (struct as_caller){true};
}

void caller_end(struct as_caller *c)
{
	if (!c->switched)
		return;
	(void)setfsuid(0);
	(void)setfsgid(0);
	c->switched = false;
}
