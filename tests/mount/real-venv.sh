#!/bin/bash
# SPDX-License-Identifier: MIT
# timeout: 240
# python3 -m venv with and without pip, redirected: applied, it is the native tree.
. "$(dirname "$0")/../lib.sh"
need_sandbox
[ -x /usr/bin/python3 ] || skip "/usr/bin/python3 is not installed"
/usr/bin/python3 -c 'import ensurepip' 2>/dev/null || skip "python3-venv is not installed"

# Compiled files hold the times of their sources.
like_native --no-times --exclude '*.pyc' --exclude '.cache/*' <<'IN'
/usr/bin/python3 -m venv --without-pip bare
bare/bin/python -c 'import sys; assert sys.prefix.endswith("/bare"), sys.prefix'
/usr/bin/python3 -m venv full
full/bin/python -m pip --version >"$OUT"
full/bin/python -m pip --disable-pip-version-check list >"$OUT"
rm -rf bare
IN
full/bin/python -m pip --version >"$OUT"
