#include <fmt/format.h>

#include <cmath>

#include "../contour_study.hpp"
#include "koushi/base/text.hpp"
#include "koushi/deck/declare.hpp"
#include "koushi/field/catalogue.hpp"
#include "koushi/field/real_time_grid.hpp"
#include "koushi/study/stored_results.hpp"

namespace koushi {

namespace {

/// <to| e^{-iHt} |from> between Gaussian wave packets, by paths on contours of the holomorphic flow, beside waves on a
/// grid of x.
class WavePacketStudy : public ContourStudy {
 public:
  WavePacketStudy(const Communicator& comm, const Deck& deck, const RunOptions& options)
      : ContourStudy(comm, deck, options) {
    const GridOptions lattice = grid_options(deck);
    if (lattice.boundary[0] != Boundary::open)
      deck.refuse(deck.given("lattice.boundary") ? "lattice.boundary" : "lattice.extents",
                  "both ends of a path between wave packets are integrated over", "boundary = [\"open\"]");
    if (lattice.extents[0] < 2)
      deck.refuse("lattice.extents", "one point has no step of time", "at least [2]: a point more than steps");
    steps_ = lattice.extents[0] - 1;
    from_ = {deck.real("study.from.position"), deck.real("study.from.momentum"), deck.real("study.from.width")};
    to_ = from_;
    for (const auto& [name, number] :
         {std::pair{"position", &to_.position}, {"momentum", &to_.momentum}, {"width", &to_.width}}) {
      if (deck.has(fmt::format("study.to.{}", name))) *number = deck.real(fmt::format("study.to.{}", name));
    }
    integral_ = "<to| e^(-iHt) |from>";
    set_action(packet_action(path_, steps_, from_, to_), 0);
  }

 private:
  std::string head() const override {
    const auto text = [](const WavePacket& p) {
      return fmt::format("a packet of width {:.6g} at x = {:.6g}, p = {:.6g}", p.width, p.position, p.momentum);
    };
    return fmt::format("amplitude    t = {:.6g} in {} steps of {}, from {} to {}\n", path_.spacing * steps_, steps_,
                       path_.spacing, text(from_), text(to_));
  }

  std::vector<Observable> results(const ContourDraws& contour) const override {
    return {part(contour, "amplitude_re", false), part(contour, "amplitude_im", true),
            contour.modulus("amplitude_abs", "|" + integral_ + "|")};
  }

  void compute_exactly() override {
    if (path_.rule != PathRule::mid_point) grid_ = packet_by_grid(path_, steps_, from_, to_);
  }
  bool has_grid() const { return grid_.change < 1e-4; }

  double worst_pull() const override {
    if (!has_grid()) return 0;
    double worst = 0;
    for (const bool imaginary : {false, true}) {
      const Estimate e = contours_.front().estimate(part(contours_.front(), "amplitude", imaginary));
      const double exact = imaginary ? grid_.value.imag() : grid_.value.real();
      worst = std::max(worst, std::abs(e.value - exact) / std::hypot(e.error, grid_.change));
    }
    return worst;
  }

  std::string more_table() const override {
    if (has_grid())
      return fmt::format("by waves on a grid of x: {:.8f} {:+.8f}i, which moves by {:.1e} from grid to grid\n",
                         grid_.value.real(), grid_.value.imag(), grid_.change);
    if (std::isnan(grid_.change) || path_.rule == PathRule::mid_point) return "";
    return fmt::format("waves on a grid of x are not resolved: they move by {:.1e} from grid to grid\n", grid_.change);
  }

  void write_curves(ResultWriter& writer) const override {
    if (!has_grid()) return;
    write_reals(writer, "amplitude_by_grid", {grid_.value.real(), grid_.value.imag(), grid_.change}, "",
                "Re and Im of <to| e^(-iHt) |from> of this lattice by waves on a grid of x, and how far they move from "
                "grid to grid");
  }

  int steps_ = 1;
  WavePacket from_;
  WavePacket to_;
  GridValue grid_{{0, 0}, std::nan("")};
};

std::vector<Key> keys() {
  using namespace declare;
  std::vector<Key> all = ContourStudy::keys();
  const std::string of = " of (pi w^2)^(-1/4) e^(-(x - q)^2 / 2w^2 + ip(x - q))";
  for (const bool to : {false, true}) {
    const std::string which = to ? "to." : "from.";
    const auto add = [&](const std::string& name, const std::string& value, double least, const std::string& help) {
      Key one = between(least, 1e3, key(which + name, KeyType::real, to ? "" : value, help + of));
      if (to) one = optional(one);
      if (to) one.help += "; that of `from` where it is not given";
      all.push_back(one);
    };
    add("position", "0.0", -1e3, "q");
    add("momentum", "0.0", -1e3, "p");
    add("width", "1.0", 1e-3, "w");
  }
  return all;
}

}  // namespace

StudyKind wave_packet_kind() {
  return {.name = "wave-packet",
          .help = "the amplitude <to| e^(-iHt) |from> between wave packets of a path in real time, for any V",
          .keys = keys(),
          .run = [](const Communicator& comm, const Deck& deck,
                    const RunOptions& options) { return WavePacketStudy(comm, deck, options).run(); },
          .describe = [](const Communicator& comm, const Deck& deck,
                         int ranks) { return WavePacketStudy(comm, deck, {}).describe(ranks); },
          .value_keys = {"study.reference.observable", "study.from.position", "study.from.momentum", "study.from.width",
                         "study.to.position", "study.to.momentum", "study.to.width"},
          .subject = StudyKind::Subject::theory,
          .template_settings = {"lattice.extents=[7]", "lattice.boundary=[\"open\"]", "action.kind=path",
                                "action.spacing=0.125"}};
}

}  // namespace koushi
