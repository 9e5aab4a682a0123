#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Makes the repositories that the client checks read. Usage: make_repos.sh DIR
set -eu
dir=$1
mkdir -p "$dir"
cd "$dir"
export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1
export GIT_AUTHOR_NAME='A. Author' GIT_AUTHOR_EMAIL=a@example.org GIT_COMMITTER_NAME='A. Author' GIT_COMMITTER_EMAIL=a@example.org

random() { head -c "$1" /dev/urandom; }

# A plain folder: nested, odd and empty names, files of both kinds, one above the LFS size, links.
mkdir -p acme/plain/{onnx/deep/er,'dir with blanks',.hidden}
cd acme/plain
printf '{"hidden_size": 8}' > config.json
printf '# Card\n' > README.md
random 3000000 > model.safetensors
random 12000000 > large.dat
: > empty.txt
random 70000 > onnx/model.onnx
echo deep > onnx/deep/er/file.txt
echo blanks > 'dir with blanks/a file.txt'
echo umlaut > 'grüße-日本語.txt'
echo quote > "it's \"quoted\" + & = ;.txt"
echo dot > .hidden/.dot
ln -s ../config.json onnx/config.json
ln -s /etc/passwd outside
cd ../..

# Names that @huggingface/hub does not encode, and so cannot download.
mkdir -p 'acme/signs/#'
echo signs > 'acme/signs/#/1 ? 100% + & = ;.txt'
printf 'line\nbreak' > $'acme/signs/new\nline.txt'
random 100000 > 'acme/signs/100%.bin'

# A history: branches, one with a slash, tags of both sorts, a pull request, LFS pointers with their objects.
git init -q --initial-branch=main acme/history
cd acme/history
lfs_add() { # FILE: its pointer goes to the index, its content to lfs/objects
	local sha size pointer
	sha=$(sha256sum < "$1" | cut -d' ' -f1)
	size=$(stat -c %s "$1")
	mkdir -p ".git/lfs/objects/${sha:0:2}/${sha:2:2}"
	cp "$1" ".git/lfs/objects/${sha:0:2}/${sha:2:2}/$sha"
	pointer=$(printf 'version https://git-lfs.github.com/spec/v1\noid sha256:%s\nsize %s\n' "$sha" "$size" | git hash-object -w --stdin)
	git update-index --add --cacheinfo "100644,$pointer,$1"
}
printf '*.bin filter=lfs diff=lfs merge=lfs -text\n' > .gitattributes
echo one > README.md
mkdir sub
echo sub > 'sub/ü b.txt'
git add .gitattributes README.md sub
random 2000000 > w.bin
lfs_add w.bin
git commit -qm 'first commit' -m 'with a body'
git tag v0
echo two > README.md
git add README.md
random 2500000 > w.bin
lfs_add w.bin
git commit -qm second
git tag -a v1.0 -m 'an annotated tag'
git checkout -q -b release/v2
echo three > extra.txt
git add extra.txt
git commit -qm third
git update-ref refs/pr/1 HEAD
git update-ref refs/convert/parquet HEAD~1
for i in $(seq 60); do git commit -q --allow-empty -m "empty $i"; done
git checkout -q main
cd ../..
git clone -q --mirror acme/history acme/bare
cp -r acme/history/.git/lfs acme/bare/

# More files than a page of a listing has.
mkdir -p acme/many/{a,b}
for i in $(seq -w 1500); do echo "$i" > "acme/many/a/file-$i.txt"; done
for i in $(seq -w 20); do echo "$i" > "acme/many/b/$i"; done

mkdir -p datasets/acme/data spaces/acme/space
printf 'a,b\n1,2\n' > datasets/acme/data/train.csv
random 500000 > datasets/acme/data/train.parquet
printf -- '---\nsdk: static\n---\n' > spaces/acme/space/README.md
echo '<p>hello</p>' > spaces/acme/space/index.html
