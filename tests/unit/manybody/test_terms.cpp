// The Hamiltonian "terms" against products of operators that act on basis states one after the other.
#include <fmt/format.h>

#include <Eigen/Dense>
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators_range.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <cmath>
#include <complex>

#include "cells.hpp"
#include "koushi/base/error.hpp"
#include "koushi/manybody/hamiltonian.hpp"
#include "koushi/random/philox.hpp"
#include "manybody.hpp"

using namespace koushi;

namespace {

using Complex64 = std::complex<double>;

/// An operator with its site, as a row of a deck writes it.
struct Letter {
  std::string name;
  int site;
};
struct Word {
  Complex64 coefficient;
  std::vector<Letter> letters;
};

Word adjoint(const Word& word) {
  Word result{std::conj(word.coefficient), {}};
  for (auto letter = word.letters.rbegin(); letter != word.letters.rend(); ++letter) {
    std::string name = letter->name;
    if (name.starts_with("cdag") || name.starts_with("bdag")) {
      name.erase(1, 3);
    } else if (name[0] == 'c' || name == "b") {
      name.insert(1, "dag");
    } else if (name.back() == '+') {
      name.back() = '-';
    } else if (name.back() == '-') {
      name.back() = '+';
    }
    result.letters.push_back({name, letter->site});
  }
  return result;
}

std::string row_text(const Word& word) {
  std::string text = fmt::format("[{:.17g}, {:.17g}", word.coefficient.real(), word.coefficient.imag());
  if (text.find('.') == std::string::npos)
    text = fmt::format("[{:.1f}, {:.1f}", word.coefficient.real(), word.coefficient.imag());
  for (const Letter& letter : word.letters) text += fmt::format(", \"{}\", {}", letter.name, letter.site);
  return text + "]";
}

Operator made(const std::string& states, int n, const std::string& rows) {
  const std::vector<Section> sections{{"hamiltonian", "", false, declared_hamiltonians()}};
  const Deck deck = Deck::parse("[hamiltonian]\nkind = \"terms\"\n" + states + "terms = [" + rows + "]\n", "terms.toml",
                                {}, sections);
  const Lattice chain =
      Lattice::with_shells(unit_cell("chain"), Eigen::MatrixXi::Constant(1, 1, n), {Boundary::open}, {});
  return make_hamiltonian(DeckSection(deck, "hamiltonian"), chain);
}

/// Amplitudes of states that one operator after the other makes of one state.
using State = std::vector<std::int8_t>;
using Sum = std::vector<std::pair<State, Complex64>>;

/// What an operator makes of a state with the places of a space. Fermions carry the sign of those on places before.
Sum act(const Space& space, const Letter& letter, const State& x) {
  const auto fermion = [&](int flavour, bool create) -> Sum {
    const int p = space.place(flavour, letter.site);
    if ((x[static_cast<std::size_t>(p)] != 0) == create) return {};
    double sign = 1;
    for (int q = 0; q < p; ++q) sign *= space.is_fermionic(q) && x[static_cast<std::size_t>(q)] != 0 ? -1 : 1;
    State y = x;
    y[static_cast<std::size_t>(p)] = create ? 1 : 0;
    return {{y, sign}};
  };
  const auto one_flavour = [&](const std::string& name) -> Sum {
    const int p = space.place(space.n_flavours() - 1, letter.site);
    const LocalSpace& local = space.local(p);
    const double now = x[static_cast<std::size_t>(p)];
    const bool boson = local.kind == LocalSpace::Kind::boson;
    if (name == "n") return {{x, now}};
    if (name == "Sz") return {{x, now / 2}};
    const bool up = name == "bdag" || name == "S+";
    const double m = now / 2;
    const double s = local.max / 2.0;
    const double element = boson ? std::sqrt(up ? now + 1 : now) : std::sqrt(s * (s + 1) - m * (m + (up ? 1 : -1)));
    State y = x;
    y[static_cast<std::size_t>(p)] = static_cast<std::int8_t>(now + (up ? local.step : -local.step));
    if (y[static_cast<std::size_t>(p)] > local.max || y[static_cast<std::size_t>(p)] < local.min) return {};
    return {{y, element}};
  };
  const auto scaled = [](Sum sum, Complex64 factor) {
    for (auto& [state, amplitude] : sum) amplitude *= factor;
    return sum;
  };
  const auto joined = [](Sum a, const Sum& b) {
    a.insert(a.end(), b.begin(), b.end());
    return a;
  };
  const auto after = [&](const Sum& first, int flavour, bool create) {
    Sum result;
    for (const auto& [state, amplitude] : first) {
      const Letter same{"", letter.site};
      const int p = space.place(flavour, same.site);
      if ((state[static_cast<std::size_t>(p)] != 0) == create) continue;
      double sign = 1;
      for (int q = 0; q < p; ++q) sign *= space.is_fermionic(q) && state[static_cast<std::size_t>(q)] != 0 ? -1 : 1;
      State y = state;
      y[static_cast<std::size_t>(p)] = create ? 1 : 0;
      result.emplace_back(y, amplitude * sign);
    }
    return result;
  };
  const std::string& name = letter.name;
  if (name == "cdag" || name == "cdag_up") return fermion(0, true);
  if (name == "c" || name == "c_up") return fermion(0, false);
  if (name == "cdag_down") return fermion(1, true);
  if (name == "c_down") return fermion(1, false);
  const bool fermionic = space.is_fermionic(0);
  if (fermionic && (name == "n" || name == "n_up" || name == "n_down")) {
    double n = 0;
    if (name != "n_down") n += x[static_cast<std::size_t>(space.place(0, letter.site))];
    if (name != "n_up" && space.n_flavours() > 1) n += x[static_cast<std::size_t>(space.place(1, letter.site))];
    return {{x, n}};
  }
  const bool electron_spin = fermionic && (space.n_flavours() == 2 || name[0] == 's');
  const auto raised = [&]() { return electron_spin ? after(fermion(1, false), 0, true) : one_flavour("S+"); };
  const auto lowered = [&]() { return electron_spin ? after(fermion(0, false), 1, true) : one_flavour("S-"); };
  if (name == "b" || name == "bdag" || name == "n") return one_flavour(name);
  if (name[1] == '+') return raised();
  if (name[1] == '-') return lowered();
  if (name[1] == 'x') return joined(scaled(raised(), 0.5), scaled(lowered(), 0.5));
  if (name[1] == 'y') return joined(scaled(raised(), {0, -0.5}), scaled(lowered(), {0, 0.5}));
  if (!electron_spin) return one_flavour("Sz");
  const double sz = 0.5 * (x[static_cast<std::size_t>(space.place(0, letter.site))] -
                           x[static_cast<std::size_t>(space.place(1, letter.site))]);
  return {{x, sz}};
}

Eigen::MatrixXcd matrix_of(const Basis& basis, const std::vector<Word>& words) {
  Eigen::MatrixXcd matrix = Eigen::MatrixXcd::Zero(basis.size(), basis.size());
  for (Eigen::Index column = 0; column < matrix.cols(); ++column) {
    for (const Word& word : words) {
      Sum sum{{basis.state(column), word.coefficient}};
      for (auto letter = word.letters.rbegin(); letter != word.letters.rend(); ++letter) {
        Sum next;
        for (const auto& [state, amplitude] : sum) {
          for (const auto& [to, element] : act(basis.space(), *letter, state))
            next.emplace_back(to, amplitude * element);
        }
        sum = std::move(next);
      }
      for (const auto& [state, amplitude] : sum) {
        if (const std::int64_t row = basis.index(state.data()); row >= 0) matrix(row, column) += amplitude;
      }
    }
  }
  return matrix;
}

/// Random words and their adjoints. Fermions: creators and annihilators of each flavour in equal number, in any order.
std::vector<Word> random_words(const std::string& states, int n_sites, int count, std::uint64_t seed) {
  std::uint32_t draw = 0;
  const auto below = [&](int n) { return uniform_below(philox(seed, RandomPurpose::test, 0, 0, draw++).word[0], n); };
  const auto real = [&] {
    const auto r = philox(seed, RandomPurpose::test, 0, 0, draw++);
    return uniform(r.word[0], r.word[1]) - 0.5;
  };
  const auto any = [&](const std::vector<std::string>& names) {
    return Letter{names[static_cast<std::size_t>(below(static_cast<int>(names.size())))], below(n_sites)};
  };
  std::vector<Word> words;
  while (static_cast<int>(words.size()) < 2 * count) {
    Word word{{real(), real()}, {}};
    const auto pair = [&](const std::string& suffix) {
      word.letters.push_back(any({"cdag" + suffix}));
      word.letters.push_back(any({"c" + suffix}));
    };
    const bool electrons = states.find("electrons") != std::string::npos;
    const bool beside_spins = states.find("and-spins") != std::string::npos;
    if (states.find("spinless") != std::string::npos) {
      for (int k = 1 + below(2); k > 0; --k) pair("");
      if (below(2) == 0) word.letters.push_back(any({"n"}));
    } else if (electrons) {
      if (below(3) != 0) pair("_up");
      if (below(3) != 0) pair("_down");
      const bool may_flip = word.letters.size() < (beside_spins ? 1U : 4U);  // four places change at most
      for (int k = below(3); k > 0; --k) word.letters.push_back(any({"n", "n_up", "n_down"}));
      word.letters.push_back(any({beside_spins ? "sz" : "Sz"}));
      if (beside_spins && may_flip && below(2) == 0) {
        word.letters.push_back(any({"s+"}));
        word.letters.push_back(any({"S-"}));
      } else if (may_flip && below(2) == 0) {
        word.letters.push_back(any({beside_spins ? "s+" : "S+"}));
        word.letters.push_back(any({beside_spins ? "s-" : "S-"}));
      }
    } else if (states.find("bosons") != std::string::npos) {
      for (int k = 1 + below(2); k > 0; --k) {
        word.letters.push_back(any({"bdag"}));
        word.letters.push_back(any({"b"}));
      }
      word.letters.push_back(any({"n"}));
    } else {
      for (int k = 1 + below(4); k > 0; --k) word.letters.push_back(any({"Sz", "Sx", "Sy", "S+", "S-"}));
    }
    for (std::size_t k = word.letters.size() - 1; k > 0; --k)
      std::swap(word.letters[k], word.letters[static_cast<std::size_t>(below(static_cast<int>(k) + 1))]);
    words.push_back(word);
    words.push_back(adjoint(word));
  }
  return words;
}

}  // namespace

