#include "koushi/manybody/wavefunction_symmetry.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace koushi {

const Keys<WavefunctionSymmetry>& WavefunctionSymmetry::keys() {
  static const auto all =
      Keys<WavefunctionSymmetry>()
          .choice("symmetry.group", &WavefunctionSymmetry::group, symmetry_words,
                  "psi is the sum of the product of all factors over the images of the state under these symmetries of "
                  "H; factors that have them already stand outside of the sum. Memory and time grow with the number of "
                  "images")
          .integers(
              "symmetry.momentum", &WavefunctionSymmetry::momentum, {-1000000, 1000000},
              "K in units of the reciprocal vectors of the supercell, one number per direction: K = pi on a ring of "
              "10 sites is [5]; without it 0")
          .example("[0, 0]");
  return all;
}

std::vector<Image> images_of(const DeckSection& wavefunction, const Lattice& lattice, const Operator& hamiltonian) {
  const WavefunctionSymmetry options = WavefunctionSymmetry::keys().read(wavefunction);
  const std::vector<int> n = options.momentum.value_or(std::vector<int>());
  const bool at_rest = std::all_of(n.begin(), n.end(), [](int k) { return k == 0; });
  if (options.group == SiteSymmetry::none) {
    if (options.momentum)
      wavefunction.refuse("symmetry.momentum", "without a group there is nothing that a momentum belongs to",
                          "symmetry = { group = \"translations\", momentum = ... }");
    return {};
  }
  if (!at_rest && options.group == SiteSymmetry::space_group) {
    wavefunction.refuse("symmetry.momentum", "of the space group, the sum over all images is built at momentum 0 alone",
                        "group = \"translations\"");
  }
  const std::vector<Permutation> group = symmetry_group(options.group, lattice, hamiltonian);
  if (group.size() < 2) {
    wavefunction.refuse("symmetry.group",
                        "this Hamiltonian on this lattice has none of these symmetries but the identity", "none");
  }
  Eigen::VectorXd momentum;
  const std::vector<Boundary>& boundary = lattice.boundary();
  if (options.momentum && n.size() != boundary.size()) {
    wavefunction.refuse("symmetry.momentum", fmt::format("{} numbers for {} directions", n.size(), boundary.size()),
                        "one number per direction");
  }
  if (!at_rest) {
    for (std::size_t k = 0; k < boundary.size(); ++k) {
      if (n[k] != 0 && boundary[k] != Boundary::periodic)
        wavefunction.refuse("symmetry.momentum", fmt::format("direction {} is not periodic", k), "0 there");
    }
    momentum = lattice.momentum(n);
  }
  std::vector<Image> images;
  for (const Permutation& g : group) {
    std::complex<double> weight = 1.0;
    if (!at_rest) {
      const double phase = momentum.dot(lattice.position(g[0]) - lattice.position(0));
      weight = std::polar(1.0, -phase);
      if (std::abs(weight.imag()) < 1e-9) weight = std::round(weight.real());
    }
    images.push_back(Image::of_sites(hamiltonian.space(), g, weight));
  }
  return images;
}

}  // namespace koushi
