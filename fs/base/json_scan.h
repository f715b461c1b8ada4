/* SPDX-License-Identifier: MIT */
/* The strict scanner behind json.c. Private to fs/base. */
#ifndef WRITFS_BASE_JSON_SCAN_H
#define WRITFS_BASE_JSON_SCAN_H

#include <writfs/json.h>

/* Where one item lies; lines and columns from 1, key_line 0: the item has no key. */
struct json_place {
	const cJSON *item;
	unsigned line, column;
	unsigned key_line, key_column;
};

/* Blanks comments, line by line, strings left alone. -EINVAL: one is not closed. */
int json_blank_comments(const char *name, char *text, size_t len, struct err *e);

/* Checks the grammar of doc->text (without comments) and blanks trailing commas. */
int json_scan_check(struct json_doc *doc, struct err *e);

/* Fills doc->places from doc->text and doc->root, and finds duplicate keys. */
int json_scan_places(struct json_doc *doc, struct err *e);

#endif
