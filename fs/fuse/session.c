/* SPDX-License-Identifier: MIT */
/*
 * The life of one mount's session: made on a mounted descriptor, served by a few threads, frozen
 * for review, ended by unmount. It owns its descriptors, threads and table mapping, nothing else.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ops.h"

#define THREADS_MIN 2
#define THREADS_MAX 8
#define FD_RESERVE 512 /* for everything that is not the LRU */

static void op_init(void *userdata, struct fuse_conn_info *conn)
{
	session_init_connection(userdata, conn);
}

const struct fuse_lowlevel_ops session_ops = {
	.init = op_init,
	.lookup = op_lookup,
	.forget = op_forget,
	.forget_multi = op_forget_multi,
	.getattr = op_getattr,
	.setattr = op_setattr,
	.readlink = op_readlink,
	.mknod = op_mknod,
	.mkdir = op_mkdir,
	.unlink = op_unlink,
	.rmdir = op_rmdir,
	.symlink = op_symlink,
	.rename = op_rename,
	.link = op_link,
	.open = op_open,
	.read = op_read,
	.write = op_write,
	.release = op_release,
	.fsync = op_fsync,
	.opendir = op_open,
	.readdir = op_readdir,
	.releasedir = op_release,
	.fsyncdir = op_fsyncdir,
	.statfs = op_statfs,
	.setxattr = op_setxattr,
	.getxattr = op_getxattr,
	.listxattr = op_listxattr,
	.removexattr = op_removexattr,
	.create = op_create,
	.ioctl = op_ioctl,
	.fallocate = op_fallocate,
	.copy_file_range = op_copy_file_range,
	.lseek = op_lseek,
};

int session_table_create(void)
{
	return table_memfd();
}

/* Under the table's lock: what else is kept by slot goes with it. */
static void slot_released(slot_t slot, void *arg)
{
	struct session *s = arg;
	fds_drop_all(s->fds, slot);
	aliases_forget(s->aliases, slot);
	listings_drop(s->listings, slot);
	watch_forget(s->watch, slot);
}

static int load_groups(struct session *s)
{
	int n = getgroups(0, NULL);
	if (n <= 0)
		return n < 0 ? -errno : 0;
	s->groups = calloc((size_t)n, sizeof *s->groups);
	if (!s->groups)
		return -ENOMEM;
	s->ngroups = getgroups(n, s->groups);
	return s->ngroups < 0 ? -errno : 0;
}

static int setup_root_node(struct session *s)
{
	struct store_object o;
	int r = store_lookup_root(s->store, &o);
	if (r)
		return r;
	table_rekey(s->table, SLOT_ROOT, &o.key);
	table_set_ino(s->table, SLOT_ROOT, o.st.st_ino);
	if (s->o.hidden_fd >= 0)
		r = store_hide(s->store, s->o.hidden_fd);
	return r;
}

static int setup_parts(struct session *s)
{
	unsigned limit = sys_raise_nofile();
	int r = table_attach(s->o.table_fd, &s->table);
	if (!r)
		r = fds_new(
			limit > 2 * FD_RESERVE ? limit * 3 / 5 - FD_RESERVE : limit / 3, &s->fds);
	if (!r)
		r = aliases_new(&s->aliases);
	if (!r)
		r = listings_new(&s->listings);
	if (!r)
		r = seen_new(&s->seen);
	if (!r)
		r = load_groups(s);
	if (!r)
		r = setup_root_node(s);
	return r;
}

static int setup_fuse(struct session *s)
{
	char *argv[] = {(char *)"writfs", s->o.debug ? (char *)"-d" : NULL, NULL};
	struct fuse_args args = FUSE_ARGS_INIT(s->o.debug ? 2 : 1, argv);
	s->se = fuse_session_new(&args, &session_ops, sizeof session_ops, s);
	fuse_opt_free_args(&args);
	if (!s->se)
		return -EINVAL;
	int r = session_hook_io(s, s->o.fuse_fd);
	if (r)
		return r;
	r = notifier_new(s, &s->notifier);
	if (!r)
		r = watch_new(s, &s->watch);
	if (!r && s->o.fd_store >= 0)
		r = pins_new(s, &s->pins);
	fds_set_pins(s->fds, s->pins);
	if (!r)
		table_on_release(s->table, slot_released, s);
	return r;
}

static void load_policy(struct session *s)
{
	s->root_state = policy_root_state(s->o.policy, s->o.root);
	for (size_t i = 0; i < policy_rule_count(s->o.policy); i++)
		if (policy_rule_get(s->o.policy, (int32_t)i)->kind == RULE_REVEAL)
			s->has_reveal = true;
}

