/* SPDX-License-Identifier: MIT */
/*
 * One record as JSON, written straight into a buffer: this runs on request threads. Names are
 * bytes: one that is UTF-8 is written as it is, another one with \xNN for each wrong byte and,
 * for paths, its exact bytes as base64 in KEY_b64.
 */
#include "journal_i.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

/* With "cut": bytes kept of strings that are not paths, and of paths. */
#define CUT_OTHER_MAX 64
#define CUT_PATH_MAX (PATH_MAX - 1)

struct out {
	char *p;
	size_t len, cap;
	bool full;
	bool cut;
};

static const char *const op_names[] = {
	[JOURNAL_CREATE] = "create",
	[JOURNAL_MKDIR] = "mkdir",
	[JOURNAL_SYMLINK] = "symlink",
	[JOURNAL_MKNOD] = "mknod",
	[JOURNAL_WRITE] = "write",
	[JOURNAL_TRUNCATE] = "truncate",
	[JOURNAL_CHMOD] = "chmod",
	[JOURNAL_CHOWN] = "chown",
	[JOURNAL_UTIMES] = "utimes",
	[JOURNAL_XATTR] = "xattr",
	[JOURNAL_UNLINK] = "unlink",
	[JOURNAL_RMDIR] = "rmdir",
	[JOURNAL_RENAME] = "rename",
	[JOURNAL_LINK] = "link",
	[JOURNAL_PROMOTE] = "promote",
	[JOURNAL_APPLY] = "apply",
	[JOURNAL_DISCARD] = "discard",
	[JOURNAL_NOTE] = "note",
};

static const char *const verdict_names[] = {
	[JOURNAL_GRANTED] = "granted",
	[JOURNAL_REDIRECTED] = "redirected",
	[JOURNAL_REFUSED] = "refused",
};

const char *journal_op_name(enum journal_op op)
{
	return (size_t)op < sizeof op_names / sizeof *op_names ? op_names[op] : "note";
}

const char *journal_verdict_name(enum journal_verdict v)
{
	return (size_t)v < sizeof verdict_names / sizeof *verdict_names ? verdict_names[v]
									: "refused";
}

static void out_mem(struct out *o, const char *p, size_t len)
{
	if (len > o->cap - o->len) {
		o->full = true;
		return;
	}
	memcpy(o->p + o->len, p, len);
	o->len += len;
}

#define out_literal(o, text) out_mem(o, text, sizeof(text) - 1)

static void out_number(struct out *o, long long value)
{
	char digits[24];
	int n = snprintf(digits, sizeof digits, "%lld", value);
	out_mem(o, digits, (size_t)n);
}

static void out_hex(struct out *o, const char *prefix, size_t len, unsigned char c)
{
	static const char hex[] = "0123456789abcdef";
	char two[2] = {hex[c >> 4], hex[c & 15]};
	out_mem(o, prefix, len);
	out_mem(o, two, sizeof two);
}

/* Length of the valid character at p, 0 if there is none. */
static size_t utf8_char(const char *p, size_t len)
{
	unsigned char c = (unsigned char)*p;
	size_t n = c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
	return n <= len && utf8_valid(p, n) ? n : 0;
}

/* A character that JSON does not take as it is, or a byte that is no character; returns bytes. */
static size_t out_special(struct out *o, const char *p, size_t len)
{
	unsigned char c = (unsigned char)*p;
	if (c == '"' || c == '\\') {
		out_literal(o, "\\");
		out_mem(o, p, 1);
		return 1;
	}
	if (c == '\n') {
		out_literal(o, "\\n");
		return 1;
	}
	if (c < 0x20 || c == 0x7f) {
		out_hex(o, "\\u00", 4, c);
		return 1;
	}
	size_t n = utf8_char(p, len);
	if (n) {
		out_mem(o, p, n);
		return n;
	}
	out_hex(o, "\\\\x", 3, c);
	return 1;
}

static void out_text(struct out *o, const char *text, size_t len)
{
	size_t plain = 0;
	size_t i = 0;
	while (i < len) {
		unsigned char c = (unsigned char)text[i];
		if (c >= 0x20 && c < 0x7f && c != '"' && c != '\\') {
			i++;
			continue;
		}
		out_mem(o, text + plain, i - plain);
		i += out_special(o, text + i, len - i);
		plain = i;
	}
	out_mem(o, text + plain, len - plain);
}

