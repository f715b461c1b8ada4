/* SPDX-License-Identifier: MIT */
/*
 * Notifications to the kernel, from a thread of their own: an invalidation takes the directory's
 * lock in the kernel, which a process whose request we are answering may hold; a handler that sent
 * one could wait for itself. The queue is bounded; when it is full everything is told to expire.
 */
#include <errno.h>
#include <stdlib.h>

#include "fuse_i.h"

#define QUEUE_MAX 65536

struct note {
	struct note *next;
	fuse_ino_t ino;
	bool data;   /* with name "": the pages as well as the attributes */
	char name[]; /* "": the inode */
};

struct notifier {
	struct session *s;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	struct note *first, **last;
	unsigned count;
	bool stop;
};

static void send_note(struct notifier *n, const struct note *note)
{
	/* -ENOENT: the kernel does not hold it (any more), which is as well. */
	if (note->name[0])
		(void)fuse_lowlevel_notify_inval_entry(
			n->s->se, note->ino, note->name, strlen(note->name));
	else
		(void)fuse_lowlevel_notify_inval_inode(n->s->se, note->ino, note->data ? 0 : -1, 0);
}

static void *notifier_main(void *arg)
{
	struct notifier *n = arg;
	(void)pthread_mutex_lock(&n->lock);
	while (!n->stop) {
		struct note *note = n->first;
		if (!note) {
			(void)pthread_cond_wait(&n->wake, &n->lock);
			continue;
		}
		n->first = note->next;
		if (!n->first)
			n->last = &n->first;
		n->count--;
		(void)pthread_mutex_unlock(&n->lock);
		send_note(n, note);
		free(note);
		(void)pthread_mutex_lock(&n->lock);
	}
	(void)pthread_mutex_unlock(&n->lock);
	return NULL;
}

static void push(struct notifier *n, fuse_ino_t ino, const char *name, bool data)
{
	size_t len = strlen(name) + 1;
	struct note *note = calloc(1, sizeof *note + len);
	if (!n || !note) {
		free(note);
		return;
	}
	note->ino = ino;
	note->data = data;
	memcpy(note->name, name, len);
	(void)pthread_mutex_lock(&n->lock);
	if (n->count < QUEUE_MAX) {
		*n->last = note;
		n->last = &note->next;
		n->count++;
		note = NULL;
	}
	(void)pthread_cond_signal(&n->wake);
	(void)pthread_mutex_unlock(&n->lock);
	if (note)
		log_warning("notification queue full: an outside change may show late");
	free(note);
}

void notify_entry(struct notifier *n, fuse_ino_t parent, const char *name)
{
	push(n, parent, name, false);
}

void notify_inode(struct notifier *n, fuse_ino_t ino)
{
	push(n, ino, "", false);
}

void notify_data(struct notifier *n, fuse_ino_t ino)
{
	push(n, ino, "", true);
}

int notifier_new(struct session *s, struct notifier **ret)
{
	struct notifier *n = calloc(1, sizeof *n);
	if (!n)
		return -ENOMEM;
	n->s = s;
	n->last = &n->first;
	(void)pthread_mutex_init(&n->lock, NULL);
	(void)pthread_cond_init(&n->wake, NULL);
	int r = pthread_create(&n->thread, NULL, notifier_main, n);
	if (r) {
		free(n);
		return -r;
	}
	*ret = n;
	return 0;
}

void notifier_free(struct notifier *n)
{
	if (!n)
		return;
	(void)pthread_mutex_lock(&n->lock);
	n->stop = true;
	(void)pthread_cond_signal(&n->wake);
	(void)pthread_mutex_unlock(&n->lock);
	(void)pthread_join(n->thread, NULL);
	while (n->first) {
		struct note *note = n->first;
		n->first = note->next;
		free(note);
	}
	(void)pthread_cond_destroy(&n->wake);
	(void)pthread_mutex_destroy(&n->lock);
	free(n);
}