TEST_CASE("terms are products of operators that act one after the other", "[manybody][exact]") {
  const std::string states =
      GENERATE("states = \"spins\"\n", "states = \"spins\"\nspin = 1.0\n", "states = \"spins\"\nspin = 1.5\n",
               "states = \"spinless-fermions\"\n", "states = \"electrons\"\n", "states = \"single-electrons\"\n",
               "states = \"bosons\"\nn_max = 3\n", "states = \"electrons-and-spins\"\n");
  const int n = states.find("electrons") != std::string::npos ? 3 : 4;
  INFO(states);
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    const std::vector<Word> words = random_words(states, n, 12, seed);
    std::string rows;
    for (const Word& word : words) rows += row_text(word) + ",\n";
    INFO(rows);
    Operator h = made(states, n, rows);
    for (const Charge& charge : h.space().charges()) {
      if (charge.name == "up" || charge.name == "particles") h.fix(charge.name, h.space().exclusive() ? 1 : 2);
      if (charge.name == "down") h.fix(charge.name, 1);
    }
    const Basis basis(h.space());
    const Eigen::MatrixXcd expected = matrix_of(basis, words);
    REQUIRE((expected - expected.adjoint()).norm() < 1e-12);
    CHECK(expected.norm() > 0.1);
    CHECK((h.matrix(basis) - expected).norm() < 1e-12 * (1 + expected.norm()));
  }
}

