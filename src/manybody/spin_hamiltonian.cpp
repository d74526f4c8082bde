#include "koushi/manybody/spin_hamiltonian.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <string>

#include "koushi/base/error.hpp"

namespace koushi {

double SpinHamiltonian::diagonal(const std::int8_t* spins) const {
  double sum = 0;
  for (std::size_t b = 0; b < zz.size(); ++b) sum += zz[b] * spins[pairs[b].i] * spins[pairs[b].j];
  for (std::size_t i = 0; i < z.size(); ++i) sum += z[i] * spins[i];
  return sum;
}

Eigen::MatrixXd SpinHamiltonian::matrix(const std::vector<std::vector<std::int8_t>>& basis) const {
  std::map<std::vector<std::int8_t>, Eigen::Index> index;
  for (std::size_t a = 0; a < basis.size(); ++a) index[basis[a]] = static_cast<Eigen::Index>(a);
  const auto size = static_cast<Eigen::Index>(basis.size());
  Eigen::MatrixXd h = Eigen::MatrixXd::Zero(size, size);
  for (Eigen::Index a = 0; a < size; ++a) {
    const std::vector<std::int8_t>& state = basis[static_cast<std::size_t>(a)];
    h(a, a) += diagonal(state.data());
    for (std::size_t k = 0; k < moves.size(); ++k) {
      const auto i = static_cast<std::size_t>(moves[k].i);
      const auto j = static_cast<std::size_t>(moves[k].j < 0 ? moves[k].i : moves[k].j);
      if (i != j && state[i] == state[j]) continue;
      std::vector<std::int8_t> other = state;
      other[i] = static_cast<std::int8_t>(-other[i]);
      if (i != j) other[j] = static_cast<std::int8_t>(-other[j]);
      const auto found = index.find(other);
      if (found == index.end()) throw InternalError("SpinHamiltonian::matrix: H leaves the given basis");
      h(a, found->second) += elements[k];
    }
  }
  return h;
}

std::uint64_t SymmetryTest::key(int kind, int i, int j) const {
  const auto [low, high] = std::minmax(i, j);
  return (static_cast<std::uint64_t>(kind) * n_sites_ + static_cast<std::uint64_t>(low)) * n_sites_ +
         static_cast<std::uint64_t>(high);
}

SymmetryTest::SymmetryTest(const SpinHamiltonian& h) : n_sites_(static_cast<std::uint64_t>(h.n_sites)) {
  enum { coupling, field, move };
  const auto add = [&](int kind, const SpinMove& sites, double value) {
    const int j = sites.j < 0 ? sites.i : sites.j;
    const auto [place, first] = value_.try_emplace(key(kind, sites.i, j), 0.0);
    place->second += value;
    if (first) terms_.push_back({kind, sites.i, j, 0.0});
  };
  for (std::size_t b = 0; b < h.zz.size(); ++b) add(coupling, h.pairs[b], h.zz[b]);
  for (std::size_t i = 0; i < h.z.size(); ++i) add(field, {static_cast<int>(i)}, h.z[i]);
  for (std::size_t k = 0; k < h.elements.size(); ++k) add(move, h.moves[k], h.elements[k]);
  for (Term& term : terms_) {
    term.value = value_.at(key(term.kind, term.i, term.j));
    tolerance_ = std::max(tolerance_, 1e-12 * std::abs(term.value));
  }
}

bool SymmetryTest::operator()(const std::vector<int>& g) const {
  // g maps different places of terms to different ones, so it is enough that each term has the value of its image.
  return std::all_of(terms_.begin(), terms_.end(), [&](const Term& term) {
    const auto image =
        value_.find(key(term.kind, g[static_cast<std::size_t>(term.i)], g[static_cast<std::size_t>(term.j)]));
    return image != value_.end() && std::abs(image->second - term.value) <= tolerance_;
  });
}

SpinHamiltonian make_xxz(int n_sites, const std::vector<LabelledBond>& bonds, const XxzCouplings& c) {
  if ((c.marshall || c.staggered_field != 0) && c.sublattice_sign.empty()) {
    throw UsageError(
        "the Marshall rotation and the staggered field need two sublattices such that nearest neighbours lie on "
        "different ones, and "
        "this lattice is not bipartite: set marshall = false and staggered_field = 0");
  }
  SpinHamiltonian h;
  h.n_sites = n_sites;
  h.z.assign(static_cast<std::size_t>(n_sites), -0.5 * c.field);
  for (std::size_t i = 0; i < c.sublattice_sign.size() && c.staggered_field != 0; ++i) {
    h.z[i] -= 0.5 * c.staggered_field * c.sublattice_sign[i];
  }
  for (const LabelledBond& bond : bonds) {
    const auto shell = static_cast<std::size_t>(bond.shell - 1);
    const double J = shell < c.J.size() ? c.J[shell] : 0.0;
    if (J == 0) continue;
    const bool rotated = c.marshall && c.sublattice_sign[static_cast<std::size_t>(bond.i)] !=
                                           c.sublattice_sign[static_cast<std::size_t>(bond.j)];
    h.pairs.push_back({bond.i, bond.j});
    h.zz.push_back(0.25 * J * c.anisotropy);
    h.moves.push_back({bond.i, bond.j});
    h.elements.push_back(0.5 * J * bond.sign * (rotated ? -1 : 1));
  }
  return h;
}

SpinHamiltonian make_transverse_field_ising(int n_sites, const std::vector<LabelledBond>& bonds,
                                            const std::vector<double>& J, double field) {
  SpinHamiltonian h;
  h.n_sites = n_sites;
  h.z.assign(static_cast<std::size_t>(n_sites), 0.0);
  for (const LabelledBond& bond : bonds) {
    const auto shell = static_cast<std::size_t>(bond.shell - 1);
    if (shell >= J.size() || J[shell] == 0) continue;
    h.pairs.push_back({bond.i, bond.j});
    h.zz.push_back(J[shell] * bond.sign);
  }
  for (int i = 0; i < n_sites; ++i) {
    h.moves.push_back({i, -1});
    h.elements.push_back(field);
  }
  return h;
}

std::vector<std::vector<std::int8_t>> spin_basis(int n_sites, bool fixed, int magnetization) {
  if (n_sites > 24)
    throw UsageError("full enumeration is for at most 24 sites; this lattice has " + std::to_string(n_sites));
  std::vector<std::vector<std::int8_t>> basis;
  for (std::uint32_t bits = 0; bits < (1U << n_sites); ++bits) {
    std::vector<std::int8_t> state(static_cast<std::size_t>(n_sites));
    int sum = 0;
    for (int i = 0; i < n_sites; ++i) {
      state[static_cast<std::size_t>(i)] = (bits >> i & 1U) != 0 ? 1 : -1;
      sum += state[static_cast<std::size_t>(i)];
    }
    if (!fixed || sum == magnetization) basis.push_back(std::move(state));
  }
  return basis;
}

}  // namespace koushi
