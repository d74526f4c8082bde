#include <fmt/format.h>

#include <array>
#include <cmath>
#include <map>
#include <numbers>
#include <optional>
#include <vector>

#include "exchange.hpp"
#include "koushi/base/error.hpp"
#include "koushi/base/text.hpp"
#include "koushi/manybody/operator_products.hpp"

namespace koushi {

namespace {

struct ExchangeMatrixOptions {
  std::vector<Deck::MixedRow> couplings;
  std::optional<std::vector<double>> field;
  double single_ion = 0;
  double ring = 0;
  double spin = 0.5;

  static const Keys<ExchangeMatrixOptions>& keys() {
    static const auto all =
        Keys<ExchangeMatrixOptions>()
            .mixed_rows(
                "couplings", &ExchangeMatrixOptions::couplings,
                "[component, shell, value] of all bonds of a distance shell, or [component, shell, direction, "
                "value] of those of one direction. Components: J of S_i.S_j; xx, xy, ... zz of S^a_i S^b_j; Dx, "
                "Dy, Dz of (S_i x S_j)^a (Dzyaloshinskii-Moriya); Gx, Gy, Gz of S^b_i S^c_j + S^c_i S^b_j; Q of "
                "(S_i.S_j)^2. Values of one bond add. Directions are numbered from 0, as docs/conventions.md "
                "has them")
            .required()
            .from_file()
            .example("[[\"J\", 1, 1.0], [\"zz\", 1, 0, 0.5]]")
            .reals("field", &ExchangeMatrixOptions::field, {}, "h = [hx, hy, hz] of - sum h.S")
            .real("single_ion", &ExchangeMatrixOptions::single_ion, {}, "D of sum D (S^z)^2, for S > 1/2")
            .real("ring", &ExchangeMatrixOptions::ring, {},
                  "K of sum K (P + P^-1) over rings of four nearest neighbours, P moves the spins 1/2 on by one corner")
            .real("spin", &ExchangeMatrixOptions::spin, {0.5, 4}, "S of every site, an integer or half of one");
    return all;
  }
};

/// What a bond adds: J_ab of S^a_i S^b_j, and Q of (S_i.S_j)^2.
struct BondMatrix {
  std::array<std::array<double, 3>, 3> J{};
  double Q = 0;
};

/// Adds a component times its value; false: there is none of that name.
bool add_component(BondMatrix& bond, const std::string& name, double value) {
  const std::string axes = "xyz";
  const std::size_t first = name.empty() ? std::string::npos : axes.find(name[0]);
  if (name == "J") {
    for (std::size_t a = 0; a < 3; ++a) bond.J[a][a] += value;
  } else if (name == "Q") {
    bond.Q += value;
  } else if (name.size() != 2 || axes.find(name[1]) == std::string::npos) {
    return false;
  } else if (const std::size_t second = axes.find(name[1]); first != std::string::npos) {
    bond.J[first][second] += value;
  } else if (name[0] == 'D' || name[0] == 'G') {
    const std::size_t b = (second + 1) % 3;
    const std::size_t c = (second + 2) % 3;
    bond.J[b][c] += value;
    bond.J[c][b] += name[0] == 'D' ? -value : value;
  } else {
    return false;
  }
  return true;
}

using Product = std::vector<std::pair<std::string, int>>;

/// Products by their names, added up.
class ExchangeSum {
 public:
  ExchangeSum(const Space& space) : alphabet_(space), sum_(space) {}

  void add(std::complex<double> coefficient, const Product& product) {
    for (const LocalProduct& one : alphabet_.product(coefficient, product)) sum_.add(0, one);
  }

  /// S^a with e^(i phi) S^+ in the place of S^+, as what crosses an end has it: S^x = (e^(i phi) S^+ + e^(-i phi) S^-) / 2,
  /// S^y = (e^(i phi) S^+ - e^(-i phi) S^-) / 2i. Coefficients and names.
  using Part = std::pair<std::complex<double>, std::string>;
  static std::vector<Part> component(std::size_t a, std::complex<double> phase) {
    if (a == 2) return {{1.0, "Sz"}};
    const std::complex<double> half = a == 0 ? std::complex<double>(0.5) : std::complex<double>(0, -0.5);
    return {{half * phase, "S+"}, {std::conj(half * phase), "S-"}};
  }

