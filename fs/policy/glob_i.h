/* SPDX-License-Identifier: MIT */
/*
 * One pattern after expansion, as a list of components. Private to fs/policy.
 *
 * A pattern matches a name and all beneath it, so it never ends with a double star; runs of "*" and
 * double stars are put in one order (the stars first), so that equal patterns are equal lists and
 * a pattern's last component names something at every match.
 */
#ifndef POLICY_GLOB_I_H
#define POLICY_GLOB_I_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <writfs/err.h>
#include <writfs/glob.h>
#include <writfs/str.h>

/* The code of a component: a byte stands for itself. */
#define GLOB_CODE_ANY 256   /* ? */
#define GLOB_CODE_STAR 257  /* * */
#define GLOB_CODE_CLASS 258 /* [...]: a bit for each byte in the GLOB_CLASS_WORDS that follow */
#define GLOB_CLASS_WORDS 16

enum glob_part_kind { GLOB_LITERAL, GLOB_WILD, GLOB_ACROSS };

struct glob_part {
	enum glob_part_kind kind;
	uint32_t at; /* into code */
	uint32_t len;
};

struct glob {
	bool in_roots; /* began with a double star: relative to each root, else to "/" */
	struct glob_part *parts;
	size_t count;
	size_t parts_cap;
	uint16_t *code;
	size_t code_len;
	size_t code_cap;
};

#define GLOB_INIT                                                                                  \
	{                                                                                          \
		0                                                                                  \
	}
#define cleanup_glob cleanup_with(glob_free)

void glob_free(struct glob *g);

/* Parses one expansion. g must be empty; freed by the caller also on failure. */
int glob_parse(struct glob *g, const char *text, const struct glob_bases *bases, struct err *e);

/* Appends the components of an absolute path as they are, or a part of another glob. */
int glob_push_path(struct glob *g, const char *path);
int glob_push_part(struct glob *g, const struct glob *from, size_t part);

/* Number of leading literal components; as many of them as a path ("/" for 0). */
size_t glob_head_count(const struct glob *g);
void glob_head_path(const struct glob *g, size_t count, struct str *out);

/* Components that are not literal: of two patterns that name the same file the one with fewer is
 * the narrower. */
unsigned glob_wild_count(const struct glob *g);
bool glob_last_is_literal(const struct glob *g);

/* Does the code of a GLOB_WILD part match name? Linear in name for each star at worst. */
bool glob_code_match(const uint16_t *code, size_t code_len, const char *name, size_t len);

#endif
