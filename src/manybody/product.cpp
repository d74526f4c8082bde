#include "koushi/manybody/product.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <set>
#include <utility>

#include "image_rows.hpp"
#include "koushi/base/error.hpp"
#include "koushi/manybody/classical_kernel.hpp"
#include "koushi/manybody/concatenated_rows.hpp"
#include "log_sum.hpp"

namespace koushi {

HostStates::HostStates(const States& states)
    : local(Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace{}, states.local)),
      particle(Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace{}, states.particle)),
      occupant(Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace{}, states.occupant)),
      copies(states.copies) {}

namespace {

template <typename Body>
void for_states(int count, const Body& body) {
  Kokkos::parallel_for("koushi::manybody::for_states", Kokkos::RangePolicy<Kokkos::DefaultHostExecutionSpace>(0, count),
                       [&](int w) { body(w); });
}

}  // namespace

void Factor::refresh_all(const HostStates& states, const RealRows::host_mirror_type& table, int first) const {
  for_states(states.count(), [&](int n) {
    refresh(states.at(n), table.data() + static_cast<std::size_t>(n) * table.extent(1) + first);
  });
}

void Factor::add_log_amplitudes(const HostStates& states, std::complex<double>* sums) const {
  for_states(states.count(), [&](int n) { sums[n] += log_amplitude(states.at(n)); });
}

namespace {

/// The sign of the order of the particles.
class Parity final : public Factor {
 public:
  explicit Parity(const Space& space) : particles_(space.n_particles()) {}
  const std::vector<double>& parameters() const override { return none_; }
  void set_parameters(const std::vector<double>& /*parameters*/) override {}
  bool embed(const std::vector<double>& parameters) override { return parameters.empty(); }
  bool holomorphic() const override { return false; }
  bool is_positive() const override { return true; }
  bool is_antisymmetric() const override { return true; }
  int columns() const override { return 0; }
  void refresh(const HostState& /*state*/, double* /*table*/) const override {}
  std::complex<double> log_amplitude(const HostState& state) const override {
    int inversions = 0;
    for (int a = 0; a < particles_; ++a) {
      for (int b = a + 1; b < particles_; ++b) inversions += state.particle[a] > state.particle[b] ? 1 : 0;
    }
    return {0.0, inversions % 2 == 0 ? 0.0 : std::numbers::pi};
  }
  std::unique_ptr<FactorMoves> moves(const std::vector<Move>& /*list*/, const MoveList& on_device,
                                     int /*first*/) const override {
    ClassicalMoves moves;
    moves.moves = on_device;
    moves.parity = true;
    return std::make_unique<FunctorMoves<ClassicalMoves>>(moves);
  }
  std::unique_ptr<DistributedRows> log_derivatives(const Communicator& /*comm*/, RowRange /*rows*/,
                                                   const HostStates& /*states*/,
                                                   const RealRows::host_mirror_type& /*table*/,
                                                   int /*first*/) const override {
    return nullptr;
  }
  double bytes_per_row() const override { return 0; }
  std::string description() const override { return "the sign of the particles' order"; }

