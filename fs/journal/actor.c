/* SPDX-License-Identifier: MIT */
/*
 * The processes behind requests. The kernel names a thread; what a person wants to read is the
 * program: its process, file, arguments, and who started it.
 *
 * Two tables. Slots: one for each recently seen thread number, trusted for JOURNAL_ACTOR_MS, so
 * that a program that makes a thousand files costs /proc a few looks a second. Actors: interned,
 * never freed before the end, so that records and nodes may point to them. A slot is right as long
 * as the thread's start time, its program file and the place of its arguments in memory are the
 * same: a reused number changes the first, an exec the last (and mostly the second).
 *
 * /proc is read without the lock. The thread is waiting for our answer meanwhile, so it cannot
 * exec or exit under the reader, unless it is killed.
 */
#include "journal_i.h"

#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <writfs/cleanup.h>
#include <writfs/hash.h>
#include <writfs/sys.h>

#define ACTOR_SLOTS 4096u
#define ACTOR_BUCKETS 4096u
/* More actors than this are kept without their arguments: memory has an end. */
#define ACTOR_ARGV_MAX (1u << 17)
#define CMDLINE_MAX 4096
#define STAT_MAX 4096

struct actor {
	struct journal_actor shown; /* first: the pointer given out is the actor's */
	uint64_t image;
	struct actor *next;
	char text[]; /* the strings of shown */
};

struct slot {
	pid_t pid; /* of the thread; 0: free */
	uint64_t start_time;
	int64_t checked_ns;
	const struct actor *actor;
};

struct actors {
	pthread_mutex_t lock;
	struct slot slots[ACTOR_SLOTS];
	struct actor *buckets[ACTOR_BUCKETS];
	atomic_size_t count;
	char own_exe[PATH_MAX]; /* writ's: a parent that is writ is no part of the job */
	char own_mounts[64];    /* our mount namespace */
};

/* What /proc/N/stat says of a thread. */
struct proc_stat {
	pid_t ppid;
	uint64_t start_time;
	uint64_t image; /* where its arguments lie; another one after each exec */
	char name[32];
};

/* /proc/PID/what as text of at most size - 1 bytes; the length or -errno. */
static ssize_t proc_read(pid_t pid, const char *what, char *buf, size_t size)
{
	char path[64];
	(void)snprintf(path, sizeof path, "/proc/%d/%s", pid, what);
	int fd cleanup_fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -errno : sys_read_full(fd, buf, size - 1);
	buf[n > 0 ? n : 0] = '\0';
	return n;
}

/* The target of the link /proc/PID/what, "" if it cannot be read. */
static void proc_link(pid_t pid, const char *what, char *buf, size_t size)
{
	char path[64];
	(void)snprintf(path, sizeof path, "/proc/%d/%s", pid, what);
	ssize_t n = readlink(path, buf, size - 1);
	buf[n > 0 ? n : 0] = '\0';
}

static int proc_stat(pid_t pid, struct proc_stat *ret)
{
	char text[STAT_MAX];
	ssize_t n = proc_read(pid, "stat", text, sizeof text);
	if (n < 0)
		return (int)n;
	/* The name is in parentheses and may hold anything, parentheses too. */
	const char *open = strchr(text, '(');
	const char *at = strrchr(text, ')');
	if (!open || !at || open > at)
		return -EINVAL;
	*ret = (struct proc_stat){0};
	(void)snprintf(ret->name, sizeof ret->name, "%.*s", (int)(at - open - 1), open + 1);
	at++;
	for (int field = 3; *at; field++) {
		at += strspn(at, " ");
		unsigned long long value = strtoull(at, NULL, 10);
		if (field == 4)
			ret->ppid = (pid_t)value;
		else if (field == 22)
			ret->start_time = value;
		else if (field == 48)
			ret->image = value;
		at += strcspn(at, " ");
	}
	return 0;
}

