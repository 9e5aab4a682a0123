#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What no file may contain, and what each must: banned functions, marks of unfinished work, the licence line, tabs.
cd "$(dirname "$0")/../.." || exit 1

status=0
verdict() {
	if [ -z "$2" ]; then
		echo "PASS words/$1"
	else
		echo "FAIL words/$1: $(head -n 5 <<<"$2")"
		status=1
	fi
}
folders=()
for folder in base hub cache format fetch fs infer serve cli include tests bench; do [ -d "$folder" ] && folders+=("$folder"); done
sources() { find "${folders[@]}" -name '*.[ch]' "$@"; }

banned='strcpy|strcat|sprintf|vsprintf|atoi|atol|atoll|strtok|alloca|gets|system|popen|tmpnam|mktemp'
# Of the program; a test may copy its own constants.
verdict no-banned-functions "$(find base hub cache format fetch fs infer serve cli include -name '*.[ch]' -exec grep -nE "(^|[^a-zA-Z0-9_>.])($banned) *\(" {} + | grep -vE '^[^:]+:[0-9]+:\s*(/?\*|//)')"

marks='TO''DO|FIX''ME|XX''X|HA''CK|not (yet )?imple''mented'
verdict no-unfinished-work "$(git grep -nIwE "$marks" -- . ':!LICENSE' ':!*.json' ':!*.jsonl')"

# The first line, or the second behind #!.
verdict licence-line "$(git ls-files '*.[ch]' '*.sh' '*.py' '*.cmake' '*CMakeLists.txt' ':!examples' | while read -r file; do
	[ -s "$file" ] && ! head -n 2 "$file" | grep -q 'SPDX-License-Identifier: Apache-2.0' && echo "$file"
done)"

verdict tabs-not-blanks "$(sources -exec grep -nE '^ {2,}[^ *]' {} + | head)"
verdict no-goto-backwards "$(for file in $(sources); do
	awk -v f="$file" 'match($0, /^[a-z_]+:$/) { seen[substr($0, 1, length($0) - 1)] = NR }
		match($0, /goto [a-z_]+;/) { l = substr($0, RSTART + 5, RLENGTH - 6); if (l in seen && seen[l] > start) print f ":" NR }
		/^}/ { start = NR }' "$file"
done)"
verdict scripts-parse "$(git ls-files '*.sh' .ci/run | while read -r file; do bash -n "$file" 2>&1; done)"
if command -v shellcheck >/dev/null 2>&1; then
	verdict shellcheck "$(git ls-files '*.sh' .ci/run | xargs -r shellcheck -x -S error 2>&1)"
fi
exit $status
