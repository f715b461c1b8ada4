/* SPDX-License-Identifier: MIT */
/* Drawing and printing of operations, and their model side. */
#include "op.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <writfs/str.h>

static void path_add(char *path, const char *name)
{
	size_t len = strlen(path);
	if (len + strlen(name) + 2 > MODEL_PATH_MAX)
		return;
	(void)snprintf(path + len, MODEL_PATH_MAX - len, "%s%s", len ? "/" : "", name);
}

/* A path that exists (never the root nor the grant itself), if the tree has one. */
static const struct model_node *draw_existing(struct random *r, const struct model *m, char *path)
{
	const struct model_node *n = m->root;
	path[0] = '\0';
	while (S_ISDIR(n->mode) && n->count) {
		if (*path && random_below(r, 10) < 3)
			break;
		const struct model_entry *e = &n->entries[random_below(r, (unsigned)n->count)];
		path_add(path, e->name);
		n = e->node;
	}
	return n;
}

static void parent_cut(char *path)
{
	char *slash = strrchr(path, '/');
	*(slash ? slash : path) = '\0';
}

/* A name that mostly does not exist, in a directory that mostly does. */
static void draw_new(struct random *r, const struct model *m, char *path)
{
	const struct model_node *n = draw_existing(r, m, path);
	if (!S_ISDIR(n->mode) && random_below(r, 20))
		parent_cut(path);
	if (strlen(path) > MODEL_PATH_MAX / 2)
		path[0] = '\0';
	path_add(path, random_names[random_below(r, RANDOM_NAMES)]);
}

enum store_side op_side(const struct op_limits *limits, const char *path)
{
	size_t n = limits->grant ? strlen(limits->grant) : 0;
	return n && strncmp(path, limits->grant, n) == 0 && path[n] == '/' ? STORE_REAL
									   : STORE_SCRATCH;
}

static void draw_make(struct random *r, const struct op_limits *limits, struct op *op)
{
	static const mode_t modes[] = {0644, 0666, 0600, 0755, 0777, 0400, 0, 04755};
	static const mode_t masks[] = {022, 077, 0, 0133};
	op->mode = modes[random_below(r, 8)];
	op->umask = masks[random_below(r, 4)];
	switch (random_below(r, 10)) {
	case 0:
	case 1:
	case 2:
		op->mode = S_IFDIR | (op->mode & 01777) | 0700;
		break;
	case 3:
		op->mode = S_IFLNK | 0777;
		(void)snprintf(
			op->path2, sizeof op->path2, "%s", random_below(r, 2) ? "../x/y" : "a");
		break;
	case 4:
		op->mode |= random_below(r, 2) ? S_IFIFO : S_IFSOCK;
		break;
	case 5:
		/* The number that overlayfs reads as a whiteout. In scratch only: a real one
		 * needs CAP_MKNOD, which the kernel checks before it asks us. */
		op->mode |= op_side(limits, op->path) == STORE_REAL ? S_IFIFO : S_IFCHR;
		break;
	default:
		op->mode |= S_IFREG;
		break;
	}
	/* A real directory or file that its owner cannot use is the kernel's business. */
	if (op_side(limits, op->path) == STORE_REAL) {
		op->umask &= 0077;
		op->mode |= S_ISDIR(op->mode) ? 0700 : 0600;
	}
}

static void draw_attr(struct random *r, const struct op_limits *limits, struct op *op)
{
	static const mode_t modes[] = {0644, 0755, 0, 0444, 04755, 02775, 01777, 0600};
	static const char *const attrs[] = {"user.a", "user.b", "user.c", "user.writ"};
	op->mode = modes[random_below(r, 8)];
	if (op_side(limits, op->path) == STORE_REAL)
		op->mode |= 0700;
	op->uid = geteuid();
	op->gid = getegid();
	if (geteuid() == 0) {
		op->uid = random_below(r, 3);
		op->gid = random_below(r, 3);
	}
	op->mtime_ns =
		(int64_t)random_below(r, 1700000000) * 1000000000 + random_below(r, 1000000000);
	strcpy(op->attr, attrs[random_below(r, 4)]);
	op->flags = random_below(r, 4) == 0 ? random_below(r, 3) : 0; /* CREATE 1, REPLACE 2 */
}

