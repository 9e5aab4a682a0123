#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Who may include whom, and who owns which library:
#   base <- hub, cache, format        hub, cache, format <- fetch <- fs        format <- infer        base, format <- serve        all of them <- cli
cd "$(dirname "$0")/../.." || exit 1

status=0
pass() { echo "PASS layers/$1"; }
fail() { echo "FAIL layers/$1: $2"; status=1; }

# Which folder a header of include/hffs/ belongs to.
declare -A owner=([hub]=hub [http]=hub [cache]=cache [pause_file]=cache [fetch]=fetch [catalog]=fetch [tree]=fetch [mount]=fs [serve]=serve [serve_http]=serve [format]=format [card]=format [tokenizer]=infer [model]=infer [sample]=infer [chat]=infer [generate]=infer [embed]=infer [model_files]=infer [model_shape]=infer)
declare -A may=(
	[base]='base' [hub]='base hub' [cache]='base cache' [format]='base format' [fetch]='base hub cache format fetch'
	[fs]='base hub cache fetch fs' [infer]='base format infer'
	[serve]='base cache format serve' [cli]='base hub cache format fetch fs infer serve cli'
)

for folder in base hub cache format fetch fs infer serve cli; do
	wrong=
	while IFS=: read -r file header; do
		of=${owner[$header]:-base}
		[[ " ${may[$folder]} " == *" $of "* ]] || wrong+="$file includes <hffs/$header.h>; "
	done < <(grep -oE '#include <hffs/[a-z0-9_]+\.h>' "$folder"/*.[ch] /dev/null | sed -E 's/#include <hffs\/(.*)\.h>/\1/')
	# A private header is included by its own folder only, and no other file is included across folders.
	crossing=$(grep -nE '#include "[^"]*/' "$folder"/*.[ch] /dev/null)
	[ -z "$wrong$crossing" ] && pass "includes-of-$folder" || fail "includes-of-$folder" "$wrong$crossing"
done

# owned NAME PATTERN FILE...: only these files include what the pattern matches.
owned() {
	local name=$1 pattern=$2 users allowed
	shift 2
	allowed=$(printf '%s\n' "$@" | sort)
	users=$(grep -lE "#include <($pattern)>" {base,hub,cache,format,fetch,fs,infer,serve,cli}/*.[ch] include/hffs/*.h 2>/dev/null | sort)
	users=$(comm -23 <(echo "$users") <(echo "$allowed"))
	[ -z "$users" ] && pass "owner-of-$name" || fail "owner-of-$name" "$(echo $users)"
}
owned curl 'curl/.*' hub/http_request_int.h
owned sqlite 'sqlite3\.h' cache/index.c
owned cjson 'cjson/.*' base/json.c
owned fuse 'fuse.*\.h' fs/ops.c fs/ops_int.h fs/refuse_int.h fs/mount.c
owned microhttpd 'microhttpd\.h' serve/http.c
owned openssl 'openssl/.*' base/digest.c
owned xxhash 'xxhash\.h' base/digest.c
owned pcre2 'pcre2\.h' infer/split.c
owned utf8proc 'utf8proc\.h' infer/unicode.c
owned yaml 'yaml\.h' format/card_front.c

# Settings; where programs are is none.
users=$(grep -E '\b(secure_)?getenv *\(' {base,hub,cache,format,fetch,fs,infer,serve,cli}/*.[ch] | grep -v -e '^cli/config\.c:' -e 'getenv("PATH")')
[ -z "$users" ] && pass owner-of-getenv || fail owner-of-getenv "$(echo $users)"

# Each public header stands alone.
wrong=
for header in include/hffs/*.h; do
	gcc -std=gnu17 -D_GNU_SOURCE -Iinclude -Wall -Wextra -Werror -fsyntax-only -x c "$header" 2>/dev/null || wrong+="$header "
done
[ -z "$wrong" ] && pass headers-stand-alone || fail headers-stand-alone "$wrong"
exit $status
