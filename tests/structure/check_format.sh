#!/usr/bin/env bash
# check_format.sh SOURCE: every tracked source is as .clang-format wants it, in the words of clang-format 14. Skipped where there is none.
set -u
cd "$1" || exit 1
for program in clang-format-14 clang-format; do
  version=$("$program" --version 2>/dev/null | grep -o 'version 14\.') && break
done
[ -n "${version:-}" ] || { echo "skipped: there is no clang-format 14"; exit 77; }
if [ -e .git ] && command -v git >/dev/null; then
  mapfile -t sources < <(git -c safe.directory="$PWD" ls-files '*.cpp' '*.hpp')
else
  mapfile -t sources < <(find src include tests -name '*.[ch]pp')
fi
[ ${#sources[@]} -gt 100 ] || { echo "there are ${#sources[@]} sources"; exit 1; }
existing=()
for source in "${sources[@]}"; do
  [ ! -e "$source" ] || existing+=("$source")
done
printf '%s\0' "${existing[@]}" | xargs -0 -n 20 -P 2 "$program" --dry-run --Werror ||
  { echo "expected: clang-format -i on the files above"; exit 1; }
echo "${#existing[@]} sources"
