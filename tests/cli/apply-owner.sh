#!/bin/bash
# SPDX-License-Identifier: MIT
# for: root
# apply as root gives the owners that the job gave.
. "$(dirname "$0")/../lib.sh"
need_sandbox

mkdir d
echo x | tee d/f >d/g
like_native --no-times <<'IN'
chown 12:34 d/f
chown 56:78 d
chmod 4755 d/f
echo more >>d/g
chown 1:1 d/g
mknod d/zero c 0 0
IN
