#include "fourier_linear.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <complex>
#include <map>
#include <numbers>
#include <set>

#include "lane_products.hpp"

namespace koushi {

namespace {

constexpr int block = samples_at_once;

std::size_t at(std::int64_t i) { return static_cast<std::size_t>(i); }

using Permutation = std::vector<int>;

Permutation product(const Permutation& a, const Permutation& b) {  // a after b
  Permutation c(b.size());
  for (std::size_t i = 0; i < b.size(); ++i) c[i] = a[at(b[i])];
  return c;
}

/// to(row) = sum_c M[row][c] x[c], in one or two parts whose rows are `stride` numbers apart.
template <typename To>
void multiply(const std::vector<double>& packed, const std::vector<double>* packed_too, int rows, int columns,
              const double* x, const double* y, std::ptrdiff_t stride, const To& to) {
  for_outputs(rows, [&](int first, auto count) {
    constexpr int outputs = decltype(count)::value;
    Simd sum[outputs][vectors_at_once];
    unrolled<outputs>([&](auto o) { unrolled<vectors_at_once>([&](auto v) { sum[o][v] = Simd(0.0); }); });
    const std::ptrdiff_t skip = static_cast<std::ptrdiff_t>(first) * columns;
    add_inputs<outputs>(sum, packed.data() + skip, x, columns, stride);
    if (packed_too != nullptr) add_inputs<outputs>(sum, packed_too->data() + skip, y, columns, stride);
    unrolled<outputs>([&](auto o) {
      double* row = to(first + o);
      unrolled<vectors_at_once>([&](auto v) { store(sum[o][v], row + v * simd_width()); });
    });
  });
}

}  // namespace

CyclicProduct CyclicProduct::of(const std::vector<Permutation>& group) {
  CyclicProduct result;
  result.elements = {group.front()};
  std::set<Permutation> known{group.front()};
  const auto powers = [&](const Permutation& g) {
    std::vector<Permutation> all{group.front()};
    for (Permutation p = g; p != group.front(); p = product(g, p)) all.push_back(p);
    return all;
  };
  // An element of the largest order whose powers are new beside what is there makes a factor.
  std::vector<std::vector<Permutation>> cycles;
  for (const Permutation& g : group) cycles.push_back(powers(g));
  std::stable_sort(cycles.begin(), cycles.end(), [](const auto& a, const auto& b) { return a.size() > b.size(); });
  for (const auto& cycle : cycles) {
    if (cycle.size() < 2 ||
        std::any_of(cycle.begin() + 1, cycle.end(), [&](const auto& g) { return known.count(g) > 0; }))
      continue;
    std::vector<Permutation> longer;
    for (const Permutation& g : result.elements) {
      for (const Permutation& power : cycle) longer.push_back(product(g, power));
    }
    result.elements = std::move(longer);
    known = {result.elements.begin(), result.elements.end()};
    (result.first == 0 ? result.first : result.others.emplace_back()) = static_cast<int>(cycle.size());
  }
  if (result.elements.size() != group.size()) result.first = 0;
  return result;
}

TranslatedPositions CyclicProduct::orbits(int n, const std::function<int(int, int)>& move) const {
  TranslatedPositions result;
  std::vector<bool> seen(at(n), false);
  for (int p = 0; p < n; ++p) {
    if (seen[at(p)]) continue;
    result.place.emplace_back();
    for (int t = 0; t < order(); ++t) {
      const int q = move(t, p);
      if (seen[at(q)]) return {};
      seen[at(q)] = true;
      result.place.back().push_back(q);
    }
  }
  return result;
}

FourierLinear::FourierLinear(const SharedLinear& direct, const CyclicProduct& translations, TranslatedPositions in,
                             TranslatedPositions out)
    : SharedLinear(direct) {
  Transforms t;
  const int n = translations.first;
  const int m = translations.order() / n;
  t.first = n;
  t.half = n / 2 + 1;
  t.others = m;
  // Momentum k of the other factors: the phase is the sum over them.
  const auto phase_of_others = [&](int k, int x) {
    double turns = 0;
    for (std::size_t d = translations.others.size(); d-- > 0;) {
      const int order = translations.others[d];
      turns += static_cast<double>(k % order) * (x % order) / order;
      k /= order;
      x /= order;
    }
    return std::polar(1.0, 2 * std::numbers::pi * turns);
  };
  const auto phase_of_first = [&](int k, int x) { return std::polar(1.0, 2 * std::numbers::pi * (k * x % n) / n); };
  for (int k = 0; k < t.half; ++k) {
    t.phase_first.emplace_back();
    for (int a = 0; a < n; ++a) {
      t.phase_first.back().push_back(phase_of_first(k, a).real());
      t.phase_first.back().push_back(phase_of_first(k, a).imag());
    }
  }
  for (int k = 0; k < m; ++k) {
    t.phase_others.emplace_back();
    for (int x = 0; x < m; ++x) {
      t.phase_others.back().push_back(phase_of_others(k, x).real());
      t.phase_others.back().push_back(phase_of_others(k, x).imag());
    }
  }
  const int h = t.half;
  // e^(-i k a): rows re of all k, then im
  t.along_first = packed_rows(2 * h, n, [&](int r, int a) {
    const auto phase = phase_of_first(r % h, a);
    return r < h ? phase.real() : -phase.imag();
  });
  // (re + i im) e^(-i k x)
  t.to_re = packed_rows(2 * m, m, [&](int r, int x) {
    const auto phase = phase_of_others(r % m, x);
    return r < m ? phase.real() : -phase.imag();
  });
  t.to_im = packed_rows(2 * m, m, [&](int r, int x) {
    const auto phase = phase_of_others(r % m, x);
    return r < m ? phase.imag() : phase.real();
  });
  // (re + i im) e^(i k x), rows x
  t.from_re = packed_rows(2 * m, m, [&](int r, int k) {
    const auto phase = phase_of_others(k, r % m);
    return r < m ? phase.real() : phase.imag();
  });
  t.from_im = packed_rows(2 * m, m, [&](int r, int k) {
    const auto phase = phase_of_others(k, r % m);
    return r < m ? -phase.imag() : phase.real();
  });
  // Re of (re + i im) e^(i k a)
  t.back_first = packed_rows(n, 2 * h, [&](int a, int c) {
    const auto phase = phase_of_first(c % h, a);
    return c < h ? phase.real() : -phase.imag();
  });
  std::map<int, std::pair<int, int>> where;  // input position -> (r', t')
  for (std::size_t r = 0; r < in.place.size(); ++r) {
    for (std::size_t x = 0; x < in.place[r].size(); ++x)
      where[in.place[r][x]] = {static_cast<int>(r), static_cast<int>(x)};
  }
  for (const auto& orbit : out.place) {
    t.of_orbit.emplace_back();
    for (const Stencil::Entry& entry : inputs_of(orbit[0])) {
      const auto [r, x] = where.at(entry.position);
      t.of_orbit.back().push_back({r, x, entry.slot});
    }
  }
  t.in = std::move(in);
  t.out = std::move(out);
  transforms_ = std::make_shared<const Transforms>(std::move(t));
}

void FourierLinear::set_parameters(const double* parameters) {
  SharedLinear::set_parameters(parameters);
  const Transforms& t = *transforms_;
  const int orbits_in = static_cast<int>(t.in.place.size());
  const int orbits_out = static_cast<int>(t.out.place.size());
  const int c_in = input().channels;
  const int c_out = output().channels;
  const int momenta = t.half * t.others;
  const int order = t.first * t.others;
  // K(q) = sum_t K[t] e^(i q t), with what the way back wants: 1 / |T|, and 2 where one momentum stands for two.
  std::vector<std::complex<double>> kernel(at(momenta) * at(rows_out()) * at(rows_in()));
  std::vector<double> of_t(at(order));
  std::vector<std::complex<double>> half_way(at(t.half) * at(t.others));
  for (int o = 0; o < c_out; ++o) {
    for (int i = 0; i < c_in; ++i) {
      const double* w = parameters + (static_cast<std::ptrdiff_t>(o) * c_in + i) * slots();
      for (int r = 0; r < orbits_out; ++r) {
        for (int s = 0; s < orbits_in; ++s) {
          std::fill(of_t.begin(), of_t.end(), 0.0);
          bool any = false;
          for (const auto& [orbit, x, slot] : t.of_orbit[at(r)]) {
            if (orbit != s) continue;
            of_t[at(x)] += w[slot];
            any = true;
          }
          if (!any) continue;
          for (int k = 0; k < t.half; ++k) {
            for (int m = 0; m < t.others; ++m) {
              std::complex<double> sum = 0;
              for (int a = 0; a < t.first; ++a)
                sum += of_t[at(a * t.others + m)] *
                       std::complex<double>(t.phase_first[at(k)][at(2 * a)], t.phase_first[at(k)][at(2 * a + 1)]);
              half_way[at(k * t.others + m)] = sum;
            }
          }
          for (int k = 0; k < t.half; ++k) {
            const double copies = k == 0 || 2 * k == t.first ? 1 : 2;
            for (int l = 0; l < t.others; ++l) {
              std::complex<double> sum = 0;
              for (int m = 0; m < t.others; ++m)
                sum += half_way[at(k * t.others + m)] *
                       std::complex<double>(t.phase_others[at(l)][at(2 * m)], t.phase_others[at(l)][at(2 * m + 1)]);
              kernel[(at(k * t.others + l) * at(rows_out()) + at(o * orbits_out + r)) * at(rows_in()) +
                     at(i * orbits_in + s)] = sum * (copies / order);
            }
          }
        }
      }
    }
  }
  kernels_.clear();
  for (int q = 0; q < momenta; ++q) {
    kernels_.push_back(packed_rows(2 * rows_out(), 2 * rows_in(), [&](int row, int column) {
      const std::complex<double> z = kernel[(at(q) * at(rows_out()) + at(row / 2)) * at(rows_in()) + at(column / 2)];
      if (row % 2 == column % 2) return z.real();
      return row % 2 == 0 ? -z.imag() : z.imag();
    }));
  }
}

void FourierLinear::forward(const double* in, double* out) const {
  const Transforms& t = *transforms_;
  const int n = t.first;
  const int m = t.others;
  const int h = t.half;
  const int in_rows = 2 * rows_in();
  const int out_rows = 2 * rows_out();
  // A row is left out after each momentum: distances of a power of 2 would fall into the same lines of a cache.
  const std::ptrdiff_t in_stride = static_cast<std::ptrdiff_t>(in_rows + 1) * block;
  const std::ptrdiff_t out_stride = static_cast<std::ptrdiff_t>(out_rows + 1) * block;
  thread_local std::vector<double> gathered;
  thread_local std::vector<double> half_way;
  thread_local std::vector<double> in_momenta;
  thread_local std::vector<double> out_momenta;
  gathered.resize(at(n) * at(m) * block);
  half_way.resize(2 * at(h) * at(m) * block);
  in_momenta.resize(at(h) * at(m) * at(in_stride));
  out_momenta.resize(at(h) * at(m) * at(out_stride));
  const int orbits_in = static_cast<int>(t.in.place.size());
  for (int f = 0; f < rows_in(); ++f) {
    const std::vector<int>& place = t.in.place[at(f % orbits_in)];
    const double* from = in + static_cast<std::ptrdiff_t>(f / orbits_in) * input().positions * block;
    for (int a = 0; a < n; ++a) {  // [m][a]
      for (int x = 0; x < m; ++x)
        std::copy_n(from + static_cast<std::ptrdiff_t>(place[at(a * m + x)]) * block, block,
                    gathered.data() + static_cast<std::ptrdiff_t>(x * n + a) * block);
    }
    for (int x = 0; x < m; ++x) {
      multiply(t.along_first, nullptr, 2 * h, n, gathered.data() + static_cast<std::ptrdiff_t>(x) * n * block, nullptr,
               block, [&](int row) { return half_way.data() + (static_cast<std::ptrdiff_t>(row) * m + x) * block; });
    }
    for (int k = 0; k < h; ++k) {
      const double* re = half_way.data() + static_cast<std::ptrdiff_t>(k) * m * block;
      multiply(t.to_re, &t.to_im, 2 * m, m, re, re + static_cast<std::ptrdiff_t>(h) * m * block, block,
               [&](int row) { return in_momenta.data() + (k * m + row % m) * in_stride + (2 * f + row / m) * block; });
    }
  }
  for (int q = 0; q < h * m; ++q) {
    multiply(kernels_[at(q)], nullptr, out_rows, in_rows, in_momenta.data() + q * in_stride, nullptr, block,
             [&](int row) { return out_momenta.data() + q * out_stride + row * block; });
  }
  const int orbits_out = static_cast<int>(t.out.place.size());
  for (int f = 0; f < rows_out(); ++f) {
    for (int k = 0; k < h; ++k) {
      const double* re = out_momenta.data() + k * m * out_stride + 2 * f * block;
      multiply(t.from_re, &t.from_im, 2 * m, m, re, re + block, out_stride, [&](int row) {
        return half_way.data() + ((static_cast<std::ptrdiff_t>(row / m) * h + k) * m + row % m) * block;
      });
    }
    const std::vector<int>& place = t.out.place[at(f % orbits_out)];
    double* to = out + static_cast<std::ptrdiff_t>(f / orbits_out) * output().positions * block;
    const Simd bias(bias_of(f / orbits_out));
    for (int x = 0; x < m; ++x) {
      multiply(t.back_first, nullptr, n, 2 * h, half_way.data() + static_cast<std::ptrdiff_t>(x) * block, nullptr,
               static_cast<std::ptrdiff_t>(m) * block,
               [&](int a) { return to + static_cast<std::ptrdiff_t>(place[at(a * m + x)]) * block; });
    }
    for (const int position : place) {
      for (int v = 0; v < block; v += simd_width()) {
        double* x = to + static_cast<std::ptrdiff_t>(position) * block + v;
        store(load(x) + bias, x);
      }
    }
  }
}

double FourierLinear::flops() const {
  const Transforms& t = *transforms_;
  const double momenta = static_cast<double>(t.half) * t.others;
  const double transform = 4.0 * momenta * (t.first + 2.0 * t.others);
  return transform * (rows_in() + rows_out()) + 8.0 * momenta * rows_in() * rows_out();
}

}  // namespace koushi
