#pragma once

#include <Kokkos_Core.hpp>
#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "koushi/deck/kind.hpp"

namespace koushi {

class MomentumLaw;

/// A point of the input of a network.
using NetworkPoint = std::vector<double>;
/// Points for kernels: [point][direction].
using NetworkPoints = Kokkos::View<double**, Kokkos::LayoutRight>;
/// Outputs of draws: [draw][point].
using NetworkOutputs = Kokkos::View<double**, Kokkos::LayoutRight>;

/// Networks of one output phi(x) whose parameters are drawn from a law, as a field theory: means over draws of products
/// of phi are its correlation functions.
///
/// Every parameter is a function of (seed, draw, width, its number), so an ensemble is the same on any ranks and threads.
/// Collective  no call
/// Source      J. Halverson, A. Maiti, K. Stoner, Mach. Learn.: Sci. Technol. 2, 035002 (2021), arXiv:2008.08601
class RandomNetwork {
 public:
  virtual ~RandomNetwork() = default;
  virtual int dimension() const = 0;  ///< of the input
  /// Fills out[k][p] with phi(points[p]) of draw first + k, hidden layers of `width` units.
  virtual void outputs(std::uint64_t seed, int width, std::uint64_t first, const NetworkPoints& points,
                       const NetworkOutputs& out) const = 0;
  /// <phi(x) phi(y)> of infinite width.
  virtual std::optional<double> two_point(const NetworkPoint& x, const NetworkPoint& y) const = 0;
  /// Whether two_point() holds at every width.
  virtual bool is_exact() const = 0;
  /// The connected <phi phi phi phi>, exact at this width; empty where it is not known.
  virtual std::optional<double> connected_four_point(int /*width*/, const std::array<NetworkPoint, 4>& /*x*/) const {
    return std::nullopt;
  }
  /// Parameters of a network of this width.
  virtual std::int64_t n_parameters(int width) const = 0;
  /// The law of momenta of networks whose units are cosines of random waves, and whether amplitudes are normal.
  struct Waves {
    const MomentumLaw* law;
    bool normal;
  };
  virtual std::optional<Waves> waves() const { return std::nullopt; }
  /// Lattice extents whose points alone have a meaning; empty: any point has.
  virtual std::vector<int> extents() const { return {}; }
};

/// What [network] kind can be.
using NetworkKinds = Kinds<std::shared_ptr<const RandomNetwork>>;
NetworkKinds& network_kinds();

}  // namespace koushi
