/* SPDX-License-Identifier: MIT */
/* Private to the probes of fs/sandbox. */
#ifndef WRITFS_PROBE_I_H
#define WRITFS_PROBE_I_H

#include <stdbool.h>
#include <stddef.h>

#include "sandbox_i.h"

/* A number of /proc/sys; missing if it cannot be read. */
long probe_sysctl(const char *name, long missing);
/* True if a seccomp filter is on this process already: a container's. */
bool probe_seccomp_mode(void);
/* What kind of container this is, NULL: none that is known. */
const char *probe_container(void);

/* What a child process tried: 0, or the errno of the first step that failed. */
int trial_namespace(void);
int trial_mount(void);
int trial_nested(void);
int trial_proc(void);

#endif