/* The kinds by weight. */
static enum op_kind draw_kind(struct random *r, const struct op_limits *limits)
{
	static const unsigned char weights[OP_KINDS] = {[OP_MAKE] = 20,
		[OP_WRITE] = 12,
		[OP_TRUNCATE] = 5,
		[OP_CHMOD] = 5,
		[OP_CHOWN] = 3,
		[OP_UTIMES] = 3,
		[OP_SETXATTR] = 4,
		[OP_REMOVEXATTR] = 2,
		[OP_UNLINK] = 12,
		[OP_RMDIR] = 8,
		[OP_RENAME] = 20,
		[OP_LINK] = 5,
		[OP_COPY_UP] = 2,
		[OP_REOPEN] = 1};
	unsigned total = 0;
	for (unsigned i = 0; i < OP_KINDS; i++)
		total += weights[i];
	unsigned n = random_below(r, total);
	unsigned kind = 0;
	while (n >= weights[kind])
		n -= weights[kind++];
	return kind == OP_REOPEN && !limits->reopen ? OP_MAKE : (enum op_kind)kind;
}

static void draw_rename(struct random *r, const struct model *m, struct op *op)
{
	static const unsigned flags[] = {0, 0, 0, 0, RENAME_NOREPLACE, RENAME_EXCHANGE};
	op->flags = flags[random_below(r, 6)];
	if (random_below(r, 2))
		(void)draw_existing(r, m, op->path2);
	else
		draw_new(r, m, op->path2);
}

static bool crosses(const struct op_limits *limits, const struct op *op)
{
	if (!limits->grant)
		return false;
	if (strcmp(op->path, limits->grant) == 0 || strcmp(op->path2, limits->grant) == 0)
		return true;
	/* Between the sides the caller promotes or answers EXDEV: not the store's operation. */
	return (op->kind == OP_RENAME || op->kind == OP_LINK) &&
	       op_side(limits, op->path) != op_side(limits, op->path2);
}

static void draw_once(
	struct random *r, const struct model *m, const struct op_limits *limits, struct op *op)
{
	*op = (struct op){.kind = draw_kind(r, limits)};
	op->privileged = geteuid() == 0 && random_below(r, 2);
	op->fill = (unsigned char)(random_below(r, 255) + 1);
	op->len = random_below(r, (unsigned)limits->write_max) + 1;
	op->offset = random_below(r, 3) ? random_below(r, 200) : random_below(r, 40000);
	op->data = random_below(r, 2);
	if (op->kind == OP_MAKE) {
		if (random_below(r, 10))
			draw_new(r, m, op->path);
		else
			(void)draw_existing(r, m, op->path);
		draw_make(r, limits, op);
		return;
	}
	if (op->kind == OP_REOPEN)
		return;
	if (random_below(r, 20))
		(void)draw_existing(r, m, op->path);
	else
		draw_new(r, m, op->path);
	draw_attr(r, limits, op);
	if (op->kind == OP_RENAME) {
		draw_rename(r, m, op);
	} else if (op->kind == OP_LINK) {
		op->flags = 0;
		draw_new(r, m, op->path2);
	}
}

/* The kernel answers these without asking the file system. */
static bool kernel_answers(const struct model *m, const struct op *op)
{
	int e = 0;
	const struct model_node *n = model_find(m, op->path, &e);
	if (op->kind == OP_CHMOD)
		return n && S_ISLNK(n->mode);
	if (op->kind == OP_SETXATTR || op->kind == OP_REMOVEXATTR)
		return n && !S_ISREG(n->mode) && !S_ISDIR(n->mode);
	return false;
}

void op_draw(
	struct random *r, const struct model *m, const struct op_limits *limits, struct op *ret)
{
	do
		draw_once(r, m, limits, ret);
	while (crosses(limits, ret) || kernel_answers(m, ret) ||
		(ret->kind != OP_REOPEN && !*ret->path));
}

