#!/bin/bash
# SPDX-License-Identifier: MIT
# A granted directory with a refused name below is not renamed; redirected names keep their real file.
. "$(dirname "$0")/../lib.sh"
need_sandbox

mkdir -p g/r g/m
echo keep >g/r/secret
echo keep >g/m/.env
echo a >g/m/a
inside --allow '~/g' --refuse '~/g/r/secret' --redirect '**/.env' <<'IN'
got=$(sys 'os.rename("g/r", "g/r2")')
case $got in EACCES | EXDEV) ;; *) fail "rename of a directory with a refused name: $got" ;; esac
mv g/m g/n
expect_file g/n/.env keep
expect_file g/n/a a
echo changed >g/n/.env
expect_file g/n/.env changed
IN
expect_file g/r/secret keep
if [ -e g/n/.env ]; then
	expect_file g/n/.env keep
else
	expect_file g/m/.env keep
fi
