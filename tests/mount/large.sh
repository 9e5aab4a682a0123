#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Repositories of many files: what listing costs in requests, commits that are listed directory by directory, directories that are too
# large even for that. With HFFS_TEST_LONG a million files: time and memory.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
need_fuse
[ -x "$hub_faulty" ] || skip "there is no hub-faulty"
python3 - "$work/hub/org" <<'END'
import os, sys
def fill(top, dirs, files):
    for d in dirs:
        os.makedirs(f"{top}/{d}", exist_ok=True)
        for i in range(files):
            os.close(os.open(f"{top}/{d}/f{i:05}.txt", os.O_CREAT | os.O_WRONLY))
top = sys.argv[1]
fill(f"{top}/folders", [f"d{n:02}" for n in range(100)], 100)
fill(f"{top}/large", [f"d{n:02}/sub" for n in range(3)], 900)
fill(f"{top}/large", ["wide"], 21000)
for path in ("large/top.json", "large/d01/sub/f00007.txt", "large/wide/f00007.txt"):
    with open(f"{top}/{path}", "w") as f:
        f.write(f"this is {path}\n")
END
serve_faulty "$work/hub"
hf=$work/hf
must_mount "$hf"
# hub ROUTE: requests of the server since the last reset.
hub() { control stats | python3 -c 'import json, sys; print(json.load(sys.stdin)["requests"][sys.argv[1]])' "$1"; }
reset() { control reset >/dev/null; }

ls "$hf/org/folders/main/" >/dev/null # the server makes its listing at the first request
check umount-first "$hffs" umount "$hf"
rm -rf "$hf.cache"
must_mount "$hf"
reset
equal folders-all "$(ls -lR "$hf/org/folders/main/" | grep -c '^-')" 10000
at_most folders-requests "$(hub total)" 14 # ceil(10,100 entries / 1000) + 3
reset
equal folders-again "$(ls -lR "$hf/org/folders/main/" | grep -c '^-')" 10000
equal folders-again-no-request "$(hub total)" 0

# A large one: 20 pages find that out, then one request a directory.
reset
equal large-top "$(cat "$hf/org/large/main/top.json")" "this is large/top.json"
at_most large-finding-out "$(hub api)" 22 # the commit, 20 pages, the root
equal large-root "$(echo $(ls "$hf/org/large/main/"))" "d00 d01 d02 top.json wide"
reset
equal large-deep "$(cat "$hf/org/large/main/d01/sub/f00007.txt")" "this is large/d01/sub/f00007.txt"
equal large-deep-requests "$(hub api)" 2 # d01, d01/sub
reset
check large-absent test ! -e "$hf/org/large/main/d01/sub/none"
check large-absent-dir test ! -e "$hf/org/large/main/d09"
equal large-dir "$(ls "$hf/org/large/main/d01/sub" | wc -l)" 900
equal large-known "$(hub total)" 0
equal large-attributes "$(getfattr --only-values --absolute-names -n user.hffs.path "$hf/org/large/main/d01/sub/f00007.txt")" d01/sub/f00007.txt
reset
equal wide-entry "$(cat "$hf/org/large/main/wide/f00007.txt")" "this is large/wide/f00007.txt"
at_most wide-entry-requests "$(hub api)" 21 # 20 pages of the directory, the entry
reset
equal wide-another "$(stat -c %s "$hf/org/large/main/wide/f20999.txt")" 0
check wide-absent test ! -e "$hf/org/large/main/wide/none"
equal wide-one-request-each "$(hub api)" 2
equal wide-whole "$(ls "$hf/org/large/main/wide" | wc -l)" 21000
reset
equal large-everything "$(find "$hf/org/large/main/" -type f | wc -l)" 23701
at_most large-everything-requests "$(hub total)" 4 # d00, d02 and their sub
hub=$hf/.hub/models--org--large
equal large-in-hub "$(cat "$hub/snapshots/$(cat "$hub/refs/main")/d01/sub/f00007.txt")" "this is large/d01/sub/f00007.txt"
equal large-in-hub-listed "$(ls "$hub/snapshots")" "$(cat "$hub/refs/main")"
check umount "$hffs" umount "$hf"

must_mount "$hf" offline
equal offline-everything "$(find "$hf/org/large/main/" -type f | wc -l)" 23701
equal offline-read "$(cat "$hf/org/large/main/wide/f00007.txt")" "this is large/wide/f00007.txt"
check umount-offline "$hffs" umount "$hf"

