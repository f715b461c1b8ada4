#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Measures writfs beside the native file system, fuse-overlayfs and bindfs, in one run.

bench.py WRIT DRIVE WORK_DIRECTORY [ROUNDS]

Each contender has its own copy of one tree and a worker process that sees it through the mount.
In every round each contender is mounted afresh and does all rows; the order turns with the round,
so that what the machine does meanwhile hits all alike. Printed are medians: native in ms, the
others as multiples of it. "Cold" is the first time after mounting; the page cache of the real
files is warm in every column. Nothing is asserted."""

import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import time

FILES = 3000
TOPS, SUBS = 17, 18  # directories of about ten files
VICTIMS = 2000
BIG_BYTES = 256 << 20
CREATES = 4000
SAVES = 1000
STARTS = 15
QUIET = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}


# ---- the worker: runs commands where it stands and says how long they took ----

def worker():
    print("ready " + os.environ.get("WRIT_JOB", ""), flush=True)
    for line in sys.stdin:
        command = json.loads(line)
        start = time.perf_counter()
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                              stderr=subprocess.PIPE, check=False)
        took = time.perf_counter() - start
        error = done.stderr.decode("utf-8", "replace")[-300:] if done.returncode else ""
        print(json.dumps({"took": took, "error": error}), flush=True)


class Worker:
    def __init__(self, prefix, environment):
        command = prefix + ["/usr/bin/python3", "-IB", os.path.abspath(__file__), "--worker"]
        self.child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                      text=True, env=environment, cwd="/")
        said = self.child.stdout.readline()
        if not said.startswith("ready"):
            self.child.wait()
            raise OSError(f"could not start: {' '.join(prefix)}")
        self.job = said.split()[1] if len(said.split()) > 1 else None

    def run(self, command):
        self.child.stdin.write(json.dumps(command) + "\n")
        self.child.stdin.flush()
        answer = json.loads(self.child.stdout.readline())
        if answer["error"]:
            raise OSError(f"{' '.join(command)}: {answer['error']}")
        return answer["took"]

    def end(self):
        self.child.stdin.close()
        self.child.wait()


# ---- contenders ----

class Contender:
    """Native; the others change how the tree is seen."""
    name = "native"
    prefix = ()

    def __init__(self, bench):
        self.bench = bench
        self.tree = os.path.join(bench.work, "trees", self.name.replace(" ", "-"))
        self.seen = self.tree
        self.worker = None

    def begin_round(self):
        """What the round before wrote is forgotten; within a round it stays over a remount."""

    def mount(self):
        pass

    def unmount(self):
        pass

    def start(self):
        self.mount()
        self.worker = Worker(list(self.prefix), self.bench.environment)

    def stop(self):
        if self.worker:
            self.worker.end()
            self.worker = None
        self.unmount()

    def fresh(self):
        self.stop()
        self.start()

    def lazy_umount(self):
        command = ["umount"] if os.geteuid() == 0 else ["fusermount3", "-u"]
        for _ in range(50):
            if subprocess.run(command + [self.seen], check=False, **QUIET).returncode == 0:
                return
            time.sleep(0.02)


class Mounted(Contender):
    """Something that a command mounts at a directory beside the tree."""

    def __init__(self, bench):
        super().__init__(bench)
        self.seen = os.path.join(bench.work, "seen", self.name.replace(" ", "-"))
        os.makedirs(self.seen, exist_ok=True)
        self.mounted = False

    def mount(self):
        subprocess.run(self.command(), check=True, **QUIET)
        self.mounted = True

    def unmount(self):
        if self.mounted:
            self.lazy_umount()
            self.mounted = False

    def command(self):
        raise NotImplementedError


class Bindfs(Mounted):
    name = "bindfs"

    def command(self):
        return ["bindfs", "--no-allow-other", self.tree, self.seen]


class FuseOverlayfs(Mounted):
    name = "fuse-overlayfs"

    def begin_round(self):
        shutil.rmtree(os.path.join(self.bench.work, "scratch"), ignore_errors=True)

    def command(self):
        scratch = os.path.join(self.bench.work, "scratch")
        upper, work = (os.path.join(scratch, part) for part in ("upper", "work"))
        os.makedirs(upper, exist_ok=True)
        os.makedirs(work, exist_ok=True)
        return ["fuse-overlayfs", "-o", f"lowerdir={self.tree},upperdir={upper},workdir={work}",
                self.seen]


class Granted(Contender):
    name = "writ granted"

    @property
    def prefix(self):
        return [self.bench.writ, "run", "-q", "--root", self.tree, "--allow", self.tree, "--"]


class Redirected(Contender):
    name = "writ redirected"
    job = None

    def begin_round(self):
        self.job = None

    @property
    def prefix(self):
        again = ["-j", self.job] if self.job else []
        return [self.bench.writ, "run", "-q", "--root", self.tree, *again, "--"]

    def start(self):
        super().start()
        self.job = self.worker.job


CONTENDERS = (Contender, Granted, Redirected, FuseOverlayfs, Bindfs)


# ---- the tree ----

def make_tree(top):
    chance = random.Random(1)
    words = [f"word{i}" for i in range(500)]
    for i in range(FILES):
        folder = os.path.join(top, "repo", f"dir{i % TOPS}", f"sub{i // TOPS % SUBS}")
        os.makedirs(folder, exist_ok=True)
        with open(os.path.join(folder, f"file{i}.txt"), "w", encoding="ascii") as file:
            for _ in range(chance.randint(20, 120)):
                file.write(" ".join(chance.choices(words, k=6)) + "\n")
    git = ["git", "-C", os.path.join(top, "repo"), "-c", "user.name=x", "-c", "user.email=x@y"]
    subprocess.run(git + ["init", "-q"], check=True)
    subprocess.run(git + ["add", "-A"], check=True)
    subprocess.run(git + ["commit", "-q", "-m", "all"], check=True)
    with open(os.path.join(top, "big"), "wb") as file:
        for _ in range(BIG_BYTES >> 20):
            file.write(chance.randbytes(1 << 20))
    os.mkdir(os.path.join(top, "victim"))
    make_victim(os.path.join(top, "victim"))


def make_victim(top):
    for i in range(VICTIMS):
        folder = os.path.join(top, f"dir{i % 100}")
        os.makedirs(folder, exist_ok=True)
        with open(os.path.join(folder, f"file{i}"), "w", encoding="ascii") as file:
            file.write("x" * 200)


# ---- the bench ----

class Bench:
    def __init__(self, writ, drive, work, rounds):
        self.writ, self.drive, self.work, self.rounds = writ, drive, work, rounds
        home = os.path.join(work, "home")
        os.makedirs(home, exist_ok=True)
        self.environment = {"HOME": home, "PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8",
                            "GIT_OPTIONAL_LOCKS": "0", "GIT_CONFIG_NOSYSTEM": "1",
                            "XDG_STATE_HOME": os.path.join(work, "state")}
        self.times = {}
        self.failed = {}

    def note(self, row, contender, took_s):
        self.times.setdefault(row, {}).setdefault(contender.name, []).append(took_s * 1000)

    def cold_and_warm(self, contender, row, command):
        contender.fresh()
        run = contender.worker.run
        self.note(f"{row}, cold", contender, run(command))
        self.note(f"{row}, warm", contender, min(run(command) for _ in range(3)))

    def reads(self, contender):
        seen = contender.seen
        repo = f"{seen}/repo"
        self.cold_and_warm(contender, "find -printf",
                           ["find", repo, "-printf", "%p %s %m %T@ %i\n"])
        # The index knows the files of this column from here on, as after a minute of work.
        contender.worker.run(["env", "GIT_OPTIONAL_LOCKS=1", "git", "-C", repo, "status", "-s"])
        self.cold_and_warm(contender, "git status", ["git", "-C", repo, "status", "--short"])
        self.cold_and_warm(contender, "grep -r", ["grep", "-r", "--include=*.txt", "-c",
                                                  "word77 word78", f"{repo}/dir3", f"{repo}/dir5"])
        contender.fresh()
        run = contender.worker.run
        self.note("256 MB read", contender, run([self.drive, "read", f"{seen}/big"]))
        run([self.drive, "open-read", repo, "1"])
        self.note("open+read+close, 3 x all files, warm", contender,
                  run([self.drive, "open-read", repo, "3"]))

    def writes(self, contender):
        seen, run = contender.seen, contender.worker.run
        run(["mkdir", f"{seen}/made", f"{seen}/saved", f"{seen}/untar"])
        self.note("4,000 creates", contender, run([self.drive, "create", f"{seen}/made",
                                                   str(CREATES)]))
        self.note("1,000 x temp+rename", contender, run([self.drive, "save", f"{seen}/saved",
                                                         str(SAVES)]))
        self.note("tar x of 3,000 files", contender, run(["tar", "-C", f"{seen}/untar", "-xf",
                                                          f"{self.work}/tree.tar"]))
        self.note("rm -rf of 2,000 old files", contender, run(["rm", "-rf", f"{seen}/victim"]))
        self.note("rm -rf of 3,000 new files", contender, run(["rm", "-rf", f"{seen}/untar"]))
        run(["rm", "-rf", f"{seen}/made", f"{seen}/saved"])

    def one(self, contender):
        if contender.name in self.failed:
            return
        try:
            contender.begin_round()
            self.reads(contender)
            self.writes(contender)
        except (OSError, subprocess.SubprocessError, ValueError) as error:
            self.failed[contender.name] = str(error)
        finally:
            contender.stop()
        victim = os.path.join(contender.tree, "victim")
        if not os.path.exists(victim):
            os.mkdir(victim)
            make_victim(victim)

    def starts(self):
        """Start-up; rounds interleaved as well."""
        bwrap = ["bwrap", "--unshare-all", "--bind", "/", "/", "--proc", "/proc", "true"]
        commands = {"true": ["true"], "bwrap": bwrap,
                    "writ run": [self.writ, "run", "-q", "--", "true"]}
        times = {name: [] for name in commands}
        for _ in range(STARTS):
            for name, command in list(commands.items()):
                start = time.perf_counter()
                done = subprocess.run(command, env=self.environment, cwd=self.work, check=False,
                                      stdin=subprocess.DEVNULL, **QUIET)
                if done.returncode:
                    del commands[name], times[name]
                else:
                    times[name].append((time.perf_counter() - start) * 1000)
        words = [f"{name} {statistics.median(took):.1f} ms" for name, took in times.items()]
        print("start-up: " + " · ".join(words))

    def run(self):
        model = os.path.join(self.work, "trees", "native")
        make_tree(model)
        subprocess.run(["tar", "-C", model, "--exclude=.git", "-cf",
                        os.path.join(self.work, "tree.tar"), "repo"], check=True)
        contenders = [kind(self) for kind in CONTENDERS]
        for contender in contenders[1:]:
            subprocess.run(["cp", "-a", "--reflink=auto", model, contender.tree], check=True)
        for number in range(self.rounds):
            turn = number % len(contenders)
            for contender in contenders[turn:] + contenders[:turn]:
                self.one(contender)
            print(f"round {number + 1} of {self.rounds} done", file=sys.stderr, flush=True)
        self.table([c.name for c in contenders])
        self.starts()

    def table(self, names):
        width = max(map(len, self.times)) + 2
        print(f"{'median of ' + str(self.rounds) + ' rounds':{width}}{'native':>10}"
              + "".join(f"{name:>17}" for name in names[1:]))
        for row, columns in self.times.items():
            native = statistics.median(columns["native"]) if "native" in columns else 0
            line = f"{row:{width}}{native:>7.1f} ms"
            for name in names[1:]:
                if native and name in columns:
                    took = statistics.median(columns[name])
                    line += f"{took / native:>14.2f} x "
                else:
                    line += f"{'-':>17}"
            print(line)
        for name, why in self.failed.items():
            print(f"{name}: not measured further: {why.strip()}")


def main():
    if sys.argv[1:] == ["--worker"]:
        worker()
        return
    writ, drive, work = (os.path.abspath(argument) for argument in sys.argv[1:4])
    Bench(writ, drive, work, int(sys.argv[4]) if len(sys.argv) > 4 else 5).run()


if __name__ == "__main__":
    main()
