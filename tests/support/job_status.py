#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Asks the daemon of a live job: job_status.py JOB_DIRECTORY prints its reply to {"cmd":"status"}.
As a module: ask(directory, request) -> reply, and requests(directory) -> {opcode name: count}."""

import json
import os
import socket
import sys

# Answered by nobody: the kernel does not wait for these.
NOT_WAITED_FOR = ("FORGET", "BATCH_FORGET", "INTERRUPT", "RELEASE", "RELEASEDIR", "NOTIFY_REPLY")


def ask(directory, request):
    fd = os.open(directory, os.O_PATH | os.O_DIRECTORY)
    try:
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(f"/proc/self/fd/{fd}/control")
            client.sendall(json.dumps(request).encode() + b"\n")
            reply = b""
            while not reply.endswith(b"\n"):
                block = client.recv(65536)
                if not block:
                    break
                reply += block
    finally:
        os.close(fd)
    return json.loads(reply)


def requests(directory):
    return ask(directory, {"v": 1, "cmd": "status"})["requests"]


def waited_for(before, after):
    """What was asked between two counts, without what nobody waits for."""
    names = set(before) | set(after)
    changed = {name: after.get(name, 0) - before.get(name, 0) for name in names}
    return {name: count for name, count in sorted(changed.items())
            if count and name not in NOT_WAITED_FOR}


if __name__ == "__main__":
    print(json.dumps(ask(sys.argv[1], {"v": 1, "cmd": "status"})))