  /// S_i M S_j + Q (S_i.S_j)^2.
  void add_bond(const Bond& bond, const BondMatrix& matrix) {
    const std::complex<double> phase = bond_phase(bond);
    const auto at_j = [&](std::size_t b) { return component(b, phase); };
    static const std::array<std::string, 3> axes = {"Sx", "Sy", "Sz"};
    for (std::size_t a = 0; a < 3; ++a) {
      for (std::size_t b = 0; b < 3; ++b) {
        if (matrix.J[a][b] == 0) continue;
        for (const auto& [factor, name] : at_j(b)) add(matrix.J[a][b] * factor, {{axes[a], bond.i}, {name, bond.j}});
      }
    }
    if (matrix.Q == 0) return;
    for (std::size_t a = 0; a < 3; ++a) {
      for (std::size_t b = 0; b < 3; ++b) {
        for (const auto& [left, one] : at_j(a)) {
          for (const auto& [right, other] : at_j(b))
            add(matrix.Q * left * right, {{axes[a], bond.i}, {one, bond.j}, {axes[b], bond.i}, {other, bond.j}});
        }
      }
    }
  }

  /// K (P + P^-1) = K { 1/4 + sum over the six pairs S_i.S_j + 4 [(S_0.S_1)(S_2.S_3) + (S_0.S_3)(S_1.S_2)
  /// - (S_0.S_2)(S_1.S_3)] } for S = 1/2.
  /// Source  M. Roger, J. H. Hetherington, J. M. Delrieu, Rev. Mod. Phys. 55, 1 (1983)
  void add_ring(const Ring& ring, double K) {
    std::array<std::complex<double>, 4> phase;
    for (std::size_t k = 0; k < 4; ++k)
      phase[k] = static_cast<double>(ring.sign[k]) * std::polar(1.0, 2 * std::numbers::pi * ring.turns[k]);
    add(0.25 * K, {});
    const auto scalar = [&](std::size_t i, std::size_t j) {
      std::vector<std::pair<std::complex<double>, Product>> sum;
      for (std::size_t a = 0; a < 3; ++a) {
        for (const auto& [left, one] : component(a, phase[i])) {
          for (const auto& [right, other] : component(a, phase[j]))
            sum.push_back({left * right, {{one, ring.sites[i]}, {other, ring.sites[j]}}});
        }
      }
      return sum;
    };
    for (std::size_t i = 0; i < 4; ++i) {
      for (std::size_t j = i + 1; j < 4; ++j) {
        for (const auto& [factor, product] : scalar(i, j)) add(K * factor, product);
      }
    }
    const auto add_both = [&](double factor, std::size_t i, std::size_t j, std::size_t k, std::size_t l) {
      for (const auto& [left, one] : scalar(i, j)) {
        for (const auto& [right, other] : scalar(k, l)) {
          Product product = one;
          product.insert(product.end(), other.begin(), other.end());
          add(factor * left * right, product);
        }
      }
    };
    add_both(4 * K, 0, 1, 2, 3);
    add_both(4 * K, 0, 3, 1, 2);
    add_both(-4 * K, 0, 2, 1, 3);
  }

  void put_into(Operator& h) const {
    sum_.put_into(h, [](std::size_t) { return std::string("the adjoint"); });
  }

