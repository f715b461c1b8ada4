#!/bin/bash
# SPDX-License-Identifier: MIT
# On a terminal run says at the start what is real, and at the end what was redirected.
. "$(dirname "$0")/../lib.sh"
need_sandbox

mkdir w
echo old >.bashrc
cd w
at_terminal "$WRIT" run -- sh -c 'echo x >made; echo evil >>~/.bashrc; mkdir ~/d; echo x >~/d/f' <<'IN'
expect writ: sh-\d+ · real: ~/w
expect writ: sh-\d+ ended \(0\) after
expect redirected
expect !\s+~/.bashrc
expect ~/d
expect writ diff
end 0
IN
at_terminal "$WRIT" run -- sh -c 'echo x >made' <<'IN'
expect writ: sh-\d+ · real: ~/w
end 0
IN