TEST_CASE("an exchange written out is one move and one pair per bond, for any spin", "[manybody][exact]") {
  for (const double spin : {0.5, 1.0, 2.5}) {
    std::string rows;
    for (int i = 0; i < 3; ++i) {
      rows += fmt::format(
          "[0.5, \"S+\", {0}, \"S-\", {1}], [0.5, \"S+\", {1}, \"S-\", {0}], [1.0, \"Sz\", {0}, \"Sz\", {1}],\n", i,
          i + 1);
    }
    const Operator h = made(fmt::format("spin = {:.1f}\n", spin), 4, rows);
    CHECK(h.moves().size() == 3);
    CHECK(h.pairs().size() == 3);
    CHECK(h.products().empty());
    for (const MoveTerm& term : h.moves()) CHECK(term.functions.size() == (spin > 0.5 ? 2U : 0U));
  }
  // (S_1.S_2)^2 of spins 1/2 is 3/16 - S_1.S_2 / 2: written as nine squares, it has one move left.
  std::string rows;
  for (const char a : {'x', 'y', 'z'}) {
    for (const char b : {'x', 'y', 'z'})
      rows += fmt::format("[1.0, \"S{0}\", 0, \"S{0}\", 1, \"S{1}\", 0, \"S{1}\", 1],\n", a, b);
  }
  const Operator square = made("", 2, rows);
  CHECK(square.moves().size() == 1);
  CHECK(std::abs(square.constant() - 3.0 / 16) < 1e-14);
  REQUIRE(square.pairs().size() == 1);
  CHECK(std::abs(square.pairs()[0].weight + 0.125) < 1e-14);
}

