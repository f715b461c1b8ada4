#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Runs the console blocks of a Markdown file and compares the screens.

console.py FILE [--update]: a block that begins with ```console holds lines "$ COMMAND", each
followed by what the command shows on a terminal of 100 columns. All blocks run in one shell-less
sequence in the current directory (cd is understood). What differs from run to run is compared by
kind: numbers of jobs, times and dates, durations, hexadecimal ids. A line "..." stands for any
lines. --update writes what was shown into FILE."""

import fcntl
import os
import pty
import re
import select
import shlex
import struct
import subprocess
import sys
import tempfile
import termios

COLUMNS, ROWS = 100, 40
TIMEOUT_S = 30
KINDS = [
    (r"\x1b\[[0-9;?]*[A-Za-z]", ""),
    (r"\b\d{4}-\d\d-\d\d[ T]\d\d:\d\d(:\d\d)?(\.\d+)?Z?", "DATE"),
    (r"\b\d\d:\d\d(:\d\d)?(\.\d+)?\b", "TIME"),
    (r"\bin \d+(\.\d+)? (ms|s|min|h)\b|\bafter (\d+(\.\d+)? (ms|s|min|h)( \d+ (s|min))?|under a second)",
     "DURATION"),
    (r"\b\d+ (second|minute|hour|day)s? ago|\bjust now\b", "AGO"),
    (r"\b(sh|bash)-\d+\b", r"\1-N"),
    (r"\b[0-9a-f]{12,64}\b", "ID"),
    (r"[ \t]+$", ""),
]


def normal(line):
    for pattern, word in KINDS:
        line = re.sub(pattern, word, line)
    return re.sub(r" {2,}", "  ", line)


def show(command, directory):
    """What COMMAND shows on a terminal -> (lines, directory afterwards)"""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    handle, where = tempfile.mkstemp()
    os.close(handle)
    script = f"{command}\npwd >{shlex.quote(where)}"
    child = subprocess.Popen(["bash", "-c", script], stdin=slave, stdout=slave, stderr=slave,
                             cwd=directory, start_new_session=True, env=dict(os.environ, TERM="dumb"),
                             preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
    os.close(slave)
    output = b""
    while True:
        ready, _, _ = select.select([master], [], [], TIMEOUT_S)
        if not ready:
            child.kill()
            sys.exit(f"not done after {TIMEOUT_S} s: {command}\n{output.decode()}")
        try:
            block = os.read(master, 65536)
        except OSError:
            break
        if not block:
            break
        output += block
    child.wait()
    os.close(master)
    with open(where, encoding="utf-8") as file:
        directory = file.read().strip() or directory
    os.unlink(where)
    text = output.decode("utf-8", "replace").replace("\r\n", "\n")
    return text.splitlines(), directory


def blocks(lines):
    """[(first line, last line + 1)] of what is between ```console and ```"""
    found, start = [], None
    for number, line in enumerate(lines):
        if start is None and line.strip() == "```console":
            start = number + 1
        elif start is not None and line.strip() == "```":
            found.append((start, number))
            start = None
    return found


def commands(lines):
    """[[command, [expected lines]]]"""
    found = []
    for line in lines:
        if line.startswith("$ "):
            found.append([line[2:], []])
        elif found:
            found[-1][1].append(line)
    for entry in found:
        while entry[1] and not entry[1][-1].strip():
            entry[1].pop()
    return found


def same(expected, shown):
    if not expected:
        return not shown
    if expected[0].strip() == "...":
        return any(same(expected[1:], shown[skip:]) for skip in range(len(shown) + 1))
    if not shown or normal(expected[0]) != normal(shown[0]):
        return False
    return same(expected[1:], shown[1:])


def main():
    path, update = sys.argv[1], "--update" in sys.argv
    with open(path, encoding="utf-8") as file:
        lines = file.read().split("\n")
    directory, bad, shift = os.getcwd(), 0, 0
    for start, end in blocks(lines):
        made = []
        for command, expected in commands(lines[start + shift:end + shift]):
            shown, directory = show(command, directory)
            while shown and not shown[-1].strip():
                shown.pop()
            made += ["$ " + command, *[line.rstrip() for line in shown], ""]
            if not same(expected, shown):
                bad += 1
                print(f"$ {command}\n--- expected\n" + "\n".join(expected))
                print("--- shown\n" + "\n".join(shown) + "\n")
        if update:
            made = made[:-1]
            lines[start + shift:end + shift] = made
            shift += len(made) - (end - start)
    if update:
        with open(path, "w", encoding="utf-8") as file:
            file.write("\n".join(lines))
        return 0
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
