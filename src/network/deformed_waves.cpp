#include "koushi/network/deformed_waves.hpp"

#include <algorithm>
#include <cmath>

#include "koushi/base/error.hpp"
#include "koushi/network/wave_units.hpp"

namespace koushi {

namespace {

constexpr int most_directions = 4;

/// Numbers of a row of n, whole vectors.
int padded(int n) {
  constexpr int lanes = Lanes<SiteVector>::width;
  return (n + lanes - 1) / lanes * lanes;
}

}  // namespace

/// What one chain does; an item is a chain.
struct DeformedWavesKernel {
  WaveUnits units;
  Kokkos::View<double***, Kokkos::LayoutRight> parameters;
  Kokkos::View<double**, Kokkos::LayoutRight> field;
  Kokkos::View<double**, Kokkos::LayoutRight> work;
  Kokkos::View<double* [2], Kokkos::LayoutRight> counts;
  int d;
  int width;
  int points;
  int extent[most_directions];
  int rows;        ///< of points along the first direction
  int stride;      ///< of a row, whole vectors
  int row_stride;  ///< rows, rounded up to whole vectors
  int places;      ///< rows * stride
  double spacing;
  double coupling;
  double inverse_cut;  ///< 1 / Lambda^2 of a Gaussian cutoff in the continuum
  std::uint64_t seed;
  std::uint64_t first_chain;
  std::uint64_t sweep;
  double length;
  int steps;

  using T = SiteVector;
  using L = Lanes<T>;
  static KOKKOS_FUNCTION T fourth(const T& x) { return (x * x) * (x * x); }
  KOKKOS_FUNCTION int table_size() const { return 2 * (stride + row_stride); }

  /// One unit from the law: k, amplitude, b. stream: of its random numbers.
  KOKKOS_FUNCTION void unit_of_law(RandomPurpose purpose, std::uint64_t step, std::uint64_t stream,
                                   std::uint32_t number, double* unit) const {
    const auto words = [&](std::uint64_t block) {
      return philox_lanes<double>(seed, purpose, step, stream, number + block);
    };
    switch (d) {
      case 1:
        unit_of_words<1>(words, unit);
        break;
      case 2:
        unit_of_words<2>(words, unit);
        break;
      case 3:
        unit_of_words<3>(words, unit);
        break;
      default:
        unit_of_words<4>(words, unit);
    }
  }
  template <int n, typename Words>
  KOKKOS_FUNCTION void unit_of_words(const Words& words, double* unit) const {
    double k[n];
    double b;
    units.draw(words, k, unit[n], b);
    for (int mu = 0; mu < n; ++mu) unit[mu] = 2 * Kokkos::numbers::pi * k[mu];
    unit[n + 1] = 2 * Kokkos::numbers::pi * b;
  }

  /// visit(place, i, row, cos(kx + b), sin(kx + b)) at all points, lane by lane; i is the first coordinate of the first
  /// lane. Rows are padded to whole vectors, and both are 0 in the padding. table: table_size() numbers.
  template <typename Visit>
  KOKKOS_FUNCTION void wave(const double* unit, double* table, const Visit& visit) const {
    double* const cosine = table;
    double* const sine = cosine + stride;
    double* const row_cosine = sine + stride;
    double* const row_sine = row_cosine + row_stride;
    constexpr double turn = 0.15915494309189533577;  // 1 / 2 pi
    for (int i = 0; i < stride; i += L::width) {
      T c;
      T s;
      lane_circle(T(unit[0] * spacing * turn) * (L::index() + T(static_cast<double>(i))), c, s);
      const auto here = L::first(extent[0] - i);
      L::store(L::select(here, c, T(0.0)), cosine + i);
      L::store(L::select(here, s, T(0.0)), sine + i);
    }
    for (int first = 0; first < row_stride; first += L::width) {
      double turns[L::width];
      for (int l = 0; l < L::width; ++l) {
        double phase = unit[d + 1];
        int rest = first + l;
        for (int mu = 1; mu < d; ++mu) {
          phase += unit[mu] * spacing * (rest % extent[mu]);
          rest /= extent[mu];
        }
        turns[l] = phase * turn;
      }
      T c;
      T s;
      lane_circle(L::load(turns), c, s);
      L::store(c, row_cosine + first);
      L::store(s, row_sine + first);
    }
    for (int row = 0; row < rows; ++row) {
      const T c(row_cosine[row]);
      const T s(row_sine[row]);
      for (int i = 0; i < stride; i += L::width) {
        const T ci = L::load(cosine + i);
        const T si = L::load(sine + i);
        visit(row * stride + i, i, row, L::fma(ci, c, T(0.0) - si * s), L::fma(si, c, ci * s));
      }
    }
  }
  KOKKOS_FUNCTION static double total(const T& v) {
    double sum = 0;
    for (int l = 0; l < L::width; ++l) sum += L::get(v, l);
    return sum;
  }

