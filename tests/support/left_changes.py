#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""left_changes.py STATUS.json: the paths that `writ status --json` still lists as redirected, each
ended by a NUL byte, raw bytes where the name is not UTF-8; directories before what is in them."""

import base64
import json
import sys


def raw(change):
    if "path_b64" in change:
        return base64.b64decode(change["path_b64"])
    return change["path"].encode("utf-8", "surrogateescape")


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        status = json.load(file)
    for path in sorted(raw(change) for change in status["changes"]):
        sys.stdout.buffer.write(path + b"\0")


if __name__ == "__main__":
    main()
