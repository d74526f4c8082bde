#include <fmt/format.h>

#include <utility>

#include "../network_determinant.hpp"
#include "koushi/base/error.hpp"

namespace koushi {

namespace {

struct HiddenFermionOptions : NetworkDeterminantOptions {
  int hidden = 4;

  static const Keys<HiddenFermionOptions>& keys() {
    static const auto all = with_common(
        Keys<HiddenFermionOptions>().integer("hidden", &HiddenFermionOptions::hidden, {1, 4096},
                                             "fermions that every determinant has beside the visible ones"));
    return all;
  }
};

/// Determinants of the visible fermions and of hidden ones, whose places a network chooses by where the visible ones are:
/// rows of the visible ones are those of orbitals with n + hidden columns, rows of the hidden ones V h(x) + B. They begin
/// with B = (0, 1), so that the determinant is that of the orbitals.
/// Source  J. Robledo Moreno, G. Carleo, A. Georges, J. Stokes, Proc. Natl. Acad. Sci. 119, e2122059119 (2022)
std::unique_ptr<Factor> make(const DeckSection& section, const FactorContext& context) {
  const HiddenFermionOptions options = HiddenFermionOptions::keys().read(section);
  const Operator& h = context.hamiltonian;
  if (!h.space().is_fermionic()) section.refuse("kind", "there are no fermions in this Hamiltonian", "a network");
  const bool is_complex = are_complex(options.weights, h, section, "orbitals");
  NetworkBuilder builder(context);
  options.add_layers(section, builder);
  if (builder.next().input.domain != NetworkDomain::one)
    section.refuse("kind", "hidden fermions are at no site, and the last layer has more than one position",
                   "a last layer of kind \"dense\"");
  std::uint64_t index = 0;
  const auto normal = [&] { return initial_normal(context.seed, context.stream, index++); };
  const MeanField mean_field = options.initial(context, is_complex, normal);
  std::vector<DeterminantBlock> blocks;
  for (const OrbitalBlock& block : mean_field.blocks) {
    const Eigen::Index places = block.orbitals.rows();
    const Eigen::Index n = block.orbitals.cols();
    Eigen::MatrixXcd all = Eigen::MatrixXcd::Zero(places + options.hidden, n + options.hidden);
    all.topLeftCorner(places, n) = block.orbitals;
    const double size = options.width * block.orbitals.norm() /
                        std::sqrt(static_cast<double>(std::max<Eigen::Index>(1, block.orbitals.size())));
    for (Eigen::Index p = 0; p < places; ++p) {
      for (Eigen::Index k = n; k < all.cols(); ++k) all(p, k) = {size * normal(), is_complex ? size * normal() : 0.0};
    }
    for (int k = 0; k < options.hidden; ++k) all(places + k, n + k) = 1;
    std::vector<RowFeatures> features(static_cast<std::size_t>(all.rows()));
    for (int k = 0; k < options.hidden; ++k) features[static_cast<std::size_t>(places + k)].group = k;
    blocks.push_back({block.place, static_cast<int>(places), block.particle, static_cast<int>(n), options.hidden,
                      std::move(all), std::move(features)});
  }
  std::string description = fmt::format("{}, with {} hidden fermions that a network of {} layers places",
                                        mean_field.description, options.hidden, builder.n_layers());
  return make_network_determinant(h.space(), builder.network(NetworkOutput::positive), std::move(blocks), is_complex,
                                  options.width, normal, std::move(description));
}

}  // namespace

FactorKind hidden_fermions_kind() {
  return {"hidden-fermions",
          "Slater determinant with rows of hidden fermions that a network makes of the places of the visible ones",
          HiddenFermionOptions::keys().list(),
          make,
          {list_of_layers(0)}};
}

}  // namespace koushi
