/* SPDX-License-Identifier: MIT */
/* The shared pool of names; see random.h. */
#include "random.h"

const char *const random_names[RANDOM_NAMES] = {
	"a", "b", "c", "d", "e", ".wh.a", ".wh..wh..opq", "new\nline\x01 \xff", "-f"};
