#pragma once

#include <Eigen/Dense>
#include <utility>

#include "koushi/manybody/spin_wavefunction.hpp"
#include "koushi/parallel/tree_sum.hpp"

namespace koushi {

template <bool is_complex>
using RowScalar = std::conditional_t<is_complex, std::complex<double>, double>;

/// Common part of both row operators: blocks, sums over them, real and complex vectors.
template <bool is_complex>
class BlockedRows : public DistributedRows {
 public:
  using Scalar = RowScalar<is_complex>;
  using Matrix = Eigen::Matrix<Scalar, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  using Vector = Eigen::Matrix<Scalar, Eigen::Dynamic, 1>;
  using Spins = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

  BlockedRows(const Communicator& comm, RowRange rows, std::int64_t columns) : comm_(comm), rows_(rows), columns_(columns) {}
  RowRange rows() const override { return rows_; }
  std::int64_t parameters() const override { return columns_ * (is_complex ? 2 : 1); }
  bool holomorphic() const override { return is_complex; }
  bool real_valued() const override { return !is_complex; }
  std::int64_t block_rows() const override { return rows_per_block; }

  std::vector<std::complex<double>> multiply(const std::vector<double>& v) const override {
    const Vector vector = Eigen::Map<const Vector>(reinterpret_cast<const Scalar*>(v.data()), columns_);
    std::vector<std::complex<double>> result(static_cast<std::size_t>(rows_.count));
    for_blocks(0, block_range().count, [&](std::int64_t, Eigen::Index first, Eigen::Index count) {
      const Vector product = multiply_block(first, count, vector);
      for (Eigen::Index s = 0; s < count; ++s) result[static_cast<std::size_t>(first + s)] = product(s);
    });
    return result;
  }

  std::vector<double> multiply_adjoint(const std::vector<std::complex<double>>& r) const override {
    const RowRange blocks = block_range();
    TreeSum sum(blocks, parameters());
    // A few blocks per thread at a time: the sums of all of them would not fit where parameters are many.
    const std::int64_t at_once = 2 * Kokkos::DefaultHostExecutionSpace().concurrency();
    for (std::int64_t begin = 0; begin < blocks.count; begin += at_once) {
      std::vector<std::vector<double>> parts(static_cast<std::size_t>(std::min(at_once, blocks.count - begin)));
      for_blocks(begin, begin + static_cast<std::int64_t>(parts.size()), [&](std::int64_t block, Eigen::Index first, Eigen::Index count) {
        Vector part(count);
        for (Eigen::Index s = 0; s < count; ++s) {
          const std::complex<double> value = r[static_cast<std::size_t>(first + s)];
          if constexpr (is_complex) {
            part(s) = value;
          } else {
            part(s) = value.real();  // O is real here, so Re(O^dagger r) = O^T Re r
          }
        }
        const Vector product = adjoint_block(first, count, part);
        const auto* numbers = reinterpret_cast<const double*>(product.data());
        parts[static_cast<std::size_t>(block - begin)].assign(numbers, numbers + parameters());
      });
      for (auto& part : parts) sum.add(std::move(part));
    }
    return sum.finish(comm_);
  }

 protected:
  virtual Vector multiply_block(Eigen::Index first, Eigen::Index count, const Vector& v) const = 0;
  virtual Vector adjoint_block(Eigen::Index first, Eigen::Index count, const Vector& r) const = 0;

  RowRange block_range() const { return blocks_of(rows_, rows_per_block); }

  template <typename Body>
  void for_blocks(std::int64_t begin, std::int64_t end, const Body& body) const {
    Kokkos::parallel_for(
        "koushi::manybody::row_blocks",
        Kokkos::RangePolicy<Kokkos::DefaultHostExecutionSpace>(static_cast<int>(begin), static_cast<int>(end)), [&](int block) {
          const Eigen::Index first = block * rows_per_block;
          body(block, first, std::min<Eigen::Index>(rows_per_block, rows_.count - first));
        });
  }

  /// All ranks' rows of a local matrix, in rank order.
  Matrix gather(const Matrix& local) const {
    const auto* data = reinterpret_cast<const double*>(local.data());
    const std::vector<double> all =
        comm_.all_gather(std::vector<double>(data, data + local.size() * static_cast<Eigen::Index>(sizeof(Scalar) / sizeof(double))));
    return Eigen::Map<const Matrix>(reinterpret_cast<const Scalar*>(all.data()), rows_.total, local.cols());
  }

  /// The real case as [Re O; Im O] with Im O = 0.
  static Eigen::MatrixXcd as_gram(const Matrix& gram) {
    if constexpr (is_complex) {
      return gram;
    } else {
      Eigen::MatrixXcd real = Eigen::MatrixXcd::Zero(2 * gram.rows(), 2 * gram.cols());
      real.topLeftCorner(gram.rows(), gram.cols()) = gram.template cast<std::complex<double>>();
      return real;
    }
  }

  const Communicator& comm_;
  RowRange rows_;
  std::int64_t columns_;
};

/// Rows that are kept: used where a symmetry makes them short.
template <bool is_complex>
class StoredRows final : public BlockedRows<is_complex> {
  using Base = BlockedRows<is_complex>;
  using typename Base::Matrix;
  using typename Base::Vector;