  KOKKOS_FUNCTION void refresh_field(int chain) const {
    double* const phi = &field(chain, 0);
    double* const table = &work(chain, 0);
    for (int x = 0; x < places; ++x) phi[x] = 0;
    for (int j = 0; j < width; ++j) {
      const double* const unit = &parameters(chain, j, 0);
      const T a(unit[d]);
      wave(unit, table,
           [&](int x, int, int, const T& c, const T&) { L::store(L::fma(a, c, L::load(phi + x)), phi + x); });
    }
  }

  KOKKOS_FUNCTION double deformation(int chain) const {
    T sum(0.0);
    for (int x = 0; x < places; x += L::width) sum = sum + fourth(L::load(&field(chain, x)));
    return coupling * total(sum);
  }

  KOKKOS_FUNCTION bool accept(int chain, double log_ratio, std::uint64_t stream, std::uint32_t number) const {
    const RandomBlock r = philox(seed, RandomPurpose::acceptance, sweep, stream, number);
    const bool yes = Kokkos::log(1 - uniform(r.word[0], r.word[1])) < log_ratio;
    counts(chain, 0) += yes ? 1 : 0;
    counts(chain, 1) += 1;
    return yes;
  }

  struct Draw {};
  KOKKOS_FUNCTION void operator()(Draw, int chain) const {
    for (int j = 0; j < width; ++j)
      unit_of_law(RandomPurpose::network_parameters, sweep, first_chain + static_cast<std::uint64_t>(chain),
                  static_cast<std::uint32_t>(4 * j), &parameters(chain, j, 0));
    refresh_field(chain);
  }

  /// Replaces a unit by another one if the change is accepted. phi' - phi goes to work behind the tables.
  KOKKOS_FUNCTION void replace(int chain, double* unit, const double* other, double log_prior, std::uint64_t stream,
                               std::uint32_t number) const {
    double* const phi = &field(chain, 0);
    double* const table = &work(chain, 0);
    double* const change = table + table_size();
    const T before(unit[d]);
    const T after(other[d]);
    wave(unit, table, [&](int x, int, int, const T& c, const T&) { L::store(T(0.0) - before * c, change + x); });
    T rise(0.0);
    wave(other, table, [&](int x, int, int, const T& c, const T&) {
      const T more = L::fma(after, c, L::load(change + x));
      L::store(more, change + x);
      const T here = L::load(phi + x);
      rise = rise + (fourth(here + more) - fourth(here));
    });
    if (!accept(chain, log_prior - coupling * total(rise), stream, number)) return;
    for (int k = 0; k < d + 2; ++k) unit[k] = other[k];
    for (int x = 0; x < places; x += L::width) L::store(L::load(phi + x) + L::load(change + x), phi + x);
  }

  struct Redraw {};
  KOKKOS_FUNCTION void operator()(Redraw, int chain) const {
    const std::uint64_t stream = first_chain + static_cast<std::uint64_t>(chain);
    for (int j = 0; j < width; ++j) {
      double other[most_directions + 2];
      unit_of_law(RandomPurpose::local_update, sweep, stream, static_cast<std::uint32_t>(4 * j), other);
      replace(chain, &parameters(chain, j, 0), other, 0, stream, static_cast<std::uint32_t>(j));
    }
  }

