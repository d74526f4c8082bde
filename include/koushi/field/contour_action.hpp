#pragma once

#include <complex>
#include <vector>

#include "koushi/field/path_options.hpp"

namespace koushi {

/// exp(constant) Int d^n z e^{-S(z)} over n coordinates, S an entire function:
///
///   S(z) = 1/2 z H z + g z + sum_v kappa_v W(u_v),  u_v = (z_left + z_right) / 2
///
/// H is symmetric and joins neighbours k, k + 1 (mod n) alone; W is the potential of a path beyond its quadratic part.
/// Paths in real time and on contours in complex time have this form. There e^{-epsilon (T + V)} of a step epsilon is
/// (2 pi epsilon)^{-1/2} exp(-(x - y)^2 / 2 epsilon - epsilon V) with V by the rule of the path; real time is
/// epsilon = i a.
struct ContourAction {
  using Complex = std::complex<double>;
  struct Vertex {
    int left = 0;
    int right = 0;  ///< the same as left where V is taken at a point
    Complex factor;
  };

  PathOptions path;               ///< V
  std::vector<Complex> diagonal;  ///< H_kk
  std::vector<Complex> next;      ///< H_{k,k+1}, the last joins z_{n-1} and z_0
  std::vector<Complex> linear;    ///< g
  std::vector<Vertex> vertices;   ///< of W
  Complex constant = 0;

  int size() const { return static_cast<int>(diagonal.size()); }
  Complex operator()(const std::vector<Complex>& z) const;
  /// Adds 1/2 curvature u^2, u = (z_left + z_right) / 2, to 1/2 z H z; right is left or the next point.
  void add_curvature(int left, int right, Complex curvature);
};

/// (pi w^2)^{-1/4} e^{-(x - q)^2 / 2w^2 + ip(x - q)}
struct WavePacket {
  double position = 0;  ///< q
  double momentum = 0;  ///< p
  double width = 1;     ///< w
};

/// <to| e^{-iHt} |from>, t = steps * path.spacing, over the steps + 1 points of the path.
ContourAction packet_action(const PathOptions& path, int steps, const WavePacket& from, const WavePacket& to);

/// Tr prod_k e^{-epsilon_k H} over the points of a closed path in complex time; step k goes from point k to k + 1.
/// Needs three steps or more.
ContourAction trace_action(const PathOptions& path, const std::vector<std::complex<double>>& steps);

/// Whether W = 0.
bool is_quadratic(const PathOptions& path);

}  // namespace koushi
