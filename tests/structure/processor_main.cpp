// Initialisers and main of a program that must not be reached on the wrong processor.
#include <cstdio>

namespace {
struct Early {
  Early() { std::puts("initialised"); }
} early;
}  // namespace

int main() {
  std::puts("started");
  return 0;
}