  /// A neighbouring momentum of the lattice for every unit.
  KOKKOS_FUNCTION void hop(int chain) const {
    const std::uint64_t stream = first_chain + static_cast<std::uint64_t>(chain);
    for (int j = 0; j < width; ++j) {
      double* const unit = &parameters(chain, j, 0);
      double other[most_directions + 2];
      for (int k = 0; k < d + 2; ++k) other[k] = unit[k];
      const RandomBlock r = philox(seed, RandomPurpose::local_update, sweep, stream, static_cast<std::uint32_t>(j));
      const int mu = uniform_below(r.word[0], d);
      const double turn = 2 * Kokkos::numbers::pi / extent[mu];
      const double k = unit[mu] + (r.word[1] % 2 == 0 ? turn : -turn);
      // among 0, turn ... 2 pi - turn
      other[mu] = turn * (static_cast<int>(Kokkos::round(k / turn) + extent[mu]) % extent[mu]);
      const double before = lattice_k2(unit);
      const double after = lattice_k2(other);
      other[d] = unit[d] * Kokkos::pow((after + units.mass2) / (before + units.mass2), 0.5 * units.alpha);
      // p(k) ~ (k^2 + m^2)^{-alpha - 1}; the amplitude that goes with k is no variable of its own
      const double log_prior = -(units.alpha + 1) * Kokkos::log((after + units.mass2) / (before + units.mass2));
      replace(chain, unit, other, log_prior, stream, static_cast<std::uint32_t>(width + 1 + j));
    }
  }
  KOKKOS_FUNCTION double lattice_k2(const double* unit) const {
    double k2 = 0;
    for (int mu = 0; mu < d; ++mu) {
      const double s = Kokkos::sin(0.5 * unit[mu]);
      k2 += 4 * s * s;
    }
    return k2;
  }
  KOKKOS_FUNCTION double square_of(const double* unit) const {
    double k2 = 0;
    for (int mu = 0; mu < d; ++mu) k2 += unit[mu] * unit[mu];
    return k2;
  }

  /// -log p(k) of the continuum.
  KOKKOS_FUNCTION double prior(const double* unit) const {
    const double k2 = square_of(unit);
    return (units.alpha + 1) * Kokkos::log(k2 + units.mass2) + 0.5 * inverse_cut * k2;
  }

  /// -d(S) / d(k, b) of every unit, S = g sum phi^4 - log p; from the field. force: [unit][d + 1].
  KOKKOS_FUNCTION void forces(int chain, double* table, double* force) const {
    const double* const phi = &field(chain, 0);
    for (int j = 0; j < width; ++j) {
      const double* const unit = &parameters(chain, j, 0);
      double* const f = force + j * (d + 1);
      T by_phase(0.0);
      T by_size(0.0);               // sum of 4 g phi^3 cos
      T by_place[most_directions];  // sum of 4 g phi^3 sin x_mu
      for (T& one : by_place) one = T(0.0);
      const bool lattice = units.law.lattice;
      wave(unit, table, [&](int x, int i, int row, const T& c, const T& s) {
        const T here = L::load(phi + x);
        const T p = T(4 * coupling) * here * here * here;
        const T slope = p * s;
        by_phase = by_phase + slope;
        by_size = L::fma(p, c, by_size);
        if (lattice) return;
        by_place[0] = L::fma(slope, L::index() + T(static_cast<double>(i)), by_place[0]);
        int rest = row;
        for (int mu = 1; mu < d; ++mu) {
          by_place[mu] = L::fma(slope, T(static_cast<double>(rest % extent[mu])), by_place[mu]);
          rest /= extent[mu];
        }
      });
      const double a = unit[d];
      f[d] = a * total(by_phase);
      if (units.law.lattice) continue;
      const double k2 = square_of(unit);
      for (int mu = 0; mu < d; ++mu)
        f[mu] = a * spacing * total(by_place[mu]) - a * units.alpha * unit[mu] / (k2 + units.mass2) * total(by_size) -
                2 * (units.alpha + 1) * unit[mu] / (k2 + units.mass2) - inverse_cut * unit[mu];
    }
  }

