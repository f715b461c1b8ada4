/* SPDX-License-Identifier: MIT */
/*
 * One change in lines: the real file as it is now against what the job shows, because that is what
 * apply would do. What is not text, or is too large to be read by a person, is told in words; what
 * a login is kept in is not shown at all.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <time.h>

#include <git2.h>

#include <writfs/path.h>

#include "review_i.h"

#define BINARY_LOOK_BYTES 8000 /* as git: a NUL in the beginning makes a file binary */

struct side {
	char *text;
	size_t len;
	off_t size;
	bool exists; /* a regular file is there */
	bool large;
};

struct diff {
	struct review *review;
	const struct change *change;
	const char *home;
	review_diff_fn fn;
	void *arg;
	struct side old, new;
	size_t lines;
};

static int say(struct diff *d, char kind, const struct str *s)
{
	return s->failed ? -ENOMEM : d->fn(kind, s->p ? s->p : "", s->len, d->arg);
}

static int words(struct diff *d, const char *text)
{
	return d->fn('w', text, strlen(text), d->arg);
}

static int read_side(int fd, struct side *side)
{
	struct statx stx;
	int r = sys_statx(fd, "", &stx);
	if (r)
		return r;
	side->exists = true;
	side->size = (off_t)stx.stx_size;
	side->large = side->size > (off_t)REVIEW_DIFF_FILE_MAX;
	if (side->large)
		return 0;
	side->text = malloc((size_t)side->size + 1);
	if (!side->text)
		return -ENOMEM;
	ssize_t n = sys_read_full(fd, side->text, (size_t)side->size);
	if (n < 0)
		return (int)n;
	side->len = (size_t)n;
	side->text[n] = '\0';
	return 0;
}

static int read_real(struct diff *d, const char *path, struct side *side)
{
	const struct review_root *root = &d->review->roots[d->change->root];
	char parent[PATH_MAX];
	const char *rel = path_relative(path, root->path), *name;
	struct statx stx;
	if (!rel || !*rel)
		return 0;
	rel_split(rel, parent, &name);
	int dir cleanup_fd = real_open_dir(root, parent);
	/* Never opened unless it is a file: a FIFO's other end would wake up. */
	if (dir < 0 || sys_statx(dir, name, &stx) || !S_ISREG(stx.stx_mode))
		return 0;
	int fd cleanup_fd = sys_open_at(dir, name, O_RDONLY, 0);
	if (fd < 0) {
		side->exists = true;
		side->large = true; /* cannot be read: told by its size */
		side->size = (off_t)stx.stx_size;
		return 0;
	}
	return read_side(fd, side);
}

static int read_shown(struct diff *d, struct side *side)
{
	const struct review_root *root = &d->review->roots[d->change->root];
	struct store_dir dir = {-1, -1};
	char parent[PATH_MAX];
	const char *name;
	struct store_object o;
	int fd cleanup_fd = -1;
	if (d->change->kind == CHANGE_DELETED || !S_ISREG(d->change->now.st_mode))
		return 0;
	rel_split(change_rel(d->review, d->change), parent, &name);
	int r = store_resolve(root->store, parent, false, &dir);
	if (!r)
		r = store_lookup(root->store, &dir, name, &o);
	if (!r && S_ISREG(o.st.st_mode))
		r = store_open_object(root->store, &dir, name, &o, O_RDONLY, &fd);
	store_dir_close(&dir);
	if (r || fd < 0)
		return r;
	return read_side(fd, side);
}

static bool is_binary(const struct side *side)
{
	size_t look = side->len < BINARY_LOOK_BYTES ? side->len : BINARY_LOOK_BYTES;
	return look && memchr(side->text, 0, look) != NULL;
}

