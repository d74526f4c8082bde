#pragma once

#include <Eigen/Dense>
#include <Kokkos_Core.hpp>
#include <cstdint>
#include <vector>

#include "koushi/field/contour_action.hpp"

namespace koushi {

/// The integral of e^{-S} on the contour into which the real plane flows by
///
///   dz/dtau = G conj(dS/dz),  z(0) = x real,  dJ/dtau = G conj(S''(z) J),  J(0) = 1,  0 <= tau <= time
///
/// G is Hermitian and positive, so d Re S / dtau = (dS/dz)^T G conj(dS/dz) >= 0 on every line and Im S stays: at no tau
/// does |e^{-S}| rise, the contours of all tau are in the class of the real plane, and the integral is that over x of
/// e^{-S(z(x))} det J(x). The longer the time, the less its phase varies.
///
/// G = (conj(H') H'^T)^{-1/2} with H', the matrix of S with the curvature that the potential has on the mean in the best
/// Gaussian state. Where S is 1/2 z H' z, conj(H') = G^{-1} U by its polar decomposition, so that dz/dtau = U conj(z)
/// and all modes, stiff or slow, turn and grow at the same rate 1.
///
/// x is drawn from a mixture of multivariate t distributions of 8 degrees of freedom (`Proposal`), whose tails keep
/// weights bounded where Gaussians would not. At long times e^{-S} det J has peaks about the points that flow to the
/// other saddles of S, which one distribution would miss: improve() follows them, from short times to long ones.
/// Cost        8 n^3 flops for each of three stages of each step (F. Bogacki, L. F. Shampine, Appl. Math. Lett. 2, 321
///             (1989), with an error of 1e-5 per step), 10 to 40 steps
/// Source      A. Alexandru, G. Basar, P. F. Bedaque et al., JHEP 05 (2016) 053 (flow from the real plane, there G = 1)
class HolomorphicFlow {
 public:
  using Complex = std::complex<double>;

  HolomorphicFlow(const ContourAction& action, double time);

  /// A mixture: with probability `share` x = mean + factor y (8 / chi^2_8)^{1/2}, y standard normal; factor is lower
  /// triangular. The first is wide.
  struct Component {
    double share = 1;
    Eigen::VectorXd mean;
    Eigen::MatrixXd factor;
  };
  using Proposal = std::vector<Component>;
  /// What |e^{-S} det J| is without W, with tails, and further components about points of it.
  Proposal first_proposal(int components) const;
  /// The mixture after a step of expectation and maximisation on draws of the last one.
  /// x: [draw][n]; weights |w| >= 0; seeds: so many components begin anew about draws of the largest weights.
  /// Source      O. Cappe, R. Douc, A. Guillin, J.-M. Marin, C. P. Robert, Stat. Comput. 18, 447 (2008)
  /// Errors  NumericalError where they do not span all directions
  static Proposal improve(const Proposal& last, const Eigen::MatrixXd& x, const Eigen::VectorXd& weights, int seeds);

  /// Numbers of a draw: Re and Im of log w, w = e^{constant - S} det J / density(x) (Re: -infinity where |w| < e^{-60} of
  /// the largest that a Gaussian would have); z, Re and Im of each; x.
  int numbers() const { return 2 + 3 * action_.size(); }
  using Draws = Kokkos::View<double**, Kokkos::LayoutRight>;
  /// Draws first ... of a set, on the contour of a flow time up to time(); every draw has a random stream of its own.
  /// draws: [draw][numbers()].
  void sample(std::uint64_t seed, std::uint32_t set, std::uint64_t first, const Proposal& proposal, double flow_time,
              const Draws& draws) const;

  /// The integral without W in closed form, on the real plane, and by the linear contour on which it flows: the same to
  /// rounding.
  struct Gaussian {
    Complex on_the_real_plane;
    Complex on_the_contour;
  };
  Gaussian gaussian() const;

  const ContourAction& action() const { return action_; }
  double time() const { return time_; }

 private:
  Component linear_component() const;

  ContourAction action_;
  double time_;
  Eigen::MatrixXcd h_;       ///< H
  Eigen::VectorXcd linear_;  ///< g
  Eigen::MatrixXcd g_;       ///< G
  Eigen::MatrixXcd map_;     ///< z = map x + shift, the flow without W
  Eigen::VectorXcd shift_;
  double lowest_ = 0;  ///< Re S at the most likely x without W
};

}  // namespace koushi
