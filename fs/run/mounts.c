/* SPDX-License-Identifier: MIT */
/* The list of writfs's mounts, from the kernel's own list and the jobs. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <writfs/sys.h>

#include "run_i.h"

#define MOUNTINFO_MAX (16u << 20)
#define FIELD_DEVICE 2
#define FIELD_TARGET 4
#define FIELD_OPTIONS 5
#define FS_TYPE "fuse.writfs"

/* The kernel writes blank, tab, newline and backslash as \OOO. In place. */
static void unescape(char *text)
{
	char *out = text;
	for (const char *p = text; *p; p++) {
		if (p[0] == '\\' && p[1] >= '0' && p[1] <= '3' && p[2] >= '0' && p[2] <= '7' &&
			p[3] >= '0' && p[3] <= '7') {
			*out++ = (char)((p[1] - '0') * 64 + (p[2] - '0') * 8 + (p[3] - '0'));
			p += 3;
		} else {
			*out++ = *p;
		}
	}
	*out = '\0';
}

/* One line of mountinfo, as far as it matters here; points into the line. */
struct mount_line {
	char *device, *target, *options, *source;
};

/* Cuts a line into its fields. False: not a mount of writfs. */
static bool cut_line(char *line, struct mount_line *ret)
{
	char *save = NULL, *fields[FIELD_OPTIONS + 1] = {NULL}, *type = NULL, *source = NULL;
	size_t n = 0;
	for (char *word = strtok_r(line, " ", &save); word; word = strtok_r(NULL, " ", &save)) {
		if (strcmp(word, "-") == 0) {
			type = strtok_r(NULL, " ", &save);
			source = strtok_r(NULL, " ", &save);
			break;
		}
		if (n <= FIELD_OPTIONS)
			fields[n++] = word;
	}
	if (!type || !source || !fields[FIELD_OPTIONS] || strcmp(type, FS_TYPE) != 0)
		return false;
	unescape(fields[FIELD_TARGET]);
	unescape(source);
	*ret = (struct mount_line){
		fields[FIELD_DEVICE], fields[FIELD_TARGET], fields[FIELD_OPTIONS], source};
	return true;
}

static bool parse_line(char *line, struct mount_entry *entry)
{
	struct mount_line m;
	if (!cut_line(line, &m))
		return false;
	*entry = (struct mount_entry){.target = strdup(m.target),
		.source = strdup(m.source),
		.options = strdup(m.options)};
	return true;
}

/* Looks through the mounts that a process sees: by target, else by device. */
static bool find_mount(const char *mountinfo, const char *target, const char *device,
	char ret_device[static MOUNT_DEVICE_SIZE])
{
	cleanup_free char *text = NULL;
	char *save = NULL;
	bool found = false;
	if (sys_read_file(AT_FDCWD, mountinfo, MOUNTINFO_MAX, &text, NULL) < 0)
		return false;
	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		struct mount_line m;
		if (!cut_line(line, &m) ||
			strcmp(target ? m.target : m.device, target ? target : device) != 0)
			continue;
		/* The last one covers the others. */
		(void)snprintf(ret_device, MOUNT_DEVICE_SIZE, "%s", m.device);
		found = true;
	}
	return found;
}

bool mount_find(const char *target, char ret_device[static MOUNT_DEVICE_SIZE])
{
	return find_mount("/proc/self/mountinfo", target, NULL, ret_device);
}

bool mount_is_elsewhere(const char *device)
{
	cleanup_dir DIR *proc = opendir("/proc");
	const struct dirent *entry;
	while (proc && (entry = readdir(proc))) {
		char path[64], ignored[MOUNT_DEVICE_SIZE];
		long pid = strtol(entry->d_name, NULL, 10);
		if (pid <= 0)
			continue;
		(void)snprintf(path, sizeof(path), "/proc/%ld/mountinfo", pid);
		if (find_mount(path, NULL, device, ignored))
			return true;
	}
	return false;
}

static const struct job *job_of(struct job *const *jobs, const char *target)
{
	for (size_t i = 0; jobs && jobs[i]; i++) {
		if (jobs[i]->state != JOB_ENDED && jobs[i]->mountpoint &&
			strcmp(jobs[i]->mountpoint, target) == 0)
			return jobs[i];
	}
	return NULL;
}

static void name_job(struct mount_entry *entry, struct job *const *jobs)
{
	const char *inside = getenv("WRIT_JOB");
	const struct job *job = job_of(jobs, entry->target);
	if (job) {
		entry->job = strdup(job->id);
		entry->root = strdup(job->roots && job->roots[0] ? job->roots[0] : "");
	} else if (inside) {
		/* Inside a job its record cannot be read; its mounts cover themselves. */
		entry->job = strdup(inside);
		entry->root = strdup(entry->target);
	} else {
		entry->job = strdup("");
		entry->root = strdup("");
	}
}

void mount_list_free(struct mount_entry *entries, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		free(entries[i].target);
		free(entries[i].source);
		free(entries[i].root);
		free(entries[i].job);
		free(entries[i].options);
	}
	free(entries);
}

static int append(struct mount_entry **entries, size_t *count, const struct mount_entry *entry)
{
	struct mount_entry *grown = reallocarray(*entries, *count + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	*entries = grown;
	grown[(*count)++] = *entry;
	return 0;
}

int mount_list(struct mount_entry **ret, size_t *ret_count, struct err *e)
{
	cleanup_free char *text = NULL;
	struct mount_entry *entries = NULL;
	size_t count = 0, job_count = 0;
	struct job **jobs = NULL;
	char *save = NULL;
	int r = sys_read_file(AT_FDCWD, "/proc/self/mountinfo", MOUNTINFO_MAX, &text, NULL);
	if (r < 0)
		return err_errno(e, -r, "/proc/self/mountinfo");
	for (char *line = strtok_r(text, "\n", &save); line && r == 0;
		line = strtok_r(NULL, "\n", &save)) {
		struct mount_entry entry;
		if (parse_line(line, &entry))
			r = append(&entries, &count, &entry);
	}
	/* Only now: most often there is no mount, and no need to read the jobs. */
	if (count > 0 && job_list(&jobs, &job_count, NULL) < 0)
		jobs = NULL;
	for (size_t i = 0; i < count; i++) {
		name_job(&entries[i], jobs);
		if (!entries[i].target || !entries[i].source || !entries[i].options ||
			!entries[i].job || !entries[i].root)
			r = -ENOMEM;
	}
	if (jobs)
		job_list_free(jobs);
	if (r < 0) {
		mount_list_free(entries, count);
		return err_errno(e, -r, "list of mounts");
	}
	*ret = entries;
	*ret_count = count;
	return 0;
}
