/* SPDX-License-Identifier: MIT */
/*
 * Parses a pattern into components and brings it into its normal form (see glob_i.h). What cannot
 * be meant is an error here, with the cure: a pattern that silently matched nothing would protect
 * nothing.
 */
#include "glob_i.h"

#include <ctype.h>
#include <limits.h>
#include <string.h>

#include <writfs/cleanup.h>

void glob_free(struct glob *g)
{
	free(g->parts);
	free(g->code);
	*g = (struct glob)GLOB_INIT;
}

static int code_push(struct glob *g, uint16_t code)
{
	if (g->code_len == g->code_cap) {
		size_t cap = g->code_cap ? g->code_cap * 2 : 64;
		uint16_t *grown = realloc(g->code, cap * sizeof *grown);
		if (!grown)
			return -ENOMEM;
		g->code = grown;
		g->code_cap = cap;
	}
	g->code[g->code_len++] = code;
	return 0;
}

/* The part whose code is everything from at on. */
static int part_push(struct glob *g, enum glob_part_kind kind, size_t at)
{
	if (g->count == g->parts_cap) {
		size_t cap = g->parts_cap ? g->parts_cap * 2 : 16;
		struct glob_part *grown = realloc(g->parts, cap * sizeof *grown);
		if (!grown)
			return -ENOMEM;
		g->parts = grown;
		g->parts_cap = cap;
	}
	g->parts[g->count++] = (struct glob_part){
		.kind = kind, .at = (uint32_t)at, .len = (uint32_t)(g->code_len - at)};
	return 0;
}

int glob_push_path(struct glob *g, const char *path)
{
	while (*path) {
		path += strspn(path, "/");
		size_t at = g->code_len;
		for (; *path && *path != '/'; path++) {
			if (code_push(g, (unsigned char)*path) < 0)
				return -ENOMEM;
		}
		if (g->code_len > at && part_push(g, GLOB_LITERAL, at) < 0)
			return -ENOMEM;
	}
	return 0;
}

int glob_push_part(struct glob *g, const struct glob *from, size_t part)
{
	const struct glob_part *p = &from->parts[part];
	size_t at = g->code_len;
	for (size_t i = 0; i < p->len; i++) {
		if (code_push(g, from->code[p->at + i]) < 0)
			return -ENOMEM;
	}
	return part_push(g, p->kind, at);
}

static void class_set(uint16_t bits[GLOB_CLASS_WORDS], unsigned byte)
{
	bits[byte / 16] |= (uint16_t)(1U << (byte % 16));
}

/* At "[:"; returns what follows ":]", or NULL: no such name. */
static const char *class_named(const char *p, uint16_t bits[GLOB_CLASS_WORDS])
{
	static const struct {
		const char *name;
		int (*is)(int c);
	} named[] = {
		{"alnum", isalnum},
		{"alpha", isalpha},
		{"blank", isblank},
		{"cntrl", iscntrl},
		{"digit", isdigit},
		{"graph", isgraph},
		{"lower", islower},
		{"print", isprint},
		{"punct", ispunct},
		{"space", isspace},
		{"upper", isupper},
		{"xdigit", isxdigit},
	};
	p += 2;
	size_t len = strspn(p, "abcdefghijklmnopqrstuvwxyz");
	if (p[len] != ':' || p[len + 1] != ']')
		return NULL;
	for (size_t i = 0; i < sizeof named / sizeof named[0]; i++) {
		if (strlen(named[i].name) != len || memcmp(named[i].name, p, len) != 0)
			continue;
		/* ASCII only, whatever the locale: the same policy means the same everywhere. */
		for (int c = 0; c < 128; c++) {
			if (named[i].is(c))
				class_set(bits, (unsigned)c);
		}
		return p + len + 2;
	}
	return NULL;
}

/* One byte of a class, maybe escaped; NULL at the end of the component. */
static const char *class_byte(const char *p, unsigned *ret)
{
	if (*p == '\\')
		p++;
	if (*p == '\0' || *p == '/')
		return NULL;
	*ret = (unsigned char)*p;
	return p + 1;
}

