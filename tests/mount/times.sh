#!/bin/bash
# SPDX-License-Identifier: MIT
# Times: exact to the nanosecond, advanced by writes, kept by copy-up and rename.
. "$(dirname "$0")/../lib.sh"
need_sandbox

mkdir d
echo a >f
touch -d '2001-02-03 04:05:06.123456789 UTC' f d
keep_real
inside <<'IN'
expect_eq "$(stat -c %.9Y f)" 981173106.123456789
chmod 600 f
expect_eq "$(stat -c %.9Y f)" 981173106.123456789 "after chmod"
mv f g
expect_eq "$(stat -c %.9Y g)" 981173106.123456789 "after rename"
now=$(($(date +%s) - 1)) # the coarse clock of file times lags
echo more >>g
[ "$(stat -c %Y g)" -ge "$now" ] || fail "mtime of a written file: $(stat -c %y g)"
echo x >d/x
[ "$(stat -c %Y d)" -ge "$now" ] || fail "mtime of a changed directory: $(stat -c %y d)"
expect_errno ok 'os.utime("g", ns=(1234567891, 987654321))
st = os.stat("g")
assert (st.st_atime_ns, st.st_mtime_ns) == (1234567891, 987654321), st'
before=$(stat -c %.9Z g)
chmod 644 g
[ "$(stat -c %.9Z g)" != "$before" ] || fail "ctime stood still"
IN
same_real
