/* SPDX-License-Identifier: MIT */
/*
 * One FUSE mount: the kernel's requests on one root answered from its store under the policy, and
 * every change recorded. The only public face of fs/fuse.
 *
 * nodeid = generation << 32 | slot of a flat table in a memfd that the supervisor owns; opens carry
 * nothing (OPEN and OPENDIR answer ENOSYS), so that a restarted daemon finds all it needs in the
 * table and in the supervisor's descriptor store.
 */
#ifndef WRITFS_SESSION_H
#define WRITFS_SESSION_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <writfs/err.h>
#include <writfs/journal.h>
#include <writfs/policy.h>
#include <writfs/store.h>

struct session;

struct session_options {
	int fuse_fd;           /* an open, mounted /dev/fuse descriptor; taken over */
	int table_fd;          /* memfd of session_table_create; duplicated */
	int fd_store;          /* SOCK_SEQPACKET to the supervisor's fd store, -1: none */
	struct store *store;   /* borrowed until session_free, as all below */
	struct policy *policy; /* NULL: everything is redirected */
	size_t root;           /* number of the root in the policy */
	const char *root_path; /* for records */
	struct journal *journal;
	int hidden_fd; /* directory that does not exist for the job (writfs's state), -1 */
	bool map_ids;  /* one id is mapped: foreign owners shown as uid/gid, with effective bits */
	bool confined; /* callers live in a user namespace: none has CAP_FSETID, root neither */
	uid_t uid;
	gid_t gid;
	bool debug; /* requests to the log */
};

/* A memfd large enough for the node table of one session (sparse), size and seals set. */
int session_table_create(void);

int session_create(const struct session_options *options, struct session **ret, struct err *e);
/* Serves until unmount (0), session_stop (0) or an error (-errno). Starts its own threads. */
int session_run(struct session *s);
/* From any thread: session_run returns soon; called again until it has (a wake-up just before the
 * wait begins is lost). Takes SIGUSR1 of the thread in session_run. */
void session_stop(struct session *s);
void session_free(struct session *s);

/* Mount for `writ mount`: opens /dev/fuse (fusermount3 for ordinary users), mounts at dir with the
 * given comma-separated options (fsname=, allow_other, default_permissions, ro, dev, suid, ...
 * unknown ones are errors). Returns the descriptor for session_options.fuse_fd. */
int session_mount(const char *dir, const char *options, struct err *e);
/* umount2 or fusermount3 -u. */
int session_umount(const char *dir, bool lazy, struct err *e);

/* While frozen no request changes anything; nests not. For apply and discard on a live job. */
void session_freeze(struct session *s);
void session_thaw(struct session *s);
/* After path's backing object changed under freeze: nodes are resolved again, the kernel told. */
void session_refresh(struct session *s, const char *path);

/* Requests answered since start, by FUSE opcode (0..63), for tests and bench. */
void session_counts(const struct session *s, uint64_t counts[64]);
const char *session_opcode_name(unsigned opcode);

#endif