/* At the bracket; *pp moves behind the closing one. */
static int parse_class(struct glob *g, const char **pp, struct err *e)
{
	const char *p = *pp + 1;
	uint16_t bits[GLOB_CLASS_WORDS] = {0};
	bool negated = *p == '!' || *p == '^';
	p += negated;
	for (bool first = true; first || *p != ']'; first = false) {
		unsigned low;
		if (p[0] == '[' && p[1] == ':') {
			p = class_named(p, bits);
			if (!p)
				return err_set(e, EINVAL, "[: :] without one of the known names");
			continue;
		}
		p = class_byte(p, &low);
		if (!p)
			return err_set(
				e, EINVAL, "a [ without its ] (write \\[ for the character)");
		unsigned high = low;
		if (p[0] == '-' && p[1] != ']') {
			p = class_byte(p + 1, &high);
			if (!p)
				return err_set(e, EINVAL,
					"a [ without its ] (write \\[ for the character)");
		}
		if (high < low)
			return err_set(
				e, EINVAL, "a range in [ ] whose end comes before its start");
		for (unsigned c = low; c <= high; c++)
			class_set(bits, c);
	}
	*pp = p + 1;
	if (code_push(g, GLOB_CODE_CLASS) < 0)
		return err_errno(e, ENOMEM, "reading the pattern");
	for (size_t i = 0; i < GLOB_CLASS_WORDS; i++) {
		if (code_push(g, negated ? (uint16_t)~bits[i] : bits[i]) < 0)
			return err_errno(e, ENOMEM, "reading the pattern");
	}
	return 0;
}

/* One component, from *pp to the slash or the end; *wild: it has more than bytes. */
static int parse_code(struct glob *g, const char **pp, bool *wild, struct err *e)
{
	const char *p = *pp;
	size_t at = g->code_len;
	while (*p && *p != '/') {
		uint16_t code = (unsigned char)*p;
		if (*p == '[') {
			int r = parse_class(g, &p, e);
			if (r < 0)
				return r;
			*wild = true;
			continue;
		}
		if (*p == '\\') {
			p++;
			if (*p == '\0' || *p == '/')
				return err_set(e, EINVAL,
					"a \\ with nothing to escape (write \\\\ for the "
					"character)");
			code = (unsigned char)*p;
		} else if (*p == '*' || *p == '?') {
			code = *p == '*' ? GLOB_CODE_STAR : GLOB_CODE_ANY;
			*wild = true;
		}
		p++;
		if (code == GLOB_CODE_STAR && g->code_len > at &&
			g->code[g->code_len - 1] == GLOB_CODE_STAR)
			continue;
		if (code_push(g, code) < 0)
			return err_errno(e, ENOMEM, "reading the pattern");
	}
	*pp = p;
	return 0;
}

static bool code_is_dots(const uint16_t *code, size_t len, size_t dots)
{
	if (len != dots)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (code[i] != '.')
			return false;
	}
	return true;
}

static int parse_component(struct glob *g, const char **pp, struct err *e)
{
	size_t len = strcspn(*pp, "/");
	size_t at = g->code_len;
	enum glob_part_kind kind = GLOB_ACROSS;
	if (len == 2 && memcmp(*pp, "**", 2) == 0) {
		*pp += 2;
	} else {
		bool wild = false;
		int r = parse_code(g, pp, &wild, e);
		if (r < 0)
			return r;
		len = g->code_len - at;
		kind = wild ? GLOB_WILD : GLOB_LITERAL;
		if (!wild && (len == 0 || code_is_dots(g->code + at, len, 1))) {
			g->code_len = at;
			return 0;
		}
		if (!wild && code_is_dots(g->code + at, len, 2))
			return err_set(e, EINVAL,
				"\"..\" is not followed: name the directory that is meant");
		if (!wild && len > NAME_MAX)
			return err_set(e, EINVAL, "a name of more than %d bytes", NAME_MAX);
	}
	if (part_push(g, kind, at) < 0)
		return err_errno(e, ENOMEM, "reading the pattern");
	return 0;
}

static bool part_is_star(const struct glob *g, size_t i)
{
	const struct glob_part *p = &g->parts[i];
	return p->kind == GLOB_WILD && p->len == 1 && g->code[p->at] == GLOB_CODE_STAR;
}

/*
 * A run of "*" and double stars with at least one of the latter means "at least as many components
 * as there are stars": the stars go first, one double star follows, none at the end.
 */
