// What an input file of another program says, in koushi's words, before it is written as a deck.
#pragma once

#include <complex>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "koushi/base/error.hpp"

namespace koushi {

/// A place in a foreign file.
struct ForeignPlace {
  std::string file;
  int line = 0;
};

[[noreturn]] void refuse(const ForeignPlace& at, const std::string& problem, const std::string& expected);

std::string lower_case(std::string text);
/// A number as Fortran and C write it, 1.0d-3 too; nothing where it is none.
std::optional<double> foreign_number(std::string word);

/// H as a sum of products of operators by the names that the Hamiltonian `terms` has, the last of which acts first.
/// Sx and Sy (sx and sy) are written with S+ and S-; products with the same operators are one.
class ProductTable {
 public:
  using Product = std::vector<std::pair<std::string, int>>;

  void add(std::complex<double> coefficient, const Product& product);
  /// A product and its adjoint.
  void add_with_adjoint(std::complex<double> coefficient, const Product& product);
  /// The rows of `terms`, without the constant and without zeros.
  std::vector<std::string> rows() const;
  std::complex<double> constant() const;
  bool complex_valued() const;
  /// Whether every product leaves the total S^z as it is.
  bool conserves_spin() const;

 private:
  void add_expanded(std::complex<double> coefficient, const Product& product, std::size_t from);

  std::map<Product, std::complex<double>> sum_;
};

enum class ForeignStates { spins, electrons, single_electrons, electrons_and_spins };

/// A study of one of the two programs; numbers that were not given have their defaults.
struct ForeignModel {
  bool exact = false;  ///< HPhi's: exact diagonalisation. Otherwise mVMC's: variational Monte Carlo
  std::string title;
  ForeignStates states = ForeignStates::electrons;
  double spin = 0.5;
  int n_sites = 0;

  std::string lattice;      ///< lines of [lattice]
  std::string hamiltonian;  ///< lines of [hamiltonian] where a kind has all of H; empty: its terms are written
  ProductTable terms;
  bool bonds_move = true;  ///< spins or particles move along bonds of the lattice
  int shells = 1;          ///< of the lattice, along which they do

  std::optional<int> electrons;         ///< in all, without those of local spins
  std::optional<int> twice_sz;          ///< of all spins and electrons
  std::map<std::string, double> value;  ///< numbers of the calculation by their names in lower case

  bool gutzwiller = true;
  bool jastrow = true;
  bool rbm = false;
  bool all_pairs = false;
  std::vector<int> sublattice;  ///< cells per direction within which pairings are free; empty: all are

  std::vector<std::string> notes;

  double number(const std::string& name, double otherwise) const;
  /// Refuses electrons that do not fit and a 2S^z that no state has.
  void check_charges(const ForeignPlace& electrons_at, const ForeignPlace& twice_sz_at) const;
};

/// The whole deck.
std::string deck_of(const ForeignModel& model);

/// A number as TOML writes a real one.
std::string real_text(double value);
/// [1.0, 2.0]
std::string list_text(const std::vector<double>& values);

ForeignModel read_standard_input(const std::string& file, const std::string& text, bool as_terms);

}  // namespace koushi
