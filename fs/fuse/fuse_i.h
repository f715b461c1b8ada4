/* SPDX-License-Identifier: MIT */
/*
 * Private to fs/fuse. The way of a request: op_*.c resolves a target or a node (node.c), asks for
 * its verdict (verdict.c), lets the store act, replies (reply.c), records (record.c).
 *
 * Lock order, outermost first: session.freeze (shared by every changing request) -> a stripe of
 * session.stripes (one node's change of backing object) -> table.lock -> the locks of fds, aliases,
 * listings, watch (leaves: they call nothing of ours). None is held across a reply or a
 * notification; only freeze and stripes are held across system calls on files.
 */
#ifndef FUSE_I_H
#define FUSE_I_H

#define FUSE_USE_VERSION 314
#include <fuse_lowlevel.h>

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <writfs/cleanup.h>
#include <writfs/journal.h>
#include <writfs/log.h>
#include <writfs/policy.h>
#include <writfs/session.h>
#include <writfs/store.h>
#include <writfs/str.h>
#include <writfs/sys.h>

#define STRIPES 256
#define TIMEOUT_OWN_S 86400.0 /* nobody but this daemon can change it */
#define TIMEOUT_SHARED_S 1.0  /* the real tree: others can */
#define IO_MAX (1u << 20)     /* bytes of one READ or WRITE */
#define OPCODES 64
#define WAKE_SIGNAL SIGUSR1 /* to the thread in session_run */

/* ---- table.c: the flat table in the supervisor's memfd ---- */

typedef uint32_t slot_t;
#define SLOT_NONE 0
#define SLOT_ROOT 1

enum {
	NODE_NAMELESS = 1 << 0, /* its name is gone: reached by its pinned descriptor */
	NODE_UPPER = 1 << 1,    /* backed by scratch (files) / pinned descriptor is scratch's */
	NODE_OPAQUE = 1 << 2,   /* directory that hides a real one: detached, with all beneath */
	NODE_LINKS = 1 << 3,    /* real file of several names */
	NODE_MOVING = 1 << 5,   /* a request is taking its name away or giving it another */
	NODE_PRIVS = 1 << 4,    /* suid or sgid is set */
};

/* One inode that the kernel knows, or an ancestor of one. Lies in the memfd: no pointers. */
struct node {
	uint32_t generation;
	slot_t parent;
	uint32_t name; /* chunk in the name arena */
	uint8_t name_len;
	uint8_t in_use;
	uint16_t flags;
	uint32_t type; /* S_IFMT */
	uint32_t children;
	uint64_t lookups;
	struct store_key key;
	uint64_t ino;   /* shown */
	uint64_t seen;  /* hash of the real file's print that programs last saw */
	uint32_t epoch; /* of the states below */
	policy_state present, origin;
	uint32_t detached;
	uint32_t last_actor, last_ops; /* OPS_GRANTED in last_ops: they were real */
	int64_t bytes;
	slot_t next; /* chain of the key's bucket; next free slot */
};

/* A node's data, copied out under the lock. */
struct node_view {
	slot_t slot;
	uint32_t generation;
	slot_t parent;
	uint16_t flags;
	mode_t type;
	struct store_key key;
	uint64_t ino, seen;
	char name[NAME_MAX + 1];
};

struct table;
int table_attach(int fd, struct table **ret);
void table_detach(struct table *t);
int table_memfd(void);

static inline slot_t slot_of(fuse_ino_t ino)
{
	return (slot_t)(ino & 0xffffffffu);
}

/* -ESTALE if the generation is another one's. */
int table_view(struct table *t, fuse_ino_t ino, struct node_view *ret);
int table_view_slot(struct table *t, slot_t slot, struct node_view *ret);
fuse_ino_t table_ino(struct table *t, slot_t slot);

/* The node of key under (parent, name), made if need be, with one more kernel reference if
 * `remember`. The root is made by table_attach. -ENOMEM, -ENFILE. */