static void glob_normalise(struct glob *g)
{
	size_t out = 0;
	for (size_t i = 0; i < g->count;) {
		bool across = false;
		for (; i < g->count && (g->parts[i].kind == GLOB_ACROSS || part_is_star(g, i));
			i++) {
			if (g->parts[i].kind == GLOB_ACROSS)
				across = true;
			else
				g->parts[out++] = g->parts[i];
		}
		if (i == g->count)
			break;
		/* Every part dropped or kept before i leaves room for this one. */
		if (across)
			g->parts[out++] = (struct glob_part){.kind = GLOB_ACROSS};
		g->parts[out++] = g->parts[i++];
	}
	g->count = out;
}

int glob_parse(struct glob *g, const char *text, const struct glob_bases *bases, struct err *e)
{
	const char *base = bases->bare;
	const char *p = text;
	if (*p == '\0')
		return err_set(e, EINVAL, "an empty pattern names nothing");
	if (strlen(p) > GLOB_PATTERN_MAX)
		return err_set(e, EINVAL, "longer than %d bytes", GLOB_PATTERN_MAX);
	if (*p == '/') {
		base = "/";
	} else if (*p == '~') {
		p++;
		if (*p && *p != '/')
			return err_set(e, EINVAL,
				"other users' homes are not looked up: write the whole path "
				"(or ./~… for a name that begins with ~)");
		base = bases->home;
	} else if (p[0] == '.' && (p[1] == '\0' || p[1] == '/')) {
		base = bases->dot;
	} else if (p[0] == '*' && p[1] == '*' && (p[2] == '\0' || p[2] == '/')) {
		base = "/";
		g->in_roots = true;
	}
	if (glob_push_path(g, base) < 0)
		return err_errno(e, ENOMEM, "reading the pattern");
	while (*p) {
		p += strspn(p, "/");
		if (*p == '\0')
			break;
		int r = parse_component(g, &p, e);
		if (r < 0)
			return r;
	}
	glob_normalise(g);
	return 0;
}

size_t glob_head_count(const struct glob *g)
{
	size_t count = 0;
	while (!g->in_roots && count < g->count && g->parts[count].kind == GLOB_LITERAL)
		count++;
	return count;
}

void glob_head_path(const struct glob *g, size_t count, struct str *out)
{
	for (size_t i = 0; i < count; i++) {
		const struct glob_part *p = &g->parts[i];
		str_add_char(out, '/');
		for (size_t k = 0; k < p->len; k++)
			str_add_char(out, (char)g->code[p->at + k]);
	}
	if (count == 0)
		str_add_char(out, '/');
}

unsigned glob_wild_count(const struct glob *g)
{
	unsigned count = 0;
	for (size_t i = 0; i < g->count; i++)
		count += g->parts[i].kind != GLOB_LITERAL;
	return count;
}

bool glob_last_is_literal(const struct glob *g)
{
	return g->count && g->parts[g->count - 1].kind == GLOB_LITERAL;
}

/* Does the element of code at *at take byte c? *at moves behind it if it does. */
static bool code_takes(const uint16_t *code, size_t *at, unsigned c)
{
	uint16_t what = code[*at];
	if (what == GLOB_CODE_CLASS) {
		const uint16_t *bits = code + *at + 1;
		if (!(bits[c / 16] >> (c % 16) & 1))
			return false;
		*at += GLOB_CLASS_WORDS;
	} else if (what != GLOB_CODE_ANY && what != c) {
		return false;
	}
	++*at;
	return true;
}

bool glob_code_match(const uint16_t *code, size_t code_len, const char *name, size_t len)
{
	size_t at = 0;
	size_t i = 0;
	/* Where to go on when the last star takes one byte more; before a star: nowhere. */
	size_t star = SIZE_MAX;
	size_t star_i = 0;
	while (i < len) {
		if (at < code_len && code[at] == GLOB_CODE_STAR) {
			star = ++at;
			star_i = i;
		} else if (at < code_len && code_takes(code, &at, (unsigned char)name[i])) {
			i++;
		} else if (star != SIZE_MAX) {
			at = star;
			i = ++star_i;
		} else {
			return false;
		}
	}
	while (at < code_len && code[at] == GLOB_CODE_STAR)
		at++;
	return at == code_len;
}

void glob_escape(struct str *out, const char *text)
{
	for (; *text; text++) {
		if (strchr("*?[]{}\\,~", *text))
			str_add_char(out, '\\');
		str_add_char(out, *text);
	}
}
