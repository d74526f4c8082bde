#include "koushi/field/holomorphic_flow.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "koushi/base/error.hpp"
#include "koushi/random/normal.hpp"

namespace koushi {

namespace {

constexpr int freedom = 8;          ///< of the t distribution
constexpr double tolerance = 1e-5;  ///< of a step of the flow
constexpr double negligible = 60;   ///< Re S above its lowest where e^{-S} counts no longer

/// The mean of V'' in the Gaussian state of the lowest energy, 1/8s + <V>, s its variance. V may be anything that is
/// bounded below; 0 where V is not.
double mean_curvature(const PathOptions& path) {
  if (is_quadratic(path)) return 2 * (path.potential.size() > 2 ? path.potential[2] : 0);
  if (path.degree() > 2 && !path.is_bound()) return 0;
  constexpr int points = 48;  // of y from -6 to 6, sums of a Gaussian converge faster than any power
  double lowest = INFINITY;
  double best = 0;
  for (double log_s = -5; log_s < 2; log_s += 0.1) {
    const double s = std::exp(log_s);
    for (double centre = -4; centre <= 4; centre += 0.125) {
      double norm = 0;
      double v = 0;
      double slope = 0;  // <y V'> / sqrt(s) = <V''>
      for (int k = 0; k <= points; ++k) {
        const double y = -6 + 12.0 * k / points;
        const double weight = std::exp(-0.5 * y * y);
        norm += weight;
        v += weight * path.value(centre + std::sqrt(s) * y);
        slope += weight * y * path.slope(centre + std::sqrt(s) * y);
      }
      const double energy = 0.125 / s + v / norm;
      if (energy < lowest) {
        lowest = energy;
        best = slope / norm / std::sqrt(s);
      }
    }
  }
  return std::max(best, 0.0);
}

Eigen::MatrixXcd matrix_of(const ContourAction& action) {
  const Eigen::Index n = action.size();
  Eigen::MatrixXcd h = Eigen::MatrixXcd::Zero(n, n);
  for (Eigen::Index k = 0; k < n; ++k) {
    const auto at = static_cast<std::size_t>(k);
    h(k, k) += action.diagonal[at];
    h(k, (k + 1) % n) += action.next[at];
    h((k + 1) % n, k) += action.next[at];
  }
  return h;
}

/// W with another curvature c in place of that of the quadratic part of V.
ContourAction with_curvature(const ContourAction& action, double curvature) {
  ContourAction other = action;
  const double own = action.path.potential.size() > 2 ? 2 * action.path.potential[2] : 0;
  for (const ContourAction::Vertex& v : action.vertices)
    other.add_curvature(v.left, v.right, v.factor * (curvature - own));
  return other;
}

/// What the flow of a draw reads, and its work space.
struct FlowOfDraws {
  using Complex = Kokkos::complex<double>;
  using Matrix = Kokkos::View<double**, Kokkos::LayoutRight>;

  int n = 0;
  int n_vertices = 0;
  int degree = 0;
  int n_bumps = 0;
  double power[PathOptions::max_degree + 1] = {};
  double bump[PathOptions::max_bumps][3] = {};
  Kokkos::View<Complex*> diagonal;
  Kokkos::View<Complex*> next;
  Kokkos::View<Complex*> linear;
  Kokkos::View<Complex*> factor;
  Kokkos::View<int* [2]> sites;
  Matrix g_re;
  Matrix g_im;
  // the mixture
  Kokkos::View<double*> until;                               ///< [component]: sum of the shares up to it
  Kokkos::View<double*> scale;                               ///< [component]: log of share / det factor
  Matrix mean;                                               ///< [component][n]
  Kokkos::View<double***, Kokkos::LayoutRight> draw_factor;  ///< [component][n][n]
  double log_t = 0;                                          ///< log of the t distribution's normalisation
  Complex constant;
  double time = 0;
  double lowest = 0;
  std::uint64_t seed = 0;
  std::uint32_t set = 0;
  std::uint64_t first = 0;
  HolomorphicFlow::Draws draws;
  Matrix work;  ///< [draw][..]: states, stages and a product

