#!/bin/bash
# SPDX-License-Identifier: MIT
# sed -i, perl -i, ed, patch and vim save a redirected dotfile.
. "$(dirname "$0")/../lib.sh"
need vim sed perl patch
need_sandbox

printf 'one\ntwo\nthree\n' | tee .sedrc .vimtest .perlrc .patched >.other
chmod 600 .vimtest
setfattr -n user.mine -v x .vimtest
ln -s .other .linked
keep_real
cat >"$T/change.patch" <<'IN'
--- a/.patched
+++ b/.patched
@@ -1,3 +1,4 @@
 one
-two
+TWO
 three
+four
IN
like_native --no-times --exclude .viminfo <<'IN'
sed -i 's/two/TWO/' .sedrc
expect_file .sedrc "$(printf 'one\nTWO\nthree')"
perl -i -pe 's/two/TWO/' .perlrc
expect_file .perlrc "$(printf 'one\nTWO\nthree')"
patch -s -p1 <"$T/change.patch"
expect_file .patched "$(printf 'one\nTWO\nthree\nfour')"
vim -es -u NONE -c '%s/two/TWO/' -c 'wq' .vimtest
expect_file .vimtest "$(printf 'one\nTWO\nthree')"
expect_eq "$(stat -c %a .vimtest)" 600
vim -es -u NONE -c 'set backup backupcopy=no' -c '%s/three/THREE/' -c 'wq' .vimtest
expect_file .vimtest "$(printf 'one\nTWO\nTHREE')"
vim -es -u NONE -c 'set backupcopy=yes' -c '%s/one/ONE/' -c 'wq' .linked
expect_file .other "$(printf 'ONE\ntwo\nthree')"
expect_eq "$(readlink .linked)" .other
vim -es -u NONE -c '%s/x*$/ end/' -c 'wq' .made 2>/dev/null || true
rm -f .*.swp
IN
