#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Counts the FUSE requests that one operation of a program in a job makes it wait for.

count_requests.py JOBS_DIRECTORY COMMAND...: COMMAND starts this file with --step as the job's
program; each operation is sent to it, and the daemon's counters are read before and after."""

import os
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import job_status  # noqa: E402

# name, preparation (not counted), operation, how many requests at most. A new file: LOOKUP, CREATE,
# WRITE; and Linux asks once for each inode that is written whether it has capabilities (GETXATTR),
# which only a file system without any extended attributes can spare it. An append may have to ask
# for the size again (GETATTR, GETXATTR), where the daemon heard of the real file's last change.
CASES = [
    ("lstat, warm", "os.lstat('DIR/f')", "os.lstat('DIR/f')", 0),
    ("lstat below, warm", "os.lstat('DIR/sub/f')", "os.lstat('DIR/sub/f')", 0),
    ("lstat of a missing name, warm", "missing('DIR/no')", "missing('DIR/no')", 0),
    ("open, read, close, cached", "read('DIR/f')", "read('DIR/f')", 0),
    ("second listing", "os.listdir('DIR/sub')", "os.listdir('DIR/sub')", 0),
    ("lstat of all names listed", "scan('DIR/many')", "scan('DIR/many')", 0),
    ("readlink, cached", "os.readlink('DIR/link')", "os.readlink('DIR/link')", 0),
    ("new file with one write", "new('DIR/new-0'); pause(); os.lstat('DIR')", "new('DIR/new-1')", 3),
    ("one write to an open file", "hold('DIR/f')", "os.write(held[-1], b'x')", 1),
    ("append to a file written before", "append('DIR/f'); pause()", "append('DIR/f')", 3),
    ("read back what was written", "append('DIR/f'); pause(); read('DIR/f')", "read('DIR/f')", 0),
]


def step():
    held = []

    def read(path):
        fd = os.open(path, os.O_RDONLY)
        while os.read(fd, 65536):
            pass
        os.close(fd)

    def new(path):
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
        os.write(fd, b"new")
        os.close(fd)

    def hold(path):
        held.append(os.open(path, os.O_WRONLY))
        os.write(held[-1], b"o")

    def append(path):
        fd = os.open(path, os.O_WRONLY | os.O_APPEND)
        os.write(fd, b"x")
        os.close(fd)

    def scan(path):
        for name in os.listdir(path):
            os.lstat(f"{path}/{name}")

    def missing(path):
        try:
            os.lstat(path)
        except FileNotFoundError:
            pass

    def pause():
        """Until the daemon has seen its own change, and the kernel has heard of it."""
        time.sleep(1.0)

    names = {"os": os, "pause": pause, "held": held, "read": read, "new": new, "hold": hold, "append": append,
             "scan": scan, "missing": missing}
    print("ready", flush=True)
    for line in sys.stdin:
        exec(line, names)  # pylint: disable=exec-used
        print("done", flush=True)


def newest(jobs):
    return max((os.path.join(jobs, name) for name in os.listdir(jobs)), key=os.path.getmtime)


def main():
    if sys.argv[1:] == ["--step"]:
        step()
        return 0
    jobs, command = sys.argv[1], sys.argv[2:]
    with subprocess.Popen(command + [sys.executable, "-ISB", os.path.abspath(__file__), "--step"],
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:

        def tell(line):
            child.stdin.write(line + "\n")
            child.stdin.flush()
            assert child.stdout.readline() == "done\n", "the program in the job has ended"

        assert child.stdout.readline() == "ready\n", "the job did not start"
        job = newest(jobs)
        bad = 0
        for where in ("granted", "redirected"):
            for name, prepare, operation, most in CASES:
                tell(prepare.replace("DIR", where))
                tell(prepare.replace("DIR", where).replace("new-0", "new-2"))
                # What the kernel sends later by itself (RELEASE, FORGET) must not count here.
                time.sleep(0.05)
                before = job_status.requests(job)
                tell(operation.replace("DIR", where))
                made = job_status.waited_for(before, job_status.requests(job))
                if name.startswith("new file") and made.get("GETXATTR") == 1:
                    del made["GETXATTR"]
                count = sum(made.values())
                words = " ".join(f"{key}={value}" for key, value in made.items())
                print(f"{'ok ' if count <= most else 'BAD'} {where}: {name}: "
                      f"{count} (at most {most}) {words}", flush=True)
                bad += count > most
        child.stdin.close()
    if child.returncode:
        print(f"the job ended with {child.returncode}")
    return 1 if bad or child.returncode else 0


if __name__ == "__main__":
    sys.exit(main())
