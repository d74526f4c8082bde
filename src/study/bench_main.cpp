// koushi_bench [--json] of a build without MPI: what `koushi bench` is in a whole one.
#include <cstdio>
#include <exception>
#include <string>

#include "koushi/base/text.hpp"
#include "koushi/parallel/session.hpp"
#include "koushi/study/bench.hpp"

int main(int argc, char** argv) {
  try {
    koushi::Session session(argc, argv);
    const bool json = argc == 2 && std::string(argv[1]) == "--json";
    if (argc > 1 && !json) {
      std::fputs("usage: koushi_bench [--json]\n", stderr);
      return 2;
    }
    koushi::print_out(koushi::bench_text(koushi::run_bench(koushi::Communicator::world()), json));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "koushi_bench: %s\n", error.what());
    return 5;
  }
  return 0;
}
