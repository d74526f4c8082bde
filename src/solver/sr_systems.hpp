#pragma once

#include <complex>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "centred_rows.hpp"
#include "koushi/parallel/distributed_rows.hpp"

namespace koushi {

/// A symmetric positive definite system (A + lambda) x = b of stochastic reconfiguration, its vectors replicated.
///
/// Where A is complex, n x n and Hermitian, vectors are interleaved (re, im), and outside the system is real,
/// symmetric and 2n x 2n: [re, -im; im, re] in the place of each entry.
class SrSystem {
 public:
  using Tile = GramTiles::Tile;
  virtual ~SrSystem() = default;
  virtual std::int64_t extent() const = 0;  ///< n
  virtual bool is_complex() const = 0;
  std::int64_t unknowns() const { return is_complex() ? 2 * extent() : extent(); }
  /// (A + lambda) x. Collective.
  virtual std::vector<double> multiply(const std::vector<double>& x) const = 0;
  /// Makes what write() needs for the tiles of the lower half, or for those of the diagonal alone. Collective.
  virtual std::unique_ptr<GramTiles> tiles(bool diagonal_alone) const = 0;
  virtual const Communicator& comm() const = 0;

  /// Of A + lambda: [unknowns()]. Collective.
  std::vector<double> diagonal() const;
};

/// put(i, j, value) for the entries of the real form that tiles of the lower half stand for, and their mirror images.
template <typename Put>
void for_entries(const SrSystem& system, const std::vector<GramTiles::Tile>& tiles, const Put& put) {
  for (const GramTiles::Tile& tile : tiles) {
    for (int j = 0; j < tile_extent; ++j) {
      const std::int64_t q = tile.column * tile_extent + j;
      for (int i = 0; i < tile_extent; ++i) {
        const std::int64_t p = tile.row * tile_extent + i;
        if (p >= system.extent() || q > p) continue;
        const double re = tile.re[tile_at(i, j)];
        if (!system.is_complex()) {
          put(p, q, re);
          if (p != q) put(q, p, re);
          continue;
        }
        const double im = p == q ? 0.0 : tile.im[tile_at(i, j)];
        for (int a = 0; a < 2; ++a) {
          for (int b = 0; b < 2; ++b) {
            const double value = a == b ? re : a < b ? -im : im;
            put(2 * p + a, 2 * q + b, value);
            if (p != q) put(2 * q + b, 2 * p + a, value);
          }
        }
      }
    }
  }
}

/// S + diag(shifts) in the space of the parameters, S = Obar^dagger Obar (its real part where not holomorphic). shifts:
/// [extent()]
class ParameterSystem final : public SrSystem {
 public:
  ParameterSystem(const CentredRows& rows, std::vector<double> shifts) : rows_(rows), shifts_(std::move(shifts)) {}
  std::int64_t extent() const override { return rows_.rows().columns(); }
  bool is_complex() const override { return rows_.rows().holomorphic(); }
  std::vector<double> multiply(const std::vector<double>& x) const override;
  std::unique_ptr<GramTiles> tiles(bool diagonal_alone) const override;
  const Communicator& comm() const override { return rows_.comm(); }

 private:
  const CentredRows& rows_;
  std::vector<double> shifts_;
};

/// Obar Obar^dagger + lambda in the space of the samples; of [Re Obar; Im Obar] where not holomorphic, and of Re Obar
/// where O is real.
class SampleSystem final : public SrSystem {
 public:
  SampleSystem(const CentredRows& rows, double shift) : rows_(rows), shift_(shift) {}
  std::int64_t extent() const override;
  bool is_complex() const override { return rows_.rows().holomorphic(); }
  std::vector<double> multiply(const std::vector<double>& x) const override;
  std::unique_ptr<GramTiles> tiles(bool diagonal_alone) const override;
  const Communicator& comm() const override { return rows_.comm(); }

  /// A vector over the local samples as one of this system, and back. The former is collective.
  std::vector<double> gather(const std::vector<std::complex<double>>& local) const;
  std::vector<std::complex<double>> local(const std::vector<double>& all) const;

 private:
  const CentredRows& rows_;
  double shift_;
};

}  // namespace koushi