 private:
  OperatorAlphabet alphabet_;
  ProductSum sum_;
};

/// Matrices by shell and direction; rows that say no direction hold for all of them.
std::map<std::pair<int, int>, BondMatrix> read_couplings(const DeckSection& section,
                                                         const std::vector<Deck::MixedRow>& rows,
                                                         const Lattice& lattice,
                                                         std::map<int, std::vector<Bond>>& bonds) {
  const std::string shape = "[component, shell, value] or [component, shell, direction, value]";
  std::map<std::pair<int, int>, BondMatrix> matrices;
  for (std::size_t r = 0; r < rows.size(); ++r) {
    const Deck::MixedRow& row = rows[r];
    const auto* const name = row.empty() ? nullptr : std::get_if<std::string>(row.data());
    std::vector<double> numbers;
    for (std::size_t k = 1; k < row.size(); ++k) {
      if (const double* number = std::get_if<double>(&row[k])) numbers.push_back(*number);
    }
    if (name == nullptr || numbers.size() + 1 != row.size() || numbers.size() < 2 || numbers.size() > 3)
      section.refuse_row("couplings", r, "this is no coupling", shape);
    const double value = numbers.back();
    const bool all = numbers.size() == 2;
    if (numbers[0] != std::floor(numbers[0]) || numbers[0] < 1 || numbers[0] > 64)
      section.refuse_row("couplings", r, fmt::format("{} is no distance shell", numbers[0]), "1, 2, 3, ... 64");
    const int shell = static_cast<int>(numbers[0]);
    if (!lattice.has_geometry())
      section.refuse_row("couplings", r, "these sites have no bonds to couple", "a lattice with bonds");
    if (bonds.count(shell) == 0) {
      try {
        bonds[shell] = lattice.bonds(shell);
      } catch (const UsageError& error) {
        section.refuse_row("couplings", r, error.what(), "a shell in which every bond joins two sites");
      }
    }
    int directions = 0;
    for (const Bond& bond : bonds[shell]) directions = std::max(directions, bond.direction + 1);
    if (directions == 0)
      section.refuse_row("couplings", r, fmt::format("lattice.bonds has none of shell {}", shell),
                         "a shell with bonds");
    if (!all && (numbers[1] != std::floor(numbers[1]) || numbers[1] < 0 || numbers[1] >= directions))
      section.refuse_row("couplings", r, fmt::format("{} is no direction of shell {}", numbers[1], shell),
                         fmt::format("0 to {}", directions - 1));
    for (int direction = 0; direction < directions; ++direction) {
      if (!all && direction != static_cast<int>(numbers[1])) continue;
      if (!add_component(matrices[{shell, direction}], *name, value)) {
        const std::vector<std::string> names = {"J",  "xx", "xy", "xz", "yx", "yy", "yz", "zx", "zy",
                                                "zz", "Dx", "Dy", "Dz", "Gx", "Gy", "Gz", "Q"};
        section.refuse_row("couplings", r, fmt::format("\"{}\" is no component", *name),
                           join(names) + hint(*name, names));
      }
    }
  }
  return matrices;
}

std::vector<Ring> rings_of(const DeckSection& section, const Lattice& lattice) {
  std::vector<Ring> rings;
  try {
    rings = lattice.rings(4);
  } catch (const UsageError& error) {
    section.refuse("ring", error.what(), "larger extents");
  }
  if (rings.empty())
    section.refuse("ring", "no four nearest neighbours of this lattice lie on a ring",
                   "0, or a lattice with rings of four bonds, as \"square\", \"triangular\" and \"cubic\"");
  return rings;
}

/// H = sum_b S_i M_b S_j + Q_b (S_i.S_j)^2 + sum_i D (S^z_i)^2 - h.S_i + K sum_rings (P + P^-1); a part of H per shell, one of the rings, and one of the sites.
Operator make(const DeckSection& section, const Lattice& lattice) {
  const ExchangeMatrixOptions options = ExchangeMatrixOptions::keys().read(section);
  const std::vector<double> field = options.field.value_or(std::vector<double>(3, 0.0));
  if (field.size() != 3) section.refuse("field", fmt::format("{} numbers", field.size()), "three, [hx, hy, hz]");
  if (options.single_ion != 0 && options.spin == 0.5)
    section.refuse("single_ion", "(S^z)^2 of spins 1/2 is a constant", "spin = 1 or more");
  if (options.ring != 0 && options.spin != 0.5)
    section.refuse("ring", "the cyclic exchange is that of spins 1/2", "0, or spin = 0.5");
  std::map<int, std::vector<Bond>> bonds;
  const auto matrices = read_couplings(section, options.couplings, lattice, bonds);
  const Space space = Space::spins(lattice.n_sites(), twice_spin(section, options.spin));
  Operator h(space);
  try {
    for (const auto& [shell, list] : bonds) {
      ExchangeSum sum(space);
      for (const Bond& bond : list) {
        const auto found = matrices.find({shell, bond.direction});
        if (found != matrices.end()) sum.add_bond(bond, found->second);
      }
      h.begin_part(fmt::format("shell_{}", shell));
      sum.put_into(h);
    }
    ExchangeSum sites(space);
    static const std::array<std::string, 3> axes = {"Sx", "Sy", "Sz"};
    for (int i = 0; i < lattice.n_sites(); ++i) {
      for (std::size_t a = 0; a < 3; ++a) {
        if (field[a] != 0) sites.add(-field[a], {{axes[a], i}});
      }
      if (options.single_ion != 0) sites.add(options.single_ion, {{"Sz", i}, {"Sz", i}});
    }
    if (options.ring != 0) {
      ExchangeSum rings(space);
      for (const Ring& ring : rings_of(section, lattice)) rings.add_ring(ring, options.ring);
      h.begin_part("ring");
      rings.put_into(h);
    }
    if (options.single_ion != 0 || field != std::vector<double>(3, 0.0)) {
      h.begin_part("sites");
      sites.put_into(h);
    }
  } catch (const ProductFault& fault) {
    section.refuse("couplings", fault.problem, fault.expected);
  }
  return h;
}

}  // namespace

HamiltonianKind exchange_matrix_kind() {
  return {"exchange-matrix",
          "sum_b S_i.M_b.S_j + Q_b (S_i.S_j)^2 + sum D (S^z)^2 - h.S + K sum (P + P^-1), M_b a 3 x 3 matrix for every "
          "shell and direction: "
          "Kitaev, Gamma and Dzyaloshinskii-Moriya terms, fields of any direction, ring exchange",
          ExchangeMatrixOptions::keys().list(), make};
}

}  // namespace koushi
