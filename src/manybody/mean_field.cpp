#include "mean_field.hpp"

#include <fmt/format.h>

#include <Eigen/Eigenvalues>
#include <Eigen/SVD>
#include <algorithm>
#include <cmath>

#include "koushi/base/error.hpp"
#include "koushi/random/philox.hpp"

namespace koushi {

namespace {

struct Block {
  int place = 0;
  int places = 0;
  int particle = 0;
  int particles = 0;
};

/// Flavours whose particles H keeps apart, or all of them as one block.
std::vector<Block> blocks_of(const Operator& h) {
  const Space& space = h.space();
  const int n = space.n_sites();
  int flavours = 0;
  while (flavours < space.n_flavours() &&
         space.flavours()[static_cast<std::size_t>(flavours)].kind == LocalSpace::Kind::fermion)
    ++flavours;
  bool apart = true;
  for (const MoveTerm& term : h.moves()) {
    for (int hop = 0; hop < term.move.hops; ++hop) {
      const auto k = static_cast<std::size_t>(2 * hop);
      apart = apart && space.flavour_of(term.move.place[k]) == space.flavour_of(term.move.place[k + 1]);
    }
  }
  if (!apart || flavours == 1) return {{0, flavours * n, 0, space.n_particles()}};
  std::vector<Block> blocks;
  int particle = 0;
  for (int f = 0; f < flavours; ++f) {
    int number = -1;
    for (const Charge& charge : space.charges()) {
      int others = 0;
      for (std::size_t g = 0; g < charge.weight.size(); ++g)
        others += static_cast<int>(g) != f && charge.weight[g] != 0 ? 1 : 0;
      if (charge.value && others == 0 && charge.weight[static_cast<std::size_t>(f)] == 1) number = *charge.value;
    }
    if (number < 0)
      throw UsageError("a determinant needs the number of its fermions: give sampler.electrons or sampler.particles");
    blocks.push_back({f * n, n, particle, number});
    particle += number;
  }
  return blocks;
}

/// h_qp of the terms c^dagger_q c_p within a block.
Eigen::MatrixXcd one_body(const Operator& h, const Block& block) {
  Eigen::MatrixXcd matrix = Eigen::MatrixXcd::Zero(block.places, block.places);
  const auto inside = [&](int p) { return p >= block.place && p < block.place + block.places; };
  for (int p = 0; p < block.places; ++p) matrix(p, p) += h.linear()[static_cast<std::size_t>(block.place + p)];
  for (const MoveTerm& term : h.moves()) {
    if (term.move.n != 2 || term.move.hops != 1 || !term.functions.empty() || !inside(term.move.place[0]) ||
        !inside(term.move.place[1]))
      continue;
    const int p = term.move.place[0] - block.place;
    const int q = term.move.place[1] - block.place;
    matrix(q, p) += term.element;
    matrix(p, q) += std::conj(term.element);
  }
  return matrix;
}

/// Eigenvectors with the smallest eigenvalues; real ones where the matrix is real.
Eigen::MatrixXcd lowest(const Eigen::MatrixXcd& matrix, int count, Eigen::VectorXd& levels) {
  if (matrix.imag().cwiseAbs().maxCoeff() == 0) {
    const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solver(matrix.real());
    levels = solver.eigenvalues();
    return solver.eigenvectors().leftCols(count).cast<std::complex<double>>();
  }
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXcd> solver(matrix);
  levels = solver.eigenvalues();
  return solver.eigenvectors().leftCols(count);
}

}  // namespace

bool are_complex(Numbers numbers, const Operator& h, const DeckSection& section, const std::string& what) {
  if (numbers == Numbers::real && !h.is_real())
    section.refuse("weights", "real " + what + ", and H has complex elements", "complex or automatic");
  return numbers == Numbers::complex || (numbers == Numbers::automatic && !h.is_real());
}

MeanField free_orbitals(const Operator& h) {
  MeanField result;
  bool open = false;
  for (const Block& block : blocks_of(h)) {
    const Eigen::MatrixXcd matrix = one_body(h, block);
    Eigen::VectorXd levels;
    result.blocks.push_back({block.place, block.particle, lowest(matrix, block.particles, levels)});
    result.energy += levels.head(block.particles).sum();
    if (block.particles > 0 && block.particles < block.places) {
      open = open || levels(block.particles) - levels(block.particles - 1) < 1e-9 * (1 + levels.cwiseAbs().maxCoeff());
    }
  }
  result.description =
      fmt::format("a determinant of plane waves{}",
                  open ? " with an open shell, of whose degenerate orbitals some were taken" : ", closed shell");
  return result;
}

MeanField hartree_fock(const Operator& h, const Lattice& lattice, std::uint64_t seed, int starts) {
  const std::vector<Block> blocks = blocks_of(h);
  const Space& space = h.space();
  const std::vector<std::int8_t> staggered = lattice.sublattice_sign();
  std::vector<Eigen::MatrixXcd> bare;
  for (const Block& block : blocks) bare.push_back(one_body(h, block));
  const auto block_of = [&](int p) {
    for (std::size_t b = 0; b < blocks.size(); ++b) {
      if (p >= blocks[b].place && p < blocks[b].place + blocks[b].places) return static_cast<int>(b);
    }
    return -1;
  };
  MeanField best;
  best.energy = 1e300;
  for (int start = 0; start < starts; ++start) {
    // rho_pq = <c^dagger_q c_p>
    std::vector<Eigen::MatrixXcd> rho;
    for (std::size_t b = 0; b < blocks.size(); ++b) {
      Eigen::MatrixXcd density = Eigen::MatrixXcd::Zero(blocks[b].places, blocks[b].places);
      for (int p = 0; p < blocks[b].places; ++p) {
        const RandomBlock r =
            philox(seed, RandomPurpose::initial_parameters, static_cast<std::uint64_t>(blocks[b].place + p),
                   static_cast<std::uint64_t>(1000 + start), 1);
        // Random densities, and in every other start staggered ones with random amplitudes.
        double change = uniform(r.word[0], r.word[1]) - 0.5;
        if (start % 2 == 0 && !staggered.empty() && blocks.size() == 2) {
          const int place = blocks[b].place + p;
          const int sign = staggered[static_cast<std::size_t>(space.site_of(place))];
          change = (space.flavour_of(place) == 0 ? sign : -sign) * (0.25 + 0.2 * (start > 0 ? change : 0.0));
        }
        density(p, p) = static_cast<double>(blocks[b].particles) / blocks[b].places + change;
      }
      rho.push_back(density);
    }
    std::vector<Eigen::MatrixXcd> orbitals(blocks.size());
    double energy = 0;
    for (int step = 0; step < 2000; ++step) {
      std::vector<Eigen::MatrixXcd> fock = bare;
      double double_counted = 0;
      for (const PairTerm& pair : h.pairs()) {
        const int b = block_of(pair.p);
        const int c = block_of(pair.q);
        if (b < 0 || c < 0) continue;
        const int p = pair.p - blocks[static_cast<std::size_t>(b)].place;
        const int q = pair.q - blocks[static_cast<std::size_t>(c)].place;
        const std::complex<double> np = rho[static_cast<std::size_t>(b)](p, p);
        const std::complex<double> nq = rho[static_cast<std::size_t>(c)](q, q);
        fock[static_cast<std::size_t>(b)](p, p) += pair.weight * nq;
        fock[static_cast<std::size_t>(c)](q, q) += pair.weight * np;
        double_counted += pair.weight * (np * nq).real();
        if (b != c) continue;
        const std::complex<double> exchange = rho[static_cast<std::size_t>(b)](p, q);
        fock[static_cast<std::size_t>(b)](p, q) -= pair.weight * exchange;
        fock[static_cast<std::size_t>(b)](q, p) -= pair.weight * std::conj(exchange);
        double_counted -= pair.weight * std::norm(exchange);
      }
      energy = h.constant() - double_counted;
      double change = 0;
      for (std::size_t b = 0; b < blocks.size(); ++b) {
        Eigen::VectorXd levels;
        orbitals[b] = lowest(fock[b], blocks[b].particles, levels);
        energy += levels.head(blocks[b].particles).sum();
        const Eigen::MatrixXcd next = orbitals[b] * orbitals[b].adjoint();
        change = std::max(change, (next - rho[b]).cwiseAbs().maxCoeff());
        rho[b] = 0.5 * (rho[b] + next);
      }
      if (change < 1e-10) break;
    }
    if (energy >= best.energy - 1e-10) continue;
    best.energy = energy;
    best.blocks.clear();
    for (std::size_t b = 0; b < blocks.size(); ++b)
      best.blocks.push_back({blocks[b].place, blocks[b].particle, orbitals[b]});
    double density_order = 0;
    double spin_order = 0;
    const int n = space.n_sites();
    double mean = 0;
    std::vector<double> n_of(static_cast<std::size_t>(n));
    for (int i = 0; i < n; ++i) {
      double magnetization = 0;
      for (int f = 0; f < 2 && f < space.n_flavours(); ++f) {
        const int b = block_of(space.place(f, i));
        if (b < 0) continue;
        const int p = space.place(f, i) - blocks[static_cast<std::size_t>(b)].place;
        const double here = rho[static_cast<std::size_t>(b)](p, p).real();
        n_of[static_cast<std::size_t>(i)] += here;
        magnetization += f == 0 ? here : -here;
      }
      mean += n_of[static_cast<std::size_t>(i)] / n;
      spin_order = std::max(spin_order, std::abs(magnetization));
    }
    for (const double x : n_of) density_order = std::max(density_order, std::abs(x - mean));
    best.description = fmt::format(
        "a determinant of Hartree-Fock, E = {:.6g}, densities within {:.2g} of their mean, spin densities up to {:.2g}",
        energy, density_order, spin_order);
  }
  return best;
}

MeanField initial_orbitals(Orbitals orbitals, const Operator& h, const Lattice& lattice, std::uint64_t seed, int starts,
                           bool is_complex, double width, const std::function<double()>& normal) {
  MeanField mean_field = orbitals == Orbitals::hartree_fock ? hartree_fock(h, lattice, seed, starts) : free_orbitals(h);
  const bool random = orbitals == Orbitals::random;
  if (random) mean_field.description = "a determinant of random orbitals";
  for (OrbitalBlock& block : mean_field.blocks) {
    for (Eigen::Index k = 0; k < block.orbitals.size(); ++k) {
      std::complex<double>& value = block.orbitals(k / block.orbitals.cols(), k % block.orbitals.cols());
      if (random) value = 0;
      const double scale = random ? 1.0 : width;
      const double re = scale * normal();
      const double im = is_complex ? scale * normal() : 0.0;
      value += std::complex<double>(re, im);
    }
  }
  return mean_field;
}

Eigen::MatrixXd pair_form(const Lattice& lattice, PairWave wave) {
  const int n = lattice.n_sites();
  if (wave == PairWave::s) return Eigen::MatrixXd::Identity(n, n);
  if (!lattice.has_geometry() || lattice.bonds().empty()) throw UsageError("these sites have no bonds");
  if (wave == PairWave::d && lattice.position(0).size() < 2) throw UsageError("bonds of one dimension have no angle");
  Eigen::MatrixXd form = Eigen::MatrixXd::Zero(n, n);
  for (const Bond& bond : lattice.bonds(1)) {
    double value = bond.sign;
    if (wave == PairWave::d) {
      const Eigen::VectorXd r = lattice.displacement(bond.i, bond.j);
      value *= (r(0) * r(0) - r(1) * r(1)) / r.squaredNorm();
    }
    form(bond.i, bond.j) += value;
    form(bond.j, bond.i) += value;
  }
  return form;
}

Eigen::MatrixXcd bcs_pairings(const Operator& h, const Lattice& lattice, PairWave wave, double amplitude,
                              const DeckSection& section) {
  const std::vector<Block> blocks = blocks_of(h);
  const int n = h.space().n_sites();
  Eigen::MatrixXcd gap;
  try {
    gap = amplitude * pair_form(lattice, wave);
  } catch (const UsageError& error) {
    section.refuse("gap.wave", error.what(),
                   lattice.has_geometry() && !lattice.bonds().empty() ? "s or extended-s" : "s");
  }
  if (wave != PairWave::s) gap.diagonal().array() += 0.01 * amplitude;
  const Eigen::MatrixXcd up = one_body(h, blocks[0]);
  const Eigen::MatrixXcd down = one_body(h, blocks[1]);
  const int electrons = blocks[0].particles + blocks[1].particles;
  double low = -100 * (1 + up.norm() + down.norm() + gap.norm());
  double high = -low;
  Eigen::MatrixXcd u;
  Eigen::MatrixXcd v;
  for (int step = 0; step < 100; ++step) {
    const double mu = 0.5 * (low + high);
    Eigen::MatrixXcd nambu(2 * n, 2 * n);
    nambu.topLeftCorner(n, n) = up;
    nambu.topLeftCorner(n, n).diagonal().array() -= mu;
    nambu.bottomRightCorner(n, n) = -down.transpose();
    nambu.bottomRightCorner(n, n).diagonal().array() += mu;
    nambu.topRightCorner(n, n) = gap;
    nambu.bottomLeftCorner(n, n) = gap.adjoint();
    const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXcd> solver(nambu);
    u = solver.eigenvectors().topRightCorner(n, n);
    v = solver.eigenvectors().bottomRightCorner(n, n);
    // n_up = n - |U|^2, n_down = |V|^2
    const double number = n - u.squaredNorm() + v.squaredNorm();
    (number < electrons ? low : high) = mu;
  }
  return -u.adjoint().inverse() * v.adjoint();
}

Eigen::MatrixXcd paired_orbitals(const Eigen::MatrixXcd& up, const Eigen::MatrixXcd& down, const Eigen::MatrixXcd& x) {
  if (up.cols() == 0) return Eigen::MatrixXcd::Zero(up.rows(), up.rows());
  const Eigen::JacobiSVD<Eigen::MatrixXcd> svd(up.adjoint() * x * down.conjugate(),
                                               Eigen::ComputeFullU | Eigen::ComputeFullV);
  return up * svd.matrixU() * svd.matrixV().adjoint() * down.transpose();
}

}  // namespace koushi