int table_intern(struct table *t, slot_t parent, const char *name, const struct store_key *key,
	mode_t type, uint64_t ino, bool remember, struct node_view *ret);
/* Finds without making: SLOT_NONE if the kernel knows no such node. */
slot_t table_find_key(struct table *t, const struct store_key *key);
slot_t table_find_name(struct table *t, slot_t parent, const char *name);
/* Drops kernel references. If the node goes with bytes not yet recorded, *path gets its path below
 * the root and *ret what was written. */
#define OPS_GRANTED (1u << 31) /* in node.last_ops */
struct forgotten {
	int64_t bytes;
	bool granted;
};
void table_forget(
	struct table *t, fuse_ino_t ino, uint64_t n, struct str *path, struct forgotten *ret);
/* fn is called, under the table's lock, for every slot that goes out of use. */
void table_on_release(struct table *t, void (*fn)(slot_t slot, void *arg), void *arg);
void table_rekey(struct table *t, slot_t slot, const struct store_key *key);
void table_rename(struct table *t, slot_t slot, slot_t parent, const char *name);
void table_flags(struct table *t, slot_t slot, uint16_t set, uint16_t clear);
void table_seen(struct table *t, slot_t slot, uint64_t seen);
void table_set_ino(struct table *t, slot_t slot, uint64_t ino);
void table_update(
	struct table *t, slot_t slot, void (*fn)(struct node *node, void *arg), void *arg);
void table_new_epoch(struct table *t);
slot_t table_slots(struct table *t); /* one more than the highest slot ever used */
/* Path below the root, "a/b", "" for the root. Returns 0 or -ESTALE, -ENOMEM. */
int table_path(struct table *t, slot_t slot, struct str *path);

struct states {
	policy_state present, origin;
	bool detached;
};
int table_states(struct table *t, const struct policy *p, policy_state root, slot_t slot,
	struct states *ret);

/* Request slots for namespace changes: what a restarted daemon must know (takeover). */
enum txn_state { TXN_FREE, TXN_RECEIVED, TXN_INTENT, TXN_DONE };
unsigned txn_begin(
	struct table *t, uint64_t unique, uint32_t opcode, slot_t parent, const char *name);
void txn_intent(struct table *t, unsigned txn, const struct store_key *before);
void txn_done(struct table *t, unsigned txn, int result);
void txn_end(struct table *t, unsigned txn);

/* ---- fds.c: descriptors, bounded ---- */

enum fd_kind { FD_DIR, FD_READ, FD_WRITE, FD_PIN };

struct fd_entry;
struct fd_ref {
	struct fd_entry *entry;
	int fd;    /* FD_DIR: lower */
	int upper; /* FD_DIR: upper; else -1 */
};
#define FD_REF_INIT                                                                                \
	{                                                                                          \
		NULL, -1, -1                                                                       \
	}
#define cleanup_fd_ref cleanup_with(fds_put)

struct fds;
int fds_new(unsigned limit, struct fds **ret);
void fds_free(struct fds *f);
/* Where pinned files are handed over to; NULL: nowhere. */
struct pins;
void fds_set_pins(struct fds *f, struct pins *pins);
/* The pinned entry of that serial number becomes a stored one (dropped from the store with nodeid);
 * -ENOENT: not pinned. */
int fds_mark_stored(struct fds *f, slot_t slot, enum fd_kind kind, uint64_t serial, uint64_t nodeid,
	struct fd_ref *ret);
/* 0, or -ENOENT. */
int fds_get(struct fds *f, slot_t slot, enum fd_kind kind, struct fd_ref *ret);
/* Takes both descriptors over, replacing what was there. On -ENOMEM they are closed. */
int fds_add(struct fds *f, slot_t slot, enum fd_kind kind, int fd, int upper, bool pinned,
	struct fd_ref *ret);
