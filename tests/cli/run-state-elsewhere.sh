#!/bin/bash
# SPDX-License-Identifier: MIT
# writ's own records and settings are out of the job's reach outside of $HOME too.
. "$(dirname "$0")/../lib.sh"
need_sandbox

mkdir "$T/state" "$T/config"
mkdir "$T/config/writfs"
printf '{ "filesystem": { "redirectWrite": ["~/x"] } }\n' >"$T/config/writfs/policy.json"
export XDG_STATE_HOME=$T/state XDG_CONFIG_HOME=$T/config
export STATE=$T/state/writfs CONFIG=$T/config/writfs/policy.json
keep_real "$T/config"
inside <<'IN'
expect_eq "$(ls -A "$STATE")" ""
refute "the state directory can be written" -- touch "$STATE/made" 2>/dev/null
refute "the policy can be written" -- sh -c 'echo >"$CONFIG"' 2>/dev/null
refute "the policy can be replaced" -- sh -c 'rm "$CONFIG"' 2>/dev/null
check "the policy can be read" -- grep -q redirectWrite "$CONFIG"
echo x >~/made
IN
same_real "$T/config"
expect_no made
[ "$(find "$T/state/writfs/jobs" -mindepth 1 -maxdepth 1 | wc -l)" = 1 ]