# What may not be seen is hidden in each of its directories, cold and from what is stored; a directory stays, empty or not.
rm -rf "$hf.cache"
for how in hidden hidden-again; do
	must_mount "$hf" 'deny=d01/**,deny=*7.txt,deny=top.json'
	equal "$how-root" "$(echo $(ls "$hf/org/large/main/"))" "d00 d01 d02 wide"
	equal "$how-dir" "$(ls "$hf/org/large/main/d01/sub" | wc -l)" 0
	equal "$how-some" "$(ls "$hf/org/large/main/d00/sub" | wc -l)" 810
	check "$how-file" test ! -e "$hf/org/large/main/d01/sub/f00008.txt"
	check "$how-entry" test ! -e "$hf/org/large/main/wide/f00007.txt"
	equal "$how-other-entry" "$(stat -c %s "$hf/org/large/main/wide/f00008.txt")" 0
	check "$how-umount" "$hffs" umount "$hf"
done
must_mount "$hf"
equal shown-again "$(echo $(ls "$hf/org/large/main/"))" "d00 d01 d02 top.json wide"
check shown-umount "$hffs" umount "$hf"

# The Hub is slow: a deadline ends the wait, not the listing.
control 'shape?delay_ms=300' >/dev/null
rm -rf "$hf.cache"
must_mount "$hf" deadline=4s
refuses slow-first 1 'timed out' cat "$hf/org/large/main/top.json"
slow_is_there() { [ "$(cat "$hf/org/large/main/top.json")" = "this is large/top.json" ]; }
check slow-later wait_for 30 slow_is_there
check umount-slow "$hffs" umount "$hf"
control 'shape?delay_ms=0' >/dev/null

# What may be seen of a large commit: the same rules, directory by directory; a lock shows its files whole.
must_mount "$hf" "deny=d00/,deny=top*,deny=wide/f0000*"
equal filtered-root "$(echo $(ls "$hf/org/large/main/"))" "d01 d02 wide"
for path in d00/sub/f00007.txt top.json wide/f00007.txt; do
	refuses "filtered-$(basename "$path")-of-$(dirname "$path" | cut -c 1-3)" 1 'No such file' stat "$hf/org/large/main/$path"
done
equal filtered-deep "$(cat "$hf/org/large/main/d01/sub/f00007.txt")" "this is large/d01/sub/f00007.txt"
equal filtered-wide-entry "$(stat -c %s "$hf/org/large/main/wide/f20999.txt")" 0
check umount-filtered "$hffs" umount "$hf"
must_mount "$hf" safe
equal safe-deep "$(cat "$hf/org/large/main/d01/sub/f00007.txt")" "this is large/d01/sub/f00007.txt"
equal safe-wide "$(cat "$hf/org/large/main/wide/f00007.txt")" "this is large/wide/f00007.txt"
check lock-large "$hffs" pin -q --lock "$work/large.lock" org/large 'd01/' 'wide/f0000*' -o "endpoint=$endpoint,safe"
check umount-safe "$hffs" umount "$hf"
must_mount "$hf" "lock=$work/large.lock"
equal locked-root "$(echo $(ls "$hf/org/large/main/"))" "d01 wide"
equal locked-wide "$(ls "$hf/org/large/main/wide" | wc -l)" 10
equal locked-deep "$(cat "$hf/org/large/main/d01/sub/f00007.txt")" "this is large/d01/sub/f00007.txt"
check umount-locked "$hffs" umount "$hf"

if [ -n "${HFFS_TEST_LONG:-}" ]; then
	python3 - "$work/hub/org/million" <<'END'
import os, sys
for d in range(1000):
    os.makedirs(f"{sys.argv[1]}/d{d:03}")
    for i in range(1000):
        os.close(os.open(f"{sys.argv[1]}/d{d:03}/f{i:04}.txt", os.O_CREAT | os.O_WRONLY))
END
	curl -fsS -o /dev/null "$endpoint/api/models/org/million" # so that the server has its listing
	rm -rf "$hf.cache"
	start=$(date +%s%N)
	must_mount "$hf" deadline=120s
	at_most million-mount-ms "$((($(date +%s%N) - start) / 1000000))" 2000
	equal million-root "$(ls "$hf/org/million/main/" | wc -l)" 1000
	equal million-one-dir "$(ls "$hf/org/million/main/d500" | wc -l)" 1000
	equal million-all "$(find "$hf/org/million/main/" -type f | wc -l)" 1000000
	at_most million-memory-mib "$(($(sed -n 's/^VmHWM:[^0-9]*\([0-9]*\).*/\1/p' "/proc/$(daemon_pid "$hf")/status") / 1024))" 300
	check umount-million "$hffs" umount "$hf"
fi
finish
