#pragma once

#include <Eigen/Core>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "mean_field.hpp"
#include "network_factor.hpp"

namespace koushi {

/// Where a row of orbitals sees the last tensor h[c][position] of a network: rows of one group share their weights.
struct RowFeatures {
  int group = -1;  ///< -1: it sees nothing
  int position = 0;
};

/// A determinant of the particles [particle, particle + particles), which stay in the places [place, place + places).
/// Behind the rows of the places stand `hidden` ones, which are part of every determinant.
struct DeterminantBlock {
  int place = 0;
  int places = 0;
  int particle = 0;
  int particles = 0;
  int hidden = 0;
  Eigen::MatrixXcd orbitals;          ///< [row][column], columns = particles + hidden
  std::vector<RowFeatures> features;  ///< [row]
  int columns() const { return particles + hidden; }
  int rows() const { return places + hidden; }
};

/// psi_f(x) = prod_b det M_b(x), whose rows a are those of the places R_a of the particles and the hidden ones:
///
///   M[a][k] = B[r][k] + sum_c V[group of r][k][c] h[c][position of r](x),   r = R_a or a hidden row
///
/// h: the last tensor of a network, which sees all local values of x.
///
/// Parameters  B of the rows that see nothing, B of the others, V [group][column][channel], all block by block and
///             complex ones interleaved; then those of the network, which are real
/// Cost        flops() per amplitude: the network, 2 (channels) (columns)^2 of the orbitals, 2/3 (columns)^3 of the
///             determinant
/// Memory      of rows: where no group has two rows, those of B and V are outer products (channels + rows x columns
///             numbers per sample)
/// is_complex: of B and V. width: of the initial V h, in units of B's own. normal: numbers of width 1.
/// Errors      InternalError where the network has no parameters
std::unique_ptr<Factor> make_network_determinant(const Space& space, DeepNetwork network,
                                                 std::vector<DeterminantBlock> blocks, bool is_complex, double width,
                                                 const std::function<double()>& normal, std::string description);

/// Keys that determinants with networks share.
struct NetworkDeterminantOptions {
  Orbitals orbitals = Orbitals::hartree_fock;
  Numbers weights = Numbers::automatic;
  bool joined = true;
  std::optional<std::vector<int>> channels;
  Activation activation = Activation::tanh;
  double width = 0.1;
  int starts = 8;

  /// Their keys behind those of a kind of its own, whose options begin with these.
  template <typename Options>
  static Keys<Options> with_common(Keys<Options> own) {
    return std::move(own)
        .choice("orbitals", static_cast<Orbitals Options::*>(&Options::orbitals), words_of_orbitals, help_of_orbitals)
        .initial()
        .choice("weights", static_cast<Numbers Options::*>(&Options::weights), words_of_numbers,
                "numbers of the orbitals; automatic: real where H is")
        .boolean("joined", static_cast<bool Options::*>(&Options::joined),
                 "one determinant of all fermions, whose orbitals are on all flavours; false: one per flavour that H "
                 "keeps apart, faster and less accurate")
        .integers("channels", static_cast<std::optional<std::vector<int>> Options::*>(&Options::channels), {1, 65536},
                  "units of hidden layers that see all sites, in place of a list of layers; without both [32]")
        .example("[64]")
        .choice("activation", static_cast<Activation Options::*>(&Options::activation), activation_words,
                "function behind each of these")
        .real("width", static_cast<double Options::*>(&Options::width), {0, 1e3},
              "standard deviation of what the network adds at the beginning, in units of the numbers it is added to")
        .initial()
        .integer("starts", static_cast<int Options::*>(&Options::starts), {1, 1000}, help_of_starts)
        .initial();
  }
  /// Adds the layers. Errors: DeckError where there are both, or no parameters
  void add_layers(const DeckSection& section, NetworkBuilder& builder) const;
  /// The orbitals that the determinants begin with, joined where that is asked for.
  MeanField initial(const FactorContext& context, bool is_complex, const std::function<double()>& normal) const;
};

}  // namespace koushi
