// Refuses a processor that lacks instructions which the rest of the program was compiled for, before any of it runs: a
// constructor ahead of all other initialisers, compiled for the plain architecture. No inline functions of the library
// here: the linker may keep the copy of a file with special instructions.
#include "processor.hpp"

#include <unistd.h>

#include <cstring>

namespace {

// KOUSHI_INSTRUCTIONS: "avx2 fma ...", what -march=KOUSHI_ARCH means to the compiler; KOUSHI_ARCH: its name.
constexpr const char* wanted = KOUSHI_INSTRUCTIONS;

bool has(const char* name) {
#if defined(__x86_64__)
  // The builtin takes literals only.
#define KOUSHI_HAS(set) \
  if (std::strcmp(name, set) == 0) return __builtin_cpu_supports(set) != 0
  KOUSHI_HAS("sse3");
  KOUSHI_HAS("ssse3");
  KOUSHI_HAS("sse4.1");
  KOUSHI_HAS("sse4.2");
  KOUSHI_HAS("popcnt");
  KOUSHI_HAS("avx");
  KOUSHI_HAS("avx2");
  KOUSHI_HAS("fma");
  KOUSHI_HAS("bmi");
  KOUSHI_HAS("bmi2");
  KOUSHI_HAS("avx512f");
  KOUSHI_HAS("avx512cd");
  KOUSHI_HAS("avx512bw");
  KOUSHI_HAS("avx512dq");
  KOUSHI_HAS("avx512vl");
#undef KOUSHI_HAS
#endif
  return false;
}

void say(const char* text) {
  if (write(STDERR_FILENO, text, std::strlen(text)) < 0) _exit(5);
}

[[gnu::constructor(101)]] void check_processor() {
#if defined(__x86_64__)
  __builtin_cpu_init();
#endif
  int missing = 0;
  char name[32];
  for (const char* at = wanted; *at != 0;) {
    std::size_t length = 0;
    while (at[length] != 0 && at[length] != ' ') ++length;
    if (length >= sizeof name) _exit(70);
    std::memcpy(name, at, length);
    name[length] = 0;
    at += length;
    while (*at == ' ') ++at;
    if (has(name)) continue;
    say(missing == 0 ? "this koushi was built for KOUSHI_ARCH = " KOUSHI_ARCH " and this processor lacks " : ", ");
    say(name);
    ++missing;
  }
  if (missing == 0) return;
  say("\n  expected: a processor of that kind, or a build with -DKOUSHI_ARCH= that of the nodes it runs on (x86-64-v3 "
      "is in nearly all)\n");
  _exit(5);
}

}  // namespace

namespace koushi {

void require_processor() {}

}  // namespace koushi
