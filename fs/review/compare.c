/* SPDX-License-Identifier: MIT */
/*
 * Comparing what the job shows under a name with what is really there. The cheap things come
 * first; content is read only where sizes are equal and nothing shorter decides. FIFOs, sockets
 * and devices are compared by what they are and never opened.
 *
 * Times count only where somebody set them: a file that was written again with the same bytes is
 * no change, one that was given a time from before the job is.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "review_i.h"

#define COMPARE_BLOCK_BYTES ((size_t)128 << 10)
#define COMPARE_BYTES_MAX ((off_t)1 << 30) /* above, equal sizes do not make equal files */
#define IDENT_CONTENT_MAX ((off_t)64 << 20)

static int64_t timespec_ns(struct timespec t)
{
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static int same_bytes(int a, int b, bool *ret)
{
	char *block cleanup_free = malloc(2 * COMPARE_BLOCK_BYTES);
	if (!block)
		return -ENOMEM;
	for (;;) {
		ssize_t n = sys_read_full(a, block, COMPARE_BLOCK_BYTES);
		ssize_t m = sys_read_full(b, block + COMPARE_BLOCK_BYTES, COMPARE_BLOCK_BYTES);
		if (n < 0 || m < 0)
			return (int)(n < 0 ? n : m);
		if (n != m || memcmp(block, block + COMPARE_BLOCK_BYTES, (size_t)n) != 0) {
			*ret = false;
			return 0;
		}
		if ((size_t)n < COMPARE_BLOCK_BYTES)
			break;
	}
	*ret = true;
	return 0;
}

static int same_data(const struct shown_object *shown, int real_dir, const char *real_name,
	const struct stat *real, bool *ret)
{
	const struct stat *st = &shown->object->st;
	*ret = shown->object->data_lower;
	if (*ret || st->st_size != real->st_size || st->st_size > COMPARE_BYTES_MAX)
		return 0;
	int a cleanup_fd = -1;
	int b cleanup_fd = sys_open_at(real_dir, real_name, O_RDONLY, 0);
	/* What cannot be read cannot be called the same. */
	if (b < 0)
		return b == -EACCES || b == -EPERM ? 0 : b;
	int r = store_open_object(
		shown->store, shown->dir, shown->name, shown->object, O_RDONLY, &a);
	return r ? r : same_bytes(a, b, ret);
}

int object_target(const struct shown_object *shown, char buf[static PATH_MAX])
{
	size_t len;
	int r = store_readlink(
		shown->store, shown->dir, shown->name, shown->object, buf, PATH_MAX - 1, &len);
	if (!r)
		buf[len] = '\0';
	return r;
}

static int same_target(
	const struct shown_object *shown, int real_dir, const char *real_name, bool *ret)
{
	char a[PATH_MAX], b[PATH_MAX];
	int r = object_target(shown, a);
	if (r)
		return r;
	ssize_t n = readlinkat(real_dir, real_name, b, sizeof b - 1);
	if (n < 0)
		return -errno;
	b[n] = '\0';
	*ret = strcmp(a, b) == 0;
	return 0;
}

static int same_xattrs(
	const struct shown_object *shown, int real_dir, const char *real_name, bool *ret)
{
	struct str a cleanup_str = STR_INIT;
	struct str b cleanup_str = STR_INIT;
	*ret = true;
	/* A symlink has none that a program could have set. */
	if (S_ISLNK(shown->object->st.st_mode))
		return 0;
	int r = xattrs_of_shown(shown, &a);
	if (!r)
		r = xattrs_of_real(real_dir, real_name, &b);
	if (!r)
		*ret = a.len == b.len && (!a.len || memcmp(a.p, b.p, a.len) == 0);
	return r;
}

static bool times_differ(const struct shown_object *shown, const struct stat *real)
{
	const struct store_object *o = shown->object;
	if (o->st.st_mtim.tv_sec == real->st_mtim.tv_sec &&
		o->st.st_mtim.tv_nsec == real->st_mtim.tv_nsec)
		return false;
	if (S_ISDIR(o->st.st_mode))
		return o->times_own;
	return o->data_lower || timespec_ns(o->st.st_mtim) < shown->since_ns;
}

static int compare_data(const struct shown_object *shown, int real_dir, const char *real_name,
	const struct stat *real, bool *ret)
{
	const struct stat *st = &shown->object->st;
	*ret = true;
	if (S_ISREG(st->st_mode))
		return same_data(shown, real_dir, real_name, real, ret);
	if (S_ISLNK(st->st_mode))
		return same_target(shown, real_dir, real_name, ret);
	if (S_ISCHR(st->st_mode) || S_ISBLK(st->st_mode))
		*ret = st->st_rdev == real->st_rdev;
	return 0;
}

int compare_object(const struct shown_object *shown, int real_dir, const char *real_name,
	bool *ret_type, unsigned *ret_aspects)
{
	const struct stat *st = &shown->object->st;
	struct stat real;
	struct statx stx;
	bool same;
	int r = sys_statx(real_dir, real_name, &stx);
	if (r)
		return r;
	sys_statx_to_stat(&stx, &real);
	*ret_aspects = 0;
	*ret_type = (st->st_mode & S_IFMT) != (real.st_mode & S_IFMT);
	if (*ret_type)
		return 0;
	/* Mode bits of a symlink mean nothing. */
	if ((st->st_mode & 07777) != (real.st_mode & 07777) && !S_ISLNK(st->st_mode))
		*ret_aspects |= ASPECT_MODE;
	if (st->st_uid != real.st_uid || st->st_gid != real.st_gid)
		*ret_aspects |= ASPECT_OWNER;
	if (times_differ(shown, &real))
		*ret_aspects |= ASPECT_TIMES;
	r = same_xattrs(shown, real_dir, real_name, &same);
	if (r)
		return r;
	if (!same)
		*ret_aspects |= ASPECT_XATTR;
	r = compare_data(shown, real_dir, real_name, &real, &same);
	if (!r && !same)
		*ret_aspects |= ASPECT_DATA;
	return r;
}

static int hash_content(const struct shown_object *shown, struct sha256 *hash)
{
	int fd cleanup_fd = -1;
	int r = store_open_object(
		shown->store, shown->dir, shown->name, shown->object, O_RDONLY, &fd);
	/* Its data is the real one's, and that is gone: a conflict, whatever its identity. */
	if (r)
		return r == -ENOENT || r == -ESTALE ? 0 : r;
	char *block cleanup_free = malloc(COMPARE_BLOCK_BYTES);
	if (!block)
		return -ENOMEM;
	for (;;) {
		ssize_t n = sys_read_full(fd, block, COMPARE_BLOCK_BYTES);
		if (n <= 0)
			return (int)n;
		sha256_add(hash, block, (size_t)n);
	}
}

void hash_hex(struct sha256 *hash, char ret[static CHANGE_ID_SIZE])
{
	static const char digits[] = "0123456789abcdef";
	unsigned char out[SHA256_SIZE];
	sha256_end(hash, out);
	for (size_t i = 0; i < (CHANGE_ID_SIZE - 1) / 2; i++) {
		ret[2 * i] = digits[out[i] >> 4];
		ret[2 * i + 1] = digits[out[i] & 15];
	}
	ret[CHANGE_ID_SIZE - 1] = '\0';
}

static void add_u64(struct sha256 *hash, uint64_t v)
{
	sha256_add(hash, &v, sizeof v);
}

/* What an identity is made of besides the attributes. */
enum {
	IDENT_DIRECTORY = 'd',
	IDENT_METADATA = 'm',
	IDENT_CTIME = 'c',
	IDENT_CONTENT = 'b',
	IDENT_OTHER = 'o'
};

/* Directories are their attributes alone: their times move with every name that is applied. So are
 * files whose data is still the real one's: their ctime is, too. A file of several names is its
 * bytes: its ctime moves when another of its names is applied. */
static char ident_form(const struct store_object *o)
{
	if (S_ISDIR(o->st.st_mode))
		return IDENT_DIRECTORY;
	if (o->data_lower)
		return IDENT_METADATA;
	if (o->st.st_nlink < 2)
		return IDENT_CTIME;
	return S_ISREG(o->st.st_mode) && o->st.st_size <= IDENT_CONTENT_MAX ? IDENT_CONTENT
									    : IDENT_OTHER;
}

static int add_version(const struct shown_object *shown, char form, struct sha256 *hash)
{
	const struct store_object *o = shown->object;
	struct str xattrs cleanup_str = STR_INIT;
	char target[PATH_MAX];
	int r = 0;
	if (form == IDENT_DIRECTORY || form == IDENT_METADATA) {
		r = xattrs_of_shown(shown, &xattrs);
		if (!r && xattrs.len)
			sha256_add(hash, xattrs.p, xattrs.len);
	}
	if (form == IDENT_DIRECTORY || r)
		return r;
	add_u64(hash, (uint64_t)o->st.st_size);
	add_u64(hash, (uint64_t)o->st.st_rdev);
	add_u64(hash, (uint64_t)timespec_ns(o->st.st_mtim));
	if (S_ISLNK(o->st.st_mode)) {
		r = object_target(shown, target);
		if (!r)
			sha256_add(hash, target, strlen(target));
	}
	if (form == IDENT_CTIME)
		add_u64(hash, (uint64_t)timespec_ns(o->st.st_ctim));
	else if (!r && form == IDENT_CONTENT && S_ISREG(o->st.st_mode))
		r = hash_content(shown, hash);
	return r;
}

int object_ident(const struct shown_object *shown, char form, char ret[static IDENT_SIZE])
{
	const struct store_object *o = shown->object;
	struct sha256 hash;
	int r = 0;
	sha256_init(&hash);
	ret[0] = o->whiteout || o->layer == STORE_NONE ? IDENT_OTHER : form ? form : ident_form(o);
	add_u64(&hash, (uint64_t)o->whiteout << 1 | (o->layer == STORE_NONE));
	if (!o->whiteout && o->layer != STORE_NONE) {
		add_u64(&hash, o->st.st_ino);
		add_u64(&hash, o->st.st_mode);
		add_u64(&hash, (uint64_t)o->st.st_uid << 32 | o->st.st_gid);
		add_u64(&hash, o->data_lower);
		r = add_version(shown, ret[0], &hash);
	}
	if (!r)
		hash_hex(&hash, ret + 1);
	return r;
}

bool ident_is(const struct shown_object *shown, const char *ident)
{
	char now[IDENT_SIZE];
	return !object_ident(shown, ident[0], now) && strcmp(now, ident) == 0;
}

void hash_print(struct sha256 *hash, const struct store_print *p)
{
	add_u64(hash, (uint64_t)p->known << 1 | p->exists);
	if (!p->exists)
		return;
	add_u64(hash, p->mode);
	add_u64(hash, (uint64_t)p->uid << 32 | p->gid);
	add_u64(hash, p->ino);
	if (S_ISDIR(p->mode))
		return;
	add_u64(hash, p->size);
	add_u64(hash, (uint64_t)p->mtime_ns);
	add_u64(hash, (uint64_t)p->ctime_ns);
}

int change_make_id(const struct shown_object *shown, struct memory *m, struct change *c)
{
	char ident[IDENT_SIZE] = "";
	struct sha256 hash;
	int r = shown ? object_ident(shown, 0, ident) : 0;
	if (r)
		return r;
	c->ident = shown ? memory_string(m, ident) : NULL;
	if (shown && !c->ident)
		return -ENOMEM;
	sha256_init(&hash);
	add_u64(&hash, c->kind);
	sha256_add(&hash, c->path, strlen(c->path) + 1);
	if (c->from)
		sha256_add(&hash, c->from, strlen(c->from) + 1);
	sha256_add(&hash, ident, sizeof ident);
	add_u64(&hash, c->files);
	if (c->content)
		sha256_add(&hash, c->content, strlen(c->content));
	hash_print(&hash, &c->base);
	/* Where nobody looked at the base, what was shown as real is what the person agreed to. */
	if (!c->base.known)
		hash_print(&hash, &c->real);
	hash_hex(&hash, c->id);
	return 0;
}