static int say_sizes(struct diff *d, const char *what)
{
	struct str s cleanup_str = STR_INIT;
	char old[32], new[32];
	str_add(&s, what);
	(void)format_bytes(old, sizeof old, (unsigned long long)d->old.size);
	(void)format_bytes(new, sizeof new, (unsigned long long)d->new.size);
	if (d->old.exists && d->new.exists)
		str_addf(&s, ", %s -> %s", old, new);
	else
		str_addf(&s, ", %s", d->old.exists ? old : new);
	return say(d, 'w', &s);
}

static int emit_line(struct diff *d, const git_diff_line *line)
{
	static const char no_newline[] = "No newline at end of file";
	switch (line->origin) {
	case GIT_DIFF_LINE_CONTEXT:
	case GIT_DIFF_LINE_ADDITION:
	case GIT_DIFF_LINE_DELETION:
		return d->fn(line->origin, line->content, line->content_len, d->arg);
	case GIT_DIFF_LINE_CONTEXT_EOFNL:
	case GIT_DIFF_LINE_ADD_EOFNL:
	case GIT_DIFF_LINE_DEL_EOFNL:
		return d->fn('\\', no_newline, sizeof no_newline - 1, d->arg);
	default:
		return 0;
	}
}

static int emit_hunk(struct diff *d, git_patch *patch, size_t index)
{
	const git_diff_hunk *hunk;
	size_t lines;
	if (git_patch_get_hunk(&hunk, &lines, patch, index) < 0)
		return -ENOMEM;
	int r = d->fn('@', hunk->header, strcspn(hunk->header, "\n"), d->arg);
	for (size_t i = 0; !r && i < lines && d->lines < REVIEW_DIFF_LINES_MAX; i++) {
		const git_diff_line *line;
		if (git_patch_get_line_in_hunk(&line, patch, index, i) < 0)
			return -ENOMEM;
		r = emit_line(d, line);
		d->lines++;
	}
	return r;
}

static int make_patch(struct diff *d, git_patch **ret)
{
	git_diff_options options = GIT_DIFF_OPTIONS_INIT;
	options.flags = GIT_DIFF_FORCE_TEXT;
	if (!d->review->git_ready) {
		if (git_libgit2_init() < 0)
			return -ENOMEM;
		d->review->git_ready = true;
	}
	return git_patch_from_buffers(ret, d->old.text ? d->old.text : "", d->old.len, "old",
		       d->new.text ? d->new.text : "", d->new.len, "new", &options) < 0
		       ? -ENOMEM
		       : 0;
}

static int emit_text(struct diff *d)
{
	git_patch *patch = NULL;
	struct str s cleanup_str = STR_INIT;
	size_t context, added, removed;
	int r = make_patch(d, &patch);
	if (r)
		return r;
	size_t hunks = git_patch_num_hunks(patch);
	for (size_t i = 0; !r && i < hunks && d->lines < REVIEW_DIFF_LINES_MAX; i++)
		r = emit_hunk(d, patch, i);
	if (!r && !git_patch_line_stats(&context, &added, &removed, patch) &&
		context + added + removed > d->lines) {
		str_addf(&s, "%zu more lines are not shown", context + added + removed - d->lines);
		r = say(d, 'w', &s);
	}
	git_patch_free(patch);
	return r;
}

static bool content_hidden(const struct change *c)
{
	return c->class == CLASS_LOGIN;
}

static int load_sides(struct diff *d)
{
	const struct change *c = d->change;
	int r = read_real(d, c->from ? c->from : c->path, &d->old);
	return r ? r : read_shown(d, &d->new);
}

static int emit_content(struct diff *d)
{
	if (content_hidden(d->change))
		return words(d, "content not shown: a login");
	int r = load_sides(d);
	if (r || (!d->old.exists && !d->new.exists))
		return r;
	if (d->old.large || d->new.large)
		return say_sizes(d, "not compared line by line: too large or not readable");
	if (is_binary(&d->old) || is_binary(&d->new))
		return say_sizes(d, "binary");
	return emit_text(d);
}

