# SPDX-License-Identifier: Apache-2.0
# What the scripts of this folder share. After this: $build, $eval (the program of eval.c), $work (removed at the end), $python.
set -u
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
build=${HFFS_BUILD:-$PWD/build/release}
eval=$build/model-eval
[ -x "$eval" ] || cmake --build "$build" --target model-eval >/dev/null || exit 1
work=$(mktemp -d /tmp/hffs-infer.XXXXXX)
trap 'rm -rf "$work"' EXIT

failed=0
pass() { echo "PASS infer/$1"; }
fail() { echo "FAIL infer/$1: $2"; failed=1; }

# shellcheck source=../packages.sh
. tests/packages.sh