/* The process that thread tid belongs to. */
static pid_t proc_leader(pid_t tid)
{
	char text[STAT_MAX];
	if (proc_read(tid, "status", text, sizeof text) < 0)
		return tid;
	const char *at = strstr(text, "\nTgid:");
	long pid = at ? strtol(at + sizeof "\nTgid:" - 1, NULL, 10) : 0;
	return pid > 0 ? (pid_t)pid : tid;
}

int actors_create(struct actors **ret)
{
	struct actors *actors = calloc(1, sizeof *actors);
	if (!actors)
		return -ENOMEM;
	(void)pthread_mutex_init(&actors->lock, NULL);
	proc_link(getpid(), "exe", actors->own_exe, sizeof actors->own_exe);
	proc_link(getpid(), "ns/mnt", actors->own_mounts, sizeof actors->own_mounts);
	*ret = actors;
	return 0;
}

void actors_free(struct actors *actors)
{
	if (!actors)
		return;
	for (size_t i = 0; i < ACTOR_BUCKETS; i++) {
		while (actors->buckets[i]) {
			struct actor *actor = actors->buckets[i];
			actors->buckets[i] = actor->next;
			free(actor);
		}
	}
	(void)pthread_mutex_destroy(&actors->lock);
	free(actors);
}

/* The short name of ppid's program, "" if it is outside the job. */
static void parent_name(
	const struct actors *actors, pid_t thread, pid_t ppid, char buf[static PROGRAM_NAME_MAX])
{
	char exe[PATH_MAX];
	char args[CMDLINE_MAX];
	char mounts[64];
	char parent_mounts[64];
	buf[0] = '\0';
	if (ppid <= 0)
		return;
	proc_link(thread, "ns/mnt", mounts, sizeof mounts);
	proc_link(ppid, "ns/mnt", parent_mounts, sizeof parent_mounts);
	/* Across the border of our own mount namespace lies whoever started the job. */
	if (strcmp(parent_mounts, actors->own_mounts) == 0 && strcmp(mounts, parent_mounts) != 0)
		return;
	proc_link(ppid, "exe", exe, sizeof exe);
	/* The job's init is ours; to an ordinary user it does not show its image. */
	if (!exe[0] || strcmp(exe, actors->own_exe) == 0)
		return;
	ssize_t n = proc_read(ppid, "cmdline", args, sizeof args);
	program_name(exe, args, n > 0 ? (size_t)n : 0, buf);
}

static struct actor **actors_bucket(struct actors *actors, pid_t pid, uint64_t start_time)
{
	return &actors->buckets[hash_u64((uint64_t)pid ^ start_time << 24) % ACTOR_BUCKETS];
}

/* With the lock held. */
static struct actor *actors_find(
	struct actors *actors, pid_t pid, const struct proc_stat *st, const char *exe)
{
	struct actor *actor = *actors_bucket(actors, pid, st->start_time);
	while (actor && (actor->shown.pid != pid || actor->shown.start_time != st->start_time ||
				actor->image != st->image || strcmp(actor->shown.exe, exe) != 0))
		actor = actor->next;
	return actor;
}

/* One block with copies of the strings. */
static struct actor *actor_new(const struct journal_actor *like, uint64_t image)
{
	const char *const from[] = {like->exe, like->argv, like->cwd, like->program, like->parent};
	size_t len = 0;
	for (size_t i = 0; i < sizeof from / sizeof *from; i++)
		len += strlen(from[i]) + 1;
	struct actor *actor = calloc(1, sizeof *actor + len);
	if (!actor)
		return NULL;
	actor->shown = *like;
	actor->image = image;
	const char **const to[] = {&actor->shown.exe, &actor->shown.argv, &actor->shown.cwd,
		&actor->shown.program, &actor->shown.parent};
	char *at = actor->text;
	for (size_t i = 0; i < sizeof from / sizeof *from; i++) {
		size_t size = strlen(from[i]) + 1;
		memcpy(at, from[i], size);
		*to[i] = at;
		at += size;
	}
	return actor;
}

