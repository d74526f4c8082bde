#include <fmt/format.h>

#include <vector>

#include "exchange.hpp"
#include "koushi/manybody/hamiltonian.hpp"
#include "koushi/manybody/operator_products.hpp"

namespace koushi {

namespace {

enum class Of { spins, spinless_fermions, electrons, single_electrons, bosons, electrons_and_spins };

struct TermsOptions {
  Of states = Of::spins;
  double spin = 0.5;
  int n_max = 4;
  std::vector<Deck::MixedRow> terms;

  static const Keys<TermsOptions>& keys() {
    static const auto all =
        Keys<TermsOptions>()
            .choice("states", &TermsOptions::states,
                    {{"spins", Of::spins},
                     {"spinless-fermions", Of::spinless_fermions},
                     {"electrons", Of::electrons},
                     {"single-electrons", Of::single_electrons},
                     {"bosons", Of::bosons},
                     {"electrons-and-spins", Of::electrons_and_spins}},
                    "what sits on the sites; single-electrons: at most one on a site")
            .real("spin", &TermsOptions::spin, {0.5, 4}, "S of every spin, an integer or half of one")
            .integer("n_max", &TermsOptions::n_max, {1, 60}, "most bosons on a site")
            .mixed_rows("terms", &TermsOptions::terms,
                        "one term per row: its real coefficient, perhaps an imaginary part, then operators with their "
                        "sites, [0.5, \"S+\", 0, \"S-\", 1]; H is their sum, which must be hermitian. Spins: Sz Sx Sy "
                        "S+ S-, and for S = 1/2 a word of Pauli matrices for all sites, [0.5, \"XIZ\"]; spinless "
                        "fermions: cdag c n; electrons: cdag_up c_up cdag_down c_down n_up n_down n Sz "
                        "Sx Sy S+ S-, beside spins sz sx sy s+ s-; bosons: bdag b n")
            .required()
            .from_file()
            .example("[[0.5, \"S+\", 0, \"S-\", 1], [0.5, \"S-\", 0, \"S+\", 1], [1.0, \"Sz\", 0, \"Sz\", 1]]");
    return all;
  }
};

Space space_of(const DeckSection& section, const TermsOptions& options, int n_sites) {
  switch (options.states) {
    case Of::spins:
      return Space::spins(n_sites, twice_spin(section, options.spin));
    case Of::spinless_fermions:
      return Space::spinless_fermions(n_sites);
    case Of::bosons:
      return Space::bosons(n_sites, options.n_max);
    case Of::electrons_and_spins:
      return Space::electrons_and_spins(n_sites, twice_spin(section, options.spin));
    case Of::electrons:
    case Of::single_electrons:
      break;
  }
  return Space::electrons(n_sites, options.states == Of::single_electrons);
}

/// H = sum_rows coefficient o_1 o_2 ..., the last operator of a row acting first. Products at one place are multiplied
/// out, S^x and S^y written with S^+ and S^-, and what is left are moves with functions of places (Operator). Fermions:
/// c_p c^dagger_q = - c^dagger_q c_p, a hop from p to q.
Operator make(const DeckSection& section, const Lattice& lattice) {
  const TermsOptions options = TermsOptions::keys().read(section);
  const Space space = space_of(section, options, lattice.n_sites());
  const OperatorAlphabet alphabet(space);
  ProductSum sum(space);
  Operator h(space);
  std::vector<NamedProduct> rows;
  try {
    for (std::size_t r = 0; r < options.terms.size(); ++r) {
      rows.push_back(read_product(section, "terms", r, options.terms[r], alphabet, lattice.n_sites()));
      for (const LocalProduct& product : alphabet.product(rows[r].coefficient, rows[r].operators)) sum.add(r, product);
    }
    sum.put_into(h, [&rows](std::size_t row) { return adjoint_text(rows[row]); });
  } catch (const ProductFault& fault) {
    section.refuse_row("terms", fault.row, fault.problem, fault.expected);
  }
  return h;
}

}  // namespace

HamiltonianKind terms_kind() {
  return {
      "terms",
      "a sum of products of operators of single sites, written out; bonds, boundaries and twists of the lattice mean "
      "nothing to it",
      TermsOptions::keys().list(), make};
}

}  // namespace koushi
