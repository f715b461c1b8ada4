#!/bin/bash
# SPDX-License-Identifier: MIT
# Programs made or changed in the job run in it.
. "$(dirname "$0")/../lib.sh"
need_sandbox

cp /bin/echo tool
printf '#!/bin/sh\necho real\n' >script
chmod +x script
keep_real
inside <<'IN'
printf '#!/bin/sh\necho changed\n' >script
expect_eq "$(./script)" changed
printf '#!/bin/sh\necho made\n' >made
expect_errno EACCES 'os.execv("./made", ["made"])'
chmod +x made
expect_eq "$(./made)" made
expect_eq "$(./tool hello)" hello
cp tool tool2
mv tool2 bin
expect_eq "$(./bin copied)" copied
IN
same_real
