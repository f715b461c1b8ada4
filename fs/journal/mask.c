/* SPDX-License-Identifier: MIT */
/*
 * Secrets out of command lines, before they are kept anywhere. Wrong in the safe direction: what
 * looks like a secret becomes ***, and a harmless value behind --key= goes with it. Masking comes
 * before cutting, so that no half of a secret stays.
 */
#include "journal_i.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#define MASKED "***"
/* Longer names are looked at in part: none is, and the search stays linear. */
#define MASK_NAME_MAX 96
/* A Bearer or Basic value, or the name before @ of a URL, counts as a secret from here. */
#define MASK_BARE_MIN 8
#define MASK_USER_MIN 16

enum mask_next { MASK_NOT, MASK_WORD, MASK_AFTER_COLON };

struct mask {
	struct str *out;
	const char *p; /* the argument */
	size_t len;
	size_t i;
	bool script; /* it is a program for an interpreter: words end at blanks */
	enum mask_next next;
};

/* Tokens that say themselves what they are. */
static const struct {
	const char *prefix;
	size_t least; /* bytes after it */
} token_prefixes[] = {
	{"sk-", 8},
	{"sk_live_", 8},
	{"rk_live_", 8},
	{"ghp_", 8},
	{"gho_", 8},
	{"ghu_", 8},
	{"ghs_", 8},
	{"ghr_", 8},
	{"github_pat_", 8},
	{"glpat-", 8},
	{"AKIA", 8},
	{"ASIA", 8},
	{"xoxa-", 8},
	{"xoxb-", 8},
	{"xoxp-", 8},
	{"xoxs-", 8},
	{"npm_", 16},
	{"pypi-", 16},
	{"hf_", 16},
	{"AIza", 16},
	{"eyJ", 16},
};

static bool is_word(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

static bool is_name(char c)
{
	return is_word(c) || c == '-' || c == '.';
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n';
}

static void mask_emit(struct mask *m, size_t end)
{
	str_add_mem(m->out, m->p + m->i, end - m->i);
	m->i = end;
}

static void mask_skip(struct mask *m, size_t end)
{
	if (end > m->i)
		str_add(m->out, MASKED);
	m->i = end;
}

static bool name_has(const char *name, const char *part)
{
	return strcasestr(name, part) != NULL;
}

static bool name_ends(const char *name, const char *end)
{
	size_t len = strlen(name);
	size_t end_len = strlen(end);
	return len >= end_len && strcasecmp(name + len - end_len, end) == 0;
}

/* Whether the value of --name, NAME= or "name": is a secret. */
static bool name_is_secret(const char *name)
{
	static const char *const parts[] = {"token", "secret", "password", "passwd", "passphrase",
		"credential", "apikey", "authorization"};
	static const char *const places[] = {"-file", "_file", "-stdin", "-path"};
	bool option = name[0] == '-';
	name += strspn(name, "-");
	for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
		if (name_ends(name, places[i]))
			return false;
	}
	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
		if (name_has(name, parts[i]))
			return true;
	}
	if (strcasecmp(name, "pass") == 0 || name_ends(name, "_pass") || name_ends(name, "-pass"))
		return true;
	if (option)
		return strcasecmp(name, "key") == 0 || name_ends(name, "-key") ||
		       name_ends(name, "_key");
	return name_has(name, "key") || strcasecmp(name, "cookie") == 0;
}

static bool mask_token(struct mask *m)
{
	for (size_t t = 0; t < sizeof token_prefixes / sizeof *token_prefixes; t++) {
		const char *prefix = token_prefixes[t].prefix;
		size_t len = strlen(prefix);
		if (m->len - m->i < len || memcmp(m->p + m->i, prefix, len) != 0)
			continue;
		size_t end = m->i + len;
		while (end < m->len && is_name(m->p[end]))
			end++;
		if (end - m->i - len < token_prefixes[t].least)
			continue;
		mask_emit(m, m->i + len);
		mask_skip(m, end);
		return true;
	}
	return false;
}

