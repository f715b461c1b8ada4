#!/bin/bash
# SPDX-License-Identifier: MIT
# apply makes every kind of change: types, modes, owners, attributes, times, links, deletions.
. "$(dirname "$0")/../lib.sh"
need_sandbox

mkdir -p gone/deep typed kept mode
echo x | tee gone/f gone/deep/f typed/file kept/f mode/f mode/x >mode/t
ln -s f kept/link
like_native --no-dir-times <<'IN'
rm -r gone
rm typed/file
ln -s ../kept/f typed/file
touch -h -d '2001-02-03 UTC' typed/file
rm kept/link
mkdir kept/link
mkfifo kept/fifo
touch -d '2001-02-03 UTC' kept/fifo
chmod 0600 mode/f
chmod 0750 mode
setfattr -n user.note -v value mode/x
setfattr -n user.note -v value kept
touch -d '2001-02-03 04:05:06.789 UTC' mode/t
printf 'data' >kept/new
touch -d '2001-02-03 UTC' kept/new
ln kept/new kept/hard
mkdir -m 1777 sticky
printf 'a\0b' >"$(printf 'odd\nname')"
touch -d '2001-02-03 UTC' "$(printf 'odd\nname')"
mv kept/f kept/moved
IN
