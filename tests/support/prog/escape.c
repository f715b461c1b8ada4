/* SPDX-License-Identifier: MIT */
/*
 * The attacker: tries every known way from inside a job to the real tree or to a process outside,
 * and says which worked. Run as the job's program:
 *
 *   escape HOME NAME [HANDLE] [PID]...
 *
 * NAME is a file in HOME. Reached through the job's mount it is on FUSE; reached on any other file
 * system, writable or not, it is an escape. HANDLE has the bytes of name_to_handle_at(2) of HOME,
 * made outside ("escape --handle HOME >HANDLE"). PIDs are processes outside of the same user.
 * Ends 0 when nothing worked, 1 and one line on each that did. -v shows every attempt. Where HOME
 * is not on FUSE it does nothing and ends 2: outside a job the attempts succeed, and unmount
 * things.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#define FDS_TRIED 256
#define HANDLE_SIZE 128
#define PROCESSES_MAX 4096
#define PATH_SIZE 4608

static const char *home, *name;
static bool verbose;
static unsigned escapes;
static pid_t family[8]; /* this program's own processes */
static size_t family_count;

static void escaped(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static void escaped(const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	printf("ESCAPE: ");
	vprintf(fmt, ap);
	printf("\n");
	va_end(ap);
	escapes++;
}

static void tried(const char *what, long result)
{
	if (verbose)
		printf("%-40s %s\n", what, result < 0 ? strerrorname_np(errno) : "worked");
}

static bool is_fuse(int fd)
{
	struct statfs fs;
	return fstatfs(fd, &fs) == 0 && fs.f_type == FUSE_SUPER_MAGIC;
}

/* Is NAME, looked up in this directory, the real file? */
static void look_at(int dir, const char *path, const char *way)
{
	int fd = openat(dir, path, O_RDONLY | O_NONBLOCK);
	if (fd < 0)
		return;
	if (!is_fuse(fd))
		escaped("%s shows the real %s", way, path);
	(void)close(fd);
}

/* A path that may stand for the root directory or for HOME. */
static void look_through(const char *path, const char *way)
{
	char inside[PATH_SIZE];
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_NONBLOCK);
	tried(way, fd);
	if (fd < 0)
		return;
	look_at(fd, name, way);
	(void)snprintf(inside, sizeof(inside), "%s/%s", home + 1, name);
	look_at(fd, inside, way);
	(void)close(fd);
}

/* ---- what was brought along ---- */

static void try_inherited(void)
{
	look_at(AT_FDCWD, name, "the working directory");
	for (int fd = 3; fd < FDS_TRIED; fd++) {
		struct stat st;
		char way[64];
		if (fstat(fd, &st) < 0)
			continue;
		(void)snprintf(way, sizeof(way), "inherited descriptor %d", fd);
		if (S_ISDIR(st.st_mode))
			look_at(fd, name, way);
		if (!S_ISFIFO(st.st_mode))
			escaped("%s is open", way);
	}
}

/* ---- processes ---- */

static void try_proc_links(pid_t pid)
{
	static const char *const links[] = {"root", "cwd"};
	char path[64], way[96];
	for (size_t i = 0; i < 2; i++) {
		(void)snprintf(path, sizeof(path), "/proc/%d/%s", pid, links[i]);
		look_through(path, path);
	}
	for (int fd = 0; fd < FDS_TRIED; fd++) {
		(void)snprintf(path, sizeof(path), "/proc/%d/fd/%d", pid, fd);
		look_through(path, path);
	}
	static const char *const files[] = {"mem", "environ", "maps"};
	for (size_t i = 0; i < 3; i++) {
		char byte;
		(void)snprintf(path, sizeof(path), "/proc/%d/%s", pid, files[i]);
		int fd = open(path, i == 0 ? O_RDWR : O_RDONLY);
		(void)snprintf(way, sizeof(way), "open %s", path);
		tried(way, fd);
		if (fd >= 0 && (i == 0 || read(fd, &byte, 1) > 0))
			escaped("%s can be opened", path);
		if (fd >= 0)
			(void)close(fd);
	}
}