/* How much of text is written: all, or with cut at most most bytes, whole characters. */
static size_t out_length(const struct out *o, const char *text, size_t most)
{
	size_t len = strlen(text);
	if (!o->cut || len <= most)
		return len;
	len = most;
	while (len > most - 4 && ((unsigned char)text[len] & 0xc0) == 0x80)
		len--;
	return len;
}

static void out_key(struct out *o, const char *key, size_t len)
{
	out_literal(o, ",\"");
	out_mem(o, key, len);
	out_literal(o, "\":");
}

/* ,"key":"text"; nothing if text is NULL. */
static void out_string(struct out *o, const char *key, const char *text)
{
	if (!text)
		return;
	out_key(o, key, strlen(key));
	out_literal(o, "\"");
	out_text(o, text, out_length(o, text, CUT_OTHER_MAX));
	out_literal(o, "\"");
}

static void out_base64(struct out *o, const char *key, const char *path, size_t len)
{
	struct str exact cleanup_str = STR_INIT;
	str_add_base64(&exact, path, len);
	if (exact.failed) {
		o->full = true;
		return;
	}
	out_literal(o, ",\"");
	out_mem(o, key, strlen(key));
	out_literal(o, "_b64\":\"");
	out_mem(o, exact.p, exact.len);
	out_literal(o, "\"");
}

/* As out_string, with the exact bytes beside what is not UTF-8. */
static void out_path(struct out *o, const char *key, const char *path, size_t most)
{
	if (!path)
		return;
	size_t len = out_length(o, path, most);
	out_key(o, key, strlen(key));
	out_literal(o, "\"");
	out_text(o, path, len);
	out_literal(o, "\"");
	if (!utf8_valid(path, len))
		out_base64(o, key, path, len);
}

static void out_actor(struct out *o, const struct journal_actor *actor)
{
	out_literal(o, ",\"pid\":");
	out_number(o, actor->pid);
	out_literal(o, ",\"ppid\":");
	out_number(o, actor->ppid);
	size_t most = CUT_OTHER_MAX;
	out_path(o, "exe", actor->exe, most);
	out_string(o, "argv", actor->argv);
	out_path(o, "cwd", actor->cwd, most);
	out_string(o, "program", actor->program);
	out_string(o, "parent", actor->parent);
}

ssize_t journal_encode(const struct journal_record *record, bool cut, char *buf, size_t cap)
{
	struct out o = {.p = buf, .cap = cap, .cut = cut};
	const char *op = journal_op_name(record->op);
	const char *verdict = journal_verdict_name(record->verdict);
	out_literal(&o, "\"op\":\"");
	out_mem(&o, op, strlen(op));
	out_literal(&o, "\",\"verdict\":\"");
	out_mem(&o, verdict, strlen(verdict));
	out_literal(&o, "\"");
	out_path(&o, "path", record->path, CUT_PATH_MAX);
	out_path(&o, "path2", record->path2, CUT_PATH_MAX);
	if (record->rule) {
		out_string(&o, "rule", record->rule);
		out_string(&o, "file", record->rule_file);
		out_literal(&o, ",\"line\":");
		out_number(&o, record->rule_line);
	}
	if (record->actor)
		out_actor(&o, record->actor);
	if (record->bytes >= 0) {
		out_literal(&o, ",\"bytes\":");
		out_number(&o, record->bytes);
	}
	out_literal(&o, ",\"result\":");
	out_number(&o, record->result);
	out_string(&o, "note", record->note);
	if (cut)
		out_literal(&o, ",\"cut\":true");
	out_literal(&o, "}");
	return o.full ? -ENOBUFS : (ssize_t)o.len;
}

size_t journal_format_line(
	char *buf, uint64_t seq, int64_t time_ns, const char *body, size_t body_len)
{
	char time[FORMAT_TIME_SIZE];
	int n = snprintf(buf, JOURNAL_HEAD_MAX, "{\"seq\":%llu,\"time\":\"%s\",",
		(unsigned long long)seq, format_time(time, time_ns));
	memcpy(buf + n, body, body_len);
	buf[(size_t)n + body_len] = '\n';
	return (size_t)n + body_len + 1;
}
