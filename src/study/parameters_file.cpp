#include "koushi/study/parameters_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <vector>

#include "koushi/store/damaged_file.hpp"
#include "koushi/store/result_file.hpp"
#include "koushi/study/catalogue.hpp"
#include "koushi/study/model.hpp"
#include "koushi/study/model_keys.hpp"

namespace koushi {

namespace {

/// Whether two lattices have the same sites and labelled bonds, as far as both have them: how many shells there are is
/// the Hamiltonian's and the sampler's choice.
bool same_bonds(const Lattice& a, const Lattice& b) {
  const auto shells = [](const Lattice& lattice) {
    int most = 0;
    for (const Bond& bond : lattice.bonds()) most = std::max(most, bond.shell);
    return most;
  };
  const int common = std::min(shells(a), shells(b));
  const auto bonds = [&](const Lattice& lattice) {
    std::vector<std::array<int, 4>> list;
    for (const Bond& bond : lattice.bonds()) {
      if (bond.shell <= common) list.push_back({bond.i, bond.j, bond.shell, bond.sign});
    }
    return list;
  };
  return a.n_sites() == b.n_sites() && bonds(a) == bonds(b);
}

bool ends_with(const std::string& text, const std::string& end) {
  return text.size() >= end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0;
}

}  // namespace

void load_parameters(VariationalModel& model, const std::string& key, bool may_grow) {
  const Deck& deck = model.deck();
  std::vector<double> parameters;
  std::string resolved;
  try {
    const ResultReader reader(model.comm(), deck.text(key));
    parameters = reader.read_reals("state/parameters");
    resolved = reader.read_text("deck/resolved");
  } catch (const DamagedFile&) {
    throw;
  } catch (const StoreError& error) {
    deck.refuse(key, error.what(), "the result file of a run of ground states");
  }
  const auto refuse = [&](const std::string& fault) {
    deck.refuse(key, fault,
                fmt::format("a run with the same lattice and wavefunction{}",
                            may_grow ? ", or one of a smaller density or another projection" : ""));
  };
  const Deck theirs = Deck::parse(resolved, deck.text(key), {}, catalogue());
  const Lattice their_lattice = make_lattice(theirs);
  const bool same_lattice = same_bonds(model.lattice(), their_lattice);
  for (const std::string& path : differing_keys(deck, resolved)) {
    const bool matters = (path.rfind("lattice.", 0) == 0 && !same_lattice) ||
                         (path.rfind("wavefunction.", 0) == 0 && !ends_with(path, ".width"));
    const bool grows = may_grow && path.rfind("wavefunction.", 0) == 0 &&
                       (ends_with(path, ".density") || ends_with(path, ".projection"));
    if (matters && !grows) refuse(fmt::format("that run has another {}", path));
  }
  // Filters run over the symmetries of H, so another H may make other hidden units of the same numbers.
  const Operator their_hamiltonian = make_hamiltonian(theirs, their_lattice);
  const auto ours = DeckSection(deck, "").sections("wavefunction.factor");
  const auto others = DeckSection(theirs, "").sections("wavefunction.factor");
  for (std::size_t f = 0; f < std::min(ours.size(), others.size()); ++f) {
    const auto here = symmetry_group(ours[f], model.lattice(), model.hamiltonian(), "symmetry");
    const auto there = symmetry_group(others[f], their_lattice, their_hamiltonian, "symmetry");
    if (here != there)
      refuse(
          fmt::format("the Hamiltonian of that run has {} symmetries for the filters to run over, and this one has {}",
                      there.size(), here.size()));
  }
  const bool visible = std::any_of(ours.begin(), ours.end(), [](const DeckSection& factor) {
    return factor.has("visible_bias") && factor.boolean("visible_bias");
  });
  if (!model.psi().embed(parameters)) {
    deck.refuse(key,
                fmt::format("that run has {} parameters{}", parameters.size(),
                            visible ? ", whose visible biases may be one per site" : ""),
                fmt::format("at most {}; a projected state has one visible bias per orbit of its group",
                            model.psi().n_parameters()));
  }
}

}  // namespace koushi
