// The products of factors that are built as one kernel, and the general form for all others. The only file that names
// the functors of factors together.
#include <fmt/format.h>

#include <optional>
#include <utility>

#include "fused_moves.hpp"
#include "koushi/base/error.hpp"
#include "koushi/manybody/classical_kernel.hpp"
#include "koushi/manybody/pair_product_kernel.hpp"
#include "koushi/manybody/product.hpp"
#include "koushi/manybody/product_kernel.hpp"
#include "koushi/manybody/rbm_kernel.hpp"
#include "koushi/manybody/slater_kernel.hpp"
#include "koushi/manybody/spin_projection_kernel.hpp"

namespace koushi {

namespace {

// The kernels of the general form stand in free functions, where nvcc takes lambdas.

/// Draws proposal `lane` of every walker from the vector of proposals that begins at `first`: the same random numbers as
/// those of one kernel for all factors.
void draw_proposals(const Kokkos::DefaultExecutionSpace& space, const MoveList& moves, const States& states,
                    const ProposalKinds& kinds, const ChainRandom& random, int first, int lane,
                    const Proposed& proposed, const Kokkos::View<double*>& threshold,
                    const Kokkos::View<Complex*>& ratio) {
  for_items<sizeof(ProposalDraws)>(
      "koushi::manybody::propose", space, static_cast<int>(ratio.extent(0)),
      KOKKOS_LAMBDA(const LaneTeam& team, int w) {
        LaneTeam::Shared<ProposalDraws> shared(team);
        ProposalDraws& draws = *shared;
        draws.fill(team, random, w, first, kinds);
        const MoveSites& sites = moves(draws.move[lane]);
        const std::int8_t* x = &states.local(w, 0);
        const int sigma = sites.direction(x, draws.sigma(lane));
        team.once([&] {
          proposed.move(w) = draws.move[lane];
          proposed.sigma(w) = sigma;
          threshold(w) = draws.threshold[lane];
          ratio(w) = 1.0;
        });
      });
}

/// Takes proposals back that are not accepted.
void decide(const Kokkos::DefaultExecutionSpace& space, const Proposed& proposed,
            const Kokkos::View<double*>& threshold, const Kokkos::View<Complex*>& ratio,
            const Kokkos::View<std::int64_t* [2]>& counts) {
  Kokkos::parallel_for(
      "koushi::manybody::decide",
      Kokkos::RangePolicy<Kokkos::DefaultExecutionSpace>(space, 0, static_cast<int>(ratio.extent(0))),
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
}

void move_states(const Kokkos::DefaultExecutionSpace& space, const MoveList& moves, const States& states,
                 const Proposed& proposed) {
  const RealRows no_table;
  Kokkos::parallel_for(
      "koushi::manybody::move_states",
      Kokkos::RangePolicy<Kokkos::DefaultExecutionSpace>(space, 0, static_cast<int>(proposed.sigma.extent(0))),
      KOKKOS_LAMBDA(int w) {
        if (proposed.sigma(w) == 0) return;
        moves(proposed.move(w)).apply(Walkers(states, no_table, w).state_of(0), proposed.sigma(w));
      });
}

/// Proposes one move in one direction to every walker.
void propose_all(const Kokkos::DefaultExecutionSpace& space, const MoveList& moves, const States& states, int move,
                 int direction, const Proposed& proposed, const Kokkos::View<Complex*>& ratio) {
  Kokkos::parallel_for(
      "koushi::manybody::try_move",
      Kokkos::RangePolicy<Kokkos::DefaultExecutionSpace>(space, 0, static_cast<int>(ratio.extent(0))),
      KOKKOS_LAMBDA(int w) {
        proposed.move(w) = move;
        proposed.sigma(w) = moves(move).acts(&states.local(w, 0), direction) ? direction : 0;
        ratio(w) = 1.0;
      });
}

using GroupValues = Kokkos::View<Complex**, Kokkos::LayoutRight>;

void set_diagonals(const Kokkos::DefaultExecutionSpace& space, const Terms& terms, const States& states,
                   const GroupValues& values) {
  Kokkos::parallel_for(
      "koushi::manybody::diagonal_values",
      Kokkos::RangePolicy<Kokkos::DefaultExecutionSpace>(space, 0, static_cast<int>(values.extent(0))),
      KOKKOS_LAMBDA(int w) { diagonal_values(terms, &states.local(w, 0), w, values); });
}

void add_values(const Kokkos::DefaultExecutionSpace& space, const Terms& terms, const States& states, int k,
                const Proposed& proposed, const Kokkos::View<Complex*>& ratio, const GroupValues& values) {
  Kokkos::parallel_for(
      "koushi::manybody::add_values",
      Kokkos::RangePolicy<Kokkos::DefaultExecutionSpace>(space, 0, static_cast<int>(values.extent(0))),
      KOKKOS_LAMBDA(int w) {
        const int sigma = proposed.sigma(w);
        if (sigma != 0) values(w, terms.move(k, 1)) += terms.element_at(k, &states.local(w, 0), sigma) * ratio(w);
      });
}

void sum_groups(const Kokkos::DefaultExecutionSpace& space, double constant, const GroupValues& values,
                const Kokkos::View<Complex*>& energies) {
  Kokkos::parallel_for(
      "koushi::manybody::sum_groups",
      Kokkos::RangePolicy<Kokkos::DefaultExecutionSpace>(space, 0, static_cast<int>(energies.extent(0))),
      KOKKOS_LAMBDA(int w) {
        Complex sum = constant;
        for (int g = 0; g < static_cast<int>(values.extent(1)); ++g) sum += values(w, g);
        energies(w) = sum;
      });
}

void keep_ratios(const Kokkos::DefaultExecutionSpace& space, int k, const Proposed& proposed,
                 const Kokkos::View<Complex*>& ratio, const Kokkos::View<Complex** [2]>& ratios) {
  Kokkos::parallel_for(
      "koushi::manybody::keep_ratios",
      Kokkos::RangePolicy<Kokkos::DefaultExecutionSpace>(space, 0, static_cast<int>(ratio.extent(0))),
      KOKKOS_LAMBDA(int w) {
        const int sigma = proposed.sigma(w);
        if (sigma != 0) ratios(w, k, sigma > 0 ? 0 : 1) = ratio(w);
      });
}

void add_rates(const Kokkos::DefaultExecutionSpace& space, const Terms& terms, const States& states, int k,
               const Proposed& proposed, const Kokkos::View<Complex*>& ratio, const FixedNodeWalk& walk) {
  Kokkos::parallel_for(
      "koushi::manybody::add_rates",
      Kokkos::RangePolicy<Kokkos::DefaultExecutionSpace>(space, 0, static_cast<int>(ratio.extent(0))),
      KOKKOS_LAMBDA(int w) {
        const int sigma = proposed.sigma(w);
        if (sigma == 0) return;
        const Complex h = terms.element_at(k, &states.local(w, 0), sigma) * ratio(w);
        walk.rates(w, 2 * terms.move(k, 0) + (sigma > 0 ? 0 : 1)) += h.real();
      });
}

/// Proposes the next hop of every walker that has time left; how many have one.
int propose_hops(const Kokkos::DefaultExecutionSpace& space, const FixedNodeWalk& walk, const GroupValues& diagonal,
                 double constant, std::uint32_t hop, const Kokkos::View<double*>& left, const Proposed& proposed) {
  int hopping = 0;
  Kokkos::parallel_reduce(
      "koushi::manybody::propose_hops",
      Kokkos::RangePolicy<Kokkos::DefaultExecutionSpace>(space, 0, static_cast<int>(left.extent(0))),
      KOKKOS_LAMBDA(int w, int& count) {
        double time = left(w);
        const int m = time > 0 ? walk.next(w, constant + diagonal(w, 0).real(), hop, time) : -1;
        left(w) = time;
        proposed.move(w) = m < 0 ? 0 : m / 2;
        proposed.sigma(w) = m < 0 ? 0 : (m % 2 == 0 ? 1 : -1);
        count += m < 0 ? 0 : 1;
      },
      hopping);
  return hopping;
}

/// The proposals as they are on image c.
void move_proposals(const Kokkos::DefaultExecutionSpace& space, const ImageTables& images, int c,
                    const Proposed& proposed, const Proposed& on_image, const Kokkos::View<Complex*>& ratio) {
  Kokkos::parallel_for(
      "koushi::manybody::move_proposals",
      Kokkos::RangePolicy<Kokkos::DefaultExecutionSpace>(space, 0, static_cast<int>(ratio.extent(0))),
      KOKKOS_LAMBDA(int w) {
        const int sigma = proposed.sigma(w);
        on_image.sigma(w) = 0;
        ratio(w) = 1.0;
        if (sigma == 0) return;
        on_image.move(w) = images.moved(proposed.move(w), c, 0);
        on_image.sigma(w) = sigma * images.moved(proposed.move(w), c, 1);
      });
}

/// sum[w] += p_c ratio[w] of image c.
void add_share(const Kokkos::DefaultExecutionSpace& space, const ImageTables& images, int c, const RealRows& table,
               const Kokkos::View<Complex*>& ratio, const Kokkos::View<Complex*>& sum) {
  Kokkos::parallel_for(
      "koushi::manybody::add_share",
      Kokkos::RangePolicy<Kokkos::DefaultExecutionSpace>(space, 0, static_cast<int>(ratio.extent(0))),
      KOKKOS_LAMBDA(int w) { sum(w) += images.shares(&table(w, 0), c) * ratio(w); });
}

void multiply_by(const Kokkos::DefaultExecutionSpace& space, const Kokkos::View<Complex*>& ratio,
                 const Kokkos::View<Complex*>& factor) {
  Kokkos::parallel_for(
      "koushi::manybody::multiply_by",
      Kokkos::RangePolicy<Kokkos::DefaultExecutionSpace>(space, 0, static_cast<int>(ratio.extent(0))),
      KOKKOS_LAMBDA(int w) { ratio(w) *= factor(w); });
}

/// Moves image c and its share; after the last image the shares' sum is 1 again.
void accept_image(const Kokkos::DefaultExecutionSpace& space, const ImageTables& images, int c, const Batch& batch,
                  const Proposed& on_image, const Kokkos::View<Complex*>& ratio) {
  Kokkos::parallel_for(
      "koushi::manybody::accept_image",
      Kokkos::RangePolicy<Kokkos::DefaultExecutionSpace>(space, 0, static_cast<int>(ratio.extent(0))),
      KOKKOS_LAMBDA(int w) {
        if (on_image.sigma(w) == 0) return;
        const Walkers walkers(batch, w);
        double* table = walkers.table_of(0);
        images.shares.move(table, c, ratio(w));
        // The first copy is the state itself, which whoever proposed the move changes.
        if (c > 0) images.moves(on_image.move(w)).apply(images.of_image(walkers, c).state_of(0), on_image.sigma(w));
        if (c + 1 == images.images) images.shares.normalise(table);
      });
}

Proposed make_proposals(std::size_t n) {
  return {Kokkos::View<int*>("koushi::manybody::proposed", n), Kokkos::View<int*>("koushi::manybody::directions", n)};
}

/// ImageMoves by a kernel per factor and image.
class GeneralImageMoves final : public FactorMoves {
 public:
  GeneralImageMoves(ImageTables images, std::vector<std::unique_ptr<FactorMoves>> factors)
      : images_(std::move(images)), factors_(std::move(factors)) {}

  void multiply_ratios(const Kokkos::DefaultExecutionSpace& space, const Batch& batch, const Proposed& proposed,
                       const Kokkos::View<Complex*>& ratio) const override {
    const Proposed on_image = make_proposals(ratio.extent(0));
    const Kokkos::View<Complex*> of_image("koushi::manybody::ratio_of_image", ratio.extent(0));
    const Kokkos::View<Complex*> sum("koushi::manybody::ratio_of_sum", ratio.extent(0));
    for (int c = 0; c < images_.images; ++c) {
      ratios_of_image(space, c, batch, proposed, on_image, of_image);
      add_share(space, images_, c, batch.table, of_image, sum);
    }
    multiply_by(space, ratio, sum);
  }
  void accept(const Kokkos::DefaultExecutionSpace& space, const Batch& batch, const Proposed& proposed) const override {
    const std::size_t n = proposed.sigma.extent(0);
    const Proposed on_image = make_proposals(n);
    const Kokkos::View<Complex*> of_image("koushi::manybody::ratio_of_image", n);
    for (int c = 0; c < images_.images; ++c) {
      ratios_of_image(space, c, batch, proposed, on_image, of_image);
      for (const auto& factor : factors_) factor->accept(space, image_of(batch, c), on_image);
      accept_image(space, images_, c, batch, on_image, of_image);
    }
  }

 private:
  Batch image_of(const Batch& batch, int c) const {
    Batch image = batch;
    image.copy = c;
    image.column = images_.column + c * images_.stride;
    return image;
  }
  void ratios_of_image(const Kokkos::DefaultExecutionSpace& space, int c, const Batch& batch, const Proposed& proposed,
                       const Proposed& on_image, const Kokkos::View<Complex*>& of_image) const {
    move_proposals(space, images_, c, proposed, on_image, of_image);
    for (const auto& factor : factors_) factor->multiply_ratios(space, image_of(batch, c), on_image, of_image);
  }

  ImageTables images_;
  std::vector<std::unique_ptr<FactorMoves>> factors_;
};

/// A kernel per factor and launch. Slower than one kernel for all, the more so the fewer walkers there are.
class GeneralMoves final : public MoveSet {
 public:
  GeneralMoves(MoveList moves, std::vector<std::unique_ptr<FactorMoves>> factors)
      : moves_(std::move(moves)), factors_(std::move(factors)) {}

  void metropolis(const Kokkos::DefaultExecutionSpace& space, const ProposalKinds& kinds, const Batch& batch,
                  const Kokkos::View<std::int64_t* [2]>& counts, const ChainRandom& random,
                  int n_proposals) const override {
    const std::size_t n = batch.states.local.extent(0);
    const Proposed proposed = make_proposals(n);
    const Kokkos::View<Complex*> ratio("koushi::manybody::ratio", n);
    const Kokkos::View<double*> threshold("koushi::manybody::threshold", n);
    for (int p = 0; p < n_proposals; ++p) {
      const int first = p / ProposalDraws::width * ProposalDraws::width;
      draw_proposals(space, moves_, batch.states, kinds, random, first, p - first, proposed, threshold, ratio);
      for (const auto& factor : factors_) factor->multiply_ratios(space, batch, proposed, ratio);
      decide(space, proposed, threshold, ratio, counts);
      for (const auto& factor : factors_) factor->accept(space, batch, proposed);
      move_states(space, moves_, batch.states, proposed);
    }
  }

  void fixed_node_walk(const Kokkos::DefaultExecutionSpace& space, const Terms& terms, const Batch& batch,
                       const FixedNodeWalk& walk) const override {
    const std::size_t n = batch.states.local.extent(0);
    const Kokkos::View<double*> left("koushi::manybody::time_left", n);
    Kokkos::deep_copy(space, left, walk.time);
    const GroupValues diagonal("koushi::manybody::values", n, static_cast<std::size_t>(terms.n_groups));
    const auto numbers = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace{}, terms.move);
    const Proposed hops = make_proposals(n);
    int hopping = 1;
    for (std::uint32_t hop = 0; hopping > 0; ++hop) {
      Kokkos::deep_copy(space, walk.rates, 0.0);
      set_diagonals(space, terms, batch.states, diagonal);
      for_directions(
          space, batch, static_cast<int>(terms.element.extent(0)), [&](int k) { return numbers(k, 0); },
          [&](int k, const Proposed& proposed, const Kokkos::View<Complex*>& ratio) {
            add_rates(space, terms, batch.states, k, proposed, ratio, walk);
          });
      hopping = propose_hops(space, walk, diagonal, terms.constant, hop, left, hops);
      for (const auto& factor : factors_) factor->accept(space, batch, hops);
      move_states(space, moves_, batch.states, hops);
    }
  }

  void local_energies(const Kokkos::DefaultExecutionSpace& space, const Terms& terms, const Batch& batch,
                      const Kokkos::View<Complex*>& energies) const override {
    const GroupValues values("koushi::manybody::values", energies.extent(0), static_cast<std::size_t>(terms.n_groups));
    local_values(space, terms, batch, values);
    sum_groups(space, terms.constant, values, energies);
  }

  void local_values(const Kokkos::DefaultExecutionSpace& space, const Terms& terms, const Batch& batch,
                    const GroupValues& values) const override {
    set_diagonals(space, terms, batch.states, values);
    const auto numbers = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace{}, terms.move);
    for_directions(
        space, batch, static_cast<int>(terms.element.extent(0)), [&](int k) { return numbers(k, 0); },
        [&](int k, const Proposed& proposed, const Kokkos::View<Complex*>& ratio) {
          add_values(space, terms, batch.states, k, proposed, ratio, values);
        });
  }

