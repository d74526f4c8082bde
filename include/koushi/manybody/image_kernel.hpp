#pragma once

#include <Kokkos_Core.hpp>

#include "koushi/manybody/chain_kernel.hpp"
#include "koushi/manybody/shares.hpp"

namespace koushi {

/// Where the images of a state stand in a walker's row, and how moves act on them (image.hpp).
struct ImageTables {
  int images = 1;
  int column = 0;                                      ///< of the table where image 0 begins
  int stride = 0;                                      ///< from image to image
  Shares shares;                                       ///< of the images
  MoveList moves;                                      ///< those of images, too
  Kokkos::View<int** [2], Kokkos::LayoutRight> moved;  ///< [move][image][number, sign]

  KOKKOS_FUNCTION Walkers of_image(const Walkers& walkers, int c) const { return walkers.seen(c, column + c * stride); }
};

/// Moves of Psi(x) = sum_c w_c psi(g_c x), the `Inner` of chain_kernel.hpp being those of psi.
///
///   Psi(x') / Psi(x) = sum_c p_c psi(g_c x') / psi(g_c x),   p_c = w_c psi(g_c x) / Psi(x)
///
/// Every image has its own copy of the state and table of psi; a move of x is another move of the list on g_c x.
/// Cost        per image that of psi, and one ratio of psi more for an accepted move
template <typename Inner>
struct ImageMoves {
  static constexpr int group = Inner::group;
  static constexpr int at_once = Inner::at_once;

  ImageTables images;
  Inner inner;

  KOKKOS_FUNCTION const MoveSites& at(int k) const { return images.moves(k); }

  template <bool one_move, int n>
  KOKKOS_FUNCTION void ratios(const LaneTeam& team, const Walkers& walkers, const int* w, const int* k,
                              const int* sigma, Complex* result) const {
    for (int m = 0; m < n; ++m) result[m] = 0.0;
    for (int c = 0; c < images.images; ++c) {
      int number[n];
      int direction[n];
      for (int m = 0; m < n; ++m) {
        number[m] = images.moved(k[m], c, 0);
        direction[m] = sigma[m] * images.moved(k[m], c, 1);
      }
      Complex ratio[n];
      inner.template ratios<one_move, n>(team, images.of_image(walkers, c), w, number, direction, ratio);
      for (int m = 0; m < n; ++m) result[m] += product(images.shares(walkers.table_of(w[m]), c), ratio[m]);
    }
  }

  KOKKOS_FUNCTION void accept(const LaneTeam& team, const Walkers& walkers, int w, int k, int sigma) const {
    double* table = walkers.table_of(w);
    for (int c = 0; c < images.images; ++c) {
      const Walkers image = images.of_image(walkers, c);
      const int number = images.moved(k, c, 0);
      const int direction = sigma * images.moved(k, c, 1);
      Complex ratio;
      inner.template ratios<false, 1>(team, image, &w, &number, &direction, &ratio);
      inner.accept(team, image, w, number, direction);
      team.once([&] {
        images.shares.move(table, c, ratio);
        // The first copy is the state itself, which whoever proposed the move changes.
        if (c > 0) images.moves(number).apply(image.state_of(w), direction);
      });
    }
    team.once([&] { images.shares.normalise(table); });
  }
};

}  // namespace koushi
