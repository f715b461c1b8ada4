/* SPDX-License-Identifier: MIT */
/*
 * Pinned descriptors also lie in the supervisor's store, so that a restarted daemon has them. Most
 * pins live for microseconds (rm -rf: unlink, FORGET), so one is handed over only when it is
 * PIN_AGE_MS old; what is forgotten earlier never leaves the daemon. One thread sends, in order.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>

#include <writfs/fdstore.h>

#include "fuse_i.h"

#define PIN_AGE_MS 100

struct pin {
	struct pin *next;
	struct fdstore_message message;
	slot_t slot;
	enum fd_kind kind;
	uint64_t serial;
	int64_t due_ns;
};

struct pins {
	struct session *s;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	struct pin *first, **last;
	bool stop;
};

static void send_message(int socket, const struct fdstore_message *message, int fd)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = {0};
	struct iovec iov = {(void *)(uintptr_t)message, sizeof *message};
	struct msghdr header = {.msg_iov = &iov, .msg_iovlen = 1};
	if (fd >= 0) {
		header.msg_control = control.bytes;
		header.msg_controllen = sizeof control.bytes;
		struct cmsghdr *c = CMSG_FIRSTHDR(&header);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof fd);
		memcpy(CMSG_DATA(c), &fd, sizeof fd);
	}
	while (sendmsg(socket, &header, MSG_NOSIGNAL) < 0)
		if (errno != EINTR) {
			log_warning("descriptor store: %s", strerror(errno));
			return;
		}
}

static void send_pin(struct pins *p, const struct pin *pin)
{
	struct fd_ref ref cleanup_fd_ref = FD_REF_INIT;
	if (pin->message.op == FDSTORE_DROP) {
		send_message(p->s->o.fd_store, &pin->message, -1);
		return;
	}
	struct fdstore_message message = pin->message;
	message.nodeid = table_ino(p->s->table, pin->slot);
	/* Still pinned: it lives longer than a removal takes. */
	if (fds_mark_stored(p->s->fds, pin->slot, pin->kind, pin->serial, message.nodeid, &ref))
		return;
	send_message(p->s->o.fd_store, &message, ref.fd);
}

static void wait_for(struct pins *p, const struct pin *pin)
{
	struct timespec due = {pin->due_ns / 1000000000, pin->due_ns % 1000000000};
	(void)pthread_cond_timedwait(&p->wake, &p->lock, &due);
}

static void *pins_main(void *arg)
{
	struct pins *p = arg;
	(void)pthread_mutex_lock(&p->lock);
	while (!p->stop) {
		struct pin *pin = p->first;
		if (!pin) {
			(void)pthread_cond_wait(&p->wake, &p->lock);
			continue;
		}
		if (pin->due_ns > sys_time_ns(CLOCK_MONOTONIC)) {
			wait_for(p, pin);
			continue;
		}
		p->first = pin->next;
		if (!p->first)
			p->last = &p->first;
		(void)pthread_mutex_unlock(&p->lock);
		send_pin(p, pin);
		free(pin);
		(void)pthread_mutex_lock(&p->lock);
	}
	(void)pthread_mutex_unlock(&p->lock);
	return NULL;
}

static void push(struct pins *p, uint32_t op, uint64_t nodeid, slot_t slot, enum fd_kind kind,
	uint64_t serial)
{
	struct pin *pin = p ? calloc(1, sizeof *pin) : NULL;
	if (!pin)
		return;
	*pin = (struct pin){.message = {op, (uint32_t)p->s->o.root, nodeid},
		.slot = slot,
		.kind = kind,
		.serial = serial,
		.due_ns = sys_time_ns(CLOCK_MONOTONIC) + PIN_AGE_MS * 1000000LL};
	(void)pthread_mutex_lock(&p->lock);
	*p->last = pin;
	p->last = &pin->next;
	if (p->first == pin)
		(void)pthread_cond_signal(&p->wake);
	(void)pthread_mutex_unlock(&p->lock);
}

void pins_put(struct pins *p, slot_t slot, enum fd_kind kind, uint64_t serial)
{
	push(p, FDSTORE_PUT, 0, slot, kind, serial);
}

void pins_drop(struct pins *p, uint64_t nodeid)
{
	push(p, FDSTORE_DROP, nodeid, SLOT_NONE, FD_PIN, 0);
}

int pins_new(struct session *s, struct pins **ret)
{
	pthread_condattr_t attr;
	struct pins *p = calloc(1, sizeof *p);
	if (!p)
		return -ENOMEM;
	p->s = s;
	p->last = &p->first;
	(void)pthread_mutex_init(&p->lock, NULL);
	(void)pthread_condattr_init(&attr);
	(void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&p->wake, &attr);
	(void)pthread_condattr_destroy(&attr);
	int r = pthread_create(&p->thread, NULL, pins_main, p);
	if (r) {
		free(p);
		return -r;
	}
	*ret = p;
	return 0;
}

void pins_free(struct pins *p)
{
	if (!p)
		return;
	(void)pthread_mutex_lock(&p->lock);
	p->stop = true;
	(void)pthread_cond_signal(&p->wake);
	(void)pthread_mutex_unlock(&p->lock);
	(void)pthread_join(p->thread, NULL);
	while (p->first) {
		struct pin *pin = p->first;
		p->first = pin->next;
		free(pin);
	}
	(void)pthread_cond_destroy(&p->wake);
	(void)pthread_mutex_destroy(&p->lock);
	free(p);
}
