#include "koushi/manybody/space.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <functional>
#include <limits>
#include <utility>

#include "koushi/base/error.hpp"
#include "koushi/random/philox.hpp"

namespace koushi {

namespace {

/// 1/2, 1, 3/2 ...
std::string spin_name(int twice_s) {
  return twice_s % 2 == 0 ? fmt::format("{}", twice_s / 2) : fmt::format("{}/2", twice_s);
}

}  // namespace

Space::Space(int n_sites, std::vector<LocalSpace> flavours, std::vector<Charge> charges, bool exclusive)
    : n_sites_(n_sites), flavours_(std::move(flavours)), charges_(std::move(charges)), exclusive_(exclusive) {
  constexpr int most_places = std::numeric_limits<std::int16_t>::max();
  if (n_places() > most_places) {
    throw UsageError(fmt::format("{} places of {} sites are too many: at most {}", n_places(), n_sites, most_places));
  }
  std::vector<int> values(flavours_.size());
  const std::function<void(int)> choose = [&](int f) {
    if (f < 0) {
      int fermions = 0;
      for (std::size_t k = 0; k < values.size(); ++k) {
        fermions += flavours_[k].kind == LocalSpace::Kind::fermion ? values[k] : 0;
      }
      if (!exclusive_ || fermions <= 1) site_states_.push_back(values);
      return;
    }
    const LocalSpace& local = flavours_[static_cast<std::size_t>(f)];
    for (int x = local.min; x <= local.max; x += local.step) {
      values[static_cast<std::size_t>(f)] = x;
      choose(f - 1);
    }
  };
  choose(n_flavours() - 1);
}

Space Space::spins(int n_sites, int twice_s) {
  return {n_sites, {LocalSpace::spin(twice_s)}, {{"magnetization", {1}}}};
}
Space Space::spinless_fermions(int n_sites) { return {n_sites, {LocalSpace::fermion()}, {{"particles", {1}}}}; }
Space Space::electrons(int n_sites, bool exclusive) {
  return {n_sites, {LocalSpace::fermion(), LocalSpace::fermion()}, {{"up", {1, 0}}, {"down", {0, 1}}}, exclusive};
}
Space Space::bosons(int n_sites, int n_max) { return {n_sites, {LocalSpace::boson(n_max)}, {{"particles", {1}}}}; }
Space Space::electrons_and_spins(int n_sites, int twice_s) {
  return {n_sites,
          {LocalSpace::fermion(), LocalSpace::fermion(), LocalSpace::spin(twice_s)},
          {{"particles", {1, 1, 0}}, {"magnetization", {1, -1, 1}}}};
}

bool Space::is_fermionic() const {
  return std::any_of(flavours_.begin(), flavours_.end(),
                     [](const LocalSpace& f) { return f.kind == LocalSpace::Kind::fermion; });
}

void Space::fix(const std::string& charge, int value) {
  const auto found = std::find_if(charges_.begin(), charges_.end(), [&](const Charge& c) { return c.name == charge; });
  if (found == charges_.end()) throw InternalError("no charge \"" + charge + "\" in this space");
  const std::optional<int> before = std::exchange(found->value, value);
  if (!totals().empty()) return;
  // The nearest values that are possible, the other charges as they are.
  std::vector<std::string> possible;
  int lowest = 0;
  int highest = 0;
  for (std::size_t f = 0; f < flavours_.size(); ++f) {
    const int w = found->weight[f];
    lowest += n_sites_ * std::min(w * flavours_[f].min, w * flavours_[f].max);
    highest += n_sites_ * std::max(w * flavours_[f].min, w * flavours_[f].max);
  }
  for (int distance = 1; possible.size() < 2 && distance <= highest - lowest; ++distance) {
    for (const int near : {value - distance, value + distance}) {
      if (near < lowest || near > highest) continue;
      found->value = near;
      if (!totals().empty()) possible.push_back(fmt::format("{}", near));
    }
  }
  found->value = before;
  throw UsageError(fmt::format("no state of {} sites has the {} {}; from {} to {}{}", n_sites_, charge, value, lowest,
                               highest,
                               possible.empty() ? "" : ", as " + fmt::format("{}", fmt::join(possible, " or "))));
}

std::vector<int> Space::totals() const {
  std::vector<int> best;
  double smallest = std::numeric_limits<double>::infinity();
  std::vector<int> chosen(flavours_.size());
  const std::function<void(std::size_t, double)> choose = [&](std::size_t f, double distance) {
    if (distance >= smallest) return;
    if (f == flavours_.size()) {
      int fermions = 0;
      for (std::size_t k = 0; k < f; ++k) fermions += flavours_[k].kind == LocalSpace::Kind::fermion ? chosen[k] : 0;
      if (exclusive_ && fermions > n_sites_) return;
      for (const Charge& charge : charges_) {
        int sum = 0;
        for (std::size_t k = 0; k < f; ++k) sum += charge.weight[k] * chosen[k];
        if (charge.value && sum != *charge.value) return;
      }
      smallest = distance;
      best = chosen;
      return;
    }
    const LocalSpace& local = flavours_[f];
    const double even = 0.5 * n_sites_ * (local.min + local.max);
    // A charge that only this flavour has leaves one choice.
    for (const Charge& charge : charges_) {
      const auto others = std::count_if(charge.weight.begin(), charge.weight.end(), [](int w) { return w != 0; });
      if (!charge.value || others != 1 || charge.weight[f] == 0) continue;
      const int total = *charge.value / charge.weight[f];
      if (total * charge.weight[f] != *charge.value || total < n_sites_ * local.min || total > n_sites_ * local.max ||
          (total - n_sites_ * local.min) % local.step != 0) {
        return;
      }
      chosen[f] = total;
      choose(f + 1, distance);
      return;
    }
    for (int total = n_sites_ * local.min; total <= n_sites_ * local.max; total += local.step) {
      chosen[f] = total;
      // The larger one where both neighbours of it are as near.
      choose(f + 1, distance + std::abs(total - even) - (total < even ? 0.25 : 0.0));
    }
  };
  choose(0, 0);
  return best;
}

int Space::n_particles() const {
  if (!is_fermionic()) return 0;
  // The charges that are fixed must contain the sum of all fermion modes.
  std::vector<int> sum(flavours_.size());
  int particles = 0;
  for (const Charge& charge : charges_) {
    bool fermions_only = charge.value.has_value();
    for (std::size_t f = 0; f < flavours_.size(); ++f) {
      if (charge.weight[f] < 0 || (charge.weight[f] != 0 && flavours_[f].kind != LocalSpace::Kind::fermion)) {
        fermions_only = false;
      }
    }
    if (!fermions_only) continue;
    particles += *charge.value;
    for (std::size_t f = 0; f < flavours_.size(); ++f) sum[f] += charge.weight[f];
  }
  for (std::size_t f = 0; f < flavours_.size(); ++f) {
    if (flavours_[f].kind == LocalSpace::Kind::fermion && sum[f] != 1) {
      throw UsageError("the number of fermions is not fixed, and states without a number of them are not treated");
    }
  }
  return particles;
}

States Space::make_states(std::int64_t n, int copies) const {
  const auto rows = static_cast<std::size_t>(n);
  const bool numbered = is_fermionic();
  const auto columns = [&](int of_copy) {
    return static_cast<std::size_t>(of_copy) * static_cast<std::size_t>(copies);
  };
  return {LocalRows("koushi::manybody::states", rows, columns(n_places())),
          IndexRows("koushi::manybody::particles", rows, columns(numbered ? n_particles() : 0)),
          IndexRows("koushi::manybody::occupants", rows, columns(numbered ? n_places() : 0)), copies};
}

void assign_states(const States& to, const States& from) {
  const auto assign = [](const auto& target, int columns, const auto& source) {
    const auto first = Kokkos::make_pair(0, columns);
    Kokkos::deep_copy(Kokkos::subview(target, Kokkos::ALL, first), Kokkos::subview(source, Kokkos::ALL, first));
  };
  assign(to.local, to.places(), from.local);
  if (to.particle.extent(1) == 0) return;
  assign(to.particle, to.particles(), from.particle);
  assign(to.occupant, to.places(), from.occupant);
}

void Space::number_particles(const StateView& state) const {
  if (!is_fermionic()) return;
  int next = 0;
  for (int p = 0; p < n_places(); ++p) {
    state.occupant[p] = -1;
    if (!is_fermionic(p) || state.local[p] == 0) continue;
    state.occupant[p] = static_cast<std::int16_t>(next);
    state.particle[next++] = static_cast<std::int16_t>(p);
  }
}

void Space::randomize(const StateView& state, std::uint64_t seed, std::uint64_t stream, std::uint64_t attempt) const {
  const std::vector<int> sums = totals();
  if (sums.empty()) throw UsageError("there is no state in this sector");
  const auto below = [&](int draw, int n) {
    return uniform_below(
        philox(seed, RandomPurpose::initial_configurations, attempt, stream, static_cast<std::uint32_t>(draw)).word[0],
        n);
  };
  const auto shuffle = [&](int first, const std::function<void(int, int)>& swap) {  // Fisher-Yates
    for (int i = n_sites_ - 1; i > 0; --i) swap(i, below(first + i, i + 1));
  };
  int holders = 0;  // sites that hold a fermion already
  for (int f = 0; f < n_flavours(); ++f) {
    const LocalSpace& local = flavours_[static_cast<std::size_t>(f)];
    std::int8_t* x = state.local + place(f, 0);
    int steps = (sums[static_cast<std::size_t>(f)] - n_sites_ * local.min) / local.step;
    const int most = local.states() - 1;
    if (local.kind == LocalSpace::Kind::boson) {
      for (int i = 0; i < n_sites_; ++i)
        x[i] = static_cast<std::int8_t>(local.min + (steps * (i + 1) / n_sites_ - steps * i / n_sites_));
    } else {
      const bool behind = exclusive_ && local.kind == LocalSpace::Kind::fermion;
      for (int i = 0; i < n_sites_; ++i) x[i] = static_cast<std::int8_t>(local.min);
      for (int i = behind ? holders : 0; i < n_sites_ && steps > 0; ++i) {
        const int here = std::min(steps, most);
        x[i] = static_cast<std::int8_t>(local.min + here * local.step);
        steps -= here;
        if (behind) ++holders;
      }
    }
    if (!exclusive_) shuffle(place(f, 0), [&](int i, int j) { std::swap(x[i], x[j]); });
  }
  if (exclusive_) {
    shuffle(0, [&](int i, int j) {
      for (int f = 0; f < n_flavours(); ++f) std::swap(state.local[place(f, i)], state.local[place(f, j)]);
    });
  }
  number_particles(state);
}

std::string Space::description() const {
  const LocalSpace& first = flavours_.front();
  std::vector<std::string> fixed;
  for (const Charge& charge : charges_) {
    if (charge.value) fixed.push_back(fmt::format("{} {}", charge.name, *charge.value));
  }
  const std::string what =
      n_flavours() == 3   ? fmt::format("electrons and spins {}", spin_name(flavours_.back().max))
      : n_flavours() == 2 ? std::string(exclusive_ ? "electrons without double occupancy" : "electrons")
      : first.kind == LocalSpace::Kind::fermion ? std::string("spinless fermions")
      : first.kind == LocalSpace::Kind::boson   ? fmt::format("bosons, at most {} per site,", first.max)
                                                : fmt::format("spins {}", spin_name(first.max));
  return fmt::format("{} on {} sites, {}", what, n_sites_,
                     fixed.empty() ? "no conserved charge" : fmt::format("{}", fmt::join(fixed, ", ")));
}

}  // namespace koushi