/* A descriptor that was opened after a look at the names may be out of date when it is to be kept:
 * something was dropped for the slot meanwhile (copy-up, promotion). Ask for the generation before
 * the look; fds_add_since answers -EAGAIN then, and has closed the descriptors. */
uint64_t fds_generation(struct fds *f, slot_t slot);
int fds_add_since(struct fds *f, slot_t slot, enum fd_kind kind, int fd, int upper,
	uint64_t generation, struct fd_ref *ret);
void fds_put(struct fd_ref *ref);
void fds_drop(struct fds *f, slot_t slot, enum fd_kind kind);
void fds_drop_all(struct fds *f, slot_t slot);
/* Everything that can be opened again along the names: after a rename outside. */
void fds_drop_unpinned(struct fds *f);

/* ---- session.c ---- */

struct session {
	struct session_options o;
	struct fuse_session *se;
	struct table *table;
	struct fds *fds;
	struct store *store;
	policy_state root_state;
	pthread_rwlock_t freeze;
	pthread_mutex_t stripes[STRIPES];
	struct listings *listings;
	struct aliases *aliases;
	struct notifier *notifier;
	struct watch *watch;
	struct pins *pins;
	struct seen *seen;
	bool has_reveal; /* the policy reopens something that it hides */
	gid_t *groups;
	int ngroups;
	bool is_root; /* the daemon's effective uid is 0 */
	atomic_uint_fast64_t counts[OPCODES];
	uint32_t offered, offered2; /* INIT flags of the kernel */
	uint64_t init_unique;
	bool init_done;
	int loop_result;
	pthread_t runner; /* in session_run, while running */
	atomic_bool running;
};

static inline struct session *session_of(fuse_req_t req)
{
	return fuse_req_userdata(req);
}

extern const struct fuse_lowlevel_ops session_ops;
/* unique of the request that this thread works on (takeover), 0 if none. */
uint64_t session_unique(void);
/* If this thread works on a WRITE: FUSE_WRITE_KILL_SUIDGID as 0 or 1; else -1. */
int session_write_kills(void);
int session_hook_io(struct session *s, int fd);
void session_init_connection(struct session *s, struct fuse_conn_info *conn);

static inline pthread_mutex_t *session_stripe(struct session *s, slot_t slot)
{
	return &s->stripes[slot % STRIPES];
}

/* ---- node.c: from nodes to the store's directories and objects ---- */

static inline struct store_dir ref_dir(const struct fd_ref *ref)
{
	return (struct store_dir){ref->fd, ref->upper};
}

/* Both layers of a directory node. */
int node_dir(struct session *s, slot_t slot, struct fd_ref *ret);
/* As node_dir, with the upper layer made (containers on the way). */
int node_dir_upper(struct session *s, slot_t slot, struct fd_ref *ret);
/* As node_dir, with a real directory made where this job made it in scratch (promotion). */
int node_dir_lower(fuse_req_t req, struct session *s, slot_t slot, struct fd_ref *ret);

/* A node's name resolved in its directory and verified against its key (-ESTALE). node_place
 * returns NODE_HAS_PIN (1), with view alone filled, if the node is nameless. */
#define NODE_HAS_PIN 1
struct place_ref {
	struct node_view view;
	struct fd_ref dir;
	struct store_object o;
	const char *name; /* view.name; "." for the root */
};
#define cleanup_place cleanup_with(node_place_put)
int node_place(struct session *s, fuse_ino_t ino, struct place_ref *ret);
void node_place_put(struct place_ref *place);
/* Before its name goes: keeps a descriptor of what the node is now. */
int node_pin(struct session *s, slot_t slot, const struct store_dir *dir, const char *name,
	const struct store_object *o);
/* The object of a nameless node, by descriptor. change: it is to be changed, so that a real file
 * that lost its name in this job only is copied first. *ret_upper false with change: the real
 * object is granted, or a directory that nobody else can reach (-EROFS: leave it as it is). */