/* The end of an unquoted word from at. */
static size_t word_end(const struct mask *m, size_t at)
{
	while (at < m->len && !is_blank(m->p[at]) && !strchr("\"';&|<>)", m->p[at]))
		at++;
	return at;
}

/* A value at m->i: quoted up to its quote, else a word, or all of it. */
static void mask_value(struct mask *m, bool to_end)
{
	char quote = m->i < m->len ? m->p[m->i] : '\0';
	if (quote == '"' || quote == '\'') {
		const char *end = memchr(m->p + m->i + 1, quote, m->len - m->i - 1);
		mask_emit(m, m->i + 1);
		mask_skip(m, end ? (size_t)(end - m->p) : m->len);
		return;
	}
	mask_skip(m, to_end ? m->len : word_end(m, m->i));
}

/* After a header's colon: up to the quote that was opened before its name, or the line's end. */
static void mask_header(struct mask *m, size_t name_start)
{
	char quote = name_start ? m->p[name_start - 1] : '\0';
	size_t end = m->i;
	while (end < m->len && m->p[end] != '\n' &&
		!((quote == '"' || quote == '\'') && m->p[end] == quote))
		end++;
	while (m->i < end && is_blank(m->p[m->i]))
		mask_emit(m, m->i + 1);
	mask_skip(m, end);
}

static bool looks_like_option(const char *p, size_t len)
{
	size_t dashes = 0;
	while (dashes < len && dashes < 2 && p[dashes] == '-')
		dashes++;
	return dashes && dashes < len && isalpha((unsigned char)p[dashes]);
}

/* The word after an option, here or as the next argument. */
static void mask_next_word(struct mask *m, enum mask_next what)
{
	while (m->i < m->len && is_blank(m->p[m->i]))
		mask_emit(m, m->i + 1);
	if (m->i == m->len) {
		m->next = what;
		return;
	}
	if (looks_like_option(m->p + m->i, m->len - m->i))
		return;
	if (what == MASK_AFTER_COLON) {
		size_t end = word_end(m, m->i);
		const char *colon = memchr(m->p + m->i, ':', end - m->i);
		if (!colon)
			return;
		mask_emit(m, (size_t)(colon - m->p) + 1);
	}
	mask_value(m, false);
}

/* name=value, --name value, "name": "value", Name: value. */
static bool mask_named(struct mask *m)
{
	char name[MASK_NAME_MAX + 1];
	size_t start = m->i;
	size_t n = 0;
	while (n < MASK_NAME_MAX && start + n < m->len && is_name(m->p[start + n])) {
		name[n] = m->p[start + n];
		n++;
	}
	name[n] = '\0';
	size_t at = start + n;
	char after = at < m->len ? m->p[at] : '\0';
	bool option = name[0] == '-';
	if (option && (after == '\0' || is_blank(after)) &&
		(strcmp(name, "-u") == 0 || strcmp(name, "--user") == 0 ||
			strcmp(name, "--proxy-user") == 0)) {
		mask_emit(m, at);
		mask_next_word(m, MASK_AFTER_COLON);
		return true;
	}
	if (n == 0 || !name_is_secret(name))
		return false;
	if (after == '=') {
		mask_emit(m, at + 1);
		mask_value(m, start == 0 && !m->script);
		return true;
	}
	if (option && (after == '\0' || is_blank(after))) {
		mask_emit(m, at);
		mask_next_word(m, MASK_WORD);
		return true;
	}
	if (after == ':' && !(m->len - at > 2 && m->p[at + 1] == '/' && m->p[at + 2] == '/')) {
		mask_emit(m, at + 1);
		mask_header(m, start);
		return true;
	}
	size_t colon = at + 1;
	while (colon < m->len && is_blank(m->p[colon]))
		colon++;
	if ((after == '"' || after == '\'') && colon < m->len && m->p[colon] == ':') {
		mask_emit(m, colon + 1);
		while (m->i < m->len && is_blank(m->p[m->i]))
			mask_emit(m, m->i + 1);
		mask_value(m, false);
		return true;
	}
	return false;
}