TEST_CASE("rows that are no terms are refused with what is missing", "[manybody][errors]") {
  using Catch::Matchers::ContainsSubstring;
  const auto refused = [](const std::string& states, const std::string& rows) {
    try {
      made(states, 4, rows);
    } catch (const DeckError& error) {
      return std::string(error.what());
    }
    return std::string("not refused");
  };
  CHECK_THAT(
      refused("", "[0.5, 0.25, \"S+\", 0, \"S-\", 1]"),
      ContainsSubstring("terms.toml:3:") && ContainsSubstring("the row [0.5, -0.25, \"S+\", 1, \"S-\", 0] as well"));
  CHECK_THAT(refused("", "[1.0, \"Sx\", 0, \"Sy\", 0]"), ContainsSubstring("not hermitian"));
  CHECK_THAT(refused("", "[1.0, 0.5, \"Sz\", 0]"), ContainsSubstring("[1, -0.5, \"Sz\", 0]"));
  CHECK_THAT(
      refused("states = \"electrons\"\n", "[1.0, \"cdag_up\", 0, \"c_up\", 1], [0.9, \"cdag_up\", 1, \"c_up\", 0]"),
      ContainsSubstring("not hermitian"));
  CHECK_THAT(refused("states = \"electrons\"\n", "[1.0, \"cdag_up\", 0, \"cdag_down\", 1]"),
             ContainsSubstring("changes the number of fermions"));
  CHECK_THAT(refused("states = \"bosons\"\n", "[1.0, \"n\", 4]"), ContainsSubstring("sites 0 to 3"));
  CHECK_THAT(refused("", "[1.0, \"Sp\", 0]"), ContainsSubstring("no operator of these states"));
  CHECK_THAT(refused("", "[1.0, \"Sz\"]"), ContainsSubstring("has no site"));
  CHECK_THAT(refused("", "[\"Sz\", 0]"), ContainsSubstring("begins with no number"));
  CHECK_THAT(refused("", "[1.0, \"S+\", 0, \"S+\", 1, \"S+\", 2, \"S+\", 3, \"Sx\", 0]"),
             ContainsSubstring("hermitian"));
}
