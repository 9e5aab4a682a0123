#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Mounts begin and end cleanly: umount, signals, busy and dead ones, mount(8), in front, one owner of a cache.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
need_fuse
make_hub "$work/hub"
serve "$work/hub"
hf=$work/hf

# umount, and at once again: the daemon is gone and the cache free when it returns.
for round in 1 2 3; do
	must_mount "$hf"
	pid=$(daemon_pid "$hf")
	cat "$hf/org/model/main/config.json" >/dev/null
	check "umount-$round" "$hffs" umount "$hf"
	check "daemon-gone-$round" is_gone "$pid"
	equal "nothing-left-$round" "$(grep -c " $hf " /proc/self/mountinfo)" 0
done
refuses umount-twice 1 'is no hffs mount' "$hffs" umount "$hf"

# Signals end it within five seconds.
for signal in TERM INT HUP; do
	must_mount "$hf"
	pid=$(daemon_pid "$hf")
	cat "$hf/org/model/main/three.bin" >/dev/null
	kill -"$signal" "$pid"
	check "sig${signal,,}-ends-it" wait_for 5 is_gone "$pid"
	equal "nothing-left-after-sig${signal,,}" "$(grep -c " $hf " /proc/self/mountinfo)" 0
done
must_mount "$hf"
pid=$(daemon_pid "$hf")
kill -PIPE "$pid"
check sigpipe-is-nothing cat "$hf/org/model/main/config.json"

# Busy: refused, lazily possible.
exec 5<"$hf/org/model/main/three.bin"
refuses umount-busy 1 'is in use' "$hffs" umount "$hf"
check still-there cat "$hf/org/model/main/config.json"
check umount-lazy "$hffs" umount -l "$hf"
equal open-file-works "$(sha256sum <&5)" "$(sha256sum <"$work/hub/org/model/three.bin")"
exec 5<&-
check ends-when-closed wait_for 10 is_gone "$pid"

# A daemon that hangs holds up nobody who asks for it.
must_mount "$hf"
pid=$(daemon_pid "$hf")
kill -STOP "$pid"
refuses status-of-a-stopped-daemon 1 'does not answer' "$hffs" status "$hf"
check umount-of-a-stopped-daemon timeout 20 "$hffs" umount -l "$hf"
kill -CONT "$pid"
check stopped-daemon-ends wait_for 10 is_gone "$pid"

# A signal ends it although files are open and readers are there.
must_mount "$hf"
pid=$(daemon_pid "$hf")
exec 5<"$hf/org/model/main/three.bin"
kill -TERM "$pid"
check sigterm-while-busy wait_for 6 is_gone "$pid"
equal nothing-left-while-busy "$(grep -c " $hf " /proc/self/mountinfo)" 0
exec 5<&-

# Readers that never pause do not hold up the end: 5 s are promised, it takes one where processors are free.
must_mount "$hf"
pid=$(daemon_pid "$hf")
python3 - "$hf/org/model/main/large.safetensors" <<'END' &
import errno, mmap, os, random, sys, time
for _ in range(120):
    if os.fork() == 0:
        break
else:
    sys.exit()
fd, room, end = os.open(sys.argv[1], os.O_RDONLY | os.O_DIRECT), mmap.mmap(-1, 1 << 18), time.time() + 20
while time.time() < end:
    try:
        os.preadv(fd, [room], random.randrange(70) << 18)
    except OSError as e:
        if e.errno in (errno.ENOTCONN, errno.ECONNABORTED, errno.ENODEV):
            break
END
has_readers() { [ "$(counter "$hf" open_files)" -ge 100 ]; }
check load-is-there wait_for 20 has_readers
sleep 1
kill -TERM "$pid"
check sigterm-under-load wait_for 4 is_gone "$pid"
equal nothing-left-under-load "$(grep -c " $hf " /proc/self/mountinfo)" 0

