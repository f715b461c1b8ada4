/* SPDX-License-Identifier: MIT */
/*
 * journal.ring: a shared mapping, so that a record which was put is in the page cache and outlives
 * the process. Layout: one page of head, then JOURNAL_RING_BYTES of records, each a header of 32
 * bytes and its body, rounded up to 32, so that a header never lies across the end.
 *
 * A record exists when head has passed it, and head is stored after its bytes. A kill between the
 * two leaves garbage beyond head, which the next record overwrites. A power cut can leave anything:
 * every record carries its own checksum, and the first that fails ends the reading.
 *
 * The blocks are allocated at the start: a store to a hole of a full disk would be SIGBUS.
 */
#include "journal_i.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <writfs/cleanup.h>
#include <writfs/hash.h>
#include <writfs/log.h>
#include <writfs/sys.h>

#define RING_MAGIC 0x31474e4952544957ULL /* "WITRING1" */
#define RING_PAGE 4096u
#define RING_BYTES (RING_PAGE + JOURNAL_RING_BYTES)
#define RING_RECORD_MAGIC 0x5ec04d3aU
#define RING_ALIGN 32u

struct ring_head {
	uint64_t magic;
	uint64_t size;
	/* On cache lines of their own: producers and the consumer write them in turn. */
	char line0[48];
	_Atomic uint64_t head;
	char line1[56];
	_Atomic uint64_t tail;
};
_Static_assert(sizeof(struct ring_head) <= RING_PAGE, "the head has one page");

struct ring_record {
	uint32_t magic;
	uint32_t len;
	uint64_t seq;
	int64_t time_ns;
	uint64_t check;
};
_Static_assert(sizeof(struct ring_record) == RING_ALIGN, "headers never wrap");
_Static_assert(JOURNAL_RING_BYTES % RING_ALIGN == 0, "headers never wrap");

static uint64_t ring_check(const struct ring_record *record, const char *body)
{
	uint64_t seed = hash_u64(record->seq) ^ hash_u64((uint64_t)record->time_ns + record->len);
	return hash_bytes(body, record->len, seed);
}

static uint64_t ring_span(size_t len)
{
	return sizeof(struct ring_record) + (len + RING_ALIGN - 1) / RING_ALIGN * RING_ALIGN;
}

static void ring_copy_in(struct ring *ring, uint64_t at, const char *p, size_t len)
{
	size_t start = (size_t)(at % JOURNAL_RING_BYTES);
	size_t first = JOURNAL_RING_BYTES - start < len ? JOURNAL_RING_BYTES - start : len;
	memcpy(ring->data + start, p, first);
	memcpy(ring->data, p + first, len - first);
}

static void ring_copy_out(const struct ring *ring, uint64_t at, char *p, size_t len)
{
	size_t start = (size_t)(at % JOURNAL_RING_BYTES);
	size_t first = JOURNAL_RING_BYTES - start < len ? JOURNAL_RING_BYTES - start : len;
	memcpy(p, ring->data + start, first);
	memcpy(p + first, ring->data, len - first);
}

/* True if the file behind fd is a whole ring of ours. */
static bool ring_is_whole(int fd)
{
	struct ring_head head;
	struct stat st;
	return fstat(fd, &st) == 0 && st.st_size == RING_BYTES &&
	       pread(fd, &head, sizeof head, 0) == (ssize_t)sizeof head &&
	       head.magic == RING_MAGIC && head.size == JOURNAL_RING_BYTES &&
	       head.tail <= head.head && head.head - head.tail <= JOURNAL_RING_BYTES;
}

/* Makes an empty ring in fd. */
static int ring_format(int fd)
{
	if (ftruncate(fd, 0) < 0)
		return -errno;
	int r = posix_fallocate(fd, 0, RING_BYTES);
	if (r != 0)
		return -r;
	struct ring_head head = {.magic = RING_MAGIC, .size = JOURNAL_RING_BYTES};
	if (pwrite(fd, &head, sizeof head, 0) != (ssize_t)sizeof head)
		return -EIO;
	return 0;
}

int ring_open(int dirfd, bool read_only, struct ring *ret, struct err *e)
{
	int flags = read_only ? O_RDONLY : O_RDWR | O_CREAT;
	int fd cleanup_fd = sys_open_at(dirfd, JOURNAL_RING, flags, 0600);
	if (fd < 0)
		return err_errno(e, -fd, "%s", JOURNAL_RING);
	if (!ring_is_whole(fd)) {
		if (read_only)
			return err_set(e, ENOENT, "%s: nothing in it", JOURNAL_RING);
		struct stat st;
		if (fstat(fd, &st) == 0 && st.st_size > 0)
			log_warning("%s: not usable, starting a new one", JOURNAL_RING);
		int r = ring_format(fd);
		if (r < 0)
			return err_errno(e, -r, "cannot make %s", JOURNAL_RING);
	}
	int prot = read_only ? PROT_READ : PROT_READ | PROT_WRITE;
	void *map = mmap(NULL, RING_BYTES, prot, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		return err_errno(e, errno, "cannot map %s", JOURNAL_RING);
	*ret = (struct ring){.head = map, .data = (unsigned char *)map + RING_PAGE};
	return 0;
}

void ring_close(struct ring *ring)
{
	if (ring->head)
		(void)munmap(ring->head, RING_BYTES);
	*ring = (struct ring){0};
}

uint64_t ring_head(const struct ring *ring)
{
	return atomic_load_explicit(&ring->head->head, memory_order_acquire);
}

uint64_t ring_tail(const struct ring *ring)
{
	return atomic_load_explicit(&ring->head->tail, memory_order_acquire);
}

bool ring_put(struct ring *ring, const struct ring_item *item, const char *body)
{
	uint64_t at = ring_head(ring);
	uint64_t span = ring_span(item->len);
	if (at - ring_tail(ring) + span > JOURNAL_RING_BYTES)
		return false;
	struct ring_record record = {
		.magic = RING_RECORD_MAGIC,
		.len = (uint32_t)item->len,
		.seq = item->seq,
		.time_ns = item->time_ns,
	};
	record.check = ring_check(&record, body);
	ring_copy_in(ring, at, (const char *)&record, sizeof record);
	ring_copy_in(ring, at + sizeof record, body, item->len);
	atomic_store_explicit(&ring->head->head, at + span, memory_order_release);
	return true;
}

int ring_get(const struct ring *ring, uint64_t at, struct ring_item *item, char *body,
	uint64_t *ret_next)
{
	struct ring_record record;
	ring_copy_out(ring, at, (char *)&record, sizeof record);
	if (record.magic != RING_RECORD_MAGIC || record.len > JOURNAL_BODY_MAX ||
		ring_span(record.len) > ring_head(ring) - at)
		return -EBADMSG;
	ring_copy_out(ring, at + sizeof record, body, record.len);
	if (ring_check(&record, body) != record.check)
		return -EBADMSG;
	*item = (struct ring_item){.seq = record.seq, .time_ns = record.time_ns, .len = record.len};
	*ret_next = at + ring_span(record.len);
	return 0;
}

void ring_set_tail(struct ring *ring, uint64_t tail)
{
	atomic_store_explicit(&ring->head->tail, tail, memory_order_release);
}
