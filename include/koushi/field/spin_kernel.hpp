#pragma once

#include <Kokkos_Core.hpp>

#include "koushi/base/lane_math.hpp"
#include "koushi/lattice/site_lanes.hpp"
#include "koushi/random/normal.hpp"

namespace koushi {

/// The couplings of a classical spin: for every forward displacement of its shells a coupling J.
struct SpinBonds {
  static constexpr int most = 40;
  int count = 0;
  int step[most][4] = {};
  double coupling[most] = {};
};

/// Index of the site reached from site x of a row by sign * step, and the weight of the boundary on the way.
struct SpinNeighbour {
  int site;
  double weight;
};

KOKKOS_INLINE_FUNCTION SpinNeighbour spin_neighbour(const GridView& grid, const GridRow& row, int x,
                                                    const int (&step)[4], int sign) {
  SpinNeighbour result{row.site + x, 1.0};
  for (int mu = grid.first_direction; mu < 4; ++mu) {
    if (step[mu] == 0) continue;
    const int c = mu < 3 ? row.coordinate[mu] : x;
    result.site += grid.step(mu, sign * step[mu], c);
    result.weight *= grid.factor(mu, sign * step[mu], c);
  }
  return result;
}

/// Unit vectors of n components (n = 1: Ising spins): S = - beta (sum_b J_b s.s' + h sum s_1).
template <int n>
struct VectorSpins {
  static constexpr int components = n;
  double beta = 1;
  double field = 0;
  int states = 0;  ///< clock model: angles 2 pi k / states only (n = 2); 0: all directions

  KOKKOS_INLINE_FUNCTION double pair(const double (&a)[n], const double (&b)[n]) const {
    double sum = 0;
    for (int c = 0; c < n; ++c) sum += a[c] * b[c];
    return sum;
  }
  KOKKOS_INLINE_FUNCTION double source(const double (&a)[n]) const { return field * a[0]; }
  KOKKOS_INLINE_FUNCTION bool has_two_states() const { return n == 1 || states == 2; }