  /// A point of the flow and its Jacobian, as numbers: z re, z im, J re, J im.
  KOKKOS_FUNCTION int state_size() const { return 2 * n + 2 * n * n; }

  KOKKOS_FUNCTION void potential(Complex u, Complex& value, Complex& slope, Complex& curvature) const {
    value = slope = curvature = 0;
    for (int k = degree; k > 2; --k) {
      value = value * u + power[k];
      slope = slope * u + k * power[k];
      curvature = curvature * u + k * (k - 1) * power[k];
    }
    if (degree > 2) {
      curvature = curvature * u;
      slope = slope * u * u;
      value = value * u * u * u;
    }
    for (int b = 0; b < n_bumps; ++b) {
      const Complex d = (u - bump[b][1]) * (1 / bump[b][2]);
      const Complex w = bump[b][0] * Kokkos::exp(-0.5 * d * d);
      value += w;
      slope -= w * d * (1 / bump[b][2]);
      curvature += w * (d * d - 1.0) * (1 / (bump[b][2] * bump[b][2]));
    }
  }

  KOKKOS_FUNCTION Complex z_of(const double* state, int k) const { return {state[k], state[n + k]}; }

  KOKKOS_FUNCTION Complex action(const double* state) const {
    Complex s = 0;
    for (int k = 0; k < n; ++k) {
      const Complex z = z_of(state, k);
      s += z * (0.5 * diagonal(k) * z + linear(k) + next(k) * z_of(state, k + 1 == n ? 0 : k + 1));
    }
    for (int v = 0; v < n_vertices; ++v) {
      Complex value;
      Complex slope;
      Complex curvature;
      potential(0.5 * (z_of(state, sites(v, 0)) + z_of(state, sites(v, 1))), value, slope, curvature);
      s += factor(v) * value;
    }
    return s;
  }

  /// d(state)/dtau. scratch: 6 n + 2 n^2 numbers.
  KOKKOS_FUNCTION void derivative(const double* state, double* out, double* scratch) const {
    double* const s_re = scratch;  // conj(dS/dz)
    double* const s_im = s_re + n;
    double* const d_re = s_im + n;  // of S''
    double* const d_im = d_re + n;
    double* const o_re = d_im + n;
    double* const o_im = o_re + n;
    double* const x_re = o_im + n;  // conj(S'' J)
    double* const x_im = x_re + n * n;
    for (int k = 0; k < n; ++k) {
      const int after = k + 1 == n ? 0 : k + 1;
      const int before = k == 0 ? n - 1 : k - 1;
      const Complex s =
          linear(k) + diagonal(k) * z_of(state, k) + next(k) * z_of(state, after) + next(before) * z_of(state, before);
      s_re[k] = s.real();
      s_im[k] = s.imag();
      d_re[k] = diagonal(k).real();
      d_im[k] = diagonal(k).imag();
      o_re[k] = next(k).real();
      o_im[k] = next(k).imag();
    }
    for (int v = 0; v < n_vertices; ++v) {
      const int l = sites(v, 0);
      const int r = sites(v, 1);
      Complex value;
      Complex slope;
      Complex curvature;
      potential(0.5 * (z_of(state, l) + z_of(state, r)), value, slope, curvature);
      slope = slope * factor(v);
      curvature = curvature * factor(v);
      s_re[l] += 0.5 * slope.real();
      s_im[l] += 0.5 * slope.imag();
      s_re[r] += 0.5 * slope.real();
      s_im[r] += 0.5 * slope.imag();
      const double part = l == r ? 1 : 0.25;
      d_re[l] += part * curvature.real();
      d_im[l] += part * curvature.imag();
      if (l == r) continue;
      d_re[r] += part * curvature.real();
      d_im[r] += part * curvature.imag();
      o_re[l] += part * curvature.real();
      o_im[l] += part * curvature.imag();
    }
    const double* const j_re = state + 2 * n;
    const double* const j_im = j_re + n * n;
    for (int k = 0; k < n; ++k) {
      s_im[k] = -s_im[k];
      const int rows[3] = {k, k + 1 == n ? 0 : k + 1, k == 0 ? n - 1 : k - 1};
      const double re[3] = {d_re[k], o_re[k], o_re[rows[2]]};
      const double im[3] = {d_im[k], o_im[k], o_im[rows[2]]};
      for (int c = 0; c < n; ++c) {
        double sum_re = 0;
        double sum_im = 0;
        for (int p = 0; p < 3; ++p) {
          const double a = j_re[rows[p] * n + c];
          const double b = j_im[rows[p] * n + c];
          sum_re = Kokkos::fma(re[p], a, Kokkos::fma(-im[p], b, sum_re));
          sum_im = Kokkos::fma(re[p], b, Kokkos::fma(im[p], a, sum_im));
        }
        x_re[k * n + c] = sum_re;
        x_im[k * n + c] = -sum_im;
      }
    }
    for (int k = 0; k < 2 * n + 2 * n * n; ++k) out[k] = 0;
    for (int i = 0; i < n; ++i) {
      double* const to_re = out + 2 * n + i * n;
      double* const to_im = to_re + n * n;
      for (int k = 0; k < n; ++k) {
        const double re = g_re(i, k);
        const double im = g_im(i, k);
        out[i] += re * s_re[k] - im * s_im[k];
        out[n + i] += re * s_im[k] + im * s_re[k];
        const double* const from_re = x_re + k * n;
        const double* const from_im = x_im + k * n;
        for (int c = 0; c < n; ++c) {
          to_re[c] = Kokkos::fma(re, from_re[c], Kokkos::fma(-im, from_im[c], to_re[c]));
          to_im[c] = Kokkos::fma(re, from_im[c], Kokkos::fma(im, from_re[c], to_im[c]));
        }
      }
    }
  }