 public:
  StoredRows(const Communicator& comm, RowRange rows, Matrix entries)
      : Base(comm, rows, entries.cols()), entries_(std::move(entries)) {}
  Eigen::MatrixXcd entries() const override { return entries_.template cast<std::complex<double>>(); }
  Eigen::MatrixXcd gram() const override {
    const Matrix all = this->gather(entries_);
    return this->as_gram(all * all.adjoint());
  }
  std::vector<double> row_norms() const override {
    std::vector<double> norms;
    for (Eigen::Index s = 0; s < entries_.rows(); ++s) norms.push_back(Vector(entries_.row(s)).squaredNorm());
    return norms;
  }

 protected:
  Vector multiply_block(Eigen::Index first, Eigen::Index count, const Vector& v) const override {
    Vector result(count);
    for (Eigen::Index s = 0; s < count; ++s) result(s) = entries_.row(first + s).transpose().cwiseProduct(v).sum();
    return result;
  }
  Vector adjoint_block(Eigen::Index first, Eigen::Index count, const Vector& r) const override {
    Vector result = Vector::Zero(this->columns_);
    for (Eigen::Index s = 0; s < count; ++s) result += entries_.row(first + s).adjoint() * r(s);
    return result;
  }

 private:
  Matrix entries_;
};

/// Rows s (x) t of the dense RBM, never formed. Columns [a (if visible)][b][W: hidden slow, site fast].
///
///   O v     = S a + T b + rowsum(T o (S V)),   V_ij = v of W_ij        (one GEMM of n x N x M)
///   O^H r   = [S^T r, T^H r, (conj(T) o r)^T S]                        (one GEMM of n x N x M)
///   O O^H   = (S S^T) o (T T^H) + T T^H + S S^T
template <bool is_complex>
class OuterProductRows final : public BlockedRows<is_complex> {
  using Base = BlockedRows<is_complex>;
  using typename Base::Matrix;
  using typename Base::Vector;

 public:
  using typename Base::Spins;
  OuterProductRows(const Communicator& comm, RowRange rows, Spins spins, Matrix t, bool visible)
      : Base(comm, rows, (visible ? spins.cols() : 0) + t.cols() + t.cols() * spins.cols()),
        spins_(std::move(spins)),
        t_(std::move(t)),
        n_visible_(visible ? spins_.cols() : 0) {}

  Eigen::MatrixXcd entries() const override {
    Eigen::MatrixXcd rows(spins_.rows(), this->columns_);
    for (Eigen::Index s = 0; s < spins_.rows(); ++s) {
      if (n_visible_ > 0) rows.row(s).head(n_visible_) = spins_.row(s).template cast<std::complex<double>>();
      rows.row(s).segment(n_visible_, t_.cols()) = t_.row(s).template cast<std::complex<double>>();
      for (Eigen::Index j = 0; j < t_.cols(); ++j) {
        rows.row(s).segment(n_visible_ + t_.cols() + j * spins_.cols(), spins_.cols()) =
            (t_(s, j) * spins_.row(s)).template cast<std::complex<double>>();
      }
    }
    return rows;
  }

  Eigen::MatrixXcd gram() const override {
    const Matrix t = this->gather(t_);
    const Matrix s = this->gather(spins_.template cast<typename Base::Scalar>());
    const Matrix spin_gram = s * s.transpose();
    const Matrix table_gram = t * t.adjoint();
    Matrix gram = spin_gram.cwiseProduct(table_gram) + table_gram;
    if (n_visible_ > 0) gram += spin_gram;
    return this->as_gram(gram);
  }
  std::vector<double> row_norms() const override {  // |s|^2 = N, so |O_s|^2 = (N + 1) |t|^2 (+ N)
    std::vector<double> norms;
    const auto n = static_cast<double>(spins_.cols());
    for (Eigen::Index s = 0; s < t_.rows(); ++s) {
      norms.push_back((n + 1) * Vector(t_.row(s)).squaredNorm() + static_cast<double>(n_visible_));
    }
    return norms;
  }

 protected:
  Vector multiply_block(Eigen::Index first, Eigen::Index count, const Vector& v) const override {
    const Spins s = spins_.middleRows(first, count);
    const Matrix t = t_.middleRows(first, count);
    const Eigen::Map<const Matrix> w(v.data() + n_visible_ + t.cols(), t.cols(), s.cols());
    const Matrix u = s.template cast<typename Base::Scalar>() * w.transpose();
    Vector result(count);
    for (Eigen::Index k = 0; k < count; ++k) {
      result(k) = (t.row(k).transpose().array() * (u.row(k).transpose().array() + v.segment(n_visible_, t.cols()).array())).sum();
      for (Eigen::Index i = 0; i < n_visible_; ++i) result(k) += s(k, i) * v(i);
    }
    return result;
  }

  Vector adjoint_block(Eigen::Index first, Eigen::Index count, const Vector& r) const override {
    const Spins s = spins_.middleRows(first, count);
    const Matrix weighted = r.asDiagonal() * t_.middleRows(first, count).conjugate();
    const Matrix w = weighted.transpose() * s.template cast<typename Base::Scalar>();
    Vector result(this->columns_);
    if (n_visible_ > 0) result.head(n_visible_) = s.transpose().template cast<typename Base::Scalar>() * r;
    result.segment(n_visible_, weighted.cols()) = weighted.colwise().sum().transpose();
    result.tail(w.size()) = Eigen::Map<const Vector>(w.data(), w.size());
    return result;
  }

 private:
  Spins spins_;
  Matrix t_;
  Eigen::Index n_visible_;
};

}  // namespace koushi