  struct Trajectory {};
  KOKKOS_FUNCTION void operator()(Trajectory, int chain) const {
    const std::uint64_t stream = first_chain + static_cast<std::uint64_t>(chain);
    const int n = width * (d + 1);
    double* const table = &work(chain, 0);
    double* const old_field = table + table_size();
    double* const old = old_field + places;  // [unit][d + 2]
    double* const momentum = old + width * (d + 2);
    double* const force = momentum + n;
    for (int x = 0; x < places; ++x) old_field[x] = field(chain, x);
    for (int j = 0; j < width; ++j) {
      for (int k = 0; k < d + 2; ++k) old[j * (d + 2) + k] = parameters(chain, j, k);
    }
    for (int k = 0; k < n; k += 2) {
      const NormalPair z =
          normal_pair(philox(seed, RandomPurpose::momenta, sweep, stream, static_cast<std::uint32_t>(k / 2)));
      momentum[k] = z.first;
      if (k + 1 < n) momentum[k + 1] = z.second;
    }
    // a phase moves by itself, a momentum by what changes the phase at the rim by as much
    double reach = 0;
    for (int mu = 0; mu < d; ++mu) reach = Kokkos::fmax(reach, spacing * extent[mu]);
    const double pace = 1 / reach;
    const auto energy = [&] {
      double sum = deformation(chain);
      for (int j = 0; j < width; ++j) {
        if (!units.law.lattice) sum += prior(&parameters(chain, j, 0));
        for (int k = units.law.lattice ? d : 0; k < d + 1; ++k)
          sum += 0.5 * momentum[j * (d + 1) + k] * momentum[j * (d + 1) + k];
      }
      return sum;
    };
    const double before = energy();
    const double h = length / steps;
    forces(chain, table, force);
    for (int step = 0; step < steps; ++step) {
      for (int j = 0; j < width; ++j) {
        double* const unit = &parameters(chain, j, 0);
        double* const p = momentum + j * (d + 1);
        const double* const f = force + j * (d + 1);
        const double k2 = square_of(unit);
        for (int k = units.law.lattice ? d : 0; k < d + 1; ++k) {
          const double rate = k < d ? pace : 1;
          p[k] += 0.5 * h * rate * f[k];
          unit[k < d ? k : d + 1] += h * rate * p[k];
        }
        if (!units.law.lattice)
          unit[d] *= Kokkos::pow((square_of(unit) + units.mass2) / (k2 + units.mass2), 0.5 * units.alpha);
      }
      refresh_field(chain);
      forces(chain, table, force);
      for (int j = 0; j < width; ++j) {
        for (int k = units.law.lattice ? d : 0; k < d + 1; ++k)
          momentum[j * (d + 1) + k] += 0.5 * h * (k < d ? pace : 1) * force[j * (d + 1) + k];
      }
    }
    if (!accept(chain, before - energy(), stream, static_cast<std::uint32_t>(width))) {
      for (int x = 0; x < places; ++x) field(chain, x) = old_field[x];
      for (int j = 0; j < width; ++j) {
        for (int k = 0; k < d + 2; ++k) parameters(chain, j, k) = old[j * (d + 2) + k];
      }
    }
    if (units.law.lattice) hop(chain);
  }

  struct Refresh {};
  KOKKOS_FUNCTION void operator()(Refresh, int chain) const { refresh_field(chain); }

