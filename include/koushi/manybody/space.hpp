#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "koushi/manybody/states.hpp"

namespace koushi {

/// What one place may hold: min, min + step ... max. Spin S: -2S ... 2S in steps of 2; fermion mode: 0, 1; boson: 0 ...
/// n_max.
struct LocalSpace {
  enum class Kind : std::uint8_t { spin, fermion, boson };
  Kind kind = Kind::spin;
  int min = -1;
  int max = 1;
  int step = 2;

  static LocalSpace spin(int twice_s) { return {Kind::spin, -twice_s, twice_s, 2}; }
  static LocalSpace fermion() { return {Kind::fermion, 0, 1, 1}; }
  static LocalSpace boson(int n_max) { return {Kind::boson, 0, n_max, 1}; }

  int states() const { return (max - min) / step + 1; }
  int index(int x) const { return (x - min) / step; }
  /// x on the scale from -1 to 1, which is what networks see: x / 2S, 2 n - 1, 2 n / n_max - 1.
  double centred(int x) const { return (2.0 * x - (max + min)) / (max - min); }
  bool operator==(const LocalSpace&) const = default;
};

/// A sum over places of weight times what they hold, which Hamiltonians may conserve.
struct Charge {
  std::string name;            ///< "magnetization", "up", "down", "particles"
  std::vector<int> weight;     ///< [flavours], the same for every site
  std::optional<int> value{};  ///< of the sector; none: any
};

/// The basis states of a lattice: every site has the same flavours, and the place of flavour f at site i is f n_sites +
/// i. Flavours are one spin or boson, fermions up and down, or fermions beside a spin (Kondo).
class Space {
 public:
  /// charges: those that can be asked for; exclusive: no site holds two fermions.
  Space(int n_sites, std::vector<LocalSpace> flavours, std::vector<Charge> charges, bool exclusive = false);

  /// Spins, 2 S^z = -2S ... 2S at each site; charge "magnetization", the sum of 2 S^z.
  static Space spins(int n_sites, int twice_s = 1);
  /// One fermion mode per site; charge "particles".
  static Space spinless_fermions(int n_sites);
  /// Modes up and down; charges "up" and "down". exclusive: the t-J model.
  static Space electrons(int n_sites, bool exclusive = false);
  /// Bosons, 0 ... n_max at each site; charge "particles".
  static Space bosons(int n_sites, int n_max);
  /// Modes up and down and a spin; charges "particles" of the electrons and "magnetization", the sum of n_up - n_down +
  /// 2 S^z.
  static Space electrons_and_spins(int n_sites, int twice_s = 1);

  int n_sites() const { return n_sites_; }
  int n_flavours() const { return static_cast<int>(flavours_.size()); }
  int n_places() const { return n_sites_ * n_flavours(); }
  int place(int flavour, int site) const { return flavour * n_sites_ + site; }
  int flavour_of(int place) const { return place / n_sites_; }
  int site_of(int place) const { return place % n_sites_; }
  const std::vector<LocalSpace>& flavours() const { return flavours_; }
  const LocalSpace& local(int place) const { return flavours_[static_cast<std::size_t>(flavour_of(place))]; }
  bool is_fermionic() const;
  bool is_fermionic(int place) const { return local(place).kind == LocalSpace::Kind::fermion; }
  bool exclusive() const { return exclusive_; }

  const std::vector<Charge>& charges() const { return charges_; }
  /// Restricts the space to one value of a charge. Errors: UsageError with what is possible, where there is no such
  /// state
  void fix(const std::string& charge, int value);
  /// The number of fermions, which the charges must fix where there are any. Errors: UsageError where they do not
  int n_particles() const;

  /// Arrays for n states, each with room for so many copies.
  States make_states(std::int64_t n, int copies = 1) const;
  /// Numbers the fermions of a state in the order of their places.
  void number_particles(const StateView& state) const;

  /// Sets a random state of the sector: an even one, whose places are then shuffled, flavour by flavour. It is a
  /// function of seed, stream and attempt. Errors: UsageError where the sector is empty
  void randomize(const StateView& state, std::uint64_t seed, std::uint64_t stream, std::uint64_t attempt = 0) const;

  /// Every set of values that the flavours of a site can have together, in lexicographic order from the last flavour to
  /// the first.
  const std::vector<std::vector<int>>& site_states() const { return site_states_; }

  /// The space in words, as "16 spins 1/2", "5 up and 5 down electrons on 16 sites".
  std::string description() const;

 private:
  /// What the places of each flavour add up to, as even as the sector lets them be; empty if it has no state.
  std::vector<int> totals() const;

  int n_sites_;
  std::vector<LocalSpace> flavours_;
  std::vector<Charge> charges_;
  bool exclusive_;
  std::vector<std::vector<int>> site_states_;
};

}  // namespace koushi
