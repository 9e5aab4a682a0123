#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What `cmake --install` puts where, and that the helper of mount(8) is the program.
# shellcheck source=../mount/lib.sh
. "$(dirname "$0")/../mount/lib.sh"

check install env "DESTDIR=$work/stage" cmake --install "$build" --prefix /usr
stage=$work/stage
check program "$stage/usr/bin/hffs" --version
equal helper "$(readlink "$stage/sbin/mount.hffs")" /usr/bin/hffs
for page in "$root"/man/*.[158]; do
	name=$(basename "$page")
	check "page-$name" test -s "$stage/usr/share/man/man${name##*.}/$name"
done
check sample test -s "$stage/usr/share/doc/hffs/hffs.conf"
equal nothing-else "$(cd "$stage" && find . -type f | grep -cvE '^\./usr/(bin/hffs|share/man/man[158]/|share/doc/hffs/hffs\.conf)')" 0
# Where the helper's place cannot be written the rest is installed.
mkdir "$work/stage2"
touch "$work/stage2/sbin"
check install-without-helper env "DESTDIR=$work/stage2" cmake --install "$build" --prefix /usr
check program-without-helper "$work/stage2/usr/bin/hffs" --version
check page-without-helper test -s "$work/stage2/usr/share/man/man1/hffs.1"
finish
