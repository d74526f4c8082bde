#pragma once

#include <Eigen/Core>
#include <cstdint>
#include <unordered_map>
#include <vector>

namespace koushi {

/// A bond of the lattice as the Hamiltonian sees it; shells count from 1.
struct LabelledBond {
  int i = 0;
  int j = 0;
  int shell = 1;
  /// -1 where it crosses an antiperiodic boundary: S^x S^x + S^y S^y (XXZ) or sigma^z sigma^z (Ising) changes sign
  int sign = 1;
};

/// Flip of spin i (j < 0), or exchange of spins i and j, which does nothing where they are equal.
struct SpinMove {
  int i = 0;
  int j = -1;
};

/// H = sum_b zz_b s_i s_j + sum_i z_i s_i + sum_k element_k (move k where it acts), s = +-1 the eigenvalues of sigma^z.
///
/// Spin operators are S = sigma / 2, so J S_i.S_j is zz = J/4 and an exchange with element J/2.
struct SpinHamiltonian {
  int n_sites = 0;
  std::vector<SpinMove> pairs;  ///< of zz
  std::vector<double> zz;
  std::vector<double> z;  ///< [n_sites]
  std::vector<SpinMove> moves;
  std::vector<double> elements;

  double diagonal(const std::int8_t* spins) const;
  /// The dense matrix in the space of the given basis states (which H must not leave). For tests and small systems.
  Eigen::MatrixXd matrix(const std::vector<std::vector<std::int8_t>>& basis) const;
};

/// Whether a permutation g of the sites, site i to g[i], is a symmetry of H: couplings, fields and elements of moves
/// equal those of their images.
class SymmetryTest {
 public:
  explicit SymmetryTest(const SpinHamiltonian& hamiltonian);
  /// Cost  a look-up per term of H, fewer where g is no symmetry
  bool operator()(const std::vector<int>& g) const;

 private:
  struct Term {
    int kind, i, j;
    double value;
  };
  std::uint64_t key(int kind, int i, int j) const;

  std::uint64_t n_sites_;
  std::vector<Term> terms_;  ///< equal ones added up
  std::unordered_map<std::uint64_t, double> value_;
  double tolerance_ = 0;
};

struct XxzCouplings {
  std::vector<double> J;       ///< per shell, J[0] the nearest neighbours'; all shells of the bonds must be given
  double anisotropy = 1;       ///< Delta: J (S^x S^x + S^y S^y + Delta S^z S^z)
  double field = 0;            ///< - field sum_i S^z_i
  double staggered_field = 0;  ///< - staggered_field sum_i sign_i S^z_i
  std::vector<std::int8_t> sublattice_sign;  ///< +-1 per site; empty where the lattice is not bipartite
  /// rotate the sublattice of sign -1 by pi about z: S^xy bonds between sublattices change sign
  bool marshall = false;
};

/// H = sum_b J_b (S^x S^x + S^y S^y + Delta S^z S^z) - h sum S^z - h_s sum sign S^z.
/// Errors  UsageError where a sublattice is asked for and the lattice has none
SpinHamiltonian make_xxz(int n_sites, const std::vector<LabelledBond>& bonds, const XxzCouplings& couplings);

/// H = sum_b J_b sigma^z sigma^z + field sum_i sigma^x, J per shell, both signs allowed.
SpinHamiltonian make_transverse_field_ising(int n_sites, const std::vector<LabelledBond>& bonds,
                                            const std::vector<double>& J, double field);

/// All states of n sites, or those with sum_i s_i = magnetization where `fixed`. n <= 24.
std::vector<std::vector<std::int8_t>> spin_basis(int n_sites, bool fixed, int magnetization);

}  // namespace koushi
