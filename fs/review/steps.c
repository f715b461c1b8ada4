/* SPDX-License-Identifier: MIT */
/* Lists of steps, and the names that a step leaves behind if it is cut off. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "steps.h"

struct step *steps_add(
	struct steps *s, enum step_kind kind, size_t group, size_t root, const char *rel)
{
	struct group *g = &s->groups[group];
	if (array_grow(&s->items, s->count, &s->cap, sizeof *s->items))
		return NULL;
	const char *copy = memory_string(&s->memory, rel);
	if (!copy)
		return NULL;
	struct step *step = &s->items[s->count++];
	*step = (struct step){
		.kind = kind, .group = group, .root = root, .rel = copy, .mtime_ns = INT64_MIN};
	if (g->step_count < GROUP_STEPS_MAX)
		g->steps[g->step_count++] = s->count - 1;
	return step;
}

int steps_group(struct steps *s, size_t *ret)
{
	int r = array_grow(&s->groups, s->group_count, &s->group_cap, sizeof *s->groups);
	if (r)
		return r;
	s->groups[s->group_count] = (struct group){.result = RESULT_KIND_MAX};
	*ret = s->group_count++;
	return 0;
}

void steps_free(struct steps *s)
{
	free(s->items);
	free(s->groups);
	memory_free(&s->memory);
	*s = (struct steps){0};
}

void step_fail(
	struct steps *s, const struct step *step, enum result_kind kind, const char *fmt, ...)
{
	struct group *group = &s->groups[step->group];
	va_list ap;
	if (group->result != RESULT_KIND_MAX)
		return; /* the first reason is the one that counts */
	group->result = kind;
	va_start(ap, fmt);
	(void)vsnprintf(group->why, sizeof group->why, fmt, ap);
	va_end(ap);
}

void step_keep_name(const struct steps *s, const struct step *step, char buf[static 64])
{
	(void)snprintf(buf, 64, "%s-%u-%zu", s->discard ? "discard" : "apply", s->number,
		(size_t)(step - s->items));
}

void step_temp_name(const struct steps *s, const struct step *step, char buf[static 32])
{
	(void)snprintf(buf, 32, ".writ-%u-%zu", s->number, (size_t)(step - s->items));
}
