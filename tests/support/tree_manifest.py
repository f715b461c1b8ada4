#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Prints a canonical manifest of a tree: one line a name, in byte order, with everything that two
equal trees share: type, mode, owner, size, mtime in ns, extended attributes, link target, device
number, SHA-256, and for hard links the first name of the same inode in this tree."""

import argparse
import fnmatch
import hashlib
import os
import stat
import sys

TYPES = {
    stat.S_IFREG: "file", stat.S_IFDIR: "dir", stat.S_IFLNK: "link", stat.S_IFIFO: "fifo",
    stat.S_IFSOCK: "socket", stat.S_IFCHR: "char", stat.S_IFBLK: "block",
}


def shown(name: bytes) -> str:
    return "".join(chr(b) if 0x20 < b < 0x7F and b != 0x5C else f"\\x{b:02x}" for b in name)


def sha256(path: bytes) -> str:
    digest = hashlib.sha256()
    with open(path, "rb", opener=lambda p, f: os.open(p, f | os.O_NOFOLLOW)) as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def xattrs(path: bytes) -> str:
    found = []
    for name in sorted(os.listxattr(path, follow_symlinks=False)):
        value = os.getxattr(path, name, follow_symlinks=False)
        found.append(f"{shown(os.fsencode(name))}={value.hex()}")
    return ",".join(found)


class Printer:
    def __init__(self, options):
        self.options = options
        self.first_name = {}

    def line(self, path: bytes, relative: bytes, st: os.stat_result) -> str:
        kind = TYPES[stat.S_IFMT(st.st_mode)]
        fields = [shown(relative) or ".", kind, f"{stat.S_IMODE(st.st_mode):04o}"]
        if self.options.owner:
            fields.append(f"{st.st_uid}:{st.st_gid}")
        with_times = self.options.times and (kind != "dir" or self.options.dir_times)
        if with_times and os.fsdecode(relative) not in self.options.prune:
            fields.append(f"mtime={st.st_mtime_ns}")
        if kind == "file":
            fields.append(f"size={st.st_size}")
            try:
                fields.append(f"sha256={sha256(path)}")
            except OSError as error:
                fields.append(f"unreadable={error.errno}")
        elif kind == "link":
            fields.append(f"target={shown(os.readlink(path))}")
        elif kind in ("char", "block"):
            fields.append(f"rdev={os.major(st.st_rdev)}:{os.minor(st.st_rdev)}")
        if kind != "dir" and st.st_nlink > 1 and self.options.links:
            first = self.first_name.setdefault((st.st_dev, st.st_ino), relative)
            fields.append(f"nlink={st.st_nlink} same={shown(first)}")
        if self.options.xattrs:
            try:
                found = xattrs(path)
            except OSError as error:
                found = f"error={error.errno}"
            if found:
                fields.append(f"xattrs={found}")
        return " ".join(fields)

    def walk(self, path: bytes, relative: bytes) -> None:
        st = os.lstat(path)
        print(self.line(path, relative, st))
        if not stat.S_ISDIR(st.st_mode) or os.fsdecode(relative) in self.options.prune:
            return
        try:
            names = sorted(os.listdir(path))
        except OSError as error:
            print(f"{shown(relative)} not-listed={error.errno}")
            return
        for name in names:
            below = os.path.join(relative, name) if relative else name
            if any(fnmatch.fnmatchcase(os.fsdecode(below), glob) for glob in self.options.exclude):
                continue
            self.walk(os.path.join(path, name), below)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dir")
    parser.add_argument("--prune", action="append", default=[], metavar="PATH",
                        help="a directory (relative) whose entries and times are left out")
    parser.add_argument("--exclude", action="append", default=[], metavar="GLOB",
                        help="names (relative, * crosses /) that are left out")
    parser.add_argument("--no-times", dest="times", action="store_false")
    parser.add_argument("--no-dir-times", dest="dir_times", action="store_false")
    parser.add_argument("--no-owner", dest="owner", action="store_false")
    parser.add_argument("--no-xattrs", dest="xattrs", action="store_false")
    parser.add_argument("--no-links", dest="links", action="store_false")
    options = parser.parse_args()
    sys.setrecursionlimit(20000)
    sys.stdout.reconfigure(encoding="utf-8", errors="surrogateescape")
    Printer(options).walk(os.fsencode(options.dir), b"")
    return 0


if __name__ == "__main__":
    sys.exit(main())