int node_pinned(struct session *s, const struct node_view *v, bool change, struct fd_ref *ret,
	int *ret_fd, bool *ret_upper);
/* Around the two steps (store, table) that take or change a node's name: who resolves the node in
 * between waits for the second instead of finding nothing. */
void node_moving(struct session *s, slot_t slot, bool moving);
/* After the store changed what backs a node. */
void node_rekeyed(struct session *s, slot_t slot, const struct store_object *o);
/* A name in a directory. */
int node_lookup_name(
	struct session *s, const struct fd_ref *dir, const char *name, struct store_object *o);

/* ---- verdict.c ---- */

struct decision {
	enum verdict_kind kind;
	enum store_side side; /* where a change goes, unless refused */
	bool hidden;
	bool passable; /* hidden, but a narrower rule may reopen something beneath */
	bool sticky;   /* redirected because it was */
	int32_t rule;  /* -1: none; RULE_ASK: record_change finds it if it has to record at all */
};
#define RULE_ASK (-2)

int verdict_node(
	struct session *s, slot_t slot, const struct store_object *o, struct decision *ret);
int verdict_name(struct session *s, slot_t dir, const char *name, const struct store_object *o,
	struct decision *ret);
/* True if writing the real file is within the grants under every one of its names (hard links). */
bool verdict_links(struct session *s, slot_t slot, const struct store_object *o);
/* "verdict, rule, file, line" as JSON for user.writ.state. Caller frees. */
char *verdict_json(struct session *s, const struct decision *d);

/* ---- aliases.c: names of files of several names (hard links) ---- */

struct aliases;
int aliases_new(struct aliases **ret);
void aliases_free(struct aliases *a);
void aliases_add(struct aliases *a, slot_t slot, slot_t dir, const char *name);
void aliases_remove(struct aliases *a, slot_t slot, slot_t dir, const char *name);
void aliases_forget(struct aliases *a, slot_t slot);
/* The skip-th known name, false if there are not so many. */
bool aliases_any(struct aliases *a, slot_t slot, unsigned skip, slot_t *ret_dir,
	char name[static NAME_MAX + 1]);

/* ---- seen.c: what programs last read or wrote under a real name ---- */

struct seen;
int seen_new(struct seen **ret);
void seen_free(struct seen *m);
void seen_first(struct seen *m, fuse_ino_t dir, const char *name, uint64_t print);
void seen_set(struct seen *m, fuse_ino_t dir, const char *name, uint64_t print);
/* True if the name is known with another print. */
bool seen_differs(struct seen *m, fuse_ino_t dir, const char *name, uint64_t print);

/* ---- target.c: the name that a request makes, removes or moves ---- */

struct target {
	slot_t parent;
	const char *name;
	struct fd_ref dir;
	struct store_object o; /* layer NONE: no such name */
	struct decision d;
	struct stat dir_st; /* shown attributes of the directory, with dir_known */
	bool exists;
	bool dir_known;
};
#define cleanup_target cleanup_with(target_put)
int target_get(struct session *s, fuse_ino_t parent, const char *name, struct target *ret);
void target_put(struct target *t);
/* Makes the layer that the decision needs; may turn a grant into a redirect (a rule names a
 * missing parent) and drops the whiteout of a granted name whose real file is gone. */
int target_prepare(fuse_req_t req, struct session *s, struct target *t);
int target_dir_stat(struct session *s, struct target *t);
struct store_cred target_cred(fuse_req_t req, const struct session *s);
/* Real operations for another user as root act with that user's file-system ids. */
struct as_caller {
	bool switched;
};
struct as_caller caller_begin(fuse_req_t req, const struct session *s);
void caller_end(struct as_caller *c);
#define cleanup_caller __attribute__((cleanup(caller_end), unused))

/* ---- reply.c ---- */

void reply_stat(struct session *s, const struct store_dir *dir, const char *name,
	const struct store_object *o, const struct decision *d, struct stat *ret);
