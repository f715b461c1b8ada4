/* SPDX-License-Identifier: MIT */
/*
 * The journal as a whole: request threads encode and put records into the ring under one short
 * lock, a writer thread moves them to the file in batches, a third one syncs the file.
 *
 * The ring, not the file, is what keeps a record through a kill; so the writer may take its time
 * (JOURNAL_BATCH_MS) and needs no wake-up for each record. Syncing has a thread of its own, because
 * fdatasync can take seconds on a busy disk, and a full ring would stop the program.
 *
 * When the file cannot be written, records stay in the ring and the writer tries again; only when
 * half the ring is full does it drop the oldest, counted, rather than stop the program for ever.
 * What is in the ring at the end stays there for the next journal_open.
 */
#include "journal_i.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <writfs/cleanup.h>
#include <writfs/log.h>
#include <writfs/sys.h>

#define JOURNAL_BATCH_MS 20
#define JOURNAL_RETRY_MS 250
/* From a record's append to its sync: the batch's wait counts too. */
#define JOURNAL_SYNC_WAIT_MS (JOURNAL_SYNC_MS - 2 * JOURNAL_BATCH_MS)
/* Most records fit into this much of the stack. */
#define JOURNAL_SMALL_BODY 4096

struct journal {
	int dirfd; /* borrowed */
	struct actors *actors;

	pthread_mutex_t lock; /* all below; the file is the writer thread's alone */
	pthread_cond_t work;  /* the writer: something to do */
	pthread_cond_t moved; /* room in the ring, records in the file */
	pthread_cond_t dirt;  /* the syncer */
	struct ring ring;
	struct journal_file file;
	uint64_t next_seq;
	bool idle;   /* the writer waits for the first record */
	bool urgent; /* the writer shall not wait for more */
	bool stopping;
	bool stalled; /* the last try to write failed */
	bool dirty;   /* written and not synced */
	int error;    /* first one, positive */
	uint64_t lost;

	bool writer_runs, syncer_runs;
	pthread_t writer, syncer;
};

static void cond_wait_ms(pthread_cond_t *cond, pthread_mutex_t *lock, unsigned ms)
{
	int64_t until = sys_time_ns(CLOCK_MONOTONIC) + (int64_t)ms * 1000000;
	struct timespec ts = {(time_t)(until / 1000000000), (long)(until % 1000000000)};
	(void)pthread_cond_timedwait(cond, lock, &ts);
}

static uint64_t journal_waiting(const struct journal *j)
{
	return ring_head(&j->ring) - ring_tail(&j->ring);
}

/* With the lock held: the oldest record is given up. */
static void journal_drop_oldest(struct journal *j)
{
	char *body cleanup_free = malloc(JOURNAL_BODY_MAX);
	uint64_t tail = ring_tail(&j->ring);
	struct ring_item item;
	if (!body)
		return;
	if (ring_get(&j->ring, tail, &item, body, &tail) < 0)
		tail = ring_head(&j->ring);
	ring_set_tail(&j->ring, tail);
	j->lost++;
}

/* One batch. The lock is held on entry and exit. */
static void journal_write_batch(struct journal *j)
{
	uint64_t tail = ring_tail(&j->ring);
	uint64_t head = ring_head(&j->ring);
	(void)pthread_mutex_unlock(&j->lock);
	uint64_t seq = 0; /* in a running journal every record of the ring is new */
	uint64_t done = tail;
	int r = journal_file_drain(&j->file, &j->ring, tail, head, &seq, &done);
	(void)pthread_mutex_lock(&j->lock);
	if (done != tail) {
		ring_set_tail(&j->ring, done);
		if (!j->dirty)
			(void)pthread_cond_signal(&j->dirt);
		j->dirty = true;
	}
	/* What went in at a later try is no loss to speak of. */
	if (r == 0 && j->stalled && !j->lost)
		j->error = 0;
	j->stalled = r < 0;
	if (r < 0) {
		if (!j->error) {
			j->error = -r;
			log_error("cannot write %s: errno %d", JOURNAL_FILE, -r);
		}
		while (journal_waiting(j) > JOURNAL_RING_BYTES / 2)
			journal_drop_oldest(j);
	}
	(void)pthread_cond_broadcast(&j->moved);
}

