/* SPDX-License-Identifier: MIT */
/*
 * Reading a journal: a file that another process may be writing, that a power cut may have torn,
 * and that anything with the user's rights may have edited. Every line is checked by itself; a
 * wrong one costs only itself.
 */
#include "journal_i.h"

#include <fcntl.h>
#include <string.h>
#include <sys/file.h>

#include <writfs/cleanup.h>
#include <writfs/json.h>
#include <writfs/sys.h>

/* Bytes read at a time; more than one line's length. */
#define READ_BLOCK_BYTES (4u * JOURNAL_LINE_MAX)
/* Numbers up to here are exact in cJSON's doubles. */
#define JSON_EXACT_MAX 9007199254740992.0

static const char *line_string(const cJSON *json, const char *key)
{
	return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, key));
}

static double line_number(const cJSON *json, const char *key, double missing)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(json, key);
	if (!cJSON_IsNumber(item) || !(item->valuedouble > -JSON_EXACT_MAX) ||
		!(item->valuedouble < JSON_EXACT_MAX))
		return missing;
	return item->valuedouble;
}

/* A path's exact bytes: KEY_b64, if it is there, takes the place of KEY in the tree. */
static const char *line_path(cJSON *json, const char *key)
{
	char exact_key[16];
	(void)snprintf(exact_key, sizeof exact_key, "%s_b64", key);
	if (!cJSON_HasObjectItem(json, exact_key))
		return line_string(json, key);
	char *exact cleanup_free = json_get_path(json, key);
	cJSON *item = exact ? cJSON_CreateString(exact) : NULL;
	if (!item || !cJSON_ReplaceItemInObjectCaseSensitive(json, key, item)) {
		cJSON_Delete(item);
		return NULL;
	}
	return item->valuestring;
}

static bool line_time(const char *text, struct timespec *ret)
{
	int64_t ns;
	if (!text || !parse_time(text, &ns))
		return false;
	*ret = (struct timespec){(time_t)(ns / 1000000000), (long)(ns % 1000000000)};
	return true;
}

static bool line_names(const cJSON *json, struct journal_line *line)
{
	const char *op = line_string(json, "op");
	const char *verdict = line_string(json, "verdict");
	if (!op || !verdict)
		return false;
	int i = JOURNAL_CREATE;
	while (i <= JOURNAL_NOTE && strcmp(journal_op_name((enum journal_op)i), op) != 0)
		i++;
	int v = JOURNAL_GRANTED;
	while (v <= JOURNAL_REFUSED &&
		strcmp(journal_verdict_name((enum journal_verdict)v), verdict) != 0)
		v++;
	line->op = (enum journal_op)i;
	line->verdict = (enum journal_verdict)v;
	return i <= JOURNAL_NOTE && v <= JOURNAL_REFUSED;
}

int journal_line_parse(const char *text, size_t len, struct journal_line *line, cJSON **ret_json)
{
	cJSON *json = NULL;
	const char *end = NULL;
	/* cJSON would stop at a NUL and take the part before. */
	if (len && !memchr(text, '\0', len))
		json = cJSON_ParseWithLengthOpts(text, len, &end, false);
	if (!cJSON_IsObject(json) || end != text + len) {
		cJSON_Delete(json);
		return -EINVAL;
	}
	*line = (struct journal_line){
		.seq = (uint64_t)line_number(json, "seq", 0),
		.path = line_path(json, "path"),
		.path2 = line_path(json, "path2"),
		.rule = line_string(json, "rule"),
		.rule_file = line_string(json, "file"),
		.program = line_string(json, "program"),
		.parent = line_string(json, "parent"),
		.exe = line_path(json, "exe"),
		.argv = line_string(json, "argv"),
		.cwd = line_path(json, "cwd"),
		.note = line_string(json, "note"),
		.rule_line = (unsigned)line_number(json, "line", 0),
		.pid = (pid_t)line_number(json, "pid", 0),
		.bytes = (int64_t)line_number(json, "bytes", -1),
		.result = (int)line_number(json, "result", 0),
		.json = json,
	};
	if (line->seq == 0 || !line->path || !line_names(json, line) ||
		!line_time(line_string(json, "time"), &line->time)) {
		cJSON_Delete(json);
		return -EINVAL;
	}
	*ret_json = json;
	return 0;
}

