#!/usr/bin/env bash
# check_revision.sh CMAKE SCRIPT FOLDER: the header with the revision is written anew when the sources change, and only then.
set -eu
cmake=$1 script=$2 folder=$3
command -v git >/dev/null || { echo "skipped: there is no git"; exit 77; }
fail() { echo "$1"; exit 1; }
rm -rf "$folder"
mkdir -p "$folder/source"
cd "$folder/source"
export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1
commit() { git -c user.name=test -c user.email=test@localhost commit -qam "$1"; }
look() { "$cmake" "-DSOURCE=$folder/source" "-DGIT=${1-$(command -v git)}" "-DOUTPUT=$folder/revision.hpp" -P "$script"; }
expect() { grep -qx "#define KOUSHI_REVISION \"$1\"" "$folder/revision.hpp" || fail "expected $1: $(cat "$folder/revision.hpp")"; }
look
expect unknown
git init -q
echo 1 >file
git add file
commit one
look
expect "$(git rev-parse --short HEAD)"
touch -d "2001-01-01" "$folder/revision.hpp"
look
[ "$(date -r "$folder/revision.hpp" +%Y)" = 2001 ] || fail "the header of the same revision was written again"
echo 2 >file
look
expect "$(git rev-parse --short HEAD)-dirty"
commit two
look
expect "$(git rev-parse --short HEAD)"
look ""
expect unknown