  /// Another direction, symmetrically: the other one (n = 1), another angle of the clock, or one turned by up to about
  /// `width`.
  KOKKOS_INLINE_FUNCTION void propose(const double (&s)[n], const RandomBlock& first, const RandomBlock& second,
                                      double width, double (&out)[n]) const {
    if constexpr (n == 1) {
      out[0] = -s[0];
    } else if (n == 2 && states > 0) {
      const double angle = 6.283185307179586476925 / states;
      const double k = Kokkos::round(Kokkos::atan2(s[1], s[0]) / angle) + 1 + uniform_below(first.word[0], states - 1);
      out[0] = Kokkos::cos(angle * k);
      out[1] = Kokkos::sin(angle * k);
    } else {
      // s + width * normal vector, normalised: the density depends on the angle between old and new alone.
      const NormalPair a = normal_pair(first);
      const NormalPair b = normal_pair(second);
      const double normals[4] = {a.first, a.second, b.first, b.second};
      double norm = 0;
      for (int c = 0; c < n; ++c) {
        out[c] = s[c] + width * normals[c];
        norm += out[c] * out[c];
      }
      norm = 1 / Kokkos::sqrt(norm);
      for (int c = 0; c < n; ++c) out[c] *= norm;
    }
  }
};

/// Potts spins k = 0 ... states - 1: S = - beta (sum_b J_b [s = s'] + h sum [s = 0]).
struct PottsSpins {
  static constexpr int components = 1;
  double beta = 1;
  double field = 0;
  int states = 2;
  KOKKOS_INLINE_FUNCTION double pair(const double (&a)[1], const double (&b)[1]) const {
    return a[0] == b[0] ? 1.0 : 0.0;
  }
  KOKKOS_INLINE_FUNCTION double source(const double (&a)[1]) const { return a[0] == 0 ? field : 0.0; }
  KOKKOS_INLINE_FUNCTION bool has_two_states() const { return states == 2; }
  KOKKOS_INLINE_FUNCTION void propose(const double (&s)[1], const RandomBlock& first, const RandomBlock&, double,
                                      double (&out)[1]) const {
    const int other = static_cast<int>(s[0]) + 1 + uniform_below(first.word[0], states - 1);
    out[0] = other % states;
  }
};

/// One spin of a field.
template <int n>
KOKKOS_INLINE_FUNCTION void load_spin(const FieldPointer& field, int replica, int site, double (&out)[n]) {
  const double* const first = field.data + replica * field.per_replica + site;
  for (int c = 0; c < n; ++c) out[c] = first[c * field.per_component];
}

template <int n>
KOKKOS_INLINE_FUNCTION void store_spin(const FieldPointer& field, int replica, int site, const double (&in)[n]) {
  double* const first = field.data + replica * field.per_replica + site;
  for (int c = 0; c < n; ++c) first[c * field.per_component] = in[c];
}

/// The part of - S / beta that one spin has with its neighbours and the field.
template <typename Spins>
KOKKOS_INLINE_FUNCTION double spin_alignment(const Spins& spins, const SpinBonds& bonds, const GridView& grid,
                                             const FieldPointer& field, const GridRow& row, int x,
                                             const double (&s)[Spins::components]) {
  constexpr int n = Spins::components;
  double sum = spins.source(s);
  for (int b = 0; b < bonds.count; ++b) {
    for (int sign = -1; sign <= 1; sign += 2) {
      const SpinNeighbour at = spin_neighbour(grid, row, x, bonds.step[b], sign);
      if (at.weight == 0) continue;
      double other[n];
      load_spin(field, row.replica, at.site, other);
      if constexpr (n > 1) {
        for (int c = 0; c < n; ++c) other[c] *= at.weight;
        sum += bonds.coupling[b] * spins.pair(s, other);
      } else {
        sum += bonds.coupling[b] * at.weight * spins.pair(s, other);
      }
    }
  }
  return sum;
}

/// Metropolis updates of the sites of one colour. Spins of two states are turned with their heat-bath probability 1 /
/// (1 + e^{dS}): always flipping where dS = 0, in a fixed order of the sites, leaves configurations (of a ring, say)
/// that are never left.
template <typename Spins>
struct SpinMetropolis {
  Spins spins;
  SpinBonds bonds;
  GridView grid;
  FieldPointer field;
  Kokkos::View<int*> sites;
  Kokkos::View<double*> accepted;
  std::uint64_t seed;
  std::uint64_t step;
  int hits;
  double width;

  KOKKOS_FUNCTION void operator()(int k) const {
    constexpr int n = Spins::components;
    const auto [row, x] = grid.listed(sites, k);
    const auto number = static_cast<std::uint64_t>(grid.global_site(row, x));
    const auto first_draw = static_cast<std::uint32_t>((grid.first_replica + row.replica) * hits * 3);
    int count = 0;
    for (int hit = 0; hit < hits; ++hit) {
      const auto block = [&](int draw) {
        return philox(seed, RandomPurpose::local_update, step, number,
                      first_draw + static_cast<std::uint32_t>(3 * hit + draw));
      };
      double s[n];
      double other[n];
      load_spin(field, row.replica, row.site + x, s);
      const RandomBlock first = block(0);
      spins.propose(s, first, n > 2 ? block(1) : first, width, other);
      const double change = spins.beta * (spin_alignment(spins, bonds, grid, field, row, x, s) -
                                          spin_alignment(spins, bonds, grid, field, row, x, other));
      const RandomBlock last = block(2);
      const double weight = Kokkos::exp(-change);
      if (uniform(last.word[0], last.word[1]) >= (spins.has_two_states() ? weight / (1 + weight) : weight)) continue;
      store_spin(field, row.replica, row.site + x, other);
      ++count;
    }
    accepted(k) = count;
  }
};

/// Where the random word of an Ising spin is found: sites of one parity of a row in groups of 32 share 8 blocks of four
/// words, site j = 8 word + block of a group. So eight lanes and four words serve 32 sites, and the word of a site does
/// not depend on how rows are cut.
KOKKOS_INLINE_FUNCTION int ising_word(std::int64_t coordinate) { return static_cast<int>(coordinate / 16 % 4); }

/// Heat-bath updates of Ising spins with nearest neighbours, S = - (sum_b strength s s' + source sum s): s turns with
/// probability 1 / (1 + e^{dS}), dS = 2 s (strength sum of its neighbours + source). The comparison takes 32 random
/// bits, which moves the probability by less than 2^-32.
///
/// Without a source and on periodic lattices s times the sum of its neighbours is one of 2 d + 1 numbers, whose
/// probabilities are in a table.
///
/// T      Simd: 32 sites of one parity of a split row at once, place x, of which `count` are meant; double: one site
/// Cost   per 32 sites some 100 integer operations of Philox in eight lanes; per site in vectors 4 d + 10 operations,
///        or 2 d + 26 with the exponential;
///        24 bytes of memory per sweep and site
template <typename T>
struct IsingHeatbath {
  GridView grid;
  FieldPointer field;
  double strength;
  double source;
  std::uint64_t seed;
  std::uint64_t step;
  std::uint32_t first_draw;
  std::uint32_t draws_per_replica;
  bool weighted;  ///< whether a boundary has a factor
  /// A spin turns if its random word is below limit[m modulo 8], where s times the sum is 2 m, -d <= m <= d; of the two
  /// that meet in four directions m = -4 is in the table and m = 4 apart.
  double limit[8];
  double last_limit;

