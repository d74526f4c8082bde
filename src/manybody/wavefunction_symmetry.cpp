#include "koushi/manybody/wavefunction_symmetry.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "koushi/base/text.hpp"
#include "koushi/lattice/permutations.hpp"
#include "koushi/manybody/sector_basis.hpp"

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
          .example("[0, 0]")
          .text("symmetry.representation", &WavefunctionSymmetry::representation,
                "of the little group of the momentum, as \"A1\" or \"B2\"; of several dimensions, as \"E\", psi is one "
                "partner. Without it the trivial one")
          .example("\"A1\"")
          .choice(
              "symmetry.spin_inversion", &WavefunctionSymmetry::spin_inversion, {{"none", 0}, {"even", 1}, {"odd", -1}},
              "even or odd under e^(i pi S^y), which turns all spins and is (-1)^S of total spin S; twice the images");
  return all;
}

namespace {

using Complex64 = std::complex<double>;

/// An element of the space group and its character.
struct Weighted {
  Permutation sites;
  Complex64 weight;
};

/// e^{-iKt} of a translation.
Complex64 phase_of(const Permutation& t, const Eigen::VectorXd& momentum, const Lattice& lattice) {
  Complex64 weight = std::polar(1.0, -momentum.dot(lattice.position(t[0]) - lattice.position(0)));
  if (std::abs(weight.imag()) < 1e-9) weight = std::round(weight.real());
  return weight;
}

/// The characters of a partner of momentum K of a representation. symmetry_sectors has one momentum of every star: with an
/// element e that takes it to K, e g e^-1 has the character of g.
std::vector<Weighted> of_representation(const DeckSection& wavefunction, const WavefunctionSymmetry& options,
                                        const Eigen::VectorXd& momentum, const Lattice& lattice,
                                        const Operator& hamiltonian) {
  const std::vector<SpaceGroupElement> elements = symmetry_elements(options.group, lattice, hamiltonian);
  std::vector<std::string> names;
  for (const SymmetrySector& sector : symmetry_sectors(lattice, elements)) {
    for (const SpaceGroupElement& e : elements) {
      const Permutation back = inverse(e.sites);
      bool leads_to_it = true;
      for (std::size_t t = 0; t < sector.translations.size() && leads_to_it; ++t) {
        const Complex64 wanted = phase_of(product(e.sites, product(sector.translations[t], back)), momentum, lattice);
        leads_to_it = std::abs(wanted - sector.translation_characters[t]) < 1e-6;
      }
      if (!leads_to_it) continue;
      names.push_back(sector.representation);
      if (options.representation && *options.representation != sector.representation) break;
      std::vector<Weighted> all;
      for (std::size_t t = 0; t < sector.translations.size(); ++t) {
        for (std::size_t p = 0; p < sector.points.size(); ++p)
          all.push_back({product(e.sites, product(product(sector.translations[t], sector.points[p]), back)),
                         sector.translation_characters[t] * sector.point_characters[p]});
      }
      return all;
    }
  }
  wavefunction.refuse(
      "symmetry.representation",
      fmt::format("\"{}\" is no representation of the little group of this momentum", *options.representation),
      join(names, " or "));
}

std::vector<Weighted> of_sites(const DeckSection& wavefunction, const WavefunctionSymmetry& options,
                               const Lattice& lattice, const Operator& hamiltonian) {
  const std::vector<int> n = options.momentum.value_or(std::vector<int>());
  const bool at_rest = std::all_of(n.begin(), n.end(), [](int k) { return k == 0; });
  const std::vector<Permutation> group = symmetry_group(options.group, lattice, hamiltonian);
  if (group.size() < 2) {
    wavefunction.refuse("symmetry.group",
                        "this Hamiltonian on this lattice has none of these symmetries but the identity", "none");
  }
  const std::vector<Boundary>& boundary = lattice.boundary();
  if (options.momentum && n.size() != boundary.size()) {
    wavefunction.refuse("symmetry.momentum", fmt::format("{} numbers for {} directions", n.size(), boundary.size()),
                        "one number per direction");
  }
  Eigen::VectorXd momentum = Eigen::VectorXd::Zero(lattice.position(0).size());
  if (!at_rest) {
    for (std::size_t k = 0; k < boundary.size(); ++k) {
      if (n[k] != 0 && boundary[k] != Boundary::periodic)
        wavefunction.refuse("symmetry.momentum", fmt::format("direction {} is not periodic", k), "0 there");
    }
    momentum = lattice.momentum(n);
  }
  if (options.representation || (!at_rest && options.group == SiteSymmetry::space_group))
    return of_representation(wavefunction, options, momentum, lattice, hamiltonian);
  std::vector<Weighted> all;
  for (const Permutation& g : group) all.push_back({g, phase_of(g, momentum, lattice)});
  return all;
}

}  // namespace

std::vector<Image> images_of(const DeckSection& wavefunction, const Lattice& lattice, const Operator& hamiltonian) {
  const WavefunctionSymmetry options = WavefunctionSymmetry::keys().read(wavefunction);
  const Space& space = hamiltonian.space();
  const bool has_group = options.group != SiteSymmetry::none;
  if (!has_group && options.momentum)
    wavefunction.refuse("symmetry.momentum", "without a group there is nothing that a momentum belongs to",
                        "symmetry = { group = \"translations\", momentum = ... }");
  if (!has_group && options.representation)
    wavefunction.refuse("symmetry.representation", "without a group there is nothing that it represents",
                        "symmetry = { group = \"space-group\", representation = ... }");
  const DeckSection model(wavefunction.deck(), "hamiltonian");
  if ((options.representation || options.spin_inversion != 0) && model.has("marshall") && model.boolean("marshall"))
    wavefunction.refuse(options.representation ? "symmetry.representation" : "symmetry.spin_inversion",
                        "with a Marshall rotation it would be that of rotated spins", "marshall = false");
  if (!has_group && options.spin_inversion == 0) return {};
  std::vector<Image> images;
  if (has_group) {
    for (const Weighted& g : of_sites(wavefunction, options, lattice, hamiltonian))
      images.push_back(Image::of_sites(space, g.sites, g.weight));
  } else {
    Permutation identity;
    for (int i = 0; i < space.n_sites(); ++i) identity.push_back(i);
    images.push_back(Image::of_sites(space, identity));
  }
  if (options.spin_inversion == 0) return images;
  const std::optional<SpinInversion> inversion = spin_inversion(space);
  if (!inversion || !is_inversion_symmetric(hamiltonian))
    wavefunction.refuse("symmetry.spin_inversion",
                        inversion ? "this Hamiltonian is not the same with all spins turned"
                                  : "the states of this sector have no spin inversion",
                        "\"none\"");
  const auto bare = static_cast<double>(options.spin_inversion * inversion->sign);
  for (std::size_t g = 0, n = images.size(); g < n; ++g) {
    images.push_back(images[g].with_spins_turned(space));
    images.back().weight *= bare;
  }
  return images;
}

}  // namespace koushi
