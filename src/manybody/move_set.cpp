// The products of factors that are built as one kernel, and the general form for all others. The only file that names
// the functors of factors together.
#include <fmt/format.h>

#include <optional>
#include <utility>

#include "fused_moves.hpp"
#include "koushi/base/error.hpp"
#include "koushi/manybody/classical_kernel.hpp"
#include "koushi/manybody/product.hpp"
#include "koushi/manybody/product_kernel.hpp"
#include "koushi/manybody/rbm_kernel.hpp"
#include "koushi/manybody/slater_kernel.hpp"

namespace koushi {

namespace {

/// A kernel per factor and launch. Slower than one kernel for all, the more so the fewer walkers there are.
class GeneralMoves final : public MoveSet {
 public:
  GeneralMoves(MoveList moves, std::vector<std::unique_ptr<FactorMoves>> factors)
      : moves_(std::move(moves)), factors_(std::move(factors)) {}

  void metropolis(const Kokkos::DefaultExecutionSpace& space, const ProposalKinds& kinds, const Batch& batch,
                  const Kokkos::View<std::int64_t* [2]>& counts, const ChainRandom& random,
                  int n_proposals) const override {
    const MoveList moves = moves_;
    const States states = batch.states;
    const auto n = static_cast<int>(states.local.extent(0));
    const Proposed proposed = propose(n);
    const Kokkos::View<Complex*> ratio("koushi::manybody::ratio", static_cast<std::size_t>(n));
    const Kokkos::View<double*> threshold("koushi::manybody::threshold", static_cast<std::size_t>(n));
    for (int p = 0; p < n_proposals; ++p) {
      const int first = p / ProposalDraws::width * ProposalDraws::width;  // the same numbers as those of one kernel
      for_items<sizeof(ProposalDraws)>(
          "koushi::manybody::propose", space, n, KOKKOS_LAMBDA(const LaneTeam& team, int w) {
            LaneTeam::Shared<ProposalDraws> shared(team);
            ProposalDraws& draws = *shared;
            draws.fill(team, random, w, first, kinds);
            const int lane = p - first;
            const MoveSites& sites = moves(draws.move[lane]);
            const std::int8_t* x = &states.local(w, 0);
            const int sigma = sites.either == 0                  ? sites.direction(x)
                              : sites.acts(x, draws.sigma[lane]) ? draws.sigma[lane]
                                                                 : 0;
            team.once([&] {
              proposed.move(w) = draws.move[lane];
              proposed.sigma(w) = sigma;
              threshold(w) = draws.threshold[lane];
              ratio(w) = 1.0;
            });
          });
      for (const auto& factor : factors_) factor->multiply_ratios(space, batch, proposed, ratio);
      Kokkos::parallel_for(
          "koushi::manybody::decide", Kokkos::RangePolicy<Kokkos::DefaultExecutionSpace>(space, 0, n),
          KOKKOS_LAMBDA(int w) {
            if (proposed.sigma(w) == 0) return;
            counts(w, 1) += 1;
            const Complex r = ratio(w);
            if (threshold(w) < r.real() * r.real() + r.imag() * r.imag()) {
              counts(w, 0) += 1;
            } else {
              proposed.sigma(w) = 0;
            }
          });
      for (const auto& factor : factors_) factor->accept(space, batch, proposed);
      Kokkos::parallel_for(
          "koushi::manybody::move_states", Kokkos::RangePolicy<Kokkos::DefaultExecutionSpace>(space, 0, n),
          KOKKOS_LAMBDA(int w) {
            if (proposed.sigma(w) == 0) return;
            moves(proposed.move(w)).apply(Walkers(states, RealRows(), w).state_of(0), proposed.sigma(w));
          });
    }
  }

  void local_energies(const Kokkos::DefaultExecutionSpace& space, const Terms& terms, const Batch& batch,
                      const Kokkos::View<Complex*>& energies) const override {
    const Kokkos::View<Complex**, Kokkos::LayoutRight> values("koushi::manybody::values", energies.extent(0),
                                                              static_cast<std::size_t>(terms.n_groups));
    local_values(space, terms, batch, values);
    const double constant = terms.constant;
    const int groups = terms.n_groups;
    Kokkos::parallel_for(
        "koushi::manybody::sum_groups",
        Kokkos::RangePolicy<Kokkos::DefaultExecutionSpace>(space, 0, static_cast<int>(energies.extent(0))),
        KOKKOS_LAMBDA(int w) {
          Complex sum = constant;
          for (int g = 0; g < groups; ++g) sum += values(w, g);
          energies(w) = sum;
        });
  }

