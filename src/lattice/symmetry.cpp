#include <Eigen/LU>
#include <cmath>
#include <optional>
#include <set>

#include "koushi/lattice/lattice.hpp"

namespace koushi {

namespace {

/// An isometry of the infinite lattice: site a of cell c goes to site target[a] of cell linear c + shift[a].
struct Isometry {
  Eigen::MatrixXi linear;
  std::vector<Eigen::VectorXi> shift;
  std::vector<int> target;
};

std::optional<Eigen::VectorXi> integers(const Eigen::VectorXd& x) {
  const Eigen::VectorXd nearest = x.array().round();
  if ((x - nearest).cwiseAbs().maxCoeff() > 1e-6) return std::nullopt;
  return nearest.cast<int>();
}

/// Integer matrices R with (A R)^T (A R) = A^T A for the primitive vectors A: the images of the vectors are searched one after another.
void add_rotations(const Eigen::MatrixXd& vectors, Eigen::MatrixXi& linear, int column, std::vector<Eigen::MatrixXi>& found) {
  const int d = static_cast<int>(vectors.cols());
  if (column == d) {
    found.push_back(linear);
    return;
  }
  const Eigen::MatrixXd gram = vectors.transpose() * vectors;
  const double scale = gram.diagonal().maxCoeff();
  // n = A^-1 x, so no component of a vector of length |a| exceeds |a| times the norm of its row of A^-1.
  const Eigen::VectorXd reach = vectors.inverse().rowwise().norm() * std::sqrt(gram(column, column)) * (1 + 1e-9);
  const Eigen::VectorXi bound = reach.array().floor().cast<int>();
  Eigen::VectorXi n = -bound;
  for (bool more = true; more;) {
    linear.col(column) = n;
    const Eigen::VectorXd products = (vectors * linear.leftCols(column + 1).cast<double>()).transpose() * (vectors * n.cast<double>());
    if ((products - gram.col(column).head(column + 1)).cwiseAbs().maxCoeff() < 1e-9 * scale) add_rotations(vectors, linear, column + 1, found);
    more = false;
    for (int k = d - 1; k >= 0; --k) {
      if (++n(k) <= bound(k)) {
        more = true;
        break;
      }
      n(k) = -bound(k);
    }
  }
}

/// One of each coset of the translations: every rotation or reflection, with site 0 of cell 0 going to every site of cell 0.
std::vector<Isometry> isometries(const UnitCell& cell) {
  std::vector<Eigen::MatrixXi> rotations;
  Eigen::MatrixXi linear(cell.dimension(), cell.dimension());
  add_rotations(cell.vectors, linear, 0, rotations);
  const Eigen::MatrixXd inverse = cell.vectors.inverse();
  std::vector<Isometry> all;
  for (const Eigen::MatrixXi& rotation : rotations) {
    const Eigen::MatrixXd cartesian = cell.vectors * rotation.cast<double>() * inverse;
    for (const Eigen::VectorXd& image_of_first : cell.offsets) {
      Isometry g{rotation, {}, {}};
      for (const Eigen::VectorXd& offset : cell.offsets) {
        const Eigen::VectorXd image = image_of_first + cartesian * (offset - cell.offsets[0]);
        for (std::size_t b = 0; b < cell.offsets.size(); ++b) {
          if (const auto shift = integers(inverse * (image - cell.offsets[b]))) {
            g.shift.push_back(*shift);
            g.target.push_back(static_cast<int>(b));
            break;
          }
        }
      }
      if (g.target.size() == cell.offsets.size()) all.push_back(std::move(g));
    }
  }
  return all;
}

}  // namespace

std::vector<Permutation> Lattice::translations(const std::function<bool(const Permutation&)>& is_symmetry) const {
  const std::size_t n_offsets = cell_.offsets.size();
  std::vector<Permutation> group;
  for (const Eigen::VectorXi& shift : cells_) {
    Permutation g;
    for (const Eigen::VectorXi& cell : cells_) {
      const Eigen::VectorXi target = wrap(cell + shift).cell;
      for (std::size_t a = 0; a < n_offsets; ++a) g.push_back(index_of(target, static_cast<int>(a)));
    }
    if (!is_symmetry(g)) continue;
    const bool identity = std::is_sorted(g.begin(), g.end());
    group.insert(identity ? group.begin() : group.end(), std::move(g));
  }
  return group;
}

std::vector<Permutation> Lattice::space_group(const std::function<bool(const Permutation&)>& is_symmetry) const {
  std::vector<Permutation> group = translations(is_symmetry);
  const std::vector<Permutation> shifts = group;
  std::set<Permutation> known(group.begin(), group.end());  // on small lattices different isometries are one permutation
  const Eigen::MatrixXd inverse = supercell_.cast<double>().inverse();
  for (const Isometry& g : isometries(cell_)) {
    if (!integers((inverse * (g.linear * supercell_).cast<double>()).reshaped())) continue;  // another torus
    // Symmetries of one linear part and target differ by translations that are symmetries, so the first one found gives all of them.
    for (const Eigen::VectorXi& origin : cells_) {
      Permutation first;
      for (const Eigen::VectorXi& cell : cells_) {
        for (std::size_t a = 0; a < g.target.size(); ++a) first.push_back(index_of(wrap(g.linear * cell + g.shift[a] + origin).cell, g.target[a]));
      }
      if (!is_symmetry(first)) continue;
      for (const Permutation& shift : shifts) {
        Permutation product;
        for (const int site : first) product.push_back(shift[static_cast<std::size_t>(site)]);
        if (known.insert(product).second) group.push_back(std::move(product));
      }
      break;
    }
  }
  return group;
}

}  // namespace koushi