# So does a signal while it waits for the Hub, in front and behind: nothing is left of it.
if [ -x "$hub_faulty" ]; then
	real=$endpoint
	serve_faulty "$work/hub"
	control 'fault?kind=delay&arg=60000' >/dev/null
	mkdir -p "$work/early"
	early="endpoint=$endpoint,cache=$work/early.cache,log=$work/early.log"
	"$hffs" mount -f org/model "$work/early" -o "$early" 2>"$work/early.said" &
	pid=$!
	waits() { [ "$(control stats | grep -c '"open":[2-9]')" = 1 ]; }
	check early-asks wait_for 20 waits
	kill -TERM "$pid"
	check sigterm-while-starting wait_for 5 is_gone "$pid"
	wait "$pid"
	equal sigterm-while-starting-exit $? 1
	check sigterm-while-starting-says grep -q 'ended by a signal' "$work/early.said"
	"$hffs" mount org/model "$work/early" -o "$early" 2>"$work/early.said" &
	pid=$!
	check early-asks-behind wait_for 20 waits
	sleep 0.5
	kill -INT "$pid"
	kill -TERM "$pid"
	check ctrl-c-while-starting wait_for 5 is_gone "$pid"
	control clear >/dev/null
	check early-cache-is-free "$hffs" ls org/model -o "endpoint=$endpoint,cache=$work/early.cache"
	equal nothing-left-of-early "$(grep -c " $work/early " /proc/self/mountinfo)" 0
	endpoint=$real
fi

# Descriptors: closed ones harm nothing, and none of the caller's is kept.
mkdir -p "$work/bare"
exec 9>"$work/script.lock"
"$hffs" mount "$work/bare" -o "endpoint=$endpoint,cache=$work/bare.cache,log=$work/bare.log" <&- >&-
equal mount-without-descriptors $? 0
pid=$(daemon_pid "$work/bare")
equal keeps-no-descriptor "$(find "/proc/$pid/fd" -lname "$work/script.lock" | wc -l)" 0
exec 9>&-
check umount-without-descriptors "$hffs" umount "$work/bare"
check log-without-descriptors grep -q 'is unmounted' "$work/bare.log"

# Dead: said, cleared away by umount, replaced by mount.
must_mount "$hf"
kill_daemon "$hf"
refuses dead-status 1 'daemon is gone' "$hffs" status "$hf"
equal dead-in-json "$("$hffs" status --json | python3 -c 'import json,sys; print([m["error"] for m in json.load(sys.stdin)["mounts"] if m["dir"] == sys.argv[1]] != [])' "$hf")" True
check umount-dead "$hffs" umount "$hf"
equal nothing-left-of-dead "$(grep -c " $hf " /proc/self/mountinfo)" 0
must_mount "$hf"
kill_daemon "$hf"
check mount-over-dead mount_hub "$hf"
check reads-over-dead cat "$hf/org/model/main/config.json"
equal one-mount-over-dead "$(grep -c " $hf " /proc/self/mountinfo)" 1
check umount-over-dead "$hffs" umount "$hf"

# A mount that asks while the daemon is still dying: the kernel gives such a request another error than it gives later ones.
must_mount "$hf"
pid=$(daemon_pid "$hf")
kill -STOP "$pid"
"$hffs" mount "$hf" -o "endpoint=$endpoint,cache=$hf.cache" 2>"$work/dying.txt" &
asking=$!
sleep 0.5
kill -KILL "$pid"
wait "$asking"
equal mount-over-dying "$? $(cat "$work/dying.txt")" '0 '
check reads-over-dying cat "$hf/org/model/main/config.json"

# One mount a directory, one daemon a cache; the second says who has it, soon.
refuses mounted-already 1 "mounted at $hf already, by process $(daemon_pid "$hf")" "$hffs" mount "$hf" -o "endpoint=$endpoint,cache=$work/other"
mkdir "$work/second"
start=$SECONDS
refuses one-cache 1 "$(daemon_pid "$hf")" "$hffs" mount "$work/second" -o "endpoint=$endpoint,cache=$hf.cache"
at_most one-cache-soon $((SECONDS - start)) 3
equal nothing-left-of-second "$(grep -c " $work/second " /proc/self/mountinfo)" 0
refuses cache-inside 1 'inside the mount point' "$hffs" mount "$work/second" -o "endpoint=$endpoint,cache=$work/second/cache"
equal cache-mode "$(stat -c %a "$hf.cache")" 700

