#pragma once

#include <Eigen/Core>
#include <complex>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "koushi/manybody/basis.hpp"
#include "koushi/manybody/move.hpp"

namespace koushi {

/// A term: weight x_p x_q; p = q gives the square.
struct PairTerm {
  int p = 0;
  int q = 0;
  double weight = 0;
};

/// A function of what one place holds, by its number among the operator's tables.
struct PlaceFunction {
  int place = 0;
  int table = 0;
  bool operator==(const PlaceFunction&) const = default;
  auto operator<=>(const PlaceFunction&) const = default;
};

/// A term: weight times a product of functions.
struct ProductTerm {
  double weight = 0;
  std::vector<PlaceFunction> functions;
};

/// A term: element times a product of functions of the state that T acts on, times the move T in the direction +1,
/// plus the adjoint.
struct MoveTerm {
  Move move;
  std::complex<double> element;
  std::vector<PlaceFunction> functions;
};

/// A hermitian operator on the states of a space,
///
///   O = constant + sum_p linear_p x_p + sum pairs + sum products + sum_k { h_k(x) T_k + adjoint },
///
/// T_k a move. Fermions are numbered and a hop keeps the number, c^dagger_q c_p = Move::hop(p, q), so elements carry no
/// sign that depends on the state. The exchange of the spins of two electrons is two hops times -1.
class Operator {
 public:
  explicit Operator(const Space& space);

  const Space& space() const { return space_; }
  /// Restricts the states to one value of a charge. Errors: UsageError where there is none, or where the operator does
  /// not conserve it
  void fix(const std::string& charge, int value);
  int n_sites() const { return space_.n_sites(); }

  /// Terms that are added from now on belong to the part of this name, as "U" or "t_1", too; empty: to none.
  void begin_part(const std::string& name);
  /// The parts by their names, in the order in which they were begun; some terms may belong to none.
  const std::vector<std::pair<std::string, Operator>>& parts() const { return parts_; }

  void add_constant(double weight);
  /// Adds weight x_p.
  void add_linear(int p, double weight);
  /// Adds weight x_p x_q.
  void add_pair(int p, int q, double weight);
  /// Adds weight times functions[0] times functions[1] ..., each a table over the values of its place.
  void add_product(double weight, const std::vector<std::pair<int, std::vector<double>>>& functions);
  /// Adds element T + adjoint, with the factors of ladder operators: S^+ and S^- of spins, b and b^dagger of bosons.
  /// Functions are of the state that T acts on.
  void add_move(const Move& move, std::complex<double> element,
                const std::vector<std::pair<int, std::vector<double>>>& functions = {});
  /// The same without the factors of ladder operators: T is the bare change.
  void add_bare_move(const Move& move, std::complex<double> element,
                     const std::vector<std::pair<int, std::vector<double>>>& functions = {});

  double constant() const { return constant_; }
  const std::vector<double>& linear() const { return linear_; }
  const std::vector<PairTerm>& pairs() const { return pairs_; }
  const std::vector<ProductTerm>& products() const { return products_; }
  const std::vector<MoveTerm>& moves() const { return moves_; }
  /// tables()[t][k]: the value of function t where its place holds min + k step.
  const std::vector<std::vector<double>>& tables() const { return tables_; }
  /// The moves of its terms, each once.
  std::vector<Move> move_list() const;

  /// Whether all elements are real.
  bool is_real() const;
  /// Whether some off-diagonal element may be greater than 0 or complex, so that the ground state need not be positive.
  bool has_positive_elements() const;
  /// Whether every move conserves this charge of the space.
  bool conserves(const Charge& charge) const;
  /// Sum of the moduli of all terms: no eigenvalue, and no mean in any state, has a larger modulus.
  double bound() const;
  /// The mean over all states, where every place has the values that its flavour has on average in the sector,
  /// independent of the others; zero for spins without magnetisation. Used by the V-score.
  double infinite_temperature_value() const;
  /// Errors: UsageError with what is not finite
  void require_finite() const;

  double diagonal(const std::int8_t* local) const;
  /// Calls body(move, sigma, element) for every state x' = x + sigma c with <x|O|x'> = element != 0, but for the sign
  /// of the fermions' order.
  template <typename Body>
  void for_connected(const std::int8_t* local, const Body& body) const {
    for (std::size_t k = 0; k < moves_.size(); ++k) {
      for (const int sigma : {1, -1}) {
        if (!sites_[k].acts(local, sigma)) continue;
        const std::complex<double> element = element_of(k, local, sigma);
        if (element != 0.0) body(k, sigma, element);
      }
    }
  }
  /// y = O x on the states of a basis. Cost: moves times states, each with one rank of a state. For exact
  /// diagonalisation and tests.
  void apply(const Basis& basis, std::span<const std::complex<double>> x, std::span<std::complex<double>> y) const;
  /// The dense matrix on a basis. Errors: UsageError where O leaves it
  Eigen::MatrixXcd matrix(const Basis& basis) const;

 private:
  Operator* part();
  int table_of(const std::vector<double>& values);
  std::vector<PlaceFunction> functions_of(const std::vector<std::pair<int, std::vector<double>>>& functions);
  std::complex<double> element_of(std::size_t k, const std::int8_t* local, int sigma) const;
  double value(const std::vector<PlaceFunction>& functions, const std::int8_t* local) const;

  Space space_;
  double constant_ = 0;
  std::vector<double> linear_;
  std::vector<PairTerm> pairs_;
  std::vector<ProductTerm> products_;
  std::vector<MoveTerm> moves_;
  std::vector<MoveSites> sites_;
  std::vector<std::vector<double>> tables_;
  std::vector<std::pair<std::string, Operator>> parts_;
  int part_ = -1;  ///< of new terms
};

/// What a ladder operator that changes x by c gives where it acts on x, for every x of a place: products of
/// sqrt(S(S + 1) - m(m + 1)) for spins, sqrt(n + 1) for bosons going up; their mirror images going down; 0 where it
/// leaves the place's range. Empty: 1 (fermions and spins 1/2).
std::vector<double> ladder_elements(const LocalSpace& local, int change);

/// The sign of putting the fermions of a canonical state back into the order of their places after a move.
int order_sign(const Space& space, const Move& move, int sigma, const std::int8_t* local);

/// Whether a permutation of the sites (site i goes to g[i], flavours move along) is a symmetry of an operator: every
/// term has the weight of its image.
class SymmetryTest {
 public:
  explicit SymmetryTest(const Operator& op);
  /// Cost  a look-up per term, fewer where g is no symmetry
  bool operator()(const std::vector<int>& g) const;

 private:
  /// What a term is made of, moved by a permutation of the sites.
  struct Term {
    std::vector<std::pair<int, int>> places;  ///< place and what happens there (change, function), sorted
    int kind = 0;
    auto operator<=>(const Term&) const = default;
  };
  Term image(const Term& term, const std::vector<int>& g) const;

  Space space_;
  std::vector<std::pair<Term, std::complex<double>>> terms_;
  std::map<Term, std::complex<double>> value_;
  double tolerance_ = 0;
};

}  // namespace koushi
