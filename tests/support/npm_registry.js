// SPDX-License-Identifier: MIT
// A registry of the tarballs NAME.tgz in one directory: npm_registry.js DIRECTORY PORT_FILE
'use strict';
const crypto = require('crypto');
const fs = require('fs');
const http = require('http');
const path = require('path');
const { execFileSync } = require('child_process');

const [directory, portFile] = process.argv.slice(2);
const packages = {};
for (const file of fs.readdirSync(directory)) {
	const tarball = fs.readFileSync(path.join(directory, file));
	const manifest = JSON.parse(execFileSync('tar', ['-xzOf', path.join(directory, file),
		'package/package.json']));
	packages[manifest.name] = { tarball, manifest };
}

const server = http.createServer((request, response) => {
	const [, name, , file] = request.url.split('/');
	const found = packages[decodeURIComponent(name)];
	if (!found) {
		response.writeHead(404).end('{}');
	} else if (file) {
		response.end(found.tarball);
	} else {
		const { version } = found.manifest;
		const integrity = crypto.createHash('sha512').update(found.tarball).digest('base64');
		const dist = {
			tarball: `http://127.0.0.1:${server.address().port}/${name}/-/${name}.tgz`,
			integrity: `sha512-${integrity}`,
		};
		response.setHeader('content-type', 'application/json');
		response.end(JSON.stringify({
			name: found.manifest.name,
			'dist-tags': { latest: version },
			versions: { [version]: { ...found.manifest, dist } },
		}));
	}
});
server.listen(0, '127.0.0.1', () => {
	fs.writeFileSync(portFile, String(server.address().port));
});
