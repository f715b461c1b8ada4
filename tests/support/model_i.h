/* SPDX-License-Identifier: MIT */
/* Nodes of the model, for model.c and model_ops.c only. */
#ifndef WRITFS_TESTS_MODEL_I_H
#define WRITFS_TESTS_MODEL_I_H

#include "model.h"

struct model_node *model_node_new(mode_t mode);
void model_node_free(struct model_node *n);
/* One name less; the last one frees the node and what is in it. */
void model_node_unref(struct model_node *n);
/* One name more. */
int model_node_add(struct model_node *dir, const char *name, struct model_node *child);
struct model_entry *model_entry_of(const struct model_node *dir, const char *name);

#endif
