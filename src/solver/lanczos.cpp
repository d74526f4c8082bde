#include "koushi/solver/lanczos.hpp"

#include <Eigen/Eigenvalues>
#include <cmath>
#include <cstddef>
#include <utility>

#include "koushi/base/error.hpp"

namespace koushi {

namespace {

/// The real part of <a|b>.
double dot(const Communicator& comm, const std::vector<double>& a, const std::vector<double>& b) {
  double sum = 0;
  for (std::size_t k = 0; k < a.size(); ++k) sum += a[k] * b[k];
  double all = 0;
  for (const double part : comm.all_gather(std::vector<double>{sum})) all += part;
  return all;
}

}  // namespace

/// H v_k = beta_k v_(k-1) + alpha_k v_k + beta_(k+1) v_(k+1); poles and weights are the eigenvalues of this tridiagonal
/// matrix and the squares of the first components of its eigenvectors. For complex H all of this holds with real parts
/// of scalar products, since alpha and beta are real.
KrylovPoles krylov_poles(const Communicator& comm, const HermitianOperator& op, std::vector<double> start, int steps) {
  std::vector<double> v = std::move(start);
  std::vector<double> before(v.size(), 0.0);
  std::vector<double> next(v.size());
  const double norm = std::sqrt(dot(comm, v, v));
  if (!(norm > 0) || !std::isfinite(norm)) throw NumericalError("a Krylov space cannot begin with a vector of norm 0");
  for (double& x : v) x /= norm;
  std::vector<double> alpha;
  std::vector<double> beta;
  double scale = 0;
  for (int k = 0; k < steps; ++k) {
    op.apply(v, next);
    const double a = dot(comm, v, next);
    const double b = beta.empty() ? 0 : beta.back();
    for (std::size_t x = 0; x < v.size(); ++x) next[x] -= a * v[x] + b * before[x];
    const double size = std::sqrt(dot(comm, next, next));
    if (!std::isfinite(a) || !std::isfinite(size)) throw NumericalError("a product with H is not finite");
    alpha.push_back(a);
    scale = std::max({scale, std::abs(a), size});
    if (k + 1 == steps || size <= 1e-12 * scale) break;
    beta.push_back(size);
    for (double& x : next) x /= size;
    before.swap(v);
    v.swap(next);
  }
  const auto n = static_cast<Eigen::Index>(alpha.size());
  Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solved;
  solved.computeFromTridiagonal(Eigen::Map<const Eigen::VectorXd>(alpha.data(), n),
                                Eigen::Map<const Eigen::VectorXd>(beta.data(), n - 1));
  if (solved.info() != Eigen::Success) throw NumericalError("the tridiagonal matrix of a Krylov space has no solution");
  KrylovPoles poles;
  for (Eigen::Index j = 0; j < n; ++j) {
    poles.energy.push_back(solved.eigenvalues()(j));
    poles.weight.push_back(std::pow(solved.eigenvectors()(0, j), 2));
  }
  return poles;
}

}  // namespace koushi