static int emit_target(struct diff *d)
{
	const struct change *c = d->change;
	const struct review_root *root = &d->review->roots[c->root];
	char parent[PATH_MAX], target[PATH_MAX];
	const char *name;
	int r = 0;
	rel_split(change_rel(d->review, c), parent, &name);
	int dir cleanup_fd = real_open_dir(root, parent);
	if (dir >= 0 && S_ISLNK(c->real.mode)) {
		ssize_t n = readlinkat(dir, name, target, sizeof target);
		if (n >= 0 && c->target && strlen(c->target) == (size_t)n &&
			memcmp(c->target, target, (size_t)n) == 0)
			return 0;
		if (n >= 0)
			r = d->fn('-', target, (size_t)n, d->arg);
	}
	return r || !c->target ? r : d->fn('+', c->target, strlen(c->target), d->arg);
}

static int emit_xattr_names(struct diff *d)
{
	struct str s cleanup_str = STR_INIT;
	int r = diff_xattrs(d->review, d->change, &s);
	if (r || !s.len)
		return r == -ENOENT ? 0 : r;
	return say(d, 'w', &s);
}

static void add_time(struct str *s, int64_t ns)
{
	time_t t = (time_t)(ns / 1000000000);
	struct tm tm;
	char text[64];
	if (localtime_r(&t, &tm) && strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &tm))
		str_add(s, text);
}

static int emit_metadata(struct diff *d)
{
	const struct change *c = d->change;
	const struct store_print *was = c->real.exists ? &c->real : &c->base;
	struct str s cleanup_str = STR_INIT;
	int r = 0;
	if (c->aspects & ASPECT_MODE) {
		str_addf(&s, "mode %04o -> %04o", was->mode & 07777, c->now.st_mode & 07777);
		r = say(d, 'w', &s);
	}
	if (!r && (c->aspects & ASPECT_OWNER)) {
		str_clear(&s);
		str_addf(&s, "owner %u:%u -> %u:%u", was->uid, was->gid, c->now.st_uid,
			c->now.st_gid);
		r = say(d, 'w', &s);
	}
	if (!r && (c->aspects & ASPECT_XATTR))
		r = emit_xattr_names(d);
	if (!r && (c->aspects & ASPECT_TIMES)) {
		str_clear(&s);
		str_add(&s, "time ");
		add_time(&s, was->mtime_ns);
		str_add(&s, " -> ");
		add_time(&s, (int64_t)c->now.st_mtim.tv_sec * 1000000000);
		r = say(d, 'w', &s);
	}
	return r;
}

static int emit_header(struct diff *d)
{
	const struct change *c = d->change;
	char shown[2 * PATH_MAX];
	struct str s cleanup_str = STR_INIT;
	str_addf(&s, "%s %s", change_kind_name(c->kind),
		path_display(shown, sizeof shown, c->path, d->home));
	if (c->from)
		str_addf(&s, " (was %s)", path_display(shown, sizeof shown, c->from, d->home));
	int r = say(d, 'h', &s);
	if (!r && c->label) {
		str_clear(&s);
		str_addf(&s, "! %s", c->label);
		r = say(d, 'w', &s);
	}
	if (!r && c->conflict) {
		str_clear(&s);
		str_addf(&s, "conflict: %s; below, what is there now", c->why);
		r = say(d, 'w', &s);
	}
	return r;
}

static int emit_removed_dir(struct diff *d)
{
	struct str s cleanup_str = STR_INIT;
	char number[32];
	str_addf(&s, "directory, %s file%s", format_count(number, sizeof number, d->change->files),
		d->change->files == 1 ? "" : "s");
	return say(d, 'w', &s);
}

static int emit_special(struct diff *d)
{
	struct str s cleanup_str = STR_INIT;
	mode_t mode =
		d->change->kind == CHANGE_DELETED ? d->change->base.mode : d->change->now.st_mode;
	str_add(&s, mode_type_name(mode));
	if ((S_ISCHR(mode) || S_ISBLK(mode)) && d->change->kind != CHANGE_DELETED)
		str_addf(
			&s, " %u:%u", major(d->change->now.st_rdev), minor(d->change->now.st_rdev));
	return say(d, 'w', &s);
}