/* Bearer VALUE, Basic VALUE. */
static bool mask_scheme(struct mask *m)
{
	static const char *const schemes[] = {"Bearer ", "Basic "};
	for (size_t s = 0; s < sizeof schemes / sizeof *schemes; s++) {
		size_t len = strlen(schemes[s]);
		if (m->len - m->i < len || strncasecmp(m->p + m->i, schemes[s], len) != 0)
			continue;
		size_t end = word_end(m, m->i + len);
		if (end - m->i - len < MASK_BARE_MIN)
			return false;
		mask_emit(m, m->i + len);
		mask_skip(m, end);
		return true;
	}
	return false;
}

/* At "://": user:password@ keeps the user only. */
static bool mask_url(struct mask *m)
{
	if (m->len - m->i < 3 || memcmp(m->p + m->i, "://", 3) != 0)
		return false;
	size_t start = m->i + 3;
	size_t end = start;
	while (end < m->len && !is_blank(m->p[end]) && !strchr("/?#\"'", m->p[end]))
		end++;
	const char *at = memrchr(m->p + start, '@', end - start);
	if (!at)
		return false;
	size_t user_len = (size_t)(at - m->p) - start;
	const char *colon = memchr(m->p + start, ':', user_len);
	if (!colon && user_len < MASK_USER_MIN)
		return false;
	mask_emit(m, colon ? (size_t)(colon - m->p) + 1 : start);
	mask_skip(m, (size_t)(at - m->p));
	return true;
}

static bool mask_private_key(struct mask *m)
{
	static const char begin[] = "-----BEGIN";
	if (m->len - m->i < sizeof begin - 1 || memcmp(m->p + m->i, begin, sizeof begin - 1) != 0)
		return false;
	mask_skip(m, m->len);
	return true;
}

static void mask_text(struct mask *m)
{
	while (m->i < m->len) {
		bool start = m->i == 0 || !is_name(m->p[m->i - 1]);
		/* A token may stand behind a dash or a dot, a name is taken whole. */
		bool inner = m->i > 0 && !is_word(m->p[m->i - 1]);
		if ((start && (mask_private_key(m) || mask_named(m) || mask_scheme(m))) ||
			((start || inner) && mask_token(m)) || mask_url(m))
			continue;
		mask_emit(m, m->i + 1);
	}
}

/* Whether the argument after this one is program text: -c, -lc, -e, --eval. */
static bool brings_script(const char *arg)
{
	size_t len = strlen(arg);
	if (strcmp(arg, "--eval") == 0 || strcmp(arg, "--command") == 0)
		return true;
	return len > 1 && len < 8 && arg[0] == '-' && arg[1] != '-' &&
	       (arg[len - 1] == 'c' || arg[len - 1] == 'e');
}

/* One argument; next is what the one before asks for, and is set for the one behind. */
static void mask_argument(struct str *out, const char *arg, bool script, enum mask_next *next)
{
	struct mask m = {.out = out, .p = arg, .len = strlen(arg), .script = script};
	enum mask_next wanted = *next;
	*next = MASK_NOT;
	if (wanted != MASK_NOT && !looks_like_option(arg, m.len)) {
		const char *colon = wanted == MASK_AFTER_COLON ? strchr(arg, ':') : NULL;
		if (colon)
			mask_emit(&m, (size_t)(colon - arg) + 1);
		if (colon || wanted == MASK_WORD) {
			mask_skip(&m, m.len);
			return;
		}
	}
	mask_text(&m);
	*next = m.next;
}

void journal_mask_argv(struct str *out, const char *args, size_t len, size_t most)
{
	struct str all cleanup_str = STR_INIT;
	enum mask_next next = MASK_NOT;
	bool script = false;
	const char *end = args + len;
	for (const char *arg = args; arg < end; arg += strlen(arg) + 1) {
		if (arg != args)
			str_add_char(&all, ' ');
		mask_argument(&all, arg, script, &next);
		script = brings_script(arg);
	}
	size_t keep = all.len;
	if (keep > most) {
		keep = most;
		while (keep && ((unsigned char)all.p[keep] & 0xc0) == 0x80)
			keep--;
	}
	if (all.failed)
		out->failed = true;
	else
		str_add_mem(out, all.p, keep);
}