  /// (word + 1/2) / 2^32 < p, for integers.
  KOKKOS_INLINE_FUNCTION static double limit_of(double p) { return Kokkos::ceil(p * 0x1.0p32 - 0.5); }
  /// Fills the table.
  void tabulate() {
    const int d = 4 - grid.first_direction;
    const auto of = [&](int m) { return limit_of(1 / (1 + Kokkos::exp(4 * strength * m))); };
    for (int m = d; m >= -d; --m) limit[m & 7] = of(m);
    last_limit = of(d);
  }

  using L = Lanes<T>;
  using Word = typename L::Word;

  /// Neighbours of the sites of one parity of a split row: whole rows beside it, and its own other half, of which one
  /// site stands elsewhere.
  struct Beside {
    const double* row[6];
    int rows = 0;
    const double* own;
    int shift[2];  ///< from a site's place to those of its neighbours along the row
    /// place of the site one of whose neighbours is `wrapped`: its left one for even sites, its right one for odd ones
    int edge;
    const double* wrapped;
    KOKKOS_FORCEINLINE_FUNCTION Beside(const GridView& grid, const FieldPointer& field, const GridRow& at, int parity)
        : own(field.at(at, 0)) {
      for (int mu = grid.first_direction; mu < 3; ++mu) {
        for (int side = -1; side <= 1; side += 2) row[rows++] = own + grid.step(mu, side, at.coordinate[mu]);
      }
      shift[0] = parity == 0 ? grid.half - 1 : -grid.half;
      shift[1] = shift[0] + 1;
      edge = parity == 0 ? 0 : 2 * grid.half - 1;
      wrapped = own + edge + grid.step(3, 2 * parity - 1, edge);
    }
    KOKKOS_FORCEINLINE_FUNCTION T sum(int x, int parity) const {
      T near[2] = {L::load(own + x + shift[0]), L::load(own + x + shift[1])};
      if (edge >= x && edge < x + L::width) near[parity] = L::select(L::only(edge - x), T(*wrapped), near[parity]);
      T total = near[0] + near[1];
      for (int k = 0; k < rows; k += 2) total = total + (L::load(row[k] + x) + L::load(row[k + 1] + x));
      return total;
    }
  };

  /// The sum of its neighbours for any site, with the factors of boundaries.
  KOKKOS_INLINE_FUNCTION T sum_of(const GridRow& row, int x, int count) const {
    const SiteLanes<T> at(grid, row, x, count);
    T sum(0.0);
    for (int mu = grid.first_direction; mu < 4; ++mu) {
      for (int side = -1; side <= 1; side += 2) {
        T other[1];
        at.template load<1>(field, 0, at.step(mu, side), other);
        sum = L::fma(at.factor(mu, side), other[0], sum);
      }
    }
    return sum;
  }

