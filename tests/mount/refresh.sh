#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# `hffs refresh`: a branch moves at once, also under a reader; what was not there is asked for again; who may say so, and to whom.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
need_fuse
repo=$work/hub/org/moving
mkdir -p "$repo" "$work/hub/org/still"
echo still >"$work/hub/org/still/file.txt"
init_git "$repo"
commit() { git_commit "$repo" "$1"; }
first=$(commit one)
serve "$work/hub"
hf=$work/hf
must_mount "$hf" ref_ttl=inf
moving=$hf/org/moving
# The server looks at a repository now and then only: wait until it has seen this.
served() { wait_for 10 curl -fsS -o /dev/null "$endpoint/api/models/org/$1"; }
knows() { curl -fsS "$endpoint/api/models/org/moving/revision/$1" | grep -q "\"$2\""; }
version() { cat "$moving/main/version.txt"; }
is_version() { [ "$(version)" = "$1" ]; }

equal before "$(version)" one
exec 5<"$moving/main/version.txt"
second=$(commit two)
wait_for 10 knows main "$second"
equal believed "$(version)" one
check of-another "$hffs" refresh org/still
equal of-another-changes-nothing "$(version)" one
check refresh-repo "$hffs" refresh org/moving
check moves-under-a-reader wait_for 5 is_version two
equal reader-keeps-its-file "$(cat <&5)" one
exec 5<&-
equal commits "$(basename "$(realpath "$moving/main")")" "$second"
check old-commit-stays test -e "$moving/$first/version.txt"

wait_for 10 knows main "$(commit three)"
check refresh-path "$hffs" refresh "$moving/main/version.txt"
check moves-by-path wait_for 5 is_version three
wait_for 10 knows main "$(commit four)"
check refresh-dir "$hffs" refresh "$hf"
check moves-by-mount wait_for 5 is_version four
wait_for 10 knows main "$(commit five)"
check refresh-all "$hffs" refresh
check moves-by-all wait_for 5 is_version five

# A branch and a repository that were not there.
refuses no-branch 2 'no such file' ls "$moving/later"
refuses no-repo 2 'no such file' ls "$hf/org/later"
git -C "$repo" branch later
mkdir "$work/hub/org/later"
echo later >"$work/hub/org/later/file.txt"
refuses no-branch-still 2 'no such file' ls "$moving/later"
wait_for 10 knows later "$(git -C "$repo" rev-parse later)"
served later
check refresh-absent "$hffs" refresh
check branch-is-there wait_for 5 test -e "$moving/later/version.txt"
check repo-is-there wait_for 5 test -e "$hf/org/later/main/file.txt"

# Who is told what.
refuses no-such-path 1 'no such file' "$hffs" refresh "$hf/org/moving/main/nothing"
refuses path-outside 1 'in no hffs mount' "$hffs" refresh "$work"
refuses not-a-repo 1 'is not a repository' "$hffs" refresh 'a b/c'
refuses two 2 'one PATH' "$hffs" refresh a/b c/d
refuses option 2 'not understood' "$hffs" refresh --now
equal socket-mode "$(stat -c %a "$hf.cache/control")" 600
# say TEXT: what the socket answers to that.
say() { python3 - "$hf.cache/control" "$1" <<'END'
import socket, sys
s = socket.socket(socket.AF_UNIX)
s.settimeout(20)
s.connect(sys.argv[1])
s.sendall(sys.argv[2].encode())
s.shutdown(socket.SHUT_WR)
print(s.makefile().read().strip())
END
}
equal unknown-order "$(say '{"do":"dance"}
' | grep -c '"ok":false.*dance')" 1
equal no-json "$(say 'refresh
' | grep -c '"ok":false')" 1
equal bad-repo "$(say '{"do":"refresh","repo":"../x"}
' | grep -c '"ok":false,"errno":22')" 1
equal half-a-line "$(say '{"do":"refresh"}')" ""
if [ "$(id -u)" = 0 ] && id nobody >/dev/null 2>&1; then
	chmod 755 "$work"
	chmod 777 "$hf.cache/control"
	chmod 711 "$hf.cache"
	equal stranger-is-not-heard "$(setpriv --reuid nobody --clear-groups perl -MIO::Socket::UNIX -e '
$SIG{PIPE} = "IGNORE";
my $s = IO::Socket::UNIX->new(Peer => $ARGV[0]) or die "cannot connect";
print {$s} "{\"do\":\"refresh\"}\n"; $s->flush;
print "heard:", scalar(<$s>) // ""' "$hf.cache/control" 2>&1)" heard:
	chmod 700 "$hf.cache"
fi
check umount "$hffs" umount "$hf"
equal no-socket-left "$(ls "$hf.cache" | grep -c control)" 0
refuses no-mount 1 'no hffs mount|in no hffs mount' "$hffs" refresh "$hf"
must_mount "$hf"
kill_daemon "$hf"
refuses dead-mount 1 'daemon is gone|not connected' "$hffs" refresh "$hf"
check after-a-kill "$hffs" mount "$hf" -o "endpoint=$endpoint,cache=$hf.cache"
check refresh-after-a-kill "$hffs" refresh "$hf"
check umount-2 "$hffs" umount "$hf"
finish
