#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Each --help names the options that its man page names, and the other way round; the same of settings and hffs.conf(5).
# shellcheck source=../mount/lib.sh
. "$(dirname "$0")/../mount/lib.sh"

# Options at the beginnings of indented lines: "  -f, --foreground  ..." to one a line, sorted.
options_of() { grep -E '^ {2,}-' | sed -E 's/^ +//; s/( {2,}|\t).*//' | grep -oE '(^|[ ,])--?[a-zA-Z][a-z-]*' | tr -d ' ,' | sort -u; }
page() { MANWIDTH=200 man -l -E ascii "$root/man/$1" 2>/dev/null | col -bx; }
# A section of a page.
section() { sed -n "/^$1\$/,/^[A-Z]/p"; }
# The settings at the beginnings of lines: names before '=' or alone.
settings_of() { grep -E "^ {$1}[a-z_]+(=| |\$)" | sed -E 's/^ +//; s/[= ].*//' | sort -u; }

for verb in mount umount status pull pin unpin verify gc cache ls inspect tensors refs refresh doctor run embed tokenize detokenize serve; do
	help=$("$hffs" "$verb" --help) || fail "$verb" "--help fails"
	equal "options-of-$verb" "$(options_of <<<"$help")" "$(page "hffs-$verb.1" | section OPTIONS | options_of)"
	equal "verb-$verb-in-help" "$("$hffs" --help | grep -cE "^  $verb ")" 1
	equal "verb-$verb-in-man" "$(page hffs.1 | section DESCRIPTION | grep -cE "^ +$verb( |\$)")" 1
done
equal options-of-hffs "$("$hffs" --help | options_of)" "$(page hffs.1 | section OPTIONS | options_of)"
equal verbs-in-help "$("$hffs" --help | grep -cE '^  [a-z]+ +[a-z]')" 20
equal settings "$("$hffs" mount --help | settings_of 2)" "$(page hffs.conf.5 | section SETTINGS | settings_of 7)"
sample=$(sed -n 's/^#\([a-z_]*\) = .*/\1/p' "$root/packaging/hffs.conf" | sort -u)
equal sample-settings-exist "$(comm -23 <(echo "$sample") <(page hffs.conf.5 | section SETTINGS | settings_of 7))" ""
for page in "$root"/man/*.[158]; do
	warnings=$(LC_ALL=C.UTF-8 MANROFFSEQ='' man --warnings -l -E UTF-8 "$page" 2>&1 >/dev/null)
	equal "no-warnings-of-$(basename "$page")" "$warnings" ""
done
finish
