#include "koushi/lattice/lattice_kinds.hpp"

namespace koushi {

namespace {

struct SitesOptions {
  int n_sites = 0;

  static const Keys<SitesOptions>& keys() {
    static const auto all =
        Keys<SitesOptions>().integer("n_sites", &SitesOptions::n_sites, {1, 4096}, "how many").required().example("8");
    return all;
  }
};

LatticeShape make(const DeckSection& section) { return {.n_sites = SitesOptions::keys().read(section).n_sites}; }

}  // namespace

LatticeKind sites_kind() {
  return {"sites", "sites without a geometry, for Hamiltonians that name the sites of every term",
          SitesOptions::keys().list(), make};
}

}  // namespace koushi