# Eight at once on one cache: one gets it.
check umount-before-race "$hffs" umount "$hf"
for i in $(seq 8); do mkdir -p "$work/race/$i"; done
racers=()
for i in $(seq 8); do
	"$hffs" mount "$work/race/$i" -o "endpoint=$endpoint,cache=$work/race.cache" 2>/dev/null &
	racers+=($!)
done
won=0
for racer in "${racers[@]}"; do wait "$racer" && won=$((won + 1)); done
equal race-one-winner "$won" 1
equal race-one-mount "$(grep -c " $work/race/" /proc/self/mountinfo)" 1
for i in $(seq 8); do is_mounted "$work/race/$i" && check race-umount "$hffs" umount "$work/race/$i"; done

# In front.
"$hffs" mount -f "$hf" -o "endpoint=$endpoint,cache=$hf.cache" 2>"$work/front.log" &
front=$!
pids+=("$front")
check in-front-mounts wait_for 10 is_mounted "$hf"
check in-front-reads cat "$hf/org/model/main/config.json"
check in-front-umount "$hffs" umount "$hf"
wait "$front"
equal in-front-exit $? 0
check in-front-log grep -q 'is unmounted' "$work/front.log"

# One repository at the directory itself.
check mount-one "$hffs" mount org/model@main "$hf" -o "endpoint=$endpoint,cache=$hf.cache"
check one-is-the-repo cmp "$hf/three.bin" "$work/hub/org/model/three.bin"
equal one-source "$(findmnt -no SOURCE "$hf")" org/model@main
equal one-type "$(findmnt -no FSTYPE "$hf")" fuse.hffs
check one-umount "$hffs" umount "$hf"

# mount(8), umount(8), and options of theirs; needs root and a helper in /sbin.
if [ "$(id -u)" = 0 ] && [ ! -e /sbin/mount.hffs ]; then
	ln -s "$hffs" /sbin/mount.hffs
	trap 'rm -f /sbin/mount.hffs; cleanup' EXIT
	check mount8 mount -t hffs hub "$hf" -o "endpoint=$endpoint,cache=$hf.cache,allow_other,_netdev,noauto,x-systemd.automount,noexec"
	check mount8-reads cmp "$hf/org/model/main/three.bin" "$work/hub/org/model/three.bin"
	for flag in ro nosuid nodev noexec; do
		check "mount8-$flag" grep -qw "$flag" <<<"$(findmnt -no OPTIONS "$hf")"
	done
	pid=$(daemon_pid "$hf")
	check umount8 umount "$hf"
	check umount8-ends-daemon wait_for 5 is_gone "$pid"
	echo "hub $hf hffs endpoint=$endpoint,cache=$hf.cache,allow_other,_netdev,noauto 0 0" >"$work/fstab"
	check mount8-fstab mount -T "$work/fstab" "$hf"
	check mount8-fstab-reads cat "$hf/org/model/main/config.json"
	check umount8-fstab umount "$hf"
	refuses mount8-bad-option 1 "no option 'colour'" mount -t hffs hub "$hf" -o colour=red
	refuses mount8-bad-endpoint 1 "'nonsense' is no value for endpoint" mount -t hffs hub "$hf" -o endpoint=nonsense
	refuses mount8-failure 32 'absent|does not exist|no such|not found|private' mount -t hffs org/nothing "$hf" -o "endpoint=$endpoint,cache=$hf.cache"
	rm -f /sbin/mount.hffs
	trap cleanup EXIT
else
	echo "SKIP $suite/mount8: not root, or there is a helper installed already"
fi
equal no-daemon-left "$(pgrep -fc "cache=$work/" || true)" 0
finish