bool op_may_be_exdev(const struct model *m, const struct op_limits *limits, const struct op *op)
{
	int e = 0;
	if (op->kind != OP_RENAME || op_side(limits, op->path) == STORE_REAL)
		return false;
	const struct model_node *a = model_find(m, op->path, &e);
	const struct model_node *b = model_find(m, op->path2, &e);
	return (a && a->real_dir) || ((op->flags & RENAME_EXCHANGE) && b && b->real_dir);
}

static const char *const kind_names[OP_KINDS] = {"make", "write", "truncate", "chmod", "chown",
	"utimes", "setxattr", "removexattr", "unlink", "rmdir", "rename", "link", "copy-up",
	"reopen"};

void op_print(FILE *out, size_t number, const struct op *op)
{
	char a[4 * MODEL_PATH_MAX];
	char b[4 * MODEL_PATH_MAX];
	(void)fprintf(out, "%5zu %-11s %s", number, kind_names[op->kind],
		escape_buf(a, sizeof a, op->path));
	if (*op->path2)
		(void)fprintf(out, " -> %s", escape_buf(b, sizeof b, op->path2));
	switch (op->kind) {
	case OP_MAKE:
		(void)fprintf(out, " mode %o umask %o", op->mode, op->umask);
		break;
	case OP_WRITE:
		(void)fprintf(out, " at %lld %zu bytes of %02x", (long long)op->offset, op->len,
			op->fill);
		break;
	case OP_TRUNCATE:
		(void)fprintf(out, " to %lld", (long long)op->offset);
		break;
	case OP_CHMOD:
		(void)fprintf(out, " %o", op->mode);
		break;
	case OP_CHOWN:
		(void)fprintf(out, " %u:%u", op->uid, op->gid);
		break;
	case OP_SETXATTR:
	case OP_REMOVEXATTR:
		(void)fprintf(out, " %s flags %u", op->attr, op->flags);
		break;
	case OP_RENAME:
		(void)fprintf(out, " flags %u", op->flags);
		break;
	case OP_COPY_UP:
		(void)fprintf(out, op->data ? " with data" : " attributes");
		break;
	case OP_UTIMES:
	case OP_UNLINK:
	case OP_RMDIR:
	case OP_LINK:
	case OP_REOPEN:
	case OP_KINDS:
		break;
	}
	(void)fprintf(out, "%s\n", op->privileged ? " (privileged)" : "");
}

int op_on_model(struct model *m, const struct op *op)
{
	unsigned char data[8192];
	struct model_cred cred = {geteuid(), getegid(), op->umask, op->privileged};
	size_t size = op->len % (MODEL_XATTR_MAX + 1);
	int e = 0;
	memset(data, op->fill, sizeof data);
	switch (op->kind) {
	case OP_MAKE:
		return model_make(m, op->path, op->mode, op->rdev, op->path2, &cred);
	case OP_WRITE:
		return model_write(m, op->path, op->offset, data, op->len, op->privileged);
	case OP_TRUNCATE:
		return model_truncate(m, op->path, op->offset, op->privileged);
	case OP_CHMOD:
		return model_chmod(m, op->path, op->mode);
	case OP_CHOWN:
		return model_chown(m, op->path, op->uid, op->gid);
	case OP_UTIMES:
		return model_utimes(m, op->path, op->mtime_ns);
	case OP_SETXATTR:
		return model_setxattr(m, op->path, op->attr, data, size, (int)op->flags);
	case OP_REMOVEXATTR:
		return model_removexattr(m, op->path, op->attr);
	case OP_UNLINK:
		return model_unlink(m, op->path);
	case OP_RMDIR:
		return model_rmdir(m, op->path);
	case OP_RENAME:
		return model_rename(m, op->path, op->path2, op->flags);
	case OP_LINK:
		return model_link(m, op->path, op->path2);
	case OP_COPY_UP:
		return model_find(m, op->path, &e) ? 0 : -e;
	case OP_REOPEN:
	case OP_KINDS:
		break;
	}
	return 0;
}
