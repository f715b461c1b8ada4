/* SPDX-License-Identifier: MIT */
/* The supervisor's store of descriptors: what is put is kept until it is dropped. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cmocka.h>

#include <writfs/fdstore.h>

#include "../../fs/run/run_i.h"

#define MANY 300

struct fixture {
	struct fdstore *store;
	int session, supervisor;
};

static int setup(void **state)
{
	static struct fixture f;
	int fds[2];
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds), 0);
	f.session = fds[0];
	f.supervisor = fds[1];
	*state = &f;
	return fdstore_new(&f.store);
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	fdstore_free(f->store);
	(void)fd_close(f->session);
	(void)fd_close(f->supervisor);
	return 0;
}

static void send_message(struct fixture *f, uint32_t op, uint32_t root, uint64_t nodeid, int fd)
{
	struct fdstore_message m = {op, root, nodeid};
	struct iovec iov = {&m, sizeof(m)};
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(sizeof(int))];
	} control;
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
	if (fd >= 0) {
		memset(&control, 0, sizeof(control));
		msg.msg_control = &control;
		msg.msg_controllen = sizeof(control);
		struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	}
	assert_int_equal(sendmsg(f->session, &msg, 0), sizeof(m));
	assert_int_equal(fdstore_receive(f->store, f->supervisor), 0);
}

static ino_t put_new(struct fixture *f, uint32_t root, uint64_t nodeid)
{
	struct stat st;
	int fd = memfd_create("test", MFD_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &st), 0);
	send_message(f, FDSTORE_PUT, root, nodeid, fd);
	(void)close(fd);
	return st.st_ino;
}

static void holds(const struct fixture *f, uint32_t root, uint64_t nodeid, ino_t ino)
{
	struct stat st;
	int fd = fdstore_get(f->store, root, nodeid);
	assert_true(fd >= 0);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_ino, ino);
}

static void test_put_get_drop(void **state)
{
	struct fixture *f = *state;
	ino_t a = put_new(f, 0, 1ULL << 32 | 7), b = put_new(f, 1, 1ULL << 32 | 7);
	holds(f, 0, 1ULL << 32 | 7, a);
	holds(f, 1, 1ULL << 32 | 7, b);
	assert_int_equal(fdstore_get(f->store, 0, 7), -1);
	send_message(f, FDSTORE_DROP, 0, 1ULL << 32 | 7, -1);
	assert_int_equal(fdstore_get(f->store, 0, 1ULL << 32 | 7), -1);
	assert_int_equal(fdstore_count(f->store), 1);
	send_message(f, FDSTORE_DROP, 0, 99, -1); /* never put */
	assert_int_equal(fdstore_count(f->store), 1);
}

static void test_put_replaces(void **state)
{
	struct fixture *f = *state;
	(void)put_new(f, 0, 5);
	ino_t second = put_new(f, 0, 5);
	holds(f, 0, 5, second);
	assert_int_equal(fdstore_count(f->store), 1);
}

/* Grows, reuses what was removed, and never loses one. */
static void test_many(void **state)
{
	struct fixture *f = *state;
	ino_t inos[MANY];
	for (uint64_t round = 0; round < 3; round++) {
		for (uint64_t i = 0; i < MANY; i++)
			inos[i] = put_new(f, 0, round << 32 | i);
		for (uint64_t i = 0; i < MANY; i++)
			holds(f, 0, round << 32 | i, inos[i]);
		for (uint64_t i = 0; i < MANY; i++)
			send_message(f, FDSTORE_DROP, 0, round << 32 | i, -1);
		assert_int_equal(fdstore_count(f->store), 0);
	}
}

static void test_nonsense_is_passed_over(void **state)
{
	struct fixture *f = *state;
	send_message(f, FDSTORE_PUT, 0, 5, -1); /* without a descriptor */
	assert_int_equal(fdstore_count(f->store), 0);
	assert_int_equal(send(f->session, "x", 1, 0), 1);
	assert_int_equal(fdstore_receive(f->store, f->supervisor), 0);
	f->session = fd_close(f->session);
	assert_int_equal(fdstore_receive(f->store, f->supervisor), -EPIPE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_put_get_drop, setup, teardown),
		cmocka_unit_test_setup_teardown(test_put_replaces, setup, teardown),
		cmocka_unit_test_setup_teardown(test_many, setup, teardown),
		cmocka_unit_test_setup_teardown(test_nonsense_is_passed_over, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
