/* SPDX-License-Identifier: MIT */
/*
 * Differential fuzzer: the same random system calls, by several processes and threads, on a plain
 * directory and on another one that should behave the same (a writfs mount). Every result is
 * compared, and after each batch both trees as a whole.
 *
 *   diff_fuzz populate SEED DIR               fills DIR; equal trees for equal seeds
 *   diff_fuzz run [-s SEED] [-b BATCHES] [-n CALLS] [-p PROCESSES] [-t THREADS] [-x KINDS]
 *                 [-o FILE] PLAIN OTHER       fuzzes; the calls go to FILE
 *   diff_fuzz replay [-x KINDS] FILE PLAIN OTHER   the calls of FILE, one after the other
 *   diff_fuzz compare A B                     the two trees
 *   diff_fuzz shrink FILE COMMAND             leaves calls out of FILE as long as COMMAND FILE
 * fails
 *
 * -x: where EXDEV from OTHER is an answer: "" nowhere, d: rename of a directory, l: link, r: any
 * rename. 0: equal; 1: a difference, on standard error; 2: bad use; 3: could not run.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "../support/snapshot.h"
#include "diff_op.h"

#define WORKERS_MAX 8
#define CALLS_MAX 5000
#define TEXT_MAX 2048

/* Seen by all processes. */
struct shared {
	int failed;
	char text[TEXT_MAX];
	unsigned counts[WORKERS_MAX];
	unsigned succeeded;
	struct diff_op ops[];
};

struct fuzz {
	uint64_t seed;
	unsigned batches, calls, processes, threads;
	const char *exdev;
	const char *roots[2];
	int fds[2];
	struct shared *shared;
	FILE *out;
};

struct worker {
	struct fuzz *fuzz;
	unsigned number;
	unsigned batch;
};

