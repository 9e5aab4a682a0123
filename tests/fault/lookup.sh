#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Name servers that never answer: a signal ends the mount all the same, and what needs no name works.
# shellcheck source=../mount/lib.sh
. "$(dirname "$0")/../mount/lib.sh"
need_fuse
if [ -z "${HFFS_TEST_SILENT:-}" ]; then
	# A network of its own, with a neighbour that takes every packet and says nothing.
	if [ "$(id -u)" != 0 ] || ! unshare -nm true 2>/dev/null; then skip "run as root, with network namespaces"; fi
	pkg-config --atleast-version=7.87 libcurl || skip "libcurl before 7.87 waits for its resolver"
	HFFS_TEST_SILENT=1 exec unshare -nm bash "$0"
fi
ip link set lo up
ip link add silent0 type veth peer name silent1 || skip "no network devices can be made"
ip address add 192.0.2.1/24 dev silent0
ip link set silent1 up
ip link set silent0 up
for host in 53 54; do
	ip neigh add 192.0.2.$host lladdr 02:00:00:00:00:01 dev silent0
	echo "nameserver 192.0.2.$host"
done >"$work/resolv.conf"
mount --bind "$work/resolv.conf" /etc/resolv.conf

endpoint=https://hub.example.org
must_mount "$work/hf"
pid=$(daemon_pid "$work/hf")
readers=()
for i in 1 2 3; do
	ls "$work/hf/org/model$i/main/" >/dev/null 2>&1 &
	readers+=($!)
done
waits() { [ "$(counter "$work/hf" requests)" -ge 1 ]; }
check is-looked-up wait_for 10 waits
check status-answers timeout 5 "$hffs" status "$work/hf"
kill -TERM "$pid"
check sigterm-during-a-lookup wait_for 5 is_gone "$pid"
check readers-are-gone wait_for 5 is_gone "${readers[0]}"
equal nothing-left "$(grep -c " $work/hf " /proc/self/mountinfo)" 0
umount /etc/resolv.conf
finish
