#pragma once

#include <complex>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "koushi/deck/deck_section.hpp"
#include "koushi/manybody/operator.hpp"

namespace koushi {

/// An operator of one place that changes what it holds by `change`: x -> table[x] where it acts on x.
struct LocalOperator {
  int place = 0;
  int change = 0;
  std::vector<double> table;
};

/// coefficient times a product of operators of single places, the first of which acts last.
struct LocalProduct {
  std::complex<double> coefficient;
  std::vector<LocalOperator> operators;
};
using LocalSum = std::vector<LocalProduct>;

/// The operators on the states of one space by their names: Sz Sx Sy S+ S- of spins; cdag c n of spinless fermions;
/// cdag_up c_up cdag_down c_down n_up n_down n Sz Sx Sy S+ S- of electrons, beside spins with sz ... s- for theirs; bdag b
/// n of bosons.
class OperatorAlphabet {
 public:
  explicit OperatorAlphabet(const Space& space);
  std::vector<std::string> names() const;
  /// The operator of that name at a site; empty: there is none.
  LocalSum of(const std::string& name, int site) const;
  /// coefficient o_1 o_2 ..., the last of which acts first.
  LocalSum product(std::complex<double> coefficient, const std::vector<std::pair<std::string, int>>& operators) const;
  const Space& space() const { return space_; }

 private:
  LocalSum spin(const std::string& name, int place) const;
  LocalOperator step(int place, int change) const;
  LocalOperator value(int place, double unit) const;

  Space space_;
  bool with_spins_;
};

/// What is wrong with a term of a sum of products.
struct ProductFault {
  std::size_t row = 0;
  std::string problem;
  std::string expected;
};

/// Collects products into terms of which every one is known from its places, changes and functions. Products are
/// reduced to moves with functions of places, to linear functions or to a constant where they are that, so that an
/// operator written out costs what one of a kind of its own does.
class ProductSum {
 public:
  explicit ProductSum(const Space& space) : space_(space) {}
  /// Errors  ProductFault: a product that changes the number of fermions, or more than four places
  void add(std::size_t row, const LocalProduct& product);
  /// Adds the sum to an operator. Errors: ProductFault with the row whose adjoint is missing, described by adjoint_of
  void put_into(Operator& h, const std::function<std::string(std::size_t)>& adjoint_of) const;

 private:
  using Complex = std::complex<double>;
  /// A function of one place as a combination of 1, of x, and of indicators of its third and later states: index 0, 1,
  /// k >= 2. Rounding that is left of equal values does not count.
  struct PlacedIndex {
    int place = 0;
    int change = 0;
    int index = 0;
    auto operator<=>(const PlacedIndex&) const = default;
  };
  using TermKey = std::vector<PlacedIndex>;
  struct Sum {
    Complex coefficient;  ///< of the terms in the direction of the key
    Complex of_adjoint;   ///< of those in the other one
    std::size_t row = 0;  ///< the first that gives one of them
  };

  bool is_odd(const LocalOperator& one) const { return space_.is_fermionic(one.place) && one.change != 0; }
  LocalOperator times(const LocalOperator& a, const LocalOperator& b) const;
  void collect(std::size_t row, Complex coefficient, const std::vector<LocalOperator>& list);
  std::vector<std::pair<int, double>> decomposed(const LocalOperator& one, bool reversed) const;
  std::vector<double> values_of(const PlacedIndex& at) const;
  void put(Operator& h, const TermKey& key, Complex coefficient) const;
  bool share_a_site(const std::vector<PlacedIndex>& places) const;

  Space space_;
  std::map<TermKey, Sum> terms_;
};

/// The name of a fixed charge of a space that every one of these products changes; empty: some keep all.
std::string changed_charge(const Space& space, const LocalSum& products);
/// Adds (c O + (c O)^dagger) / 2 of a product O to a sum: of c = 1 its real part, (O + O^dagger) / 2, of c = -i its
/// imaginary part, (O - O^dagger) / 2i. Parts of O that change a fixed charge, as those of S^x S^x at fixed S^z, have the
/// mean 0 and are left out. Errors: ProductFault
void add_hermitian_part(ProductSum& sum, const OperatorAlphabet& alphabet, std::complex<double> c,
                        const std::vector<std::pair<std::string, int>>& operators);
/// A sum of hermitian parts as an operator.
Operator operator_of(const Space& space, const ProductSum& sum);
/// The real and the imaginary part of c O, so that its mean is that of the first + i that of the second.
std::pair<Operator, Operator> hermitian_parts(const Space& space, std::complex<double> c,
                                              const std::vector<std::pair<std::string, int>>& operators);
/// O^dagger of a product O.
std::vector<std::pair<std::string, int>> adjoint(const std::vector<std::pair<std::string, int>>& operators);

/// A row of a deck: its coefficient, perhaps an imaginary part, then operators with their sites, of which the last acts
/// first.
struct NamedProduct {
  std::complex<double> coefficient;
  std::vector<std::pair<std::string, int>> operators;
};
/// Spins 1/2 also take one word of the Pauli matrices I X Y Z, a letter per site.
/// Errors  DeckError at the row
NamedProduct read_product(const DeckSection& section, const std::string& key, std::size_t number,
                          const Deck::MixedRow& row, const OperatorAlphabet& alphabet, int n_sites);

/// The adjoint of a row, as a row of a deck.
std::string adjoint_text(const NamedProduct& row);

}  // namespace koushi
