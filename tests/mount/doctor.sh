#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# hffs doctor, where all is well and where one thing is broken at a time: it names that, says what to do, and its exit status tells.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
need_fuse
[ -x "$hub_faulty" ] || skip "there is no hub-faulty"
make_hub "$work/hub"
serve_faulty "$work/hub"
control 'token?token=hf_good' >/dev/null
clear_faults() { control clear >/dev/null && control 'token?token=hf_good' >/dev/null; }
export HFFS_CACHE=$work/cache
requests() { control stats | python3 -c 'import json, sys; print(json.load(sys.stdin)["requests"]["total"])'; }
# doctor [-o OPTIONS]: what it says goes to $work/said, its exit status to $code.
doctor() {
	"$hffs" doctor "$@" >"$work/said" 2>&1
	code=$?
}
# says NAME CODE STATE PART PATTERN: of what the last one said.
says() {
	if [ "$code" != "$2" ]; then
		fail "$1" "exit $code, not $2: $(cat "$work/said")"
	elif ! grep -qE "^$3 +$4 .*$5" "$work/said"; then
		fail "$1" "it says: $(cat "$work/said")"
	else
		pass "$1"
	fi
}

export HF_TOKEN=hf_good
doctor -o "endpoint=$endpoint"
says all-is-well 0 ok token 'accepted.*tester.*read'
says endpoint-answers 0 ok endpoint "$endpoint answers"
says clock-agrees 0 ok clock ''
says token-source 0 ok token 'environment \(HF_TOKEN\)'
says cache-to-be 0 ok cache 'when it is first used'
equal nothing-made "$([ -e "$HFFS_CACHE" ]; echo $?)" 1
equal one-request "$(requests)" 1
equal token-is-not-shown "$(grep -c hf_good "$work/said")" 0
equal json "$("$hffs" doctor --json -o "endpoint=$endpoint" | python3 -c '
import json, sys
j = json.load(sys.stdin)
print(j["ok"], {c["state"] for c in j["checks"]} <= {"ok", "note"}, any(c["name"] == "kernel" for c in j["checks"]))')" "True True True"

# The Hub.
HF_TOKEN=hf_wrong doctor -o "endpoint=$endpoint"
says wrong-token 1 broken token 'not accepted.*hf auth login'
says wrong-token-is-no-wrong-endpoint 1 ok endpoint answers
(unset HF_TOKEN && "$hffs" doctor -o "endpoint=$endpoint" >"$work/said" 2>&1)
code=$?
says no-token 0 ok token 'public repositories only'
echo hf_good >"$work/token" && chmod 644 "$work/token"
(unset HF_TOKEN && "$hffs" doctor -o "endpoint=$endpoint,token_file=$work/token" >"$work/said" 2>&1)
code=$?
says token-file 0 note token "$work/token.*others may read"
says token-file-accepted 0 ok token accepted
doctor -o "endpoint=$endpoint,token_file=$work/none"
says token-file-missing 1 broken token "$work/none"
doctor -o "endpoint=http://127.0.0.1:9"
says dead-endpoint 1 broken endpoint '127.0.0.1:9.*see whether'
cat >"$work/slow-clock.py" <<'END'
import http.server
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def date_time_string(self, timestamp=None):
        return "Sat, 28 Nov 2020 15:31:51 GMT"
    def do_GET(self):
        self.send_response(401)
        self.send_header("Content-Length", "0")
        self.end_headers()
    def log_message(self, *args):
        pass
server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
print(f"http://127.0.0.1:{server.server_port}", flush=True)
server.serve_forever()
END
hub=$endpoint
start_server slow-clock python3 "$work/slow-clock.py"
doctor -o "endpoint=$endpoint"
says wrong-clock 1 broken clock 'ahead of the Hub'
endpoint=$hub
control 'fault?kind=status&arg=404&route=whoami' >/dev/null
doctor -o "endpoint=$endpoint"
says an-endpoint-without-whoami 0 note token 'does not say'
clear_faults
control 'fault?kind=status&arg=429&route=whoami&retry_after=900' >/dev/null
doctor -o "endpoint=$endpoint"
says rate-limit 0 note endpoint 'left alone: 1[45] min'
clear_faults
mkdir -m 700 "$HFFS_CACHE"
python3 -c 'import sys, time
now = int(time.time() * 1000)
open(sys.argv[1], "w").write("""{"v":1,"pauses":[{"host":"127.0.0.1","port":%s,"from_ms":%d,"until_ms":%d}]}""" % (sys.argv[2], now, now + 900000))' \
	"$HFFS_CACHE/pauses" "${endpoint##*:}"
before=$(requests)
doctor -o "endpoint=$endpoint"
says pause-of-another-process 0 note endpoint 'left alone: 1[45] min'
equal pause-is-kept "$(requests)" "$before"
rm "$HFFS_CACHE/pauses"
doctor -o "endpoint=$endpoint,offline"
says offline 0 note offline 'never asked'
equal offline-asks-nothing "$(requests)" "$before"
https_proxy=http://me:secret@proxy.example:3128 no_proxy=x doctor -o "endpoint=$endpoint"
says proxy 0 ok proxy 'https_proxy leads to proxy.example'
equal proxy-password-is-not-shown "$(grep -c secret "$work/said")" 0