  Kokkos::View<double**, Kokkos::LayoutRight> results;
  struct Measure {};
  KOKKOS_FUNCTION void operator()(Measure, int chain) const {
    const double* const phi = &field(chain, 0);
    double* const table = &work(chain, 0);
    double two = 0;
    double four = 0;
    double one = 0;
    for (int x = 0; x < places; ++x) {  // 0 in the padding
      one += phi[x];
      two += phi[x] * phi[x];
      four += (phi[x] * phi[x]) * (phi[x] * phi[x]);
    }
    results(chain, DeformedWaves::phi2) = two / points;
    results(chain, DeformedWaves::phi4) = four / points;
    results(chain, DeformedWaves::mean2) = one * one / points;
    results(chain, DeformedWaves::deformation) = coupling * four;
    double identity = -two;
    for (int j = 0; j < width; ++j) {
      const double* const unit = &parameters(chain, j, 0);
      const double a = unit[d];
      T squares(0.0);
      T linear(0.0);
      T cubic(0.0);
      wave(unit, table, [&](int x, int, int, const T&, const T& s) {
        const T slope = T(-a) * s;
        const T here = L::load(phi + x);
        squares = L::fma(slope, slope, squares);
        linear = L::fma(here, slope, linear);
        cubic = L::fma(here * here * here, slope, cubic);
      });
      identity += total(squares) - 4 * coupling * total(linear) * total(cubic);
    }
    results(chain, DeformedWaves::schwinger_dyson) = identity / points;
    results(chain, DeformedWaves::accepted) = counts(chain, 1) > 0 ? counts(chain, 0) / counts(chain, 1) : 1;
    counts(chain, 0) = 0;
    counts(chain, 1) = 0;
    const int n = extent[0];
    for (int r = 0; r <= n / 2; ++r) {
      double sum = 0;
      int pairs = 0;
      for (int row = 0; row < rows; ++row) {
        const double* const line = phi + row * stride;
        for (int i = 0; i < (units.law.lattice ? n : n - r); ++i) {
          sum += line[i] * line[i + r < n ? i + r : i + r - n];
          ++pairs;
        }
      }
      results(chain, DeformedWaves::sums + r) = sum / pairs;
    }
    refresh_field(chain);  // as a run that goes on from the parameters has it
  }
};

DeformedWaves::DeformedWaves(const MomentumLaw& law, const DeformedWavesOptions& options)
    : law_(law), options_(options) {
  const auto d = static_cast<std::size_t>(law.options().dimension);
  if (options.extents.size() != d) throw InternalError("the points of deformed waves have another dimension");
  for (const int n : options.extents) points_ *= n;
  const auto chains = static_cast<std::size_t>(options.chains);
  const auto width = static_cast<std::size_t>(options.width);
  parameters_ =
      Kokkos::View<double***, Kokkos::LayoutRight>("koushi::network::deformed_parameters", chains, width, d + 2);
  const int rows = points_ / options.extents[0];
  const auto places = static_cast<std::size_t>(rows * padded(options.extents[0]));
  field_ = Kokkos::View<double**, Kokkos::LayoutRight>("koushi::network::deformed_field", chains, places);
  // the tables of a wave, a field, and for a trajectory old parameters, momenta and forces
  const std::size_t numbers = 2 * static_cast<std::size_t>(padded(options.extents[0]) + padded(rows)) + places +
                              width * (d + 2) + 2 * width * (d + 1);
  work_ = Kokkos::View<double**, Kokkos::LayoutRight>("koushi::network::deformed_work", chains, numbers);
  counts_ = Kokkos::View<double* [2], Kokkos::LayoutRight>("koushi::network::deformed_counts", chains);
}

DeformedWavesKernel DeformedWaves::kernel() const {
  const MomentumOptions& o = law_.options();
  DeformedWavesKernel k{};
  k.units = {law_.view(), o.alpha, o.mass * o.mass, std::sqrt(2 * law_.omega() / options_.width), options_.normal};
  k.parameters = parameters_;
  k.field = field_;
  k.work = work_;
  k.counts = counts_;
  k.d = o.dimension;
  k.width = options_.width;
  k.points = points_;
  for (int mu = 0; mu < most_directions; ++mu)
    k.extent[mu] = mu < o.dimension ? options_.extents[static_cast<std::size_t>(mu)] : 1;
  k.rows = points_ / options_.extents[0];
  k.places = static_cast<int>(field_.extent(1));
  k.stride = k.places / k.rows;
  k.row_stride = padded(k.rows);
  k.spacing = options_.spacing;
  k.coupling = options_.coupling;
  k.inverse_cut = o.extents.empty() && o.cutoff == Cutoff::gaussian ? 1 / (o.lambda * o.lambda) : 0;
  k.seed = options_.seed;
  k.first_chain = static_cast<std::uint64_t>(options_.first_chain);
  k.length = options_.trajectory;
  k.steps = options_.steps;
  return k;
}

void DeformedWaves::draw(std::uint64_t draw) {
  DeformedWavesKernel k = kernel();
  k.sweep = draw;
  Kokkos::parallel_for("koushi::network::deformed_draw",
                       Kokkos::RangePolicy<DeformedWavesKernel::Draw>(0, options_.chains), k);
}

void DeformedWaves::redraw(std::uint64_t sweep) {
  DeformedWavesKernel k = kernel();
  k.sweep = sweep;
  Kokkos::parallel_for("koushi::network::deformed_redraw",
                       Kokkos::RangePolicy<DeformedWavesKernel::Redraw>(0, options_.chains), k);
}

void DeformedWaves::trajectory(std::uint64_t sweep) {
  DeformedWavesKernel k = kernel();
  k.sweep = sweep;
  Kokkos::parallel_for("koushi::network::deformed_trajectory",
                       Kokkos::RangePolicy<DeformedWavesKernel::Trajectory>(0, options_.chains), k);
}

void DeformedWaves::refresh() {
  Kokkos::parallel_for("koushi::network::deformed_refresh",
                       Kokkos::RangePolicy<DeformedWavesKernel::Refresh>(0, options_.chains), kernel());
}

std::vector<double> DeformedWaves::measure() {
  DeformedWavesKernel k = kernel();
  k.results = Kokkos::View<double**, Kokkos::LayoutRight>("koushi::network::deformed_numbers",
                                                          static_cast<std::size_t>(options_.chains),
                                                          static_cast<std::size_t>(numbers()));
  Kokkos::parallel_for("koushi::network::deformed_measure",
                       Kokkos::RangePolicy<DeformedWavesKernel::Measure>(0, options_.chains), k);
  const auto host = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace{}, k.results);
  return {host.data(), host.data() + host.size()};
}

std::vector<double> DeformedWaves::state() const {
  const auto host = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace{}, parameters_);
  return {host.data(), host.data() + host.size()};
}

void DeformedWaves::set_state(const std::vector<double>& state) {
  if (state.size() != parameters_.size()) throw InternalError("parameters of other deformed waves");
  const auto host = Kokkos::create_mirror_view(parameters_);
  std::copy(state.begin(), state.end(), host.data());
  Kokkos::deep_copy(parameters_, host);
  refresh();
}

}  // namespace koushi
