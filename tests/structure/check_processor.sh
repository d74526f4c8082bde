#!/usr/bin/env bash
# check_processor.sh GOOD BAD KOUSHI OBJECTS...: GOOD starts; BAD names what the processor lacks before its first initialiser; koushi has the check, ahead of
# all initialisers and without special instructions.
set -u
good=$1 bad=$2 koushi=$3
shift 3
fail() { echo "$1"; exit 1; }
out=$("$good" 2>&1) || fail "refused: $out"
[ "$out" = $'initialised\nstarted' ] || fail "unexpected: $out"
out=$("$bad" 2>&1)
[ $? = 5 ] || fail "exit code of: $out"
[ "${out%%$'\n'*}" = "this koushi was built for KOUSHI_ARCH = future and this processor lacks avx1024f, amx9" ] || fail "unexpected: $out"
for object in "$@"; do
  [[ $object == *processor.cpp* ]] || continue
  [ "$(objdump -h "$object" | grep -c '\.init_array\.00101')" = 1 ] || fail "$object does not come before other initialisers"
  if objdump -d "$object" | grep -qE '%[yz]mm|\bv[a-z]+p[sd]\b'; then fail "$object has instructions that it is there to check"; fi
  grep -qa "this koushi was built for" "$koushi" || fail "$koushi has no check"
  exit 0
done
fail "koushi has no processor.cpp"
