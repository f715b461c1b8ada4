#!/bin/bash
# SPDX-License-Identifier: MIT
# timeout: 180
# tar x, cp -a, rsync -a, find and rm -rf, redirected: applied, it is the native tree.
. "$(dirname "$0")/../lib.sh"
need tar rsync
need_sandbox

mkdir -p "$T/tree/a/b/c" "$T/tree/empty" old/deep
for i in $(seq 60); do printf 'file %s\n' "$i" >"$T/tree/a/b/f$i"; done
head -c 3000000 /dev/urandom >"$T/tree/a/big"
truncate -s 10M "$T/tree/a/sparse"
ln "$T/tree/a/big" "$T/tree/a/hard"
ln -s ../a/big "$T/tree/empty/link"
mkfifo "$T/tree/fifo"
printf '#!/bin/sh\n' >"$T/tree/prog"
chmod 755 "$T/tree/prog"
chmod 2750 "$T/tree/a/b"
setfattr -n user.mine -v x "$T/tree/prog"
find "$T/tree" -depth -exec touch -h -d '2005-06-07 08:09:10.111213141 UTC' {} +
tar -C "$T" --xattrs -czf "$T/tree.tar.gz" tree
for i in 1 2 3; do echo old >"old/f$i" && echo old >"old/deep/f$i"; done
cp -a "$T/tree" copied-before
find . -depth -exec touch -h -d '2004-01-01 UTC' {} +
like_native --no-dir-times <<'IN'
mkdir untar
tar -C untar --xattrs -xzpf "$T/tree.tar.gz"
cp -a "$T/tree" copied
cp -a copied second
rsync -aHX "$T/tree/" synced/
rsync -aHX --delete second/ copied-before/
mv second third
find third -type f -name 'f1*' -delete
rm -rf old
mkdir old
touch -d '2004-01-01 UTC' old/again
expect_eq "$(find copied | wc -l)" "$(find "$T/tree" | wc -l)"
diff -r --no-dereference copied/a synced/a
expect_eq "$(stat -c %h copied/a/hard)" 2
IN
