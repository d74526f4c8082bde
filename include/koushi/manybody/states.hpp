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
  /// A byte per place. Of two-valued moves [0]: what the places hold where sigma = +1 acts, [1]: where sigma = -1 does,
  /// 0 beyond n; of others their smallest and largest values.
  std::uint32_t bound[2];
  std::int8_t n;
  std::int8_t hops;    ///< the particle of place[2 h] goes to place[2 h + 1] (sigma = -1: back), h < hops
  std::int8_t either;  ///< both directions can act on one state: sigma is drawn
  /// two_valued: every place is at an end of its range before and after the move, and nothing is guarded.
  enum Test : std::int8_t { two_valued, in_range, guarded };
  std::int8_t test;

  /// Whether the state x can be moved in this direction.
  KOKKOS_FORCEINLINE_FUNCTION bool acts(const std::int8_t* x, int sigma) const {
    return test == two_valued ? held(x) == bound[sigma > 0 ? 0 : 1] : acts_in_range(x, sigma);
  }
  /// The direction in which a move acts: the one where at most one does (either = 0), else `drawn`; 0: it does not.
  KOKKOS_FORCEINLINE_FUNCTION int direction(const std::int8_t* x, int drawn = 1) const {
    if (test != two_valued) return direction_in_range(x, drawn);
    const std::uint32_t values = held(x);
    return static_cast<int>(values == bound[0]) - static_cast<int>(values == bound[1]);
  }
  KOKKOS_FORCEINLINE_FUNCTION void apply(const StateView& state, int sigma) const {
    if (hops > 0 || n != 2) {
      apply_all(state, sigma);
      return;
    }
    std::int8_t& x = state.local[place[0]];
    std::int8_t& y = state.local[place[1]];
    x = static_cast<std::int8_t>(x + sigma * change[0]);
    y = static_cast<std::int8_t>(y + sigma * change[1]);
  }

 private:
  /// What the places hold, a byte each. No branches, which random states would mislead.
  KOKKOS_FORCEINLINE_FUNCTION std::uint32_t held(const std::int8_t* x) const {
    const auto byte = [&](int p) { return static_cast<std::uint32_t>(static_cast<std::uint8_t>(x[place[p]])); };
    std::uint32_t values = byte(0);
    if (n > 1) values |= byte(1) << 8U;
    if (n > 2) values |= byte(2) << 16U | (n > 3 ? byte(3) << 24U : 0U);
    return values;
  }
  KOKKOS_FUNCTION static int signed_byte(std::uint32_t bytes, int p) {
    return static_cast<std::int8_t>((bytes >> (8U * static_cast<unsigned>(p))) & 0xffU);
  }
  KOKKOS_FUNCTION bool acts_in_range(const std::int8_t* x, int sigma) const {
    bool yes = true;
    for (int p = 0; p < n; ++p) {
      const int y = x[place[p]] + sigma * change[p];
      yes = yes && y >= signed_byte(bound[0], p) && y <= signed_byte(bound[1], p);
    }
    if (test == guarded) {
      for (int g = 0; g < 2; ++g) {
        const int other = guard[sigma > 0 ? 0 : 1][g];
        yes = yes && (other < 0 || x[other] == 0);
      }
    }
    return yes;
  }
  KOKKOS_FUNCTION int direction_in_range(const std::int8_t* x, int drawn) const {
    int sigma = drawn;
    if (either == 0) {
      const int y = x[place[0]] + change[0];
      sigma = y >= signed_byte(bound[0], 0) && y <= signed_byte(bound[1], 0) ? 1 : -1;
    }
    return acts_in_range(x, sigma) ? sigma : 0;
  }
  KOKKOS_FUNCTION void apply_all(const StateView& state, int sigma) const {
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