  void ratios(const Kokkos::DefaultExecutionSpace& space, const Batch& batch,
              const Kokkos::View<Complex** [2]>& ratios) const override {
    Kokkos::deep_copy(space, ratios, Complex(0.0));
    for_directions(
        space, batch, static_cast<int>(ratios.extent(1)), [](int k) { return k; },
        [&](int k, const Proposed& proposed, const Kokkos::View<Complex*>& ratio) {
          keep_ratios(space, k, proposed, ratio, ratios);
        });
  }

 private:
  /// body(k, proposed, ratio) for terms 0 ... count - 1, whose move is number(k), and for every direction.
  template <typename Number, typename Body>
  void for_directions(const Kokkos::DefaultExecutionSpace& space, const Batch& batch, int count, const Number& number,
                      const Body& body) const {
    const std::size_t n = batch.states.local.extent(0);
    const Proposed proposed = make_proposals(n);
    const Kokkos::View<Complex*> ratio("koushi::manybody::ratio", n);
    for (int k = 0; k < count; ++k) {
      for (const int direction : {1, -1}) {
        propose_all(space, moves_, batch.states, number(k), direction, proposed, ratio);
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

/// Types of functors; find(factor, use) is use(functor) of the one that the factor has.
template <typename... Functors>
struct FunctorTypes {
  static bool has(const std::unique_ptr<FactorMoves>& factor) {
    return ((functor<Functors>(factor) != nullptr) || ...);
  }
  template <typename Use>
  static std::unique_ptr<MoveSet> find(const std::unique_ptr<FactorMoves>& factor, const Use& use) {
    std::unique_ptr<MoveSet> result;
    const auto attempt = [&](const auto* found) {
      if (found != nullptr) result = use(*found);
      return found != nullptr;
    };
    static_cast<void>((attempt(functor<Functors>(factor)) || ...));
    return result;
  }
};
using Networks = FunctorTypes<RbmMoves<false, false>, RbmMoves<true, false>>;
using SlaterDeterminants = FunctorTypes<SlaterMoves<false>, SlaterMoves<true>>;
using PairProducts = FunctorTypes<PairProductMoves<false>, PairProductMoves<true>, SpinProjectionMoves<false>>;
using Determinants = FunctorTypes<SlaterMoves<false>, SlaterMoves<true>, PairProductMoves<false>,
                                  PairProductMoves<true>, SpinProjectionMoves<false>>;

/// Factors whose functors are built together: classical ones, one determinant and one network.
struct Parts {
  std::optional<ClassicalMoves> classical;
  const std::unique_ptr<FactorMoves>* determinant = nullptr;
  const std::unique_ptr<FactorMoves>* network = nullptr;
  bool complete = true;  ///< there is no other factor

  explicit Parts(const std::vector<std::unique_ptr<FactorMoves>>& factors) {
    for (const auto& factor : factors) {
      if (const auto* part = functor<ClassicalMoves>(factor)) {
        if (!classical) classical.emplace();
        join(*classical, *part);
      } else if (determinant == nullptr && Determinants::has(factor)) {
        determinant = &factor;
      } else if (network == nullptr && Networks::has(factor)) {
        network = &factor;
      } else {
        complete = false;
      }
    }
  }
  ClassicalMoves classical_or_none(const MoveList& moves) const {
    if (classical) return *classical;
    ClassicalMoves none;
    none.moves = moves;
    return none;
  }
};

/// use(functors...) with the functor of the network, if there is one, behind those that are given.
template <typename Use, typename... Functors>
std::unique_ptr<MoveSet> with_network(const Parts& parts, const Use& use, const Functors&... functors) {
  if (parts.network == nullptr) return use(functors...);
  return Networks::find(*parts.network, [&](const auto& network) { return use(functors..., network); });
}
/// The same with one of these determinants before it.
template <typename Types, typename Use, typename... Functors>
std::unique_ptr<MoveSet> with_determinant(const Parts& parts, const Use& use, const Functors&... functors) {
  if (parts.determinant == nullptr) return with_network(parts, use, functors...);
  return Types::find(*parts.determinant,
                     [&](const auto& determinant) { return with_network(parts, use, functors..., determinant); });
}

/// One kernel for classical factors times a sum over images, where it is built; else none.
std::unique_ptr<MoveSet> fuse_images(const MoveList& moves, const MovesOfFactors& factors) {
  const Parts outside(factors.outside);
  const Parts inside(factors.inside);
  if (!outside.complete || !inside.complete || outside.determinant != nullptr) return nullptr;
  const ClassicalMoves before = outside.classical_or_none(moves);
  const ClassicalMoves within = inside.classical_or_none(moves);
  const auto sum = [&](const auto&... functors) {
    using Inner = ProductMoves<std::decay_t<decltype(functors)>...>;
    return ImageMoves<Inner>{factors.images, Inner{functors...}};
  };
  const auto fuse = [](const auto&... functors) -> std::unique_ptr<MoveSet> {
    return make_fused(ProductMoves<std::decay_t<decltype(functors)>...>{functors...});
  };
  if (outside.network != nullptr) {  // beside a sum of determinants
    if (inside.network != nullptr || inside.determinant == nullptr) return nullptr;
    return SlaterDeterminants::find(*inside.determinant, [&](const auto& determinant) {
      return with_network(outside, fuse, before, sum(within, determinant));
    });
  }
  const auto fuse_sum = [&](const auto&... functors) { return fuse(before, sum(functors...)); };
  if (!inside.classical && inside.determinant == nullptr && inside.network != nullptr)
    return Networks::find(*inside.network, fuse_sum);
  if (inside.determinant != nullptr && PairProducts::has(*inside.determinant)) {
    if (inside.network != nullptr) return nullptr;
    return PairProducts::find(*inside.determinant, [&](const auto& pairs) { return fuse_sum(within, pairs); });
  }
  return with_determinant<SlaterDeterminants>(inside, fuse_sum, within);
}

}  // namespace

std::unique_ptr<MoveSet> make_move_set(const MoveList& moves, MovesOfFactors factors, bool general) {
  if (!factors.inside.empty()) {
    if (!general) {
      if (auto fused = fuse_images(moves, factors)) return fused;
    }
    factors.outside.push_back(std::make_unique<GeneralImageMoves>(factors.images, std::move(factors.inside)));
    return std::make_unique<GeneralMoves>(moves, std::move(factors.outside));
  }
  const Parts parts(factors.outside);
  if (factors.outside.size() == 1 && !general) {
    if (parts.network != nullptr)
      return Networks::find(*parts.network, [](const auto& network) { return make_fused(network); });
    if (const auto* rbm = functor<RbmMoves<false, true>>(factors.outside[0])) return make_fused(*rbm);
    if (const auto* rbm = functor<RbmMoves<true, true>>(factors.outside[0])) return make_fused(*rbm);
  }
  if (!parts.complete || general) return std::make_unique<GeneralMoves>(moves, std::move(factors.outside));
  return with_determinant<Determinants>(
      parts,
      [](const auto&... functors) -> std::unique_ptr<MoveSet> {
        return make_fused(ProductMoves<std::decay_t<decltype(functors)>...>{functors...});
      },
      parts.classical_or_none(moves));
}

}  // namespace koushi