  void local_values(const Kokkos::DefaultExecutionSpace& space, const Terms& terms, const Batch& batch,
                    const Kokkos::View<Complex**, Kokkos::LayoutRight>& values) const override {
    const States states = batch.states;
    const auto n = static_cast<int>(values.extent(0));
    Kokkos::parallel_for(
        "koushi::manybody::diagonal_values", Kokkos::RangePolicy<Kokkos::DefaultExecutionSpace>(space, 0, n),
        KOKKOS_LAMBDA(int w) { diagonal_values(terms, &states.local(w, 0), w, values); });
    const auto numbers = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace{}, terms.move);
    for_directions(
        space, batch, static_cast<int>(terms.element.extent(0)), [&](int k) { return numbers(k, 0); },
        [&](int k, const Proposed& proposed, const Kokkos::View<Complex*>& ratio) {
          Kokkos::parallel_for(
              "koushi::manybody::add_values", Kokkos::RangePolicy<Kokkos::DefaultExecutionSpace>(space, 0, n),
              KOKKOS_LAMBDA(int w) {
                const int sigma = proposed.sigma(w);
                if (sigma == 0) return;
                values(w, terms.move(k, 1)) += terms.element_at(k, &states.local(w, 0), sigma) * ratio(w);
              });
        });
  }

  void ratios(const Kokkos::DefaultExecutionSpace& space, const Batch& batch,
              const Kokkos::View<Complex** [2]>& ratios) const override {
    Kokkos::deep_copy(space, ratios, Complex(0.0));
    const auto n = static_cast<int>(ratios.extent(0));
    for_directions(
        space, batch, static_cast<int>(ratios.extent(1)), [](int k) { return k; },
        [&](int k, const Proposed& proposed, const Kokkos::View<Complex*>& ratio) {
          Kokkos::parallel_for(
              "koushi::manybody::keep_ratios", Kokkos::RangePolicy<Kokkos::DefaultExecutionSpace>(space, 0, n),
              KOKKOS_LAMBDA(int w) {
                const int sigma = proposed.sigma(w);
                if (sigma != 0) ratios(w, k, sigma > 0 ? 0 : 1) = ratio(w);
              });
        });
  }

 private:
  static Proposed propose(int n) {
    return {Kokkos::View<int*>("koushi::manybody::proposed", static_cast<std::size_t>(n)),
            Kokkos::View<int*>("koushi::manybody::directions", static_cast<std::size_t>(n))};
  }
  /// body(k, proposed, ratio) for terms 0 ... count - 1, whose move is number(k), and for every direction.
  template <typename Number, typename Body>
  void for_directions(const Kokkos::DefaultExecutionSpace& space, const Batch& batch, int count, const Number& number,
                      const Body& body) const {
    const MoveList moves = moves_;
    const States states = batch.states;
    const auto n = static_cast<int>(states.local.extent(0));
    const Proposed proposed = propose(n);
    const Kokkos::View<Complex*> ratio("koushi::manybody::ratio", static_cast<std::size_t>(n));
    for (int k = 0; k < count; ++k) {
      const int move = number(k);
      for (const int direction : {1, -1}) {
        Kokkos::parallel_for(
            "koushi::manybody::try_move", Kokkos::RangePolicy<Kokkos::DefaultExecutionSpace>(space, 0, n),
            KOKKOS_LAMBDA(int w) {
              proposed.move(w) = move;
              proposed.sigma(w) = moves(move).acts(&states.local(w, 0), direction) ? direction : 0;
              ratio(w) = 1.0;
            });
        for (const auto& factor : factors_) factor->multiply_ratios(space, batch, proposed, ratio);
        body(k, proposed, ratio);
      }
    }
  }

