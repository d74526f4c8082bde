#include <fmt/format.h>

#include <algorithm>
#include <complex>
#include <optional>

#include "../operator_means.hpp"
#include "koushi/deck/keys.hpp"
#include "koushi/manybody/operator_products.hpp"

namespace koushi {

namespace {

struct OperatorsOptions {
  std::optional<std::vector<Deck::MixedRow>> terms;

  static const Keys<OperatorsOptions>& keys() {
    static const auto all =
        Keys<OperatorsOptions>()
            .mixed_rows("terms", &OperatorsOptions::terms,
                        "one product of operators per row, as the rows of the Hamiltonian \"terms\": a coefficient, "
                        "then operators with their sites, of which the last acts first")
            .from_file();
    return all;
  }
};

/// <O_k> of products of operators that a deck lists: one- and two-body Green functions, or whatever else. Of each the
/// hermitian parts (O + O^dagger) / 2 and (O - O^dagger) / 2i are measured.
/// Series      operators: of every row the real and the imaginary part
/// Cost        a ratio of amplitudes for every move of the products, twice
class ListedOperators final : public OperatorMeans {
 public:
  explicit ListedOperators(const std::vector<Operator>& parts) : OperatorMeans("operators"), rows_(parts.size() / 2) {
    set_operators(parts);
  }
  std::vector<Observable> observables() const override { return {}; }
  std::vector<Curve> curves() const override {
    std::vector<Curve> all;
    for (const bool imaginary : {false, true}) {
      Curve curve{.name = imaginary ? "operators_im" : "operators",
                  .help = imaginary ? "imaginary parts of the operators of study.measure.operators.terms, row by row"
                                    : "real parts of the operators of study.measure.operators.terms, row by row",
                  .axis = "row",
                  .x = {},
                  .points = {},
                  .unit = "",
                  .symbol = imaginary ? "$\\mathrm{Im}\\langle O\\rangle$" : "$\\mathrm{Re}\\langle O\\rangle$"};
      for (std::size_t r = 0; r < rows_; ++r) {
        std::vector<double> weights(count());
        weights[2 * r + (imaginary ? 1 : 0)] = 1;
        curve.x.push_back(static_cast<double>(r));
        curve.points.push_back(sum_of(weights));
        curve.points.back().help = curve.help;
      }
      all.push_back(std::move(curve));
    }
    return all;
  }

 private:
  std::size_t rows_;
};

std::unique_ptr<Estimator> make(const DeckSection& section, const Lattice& /*lattice*/, const Operator& hamiltonian) {
  const std::vector<Deck::MixedRow> rows =
      OperatorsOptions::keys().read(section).terms.value_or(std::vector<Deck::MixedRow>());
  const Space& space = hamiltonian.space();
  if (rows.empty()) section.refuse("terms", "no operator is listed", "[[1.0, \"cdag_up\", 0, \"c_up\", 1]], or others");
  const DeckSection model(section.deck(), "hamiltonian");
  if (model.has("marshall") && model.boolean("marshall"))
    section.refuse("terms", "with a Marshall rotation these would be operators of rotated spins", "marshall = false");
  const OperatorAlphabet alphabet(space);
  std::vector<Operator> parts;
  for (std::size_t r = 0; r < rows.size(); ++r) {
    const NamedProduct row = read_product(section, "terms", r, rows[r], alphabet, space.n_sites());
    try {
      if (const std::string charge = changed_charge(space, alphabet.product(row.coefficient, row.operators));
          !charge.empty()) {
        section.refuse_row(
            "terms", r, fmt::format("this operator changes the charge \"{}\", which is fixed: its mean is 0", charge),
            "operators that keep the numbers of the sector");
      }
      auto [real, imaginary] = hermitian_parts(space, row.coefficient, row.operators);
      parts.push_back(std::move(real));
      parts.push_back(std::move(imaginary));
    } catch (const ProductFault& fault) {
      section.refuse_row("terms", r, fault.problem, fault.expected);
    }
  }
  return std::make_unique<ListedOperators>(parts);
}

}  // namespace

EstimatorKinds::OneKind operators_kind() {
  return {"operators", "products of operators that are listed row by row: Green functions, or any others",
          OperatorsOptions::keys().list(), make};
}

}  // namespace koushi
