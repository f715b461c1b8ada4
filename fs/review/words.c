/* SPDX-License-Identifier: MIT */
/* One phrase for what a change does, for screens. */
#include <stdio.h>
#include <string.h>

#include "review_i.h"

const char *mode_type_name(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFREG:
		return "file";
	case S_IFDIR:
		return "directory";
	case S_IFLNK:
		return "symlink";
	case S_IFIFO:
		return "FIFO";
	case S_IFSOCK:
		return "socket";
	case S_IFCHR:
	case S_IFBLK:
		return "device";
	default:
		return "nothing";
	}
}

/* "+3 -1 lines"; false where nobody counted. */
static bool add_lines(struct str *s, const struct change *c)
{
	if (c->lines_added < 0 || c->lines_removed < 0)
		return false;
	int64_t last = c->lines_removed ? c->lines_removed : c->lines_added;
	if (c->lines_added)
		str_addf(s, "+%lld", (long long)c->lines_added);
	if (c->lines_removed)
		str_addf(s, "%s-%lld", c->lines_added ? " " : "", (long long)c->lines_removed);
	if (!c->lines_added && !c->lines_removed)
		str_add_char(s, '0');
	str_add(s, last == 1 && !(c->lines_added && c->lines_removed) ? " line" : " lines");
	return true;
}

static void add_content(struct str *s, const struct change *c)
{
	char bytes[32];
	if (c->target) {
		str_add(s, "-> ");
		str_add_escaped(s, c->target, strlen(c->target));
	} else if (!S_ISREG(c->now.st_mode)) {
		str_add(s, mode_type_name(c->now.st_mode));
	} else if (!add_lines(s, c)) {
		str_add(s, format_bytes(bytes, sizeof bytes, c->bytes));
	}
}

static void add_deleted(struct str *s, const struct change *c)
{
	char number[32];
	bool directory = S_ISDIR(c->base.mode) || S_ISDIR(c->real.mode);
	if (!directory) {
		if (!add_lines(s, c))
			str_addf(s, "-%s", format_bytes(number, sizeof number, c->bytes));
	} else if (!c->files) {
		str_add(s, "empty directory");
	} else {
		str_addf(s, "%s file%s", format_count(number, sizeof number, c->files),
			c->files == 1 ? "" : "s");
	}
}

static void add_gap(struct str *s)
{
	if (s->len)
		str_add(s, ", ");
}

static void add_metadata(struct str *s, const struct change *c)
{
	const struct store_print *was = c->real.exists ? &c->real : &c->base;
	if (c->aspects & ASPECT_MODE) {
		add_gap(s);
		str_addf(s, "mode %04o -> %04o", was->mode & 07777, c->now.st_mode & 07777);
	}
	if (c->aspects & ASPECT_OWNER) {
		add_gap(s);
		str_addf(s, "owner %u:%u -> %u:%u", was->uid, was->gid, c->now.st_uid,
			c->now.st_gid);
	}
	if (c->aspects & ASPECT_XATTR) {
		add_gap(s);
		str_add(s, "attributes");
	}
	if (c->aspects & ASPECT_TIMES) {
		add_gap(s);
		str_add(s, "time");
	}
}

/* A change for real: the record says what was done, not what it was before. */
static void add_real_metadata(struct str *s, const struct change *c)
{
	switch (c->kind) {
	case CHANGE_MODE:
		str_addf(s, "mode %04o", c->now.st_mode & 07777);
		break;
	case CHANGE_OWNER:
		str_addf(s, "owner %u:%u", c->now.st_uid, c->now.st_gid);
		break;
	case CHANGE_XATTR:
		str_add(s, "attributes");
		break;
	case CHANGE_TIMES:
		str_add(s, "time");
		break;
	case CHANGE_ADDED:
	case CHANGE_MODIFIED:
	case CHANGE_DELETED:
	case CHANGE_RENAMED:
	case CHANGE_TYPE:
	case CHANGE_KIND_MAX:
		break;
	}
}

static void add_words(struct str *s, const struct change *c)
{
	switch (c->kind) {
	case CHANGE_ADDED:
	case CHANGE_MODIFIED:
		add_content(s, c);
		break;
	case CHANGE_DELETED:
		if (c->verdict == JOURNAL_REDIRECTED)
			add_deleted(s, c);
		else
			str_add(s, "deleted");
		break;
	case CHANGE_RENAMED:
		if (c->aspects & ASPECT_DATA)
			add_content(s, c);
		else
			str_add(s, "renamed");
		break;
	case CHANGE_TYPE:
		str_addf(s, "%s -> %s", mode_type_name(c->real.mode),
			mode_type_name(c->now.st_mode));
		break;
	case CHANGE_MODE:
	case CHANGE_OWNER:
	case CHANGE_XATTR:
	case CHANGE_TIMES:
	case CHANGE_KIND_MAX:
		break;
	}
	if (c->verdict != JOURNAL_REDIRECTED)
		add_real_metadata(s, c);
	else if (c->kind != CHANGE_ADDED && c->kind != CHANGE_DELETED)
		add_metadata(s, c);
}

char *change_words(char *buf, size_t size, const struct change *c)
{
	struct str s cleanup_str = STR_INIT;
	add_words(&s, c);
	(void)snprintf(buf, size, "%s", s.p && !s.failed ? s.p : "");
	return buf;
}
