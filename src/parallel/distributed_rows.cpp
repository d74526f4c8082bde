#include "koushi/parallel/distributed_rows.hpp"

#include "koushi/base/tile_product.hpp"

namespace koushi {

Eigen::MatrixXcd DistributedRows::entries() const {
  const std::int64_t n = rows().count;
  const std::int64_t slabs = (columns() + slab_rows - 1) / slab_rows;
  std::vector<double> re(static_cast<std::size_t>(slabs * n * slab_rows));
  std::vector<double> im(re.size());
  entries(0, n, re.data(), im.data(), n * slab_rows);
  Eigen::MatrixXcd all(n, columns());
  for (Eigen::Index s = 0; s < n; ++s) {
    for (Eigen::Index k = 0; k < all.cols(); ++k) {
      const auto at = static_cast<std::size_t>(k / slab_rows * n * slab_rows + s * slab_rows + k % slab_rows);
      all(s, k) = {re[at], im[at]};
    }
  }
  return all;
}

Eigen::MatrixXcd DistributedRows::gram() const {
  const std::unique_ptr<GramTiles> tiles = gram_tiles();
  const Eigen::Index n = rows().total;
  const Eigen::Index given = holomorphic() || real_valued() ? n : 2 * n;
  Eigen::MatrixXcd all = Eigen::MatrixXcd::Zero(holomorphic() ? n : 2 * n, holomorphic() ? n : 2 * n);
  std::vector<double> re(tile_size);
  std::vector<double> im(tile_size);
  for (Eigen::Index i = 0; i < given; ++i) {
    for (Eigen::Index j = 0; j < given; ++j) {
      if (j % tile_extent == 0) tiles->tile(i / tile_extent, j / tile_extent, re.data(), im.data());
      const auto at =
          static_cast<std::size_t>(tile_at(static_cast<int>(i % tile_extent), static_cast<int>(j % tile_extent)));
      all(i, j) = {re[at], holomorphic() ? im[at] : 0.0};
    }
  }
  return all;
}

}  // namespace koushi