static void try_memory(pid_t pid)
{
	char byte;
	struct iovec mine = {&byte, 1}, its = {(void *)0x400000, 1};
	long r = process_vm_readv(pid, &mine, 1, &its, 1, 0);
	tried("process_vm_readv", r);
	if (r >= 0 || errno == EFAULT) /* EFAULT: allowed, only nothing lies there */
		escaped("process_vm_readv of %d is allowed", pid);
	r = ptrace(PTRACE_SEIZE, pid, NULL, NULL);
	tried("ptrace", r);
	if (r >= 0) {
		escaped("ptrace of %d is allowed", pid);
		(void)ptrace(PTRACE_DETACH, pid, NULL, NULL);
	}
	int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	for (int fd = 0; pidfd >= 0 && fd < 16; fd++) {
		r = syscall(SYS_pidfd_getfd, pidfd, fd, 0);
		tried("pidfd_getfd", r);
		if (r >= 0)
			escaped("pidfd_getfd(%d) of %d is allowed", fd, pid);
	}
	if (pidfd >= 0)
		(void)close(pidfd);
}

static void try_namespaces(pid_t pid)
{
	static const char *const kinds[] = {"mnt", "user", "pid"};
	for (size_t i = 0; i < 3; i++) {
		char path[64];
		(void)snprintf(path, sizeof(path), "/proc/%d/ns/%s", pid, kinds[i]);
		int fd = open(path, O_RDONLY);
		long r = fd < 0 ? -1 : setns(fd, 0);
		tried(path, r);
		/* Of its own children a program may enter what they made. */
		if (r == 0)
			escaped("setns to %s is allowed", path);
		if (fd >= 0)
			(void)close(fd);
	}
}

static void try_signals(pid_t pid)
{
	int r = kill(pid, 0);
	tried("kill", r);
	if (r == 0)
		escaped("process %d outside can be signalled", pid);
}

static bool is_family(pid_t pid)
{
	for (size_t i = 0; i < family_count; i++) {
		if (family[i] == pid)
			return true;
	}
	return pid == getpid();
}

/* Everything that /proc shows but the attacker itself; what the job's init is, too. */
static void try_processes(void)
{
	pid_t pids[PROCESSES_MAX];
	size_t count = 0;
	DIR *proc = opendir("/proc");
	const struct dirent *entry;
	while (proc && (entry = readdir(proc)) && count < PROCESSES_MAX) {
		pid_t pid = atoi(entry->d_name);
		if (pid > 0 && !is_family(pid))
			pids[count++] = pid;
	}
	if (proc)
		(void)closedir(proc);
	for (size_t i = 0; i < count; i++) {
		try_proc_links(pids[i]);
		try_memory(pids[i]);
		try_namespaces(pids[i]);
	}
}

/* ---- mounts ---- */

static void look_below(const char *mountpoint, const char *way)
{
	char path[PATH_SIZE];
	(void)snprintf(path, sizeof(path), "%s%s", mountpoint, home);
	int fd = open(path, O_RDONLY | O_DIRECTORY);
	if (fd < 0)
		return;
	look_at(fd, name, way);
	(void)close(fd);
}

static void try_unmount(void)
{
	int r = umount2(home, 0);
	tried("umount HOME", r);
	if (r == 0)
		escaped("HOME can be unmounted");
	r = umount2(home, MNT_DETACH);
	tried("umount -l HOME", r);
	if (r == 0)
		escaped("HOME can be detached");
	r = umount2(home, MNT_FORCE);
	tried("umount -f HOME", r);
	(void)umount2("/proc", MNT_DETACH);
	look_at(AT_FDCWD, name, "the working directory after umount");
	look_below("", "HOME after umount");
}