static void *journal_writer(void *arg)
{
	struct journal *j = arg;
	(void)pthread_mutex_lock(&j->lock);
	for (;;) {
		while (journal_waiting(j) == 0 && !j->stopping) {
			j->idle = true;
			(void)pthread_cond_wait(&j->work, &j->lock);
			j->idle = false;
		}
		if (journal_waiting(j) == 0)
			break;
		if (!j->urgent && !j->stopping)
			cond_wait_ms(&j->work, &j->lock,
				j->stalled ? JOURNAL_RETRY_MS : JOURNAL_BATCH_MS);
		j->urgent = false;
		bool last = j->stopping;
		journal_write_batch(j);
		if (last && j->stalled)
			break; /* what is left waits in the ring for the next open */
	}
	(void)pthread_mutex_unlock(&j->lock);
	return NULL;
}

static void *journal_syncer(void *arg)
{
	struct journal *j = arg;
	(void)pthread_mutex_lock(&j->lock);
	while (!j->stopping) {
		if (!j->dirty) {
			(void)pthread_cond_wait(&j->dirt, &j->lock);
			continue;
		}
		cond_wait_ms(&j->dirt, &j->lock, JOURNAL_SYNC_WAIT_MS);
		j->dirty = false;
		(void)pthread_mutex_unlock(&j->lock);
		int errnum = fdatasync(j->file.fd) < 0 ? errno : 0;
		(void)pthread_mutex_lock(&j->lock);
		if (errnum && !j->error)
			j->error = errnum;
	}
	(void)pthread_mutex_unlock(&j->lock);
	return NULL;
}

/* Signals are for the daemon's main thread. */
static int journal_start_threads(struct journal *j)
{
	sigset_t all;
	sigset_t old;
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &old);
	int r = pthread_create(&j->writer, NULL, journal_writer, j);
	j->writer_runs = r == 0;
	if (r == 0)
		r = pthread_create(&j->syncer, NULL, journal_syncer, j);
	j->syncer_runs = j->writer_runs && r == 0;
	(void)pthread_sigmask(SIG_SETMASK, &old, NULL);
	return -r;
}

/* Brings what a killed daemon left in the ring into the file. */
static int journal_recover(struct journal *j, uint64_t *seq, struct err *e)
{
	uint64_t head = ring_head(&j->ring);
	uint64_t done = ring_tail(&j->ring);
	int r = journal_file_drain(&j->file, &j->ring, done, head, seq, &done);
	ring_set_tail(&j->ring, done);
	return r < 0 ? err_errno(e, -r, "cannot write %s", JOURNAL_FILE) : 0;
}

