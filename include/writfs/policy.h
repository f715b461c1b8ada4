/* SPDX-License-Identifier: MIT */
/*
 * The policy: from files and command line to a compiled automaton that is stepped by one path
 * component at a time. Knows no agent, no FUSE and opens nothing under the roots but policy files
 * and, at load, the links in literal heads of patterns.
 *
 * Threads: a compiled policy may be stepped and asked from any number of threads; states are
 * interned under an internal lock only when a new one appears. Loading and freeing is single.
 */
#ifndef WRITFS_POLICY_H
#define WRITFS_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cjson/cJSON.h>
#include <writfs/err.h>
#include <writfs/glob.h>

#define POLICY_FILE_MAX (1u << 20) /* bytes of one policy file */
#define POLICY_RULES_MAX 20000     /* patterns in all, after {a,b}, without link targets */
#define POLICY_PATTERN_MAX GLOB_PATTERN_MAX
#define POLICY_BRACES_MAX GLOB_BRACES_MAX
#define POLICY_ROOTS_MAX 16

enum policy_source {
	POLICY_BUILTIN,
	POLICY_ETC,       /* /etc/writfs/policy.json: nothing lifts its rules */
	POLICY_USER,      /* ~/.config/writfs/policy.json */
	POLICY_WORKSPACE, /* WORKSPACE/.writ.json */
	POLICY_FILE,      /* -p FILE */
	POLICY_COMMAND,   /* --allow ... */
	POLICY_GRANT      /* the workspace rule itself */
};

enum rule_kind { RULE_ALLOW, RULE_REDIRECT, RULE_REFUSE, RULE_HIDE, RULE_REVEAL };

struct policy_rule {
	enum rule_kind kind;
	enum policy_source source;
	const char *pattern; /* as written */
	const char *path;    /* absolute pattern that was compiled (before link resolution) */
	const char *file;    /* shown name of the file, "command line", "built-in", "workspace" */
	unsigned line;       /* 0: no line */
	const char *reason;  /* one line or NULL */
	bool is_default;     /* a built-in or profile redirect, which a user's allow can lift */
};

enum verdict_kind { VERDICT_GRANT, VERDICT_REDIRECT, VERDICT_REFUSE };

/* What one name may do. rule: the deciding rule's number, -1 when nothing names it. */
struct verdict {
	enum verdict_kind kind;
	bool hidden;
	int32_t rule;
	int32_t hide_rule; /* -1 unless hidden */
};

/* A set of automaton states: small integer, interned, valid as long as the policy. */
typedef uint32_t policy_state;

struct policy;

/* What the command line gives. Strings are borrowed until policy_load returns. */
struct policy_options {
	const char *home;         /* realpath'ed $HOME */
	const char *cwd;          /* absolute */
	const char *const *roots; /* --root values; NULL-terminated, may be NULL */
	bool roots_replace;       /* mount: --root replaces $HOME instead of adding to it */
	/* --allow and so on; NULL-terminated, may be NULL */
	const char *const *allow, *const *redirect, *const *refuse, *const *hide;
	const char *const *files; /* -p FILE */
	bool no_grants;           /* -n: only --allow grants; narrowing rules of files stay */
	bool no_workspace;        /* mount: no workspace rule */
	bool no_files;            /* tests: skip /etc and user files */
	const char *etc_dir;      /* NULL: /etc/writfs */
	const char *config_dir;   /* NULL: path_config() */
};

/*
 * What patterns name: "~/x" in $HOME, "/x" absolute, a leading double star in every root. Bare "x":
 * the workspace (the current directory if there is none) on the command line, in -p files and in
 * .writ.json; $HOME in the user's file and in /etc. "./x": the current directory on the command
 * line, the workspace in every file; where there is none, an allowWrite "./x" of the user's file or
 * of /etc is not counted (a note says so), since it would name whatever the directory is.
 */

/*
 * Finds the workspace, reads every source in design order, compiles. Bad input: -EINVAL (or the
 * errno of reading) with one line in *e and *ret untouched; a policy that cannot be read never
 * means "allow". Notes for the start line (targets outside the roots, untrusted widening in
 * workspace files, workspace not granted and why) are kept: policy_notes(). Patterns below a
 * symlink: see design part 3 ("Patterns name files where they are now").
 */
int policy_load(const struct policy_options *options, struct policy **ret, struct err *e);
void policy_free(struct policy *p);
void policy_freep(struct policy **p);

/* Realpath'ed, merged, sorted; the workspace outside every root is one of them. */
size_t policy_roots(const struct policy *p, const char *const **ret);
/* NULL if the current directory grants nothing; *why then says so in one phrase. */
const char *policy_workspace(const struct policy *p, const char **why);
size_t policy_notes(const struct policy *p, const char *const **ret);
bool policy_hard_links_safe(const struct policy *p);

size_t policy_rule_count(const struct policy *p);
const struct policy_rule *policy_rule_get(const struct policy *p, int32_t rule);

/* The state of root number i, and of a child of state by its name. Never fails: out of memory
 * gives the state that refuses everything (policy fails closed). */
policy_state policy_root_state(const struct policy *p, size_t root);
policy_state policy_step(const struct policy *p, policy_state state, const char *name, size_t len);

/*
 * Design part 4, "Two paths decide": refuse, redirect and hide count if either state matches;
 * allow only present, and only where attached. Pass origin == present for what never moved.
 */
struct verdict policy_decide(
	const struct policy *p, policy_state present, policy_state origin, bool attached);

/*
 * True if every name beneath has this one's verdict (kind and hidden), whatever it is called. That
 * is strict: below a grant the built-in redirect of hooks (any .git/hooks) alone makes it
 * false. Whether a directory may be moved is policy_same_beneath's question.
 */
bool policy_uniform(const struct policy *p, policy_state state);
/* True if a and every name beneath it have the same verdicts as b and the same names beneath b: a
 * directory moved from one to the other takes nothing across a border. Equal states: the same. */
bool policy_same_beneath(const struct policy *p, policy_state a, policy_state b);
/* True if this name or one beneath could be refused or hidden: a directory rename must ask. */
bool policy_refuses_beneath(const struct policy *p, policy_state state);

/* By path (absolute), for explain and review: steps from "/" by itself. */
struct verdict policy_decide_path(const struct policy *p, const char *path);

/* The rules that match path in the order of their weight; returns how many (at most max). */
size_t policy_explain(const struct policy *p, const char *path, int32_t *rules, size_t max);

/* policy.json of a job (as compiled, with sources), and back: a continued job keeps its roots and
 * workspace but is given the policy of today; dump is for show and for the record. */
cJSON *policy_dump(const struct policy *p);

/*
 * Git top level of dir with its common git directory (worktree, submodule), else dir itself;
 * design part 3. *ret_git is NULL where the git directory lies inside. -ENOENT: dir is missing.
 */
int workspace_find(const char *dir, char **ret_top, char **ret_git);

#endif