  /// Turns or leaves the spins at `spins`, as `word` says.
  KOKKOS_FORCEINLINE_FUNCTION int update(double* spins, const T& sum, const Word& word, int count) const {
    const T spin = L::load(spins);
    const T shift(4503599627370496.0);  // 2^52 + word, a number made of its bits
    const T drawn = L::from_bits(word | Word(0x4330000000000000ULL));
    typename L::Mask turned;
    if (source == 0 && !weighted) {
      const T aligned = spin * sum;
      T below = L::lookup(limit, aligned);
      if (grid.first_direction == 0) below = L::select(T(7.0) < aligned, T(last_limit), below);
      turned = drawn < shift + below;
    } else {
      const T change = (spin + spin) * L::fma(T(strength), sum, T(source));
      const T probability = T(1.0) / (T(1.0) + lane_exp(Kokkos::max(T(-700.0), Kokkos::min(T(700.0), change))));
      turned = (drawn - (shift - T(0.5))) * T(0x1.0p-32) < probability;
    }
    if (count < L::width) turned = turned && L::first(count);
    L::store(L::select(turned, T(0.0) - spin, spin), spins, count);
    return L::count(turned);
  }

  KOKKOS_FUNCTION void operator()(const GridRow& row, int x, int count, std::int64_t& sum) const {
    const auto draw = static_cast<std::uint64_t>(
        first_draw + static_cast<std::uint32_t>(grid.first_replica + row.replica) * draws_per_replica);
    const auto number = static_cast<std::uint64_t>(grid.global_site(row, x));
    double* const spins = field.at(row, 0);
    if constexpr (L::width == 1) {
      const int word = ising_word(grid.global_first[3] + grid.coordinate(x));
      const RandomBlock block =
          philox(seed, RandomPurpose::local_update, step, number - 16 * static_cast<std::uint64_t>(word),
                 static_cast<std::uint32_t>(draw));
      sum += update(spins + x, sum_of(row, x, count), block.word[word], count);
    } else {
      const int parity = x < grid.half ? 0 : 1;
      const Beside beside(grid, field, row, parity);
      for (int part = 0; part < 8; part += L::width) {  // of the eight blocks of a group
        if (part >= count) return;
        const RandomLanes<T> block =
            philox_lanes<T>(seed, RandomPurpose::local_update, step,
                            L::words(number + 2 * static_cast<std::uint64_t>(part), 2), Word(draw));
        for (int w = 0; w < 4; ++w) {
          const int first = x + 8 * w + part;
          if (first >= x + count) break;
          const int n = Kokkos::min(int{L::width}, x + count - first);
          sum += update(spins + first, weighted ? sum_of(row, first, n) : beside.sum(first, parity), block.word[w], n);
        }
      }
    }
  }
};

/// Sums per site: J pair over its forward bonds, pair over those of the first shell, the source term, and the number of
/// its forward bonds of the first shell.
template <typename Spins>
struct SpinSiteSums {
  Spins spins;
  SpinBonds bonds;
  int first_shell;  ///< number of its bonds, which come first
  GridView grid;
  FieldPointer field;
  KOKKOS_FUNCTION auto on(const GridRow& row) const {
    const SpinSiteSums self = *this;
    return [self, row](int x, const RowSides&, double(&values)[4]) {
      constexpr int n = Spins::components;
      double s[n];
      load_spin(self.field, row.replica, row.site + x, s);
      values[0] = 0;
      values[1] = 0;
      values[2] = self.spins.source(s);
      values[3] = 0;
      for (int b = 0; b < self.bonds.count; ++b) {
        const SpinNeighbour at = spin_neighbour(self.grid, row, x, self.bonds.step[b], 1);
        double other[n];
        load_spin(self.field, row.replica, at.site, other);
        const double pair = at.weight * self.spins.pair(s, other);
        values[0] += self.bonds.coupling[b] * pair;
        if (b < self.first_shell) {
          values[1] += pair;
          values[3] += at.weight * at.weight;
        }
      }
    };
  }
};

/// s <- 2 (s.h) h / h^2 - s, h the sum of the neighbours with their couplings: S stays as it is. Sites of one colour, n
/// >= 2.
template <int n>
struct SpinOverrelaxation {
  VectorSpins<n> spins;
  SpinBonds bonds;
  GridView grid;
  FieldPointer field;
  Kokkos::View<int*> sites;
  KOKKOS_FUNCTION void operator()(int k) const {
    const auto [row, x] = grid.listed(sites, k);
    double h[n] = {};
    h[0] = spins.field;
    for (int b = 0; b < bonds.count; ++b) {
      for (int sign = -1; sign <= 1; sign += 2) {
        const SpinNeighbour at = spin_neighbour(grid, row, x, bonds.step[b], sign);
        double other[n];
        load_spin(field, row.replica, at.site, other);
        for (int c = 0; c < n; ++c) h[c] += bonds.coupling[b] * at.weight * other[c];
      }
    }
    double s[n];
    load_spin(field, row.replica, row.site + x, s);
    double dot = 0;
    double square = 0;
    for (int c = 0; c < n; ++c) {
      dot += s[c] * h[c];
      square += h[c] * h[c];
    }
    if (square < 1e-30) return;
    double norm = 0;
    for (int c = 0; c < n; ++c) {
      s[c] = 2 * dot / square * h[c] - s[c];
      norm += s[c] * s[c];
    }
    norm = 1 / Kokkos::sqrt(norm);  // rounding would leave the sphere in the long run
    for (int c = 0; c < n; ++c) s[c] *= norm;
    store_spin(field, row.replica, row.site + x, s);
  }
};

/// p <- p - time (dS/ds - (dS/ds . s) s): the force along the sphere.
template <int n>
struct SphereKick {
  VectorSpins<n> spins;
  SpinBonds bonds;
  GridView grid;
  FieldPointer field;
  FieldPointer momentum;
  double time;
  KOKKOS_FUNCTION auto on(const GridRow& row) const {
    const SphereKick self = *this;
    return [self, row](int x, const RowSides&) {
      double h[n] = {};
      h[0] = self.spins.field;
      for (int b = 0; b < self.bonds.count; ++b) {
        for (int sign = -1; sign <= 1; sign += 2) {
          const SpinNeighbour at = spin_neighbour(self.grid, row, x, self.bonds.step[b], sign);
          double other[n];
          load_spin(self.field, row.replica, at.site, other);
          for (int c = 0; c < n; ++c) h[c] += self.bonds.coupling[b] * at.weight * other[c];
        }
      }
      double s[n];
      load_spin(self.field, row.replica, row.site + x, s);
      double along = 0;
      for (int c = 0; c < n; ++c) along += h[c] * s[c];
      for (int c = 0; c < n; ++c) self.momentum.at(row, c)[x] += self.time * self.spins.beta * (h[c] - along * s[c]);
    };
  }
};

/// Along the great circle: s <- s cos(|p| t) + p / |p| sin(|p| t), and p with it.
template <int n>
struct SphereDrift {
  FieldPointer field;
  FieldPointer momentum;
  double time;
  KOKKOS_FUNCTION auto on(const GridRow& row) const {
    const SphereDrift self = *this;
    return [self, row](int x, const RowSides&) {
      double square = 0;
      for (int c = 0; c < n; ++c) square += self.momentum.at(row, c)[x] * self.momentum.at(row, c)[x];
      const double speed = Kokkos::sqrt(square);
      if (speed == 0) return;
      const double cosine = Kokkos::cos(speed * self.time);
      const double sine = Kokkos::sin(speed * self.time);
      double norm = 0;
      double s[n];
      double p[n];
      for (int c = 0; c < n; ++c) {
        s[c] = self.field.at(row, c)[x];
        p[c] = self.momentum.at(row, c)[x];
        const double moved = s[c] * cosine + p[c] / speed * sine;
        p[c] = p[c] * cosine - speed * s[c] * sine;
        s[c] = moved;
        norm += s[c] * s[c];
      }
      norm = 1 / Kokkos::sqrt(norm);
      for (int c = 0; c < n; ++c) {
        self.field.at(row, c)[x] = s[c] * norm;
        self.momentum.at(row, c)[x] = p[c];
      }
    };
  }
};

/// p <- p - (p.s) s
template <int n>
struct ToTangent {
  FieldPointer field;
  FieldPointer momentum;
  KOKKOS_FUNCTION auto on(const GridRow& row) const {
    const ToTangent self = *this;
    return [self, row](int x, const RowSides&) {
      double along = 0;
      for (int c = 0; c < n; ++c) along += self.momentum.at(row, c)[x] * self.field.at(row, c)[x];
      for (int c = 0; c < n; ++c) self.momentum.at(row, c)[x] -= along * self.field.at(row, c)[x];
    };
  }
};

}  // namespace koushi