static void try_move(const char *to)
{
	char parent[PATH_SIZE];
	(void)snprintf(parent, sizeof(parent), "%s", home);
	*strrchr(parent, '/') = '\0';
	tried("mount --move HOME", mount(home, to, NULL, MS_MOVE, NULL));
	look_below("", "HOME after a move");
	tried("remount HOME", mount(NULL, home, NULL, MS_REMOUNT | MS_BIND, NULL));
	if (mount("/", to, NULL, MS_BIND, NULL) == 0) {
		look_below(to, "a bind of /");
		(void)umount2(to, MNT_DETACH);
	}
	if (parent[0] && mount(parent, to, NULL, MS_BIND, NULL) == 0) {
		char child[PATH_SIZE];
		(void)snprintf(child, sizeof(child), "%s/%s/%s", to, strrchr(home, '/') + 1, name);
		look_at(AT_FDCWD, child, "a bind of HOME's parent");
		(void)umount2(to, MNT_DETACH);
	}
	if (mount("/", to, NULL, MS_BIND | MS_REC, NULL) == 0) {
		char inner[PATH_SIZE];
		(void)snprintf(inner, sizeof(inner), "%s%s", to, home);
		tried("umount in a recursive bind", umount2(inner, MNT_DETACH));
		look_below(to, "a recursive bind of /");
		(void)umount2(to, MNT_DETACH);
	}
}

static void try_open_tree(void)
{
	char path[PATH_SIZE];
	int fd = (int)syscall(SYS_open_tree, AT_FDCWD, "/", OPEN_TREE_CLONE);
	tried("open_tree(/)", fd);
	(void)snprintf(path, sizeof(path), "%s/%s", home + 1, name);
	if (fd >= 0)
		look_at(fd, path, "open_tree(/)");
	int all = (int)syscall(SYS_open_tree, AT_FDCWD, "/", OPEN_TREE_CLONE | AT_RECURSIVE);
	tried("open_tree(/, recursive)", all);
	if (all < 0)
		return;
	char inner[PATH_SIZE];
	(void)snprintf(inner, sizeof(inner), "/proc/self/fd/%d%s", all, home);
	tried("umount in a detached tree", umount2(inner, MNT_DETACH));
	look_at(all, path, "open_tree(/, recursive)");
}

static void try_handle(const char *file, const char *to)
{
	union {
		struct file_handle handle;
		char buf[sizeof(struct file_handle) + HANDLE_SIZE];
	} h;
	const char *const places[] = {"/", "/tmp", "/var", "/usr", "/etc", home, to};
	int fd = open(file, O_RDONLY);
	ssize_t n = fd < 0 ? -1 : read(fd, &h, sizeof(h));
	if (fd >= 0)
		(void)close(fd);
	if (n != (ssize_t)sizeof(h))
		return;
	(void)mount("/var", to, NULL, MS_BIND, NULL);
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		int mount_fd = open(places[i], O_RDONLY | O_DIRECTORY);
		int dir = mount_fd < 0
				  ? -1
				  : open_by_handle_at(mount_fd, &h.handle, O_RDONLY | O_DIRECTORY);
		tried("open_by_handle_at", dir);
		if (dir >= 0)
			look_at(dir, name, "open_by_handle_at");
	}
	(void)umount2(to, MNT_DETACH);
}

/* A device node of the disk, or a mount of it. */
static void try_devices(const char *to)
{
	struct stat st;
	char node[PATH_SIZE];
	(void)snprintf(node, sizeof(node), "%s.disk", to);
	if (stat("/", &st) < 0)
		return;
	int r = mknod(node, S_IFBLK | 0600, st.st_dev);
	tried("mknod of the disk", r);
	int fd = r < 0 ? -1 : open(node, O_RDONLY);
	if (fd >= 0)
		escaped("the disk can be opened");
	(void)unlink(node);
	static const char *const types[] = {"ext4", "xfs", "btrfs"};
	for (size_t i = 0; i < 3; i++) {
		if (mount("/dev/root", to, types[i], 0, NULL) == 0)
			escaped("the disk can be mounted as %s", types[i]);
	}
}

static void try_mounts(const char *handle, const char *to)
{
	try_unmount();
	try_move(to);
	try_open_tree();
	if (handle)
		try_handle(handle, to);
	try_devices(to);
}

/* ---- what the kernel runs, the terminal, the FUSE connection ---- */

