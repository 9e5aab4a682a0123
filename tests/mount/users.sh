#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Users without root mount with fusermount3; a mount is its mounter's alone unless allow_other says otherwise. Run as root, it
# becomes the user nobody for the parts that are a user's.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
need_fuse
[ "$(id -u)" = 0 ] || skip "run as root: it needs a second user"
command -v setpriv >/dev/null && command -v fusermount3 >/dev/null || skip "setpriv or fusermount3 is missing"
make_hub "$work/hub"
serve "$work/hub"
mode=$(stat -c %a /dev/fuse)
chmod 666 /dev/fuse
trap 'chmod "$mode" /dev/fuse; cleanup' EXIT
chmod 755 "$work"
mkdir -p "$work/home/hf" "$work/bin"
cp "$hffs" "$work/bin/" # the build may lie where a user cannot look
chown -R nobody "$work/home"
as_nobody() {
	setpriv --reuid=nobody --regid=nogroup --clear-groups env -i PATH="$PATH" HOME="$work/home" XDG_CACHE_HOME="$work/home/cache" \
		${ASAN_OPTIONS:+ASAN_OPTIONS="$ASAN_OPTIONS"} "$@"
}
own=$work/bin/hffs
hf=$work/home/hf

check user-mount as_nobody "$own" mount "$hf" -o "endpoint=$endpoint"
check user-reads as_nobody cmp "$hf/org/model/main/three.bin" "$work/hub/org/model/three.bin"
equal user-owner "$(as_nobody stat -Lc %U "$hf/org/model/main/one")" nobody
equal user-is-not-passed "$(as_nobody "$own" status --json "$hf" | grep -o '"passthrough":[a-z]*')" '"passthrough":false'
check user-reads-again as_nobody cmp "$hf/org/model/main/three.bin" "$work/hub/org/model/three.bin"
check user-status as_nobody "$own" status "$hf"
refuses root-is-kept-out 1 'Permission denied' cat "$hf/org/model/main/one"
equal root-status "$("$hffs" status | grep -c 'not readable by this user')" 1
equal cache-mode "$(stat -c '%a %U' "$work/home/cache/hffs")" "700 nobody"
refuses user-umount-busy 1 'is in use' as_nobody bash -c "cd '$hf/org' && '$own' umount '$hf'"
check user-umount as_nobody "$own" umount "$hf"
equal user-nothing-left "$(grep -c " $hf " /proc/self/mountinfo)" 0
check user-mount-again as_nobody "$own" mount "$hf" -o "endpoint=$endpoint"
pid=$(as_nobody "$own" status --json "$hf" | sed -n 's/.*"pid":\([0-9]*\).*/\1/p')
kill -TERM "$pid"
check user-sigterm wait_for 5 is_gone "$pid"
equal user-nothing-left-after-sigterm "$(grep -c " $hf " /proc/self/mountinfo)" 0
check user-mount-3 as_nobody "$own" mount "$hf" -o "endpoint=$endpoint"
pid=$(as_nobody "$own" status --json "$hf" | sed -n 's/.*"pid":\([0-9]*\).*/\1/p')
kill -9 "$pid"
wait_for 5 is_gone "$pid"
check user-umount-dead as_nobody "$own" umount "$hf"
if ! grep -qE '^user_allow_other' /etc/fuse.conf 2>/dev/null; then
	refuses user-allow-other 1 'allow_other' as_nobody "$own" mount "$hf" -o "endpoint=$endpoint,allow_other"
fi
refuses user-no-right 1 'mount' as_nobody "$own" mount /mnt -o "endpoint=$endpoint"
check user-pull as_nobody "$own" pull -q org/other -o "endpoint=$endpoint"

# Root's mount: closed to others, open with allow_other.
chmod 755 "$work/home"
mkdir "$work/closed" "$work/open"
must_mount "$work/closed"
refuses other-is-kept-out 1 'Permission denied' as_nobody cat "$work/closed/org/model/main/one"
must_mount "$work/open" allow_other
check other-reads as_nobody cmp "$work/open/org/model/main/three.bin" "$work/hub/org/model/three.bin"
check other-status as_nobody "$own" status "$work/open"
refuses other-umount 1 'cannot unmount .*another user' as_nobody "$own" umount "$work/open"
check other-ls as_nobody "$own" ls org/model -o "endpoint=$endpoint"
check umount-closed "$hffs" umount "$work/closed"
check umount-open "$hffs" umount "$work/open"
must_mount "$work/open" "allow_other,uid=65534,umask=077"
equal umask-and-uid "$(stat -Lc '%a %u' "$work/open/org/model/main/one")" "400 65534"
check owner-reads as_nobody cat "$work/open/org/model/main/one"
check umount-owned "$hffs" umount "$work/open"

# A cache belongs to one user.
refuses cache-of-root 1 'cache' as_nobody "$own" mount "$hf" -o "endpoint=$endpoint,cache=$work/closed.cache"
finish