static int emit_kind(struct diff *d)
{
	const struct change *c = d->change;
	mode_t old = c->real.exists ? c->real.mode : c->base.mode;
	mode_t mode = c->kind == CHANGE_DELETED ? old : c->now.st_mode;
	struct str s cleanup_str = STR_INIT;
	if (c->kind == CHANGE_TYPE) {
		str_addf(&s, "%s -> %s", mode_type_name(c->real.mode), mode_type_name(mode));
		int r = say(d, 'w', &s);
		if (r)
			return r;
	}
	if (S_ISDIR(old) && (c->kind == CHANGE_DELETED || c->kind == CHANGE_TYPE)) {
		int r = emit_removed_dir(d);
		if (r || c->kind == CHANGE_DELETED)
			return r;
	}
	if (S_ISDIR(mode))
		return 0;
	if (S_ISREG(mode))
		return c->metadata_only ? 0 : emit_content(d);
	if (S_ISLNK(mode))
		return emit_target(d);
	return emit_special(d);
}

static int diff_run(struct diff *d)
{
	int r = emit_header(d);
	if (!r && d->change->kind != CHANGE_ADDED && d->change->kind != CHANGE_DELETED)
		r = emit_metadata(d);
	if (!r)
		r = emit_kind(d);
	free(d->old.text);
	free(d->new.text);
	return r;
}

int diff_lines(struct review *r, const struct change *c, const char *home, review_diff_fn fn,
	void *arg, struct err *e)
{
	struct diff d = {.review = r, .change = c, .home = home, .fn = fn, .arg = arg};
	if (c->verdict != JOURNAL_REDIRECTED)
		return err_set(e, EINVAL, "%s: a real change has no base to compare with", c->path);
	if (r->remote_look)
		return remote_diff(r, c, fn, arg, e);
	int status = diff_run(&d);
	return status < 0 ? err_errno(e, -status, "%s: cannot be compared", c->path) : status;
}

int review_diff(struct review *r, struct change *c, review_diff_fn fn, void *arg, struct err *e)
{
	return diff_lines(r, c, r->home, fn, arg, e);
}

static int count_line(char kind, const char *text, size_t len, void *arg)
{
	struct change *c = arg;
	(void)text;
	(void)len;
	if (kind == '@' && c->lines_added < 0)
		c->lines_added = c->lines_removed = 0;
	c->lines_added += kind == '+' && c->lines_added >= 0;
	c->lines_removed += kind == '-' && c->lines_added >= 0;
	return 0;
}

static int count_here(struct review *r, struct change *c)
{
	struct diff d = {.review = r, .change = c};
	git_patch *patch = NULL;
	size_t context, added, removed;
	int status = load_sides(&d);
	if (!status && (d.old.exists || d.new.exists) && !d.old.large && !d.new.large &&
		!is_binary(&d.old) && !is_binary(&d.new))
		status = make_patch(&d, &patch);
	if (patch && !git_patch_line_stats(&context, &added, &removed, patch)) {
		c->lines_added = (int64_t)added;
		c->lines_removed = (int64_t)removed;
	}
	git_patch_free(patch);
	free(d.old.text);
	free(d.new.text);
	return status;
}

int review_count_lines(struct review *r, struct change *c)
{
	bool content = c->kind == CHANGE_ADDED || c->kind == CHANGE_MODIFIED ||
		       c->kind == CHANGE_DELETED ||
		       (c->kind == CHANGE_RENAMED && (c->aspects & ASPECT_DATA));
	c->lines_added = c->lines_removed = -1;
	if (!content || c->verdict != JOURNAL_REDIRECTED || content_hidden(c))
		return 0;
	if (c->kind == CHANGE_DELETED ? !S_ISREG(c->real.mode) : !S_ISREG(c->now.st_mode))
		return 0;
	if (r->remote_look)
		return remote_diff(r, c, count_line, c, NULL);
	return count_here(r, c);
}