static void try_kernel(void)
{
	static const char *const files[] = {"/proc/sys/kernel/core_pattern",
		"/proc/sys/kernel/modprobe", "/proc/sysrq-trigger", "/sys/kernel/uevent_helper"};
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		int fd = open(files[i], O_WRONLY);
		tried(files[i], fd);
		if (fd >= 0)
			escaped("%s can be written", files[i]);
	}
	DIR *dir = opendir("/sys/fs/fuse/connections");
	const struct dirent *entry;
	while (dir && (entry = readdir(dir))) {
		if (entry->d_name[0] != '.')
			escaped("the FUSE connection %s can be seen", entry->d_name);
	}
	if (dir)
		(void)closedir(dir);
	for (unsigned long high = 0; high < 2; high++) {
		/* The kernel looks at 32 bits of the request only. */
		long r = syscall(SYS_ioctl, STDIN_FILENO, high << 32 | TIOCSTI, "x");
		tried("TIOCSTI", r);
		if (r == 0 || errno != EPERM)
			escaped("TIOCSTI is not refused");
	}
}

/* ---- from a namespace of its own ---- */

static bool write_map(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);
	bool done = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
	if (fd >= 0)
		(void)close(fd);
	return done;
}

static void try_nested(const char *handle, const char *to, bool as_root)
{
	char map[64];
	uid_t uid = getuid();
	gid_t gid = getgid();
	pid_t pid = fork();
	if (pid != 0) {
		int status = 0;
		(void)waitpid(pid, &status, 0);
		escapes += WIFEXITED(status) ? (unsigned)WEXITSTATUS(status) : 0;
		return;
	}
	escapes = 0;
	family[family_count++] = getppid();
	long r = unshare(CLONE_NEWUSER | CLONE_NEWNS);
	tried("unshare", r);
	if (r < 0)
		exit(0);
	(void)write_map("/proc/self/setgroups", "deny");
	(void)snprintf(map, sizeof(map), "%u %u 1", as_root ? 0 : uid, uid);
	(void)write_map("/proc/self/uid_map", map);
	(void)snprintf(map, sizeof(map), "%u %u 1", as_root ? 0 : gid, gid);
	(void)write_map("/proc/self/gid_map", map);
	(void)mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
	try_mounts(handle, to);
	try_processes();
	try_kernel();
	exit(escapes > 100 ? 100 : (int)escapes);
}

static int make_handle(const char *path)
{
	union {
		struct file_handle handle;
		char buf[sizeof(struct file_handle) + HANDLE_SIZE];
	} h;
	int mount_id;
	memset(&h, 0, sizeof(h));
	h.handle.handle_bytes = HANDLE_SIZE;
	if (name_to_handle_at(AT_FDCWD, path, &h.handle, &mount_id, 0) < 0)
		return 77;
	return write(STDOUT_FILENO, &h, sizeof(h)) == (ssize_t)sizeof(h) ? 0 : 1;
}

int main(int argc, char **argv)
{
	char to[] = "/tmp/escape-XXXXXX";
	const char *handle = NULL;
	int at = 1;
	setvbuf(stdout, NULL, _IONBF, 0);
	if (argc == 3 && strcmp(argv[1], "--handle") == 0)
		return make_handle(argv[2]);
	if (argc > 1 && strcmp(argv[1], "-v") == 0) {
		verbose = true;
		at++;
	}
	if (argc < at + 2) {
		fprintf(stderr, "usage: escape [-v] HOME NAME [HANDLE] [PID]...\n");
		return 2;
	}
	home = argv[at++];
	name = argv[at++];
	if (at < argc && argv[at][0] == '/')
		handle = argv[at++];
	int fd = open(home, O_RDONLY | O_DIRECTORY);
	if (fd < 0 || !is_fuse(fd) || !mkdtemp(to)) {
		fprintf(stderr, "escape: %s is not the mount of a job\n", home);
		return 2;
	}
	(void)close(fd);
	try_inherited();
	try_mounts(handle, to);
	for (; at < argc; at++) {
		pid_t pid = atoi(argv[at]);
		try_proc_links(pid);
		try_memory(pid);
		try_signals(pid);
	}
	try_processes();
	try_kernel();
	try_nested(handle, to, false);
	try_nested(handle, to, true);
	(void)rmdir(to);
	printf("%u escapes\n", escapes);
	return escapes > 0;
}
