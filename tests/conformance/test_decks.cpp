// Bounded mutation fuzz of the shipped decks: a clean model, or an error with its place and what was expected.
#include <catch2/catch_test_macros.hpp>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <regex>

#include "koushi/analysis/analyses.hpp"
#include "koushi/analysis/correlator_fit.hpp"
#include "koushi/analysis/extrapolation.hpp"
#include "koushi/analysis/reweighting.hpp"
#include "koushi/base/error.hpp"
#include "koushi/base/text.hpp"
#include "koushi/field/catalogue.hpp"
#include "koushi/solver/solver_kinds.hpp"
#include "registered.hpp"

using namespace koushi;

namespace {

/// Before any test asks for the catalogue.
[[maybe_unused]] const bool with_analyses = (add_analyses(), true);

std::vector<std::string> shipped_decks() {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(KOUSHI_INPUTS)) files.push_back(entry.path());
  std::sort(files.begin(), files.end());  // the same mutations everywhere
  std::vector<std::string> decks;
  for (const auto& file : files) {
    std::ifstream stream(file);
    decks.emplace_back(std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>());
  }
  return decks;
}

class Mutator {
 public:
  explicit Mutator(unsigned seed) : engine_(seed) {}
  std::size_t below(std::size_t n) { return engine_() % n; }

  std::string mutate(std::string text) {
    for (std::size_t edits = 1 + below(3); edits > 0; --edits) {
      const std::size_t at = below(text.size());
      switch (below(6)) {
        case 0:
          text[at] = static_cast<char>(below(256));
          break;
        case 1:
          text.erase(at, 1 + below(8));
          break;
        case 2:
          text.insert(at, 1, "[]{}=\".\n#1e-,"[below(14)]);
          break;
        case 3:
          replace_number(text, at);
          break;
        case 4:
          replace_line(text, at, "");
          break;
        default:
          replace_line(text, at, line_at(text, below(text.size())));
          break;
      }
      if (text.empty()) text.assign(1, ' ');
    }
    return text;
  }

 private:
  void replace_number(std::string& text, std::size_t at) {
    static const std::vector<std::string> numbers{"0",
                                                  "-1",
                                                  "1",
                                                  "3",
                                                  "7.5",
                                                  "1e99",
                                                  "-1e-99",
                                                  "nan",
                                                  "inf",
                                                  "9223372036854775807",
                                                  "99999999999999999999",
                                                  "true",
                                                  "\"4\"",
                                                  "[]",
                                                  "[[2]]"};
    const std::size_t first = text.find_first_of("0123456789", at);
    if (first == std::string::npos) return;
    const std::size_t last = text.find_first_not_of("0123456789.e-", first);
    text.replace(first, last == std::string::npos ? last : last - first, numbers[below(numbers.size())]);
  }
  static std::size_t start_of_line(const std::string& text, std::size_t at) {
    const std::size_t before = at == 0 ? std::string::npos : text.rfind('\n', at - 1);
    return before == std::string::npos ? 0 : before + 1;
  }
  static std::string line_at(const std::string& text, std::size_t at) {
    const std::size_t start = start_of_line(text, at);
    return text.substr(start, text.find('\n', start) - start + 1);
  }
  static void replace_line(std::string& text, std::size_t at, const std::string& line) {
    text.replace(start_of_line(text, at), line_at(text, at).size(), line);
  }

  std::mt19937 engine_;
};

}  // namespace

TEST_CASE("the text of a TOML error stays on one line", "[conformance]") {
  try {
    Deck::parse("a = tr\nue", "deck.toml", {}, catalogue());
    FAIL("accepted");
  } catch (const DeckError& error) {
    CHECK(split_lines(error.what()).size() == 2);
  }
}

TEST_CASE("the resolved text of a deck is a deck, and the same one", "[conformance]") {
  for (const std::string& text : shipped_decks()) {
    const std::string resolved = Deck::parse(text, "deck.toml", {}, catalogue()).resolved();
    CHECK(Deck::parse(resolved, "resolved", {}, catalogue()).resolved() == resolved);
  }
}

TEST_CASE("mutated decks end in a model or in an error with its place", "[conformance][fuzz]") {
  const Communicator self = Communicator::self();
  const std::vector<std::string> decks = shipped_decks();
  REQUIRE(decks.size() >= 6);
  Mutator mutator(2);
  int built = 0;
  int fields = 0;
  int analyses = 0;
  int others = 0;  // transfer matrices, kernels, ensembles
  int refused = 0;
  const std::regex placed("^deck\\.toml:[0-9]+:[0-9]+: error: .+");
  for (int k = 0; k < 8000; ++k) {
    const std::string text = mutator.mutate(decks[mutator.below(decks.size())]);
    INFO(text);
    try {
      const Deck deck = Deck::parse(text, "deck.toml", {}, catalogue());
      const std::string kind = deck.text("study.kind");
      if (kind == "correlator-fit" || kind == "reweighting" || kind == "extrapolation") {
        if (kind == "reweighting") reweighting_targets(deck);
        if (kind == "correlator-fit") correlator_fit_options(deck);
        if (kind == "extrapolation") describe_extrapolation(self, deck);
        ++analyses;
        continue;
      }
      const StudyKind& study = studies().of(deck);
      if (study.subject == StudyKind::Subject::theory || study.subject == StudyKind::Subject::networks) {
        study.describe(self, deck, 0);
        ++others;
        continue;
      }
      if (study.subject == StudyKind::Subject::fields) {
        double numbers = static_cast<double>(deck.integer("lattice.replicas"));
        for (const int n : deck.integers("lattice.extents")) numbers *= n;
        if (numbers > 1e5) continue;
        const Grid grid = make_grid(self, deck);
        make_updaters(deck, *make_field_theory(deck, grid));
        ++fields;
        continue;
      }
      const Lattice lattice = make_lattice(deck);
      if (study.subject == StudyKind::Subject::levels) {
        if (lattice.n_sites() <= 40) study.describe(self, deck, 0);
        ++others;
        continue;
      }
      const Operator hamiltonian = make_hamiltonian(deck, lattice);
      if (study.optimises) sr_schedule(DeckSection(deck, "solver"), 0, 2);
      // sound, and too much to build by the thousand
      bool large = lattice.n_sites() > 40;
      for (const DeckSection& factor : DeckSection(deck, "").sections("wavefunction.factor")) {
        large = large || (factor.has("density") && factor.integer("density") > 16);
      }
      if (large) continue;
      const auto psi = make_wavefunction(deck, lattice, hamiltonian);
      const bool enumerated = deck.text("sampler.kind") == "enumeration";
      if (enumerated ? lattice.n_sites() > 10 : deck.integer("sampler.samples") > 10000) continue;
      make_sampler(self, deck, lattice, hamiltonian, *psi);
      ++built;
    } catch (const Error& error) {
      ++refused;
      INFO(error.what());
      REQUIRE(error.exit_code() == 2);
      for (const std::string& line : split_lines(error.what())) {
        REQUIRE((line.rfind("  expected: ", 0) == 0 || std::regex_match(line, placed)));
      }
    }
  }
  CHECK(built > 80);
  CHECK(fields > 200);
  CHECK(analyses > 50);
  CHECK(others > 50);
  CHECK(refused > 1000);
}