static void fuzz_fail(struct fuzz *f, const char *text)
{
	int none = 0;
	if (__atomic_compare_exchange_n(
		    &f->shared->failed, &none, 1, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
		(void)snprintf(f->shared->text, TEXT_MAX, "%s", text);
}

static bool may_be_exdev(const struct fuzz *f, const struct diff_op *op)
{
	struct stat st;
	if (op->kind == DIFF_LINK)
		return strchr(f->exdev, 'l') != NULL;
	if (op->kind != DIFF_RENAME)
		return false;
	if (strchr(f->exdev, 'r'))
		return true;
	bool dir =
		fstatat(f->fds[0], op->path, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode);
	if (!dir && (op->flags & RENAME_EXCHANGE))
		dir = fstatat(f->fds[0], op->path2, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		      S_ISDIR(st.st_mode);
	return dir && strchr(f->exdev, 'd');
}

/* The call on both; false: they differ. */
static bool call_both(struct fuzz *f, struct diff_side sides[2], const struct diff_op *op)
{
	bool exdev_ok = may_be_exdev(f, op);
	struct diff_result other = diff_op_run(&sides[1], op);
	if (other.value == -EXDEV && exdev_ok)
		return true;
	struct diff_result plain = diff_op_run(&sides[0], op);
	if (plain.value >= 0)
		__atomic_fetch_add(&f->shared->succeeded, 1, __ATOMIC_RELAXED);
	if (plain.value == other.value && plain.hash == other.hash && !other.broken)
		return true;
	char text[TEXT_MAX];
	char *line = NULL;
	size_t len = 0;
	FILE *stream = open_memstream(&line, &len);
	if (stream) {
		diff_op_print(stream, op);
		(void)fclose(stream);
	}
	(void)snprintf(text, sizeof text, "%splain: %ld (%s), other: %ld (%s)%s%s\n",
		line ? line : "", plain.value, plain.value < 0 ? strerror((int)-plain.value) : "ok",
		other.value, other.value < 0 ? strerror((int)-other.value) : "ok",
		plain.hash != other.hash ? "; what came back differs" : "",
		other.broken ? "; inode numbers or offsets are not stable" : "");
	free(line);
	fuzz_fail(f, text);
	return false;
}

static void *worker_run(void *arg)
{
	struct worker *w = arg;
	struct fuzz *f = w->fuzz;
	struct diff_side sides[2];
	struct random r = {f->seed * 1000003 + w->batch * 1009 + w->number};
	struct diff_op *ops = f->shared->ops + (size_t)w->number * f->calls;
	for (int i = 0; i < 2; i++)
		diff_side_init(&sides[i], f->roots[i], f->fds[i]);
	for (unsigned i = 0; i < f->calls && !__atomic_load_n(&f->shared->failed, __ATOMIC_RELAXED);
		i++) {
		diff_op_draw(&r, w->number, &sides[0], &ops[i]);
		f->shared->counts[w->number] = i + 1;
		if (!call_both(f, sides, &ops[i]))
			break;
	}
	diff_side_close(&sides[0]);
	diff_side_close(&sides[1]);
	return NULL;
}

static void process_run(struct fuzz *f, unsigned number, unsigned batch)
{
	pthread_t threads[WORKERS_MAX];
	struct worker workers[WORKERS_MAX];
	for (unsigned i = 0; i < f->threads; i++) {
		workers[i] = (struct worker){f, number * f->threads + i, batch};
		if (pthread_create(&threads[i], NULL, worker_run, &workers[i]) != 0)
			fuzz_fail(f, "no thread\n");
	}
	for (unsigned i = 0; i < f->threads; i++)
		(void)pthread_join(threads[i], NULL);
	_exit(0);
}

static bool compare_trees(const int fds[2], char *text, size_t size)
{
	struct snapshot a = {0};
	struct snapshot b = {0};
	unsigned what = SNAPSHOT_OWNERS | SNAPSHOT_OLD_MTIME | SNAPSHOT_ALL_XATTRS;
	int r = snapshot_take(fds[0], NULL, what, &a);
	if (r == 0)
		r = snapshot_take(fds[1], NULL, what, &b);
	if (r < 0)
		(void)snprintf(text, size, "reading the trees: %s\n", strerror(-r));
	bool equal = r == 0 && snapshot_equal(&a, &b, text, size);
	snapshot_free(&a);
	snapshot_free(&b);
	return equal;
}

/* The calls of all workers, one worker after the other: they do not meet. */
static void write_calls(struct fuzz *f)
{
	for (unsigned w = 0; f->out && w < f->processes * f->threads; w++) {
		for (unsigned i = 0; i < f->shared->counts[w]; i++)
			diff_op_print(f->out, &f->shared->ops[(size_t)w * f->calls + i]);
		/* What a worker has open ends with its batch. */
		for (int slot = 0; slot < DIFF_SLOTS; slot++)
			diff_op_print(f->out,
				&(struct diff_op){.worker = w, .kind = DIFF_CLOSE, .slot = slot});
	}
	if (f->out)
		(void)fflush(f->out);
}

static bool batch_run(struct fuzz *f, unsigned batch)
{
	pid_t pids[WORKERS_MAX];
	memset(f->shared->counts, 0, sizeof f->shared->counts);
	for (unsigned i = 0; i < f->processes; i++) {
		pids[i] = fork();
		if (pids[i] == 0)
			process_run(f, i, batch);
	}
	for (unsigned i = 0; i < f->processes; i++) {
		int status = 0;
		if (pids[i] < 0 || waitpid(pids[i], &status, 0) < 0 || status != 0) {
			char text[64];
			(void)snprintf(text, sizeof text, "a worker died (status %#x)\n", status);
			fuzz_fail(f, text);
		}
	}
	write_calls(f);
	char text[TEXT_MAX] = "";
	if (!f->shared->failed && !compare_trees(f->fds, text, sizeof text - 1)) {
		strcat(text, "\n");
		fuzz_fail(f, text);
	}
	return !f->shared->failed;
}

static bool open_roots(struct fuzz *f, char **paths)
{
	for (int i = 0; i < 2; i++) {
		f->roots[i] = paths[i];
		f->fds[i] = open(paths[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (f->fds[i] < 0) {
			(void)fprintf(stderr, "diff_fuzz: %s: %s\n", paths[i], strerror(errno));
			return false;
		}
	}
	return true;
}

static int fuzz_run(struct fuzz *f)
{
	size_t workers = (size_t)f->processes * f->threads;
	size_t size = sizeof *f->shared + workers * f->calls * sizeof *f->shared->ops;
	f->shared = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (f->shared == MAP_FAILED)
		return 3;
	(void)umask(022);
	unsigned batch = 0;
	while (batch < f->batches && batch_run(f, batch))
		batch++;
	if (f->shared->failed)
		(void)fprintf(stderr, "diff_fuzz: seed %llu, batch %u:\n%s",
			(unsigned long long)f->seed, batch, f->shared->text);
	else
		(void)printf("seed %llu: %u calls succeeded on both sides, equal\n",
			(unsigned long long)f->seed, f->shared->succeeded);
	return f->shared->failed;
}

static int replay(struct fuzz *f, const char *file)
{
	static struct shared shared;
	struct diff_side sides[WORKERS_MAX][2];
	char line[6 * DIFF_PATH_MAX];
	FILE *in = fopen(file, "re");
	if (!in)
		return 3;
	f->shared = &shared;
	(void)umask(022);
	for (unsigned i = 0; i < 2 * WORKERS_MAX; i++)
		diff_side_init(&sides[i / 2][i % 2], f->roots[i % 2], f->fds[i % 2]);
	while (!shared.failed && fgets(line, sizeof line, in)) {
		struct diff_op op;
		if (diff_op_parse(line, &op) && op.worker < WORKERS_MAX)
			(void)call_both(f, sides[op.worker], &op);
	}
	(void)fclose(in);
	for (unsigned i = 0; i < 2 * WORKERS_MAX; i++)
		diff_side_close(&sides[i / 2][i % 2]);
	if (!shared.failed && !compare_trees(f->fds, shared.text, TEXT_MAX))
		shared.failed = 1;
	if (shared.failed)
		(void)fprintf(stderr, "diff_fuzz: %s\n", shared.text);
	return shared.failed;
}

static int compare(const int fds[2])
{
	char text[TEXT_MAX] = "";
	if (compare_trees(fds, text, sizeof text))
		return 0;
	(void)fprintf(stderr, "diff_fuzz: the trees differ:\n%s\n", text);
	return 1;
}

static int usage(void)
{
	(void)fprintf(stderr, "diff_fuzz: bad use, see the head of diff_fuzz.c\n");
	return 2;
}

static bool parse_options(struct fuzz *f, int argc, char **argv)
{
	int c;
	while ((c = getopt(argc, argv, "s:b:n:p:t:x:o:")) != -1) {
		unsigned long n = optarg ? strtoul(optarg, NULL, 10) : 0;
		switch (c) {
		case 's':
			f->seed = n;
			break;
		case 'b':
			f->batches = (unsigned)n;
			break;
		case 'n':
			f->calls = (unsigned)n;
			break;
		case 'p':
			f->processes = (unsigned)n;
			break;
		case 't':
			f->threads = (unsigned)n;
			break;
		case 'x':
			f->exdev = optarg;
			break;
		case 'o':
			f->out = fopen(optarg, "we");
			break;
		default:
			return false;
		}
	}
	return f->processes && f->threads && f->processes * f->threads <= WORKERS_MAX &&
	       f->calls <= CALLS_MAX;
}

int main(int argc, char **argv)
{
	struct fuzz f = {
		.seed = 1, .batches = 4, .calls = 300, .processes = 2, .threads = 2, .exdev = ""};
	if (argc < 3)
		return usage();
	const char *command = argv[1];
	/* A write into a FIFO that nobody reads is a call like any other. */
	(void)signal(SIGPIPE, SIG_IGN);
	diff_catch_bus_errors();
	if (!parse_options(&f, argc - 1, argv + 1))
		return usage();
	char **rest = argv + 1 + optind;
	int count = argc - 1 - optind;
	if (strcmp(command, "populate") == 0 && count == 2)
		return diff_populate(strtoull(rest[0], NULL, 10), rest[1]);
	if (strcmp(command, "shrink") == 0 && count == 2)
		return diff_shrink(rest[0], rest[1]);
	if (strcmp(command, "replay") == 0 && count == 3)
		return open_roots(&f, rest + 1) ? replay(&f, rest[0]) : 3;
	if (count != 2)
		return usage();
	if (!open_roots(&f, rest))
		return 3;
	if (strcmp(command, "run") == 0)
		return fuzz_run(&f);
	return strcmp(command, "compare") == 0 ? compare(f.fds) : usage();
}