 private:
  int particles_;
  std::vector<double> none_;
};

class Product final : public Wavefunction {
 public:
  Product(const Space& space, std::vector<NamedFactor> factors, std::vector<Image> images)
      : space_(space), factors_(std::move(factors)), images_(std::move(images)) {
    for (const NamedFactor& f : factors_) {
      inside_.push_back(!std::all_of(images_.begin(), images_.end(),
                                     [&](const Image& image) { return is_invariant(*f.factor, image); }));
    }
    keep_one_of_each_coset();
    const auto lay_out = [&](bool inside, int& columns) {
      for (std::size_t f = 0; f < factors_.size(); ++f) {
        if (inside_[f] != inside) continue;
        first_[f] = columns;
        columns += aligned(factors_[f].factor->columns());
      }
    };
    first_.resize(factors_.size());
    lay_out(false, columns_);
    if (!images_.empty()) {
      tables_.images = static_cast<int>(images_.size());
      tables_.column = columns_;
      lay_out(true, tables_.stride);
      tables_.shares = {tables_.column + tables_.images * tables_.stride, tables_.images};
      columns_ = tables_.shares.column + aligned(2 * tables_.images);
      particles_ = static_cast<std::size_t>(space_.n_particles());
    }
    collect_parameters();
  }
  const Space& space() const override { return space_; }
  const std::vector<double>& parameters() const override { return parameters_; }
  void set_parameters(const std::vector<double>& parameters) override {
    auto at = parameters.begin();
    for (const NamedFactor& f : factors_) {
      const auto end = at + static_cast<std::ptrdiff_t>(f.factor->parameters().size());
      f.factor->set_parameters({at, end});
      at = end;
    }
    parameters_ = parameters;
  }
  bool embed(const std::vector<double>& parameters) override {
    // A smaller factor can be taken in where it is the only one with parameters; else all must have their number.
    std::vector<Factor*> with;
    for (const NamedFactor& f : factors_) {
      if (!f.factor->parameters().empty()) with.push_back(f.factor.get());
    }
    if (with.size() == 1) {
      if (!with[0]->embed(parameters)) return false;
      parameters_ = with[0]->parameters();
      return true;
    }
    if (parameters.size() != parameters_.size()) return false;
    set_parameters(parameters);
    return true;
  }
  bool embed(std::size_t factor, const std::vector<double>& parameters) override {
    if (!factors_.at(factor).factor->embed(parameters)) return false;
    collect_parameters();
    return true;
  }
  Batch make_batch(std::int64_t n, bool with_tables) const override {
    if (!with_tables) return {space_.make_states(n), RealRows()};
    return {space_.make_states(n, std::max(1, n_images())),
            RealRows("koushi::manybody::tables", static_cast<std::size_t>(n), static_cast<std::size_t>(columns_))};
  }
  void refresh(const Batch& batch) const override {
    const HostStates states(batch.states);
    const auto table = Kokkos::create_mirror_view(batch.table);
    for_states(states.count(), [&](int w) {
      for (int c = 1; c < n_images(); ++c)
        images_[static_cast<std::size_t>(c)].write(states.at(w), states.seen(c).writable(w), particles_);
    });
    for (std::size_t f = 0; f < factors_.size(); ++f) {
      for (int c = 0; c < (inside_[f] ? n_images() : 1); ++c) {
        const int column = inside_[f] ? tables_.column + c * tables_.stride : 0;
        factors_[f].factor->refresh_all(states.seen(c), table, column + first_[f]);
      }
    }
    if (!images_.empty()) {
      const std::vector<std::complex<double>> shares =
          log_image_sums(states.count(), [&](int c) { return states.seen(c); }).shares;
      for_states(states.count(), [&](int w) {
        double* row = table.data() + static_cast<std::size_t>(w) * table.extent(1) + tables_.shares.column;
        for (std::size_t c = 0; c < images_.size(); ++c) {
          const std::complex<double>& share = shares[static_cast<std::size_t>(w) * images_.size() + c];
          row[2 * c] = share.real();
          row[2 * c + 1] = share.imag();
        }
      });
    }
    Kokkos::deep_copy(batch.table, table);
    if (images_.empty()) return;
    Kokkos::deep_copy(batch.states.local, states.local);
    Kokkos::deep_copy(batch.states.particle, states.particle);
    Kokkos::deep_copy(batch.states.occupant, states.occupant);
  }
  std::vector<std::complex<double>> log_amplitudes(const States& batch) const override {
    const HostStates states(batch);
    std::vector<std::complex<double>> result = log_products(states, false);
    if (!images_.empty()) {
      const ImageSums sums = log_image_sums(states.count(), [&](int c) { return image_of(states, c); });
      for (std::size_t n = 0; n < result.size(); ++n) result[n] += sums.total[n];
    }
    return result;
  }
  std::unique_ptr<MoveSet> moves(const std::vector<Move>& list) const override { return move_set(list, false); }
  std::unique_ptr<MoveSet> general_moves(const std::vector<Move>& list) const override { return move_set(list, true); }
  std::unique_ptr<DistributedRows> log_derivatives(const Communicator& comm, RowRange rows,
                                                   const Batch& samples) const override {
    const HostStates states(samples.states);
    const auto table = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace{}, samples.table);
    const bool has_tables = samples.has_tables();
    const auto rows_of = [&](std::size_t f, const HostStates& seen, int column) {
      const Factor& factor = *factors_[f].factor;
      if (has_tables || !factor.rows_need_tables())
        return factor.log_derivatives(comm, rows, seen, table, column + first_[f]);
      return factor.log_derivatives(comm, rows, seen, tables_of(factor, seen), 0);
    };
    std::vector<std::complex<double>> shares;
    if (!has_tables && !images_.empty())
      shares = log_image_sums(states.count(), [&](int c) { return image_of(states, c); }).shares;
    std::vector<std::unique_ptr<DistributedRows>> parts;
    for (std::size_t f = 0; f < factors_.size(); ++f) {
      if (factors_[f].factor->parameters().empty()) continue;
      if (!inside_[f]) {
        parts.push_back(rows_of(f, states, 0));
        continue;
      }
      parts.push_back(rows_of_image_sum(
          comm, rows, n_images(), is_real(),
          [&](int c) {
            return rows_of(f, has_tables ? states.seen(c) : image_of(states, c), tables_.column + c * tables_.stride);
          },
          [&](std::int64_t s, int c) {
            const auto sample = static_cast<std::size_t>(s);
            if (!has_tables) return shares[sample * images_.size() + static_cast<std::size_t>(c)];
            const double* share = &table(sample, static_cast<std::size_t>(tables_.shares.column + 2 * c));
            return std::complex<double>(share[0], share[1]);
          }));
    }
    if (parts.size() == 1) return std::move(parts[0]);
    return std::make_unique<ConcatenatedRows>(std::move(parts));
  }
  bool holomorphic() const override {
    return std::all_of(factors_.begin(), factors_.end(),
                       [](const NamedFactor& f) { return f.factor->parameters().empty() || f.factor->holomorphic(); });
  }
  bool is_positive() const override {
    return std::all_of(factors_.begin(), factors_.end(),
                       [](const NamedFactor& f) { return f.factor->is_positive(); }) &&
           (images_.empty() ||
            (!space_.is_fermionic() && std::all_of(images_.begin(), images_.end(), [](const Image& image) {
              return image.weight.imag() == 0 && image.weight.real() >= 0;
            })));
  }
  bool can_draw() const override {
    const auto others = std::count_if(factors_.begin(), factors_.end(), [](const NamedFactor& f) {
      return !f.factor->can_draw() && dynamic_cast<const Parity*>(f.factor.get()) == nullptr;
    });
    const auto drawn =
        std::count_if(factors_.begin(), factors_.end(), [](const NamedFactor& f) { return f.factor->can_draw(); });
    return others == 0 && drawn == 1 && images_.empty();
  }
  void draw(const DirectRandom& random, const Batch& batch) const override {
    if (!can_draw()) throw InternalError("no factor of this wavefunction can draw states");
    const HostStates states(batch.states);
    for (const NamedFactor& f : factors_) {
      if (f.factor->can_draw()) f.factor->draw(random, states);
    }
    for_states(states.count(), [&](int n) { space_.number_particles(states.writable(n)); });
    Kokkos::deep_copy(batch.states.local, states.local);
    Kokkos::deep_copy(batch.states.particle, states.particle);
    Kokkos::deep_copy(batch.states.occupant, states.occupant);
    if (batch.has_tables()) refresh(batch);
  }
  int n_images() const override { return static_cast<int>(images_.size()); }
  bool is_real() const override {
    return std::all_of(factors_.begin(), factors_.end(), [](const NamedFactor& f) { return f.factor->is_real(); }) &&
           std::all_of(images_.begin(), images_.end(), [](const Image& image) { return image.weight.imag() == 0; });
  }
  double bytes_per_row() const override {
    double sum = 0;
    for (std::size_t f = 0; f < factors_.size(); ++f) {
      const Factor& factor = *factors_[f].factor;
      // Rows of a sum over images are kept, twice for their Gram matrix.
      const bool wide = inside_[f] && !is_real() && !factor.holomorphic();
      sum +=
          inside_[f] ? 16.0 * (wide ? 2 : 1) * static_cast<double>(factor.parameters().size()) : factor.bytes_per_row();
    }
    return sum;
  }
  double bytes_per_move() const override {
    const int numbers = images_.empty() ? columns_ : tables_.column + tables_.stride;
    return 16.0 * numbers + 8.0 * n_images();
  }
  std::string remark() const override {
    for (const NamedFactor& projected : factors_) {
      const std::optional<int> spin = projected.factor->total_spin();
      if (!spin) continue;
      for (const NamedFactor& other : factors_) {
        if (&other == &projected || other.factor->keeps_total_spin()) continue;
        return fmt::format(
            "the {} is projected on total spin {}, but the factor {} depends on the spins of the electrons, so that "
            "the "
            "product has no total spin (measure vector-spin-correlation for <S^2>); remedy: factors of the density "
            "alone, "
            "or leave out the projection",
            projected.kind, *spin, other.kind);
      }
    }
    return "";
  }
  std::vector<FactorReport> factors() const override {
    std::vector<FactorReport> reports;
    std::int64_t first = 0;
    for (std::size_t f = 0; f < factors_.size(); ++f) {
      const auto count = static_cast<std::int64_t>(factors_[f].factor->parameters().size());
      std::string description = factors_[f].factor->description();
      if (inside_[f] && count > 0) description += fmt::format(" of {} images", images_.size());
      reports.push_back({factors_[f].kind, std::move(description), first, count, factors_[f].factor->is_of_any_extent(),
                         factors_[f].factor->flops()});
      first += count;
    }
    return reports;
  }