int session_create(const struct session_options *options, struct session **ret, struct err *e)
{
	struct session *s = calloc(1, sizeof *s);
	if (!s)
		return err_set(e, ENOMEM, "out of memory");
	s->o = *options;
	s->store = options->store;
	s->is_root = geteuid() == 0;
	/* Modes are the caller's business: its umask comes with each request. */
	(void)umask(0);
	store_set_umask(s->store, 0);
	if (options->policy)
		load_policy(s);
	pthread_rwlockattr_t attr;
	(void)pthread_rwlockattr_init(&attr);
	(void)pthread_rwlockattr_setkind_np(&attr, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
	(void)pthread_rwlock_init(&s->freeze, &attr);
	(void)pthread_rwlockattr_destroy(&attr);
	for (unsigned i = 0; i < STRIPES; i++)
		(void)pthread_mutex_init(&s->stripes[i], NULL);
	int r = setup_parts(s);
	if (!r)
		r = setup_fuse(s);
	if (r) {
		session_free(s);
		return err_errno(e, -r, "cannot start the file system");
	}
	*ret = s;
	return 0;
}

static unsigned thread_count(void)
{
	long n = sysconf(_SC_NPROCESSORS_ONLN);
	return n < THREADS_MIN ? THREADS_MIN : n > THREADS_MAX ? THREADS_MAX : (unsigned)n;
}

/* Has no effect but to interrupt the wait of the thread that it is sent to. */
static void on_wake(int sig)
{
	(void)sig;
}

static void be_woken(struct session *s)
{
	struct sigaction action = {.sa_handler = on_wake}; /* no SA_RESTART */
	sigset_t wake;
	(void)sigaction(WAKE_SIGNAL, &action, NULL);
	(void)sigemptyset(&wake);
	(void)sigaddset(&wake, WAKE_SIGNAL);
	(void)pthread_sigmask(SIG_UNBLOCK, &wake, NULL);
	s->runner = pthread_self();
	atomic_store(&s->running, true);
}

int session_run(struct session *s)
{
	struct fuse_loop_config *config = fuse_loop_cfg_create();
	if (!config)
		return -ENOMEM;
	be_woken(s);
	fuse_loop_cfg_set_max_threads(config, thread_count());
	fuse_loop_cfg_set_idle_threads(config, THREADS_MAX);
	fuse_loop_cfg_set_clone_fd(config, 0);
	int r = fuse_session_loop_mt(s->se, config);
	atomic_store(&s->running, false);
	fuse_loop_cfg_destroy(config);
	/* ENODEV: unmounted. A positive number is a signal that ended the loop. */
	return r == -ENODEV || r > 0 ? 0 : r;
}

void session_stop(struct session *s)
{
	fuse_session_exit(s->se);
	/* libfuse looks at that flag once, and then waits until a request ends the loop. */
	if (atomic_load(&s->running))
		(void)pthread_kill(s->runner, WAKE_SIGNAL);
}

void session_free(struct session *s)
{
	if (!s)
		return;
	watch_free(s->watch);
	notifier_free(s->notifier);
	s->watch = NULL;
	s->notifier = NULL;
	if (s->fds)
		fds_set_pins(s->fds, NULL);
	pins_free(s->pins);
	if (s->table)
		table_on_release(s->table, NULL, NULL);
	if (s->se)
		fuse_session_destroy(s->se);
	else
		s->o.fuse_fd = fd_close(s->o.fuse_fd);
	listings_free(s->listings);
	aliases_free(s->aliases);
	seen_free(s->seen);
	fds_free(s->fds);
	table_detach(s->table);
	free(s->groups);
	(void)pthread_rwlock_destroy(&s->freeze);
	for (unsigned i = 0; i < STRIPES; i++)
		(void)pthread_mutex_destroy(&s->stripes[i]);
	free(s);
}

void session_freeze(struct session *s)
{
	(void)pthread_rwlock_wrlock(&s->freeze);
}

void session_thaw(struct session *s)
{
	(void)pthread_rwlock_unlock(&s->freeze);
}

/* The node of path, if the kernel knows one: by names from the root. */
static slot_t find_path(
	struct session *s, const char *path, slot_t *ret_parent, char name[static NAME_MAX + 1])
{
	slot_t slot = SLOT_ROOT;
	name[0] = '\0';
	*ret_parent = SLOT_NONE;
	while (*path) {
		size_t len = strcspn(path, "/");
		if (len > NAME_MAX || !slot) {
			*ret_parent = SLOT_NONE;
			return SLOT_NONE;
		}
		memcpy(name, path, len);
		name[len] = '\0';
		*ret_parent = slot;
		slot = table_find_name(s->table, slot, name);
		path += len + (path[len] == '/');
	}
	return slot;
}

void session_refresh(struct session *s, const char *path)
{
	char name[NAME_MAX + 1];
	slot_t parent;
	slot_t slot = find_path(s, path, &parent, name);
	if (parent) {
		struct fd_ref dir cleanup_fd_ref = FD_REF_INIT;
		struct store_object o;
		/* The directory may have got or lost a layer, too. */
		fds_drop(s->fds, parent, FD_DIR);
		if (slot && !node_dir(s, parent, &dir) && !node_lookup_name(s, &dir, name, &o))
			node_rekeyed(s, slot, &o);
		listings_drop(s->listings, parent);
		notify_entry(s->notifier, table_ino(s->table, parent), name);
		notify_inode(s->notifier, table_ino(s->table, parent));
	}
	if (slot)
		notify_inode(s->notifier, table_ino(s->table, slot));
}

void session_counts(const struct session *s, uint64_t counts[64])
{
	for (unsigned i = 0; i < OPCODES; i++)
		counts[i] = atomic_load_explicit(&s->counts[i], memory_order_relaxed);
}
