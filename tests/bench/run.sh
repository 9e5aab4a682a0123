#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The benchmark as a whole, small: every case runs and is told; and where the server inverts bytes, every kind of case fails.
. "$(dirname "$0")/../mount/lib.sh"
need_fuse
[ "$(id -u)" = 0 ] || skip "only root can drop the page cache"

mkdir "$work/traces"
# A loader with two threads, one of which reads a file in the kernel's steps, the other the tensors of another from the last to the first.
python3 - "$work/traces/small.ra128.json.gz" <<'END'
import gzip, json, sys
STEP = 131072
table = [["layer.%d.weight" % i, 4096 + i * 3 * STEP, 3 * STEP] for i in range(10)]
files = [{"path": "config.json", "size": 700}, {"path": "a.safetensors", "size": 4096 + 30 * STEP, "tensors": table},
         {"path": "sub/b.gguf", "size": 4096 + 30 * STEP, "tensors": table}]
reads = [[0, 0, 0, 4096, 0]] + [r for i in range(31) for r in ([i, 1, i * STEP, STEP, 0], [i, 2, (30 - i) * STEP, STEP, 1])]
with gzip.open(sys.argv[1], "wt") as f:
    json.dump({"format": "hffs-trace", "version": 1, "read_ahead_kb": 128, "files": files, "reads": reads}, f)
END

# bench ARGUMENTS...: all cases, small
cases=seq,mmap-file,mmap-blocks,mmap-names-1,mmap-names-8,mmap-names-32,random-4k,random-1m-1,random-1m-8,random-1m-32,shards,header,header-listed,first
cases+=,first-listed,traces:small.ra128,ls,stop,memory,serve
bench() {
	python3 "$root/bench/bench.py" --quick --size 32 --reps 1 --limit 10 --quiet-wait 0 --shapes loopback --only "$cases" --build "$build" \
		--work "$work/bench" --traces "$work/traces" --peers hffs,local,curl,curls "$@" 2>"$work/err"
}

if bench --json "$work/rows" --svg "$work/plot.svg" >"$work/table"; then pass runs; else fail runs "$(tail -n 5 "$work/err" "$work/table")"; fi
equal no-case-without-rows "$(python3 - "$work/rows" "$cases" <<'END'
import json, sys
with open(sys.argv[1]) as f:
    seen = {row["case"] for row in map(json.loads, list(f)[1:]) if row["peer"] == "hffs" and row["complete" if "complete" in row else "bytes"]}
print(*(c for c in sys.argv[2].split(",") if c.replace("traces:", "trace-") not in seen))
END
)" ""
equal ratios "$(grep -cE '^\| sequential read \| (cold|warm|hot) .* [0-9.]+ \|' "$work/table")" 3
check plot python3 -c 'import sys, xml.dom.minidom as m; sys.exit(len(m.parse(sys.argv[1]).getElementsByTagName("circle")) < 20)' "$work/plot.svg"
equal same-table-from-rows "$(python3 "$root/bench/bench.py" --from-json "$work/rows" | diff - "$work/table")" ""

# Other numbers of threads are the same code.
cases=seq,mmap-blocks,mmap-names-8,random-4k,random-1m-8,shards,header,first,traces:small.ra128,ls,stop,memory,serve
if bench --break --peers hffs,curl,curls >"$work/table"; then fail broken "wrong bytes were taken for right ones"; else pass broken; fi
for case in ${cases//,/ }; do
	equal "broken-$case" "$(grep -cE "^ERROR ${case/traces:/trace-} [a-z]+ loopback: hffs: wrong bytes" "$work/table" | sed 's/[1-9]/some/')" some
done
equal broken-curl "$(grep -cE '^ERROR seq cold loopback: (curl|curls): wrong bytes' "$work/table")" 2
equal nothing-left-mounted "$(grep -c " $work/bench" /proc/self/mountinfo)" 0
finish
