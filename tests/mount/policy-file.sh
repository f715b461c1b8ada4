#!/bin/bash
# SPDX-License-Identifier: MIT
# Rules of a policy file: redirect wins over allow, refuse over both.
. "$(dirname "$0")/../lib.sh"
need_sandbox

mkdir -p w/sub w/no
cat >"$T/p.json" <<'JSON'
{
	// comments are allowed
	"v": 1,
	"filesystem": {
		"allowWrite": ["~/w", "~/files/*.{a,b}"],
		"redirectWrite": ["**/.env*", "~/w/**/secret[0-9]"],
		"refuseWrite": ["~/w/no"],
	},
}
JSON
mkdir files
inside -p "$T/p.json" <<'IN'
for f in w/f w/.env w/.env.local w/sub/.env w/sub/secret1 w/sub/secretx files/x.a files/x.b files/x.c; do
	echo x >$f
	expect_file $f x
done
expect_errno EACCES 'put("w/no/f", b"x", WR | CREAT)'
IN
for f in w/f w/sub/secretx files/x.a files/x.b; do expect_file $f x; done
expect_no w/.env w/.env.local w/sub/.env w/sub/secret1 files/x.c w/no/f
