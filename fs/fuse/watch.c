/* SPDX-License-Identifier: MIT */
/*
 * Watches on real directories: what makes long timeouts honest in a home that others change, too.
 *
 * The kernel is given a long timeout for a name only if the watch on its directory was active
 * before the statx whose result it is told: a change after that raises an event here, and the event
 * sends an invalidation, within milliseconds. Without a watch (budget spent, file system without
 * events, file of several names) the timeout is one second.
 *
 * Our own changes raise events, too. An event about a name whose object is still the one that the
 * kernel was told last (print in node.seen) costs one statx and no notification.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/vfs.h>

#include "fuse_i.h"

#define WATCH_SHARE 4 /* a quarter of the user's limit */
#define WATCH_MASK                                                                                 \
	(IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_ATTRIB | IN_MODIFY |             \
		IN_CLOSE_WRITE | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR | IN_EXCL_UNLINK)
#define NFS_MAGIC 0x6969
#define FUSE_MAGIC 0x65735546
#define CIFS_MAGIC 0xff534d42u
#define SMB2_MAGIC 0xfe534d42u

struct watch_row {
	slot_t slot;
	int wd;
};

struct watch {
	struct session *s;
	pthread_t thread;
	pthread_mutex_t lock;
	int inotify, stop;
	unsigned limit, count;
	struct watch_row *by_slot, *by_wd; /* open addressing, size a power of two */
	unsigned size;
	bool local; /* the root's file system tells of every change */
};

static unsigned row_of(const struct watch *w, unsigned key)
{
	return (key * 2654435761u) & (w->size - 1);
}

static struct watch_row *find_slot(struct watch *w, slot_t slot)
{
	unsigned i = row_of(w, slot);
	while (w->by_slot[i].slot && w->by_slot[i].slot != slot)
		i = (i + 1) & (w->size - 1);
	return &w->by_slot[i];
}

static struct watch_row *find_wd(struct watch *w, int wd)
{
	unsigned i = row_of(w, (unsigned)wd);
	while (w->by_wd[i].slot && w->by_wd[i].wd != wd)
		i = (i + 1) & (w->size - 1);
	return &w->by_wd[i];
}

/* Backward-shift deletion, so that probing never meets a grave. */
static void row_remove(struct watch *w, struct watch_row *rows, unsigned hole, bool by_wd)
{
	unsigned i = hole;
	for (;;) {
		i = (i + 1) & (w->size - 1);
		if (!rows[i].slot)
			break;
		unsigned home = row_of(w, by_wd ? (unsigned)rows[i].wd : rows[i].slot);
		if (((i - home) & (w->size - 1)) < ((i - hole) & (w->size - 1)))
			continue;
		rows[hole] = rows[i];
		hole = i;
	}
	rows[hole] = (struct watch_row){0, 0};
}

static void watch_remove(struct watch *w, slot_t slot)
{
	struct watch_row *row = find_slot(w, slot);
	if (!row->slot)
		return;
	int wd = row->wd;
	row_remove(w, w->by_slot, (unsigned)(row - w->by_slot), false);
	struct watch_row *other = find_wd(w, wd);
	if (other->slot)
		row_remove(w, w->by_wd, (unsigned)(other - w->by_wd), true);
	w->count--;
}

static bool watch_grow(struct watch *w)
{
	unsigned old_size = w->size;
	struct watch_row *old = w->by_slot, *slots, *wds;
	if (w->count * 2 < w->size)
		return true;
	slots = calloc(2 * (size_t)old_size, sizeof *slots);
	wds = calloc(2 * (size_t)old_size, sizeof *wds);
	if (!slots || !wds) {
		free(slots);
		free(wds);
		return false;
	}
	free(w->by_wd);
	w->by_slot = slots;
	w->by_wd = wds;
	w->size = 2 * old_size;
	for (unsigned i = 0; i < old_size; i++) {
		if (!old[i].slot)
			continue;
		*find_slot(w, old[i].slot) = old[i];
		*find_wd(w, old[i].wd) = old[i];
	}
	free(old);
	return true;
}

bool watch_active(struct watch *w, slot_t slot)
{
	if (!w || !w->local)
		return false;
	(void)pthread_mutex_lock(&w->lock);
	bool active = find_slot(w, slot)->slot != SLOT_NONE;
	(void)pthread_mutex_unlock(&w->lock);
	return active;
}

bool watch_dir(struct watch *w, slot_t slot, int lower)
{
	char path[SYS_FD_PATH_MAX];
	bool added = false;
	if (!w || !w->local)
		return false;
	(void)pthread_mutex_lock(&w->lock);
	if (!find_slot(w, slot)->slot && w->count < w->limit && watch_grow(w)) {
		int wd = inotify_add_watch(w->inotify, sys_fd_path(path, lower, NULL), WATCH_MASK);
		if (wd >= 0) {
			/* The same inode under another slot (it was forgotten and found again). */
			struct watch_row *row = find_wd(w, wd);
			if (row->slot)
				watch_remove(w, row->slot);
			*find_slot(w, slot) = (struct watch_row){slot, wd};
			*find_wd(w, wd) = (struct watch_row){slot, wd};
			w->count++;
			added = true;
		}
	}
	(void)pthread_mutex_unlock(&w->lock);
	return added;
}

void watch_forget(struct watch *w, slot_t slot)
{
	if (!w)
		return;
	(void)pthread_mutex_lock(&w->lock);
	struct watch_row row = *find_slot(w, slot);
	if (row.slot) {
		watch_remove(w, slot);
		(void)inotify_rm_watch(w->inotify, row.wd);
	}
	(void)pthread_mutex_unlock(&w->lock);
}

