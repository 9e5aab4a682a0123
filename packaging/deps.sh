#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Installs what building and testing hffs needs, on Debian and Ubuntu. Does nothing where all of it is there.
# On other distributions it says what is missing and fails.
set -eu
PATH=$PATH:/usr/sbin:/sbin # nghttpx, ip

build='build-essential cmake ninja-build pkg-config libfuse3-dev libcurl4-openssl-dev libsqlite3-dev libcjson-dev libssl-dev
	libxxhash-dev libmicrohttpd-dev libpcre2-dev libutf8proc-dev libyaml-dev libcmocka-dev zlib1g-dev'
run='fuse3 attr'
tests='curl sqlite3 git git-lfs python3 python3-venv clang man-db openssl nghttp2-proxy rsync iproute2'

modules='fuse3 libcurl sqlite3 libcjson libcrypto libxxhash libmicrohttpd libpcre2-8 libutf8proc yaml-0.1 cmocka zlib'
programs='cc cmake ninja pkg-config fusermount3 getfattr curl sqlite3 git git-lfs python3 clang man openssl nghttpx rsync ip'

# libFuzzer is part of clang's runtime, which Debian 12 and Ubuntu 24.04 have in a package of its own.
can_fuzz() {
	probe=$(mktemp) || return 1
	echo 'int LLVMFuzzerTestOneInput(const char *p, unsigned long n) { return !p && n; }' |
		clang -fsanitize=fuzzer,address -x c - -o "$probe" 2>/dev/null
	status=$?
	rm -f "$probe"
	return $status
}

# True if everything is there, however it came there.
complete() {
	for program in $programs; do
		command -v "$program" >/dev/null 2>&1 || return 1
	done
	# shellcheck disable=SC2086 # a list of words
	pkg-config --exists $modules && python3 -c 'import venv, ensurepip' 2>/dev/null && can_fuzz
}

# The packages that dpkg does not have.
missing_packages() {
	for package in $build $run $tests; do
		dpkg-query -W -f '${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed || printf '%s ' "$package"
	done
}

as_root() {
	if [ "$(id -u)" = 0 ]; then
		"$@"
	elif command -v sudo >/dev/null 2>&1; then
		sudo "$@"
	else
		echo "packages are missing and this user is not root: run as root: $*" >&2
		return 1
	fi
}

install_with_apt() {
	as_root env DEBIAN_FRONTEND=noninteractive apt-get update -qq
	missing=$(missing_packages)
	! apt-cache show libclang-rt-dev >/dev/null 2>&1 || missing="$missing libclang-rt-dev"
	echo "installing $missing"
	# shellcheck disable=SC2086 # a list of words
	as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
}

say_other_names() {
	cat >&2 <<'END'
hffs is built and tested here with apt only. Install these, then run again:
  Fedora  dnf install gcc cmake ninja-build pkgconf fuse3 fuse3-devel libcurl-devel sqlite-devel cjson-devel openssl-devel
          xxhash-devel libmicrohttpd-devel pcre2-devel utf8proc-devel libyaml-devel libcmocka-devel zlib-devel attr curl sqlite git git-lfs python3 clang compiler-rt man-db openssl nghttp2 rsync
  Arch    pacman -S base-devel cmake ninja fuse3 curl sqlite cjson openssl xxhash libmicrohttpd pcre2 libutf8proc libyaml cmocka zlib attr git git-lfs python clang compiler-rt man-db openssl nghttp2 rsync
END
}

if ! complete; then
	if ! command -v apt-get >/dev/null 2>&1; then
		say_other_names
		exit 1
	fi
	install_with_apt
	complete || { echo "some of what hffs needs is still missing after the installation" >&2; exit 1; }
fi
[ -e /dev/fuse ] || echo "note: there is no /dev/fuse here, so nothing can be mounted (modprobe fuse; containers: --device /dev/fuse --cap-add SYS_ADMIN)" >&2
