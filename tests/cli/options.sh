#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Wrong usage ends with code 2 and a sentence that names what is wrong; settings come in layers. No mount is made.
# shellcheck source=../mount/lib.sh
. "$(dirname "$0")/../mount/lib.sh"
cd "$work" || exit 1
mkdir dir

check version "$hffs" --version
check help "$hffs" --help
refuses no-verb 2 'verb is missing' "$hffs"
refuses unknown-verb 2 "no verb 'frobnicate'" "$hffs" frobnicate
for verb in mount umount status pull pin unpin gc cache ls inspect tensors run embed tokenize detokenize; do
	check "help-of-$verb" "$hffs" "$verb" --help
	refuses "unknown-option-of-$verb" 2 "'--frob'" "$hffs" "$verb" --frob
done
refuses mount-without-dir 2 'DIR is missing' "$hffs" mount
refuses mount-of-three 2 "'c'" "$hffs" mount a b c
refuses umount-without-dir 2 'DIR is missing' "$hffs" umount
refuses pull-without-repo 2 'REPO is missing' "$hffs" pull
refuses unpin-without-repo 2 'REPO is missing' "$hffs" unpin
refuses pin-bad-repo 2 "'a/b/c' is not a repository" "$hffs" pin a/b/c
refuses lock-without-repo 2 'needs a REPO' "$hffs" pin --lock file
refuses lock-without-file 2 "'lock' needs a value" "$hffs" mount dir -o lock
refuses lock-missing 1 "cannot read the lock file $work/none" "$hffs" mount dir -o lock=none
refuses ls-without-repo 2 'REPO is missing' "$hffs" ls
refuses tokenize-without-model 2 'MODEL is missing' "$hffs" tokenize
refuses tokenize-of-words 2 "'b' is too much" "$hffs" tokenize a/b a b
refuses tokenize-lines-of-text 2 'from standard input' "$hffs" tokenize --json-lines a/b text
refuses tokenize-bad-repo 2 "'no good' is not" "$hffs" tokenize 'no good' text
refuses detokenize-without-model 2 'MODEL is missing' "$hffs" detokenize
refuses detokenize-lines-of-ids 2 'from standard input' "$hffs" detokenize --json-lines a/b 1
refuses pull-list-and-repo 2 "not 'org/x'" "$hffs" pull --from-file list org/x
refuses pull-list-missing 1 'cannot read the list none' "$hffs" pull --from-file none
refuses bad-source 2 "'a/b/c' is not a repository" "$hffs" mount a/b/c dir
refuses bad-repo 2 "'no good' is not a repository" "$hffs" pull 'no good'
refuses bad-jobs 2 "'0' is no number of jobs" "$hffs" pull -j 0 a/b

refuses unknown-setting 2 "no option 'colour'" "$hffs" mount dir -o colour=red
refuses setting-without-value 2 "'endpoint' needs a value" "$hffs" mount dir -o endpoint
refuses bad-endpoint 2 "'ftp://x' is no value for endpoint" "$hffs" mount dir -o endpoint=ftp://x
refuses bad-time 2 "'soon' is no value for ref_ttl" "$hffs" mount dir -o ref_ttl=soon
refuses bad-size 2 "'big' is no value for cache_size" "$hffs" mount dir -o cache_size=big
refuses bad-flag 2 "'maybe' is no value for offline" "$hffs" mount dir -o offline=maybe
refuses bad-umask 2 "'999' is no value for umask" "$hffs" mount dir -o umask=999
refuses bad-level 2 "'loud' is no value for log_level" "$hffs" mount dir -o log_level=loud
refuses read-write 2 'read-only' "$hffs" mount dir -o rw
refuses token-as-option 2 'process list' "$hffs" mount dir -o token=hf_secret
refuses bad-safe 2 "'perhaps' is no value for safe" "$hffs" mount dir -o safe=perhaps
refuses empty-pattern 2 "'' is no value for deny" "$hffs" mount dir -o deny=

# The layers, seen by which value is complained about: the one above hides a wrong one below.
refuses environment-is-read 2 "HF_ENDPOINT: 'nonsense'" env HF_ENDPOINT=nonsense "$hffs" mount dir
mkdir -p "$XDG_CONFIG_HOME/hffs"
echo 'ref_ttl = never' >"$XDG_CONFIG_HOME/hffs/hffs.conf"
refuses file-is-read 2 "hffs.conf line 1: 'never'" "$hffs" mount dir
printf '# a comment\n\n  offline\ncolour = red\n' >"$XDG_CONFIG_HOME/hffs/hffs.conf"
refuses unknown-name-in-file 2 "hffs.conf line 4: there is no option 'colour'" "$hffs" mount dir
printf 'cache = %s/dir/below\n' "$work" >"$XDG_CONFIG_HOME/hffs/hffs.conf"
refuses cache-of-file 1 "the cache $work/dir/below is inside the mount point" "$hffs" mount dir
refuses environment-over-file 1 "the cache $work/dir/env is inside the mount point" env "HFFS_CACHE=$work/dir/env" "$hffs" mount dir
refuses option-over-environment 1 "the cache $work/dir/opt is inside the mount point" env "HFFS_CACHE=$work/dir/env" "$hffs" mount dir -o "cache=$work/dir/opt"
refuses relative-cache 1 "the cache $work/dir/rel is inside the mount point" "$hffs" mount dir -o cache=dir/rel
refuses tilde-in-cache 1 "the cache $work/dir/.c is inside the mount point" env "HOME=$work/dir" "$hffs" mount dir -o 'cache=~/.c'
refuses variable-in-cache 1 "the cache $work/dir/.c is inside the mount point" env "BASE=$work/dir" "$hffs" mount dir -o 'cache=${BASE}/.c'
refuses generic-options 1 "the cache $work/dir/.c is inside" "$hffs" mount dir -o "defaults,ro,nosuid,nodev,noexec,noatime,_netdev,noauto,user,nofail,x-systemd.automount,X-mount.mkdir,cache=$work/dir/.c"
echo offline >"$XDG_CONFIG_HOME/hffs/hffs.conf"
refuses offline-of-file 1 'offline' "$hffs" ls a/b -o "endpoint=http://127.0.0.1:1,cache=$work/none"
refuses environment-over-offline 1 'connect|refused' env HF_HUB_OFFLINE=0 "$hffs" ls a/b -o "endpoint=http://127.0.0.1:1,cache=$work/none,deadline=2s"
rm "$XDG_CONFIG_HOME/hffs/hffs.conf"

# mount(8)'s conventions: 1 for wrong usage, 32 for a mount that did not come about.
ln -s "$hffs" mount.hffs
refuses helper-without-dir 1 'mount -t hffs hub DIR' ./mount.hffs hub
refuses helper-unknown-setting 1 "no option 'colour'" ./mount.hffs hub dir -o colour=red
refuses helper-sloppy 32 'is inside the mount point' ./mount.hffs hub dir -s -o "colour=red,cache=$work/dir/.c"
refuses helper-no-dir 32 'No such file' ./mount.hffs hub nowhere -o ro
check helper-fake ./mount.hffs hub dir -f -n -v -t hffs -o ro

refuses status-of-nothing 1 'is no hffs mount' "$hffs" status "$work/dir"
refuses umount-of-nothing 1 'is no hffs mount' "$hffs" umount "$work/dir"
refuses umount-of-missing 1 'is no hffs mount' "$hffs" umount "$work/nowhere"
finish
