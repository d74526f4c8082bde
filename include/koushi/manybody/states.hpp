#pragma once

#include <Kokkos_Core.hpp>
#include <cstdint>

namespace koushi {

using Complex = Kokkos::complex<double>;
using RealRows = Kokkos::View<double**, Kokkos::LayoutRight>;
using LocalRows = Kokkos::View<std::int8_t**, Kokkos::LayoutRight>;
using IndexRows = Kokkos::View<std::int16_t**, Kokkos::LayoutRight>;

/// n basis states. What a place holds is a number of its local space (space.hpp): 2 S^z of a spin, the occupation of a
/// fermion mode or of a boson site. Fermions are numbered; the extents of `particle` and `occupant` are 0 where there
/// are none.
/// A row holds the state and, behind it, its images where a wavefunction sums over them (image.hpp).
struct States {
  LocalRows local;     ///< [n][copy][place]
  IndexRows particle;  ///< [n][copy][particle] -> place
  IndexRows occupant;  ///< [n][copy][place] -> particle, -1: empty or no fermion mode
  int copies = 1;      ///< of which the first is the state itself

  KOKKOS_FUNCTION int places() const { return static_cast<int>(local.extent(1)) / copies; }
  KOKKOS_FUNCTION int particles() const { return static_cast<int>(particle.extent(1)) / copies; }
};

/// The states of `from` into rows of as many others, without the images.
void assign_states(const States& to, const States& from);

/// Basis states, and for each of them the table that makes moves cheap: what chains hold and what samples are.
struct Batch {
  States states;
  RealRows table;  ///< [n][columns], its meaning is the wavefunction's; extent 0: none are kept
  int copy = 0;    ///< what a factor sees of a row: this copy of the state
  int column = 0;  ///< and its table from here on

  bool has_tables() const { return table.extent(0) == states.local.extent(0); }
};

/// One basis state in the memory where kernels run.
struct StateView {
  std::int8_t* local;
  std::int16_t* particle;
  std::int16_t* occupant;
};

/// x_p -> x_p + sigma c_p at up to four places, sigma = +1 or -1, as kernels see it (Move of move.hpp).
struct MoveSites {
  static constexpr int max_places = 4;

  std::int16_t place[max_places];
  std::int16_t guard[2][2];  ///< [sigma +, -]: places of fermions that must be empty; -1: none
  std::int8_t change[max_places];
  std::int8_t min[max_places];  ///< of the places' local spaces
  std::int8_t max[max_places];
  std::int8_t n;
  std::int8_t hops;     ///< the particle of place[2 h] goes to place[2 h + 1] (sigma = -1: back), h < hops
  std::int8_t either;   ///< both directions can act on one state: sigma is drawn
  std::int8_t guarded;  ///< some guard is set

  /// Whether the state x can be moved in this direction.
  KOKKOS_FUNCTION bool acts(const std::int8_t* x, int sigma) const {
    bool yes = true;
    for (int p = 0; p < n; ++p) {
      const int y = x[place[p]] + sigma * change[p];
      yes = yes && y >= min[p] && y <= max[p];
    }
    if (guarded != 0) {
      for (int g = 0; g < 2; ++g) {
        const int other = guard[sigma > 0 ? 0 : 1][g];
        yes = yes && (other < 0 || x[other] == 0);
      }
    }
    return yes;
  }
  /// The direction in which a move acts of which at most one does (either = 0): +1, -1, or 0 for none.
  KOKKOS_FUNCTION int direction(const std::int8_t* x) const {
    const int y = x[place[0]] + change[0];
    const int sigma = y >= min[0] && y <= max[0] ? 1 : -1;
    return acts(x, sigma) ? sigma : 0;
  }
  KOKKOS_FUNCTION void apply(const StateView& state, int sigma) const {
    for (int p = 0; p < n; ++p) {
      std::int8_t& x = state.local[place[p]];
      x = static_cast<std::int8_t>(x + sigma * change[p]);
    }
    for (int h = 0; h < hops; ++h) {
      const int from = place[2 * h + (sigma > 0 ? 0 : 1)];
      const int to = place[2 * h + (sigma > 0 ? 1 : 0)];
      const std::int16_t a = state.occupant[from];
      state.occupant[from] = -1;
      state.occupant[to] = a;
      state.particle[a] = static_cast<std::int16_t>(to);
    }
  }
};

using MoveList = Kokkos::View<MoveSites*>;

}  // namespace koushi
