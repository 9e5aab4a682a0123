#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# hffs refs: branches, tags of both sorts, converts and pull requests with their commits and what is cached; in its own process and through
# a mount, online and without the Hub, by every spelling of a name; what it says of what is not there.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
[ -x "$hub_faulty" ] || skip "there is no hub-faulty"
repo=$work/hub/openai-community/gpt2
mkdir -p "$repo" "$work/hub/datasets/org/data" "$work/hub/org/private"
echo '{}' | tee "$work/hub/datasets/org/data/a.json" >"$work/hub/org/private/a.json"
init_git "$repo"
commit() { git_commit "$repo" "$1"; }
first=$(commit one)
git -C "$repo" tag v1.9
git -C "$repo" tag -a v1.10 -m 'a tag with an object of its own'
git -C "$repo" branch release/v2
git -C "$repo" branch alpha
for pull in 2 10; do git -C "$repo" update-ref refs/pr/$pull "$first"; done
git -C "$repo" update-ref refs/convert/parquet "$first"
second=$(commit two)
serve_faulty "$work/hub"
control 'rename?from=gpt2&to=openai-community/gpt2' >/dev/null
control 'rename?from=old-org/old-name&to=openai-community/gpt2' >/dev/null
control 'token?token=hf_good&repo=org/private&mode=private' >/dev/null
here=endpoint=$endpoint,cache=$work/here.cache
# rows OPTIONS ARGUMENT...: what it prints, one blank between columns.
rows() { "$hffs" refs -o "$@" 2>&1 | tr -s ' '; }
known="$second branch - main
$first branch - alpha
$first branch - release/v2
$first tag - v1.9
$first tag - v1.10
$first convert - refs/convert/parquet"
pulls="$first pr - refs/pr/2
$first pr - refs/pr/10"

# In its own process.
equal here "$(rows "$here" openai-community/gpt2)" "$known"
equal here-with-pull-requests "$(rows "$here" -p openai-community/gpt2)" "$known
$pulls"
for name in gpt2 old-org/old-name "$endpoint/openai-community/gpt2/tree/main"; do
	equal "spelt-${name##*://*/}" "$(rows "$here" "$name")" "$known"
done
equal dataset "$(rows "$here" datasets/org/data | cut -d' ' -f2-)" "branch - main"
check a-commit-is-used "$hffs" ls -o "$here" openai-community/gpt2@v1.9
equal cached-is-said "$(rows "$here" openai-community/gpt2 | grep -c ' cached ')" 5
equal json "$("$hffs" refs --json -o "$here" gpt2 | python3 -c '
import json, sys
j = json.load(sys.stdin)
print(j["repo"], j["complete"], *("{name}:{kind}:{cached}".format(**r) for r in j["refs"] if r["kind"] != "branch"))' 2>&1)" \
	"openai-community/gpt2 True v1.9:tag:True v1.10:tag:True refs/convert/parquet:convert:True"
equal offline "$(rows "$here,offline" openai-community/gpt2 | tr -d '\n')" "$(sed "s/^\($first [a-z]*\) -/\1 cached/" <<<"$known" | tr -d '\n')"
refuses not-there 1 'org/none' "$hffs" refs -o "$here" org/none
refuses private 1 'org/private' "$hffs" refs -o "$here" org/private
equal with-token "$(HF_TOKEN=hf_good rows "$here" org/private | cut -d' ' -f2-)" "branch - main"
refuses nothing-known 1 offline "$hffs" refs -o "$here,offline" org/other
refuses a-revision-is-named 2 'none is named' "$hffs" refs -o "$here" gpt2@main
refuses no-name 2 'REPO is missing' "$hffs" refs
refuses nobody-there 1 . "$hffs" refs -o "endpoint=http://127.0.0.1:9,deadline=2s,cache=$work/here.cache" org/model

# Only a revision is known, no list of them: it is shown, and that this is not all.
partial=endpoint=$endpoint,cache=$work/partial.cache
check one-revision-is-used "$hffs" ls -o "$partial" openai-community/gpt2@v1.9
"$hffs" refs -o "$partial,offline" openai-community/gpt2 >"$work/partial" 2>"$work/partial.said"
equal partial-code $? 0
equal partial "$(tr -s ' ' <"$work/partial")" "$first - cached v1.9"
check partial-is-said grep -q 'used here' "$work/partial.said"

# Through a mount: the same, and the mount's own cache.
if [ -c /dev/fuse ]; then
	hf=$work/hf
	must_mount "$hf"
	there=endpoint=$endpoint
	equal mount "$(rows "$there" -p openai-community/gpt2)" "$known
$pulls"
	for name in gpt2 old-org/old-name "$endpoint/openai-community/gpt2/tree/main"; do
		equal "mount-spelt-${name##*://*/}" "$(rows "$there" "$name")" "$known"
	done
	equal mount-dataset "$(rows "$there" datasets/org/data | cut -d' ' -f2-)" "branch - main"
	ls "$hf/openai-community/gpt2/v1.9/" >/dev/null
	equal mount-cached "$(rows "$there" gpt2 | grep ' cached ')" "$(grep "$first" <<<"$known" | sed 's/ - / cached /')"
	equal mount-attribute "$(getfattr --only-values --absolute-names -n user.hffs.tags "$hf/openai-community/gpt2" | sort -V)" "v1.9
v1.10"
	equal own-process-is-not-used "$([ -e "$XDG_CACHE_HOME/hffs" ]; echo $?)" 1
	refuses mount-not-there 1 'org/none' "$hffs" refs -o "$there" org/none
	refuses mount-organisation 1 'organisation' "$hffs" refs -o "$there" openai-community
	check unmount "$hffs" umount "$hf"
	check main-is-used-too "$hffs" ls -o "$partial" openai-community/gpt2
	mkdir -p "$work/used"
	"$hffs" mount "$work/used" -o "$partial,offline"
	"$hffs" refs -o "$there" openai-community/gpt2 >"$work/partial" 2>"$work/partial.said"
	equal mount-partial-code $? 0
	equal mount-partial "$(tr -s ' ' <"$work/partial")" "$second - cached main
$first - cached v1.9"
	check mount-partial-is-said grep -q 'used here' "$work/partial.said"
	refuses mount-nothing-known 1 . "$hffs" refs -o "$there" org/other
fi
# A Hub that fails is waited for once, not for the repository and then for its revisions.
start_server failing python3 -u -c '
import http.server, sys
class Failing(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        print(self.path.split("?")[0], file=sys.stderr)
        self.send_error(503)
    def log_message(self, *said):
        pass
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Failing)
print(f"http://127.0.0.1:{server.server_port}")
server.serve_forever()'
refuses failing 1 503 "$hffs" refs -o "endpoint=$endpoint,deadline=2s,cache=$work/failing.cache" org/model
equal failing-asked "$(sort -u "$work/failing.out.err")" /api/models/org/model/revision/main
finish
