#include "koushi/field/contour_action.hpp"

#include <cmath>
#include <numbers>

#include "koushi/base/error.hpp"

namespace koushi {

namespace {

using Complex = ContourAction::Complex;

/// Adds V at points or between two of them, times kappa: its quadratic part to H and g, the rest as a vertex.
void add_potential(ContourAction& action, int left, int right, Complex kappa) {
  const auto l = static_cast<std::size_t>(left);
  const auto r = static_cast<std::size_t>(right);
  const double c1 = action.path.potential.size() > 1 ? action.path.potential[1] : 0;
  const double c2 = action.path.potential.size() > 2 ? action.path.potential[2] : 0;
  action.linear[l] += 0.5 * kappa * c1;
  action.linear[r] += 0.5 * kappa * c1;
  action.add_curvature(left, right, 2.0 * kappa * c2);
  if (is_quadratic(action.path)) return;
  if (!action.vertices.empty() && action.vertices.back().left == left && action.vertices.back().right == right) {
    action.vertices.back().factor += kappa;
  } else {
    action.vertices.push_back({left, right, kappa});
  }
}

/// Adds the kinetic term of a step from point k to the next.
void add_kinetic(ContourAction& action, std::size_t k, Complex epsilon) {
  const std::size_t to = (k + 1) % action.diagonal.size();
  action.diagonal[k] += 1.0 / epsilon;
  action.diagonal[to] += 1.0 / epsilon;
  action.next[k] -= 1.0 / epsilon;
  action.constant -= 0.5 * std::log(2 * std::numbers::pi * epsilon);
}

ContourAction empty_action(const PathOptions& path, std::size_t points) {
  ContourAction action;
  action.path = path;
  action.diagonal.resize(points);
  action.next.resize(points);
  action.linear.resize(points);
  return action;
}

}  // namespace

bool is_quadratic(const PathOptions& path) { return path.degree() <= 2 && path.bumps.empty(); }

ContourAction::Complex ContourAction::operator()(const std::vector<Complex>& z) const {
  const std::size_t n = z.size();
  Complex s = 0;
  for (std::size_t k = 0; k < n; ++k)
    s += z[k] * (0.5 * diagonal[k] * z[k] + linear[k]) + next[k] * z[k] * z[(k + 1) % n];
  for (const Vertex& v : vertices) {
    const Complex u = 0.5 * (z[static_cast<std::size_t>(v.left)] + z[static_cast<std::size_t>(v.right)]);
    Complex w = 0;
    for (std::size_t k = path.potential.size(); k-- > 3;) w = (w + path.potential[k]) * u;
    w *= u * u;
    for (const auto& [height, centre, width] : path.bumps)
      w += height * std::exp(-0.5 * (u - centre) * (u - centre) / (width * width));
    s += v.factor * w;
  }
  return s;
}

void ContourAction::add_curvature(int left, int right, Complex curvature) {
  const auto l = static_cast<std::size_t>(left);
  const auto r = static_cast<std::size_t>(right);
  if (l == r) {
    diagonal[l] += curvature;
  } else {
    diagonal[l] += 0.25 * curvature;
    diagonal[r] += 0.25 * curvature;
    next[l] += 0.25 * curvature;
  }
}

ContourAction packet_action(const PathOptions& path, int steps, const WavePacket& from, const WavePacket& to) {
  const auto n = static_cast<std::size_t>(steps);
  ContourAction action = empty_action(path, n + 1);
  const Complex epsilon(0, path.spacing);
  for (std::size_t k = 0; k < n; ++k) {
    add_kinetic(action, k, epsilon);
    const int here = static_cast<int>(k);
    switch (path.rule) {
      case PathRule::end_point:
        add_potential(action, here + 1, here + 1, epsilon);
        break;
      case PathRule::symmetrised:
        add_potential(action, here, here, 0.5 * epsilon);
        add_potential(action, here + 1, here + 1, 0.5 * epsilon);
        break;
      case PathRule::mid_point:
        add_potential(action, here, here + 1, epsilon);
        break;
    }
  }
  for (const bool last : {false, true}) {
    const WavePacket& packet = last ? to : from;
    const std::size_t k = last ? n : 0;
    const double curvature = 1 / (packet.width * packet.width);
    const Complex momentum(0, last ? packet.momentum : -packet.momentum);  // the last one is conjugate
    action.diagonal[k] += curvature;
    action.linear[k] += -curvature * packet.position + momentum;
    action.constant -= 0.5 * curvature * packet.position * packet.position - momentum * packet.position +
                       0.25 * std::log(std::numbers::pi * packet.width * packet.width);
  }
  return action;
}

ContourAction trace_action(const PathOptions& path, const std::vector<Complex>& steps) {
  const std::size_t n = steps.size();
  if (n < 3) throw InternalError("a closed path in complex time has three steps or more");
  ContourAction action = empty_action(path, n);
  for (std::size_t k = 0; k < n; ++k) {
    add_kinetic(action, k, steps[k]);
    const int here = static_cast<int>(k);
    const int to = static_cast<int>((k + 1) % n);
    switch (path.rule) {
      case PathRule::end_point:
        add_potential(action, to, to, steps[k]);
        break;
      case PathRule::symmetrised:
        add_potential(action, here, here, 0.5 * (steps[k] + steps[(k + n - 1) % n]));
        break;
      case PathRule::mid_point:
        add_potential(action, here, to, steps[k]);
        break;
    }
  }
  return action;
}

}  // namespace koushi