struct reader {
	int (*fn)(const struct journal_line *line, void *arg);
	void *arg;
	uint64_t seq; /* the last one given out */
	unsigned bad;
};

static int reader_line(struct reader *reader, const char *text, size_t len, bool torn)
{
	struct journal_line line;
	cJSON *json = NULL;
	if (len > JOURNAL_LINE_MAX || journal_line_parse(text, len, &line, &json) < 0) {
		/* An empty line ends nothing; a torn one is still being written, or was cut off. */
		reader->bad += len > 0 && !torn;
		return 0;
	}
	int r = reader->fn(&line, reader->arg);
	reader->seq = line.seq;
	cJSON_Delete(json);
	return r;
}

/* Gives the whole lines of block; *ret_used: their bytes. skip: in an overlong line. */
static int reader_block(
	struct reader *reader, const char *block, size_t len, bool *skip, size_t *ret_used)
{
	size_t at = 0;
	int r = 0;
	const char *newline;
	while (r == 0 && (newline = memchr(block + at, '\n', len - at))) {
		size_t line_len = (size_t)(newline - block) - at;
		if (*skip)
			reader->bad++;
		else
			r = reader_line(reader, block + at, line_len, false);
		*skip = false;
		at += line_len + 1;
	}
	*ret_used = at;
	return r;
}

/* Returns what fn returned; our own troubles go to *failed. */
static int reader_file(struct reader *reader, int fd, int *failed)
{
	char *block cleanup_free = malloc(READ_BLOCK_BYTES);
	if (!block) {
		*failed = -ENOMEM;
		return 0;
	}
	size_t len = 0;
	bool skip = false;
	for (;;) {
		ssize_t n = sys_read_full(fd, block + len, READ_BLOCK_BYTES - len);
		if (n < 0) {
			*failed = (int)n;
			return 0;
		}
		bool at_end = (size_t)n < READ_BLOCK_BYTES - len;
		len += (size_t)n;
		size_t used = 0;
		int r = reader_block(reader, block, len, &skip, &used);
		if (r != 0)
			return r;
		if (at_end)
			return skip ? 0 : reader_line(reader, block + used, len - used, true);
		len -= used;
		memmove(block, block + used, len);
		if (len == READ_BLOCK_BYTES) {
			skip = true;
			len = 0;
		}
	}
}

/* What a killed daemon left. The shared lock says that none is alive, and keeps the next one out.
 */
static int reader_ring(struct reader *reader, int dirfd, int fd, int *failed)
{
	struct ring ring;
	if (flock(fd, LOCK_SH | LOCK_NB) < 0 || ring_open(dirfd, true, &ring, NULL) < 0)
		return 0;
	char *body cleanup_free = malloc(JOURNAL_BODY_MAX + JOURNAL_LINE_MAX);
	char *text = body ? body + JOURNAL_BODY_MAX : NULL;
	uint64_t at = ring_tail(&ring);
	*failed = body ? 0 : -ENOMEM;
	int r = 0;
	while (body && r == 0 && at != ring_head(&ring)) {
		struct ring_item item;
		if (ring_get(&ring, at, &item, body, &at) < 0)
			break;
		if (item.seq <= reader->seq)
			continue;
		size_t len = journal_format_line(text, item.seq, item.time_ns, body, item.len);
		r = reader_line(reader, text, len - 1, false);
	}
	ring_close(&ring);
	return r;
}

int journal_read(int dirfd, int (*fn)(const struct journal_line *line, void *arg), void *arg,
	unsigned *ret_bad, struct err *e)
{
	struct reader reader = {.fn = fn, .arg = arg};
	if (ret_bad)
		*ret_bad = 0;
	int fd cleanup_fd = sys_open_at(dirfd, JOURNAL_FILE, O_RDONLY, 0);
	if (fd == -ENOENT)
		return 0;
	if (fd < 0)
		return err_errno(e, -fd, "cannot read %s", JOURNAL_FILE);
	int failed = 0;
	int r = reader_file(&reader, fd, &failed);
	if (r == 0 && failed == 0)
		r = reader_ring(&reader, dirfd, fd, &failed);
	if (failed < 0)
		r = err_errno(e, -failed, "cannot read %s", JOURNAL_FILE);
	if (ret_bad)
		*ret_bad = reader.bad;
	return r;
}
