#include "koushi/manybody/sector_basis.hpp"

#include <Kokkos_Core.hpp>
#include <algorithm>
#include <bit>
#include <cmath>
#include <map>
#include <optional>
#include <utility>

#include "koushi/base/error.hpp"

namespace koushi {

namespace {

std::size_t at(std::int64_t i) { return static_cast<std::size_t>(i); }

constexpr std::int64_t words_of_a_block = 64;

/// Sums over all sites of the numbers of what each flavour holds.
using Totals = std::vector<int>;

void add_totals(const Space& space, Totals& so_far, std::vector<Totals>& all) {
  const std::size_t f = so_far.size();
  if (f == space.flavours().size()) {
    for (const Charge& charge : space.charges()) {
      if (!charge.value) continue;
      int sum = 0;
      for (std::size_t g = 0; g < f; ++g) {
        const LocalSpace& local = space.flavours()[g];
        sum += charge.weight[g] * (space.n_sites() * local.min + local.step * so_far[g]);
      }
      if (sum != *charge.value) return;
    }
    all.push_back(so_far);
    return;
  }
  for (int total = 0; total <= space.n_sites() * (space.flavours()[f].states() - 1); ++total) {
    so_far.push_back(total);
    add_totals(space, so_far, all);
    so_far.pop_back();
  }
}

}  // namespace

std::optional<SpinInversion> spin_inversion(const Space& space) {
  const auto value_of = [&](const std::string& name) -> std::optional<int> {
    for (const Charge& charge : space.charges()) {
      if (charge.name == name) return charge.value;
    }
    return std::nullopt;
  };
  SpinInversion inversion;
  const int n = space.n_sites();
  const bool electrons = space.is_fermionic() && space.n_flavours() > 1;
  if (!electrons && (space.n_flavours() > 1 || space.local(0).kind != LocalSpace::Kind::spin)) return std::nullopt;
  for (int p = 0; p < space.n_places(); ++p) {
    const int f = space.flavour_of(p);
    inversion.place.push_back(electrons && f < 2 ? space.place(1 - f, space.site_of(p)) : p);
  }
  if (!electrons) {
    const std::optional<int> magnetization = value_of("magnetization");
    if (!magnetization) return inversion;
    if (*magnetization != 0) return std::nullopt;
    inversion.sign = n * space.local(0).max / 2 % 2 == 0 ? 1 : -1;
    return inversion;
  }
  // c_up -> c_down, c_down -> -c_up, |m> -> (-1)^(S - m) |-m>: together (-1)^(N / 2 + n S) where S^z = 0.
  int twice = 0;
  if (space.n_flavours() == 2) {
    if (value_of("up") != value_of("down") || !value_of("up")) return std::nullopt;
    twice = 2 * *value_of("up");
  } else {
    if (value_of("magnetization") != 0 || !value_of("particles")) return std::nullopt;
    twice = *value_of("particles") + n * space.flavours()[2].max;
  }
  inversion.sign = twice / 2 % 2 == 0 ? 1 : -1;
  return inversion;
}

namespace {

/// A state as a map holds it, and the sign of its fermions' order.
struct Image {
  std::vector<std::int8_t> local;
  int sign = 1;
};

Image image_of(const Space& space, const SpinInversion& inversion, const std::vector<std::int8_t>& local) {
  Image image{local, 1};
  std::vector<int> order;
  for (int p = 0; p < space.n_places(); ++p) {
    const int q = inversion.place[at(p)];
    const bool spin = space.local(p).kind == LocalSpace::Kind::spin;
    image.local[at(q)] = static_cast<std::int8_t>(spin ? -local[at(p)] : local[at(p)]);
    if (!space.is_fermionic(p) || local[at(p)] == 0) continue;
    for (const int other : order) image.sign *= other > q ? -1 : 1;
    order.push_back(q);
  }
  return image;
}

}  // namespace

bool is_inversion_symmetric(const Operator& op) {
  const Space& space = op.space();
  const std::optional<SpinInversion> inversion = spin_inversion(space);
  if (!inversion) return false;
  using Row = std::map<std::vector<std::int8_t>, std::complex<double>>;
  const auto row_of = [&](const std::vector<std::int8_t>& x) {
    Row row;
    row[x] += op.diagonal(x.data());
    op.for_connected(x.data(), [&](std::size_t k, int sigma, std::complex<double> element) {
      const Move& move = op.moves()[k].move;
      std::vector<std::int8_t> moved = x;
      for (std::size_t m = 0; m < at(move.n); ++m)
        moved[at(move.place[m])] = static_cast<std::int8_t>(moved[at(move.place[m])] + sigma * move.change[m]);
      row[moved] += element * static_cast<double>(order_sign(space, move, sigma, x.data()));
    });
    return row;
  };
  const double tolerance = 1e-10 * (1 + op.bound());
  States states = space.make_states(1);
  for (std::uint64_t k = 0; k < 256; ++k) {
    space.randomize({states.local.data(), states.particle.data(), states.occupant.data()}, 1, k);
    const std::vector<std::int8_t> x(states.local.data(), states.local.data() + space.n_places());
    const Image mirrored = image_of(space, *inversion, x);
    Row expected = row_of(mirrored.local);
    for (const auto& [y, value] : row_of(x)) {
      const Image image = image_of(space, *inversion, y);
      expected[image.local] -= value * static_cast<double>(mirrored.sign * image.sign);
    }
    for (const auto& [y, rest] : expected) {
      if (std::abs(rest) > tolerance) return false;
    }
  }
  return true;
}

SectorBasis::SectorBasis(const Communicator& comm, const Space& space, SectorSymmetry symmetry)
    : packed_(space), symmetry_(std::move(symmetry)) {
  const auto places = [&](const Permutation& g) {
    std::vector<int> to;
    for (int p = 0; p < space.n_places(); ++p) to.push_back(space.place(space.flavour_of(p), g[at(space.site_of(p))]));
    return to;
  };
  const SymmetrySector& sites = symmetry_.sites;
  for (std::size_t t = 0; t < sites.translations.size(); ++t) {
    const std::vector<int> to = places(sites.translations[t]);
    second_.push_back({PackedMap(packed_, to, false), to, sites.translation_characters[t]});
  }
  const std::optional<SpinInversion> inversion = symmetry_.inversion == 0 ? std::nullopt : spin_inversion(space);
  if (symmetry_.inversion != 0 && !inversion) throw UsageError("this sector has no spin inversion");
  for (const bool inverted : {false, true}) {
    if (inverted && !inversion) break;
    for (std::size_t p = 0; p < sites.points.size(); ++p) {
      std::vector<int> to = places(sites.points[p]);
      std::complex<double> character = sites.point_characters[p];
      if (inverted) {
        for (int& q : to) q = inversion->place[at(q)];
        character *= static_cast<double>(symmetry_.inversion * inversion->sign);
      }
      first_.push_back({PackedMap(packed_, to, inverted), to, character});
    }
    if (!inverted) not_inverted_ = first_.size();
  }

  std::vector<std::int64_t> gathered;
  for (const std::uint64_t word : local_words(comm)) gathered.push_back(static_cast<std::int64_t>(word));
  gathered = comm.all_gather(gathered);
  std::sort(gathered.begin(), gathered.end());
  if (gathered.size() >= 0xffffffffU) throw UsageError("a sector of more than 2^32 - 2 states");
  words_.assign(gathered.begin(), gathered.end());
  for (std::size_t k = 0; k < words_.size(); k += words_of_a_block) top_.push_back(words_[k]);
  if (order() > 0xffff) throw UsageError("a group of more than 65535 elements");
  for (std::int64_t k = 0; k <= order(); ++k) root_of_.push_back(std::sqrt(static_cast<double>(k)));
  stabiliser_.resize(words_.size());
  Kokkos::parallel_for(
      "koushi::manybody::stabilisers", Kokkos::RangePolicy<Kokkos::DefaultHostExecutionSpace>(0, size()),
      [&](std::int64_t k) { stabiliser_[at(k)] = static_cast<std::uint16_t>(std::lround(stabiliser(word(k)))); });
}

std::vector<std::uint64_t> SectorBasis::local_words(const Communicator& comm) const {
  const Space& space = packed_.space();
  std::vector<Totals> sums;
  Totals none;
  add_totals(space, none, sums);
  const int n = space.n_sites();
  std::vector<std::uint64_t> found;
  std::int64_t chunk_number = 0;
  for (const Totals& totals : sums) {
    std::vector<FlavourWords> flavours;
    std::vector<int> shifts;
    for (int f = 0; f < space.n_flavours(); ++f) {
      const int states = space.flavours()[at(f)].states();
      flavours.emplace_back(n, states, std::bit_width(static_cast<unsigned>(states - 1)), totals[at(f)]);
      shifts.push_back(packed_.shift(space.place(f, 0)));
    }
    std::int64_t inner = 1;
    for (std::size_t f = 1; f < flavours.size(); ++f) inner *= flavours[f].count();
    if (inner == 0) continue;
    const std::int64_t outer = flavours[0].count();
    const std::int64_t chunk =
        std::max<std::int64_t>(1, std::min<std::int64_t>(1 << 18, outer / (64 * comm.size()) + 1));
    std::vector<std::int64_t> begins;
    for (std::int64_t begin = 0; begin < outer; begin += chunk) {
      if (chunk_number++ % comm.size() == comm.rank()) begins.push_back(begin);
    }
    std::vector<std::vector<std::uint64_t>> of_chunk(begins.size());
    // Calls body with the words of the flavours from f on, added to those before.
    const auto for_words = [&](auto&& self, std::size_t f, std::uint64_t word,
                               std::vector<std::uint64_t>& kept) -> void {
      if (f == flavours.size()) {
        if (is_smallest(word, false) && stabiliser(word) > 0.5) kept.push_back(word);
        return;
      }
      std::uint64_t part = flavours[f].word(0);
      for (std::int64_t k = 0; k < flavours[f].count(); ++k) {
        if (k > 0) part = flavours[f].next(part);
        if (f == 1 && space.exclusive() && (part & (word >> shifts[0])) != 0) continue;
        self(self, f + 1, word | (part << shifts[f]), kept);
      }
    };
    Kokkos::parallel_for("koushi::manybody::representatives",
                         Kokkos::RangePolicy<Kokkos::DefaultHostExecutionSpace, Kokkos::Schedule<Kokkos::Dynamic>>(
                             0, static_cast<std::int64_t>(begins.size()), Kokkos::ChunkSize(1)),
                         [&](std::int64_t c) {
                           const std::int64_t begin = begins[at(c)];
                           std::uint64_t part = flavours[0].word(begin);
                           for (std::int64_t k = begin; k < std::min(begin + chunk, outer); ++k) {
                             if (k > begin) part = flavours[0].next(part);
                             const std::uint64_t word = part << shifts[0];
                             if (flavours.size() > 1 && !is_smallest(word, true)) continue;
                             for_words(for_words, 1, word, of_chunk[at(c)]);
                           }
                         });
    for (const auto& words : of_chunk) found.insert(found.end(), words.begin(), words.end());
  }
  return found;
}

/// Elements that turn spins move other flavours into the first, so that they say nothing of it alone.
bool SectorBasis::is_smallest(std::uint64_t word, bool without_inversion) const {
  const std::size_t n = without_inversion ? not_inverted_ : first_.size();
  for (std::size_t c = 0; c < n; ++c) {
    const std::uint64_t moved = first_[c].map(word);
    for (const Element& t : second_) {
      if (t.map(moved) < word) return false;
    }
  }
  return true;
}

double SectorBasis::stabiliser(std::uint64_t word) const {
  std::complex<double> sum = 0;
  for (const Element& c : first_) {
    const std::uint64_t moved = c.map(word);
    for (const Element& t : second_) {
      if (t.map(moved) == word)
        sum += std::conj(c.character * t.character) * static_cast<double>(sign(c, word) * sign(t, moved));
    }
  }
  return sum.real();
}

int SectorBasis::sign(const Element& g, std::uint64_t word) const {
  const Space& space = packed_.space();
  if (!space.is_fermionic()) return 1;
  unsigned inversions = 0;
  std::uint64_t images = 0;  // of the fermions that come before, by their places
  for (int p = 0; p < space.n_places() && space.is_fermionic(p); ++p) {
    if (((word >> packed_.shift(p)) & 1U) == 0) continue;
    const int q = g.place[at(p)];
    inversions += static_cast<unsigned>(std::popcount(images >> q));
    images |= std::uint64_t{1} << q;
  }
  return inversions % 2 == 0 ? 1 : -1;
}

std::int64_t SectorBasis::index_of(std::uint64_t word) const {
  const auto block = std::upper_bound(top_.begin(), top_.end(), word) - top_.begin() - 1;
  if (block < 0) return -1;
  const auto begin = words_.begin() + block * words_of_a_block;
  const auto end = words_.begin() + std::min<std::int64_t>((block + 1) * words_of_a_block, size());
  const auto found = std::lower_bound(begin, end, word);
  return found != end && *found == word ? found - words_.begin() : -1;
}

void SectorBasis::find(const std::array<std::uint64_t, lanes>& words, std::array<Found, lanes>& found) const {
  std::array<std::uint64_t, lanes> best = words;
  std::array<std::uint64_t, lanes> which{};  // 0: the identity
  std::array<std::uint64_t, lanes> moved;
  std::array<std::uint64_t, lanes> image;
  std::uint64_t number = 0;
  for (const Element& c : first_) {
    c.map.apply<lanes>(words.data(), moved.data());
    for (const Element& t : second_) {
      t.map.apply<lanes>(moved.data(), image.data());
      for (std::size_t k = 0; k < lanes; ++k) {
        const bool smaller = image[k] < best[k];
        best[k] = smaller ? image[k] : best[k];
        which[k] = smaller ? number : which[k];
      }
      ++number;
    }
  }
  const bool fermions = packed_.space().is_fermionic();
  for (std::size_t k = 0; k < lanes; ++k) {
    found[k].index = index_of(best[k]);
    if (found[k].index < 0) continue;
    const Element& c = first_[which[k] / second_.size()];
    const Element& t = second_[which[k] % second_.size()];
    found[k].phase = c.character * t.character;
    // g |x> = sign |r>, so |x> = sign g^-1 |r>, whose weight in |r~> is chi(g^-1)* = chi(g).
    if (fermions) found[k].phase *= static_cast<double>(sign(c, words[k]) * sign(t, c.map(words[k])));
  }
}

}  // namespace koushi
