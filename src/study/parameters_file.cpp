#include "koushi/study/parameters_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <vector>

#include "koushi/base/text.hpp"
#include "koushi/deck/resolved.hpp"
#include "koushi/manybody/wavefunction_symmetry.hpp"
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

/// For each of these sections the number of its partner among the others: the k-th of a kind there for the k-th here;
/// -1: it has none.
std::vector<int> partners(const std::vector<DeckSection>& ours, const std::vector<DeckSection>& others) {
  std::vector<int> result;
  for (std::size_t f = 0; f < ours.size(); ++f) {
    std::int64_t before = std::count_if(ours.begin(), ours.begin() + static_cast<std::ptrdiff_t>(f),
                                        [&](const DeckSection& s) { return s.kind() == ours[f].kind(); });
    int found = -1;
    for (std::size_t g = 0; g < others.size() && found < 0; ++g) {
      if (others[g].kind() == ours[f].kind() && before-- == 0) found = static_cast<int>(g);
    }
    result.push_back(found);
  }
  return result;
}

/// The first key in which a factor differs from its partner so that its parameters mean something else; empty: none.
std::string differing_key(const DeckSection& ours, const DeckSection& other, bool may_grow) {
  const auto mine = resolved_keys(ours.deck().resolved());
  const auto theirs = resolved_keys(other.deck().resolved());
  for (const Key& key : factors().of(ours).keys) {
    const bool may_differ =
        key.transfer == Key::Transfer::initial || (may_grow && key.transfer == Key::Transfer::grows);
    const auto here = mine.find(ours.path(key.path));
    const auto there = theirs.find(other.path(key.path));
    if (may_differ || (here == mine.end() && there == theirs.end())) continue;
    if (there == theirs.end() && !ours.given(key.path)) continue;  // of an earlier version
    if (here == mine.end() || there == theirs.end() || here->second != there->second) return ours.path(key.path);
  }
  // The keys of sections in that of the factor, as its layers, by their whole names.
  const auto nested = [](const auto& keys, const DeckSection& section) {
    std::map<std::string, std::string> all;
    for (const Section& list : factors().of(section).sections) {
      const std::string prefix = section.path(list.name) + ".";
      for (const auto& [name, value] : keys) {
        if (name.rfind(prefix, 0) == 0) all[name.substr(section.name().size())] = value;
      }
    }
    return all;
  };
  const auto here = nested(mine, ours);
  const auto there = nested(theirs, other);
  for (const auto* keys : {&here, &there}) {
    for (const auto& [name, value] : *keys) {
      const auto found = (keys == &here ? there : here).find(name);
      if (found == (keys == &here ? there : here).end() || found->second != value) return ours.name() + name;
    }
  }
  return "";
}

}  // namespace

std::string load_parameters(VariationalModel& model, const std::string& key, bool may_grow) {
  const Deck& deck = model.deck();
  const std::string file = deck.text(key);
  std::vector<double> parameters;
  std::string resolved;
  try {
    const ResultReader reader(model.comm(), file);
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
                            may_grow ? ", one of fewer factors, of a smaller density, of another projection, or of a "
                                       "convolutional network on other extents"
                                     : ""));
  };
  const Deck theirs = Deck::parse_resolved(resolved, file, {}, catalogue());
  const Lattice their_lattice = make_lattice(theirs);
  const std::vector<FactorReport> own = model.psi().factors();
  const bool any_extent = may_grow && std::all_of(own.begin(), own.end(), [](const FactorReport& f) {
                            return f.any_extent || f.parameters == 0;
                          });
  const bool same_lattice = same_bonds(model.lattice(), their_lattice);
  for (const std::string& path : differing_keys(deck, resolved)) {
    const bool extent = path == "lattice.extents" || path == "lattice.supercell";
    if (path.rfind("lattice.", 0) == 0 && !same_lattice && !(any_extent && extent))
      refuse(fmt::format("that run has another {}", path));
  }
  const Operator their_hamiltonian = make_hamiltonian(theirs, their_lattice);
  if (!may_grow) {
    const auto symmetry_of = [](const Deck& of) {
      return WavefunctionSymmetry::keys().read(DeckSection(of, "wavefunction"));
    };
    if (symmetry_of(deck) != symmetry_of(theirs)) refuse("that run has another wavefunction.symmetry");
  }
  const std::vector<DeckSection> ours = DeckSection(deck, "").sections("wavefunction.factor");
  const std::vector<DeckSection> others = DeckSection(theirs, "").sections("wavefunction.factor");
  const std::vector<int> partner = partners(ours, others);
  for (std::size_t g = 0; g < others.size(); ++g) {
    if (std::find(partner.begin(), partner.end(), static_cast<int>(g)) == partner.end())
      refuse(fmt::format("that run has a factor \"{}\" more", others[g].kind()));
  }
  const std::vector<FactorReport> their_factors =
      make_wavefunction(theirs, their_lattice, their_hamiltonian)->factors();
  const std::int64_t wanted = their_factors.back().first_parameter + their_factors.back().parameters;
  if (static_cast<std::int64_t>(parameters.size()) != wanted)
    refuse(fmt::format("that run has {} parameters, and its deck makes {}", parameters.size(), wanted));
  std::vector<std::string> fresh;
  for (std::size_t f = 0; f < ours.size(); ++f) {
    if (partner[f] < 0) {
      if (!may_grow) refuse(fmt::format("that run has no factor \"{}\"", ours[f].kind()));
      fresh.push_back(ours[f].kind());
      continue;
    }
    const auto g = static_cast<std::size_t>(partner[f]);
    if (const std::string path = differing_key(ours[f], others[g], may_grow); !path.empty())
      refuse(fmt::format("that run has another {}", path));
    // Filters run over the symmetries of H, so another H may make other hidden units of the same numbers.
    const auto here = symmetry_group(ours[f], model.lattice(), model.hamiltonian(), "symmetry");
    const auto there = symmetry_group(others[g], their_lattice, their_hamiltonian, "symmetry");
    if (here != there) {
      refuse(
          fmt::format("the Hamiltonian of that run has {} symmetries for the parameters of a factor \"{}\" to be "
                      "tied by, and this one has {}",
                      there.size(), ours[f].kind(), here.size()));
    }
    const auto first = parameters.begin() + their_factors[g].first_parameter;
    const std::vector<double> part(first, first + their_factors[g].parameters);
    if (!model.psi().embed(f, part)) {
      const bool visible = ours[f].has("visible_bias") && ours[f].boolean("visible_bias");
      deck.refuse(key,
                  fmt::format("the factor \"{}\" of that run has {} parameters{}", ours[f].kind(), part.size(),
                              visible ? ", whose visible biases may be one per site" : ""),
                  fmt::format("at most {}; a projected state has one visible bias per orbit of its group",
                              model.psi().factors()[f].parameters));
    }
  }
  if (fresh.empty()) return "";
  return fmt::format("{} has no parameters of {}: these begin anew", file, join(fresh));
}

}  // namespace koushi
