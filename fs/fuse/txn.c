/* SPDX-License-Identifier: MIT */
/*
 * Request slots. A request that changes names leaves its traces in the table while it runs:
 * received, intent (what the name was before), done (result). A daemon that takes over is handed
 * the same request again by the kernel and sees here whether it ran. More requests at once than
 * slots run without one, which costs no more than that knowledge.
 */
#include <stdio.h>

#include "table_i.h"

unsigned txn_begin(
	struct table *t, uint64_t unique, uint32_t opcode, slot_t parent, const char *name)
{
	unsigned i;
	(void)pthread_mutex_lock(&t->lock);
	for (i = 0; i < TXNS && t->h->txns[i].state != TXN_FREE; i++)
		;
	if (i < TXNS) {
		struct txn *x = &t->h->txns[i];
		*x = (struct txn){unique, opcode, TXN_RECEIVED, parent, 0, {0, 0, 0}, ""};
		(void)snprintf(x->name, sizeof x->name, "%s", name);
	}
	(void)pthread_mutex_unlock(&t->lock);
	return i;
}

void txn_intent(struct table *t, unsigned txn, const struct store_key *before)
{
	if (txn >= TXNS)
		return;
	(void)pthread_mutex_lock(&t->lock);
	t->h->txns[txn].before = *before;
	t->h->txns[txn].state = TXN_INTENT;
	(void)pthread_mutex_unlock(&t->lock);
}

void txn_done(struct table *t, unsigned txn, int result)
{
	if (txn >= TXNS)
		return;
	(void)pthread_mutex_lock(&t->lock);
	t->h->txns[txn].result = result;
	t->h->txns[txn].state = TXN_DONE;
	(void)pthread_mutex_unlock(&t->lock);
}

void txn_end(struct table *t, unsigned txn)
{
	if (txn >= TXNS)
		return;
	(void)pthread_mutex_lock(&t->lock);
	t->h->txns[txn].state = TXN_FREE;
	(void)pthread_mutex_unlock(&t->lock);
}