# Settings.
mkdir -p "$XDG_CONFIG_HOME/hffs"
echo "ref_ttl = 1m" >"$XDG_CONFIG_HOME/hffs/hffs.conf"
doctor -o "endpoint=$endpoint"
says settings-file 0 ok settings "$XDG_CONFIG_HOME/hffs/hffs.conf"
echo "colour = blue" >>"$XDG_CONFIG_HOME/hffs/hffs.conf"
doctor -o "endpoint=$endpoint"
says unknown-setting 1 broken settings "line 2.*colour"
says without-settings-the-machine-is-checked 1 ok kernel Linux
rm "$XDG_CONFIG_HOME/hffs/hffs.conf"

# The cache.
doctor -o "endpoint=$endpoint"
says empty-cache 0 ok cache "$HFFS_CACHE, empty"
equal nothing-left-in-it "$(ls -A "$HFFS_CACHE")" ""
must_mount "$work/hf"
cat "$work/hf/org/model/main/one" >/dev/null
doctor -o "endpoint=$endpoint,cache=$work/hf.cache"
says cache-in-use 0 ok cache 'hf.cache, '
says mount-answers 0 ok mount "$work/hf answers"
kill_daemon "$work/hf"
doctor -o "endpoint=$endpoint,cache=$work/hf.cache"
says dead-mount 1 broken mount "$work/hf: its daemon is gone.*hffs umount"
check clear-away "$hffs" umount "$work/hf"
must_mount "$work/hf"
check closed "$hffs" umount "$work/hf"
doctor -o "endpoint=$endpoint,cache=$work/hf.cache"
says cache-format 0 ok cache 'format 2'
says cache-disk 0 '(ok|note)' disk 'free; hffs takes .* at most'
chmod 777 "$work/hf.cache"
doctor -o "endpoint=$endpoint,cache=$work/hf.cache"
says open-to-others 1 broken cache 'others may write'
chmod 700 "$work/hf.cache"
printf '\0\0\0\143' | dd of="$work/hf.cache/index.db" bs=1 seek=60 conv=notrunc status=none
doctor -o "endpoint=$endpoint,cache=$work/hf.cache"
says newer-cache 1 broken cache 'format 99.*newer'
echo 'not an index' >"$work/hf.cache/index.db"
doctor -o "endpoint=$endpoint,cache=$work/hf.cache"
says damaged-cache 0 note cache 'begins anew'

refuses usage 2 'takes no arguments' "$hffs" doctor org/model

# As another user, and with parts of the machine hidden.
if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null && unshare -m true 2>/dev/null; then
	chmod 755 "$work"
	mkdir -p "$work/bin" "$work/home/kept"
	cp "$hffs" "$work/bin/"
	chown -R nobody "$work/home"
	: >"$work/empty.conf"
	echo ' user_allow_other # for services' >"$work/allow.conf"
	[ -e /etc/fuse.conf ] || { touch /etc/fuse.conf; trap 'rm -f /etc/fuse.conf; cleanup' EXIT; }
	# hidden SHELL-COMMANDS ARGUMENT...: hffs doctor as nobody where these have been run before.
	hidden() {
		local commands=$1
		shift
		unshare -m sh -c "$commands; exec setpriv --reuid=nobody --regid=nogroup --clear-groups env -i PATH=\$PATH HOME=$work/home \
			ASAN_OPTIONS='$ASAN_OPTIONS' \"\$@\"" sh "$work/bin/hffs" doctor "$@" >"$work/said" 2>&1
		code=$?
	}
	o="endpoint=$endpoint,cache=$work/home/cache"
	if [ -u "$(command -v fusermount3)" ]; then
		hidden : -o "$o"
		says user-is-well 0 ok fusermount3 /fusermount3
	fi
	hidden 'for f in /usr/bin/fusermount3 /bin/fusermount3 /usr/local/bin/fusermount3; do [ ! -e $f ] || mount --bind /dev/null $f; done' -o "$o"
	says user-without-fusermount 1 broken fusermount3 'this user cannot mount.*fuse3'
	hidden 'mount -t tmpfs none /dev; ln -s /proc/self/fd /dev/fd' -o "$o"
	says no-device 1 broken fuse 'no /dev/fuse'
	hidden 'mount --bind /dev/null /dev/fuse' -o "$o"
	says wrong-device 1 broken fuse 'not the device'
	hidden "mount --bind $work/empty.conf /etc/fuse.conf" -o "$o,allow_other"
	says user-may-not-allow-other 1 broken allow_other user_allow_other
	hidden "mount --bind $work/allow.conf /etc/fuse.conf" -o "$o,allow_other"
	says user-may-allow-other 0 ok allow_other 'allows it'
	chmod 500 "$work/home/kept"
	hidden : -o "endpoint=$endpoint,cache=$work/home/kept"
	says cache-not-writable 1 broken cache 'not writable'
	hidden : -o "endpoint=$endpoint,cache=/etc/none/cache"
	says cache-that-cannot-be-made 1 broken cache 'cannot be made in /etc'
	hidden : -o "endpoint=$endpoint,cache=/root/none"
	says cache-out-of-reach 1 broken cache /root
else
	echo "SKIP doctor/as-a-user: it needs root, setpriv and mount namespaces"
fi
finish
