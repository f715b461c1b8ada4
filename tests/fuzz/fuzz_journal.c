/* SPDX-License-Identifier: MIT */
/*
 * The journal's bytes, both ways. The input as a file must be read without harm; as the strings of
 * a record it must come back from its line exactly as it was, and as arguments it must be masked.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../../fs/journal/journal_i.h"

#define PART_MAX 1000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool good)
{
	if (!good)
		abort();
}

static void check_lines(const char *text, size_t size)
{
	for (const char *at = text; size;) {
		const char *newline = memchr(at, '\n', size);
		size_t len = newline ? (size_t)(newline - at) : size;
		struct journal_line line;
		cJSON *json = NULL;
		if (journal_line_parse(at, len, &line, &json) == 0) {
			check(line.seq > 0 && line.path && line.op <= JOURNAL_NOTE);
			cJSON_Delete(json);
		}
		len += newline != NULL;
		at += len;
		size -= len;
	}
}

/* The strings of a record, each a part of the input up to a NUL. */
static void check_record(const uint8_t *data, size_t size)
{
	char parts[7][PART_MAX + 1] = {{0}};
	for (size_t i = 0; i < 7 && size; i++) {
		const uint8_t *end = memchr(data, 0, size);
		size_t len = end ? (size_t)(end - data) : size;
		memcpy(parts[i], data, len < PART_MAX ? len : PART_MAX);
		len += end != NULL;
		data += len;
		size -= len;
	}
	struct journal_actor actor = {.pid = 1,
		.exe = parts[2],
		.argv = parts[3],
		.cwd = parts[4],
		.program = parts[5],
		.parent = ""};
	struct journal_record record = {.op = JOURNAL_RENAME,
		.path = parts[0],
		.path2 = parts[1],
		.rule = parts[6],
		.rule_file = parts[5],
		.note = parts[3],
		.bytes = 7,
		.actor = &actor};
	static char body[JOURNAL_BODY_MAX];
	static char text[JOURNAL_LINE_MAX];
	bool cut = false;
	ssize_t n = journal_encode(&record, cut, body, sizeof body);
	if (n < 0) {
		cut = true;
		n = journal_encode(&record, cut, body, sizeof body);
	}
	check(n > 0);
	size_t len = journal_format_line(text, 9, 1764000000123456789, body, (size_t)n);
	check(len <= JOURNAL_LINE_MAX && text[len - 1] == '\n');
	check(!memchr(text, '\n', len - 1) && utf8_valid(text, len));
	struct journal_line line;
	cJSON *json = NULL;
	check(journal_line_parse(text, len - 1, &line, &json) == 0);
	check(line.seq == 9 && line.bytes == 7 && line.pid == 1);
	check(strcmp(line.path, parts[0]) == 0 && strcmp(line.path2, parts[1]) == 0);
	check(cut || (strcmp(line.exe, parts[2]) == 0 && strcmp(line.cwd, parts[4]) == 0));
	cJSON_Delete(json);
}

static void check_arguments(const char *text, size_t size)
{
	/* As /proc/PID/cmdline: ended by a NUL. */
	char *args cleanup_free = malloc(size + 1);
	check(args != NULL);
	memcpy(args, text, size);
	args[size] = '\0';
	struct str out cleanup_str = STR_INIT;
	journal_mask_argv(&out, args, size + 1, JOURNAL_ARGV_MAX);
	check(!out.failed && out.len <= JOURNAL_ARGV_MAX);
	char name[PROGRAM_NAME_MAX];
	program_name("/usr/bin/python3.11", args, size + 1, name);
	program_name("", args, size + 1, name);
	check(memchr(name, '\0', sizeof name) != NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size > 4 * JOURNAL_LINE_MAX)
		return 0;
	check_lines((const char *)data, size);
	check_record(data, size);
	if (size <= 4096)
		check_arguments((const char *)data, size);
	return 0;
}