  /// log det of J, by elimination with pivots; J is lost.
  KOKKOS_FUNCTION Complex log_determinant_of(double* re, double* im) const {
    double log_modulus = 0;
    double phase = 0;
    for (int k = 0; k < n; ++k) {
      int pivot = k;
      double largest = 0;
      for (int i = k; i < n; ++i) {
        const double size = re[i * n + k] * re[i * n + k] + im[i * n + k] * im[i * n + k];
        if (size > largest) {
          largest = size;
          pivot = i;
        }
      }
      if (pivot != k) {
        phase += Kokkos::numbers::pi;
        for (int c = k; c < n; ++c) {
          Kokkos::kokkos_swap(re[k * n + c], re[pivot * n + c]);
          Kokkos::kokkos_swap(im[k * n + c], im[pivot * n + c]);
        }
      }
      const Complex d(re[k * n + k], im[k * n + k]);
      log_modulus += 0.5 * Kokkos::log(largest);
      phase += Kokkos::atan2(d.imag(), d.real());
      for (int i = k + 1; i < n; ++i) {
        const Complex f = Complex(re[i * n + k], im[i * n + k]) / d;
        for (int c = k + 1; c < n; ++c) {
          re[i * n + c] -= f.real() * re[k * n + c] - f.imag() * im[k * n + c];
          im[i * n + c] -= f.real() * im[k * n + c] + f.imag() * re[k * n + c];
        }
      }
    }
    return {log_modulus, phase};
  }

  /// x of a draw, into state; normals: n numbers.
  KOKKOS_FUNCTION void start(std::uint64_t draw, double* state, double* normals) const {
    double chi2 = 0;
    for (int k = 0; k < freedom + n; k += 2) {
      const NormalPair z =
          normal_pair(philox(seed, RandomPurpose::contour_draws, draw, static_cast<std::uint64_t>(k / 2), set));
      for (int half = 0; half < 2 && k + half < freedom + n; ++half) {
        const double normal = half == 0 ? z.first : z.second;
        if (k + half < freedom) {
          chi2 += normal * normal;
        } else {
          normals[k + half - freedom] = normal;
        }
      }
    }
    const RandomBlock r =
        philox(seed, RandomPurpose::contour_draws, draw, static_cast<std::uint64_t>(freedom + n), set);
    const double u = uniform(r.word[0], r.word[1]);
    int component = 0;
    while (component + 1 < static_cast<int>(until.extent(0)) && u >= until(component)) ++component;
    const double stretch = Kokkos::sqrt(freedom / chi2);
    for (int k = 0; k < n; ++k) {
      double x = 0;
      for (int c = 0; c <= k; ++c) x += draw_factor(component, k, c) * normals[c];
      state[k] = mean(component, k) + stretch * x;
      state[n + k] = 0;
      for (int c = 0; c < n; ++c) {
        state[2 * n + k * n + c] = k == c ? 1 : 0;
        state[2 * n + n * n + k * n + c] = 0;
      }
    }
  }