 private:
  static constexpr int aligned(int columns) {
    constexpr int alignment = 8;  // numbers: a vector of the widest kind
    return (columns + alignment - 1) / alignment * alignment;
  }
  /// Whether a factor is known to be the same on an image.
  static bool is_invariant(const Factor& factor, const Image& image) {
    return !image.turns_values() && factor.is_invariant(image.place);
  }
  /// Images g = s c, s of the subgroup under which all inner factors are the same, are equal to those of c: one of each
  /// coset is enough, if the weights of s are 1. Otherwise the sum is 0.
  void keep_one_of_each_coset() {
    std::vector<const Image*> subgroup;
    for (const Image& s : images_) {
      bool invariant = true;
      for (std::size_t f = 0; f < factors_.size(); ++f)
        invariant = invariant && (!inside_[f] || is_invariant(*factors_[f].factor, s));
      if (!invariant) continue;
      if (std::abs(s.weight - 1.0) > 1e-9) {
        throw UsageError(
            "the sum over images with these quantum numbers is 0: all factors are invariant under a symmetry that must "
            "change the phase of psi");
      }
      subgroup.push_back(&s);
    }
    std::set<std::pair<std::vector<int>, bool>> known;
    std::vector<Image> kept;
    for (const Image& c : images_) {
      if (known.count({c.place, c.turns_values()}) > 0) continue;
      for (const Image* s : subgroup) {
        std::vector<int> product;
        for (const int p : c.place) product.push_back(s->place[static_cast<std::size_t>(p)]);
        known.emplace(std::move(product), c.turns_values());
      }
      kept.push_back(c);
    }
    images_ = kept.size() > 1 ? std::move(kept) : std::vector<Image>();
  }
  /// log of the product of the factors that stand inside of the sum over images, or outside.
  std::vector<std::complex<double>> log_products(const HostStates& states, bool inside) const {
    std::vector<std::complex<double>> sums(static_cast<std::size_t>(states.count()));
    for (std::size_t f = 0; f < factors_.size(); ++f) {
      if (inside_[f] == inside) factors_[f].factor->add_log_amplitudes(states, sums.data());
    }
    return sums;
  }
  struct ImageSums {
    std::vector<std::complex<double>> total;   ///< [state]
    std::vector<std::complex<double>> shares;  ///< [state][image]
  };
  /// The sums over images, from scratch; of_image(c): image c of all states.
  template <typename OfImage>
  ImageSums log_image_sums(int count, const OfImage& of_image) const {
    ImageSums sums{std::vector<std::complex<double>>(static_cast<std::size_t>(count)), {}};
    sums.shares.resize(sums.total.size() * images_.size());
    for (std::size_t c = 0; c < images_.size(); ++c) {
      const std::vector<std::complex<double>> logs = log_products(of_image(static_cast<int>(c)), true);
      for (std::size_t n = 0; n < logs.size(); ++n)
        sums.shares[n * images_.size() + c] = logs[n] + std::log(images_[c].weight);
    }
    for_states(count, [&](int n) {
      const auto first = sums.shares.begin() + static_cast<std::ptrdiff_t>(images_.size()) * n;
      const LogSum sum = log_sum({first, first + static_cast<std::ptrdiff_t>(images_.size())});
      std::copy(sum.shares.begin(), sum.shares.end(), first);
      sums.total[static_cast<std::size_t>(n)] = sum.total;
    });
    return sums;
  }
  /// The tables of one factor, from scratch.
  static RealRows::host_mirror_type tables_of(const Factor& factor, const HostStates& states) {
    const RealRows::host_mirror_type table("koushi::manybody::tables_of_factor",
                                           static_cast<std::size_t>(states.count()),
                                           static_cast<std::size_t>(aligned(factor.columns())));
    factor.refresh_all(states, table, 0);
    return table;
  }
  /// Image c of every state.
  HostStates image_of(const HostStates& states, int c) const {
    HostStates image = states;
    const auto make = [](const auto& like) {
      return std::decay_t<decltype(like)>("koushi::manybody::image", like.extent(0), like.extent(1));
    };
    image.local = make(states.local);
    image.particle = make(states.particle);
    image.occupant = make(states.occupant);
    for_states(states.count(),
               [&](int s) { images_[static_cast<std::size_t>(c)].write(states.at(s), image.writable(s), particles_); });
    return image;
  }
  /// Those of the factors, one after the other.
  void collect_parameters() {
    parameters_.clear();
    for (const NamedFactor& f : factors_) {
      const auto& own = f.factor->parameters();
      parameters_.insert(parameters_.end(), own.begin(), own.end());
    }
  }
  std::unique_ptr<MoveSet> move_set(const std::vector<Move>& list, bool general) const {
    const MovesOfImages with_images(list, images_);
    const std::vector<Move>& all = images_.empty() ? list : with_images.list();
    const MoveList on_device = make_move_list(space_, all);
    MovesOfFactors parts;
    for (std::size_t f = 0; f < factors_.size(); ++f) {
      auto& to = inside_[f] ? parts.inside : parts.outside;
      to.push_back(factors_[f].factor->moves(all, on_device, first_[f]));
    }
    if (!images_.empty()) {
      parts.images = tables_;
      parts.images.moves = on_device;
      parts.images.moved =
          Kokkos::View<int** [2], Kokkos::LayoutRight>("koushi::manybody::moved", list.size(), images_.size());
      const auto moved = Kokkos::create_mirror_view(parts.images.moved);
      for (std::size_t k = 0; k < list.size(); ++k) {
        for (std::size_t c = 0; c < images_.size(); ++c) {
          moved(k, c, 0) = with_images.at(k, c).number;
          moved(k, c, 1) = with_images.at(k, c).sign;
        }
      }
      Kokkos::deep_copy(parts.images.moved, moved);
    }
    return make_move_set(on_device, std::move(parts), general);
  }
  Space space_;
  std::vector<NamedFactor> factors_;
  std::vector<Image> images_;  ///< of the sum; none: there is no sum
  std::vector<bool> inside_;   ///< [factor], of the sum over images
  std::vector<int> first_;     ///< columns of the factors in a walker's table, of those inside in that of an image
  ImageTables tables_;
  int columns_ = 0;
  std::size_t particles_ = 0;
  std::vector<double> parameters_;
};

}  // namespace

std::unique_ptr<Wavefunction> make_product(const Space& space, std::vector<NamedFactor> factors,
                                           std::vector<Image> images) {
  if (factors.empty()) throw UsageError("a wavefunction has no factor");
  const auto signs =
      std::count_if(factors.begin(), factors.end(), [](const NamedFactor& f) { return f.factor->is_antisymmetric(); });
  if (signs > 1)
    throw UsageError(std::to_string(signs) +
                     " factors change their sign when fermions are exchanged, so that their product may not");
  if (signs == 0 && space.is_fermionic()) factors.push_back({"parity", std::make_unique<Parity>(space)});
  return std::make_unique<Product>(space, std::move(factors), std::move(images));
}

}  // namespace koushi