static struct journal *journal_new(int dirfd)
{
	struct journal *j = calloc(1, sizeof *j);
	if (!j)
		return NULL;
	j->dirfd = dirfd;
	j->file.fd = -1;
	pthread_condattr_t monotonic;
	(void)pthread_condattr_init(&monotonic);
	(void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	(void)pthread_mutex_init(&j->lock, NULL);
	(void)pthread_cond_init(&j->work, &monotonic);
	(void)pthread_cond_init(&j->moved, &monotonic);
	(void)pthread_cond_init(&j->dirt, &monotonic);
	(void)pthread_condattr_destroy(&monotonic);
	return j;
}

static void journal_stop_threads(struct journal *j)
{
	(void)pthread_mutex_lock(&j->lock);
	j->stopping = true;
	(void)pthread_cond_broadcast(&j->work);
	(void)pthread_cond_broadcast(&j->dirt);
	(void)pthread_mutex_unlock(&j->lock);
	if (j->writer_runs)
		(void)pthread_join(j->writer, NULL);
	if (j->syncer_runs)
		(void)pthread_join(j->syncer, NULL);
}

static void journal_free(struct journal *j)
{
	ring_close(&j->ring);
	j->file.fd = fd_close(j->file.fd);
	actors_free(j->actors);
	(void)pthread_cond_destroy(&j->work);
	(void)pthread_cond_destroy(&j->moved);
	(void)pthread_cond_destroy(&j->dirt);
	(void)pthread_mutex_destroy(&j->lock);
	free(j);
}

int journal_open(int dirfd, struct journal **ret, struct err *e)
{
	struct journal *j = journal_new(dirfd);
	if (!j)
		return err_errno(e, ENOMEM, "%s", JOURNAL_FILE);
	uint64_t seq = 0;
	int r = journal_file_open(dirfd, &j->file, &seq, e);
	if (r == 0)
		r = ring_open(dirfd, false, &j->ring, e);
	if (r == 0)
		r = journal_recover(j, &seq, e);
	if (r == 0 && actors_create(&j->actors) < 0)
		r = err_errno(e, ENOMEM, "%s", JOURNAL_FILE);
	j->next_seq = seq + 1;
	if (r == 0) {
		r = journal_start_threads(j);
		if (r < 0)
			(void)err_errno(e, -r, "cannot start the journal's threads");
	}
	if (r < 0) {
		journal_stop_threads(j);
		journal_free(j);
		return r;
	}
	*ret = j;
	return 0;
}

int journal_close(struct journal *j)
{
	if (!j)
		return 0;
	journal_stop_threads(j);
	if (fdatasync(j->file.fd) < 0 && !j->error)
		j->error = errno;
	/* Everything is in the file and on the disk: the ring has done its work. */
	if (!j->error && journal_waiting(j) == 0)
		(void)unlinkat(j->dirfd, JOURNAL_RING, 0);
	if (j->lost)
		log_error("%s: %llu records could not be written", JOURNAL_FILE,
			(unsigned long long)j->lost);
	int error = j->error;
	journal_free(j);
	return -error;
}

/* With the lock held, until there is room. */
static void journal_put(struct journal *j, int64_t now, const char *body, size_t len)
{
	struct ring_item item = {.time_ns = now, .len = len};
	for (;;) {
		item.seq = j->next_seq;
		if (ring_put(&j->ring, &item, body))
			break;
		j->urgent = true;
		(void)pthread_cond_signal(&j->work);
		(void)pthread_cond_wait(&j->moved, &j->lock);
	}
	j->next_seq++;
	bool pressing = !j->urgent && !j->stalled && journal_waiting(j) > JOURNAL_RING_BYTES / 2;
	j->urgent |= pressing;
	if (pressing || j->idle)
		(void)pthread_cond_signal(&j->work);
	j->idle = false;
}

static void journal_append_body(struct journal *j, const char *body, ssize_t len)
{
	int64_t now = sys_time_ns(CLOCK_REALTIME);
	(void)pthread_mutex_lock(&j->lock);
	if (len >= 0)
		journal_put(j, now, body, (size_t)len);
	else
		j->lost++;
	if (len < 0 && !j->error)
		j->error = (int)-len;
	(void)pthread_mutex_unlock(&j->lock);
}

void journal_append(struct journal *j, const struct journal_record *record)
{
	char small[JOURNAL_SMALL_BODY];
	ssize_t len = journal_encode(record, false, small, sizeof small);
	if (len >= 0) {
		journal_append_body(j, small, len);
		return;
	}
	char *large cleanup_free = malloc(JOURNAL_BODY_MAX);
	if (!large) {
		journal_append_body(j, NULL, -ENOMEM);
		return;
	}
	len = journal_encode(record, false, large, JOURNAL_BODY_MAX);
	if (len < 0)
		len = journal_encode(record, true, large, JOURNAL_BODY_MAX);
	journal_append_body(j, large, len);
}

void journal_flush(struct journal *j)
{
	(void)pthread_mutex_lock(&j->lock);
	uint64_t head = ring_head(&j->ring);
	while (ring_tail(&j->ring) < head && !j->stalled) {
		j->urgent = true;
		(void)pthread_cond_signal(&j->work);
		(void)pthread_cond_wait(&j->moved, &j->lock);
	}
	(void)pthread_mutex_unlock(&j->lock);
}

const struct journal_actor *journal_actor_get(struct journal *j, pid_t pid)
{
	return pid > 0 ? actors_get(j->actors, pid) : NULL;
}