  MoveList moves_;
  std::vector<std::unique_ptr<FactorMoves>> factors_;
};

/// Several classical factors as one functor.
void join(ClassicalMoves& all, const ClassicalMoves& one) {
  if (all.n_quadratic + one.n_quadratic > ClassicalMoves::max_quadratic) {
    throw UsageError(
        fmt::format("more than {} factors are quadratic in what places hold", int{ClassicalMoves::max_quadratic}));
  }
  for (int f = 0; f < one.n_quadratic; ++f) {
    all.first[all.n_quadratic] = one.first[f];
    all.potential[all.n_quadratic] = one.potential[f];
    all.self[all.n_quadratic++] = one.self[f];
  }
  all.moves = one.moves;
  all.parity = all.parity || one.parity;
  if (one.n_sites > 0) {
    if (all.n_sites > 0) throw UsageError("more than one factor of doublons and holons");
    all.n_sites = one.n_sites;
    all.partners = one.partners;
    all.affected = one.affected;
    all.weights = one.weights;
  }
}

/// The functor of a factor, if it is of this type.
template <typename Functor>
const Functor* functor(const std::unique_ptr<FactorMoves>& factor) {
  const auto* found = dynamic_cast<const FunctorMoves<Functor>*>(factor.get());
  return found == nullptr ? nullptr : &found->functor();
}

struct Parts {
  std::optional<ClassicalMoves> classical;
  const SlaterMoves<false>* real_slater = nullptr;
  const SlaterMoves<true>* complex_slater = nullptr;
  const RbmMoves<false, false>* real_rbm = nullptr;
  const RbmMoves<true, false>* complex_rbm = nullptr;
};

template <typename Functor, typename... Others>
std::unique_ptr<MoveSet> with_network(const Parts& parts, const Functor& first, const Others&... others) {
  if (parts.real_rbm != nullptr)
    return make_fused(ProductMoves<Functor, Others..., RbmMoves<false, false>>{first, others..., *parts.real_rbm});
  if (parts.complex_rbm != nullptr)
    return make_fused(ProductMoves<Functor, Others..., RbmMoves<true, false>>{first, others..., *parts.complex_rbm});
  return make_fused(ProductMoves<Functor, Others...>{first, others...});
}

}  // namespace

std::unique_ptr<MoveSet> make_move_set(const MoveList& moves, std::vector<std::unique_ptr<FactorMoves>> factors,
                                       bool general) {
  Parts parts;
  std::size_t known = 0;
  for (const auto& factor : factors) {
    if (const auto* part = functor<ClassicalMoves>(factor)) {
      if (!parts.classical) parts.classical.emplace();
      join(*parts.classical, *part);
      ++known;
    } else if (parts.real_slater == nullptr && parts.complex_slater == nullptr &&
               ((parts.real_slater = functor<SlaterMoves<false>>(factor)) != nullptr ||
                (parts.complex_slater = functor<SlaterMoves<true>>(factor)) != nullptr)) {
      ++known;
    } else if (parts.real_rbm == nullptr && parts.complex_rbm == nullptr &&
               ((parts.real_rbm = functor<RbmMoves<false, false>>(factor)) != nullptr ||
                (parts.complex_rbm = functor<RbmMoves<true, false>>(factor)) != nullptr)) {
      ++known;
    }
  }
  if (factors.size() == 1 && !general) {
    if (parts.real_rbm != nullptr) return make_fused(*parts.real_rbm);
    if (parts.complex_rbm != nullptr) return make_fused(*parts.complex_rbm);
    if (const auto* rbm = functor<RbmMoves<false, true>>(factors[0])) return make_fused(*rbm);
    if (const auto* rbm = functor<RbmMoves<true, true>>(factors[0])) return make_fused(*rbm);
  }
  if (known < factors.size() || general) return std::make_unique<GeneralMoves>(moves, std::move(factors));
  ClassicalMoves classical;
  classical.moves = moves;
  if (parts.classical) classical = *parts.classical;
  if (parts.real_slater != nullptr) return with_network(parts, classical, *parts.real_slater);
  if (parts.complex_slater != nullptr) return with_network(parts, classical, *parts.complex_slater);
  return with_network(parts, classical);
}

}  // namespace koushi
