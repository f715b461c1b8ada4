/* SPDX-License-Identifier: MIT */
/*
 * JSON that people write. Beyond not crashing: what is accepted has a place for every item, inside
 * the text, and what is refused says where.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <writfs/json.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool good)
{
	if (!good)
		abort();
}

static unsigned count_lines(const uint8_t *data, size_t size)
{
	unsigned lines = 1;
	for (size_t i = 0; i < size; i++)
		lines += data[i] == '\n';
	return lines;
}

static void check_item(const struct json_doc *doc, const cJSON *item, unsigned lines)
{
	static const char *const keys[] = {"v", "filesystem", "allowWrite", NULL};
	unsigned line = 0;
	unsigned column = 0;
	json_where(doc, item, true, &line, &column);
	check(line >= 1 && line <= lines && column >= 1 && column <= doc->len + 1);
	json_where(doc, item, false, &line, &column);
	check(line >= 1 && line <= lines && column >= 1 && column <= doc->len + 1);
	struct err e;
	if (cJSON_IsObject(item))
		(void)json_check_keys(doc, item, keys, &e);
	const cJSON *child;
	cJSON_ArrayForEach (child, item)
		check_item(doc, child, lines);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct json_doc *doc cleanup_json = NULL;
	struct err e = {0};
	int r = json_parse("f", (const char *)data, size, &doc, &e);
	if (r < 0) {
		check(!doc && e.errnum == -r && strncmp(e.text, "f:", 2) == 0);
		check(utf8_valid(e.text, strlen(e.text)) && !strchr(e.text, '\n'));
		return 0;
	}
	check_item(doc, doc->root, count_lines(data, size));
	return 0;
}
