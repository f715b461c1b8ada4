#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Plays a person at a terminal: terminal.py SCRIPT COMMAND...: COMMAND runs on a pseudo-terminal of
its own; SCRIPT (a file) has one step a line:

    expect REGEX     waits until the screen shows it, after what was expected before
    send TEXT        types TEXT; \\n, \\x03 (^C) and \\x1a (^Z) as in Python
    sleep SECONDS
    end STATUS       waits for the end of COMMAND

Ends 1 with the screen where a step fails."""

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time

TIMEOUT_S = 20


class Terminal:
    def __init__(self, command):
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 33, 101, 0, 0))
        self.child = subprocess.Popen(
            command, stdin=slave, stdout=slave, stderr=slave, start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
        os.close(slave)
        self.screen = ""
        self.position = 0

    def read(self, timeout_s):
        ready, _, _ = select.select([self.master], [], [], timeout_s)
        if ready:
            try:
                self.screen += os.read(self.master, 65536).decode("utf-8", "replace")
            except OSError:
                time.sleep(0.02)

    def fail(self, words):
        sys.exit(f"{words}\n--- the screen:\n{self.screen}")

    def expect(self, pattern):
        end = time.monotonic() + TIMEOUT_S
        while True:
            match = re.compile(pattern).search(self.screen, self.position)
            if match:
                self.position = match.end()
                return
            if time.monotonic() > end:
                self.fail(f"not shown: {pattern}")
            self.read(0.1)

    def send(self, text):
        os.write(self.master, text.encode().decode("unicode_escape").encode("latin-1"))

    def end(self, status):
        end = time.monotonic() + TIMEOUT_S
        while self.child.poll() is None:
            if time.monotonic() > end:
                self.child.kill()
                self.fail("it does not end")
            self.read(0.05)
        if self.child.returncode != int(status):
            self.fail(f"status {self.child.returncode}, expected {status}")


def main():
    terminal = Terminal(sys.argv[2:])
    with open(sys.argv[1], encoding="utf-8") as file:
        for line in file.read().splitlines():
            verb, _, rest = line.strip().partition(" ")
            if verb == "sleep":
                time.sleep(float(rest))
            elif verb:
                getattr(terminal, verb)(rest)
    return 0


if __name__ == "__main__":
    sys.exit(main())
