/* SPDX-License-Identifier: MIT */
/*
 * The supervisor's store of descriptors: what a session pins lies here too, so that it outlives
 * the daemon. A hash table with open addressing; an entry is at most one descriptor.
 *
 * While the supervisor is stopped with its job (^Z) nothing is taken from the socket; a session
 * waits once the socket's buffer is full, and goes on when the job does.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <writfs/fdstore.h>
#include <writfs/hash.h>
#include <writfs/log.h>

#include "run_i.h"

#define STORE_SLOTS_MIN 64

enum slot_state { SLOT_EMPTY, SLOT_USED, SLOT_REMOVED };

struct slot {
	uint64_t nodeid;
	uint32_t root;
	enum slot_state state;
	int fd;
};

struct fdstore {
	struct slot *slots;
	size_t size;   /* a power of two */
	size_t filled; /* not SLOT_EMPTY */
	size_t count;
	unsigned long refused;
};

static size_t slot_of(const struct fdstore *s, uint32_t root, uint64_t nodeid)
{
	return (size_t)hash_u64(nodeid ^ ((uint64_t)root << 56)) & (s->size - 1);
}

/* The entry, or NULL. */
static struct slot *find(const struct fdstore *s, uint32_t root, uint64_t nodeid)
{
	for (size_t i = slot_of(s, root, nodeid);; i = (i + 1) & (s->size - 1)) {
		struct slot *slot = &s->slots[i];
		if (slot->state == SLOT_EMPTY)
			return NULL;
		if (slot->state == SLOT_USED && slot->root == root && slot->nodeid == nodeid)
			return slot;
	}
}

static void insert(struct fdstore *s, uint32_t root, uint64_t nodeid, int fd)
{
	size_t i = slot_of(s, root, nodeid);
	while (s->slots[i].state == SLOT_USED)
		i = (i + 1) & (s->size - 1);
	if (s->slots[i].state == SLOT_EMPTY)
		s->filled++;
	s->slots[i] = (struct slot){nodeid, root, SLOT_USED, fd};
	s->count++;
}

static int resize(struct fdstore *s, size_t size)
{
	struct fdstore grown = {.size = size};
	grown.slots = calloc(size, sizeof(*grown.slots));
	if (!grown.slots)
		return -ENOMEM;
	for (size_t i = 0; i < s->size; i++) {
		const struct slot *slot = &s->slots[i];
		if (slot->state == SLOT_USED)
			insert(&grown, slot->root, slot->nodeid, slot->fd);
	}
	free(s->slots);
	grown.refused = s->refused;
	*s = grown;
	return 0;
}

int fdstore_new(struct fdstore **ret)
{
	cleanup_with(fdstore_freep) struct fdstore *s = calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	int r = resize(s, STORE_SLOTS_MIN);
	if (r < 0)
		return r;
	*ret = steal_ptr(&s);
	return 0;
}

/* Takes fd over. */
static void put(struct fdstore *s, uint32_t root, uint64_t nodeid, int fd)
{
	struct slot *slot = find(s, root, nodeid);
	if (slot) {
		(void)fd_close(slot->fd);
		slot->fd = fd;
		return;
	}
	/* Half full at most, removed entries counted: searches stay short, and end. */
	if (s->count >= FDSTORE_MAX ||
		(2 * (s->filled + 1) > s->size &&
			resize(s, 4 * (s->count + 1) > s->size ? 2 * s->size : s->size) < 0)) {
		if (s->refused++ == 0)
			log_warning("descriptor store is full: %zu", s->count);
		(void)fd_close(fd);
		return;
	}
	insert(s, root, nodeid, fd);
}

static void drop(struct fdstore *s, uint32_t root, uint64_t nodeid)
{
	struct slot *slot = find(s, root, nodeid);
	if (!slot)
		return;
	slot->fd = fd_close(slot->fd);
	slot->state = SLOT_REMOVED;
	s->count--;
}

static int take_fd(struct msghdr *msg)
{
	int fd = -1;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		(void)fd_close(fd);
		memcpy(&fd, CMSG_DATA(c), sizeof(fd));
	}
	return fd;
}

int fdstore_receive(struct fdstore *s, int socket)
{
	for (;;) {
		struct fdstore_message m;
		union {
			struct cmsghdr align;
			char buf[CMSG_SPACE(sizeof(int))];
		} control;
		struct iovec iov = {&m, sizeof(m)};
		struct msghdr msg = {.msg_iov = &iov,
			.msg_iovlen = 1,
			.msg_control = &control,
			.msg_controllen = sizeof(control)};
		ssize_t n = recvmsg(socket, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN ? 0 : -errno;
		if (n == 0)
			return -EPIPE;
		cleanup_fd int fd = take_fd(&msg);
		if (n != (ssize_t)sizeof(m))
			continue;
		if (m.op == FDSTORE_PUT && fd >= 0)
			put(s, m.root, m.nodeid, steal_fd(&fd));
		else if (m.op == FDSTORE_DROP)
			drop(s, m.root, m.nodeid);
	}
}

int fdstore_get(const struct fdstore *s, uint32_t root, uint64_t nodeid)
{
	const struct slot *slot = find(s, root, nodeid);
	return slot ? slot->fd : -1;
}

size_t fdstore_count(const struct fdstore *s)
{
	return s->count;
}

void fdstore_free(struct fdstore *s)
{
	if (!s)
		return;
	for (size_t i = 0; s->slots && i < s->size; i++) {
		if (s->slots[i].state == SLOT_USED)
			(void)fd_close(s->slots[i].fd);
	}
	free(s->slots);
	free(s);
}

void fdstore_freep(struct fdstore **s)
{
	fdstore_free(*s);
}