  /// log of the mixture's density at x. y: n numbers.
  KOKKOS_FUNCTION double log_density(const double* x, double* y) const {
    double largest = -INFINITY;
    double sum = 0;
    for (int m = 0; m < static_cast<int>(until.extent(0)); ++m) {
      double squares = 0;
      for (int k = 0; k < n; ++k) {
        double rest = x[k] - mean(m, k);
        for (int c = 0; c < k; ++c) rest -= draw_factor(m, k, c) * y[c];
        y[k] = rest / draw_factor(m, k, k);
        squares += y[k] * y[k];
      }
      const double one = scale(m) - 0.5 * (freedom + n) * Kokkos::log(1 + squares / freedom);
      if (one > largest) {
        sum = sum * Kokkos::exp(largest - one) + 1;
        largest = one;
      } else {
        sum += Kokkos::exp(one - largest);
      }
    }
    return log_t + largest + Kokkos::log(sum);
  }

  /// Moves a state along its line; false where e^{-S} counts no longer.
  KOKKOS_FUNCTION bool flow(double* state, double* next_state, double* stages, double* scratch) const {
    const int size = state_size();
    double* stage[4] = {stages, stages + size, stages + 2 * size, stages + 3 * size};
    derivative(state, stage[0], scratch);
    double tau = 0;
    double h = 0.1;
    while (tau < time) {
      if (action_above(state) > negligible) return false;
      h = Kokkos::fmin(h, time - tau);
      if (!(h > 1e-9)) {
        if (time - tau <= 1e-9) return true;
        return false;  // the line reaches infinity
      }
      for (int k = 0; k < size; ++k) next_state[k] = state[k] + 0.5 * h * stage[0][k];
      derivative(next_state, stage[1], scratch);
      for (int k = 0; k < size; ++k) next_state[k] = state[k] + 0.75 * h * stage[1][k];
      derivative(next_state, stage[2], scratch);
      for (int k = 0; k < size; ++k)
        next_state[k] = state[k] + h * (2.0 / 9 * stage[0][k] + 1.0 / 3 * stage[1][k] + 4.0 / 9 * stage[2][k]);
      derivative(next_state, stage[3], scratch);
      double error[2] = {0, 0};
      double largest[2] = {1, 1};
      for (int k = 0; k < size; ++k) {
        const int which = k < 2 * n ? 0 : 1;
        const double e = h * Kokkos::fabs(-5.0 / 72 * stage[0][k] + 1.0 / 12 * stage[1][k] + 1.0 / 9 * stage[2][k] -
                                          0.125 * stage[3][k]);
        // a NaN must not be lost in a maximum
        if (!(e <= error[which])) error[which] = e;
        if (Kokkos::fabs(next_state[k]) > largest[which]) largest[which] = Kokkos::fabs(next_state[k]);
      }
      const double worst = Kokkos::fmax(error[0] / largest[0], error[1] / largest[1]) / tolerance;
      const bool finite = error[0] < 1e300 && error[1] < 1e300;
      if (finite && worst <= 1) {
        tau += h;
        for (int k = 0; k < size; ++k) state[k] = next_state[k];
        Kokkos::kokkos_swap(stage[0], stage[3]);
      }
      h *= finite ? Kokkos::fmin(4.0, Kokkos::fmax(0.2, 0.9 / Kokkos::cbrt(worst + 1e-12))) : 0.2;
    }
    return true;
  }

  KOKKOS_FUNCTION double action_above(const double* state) const { return action(state).real() - lowest; }

