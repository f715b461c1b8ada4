#!/bin/bash
# SPDX-License-Identifier: MIT
# for: root
# Root in a job cannot write what the kernel runs or mounts.
. "$(dirname "$0")/../lib.sh"
need_sandbox

before=$(cat /proc/sys/kernel/core_pattern)
inside <<'IN'
for file in /proc/sys/kernel/core_pattern /proc/sys/kernel/modprobe /proc/sys/vm/drop_caches \
	/proc/sysrq-trigger /sys/kernel/uevent_helper; do
	[ -e "$file" ] || continue
	if (exec 3>"$file") 2>/dev/null; then
		fail "$file can be opened for writing"
	fi
done
for device in /dev/mem /dev/kmem /dev/sda /dev/vda /dev/loop0 /dev/loop-control; do
	[ ! -e "$device" ] || fail "$device is there"
done
for device in null zero full random urandom tty; do
	[ -c "/dev/$device" ] || fail "/dev/$device is missing"
done
IN
expect_eq "$(cat /proc/sys/kernel/core_pattern)" "$before"
