# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# What the tests of the benchmarks of models share. After this: the root of the repository, $python with what they need, table().
# shellcheck source=../mount/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../mount/lib.sh"
cd "$root" || exit 1
# shellcheck source=../packages.sh
. tests/packages.sh
want_python numpy==2.4.6 gguf==0.19.0

# table NAME COLUMNS ROW...: $work/NAME has these rows, each with so many numbers behind what is given.
table() {
	local name=$1 columns=$2 row
	shift 2
	for row; do
		if grep -qE "^\| ${row//|/\\|}( \| [0-9]+(\.[0-9]+)?){$columns} \|$" "$work/$name"; then
			pass "$name/${row// /}"
		else
			fail "$name/${row// /}" "$(cat "$work/$name" "$work/err")"
		fi
	done
}
