#pragma once

#include <array>

#include "shared_linear.hpp"

namespace koushi {

/// How translations, an abelian group, act on the positions of a tensor: position place[r][t] is representative r moved
/// by t, t numbered by the powers of independent generators, t = (a, m): a of the first, m of the others.
struct TranslatedPositions {
  std::vector<std::vector<int>> place;
};

/// An abelian group of permutations as a product of cyclic groups. Errors: none; `first` = 0 where no such product was
/// found.
struct CyclicProduct {
  int first = 0;                           ///< order of the first factor
  std::vector<int> others;                 ///< of the others
  std::vector<std::vector<int>> elements;  ///< [(a, m)], permutations

  static CyclicProduct of(const std::vector<std::vector<int>>& group);
  int order() const { return static_cast<int>(elements.size()); }
  /// The orbits of positions 0 ... n - 1, on which element t acts by move(t, position). Empty where an element other
  /// than the identity leaves a position where it is.
  TranslatedPositions orbits(int n, const std::function<int(int, int)>& move) const;
};

/// A SharedLinear that commutes with translations, out_r[t] = sum_(r', t') K_(r r')[t'] in_r'[t + t'] for the orbits r, r'
/// of positions: a product with a matrix of orbits and channels at each momentum of one half of them. Derivatives are
/// those of SharedLinear; the outputs are equal to its own but for rounding.
///
/// Cost  per orbit and channel two transforms of 2 |T| (h / n_1) (n_1 + 2 |T| / n_1) flops, h = n_1 / 2 + 1, and per
///       momentum 8 (orbits x channels)^2; directly it is 2 orbits^2 channels^2 |T|^2
class FourierLinear final : public SharedLinear {
 public:
  FourierLinear(const SharedLinear& direct, const CyclicProduct& translations, TranslatedPositions in,
                TranslatedPositions out);
  std::unique_ptr<Layer> clone() const override { return std::make_unique<FourierLinear>(*this); }
  void set_parameters(const double* parameters) override;
  void forward(const double* in, double* out) const override;
  double flops() const override;

 private:
  struct Transforms {
    int first, half, others;          ///< n_1, n_1 / 2 + 1, |T| / n_1
    std::vector<double> along_first;  ///< packed, 2 half x n_1
    std::vector<double> to_re;        ///< packed, 2 others x others: what real parts give
    std::vector<double> to_im;        ///< what imaginary parts give
    std::vector<double> from_re;
    std::vector<double> from_im;
    std::vector<double> back_first;                 ///< packed, n_1 x 2 half
    std::vector<std::vector<double>> phase_first;   ///< [k][a] cos, sin interleaved
    std::vector<std::vector<double>> phase_others;  ///< [k][m]
    TranslatedPositions in, out;
    std::vector<std::vector<std::array<int, 3>>> of_orbit;  ///< [r] entries (r', t', slot)
  };
  int rows_in() const { return input().channels * static_cast<int>(transforms_->in.place.size()); }
  int rows_out() const { return output().channels * static_cast<int>(transforms_->out.place.size()); }

  std::shared_ptr<const Transforms> transforms_;
  std::vector<std::vector<double>> kernels_;  ///< [momentum] packed, 2 rows_out x 2 rows_in
};

}  // namespace koushi