  KOKKOS_FUNCTION void operator()(int item) const {
    const int size = state_size();
    double* const state = &work(item, 0);
    double* const next_state = state + size;
    double* const stages = next_state + size;
    double* const scratch = stages + 4 * size;
    start(first + static_cast<std::uint64_t>(item), state, next_state);
    for (int k = 0; k < n; ++k) draws(item, 2 + 2 * n + k) = state[k];
    const double density = log_density(state, next_state);
    const bool counts = flow(state, next_state, stages, scratch) && action_above(state) < negligible;
    for (int k = 0; k < n; ++k) {
      draws(item, 2 + 2 * k) = counts ? state[k] : 0;
      draws(item, 3 + 2 * k) = counts ? state[n + k] : 0;
    }
    draws(item, 0) = -INFINITY;
    draws(item, 1) = 0;
    if (!counts) return;
    const Complex s = action(state);
    const Complex log_j = log_determinant_of(state + 2 * n, state + 2 * n + n * n);
    draws(item, 0) = constant.real() - s.real() + log_j.real() - density;
    draws(item, 1) = constant.imag() - s.imag() + log_j.imag();
  }
};

}  // namespace

HolomorphicFlow::HolomorphicFlow(const ContourAction& action, double time) : action_(action), time_(time) {
  const Eigen::Index n = action.size();
  h_ = matrix_of(action);
  const Eigen::MatrixXcd flows = matrix_of(with_curvature(action, mean_curvature(action.path)));
  const Eigen::MatrixXcd square = flows.conjugate() * flows.transpose();
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXcd> solved(square);
  // directions in which S is nearly flat, as at a caustic, flow no faster than this
  const double floor = 1e-8 * solved.eigenvalues().maxCoeff();
  const Eigen::VectorXd scale = solved.eigenvalues().cwiseMax(floor).cwiseSqrt().cwiseInverse();
  g_ = solved.eigenvectors() * scale.asDiagonal() * solved.eigenvectors().adjoint();
  // the linear flow, in steps whose errors are rounding
  map_ = Eigen::MatrixXcd::Identity(n, n);
  shift_ = Eigen::VectorXcd::Zero(n);
  linear_ = Eigen::Map<const Eigen::VectorXcd>(action.linear.data(), n);
  Eigen::MatrixXcd both(n, n + 1);
  both << map_, shift_;
  const auto slope = [&](const Eigen::MatrixXcd& at) {
    Eigen::MatrixXcd s = h_ * at;
    s.col(n) += linear_;
    return Eigen::MatrixXcd(g_ * s.conjugate());
  };
  constexpr int steps = 400;
  const double h = time / steps;
  for (int k = 0; k < steps; ++k) {
    const Eigen::MatrixXcd k1 = slope(both);
    const Eigen::MatrixXcd k2 = slope(both + 0.5 * h * k1);
    const Eigen::MatrixXcd k3 = slope(both + 0.5 * h * k2);
    const Eigen::MatrixXcd k4 = slope(both + h * k3);
    both += h / 6 * (k1 + 2.0 * k2 + 2.0 * k3 + k4);
  }
  map_ = both.leftCols(n);
  shift_ = both.col(n);
  const Eigen::VectorXcd most_likely = map_ * linear_component().mean + shift_;
  const Complex s = 0.5 * (most_likely.transpose() * h_ * most_likely)(0) + (linear_.transpose() * most_likely)(0);
  lowest_ = s.real();
}

HolomorphicFlow::Component HolomorphicFlow::linear_component() const {
  const Eigen::MatrixXd q = (map_.transpose() * h_ * map_).real();
  const Eigen::VectorXd r = (map_.transpose() * (h_ * shift_ + linear_)).real();
  // a precision that is not positive has directions in which W alone holds the paths
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solved(0.5 * (q + q.transpose()));
  const Eigen::VectorXd values = solved.eigenvalues().cwiseMax(1e-3 * std::abs(solved.eigenvalues().maxCoeff()));
  const Eigen::MatrixXd covariance =
      solved.eigenvectors() * values.cwiseInverse().asDiagonal() * solved.eigenvectors().transpose();
  return {1, -(covariance * r), covariance.llt().matrixL()};
}

HolomorphicFlow::Proposal HolomorphicFlow::first_proposal(int components) const {
  const Component wide = linear_component();
  Proposal proposal{wide};
  const Eigen::Index n = action_.size();
  // about points one standard deviation away, along the widest directions and against them
  for (int m = 1; m < components; ++m) {
    Component one = wide;
    one.factor *= 0.7;
    const Eigen::JacobiSVD<Eigen::MatrixXd> directions(wide.factor, Eigen::ComputeThinU);
    const Eigen::Index at = ((m - 1) / 2) % n;
    one.mean += (m % 2 == 1 ? 1 : -1) * directions.singularValues()(at) * directions.matrixU().col(at);
    proposal.push_back(one);
  }
  for (Component& one : proposal) one.share = 1.0 / components;
  return proposal;
}

HolomorphicFlow::Proposal HolomorphicFlow::improve(const Proposal& last, const Eigen::MatrixXd& x,
                                                   const Eigen::VectorXd& weights, int seeds) {
  const Eigen::Index n = x.cols();
  const auto components = static_cast<Eigen::Index>(last.size());
  // which component a draw may be of, and the factor with which a t distribution counts it in mean and covariance
  Eigen::MatrixXd logs(x.rows(), components);
  Eigen::MatrixXd pull(x.rows(), components);
  for (Eigen::Index m = 0; m < components; ++m) {
    const Component& one = last[static_cast<std::size_t>(m)];
    const Eigen::MatrixXd y =
        one.factor.triangularView<Eigen::Lower>().solve((x.rowwise() - one.mean.transpose()).transpose());
    const Eigen::VectorXd squares = y.colwise().squaredNorm();
    pull.col(m) = (freedom + n) / (freedom + squares.array());
    logs.col(m) = std::log(one.share) - one.factor.diagonal().array().log().sum() -
                  0.5 * (freedom + n) * (1 + squares.array() / freedom).log();
  }
  Eigen::MatrixXd of = (logs.colwise() - logs.rowwise().maxCoeff()).array().exp();
  const Eigen::VectorXd each = weights.array() / (weights.sum() * of.rowwise().sum().array());
  of = each.asDiagonal() * of;

  const auto fit = [&](const Eigen::VectorXd& shares, const Eigen::VectorXd& pulls, Component& one) {
    const Eigen::VectorXd both = shares.cwiseProduct(pulls);
    one.mean = x.transpose() * both / both.sum();
    const Eigen::MatrixXd centred = x.rowwise() - one.mean.transpose();
    return Eigen::MatrixXd(centred.transpose() * both.asDiagonal() * centred / shares.sum());
  };
  Component all;
  const Eigen::MatrixXd wide = fit(weights / weights.sum(), Eigen::VectorXd::Ones(x.rows()), all) * (1 - 2.0 / freedom);
  Proposal next;
  for (Eigen::Index m = 0; m < components; ++m) {
    Component one;
    const double share = of.col(m).sum();
    Eigen::MatrixXd covariance = share > 1e-6 ? fit(of.col(m), pull.col(m), one) : wide;
    if (!(share > 1e-6)) one.mean = all.mean;
    // of few draws: partly that of all
    const double draws = share > 1e-6 ? share * share / of.col(m).squaredNorm() : 0;
    const double own = draws / (draws + static_cast<double>(n));
    covariance = 1.2 * own * covariance + 0.5 * (1 - own) * wide;
    if (m == 0) {  // stays wide, so that nothing is out of reach
      one.mean = all.mean;
      covariance = 1.5 * wide;
    }
    one.share = m == 0 && components > 1 ? 0.1 : std::max(share, 0.02);
    const Eigen::LLT<Eigen::MatrixXd> factor(covariance);
    if (factor.info() != Eigen::Success || !covariance.allFinite())
      throw NumericalError(
          "the weighted draws of a contour do not span all directions; remedy: more pilot draws, or a shorter flow");
    one.factor = factor.matrixL();
    next.push_back(one);
  }
  // draws of the largest weights are where the last mixture was too low: components begin there in place of the smallest
  std::vector<std::size_t> smallest;
  for (std::size_t m = 1; m < next.size(); ++m) smallest.push_back(m);
  std::sort(smallest.begin(), smallest.end(),
            [&next](std::size_t a, std::size_t b) { return next[a].share < next[b].share; });
  Eigen::VectorXd left = weights;
  for (int k = 0; k < std::min(seeds, static_cast<int>(smallest.size()) / 2); ++k) {
    Eigen::Index at = 0;
    if (!(left.maxCoeff(&at) > 0)) break;
    Component& one = next[smallest[static_cast<std::size_t>(k)]];
    constexpr double narrow = 0.35;
    one = {0.05, x.row(at), narrow / std::sqrt(1.5) * next[0].factor};
    const Eigen::MatrixXd y =
        next[0].factor.triangularView<Eigen::Lower>().solve((x.rowwise() - x.row(at)).transpose());
    left = (y.colwise().squaredNorm().transpose().array() < narrow * narrow * static_cast<double>(n)).select(0, left);
  }
  double others = 0;
  for (std::size_t m = 1; m < next.size(); ++m) others += next[m].share;
  for (std::size_t m = 1; m < next.size(); ++m) next[m].share *= 0.9 / others;
  if (next.size() == 1) next[0].share = 1;
  return next;
}

void HolomorphicFlow::sample(std::uint64_t seed, std::uint32_t set, std::uint64_t first, const Proposal& proposal,
                             double flow_time, const Draws& draws) const {
  const int n = action_.size();
  const auto size = static_cast<std::size_t>(n);
  FlowOfDraws kernel;
  kernel.n = n;
  kernel.n_vertices = static_cast<int>(action_.vertices.size());
  kernel.degree = static_cast<int>(action_.path.degree());
  for (std::size_t k = 0; k < action_.path.potential.size() && k <= PathOptions::max_degree; ++k)
    kernel.power[k] = action_.path.potential[k];
  kernel.n_bumps = static_cast<int>(action_.path.bumps.size());
  for (int b = 0; b < kernel.n_bumps; ++b) {
    for (std::size_t k = 0; k < 3; ++k) kernel.bump[b][k] = action_.path.bumps[static_cast<std::size_t>(b)][k];
  }
  const auto vector = [](const char* label, const std::vector<ContourAction::Complex>& values) {
    Kokkos::View<FlowOfDraws::Complex*> view(label, values.size());
    const auto host = Kokkos::create_mirror_view(view);
    for (std::size_t k = 0; k < values.size(); ++k) host(k) = values[k];
    Kokkos::deep_copy(view, host);
    return view;
  };
  const auto matrix = [](const char* label, const Eigen::MatrixXd& values) {
    FlowOfDraws::Matrix view(label, static_cast<std::size_t>(values.rows()), static_cast<std::size_t>(values.cols()));
    const auto host = Kokkos::create_mirror_view(view);
    for (Eigen::Index i = 0; i < values.rows(); ++i) {
      for (Eigen::Index j = 0; j < values.cols(); ++j)
        host(static_cast<std::size_t>(i), static_cast<std::size_t>(j)) = values(i, j);
    }
    Kokkos::deep_copy(view, host);
    return view;
  };
  kernel.diagonal = vector("koushi::field::contour_diagonal", action_.diagonal);
  kernel.next = vector("koushi::field::contour_next", action_.next);
  kernel.linear = vector("koushi::field::contour_linear", action_.linear);
  std::vector<ContourAction::Complex> factors;
  kernel.sites = Kokkos::View<int* [2]>("koushi::field::contour_vertices", action_.vertices.size());
  const auto sites = Kokkos::create_mirror_view(kernel.sites);
  for (std::size_t v = 0; v < action_.vertices.size(); ++v) {
    sites(v, 0) = action_.vertices[v].left;
    sites(v, 1) = action_.vertices[v].right;
    factors.push_back(action_.vertices[v].factor);
  }
  Kokkos::deep_copy(kernel.sites, sites);
  kernel.factor = vector("koushi::field::contour_factors", factors);
  kernel.g_re = matrix("koushi::field::flow_metric_re", g_.real());
  kernel.g_im = matrix("koushi::field::flow_metric_im", g_.imag());
  const std::size_t components = proposal.size();
  kernel.until = Kokkos::View<double*>("koushi::field::proposal_shares", components);
  kernel.scale = Kokkos::View<double*>("koushi::field::proposal_scales", components);
  kernel.mean = FlowOfDraws::Matrix("koushi::field::proposal_means", components, size);
  kernel.draw_factor =
      Kokkos::View<double***, Kokkos::LayoutRight>("koushi::field::proposal_factors", components, size, size);
  const auto until = Kokkos::create_mirror_view(kernel.until);
  const auto scale = Kokkos::create_mirror_view(kernel.scale);
  const auto mean = Kokkos::create_mirror_view(kernel.mean);
  const auto factor = Kokkos::create_mirror_view(kernel.draw_factor);
  double sum = 0;
  for (std::size_t m = 0; m < components; ++m) {
    sum += proposal[m].share;
    until(m) = sum;
    scale(m) = std::log(proposal[m].share) - proposal[m].factor.diagonal().array().log().sum();
    for (std::size_t k = 0; k < size; ++k) {
      mean(m, k) = proposal[m].mean(static_cast<Eigen::Index>(k));
      for (std::size_t c = 0; c < size; ++c)
        factor(m, k, c) = proposal[m].factor(static_cast<Eigen::Index>(k), static_cast<Eigen::Index>(c));
    }
  }
  Kokkos::deep_copy(kernel.until, until);
  Kokkos::deep_copy(kernel.scale, scale);
  Kokkos::deep_copy(kernel.mean, mean);
  Kokkos::deep_copy(kernel.draw_factor, factor);
  kernel.log_t =
      std::lgamma(0.5 * (freedom + n)) - std::lgamma(0.5 * freedom) - 0.5 * n * std::log(freedom * std::numbers::pi);
  kernel.constant = action_.constant;
  kernel.time = flow_time;
  kernel.lowest = lowest_;
  kernel.seed = seed;
  kernel.set = set;
  kernel.draws = draws;
  // work space for what one device runs at once; a draw knows nothing of the others
  const std::size_t count = draws.extent(0);
  const std::size_t at_once =
      std::min<std::size_t>(count, 4 * static_cast<std::size_t>(Kokkos::DefaultExecutionSpace().concurrency()));
  const std::size_t states = 6 * (2 * size + 2 * size * size) + 6 * size + 2 * size * size;
  kernel.work =
      FlowOfDraws::Matrix(Kokkos::view_alloc("koushi::field::flow_work", Kokkos::WithoutInitializing), at_once, states);
  for (std::size_t at = 0; at < count; at += at_once) {
    const std::size_t end = std::min(count, at + at_once);
    FlowOfDraws part = kernel;
    part.first = first + at;
    part.draws = Kokkos::subview(draws, Kokkos::make_pair(at, end), Kokkos::ALL);
    Kokkos::parallel_for("koushi::field::holomorphic_flow",
                         Kokkos::RangePolicy<Kokkos::IndexType<int>>(0, static_cast<int>(end - at)), part);
  }
}

HolomorphicFlow::Gaussian HolomorphicFlow::gaussian() const {
  const Eigen::Index n = action_.size();
  // det(m)^{-1/2} of a matrix with a positive real part: the product of the principal roots of its eigenvalues
  const auto root = [](const Eigen::MatrixXcd& m) {
    const Eigen::ComplexEigenSolver<Eigen::MatrixXcd> solved(m, false);
    Complex product = 1;
    for (Eigen::Index k = 0; k < m.rows(); ++k) product /= std::sqrt(solved.eigenvalues()(k));
    return product;
  };
  const double pi = std::numbers::pi;
  const Complex scale = std::pow(2 * pi, 0.5 * static_cast<double>(n)) * std::exp(action_.constant);
  Gaussian result;
  result.on_the_real_plane =
      scale * root(h_) * std::exp(0.5 * (linear_.transpose() * h_.partialPivLu().solve(linear_))(0));
  const Eigen::MatrixXcd on = map_.transpose() * h_ * map_;
  const Eigen::VectorXcd linear = map_.transpose() * (h_ * shift_ + linear_);
  const Complex rest = 0.5 * (shift_.transpose() * h_ * shift_)(0) + (linear_.transpose() * shift_)(0);
  result.on_the_contour = scale * map_.determinant() * root(on) *
                          std::exp(0.5 * (linear.transpose() * on.partialPivLu().solve(linear))(0) - rest);
  return result;
}

}  // namespace koushi
