#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The reader of the benchmark: does it see one wrong byte, wherever it is and however it reads?
. "$(dirname "$0")/../mount/lib.sh"

reader=$build/bench-reader
file=$work/file

# A header at 0, and something behind it that lies over the border of two pages.
python3 - "$work/pieces" <<'END'
import struct, sys
with open(sys.argv[1], "wb") as f:
    for off, text in (0, b"a header of its own, of no round length"), (819190, b"a piece further on"):
        f.write(struct.pack("<QQ", off, len(text)) + text)
END
"$reader" make "$file" 3000001 7 "$work/pieces"
equal size "$(stat -c %s "$file")" 3000001
equal header "$(head -c 39 "$file")" 'a header of its own, of no round length'
equal piece "$(tail -c +819191 "$file" | head -c 18)" 'a piece further on'
printf '7\t%s\t%s\n' "$work/pieces" "$file" >"$work/files"
awk 'BEGIN { for (i = 0; i < 3000001; i += 100000) { n = 3000001 - i; print 0, i, n < 100000 ? n : 100000, i / 100000 % 3 } }' >"$work/jobs"

ways=("pread" "pread -l 4" "pread -l 2 -o -s 5 -r -z" "mmap" "mmap -l 4")
# each_way NAME PATTERN STATUS: every way of reading ends like that, and says so.
each_way() {
	local way said status
	for way in "${ways[@]}"; do
		# shellcheck disable=SC2086 # a way is a list of words
		said=$("$reader" $way "$work/files" "$work/jobs" 2>&1)
		status=$?
		if [ $status = "$3" ] && [[ $said == *$2* ]]; then pass "$1 ($way)"; else fail "$1 ($way)" "exit $status: $said"; fi
	done
}

each_way right '"bytes":3000001,"complete":true,"wrong_pages":0,"failed":0,' 0
# put OFFSET: another byte there, and back again with the next call of restore.
put() { cp "$file" "$work/good"; printf '\377\377' | dd of="$file" bs=1 seek="$1" count=1 conv=notrunc status=none; }
restore() { cp "$work/good" "$file"; }
for off in 0 38 39 4095 819189 819190 819200 819208 1999999 3000000; do
	put $off
	each_way "wrong-at-$off" '"wrong_pages":1,' 1
	restore
done
# The right bytes of another page, or of another file, are wrong ones.
dd if="$work/good" of="$file" bs=4096 skip=10 seek=20 count=1 conv=notrunc status=none
each_way other-page '"wrong_pages":1,' 1
restore
"$reader" make "$file" 3000001 8 "$work/pieces"
each_way other-file '"wrong_pages":763,' 1 # 733, and 30 of them lie in two jobs each
restore
truncate -s 2900000 "$file"
each_way short '"failed":' 1
rm "$file"
each_way gone '"errno":2' 1

"$reader" make "$file" 3000001 7 "$work/pieces" 400000 4096
equal holes "$(stat -c %s "$file") $(($(stat -c %b "$file") * 512 <= 16384)) $(tail -c +409601 "$file" | tr -d '\0' | wc -c)" '3000001 1 0'
printf '0 400000 4096 0\n' >"$work/jobs"
each_way extent '"wrong_pages":0,' 0
refuses no-jobs 2 'No data' "$reader" pread "$work/files" /dev/null
refuses usage 2 usage "$reader" pread
finish