/* Reads all about process pid, interns it. NULL: out of memory. /proc is asked about the thread:
 * the first one of the process may have ended, and says nothing then. */
static const struct actor *actors_intern(
	struct actors *actors, pid_t pid, pid_t thread, const struct proc_stat *st, const char *exe)
{
	char args[CMDLINE_MAX];
	char cwd[PATH_MAX];
	char program[PROGRAM_NAME_MAX];
	char parent[PROGRAM_NAME_MAX];
	ssize_t n = proc_read(thread, "cmdline", args, sizeof args);
	size_t len = n > 0 ? (size_t)n : 0;
	proc_link(thread, "cwd", cwd, sizeof cwd);
	program_name(exe, args, len, program);
	if (program[0] == '\0')
		(void)snprintf(program, sizeof program, "%s", st->name);
	parent_name(actors, thread, st->ppid, parent);
	struct str argv cleanup_str = STR_INIT;
	if (actors->count < ACTOR_ARGV_MAX)
		journal_mask_argv(&argv, args, len, JOURNAL_ARGV_MAX);
	struct actor *actor = actor_new(
		&(struct journal_actor){
			.pid = pid,
			.ppid = st->ppid,
			.start_time = st->start_time,
			.exe = exe,
			.argv = argv.p ? argv.p : "",
			.cwd = cwd,
			.program = program,
			.parent = parent,
		},
		st->image);
	if (!actor)
		return NULL;
	(void)pthread_mutex_lock(&actors->lock);
	struct actor *other = actors_find(actors, pid, st, exe);
	if (!other) {
		struct actor **bucket = actors_bucket(actors, pid, st->start_time);
		actor->next = *bucket;
		*bucket = actor;
		actors->count++;
	}
	(void)pthread_mutex_unlock(&actors->lock);
	if (!other)
		return actor;
	free(actor);
	return other;
}

const struct journal_actor *actors_get(struct actors *actors, pid_t pid)
{
	struct slot *slot = &actors->slots[(unsigned)pid % ACTOR_SLOTS];
	int64_t now = sys_time_ns(CLOCK_MONOTONIC);
	(void)pthread_mutex_lock(&actors->lock);
	struct slot seen = *slot;
	(void)pthread_mutex_unlock(&actors->lock);
	bool known = seen.pid == pid;
	if (known && now - seen.checked_ns < (int64_t)JOURNAL_ACTOR_MS * 1000000)
		return &seen.actor->shown;

	struct proc_stat thread;
	if (proc_stat(pid, &thread) < 0) {
		/* Killed while it waited: it is still who it was. */
		if (known)
			return &seen.actor->shown;
		thread = (struct proc_stat){0};
	}
	char exe[PATH_MAX];
	proc_link(pid, "exe", exe, sizeof exe);
	const struct actor *actor = seen.actor;
	if (!known || seen.start_time != thread.start_time || actor->image != thread.image ||
		strcmp(actor->shown.exe, exe) != 0) {
		pid_t leader = proc_leader(pid);
		struct proc_stat st = thread;
		if (leader != pid && proc_stat(leader, &st) < 0)
			st = thread;
		st.image = thread.image; /* 0 for a first thread that has ended */
		(void)pthread_mutex_lock(&actors->lock);
		actor = actors_find(actors, leader, &st, exe);
		(void)pthread_mutex_unlock(&actors->lock);
		if (!actor)
			actor = actors_intern(actors, leader, pid, &st, exe);
	}
	if (!actor)
		return NULL;
	(void)pthread_mutex_lock(&actors->lock);
	*slot = (struct slot){
		.pid = pid, .start_time = thread.start_time, .checked_ns = now, .actor = actor};
	(void)pthread_mutex_unlock(&actors->lock);
	return &actor->shown;
}
