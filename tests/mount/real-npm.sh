#!/bin/bash
# SPDX-License-Identifier: MIT
# timeout: 300
# npm install of a package with hundreds of files; ~/.npm is redirected too.
. "$(dirname "$0")/../lib.sh"
need npm node tar
need_sandbox

# Three packages, served by a registry of the test's own.
mkdir -p "$T/npm/big/package/lib" "$T/npm/one/package" "$T/npm/two/package/bin" "$T/tarballs"
for i in $(seq 300); do echo "module.exports = $i" >"$T/npm/big/package/lib/m$i.js"; done
echo '{"name":"big","version":"1.2.3","main":"lib/m1.js","dependencies":{"one":"^1.0.0","two":"1.x"}}' \
	>"$T/npm/big/package/package.json"
echo '{"name":"one","version":"1.0.1","dependencies":{"two":"1.0.0"}}' >"$T/npm/one/package/package.json"
echo '{"name":"two","version":"1.0.0","bin":{"two":"bin/two.js"},"scripts":{"postinstall":"node bin/two.js > made"}}' \
	>"$T/npm/two/package/package.json"
printf '#!/usr/bin/env node\nconsole.log("two")\n' >"$T/npm/two/package/bin/two.js"
chmod +x "$T/npm/two/package/bin/two.js"
for name in big one two; do
	tar -C "$T/npm/$name" --sort=name --mtime='2020-01-01' -czf "$T/tarballs/$name.tgz" package
done
node "$SRC/tests/support/npm_registry.js" "$T/tarballs" "$T/port" &
registry=$!
wait_until 20 test -s "$T/port"
port=$(cat "$T/port")
export npm_config_registry=http://127.0.0.1:$port npm_config_audit=false npm_config_fund=false
export npm_config_update_notifier=false npm_config_foreground_scripts=true
mkdir proj
echo '{"name":"proj","version":"1.0.0"}' >proj/package.json
like_native --no-times --exclude '.npm/*' <<'IN'
cd proj
npm install --silent big
expect_eq "$(npx --no-install two)" two
expect_eq "$(node -p 'require("big")')" 1
expect_file node_modules/two/made two
[ "$(find node_modules -type f | wc -l)" -gt 300 ] || fail "files are missing"
npm install --silent one@1.0.1
rm -rf node_modules
npm ci --silent
expect_eq "$(npx --no-install two)" two
[ -d ~/.npm/_cacache ] || fail "no cache in ~/.npm"
IN
[ -d .npm/_cacache ] || fail "~/.npm was not applied"
cd proj
expect_eq "$(node -p 'require("big")')" 1
kill "$registry"
wait "$registry" || true