double reply_timeout(const struct session *s, slot_t dir, const struct store_object *o);
/* Interns and fills the entry of an object found or made under (dir, name). */
int reply_fill_entry(struct session *s, slot_t dir_slot, const struct fd_ref *dir, const char *name,
	const struct store_object *o, const struct decision *d, struct fuse_entry_param *e);
void reply_entry(fuse_req_t req, struct session *s, const struct target *t);
uint64_t reply_seen(const struct store_object *o);
/* What counts as its content for seen.c: not ctime, which our own links and attributes move. */
uint64_t reply_content(const struct store_object *o);
/* After our own read (read) or change of a real file through fd: what is there now is known. */
void reply_note_own(struct session *s, const struct node_view *v, int fd, bool read);

/* ---- record.c ---- */

/* One change of a node or name. Coalesced per node and program: node SLOT_NONE is never. */
void record_change(fuse_req_t req, struct session *s, enum journal_op op, const struct decision *d,
	slot_t node, slot_t dir, const char *name, int64_t bytes, int result);
void record_move(fuse_req_t req, struct session *s, enum journal_op op, const struct decision *d,
	slot_t dir, const char *name, slot_t dir2, const char *name2, const char *note, int result);
void record_forgotten(struct session *s, const char *path, const struct forgotten *f);

/* ---- pins.c: pinned descriptors in the supervisor's store ---- */

int pins_new(struct session *s, struct pins **ret);
void pins_free(struct pins *p);
/* serial tells this pin from a later one of a slot that was used again. */
void pins_put(struct pins *p, slot_t slot, enum fd_kind kind, uint64_t serial);
void pins_drop(struct pins *p, uint64_t nodeid);

/* ---- op_dir.c (listings), notify.c, watch.c ---- */

struct listings;
int listings_new(struct listings **ret);
void listings_free(struct listings *l);
void listings_drop(struct listings *l, slot_t slot);

struct notifier;
int notifier_new(struct session *s, struct notifier **ret);
void notifier_free(struct notifier *n);
/* Queued, sent by the notifier's own thread: never from a handler (a FORGET would wait for us). */
void notify_entry(struct notifier *n, fuse_ino_t parent, const char *name);
void notify_inode(struct notifier *n, fuse_ino_t ino);
/* Its cached pages, too. */
void notify_data(struct notifier *n, fuse_ino_t ino);

struct watch;
int watch_new(struct session *s, struct watch **ret);
void watch_free(struct watch *w);
/* Starts watching the real directory if the budget allows; true: changes will be told. */
bool watch_dir(struct watch *w, slot_t slot, int lower);
bool watch_active(struct watch *w, slot_t slot);
void watch_forget(struct watch *w, slot_t slot);

#define cleanup_shared __attribute__((cleanup(freeze_leave_), unused))
static inline void freeze_leave_(struct session **s)
{
	if (*s)
		(void)pthread_rwlock_unlock(&(*s)->freeze);
}
/* First line of every handler that changes something: struct session *s cleanup_shared =
 * change_begin(req); */
static inline struct session *change_begin(fuse_req_t req)
{
	struct session *s = session_of(req);
	(void)pthread_rwlock_rdlock(&s->freeze);
	return s;
}

static inline void unlock_stripe_(pthread_mutex_t **m)
{
	if (*m)
		(void)pthread_mutex_unlock(*m);
}
#define cleanup_stripe __attribute__((cleanup(unlock_stripe_), unused))
static inline pthread_mutex_t *stripe_lock(struct session *s, slot_t slot)
{
	pthread_mutex_t *m = session_stripe(s, slot);
	(void)pthread_mutex_lock(m);
	return m;
}

static inline void count_request(struct session *s, unsigned opcode)
{
	atomic_fetch_add_explicit(&s->counts[opcode], 1, memory_order_relaxed);
}

#endif