static slot_t slot_of_wd(struct watch *w, int wd)
{
	(void)pthread_mutex_lock(&w->lock);
	slot_t slot = find_wd(w, wd)->slot;
	(void)pthread_mutex_unlock(&w->lock);
	return slot;
}

/* The directory itself went elsewhere: its name is asked again, and no descriptor that was opened
 * along the old path is used any more. */
static void self_event(struct session *s, slot_t slot)
{
	struct node_view v;
	if (slot == SLOT_ROOT || table_view_slot(s->table, slot, &v))
		return;
	notify_entry(s->notifier, table_ino(s->table, v.parent), v.name);
	fds_drop_unpinned(s->fds);
}

static void name_event(struct session *s, slot_t slot, const char *name)
{
	struct fd_ref dir cleanup_fd_ref = FD_REF_INIT;
	struct store_object o;
	struct node_view v;
	if (node_dir(s, slot, &dir))
		return;
	int r = node_lookup_name(s, &dir, name, &o);
	slot_t child = r ? SLOT_NONE : table_find_key(s->table, &o.key);
	if (child && !table_view_slot(s->table, child, &v) && v.parent == slot &&
		!strcmp(v.name, name)) {
		if (S_ISDIR(v.type) || v.seen != reply_seen(&o))
			notify_inode(s->notifier, table_ino(s->table, child));
		return;
	}
	/* New, gone, or another object: whatever the kernel believes of the name is out of date. */
	notify_entry(s->notifier, table_ino(s->table, slot), name);
	notify_inode(s->notifier, table_ino(s->table, slot));
}

static void overflow(struct watch *w)
{
	/* Events were lost: nothing that was promised long can be kept. */
	struct session *s = w->s;
	struct node_view v;
	for (slot_t slot = SLOT_ROOT; slot < table_slots(s->table); slot++) {
		if (table_view_slot(s->table, slot, &v))
			continue;
		notify_inode(s->notifier, table_ino(s->table, slot));
		if (slot != SLOT_ROOT)
			notify_entry(s->notifier, table_ino(s->table, v.parent), v.name);
	}
	fds_drop_unpinned(s->fds);
}

static void handle(struct watch *w, const struct inotify_event *event)
{
	if (event->mask & IN_Q_OVERFLOW) {
		overflow(w);
		return;
	}
	slot_t slot = slot_of_wd(w, event->wd);
	if (!slot)
		return;
	if (event->mask & IN_IGNORED) {
		(void)pthread_mutex_lock(&w->lock);
		watch_remove(w, slot);
		(void)pthread_mutex_unlock(&w->lock);
	} else if (event->mask & (IN_DELETE_SELF | IN_MOVE_SELF)) {
		self_event(w->s, slot);
	} else if (event->len) {
		name_event(w->s, slot, event->name);
	} else {
		notify_inode(w->s->notifier, table_ino(w->s->table, slot));
	}
}

static void *watch_main(void *arg)
{
	struct watch *w = arg;
	_Alignas(struct inotify_event) char buf[65536];
	struct pollfd fds[2] = {
		{.fd = w->inotify, .events = POLLIN}, {.fd = w->stop, .events = POLLIN}};
	for (;;) {
		if (poll(fds, 2, -1) < 0 && errno != EINTR)
			return NULL;
		if (fds[1].revents)
			return NULL;
		ssize_t n = read(w->inotify, buf, sizeof buf);
		for (char *p = buf; n > 0 && p < buf + n;) {
			const struct inotify_event *event = (const void *)p;
			handle(w, event);
			p += sizeof *event + event->len;
		}
	}
}

static bool tells_changes(int fd)
{
	struct statfs sfs;
	if (fstatfs(fd, &sfs) < 0)
		return false;
	return sfs.f_type != NFS_MAGIC && sfs.f_type != FUSE_MAGIC &&
	       (unsigned)sfs.f_type != CIFS_MAGIC && (unsigned)sfs.f_type != SMB2_MAGIC;
}

static unsigned user_limit(void)
{
	char *text cleanup_free = NULL;
	size_t len;
	if (sys_read_file(AT_FDCWD, "/proc/sys/fs/inotify/max_user_watches", 64, &text, &len))
		return 0;
	unsigned long n = strtoul(text, NULL, 10) / WATCH_SHARE;
	return n > UINT_MAX ? UINT_MAX : (unsigned)n;
}

int watch_new(struct session *s, struct watch **ret)
{
	struct watch *w = calloc(1, sizeof *w);
	if (!w)
		return -ENOMEM;
	w->s = s;
	w->size = 256;
	w->by_slot = calloc(w->size, sizeof *w->by_slot);
	w->by_wd = calloc(w->size, sizeof *w->by_wd);
	w->limit = user_limit();
	w->inotify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	w->stop = eventfd(0, EFD_CLOEXEC);
	w->local = w->inotify >= 0 && tells_changes(store_real(s->store));
	(void)pthread_mutex_init(&w->lock, NULL);
	int r = !w->by_slot || !w->by_wd || w->stop < 0
			? ENOMEM
			: pthread_create(&w->thread, NULL, watch_main, w);
	if (r) {
		w->inotify = fd_close(w->inotify);
		w->stop = fd_close(w->stop);
		free(w->by_slot);
		free(w->by_wd);
		free(w);
		return -r;
	}
	*ret = w;
	return 0;
}

void watch_free(struct watch *w)
{
	if (!w)
		return;
	(void)eventfd_write(w->stop, 1);
	(void)pthread_join(w->thread, NULL);
	w->inotify = fd_close(w->inotify);
	w->stop = fd_close(w->stop);
	(void)pthread_mutex_destroy(&w->lock);
	free(w->by_slot);
	free(w->by_wd);
	free(w);
}
