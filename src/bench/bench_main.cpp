// koushi_bench [--json] [--only WORDS] of a build without MPI: what `koushi bench` is in a whole one.
#include <cstdio>
#include <exception>
#include <string>

#include "koushi/base/text.hpp"
#include "koushi/bench/bench.hpp"
#include "koushi/parallel/session.hpp"

int main(int argc, char** argv) {
  try {
    koushi::Session session(argc, argv);
    bool json = false;
    std::string only;
    for (int k = 1; k < argc; ++k) {
      const std::string word = argv[k];
      if (word == "--json") {
        json = true;
      } else if (word == "--only" && k + 1 < argc) {
        only = argv[++k];
      } else {
        std::fputs("usage: koushi_bench [--json] [--only WORDS]\n", stderr);
        return 2;
      }
    }
    koushi::print_out(koushi::bench_text(koushi::run_bench(koushi::Communicator::world(), only), json));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "koushi_bench: %s\n", error.what());
    return 5;
  }
  return 0;
}
