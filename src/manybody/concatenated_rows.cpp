#include "koushi/manybody/concatenated_rows.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "koushi/base/error.hpp"

namespace koushi {

namespace {

using HostSpace = Kokkos::DefaultHostExecutionSpace;

/// body(i) for i = 0 ... count - 1, shared by the threads of the host.
template <typename Body>
void share(std::int64_t count, const Body& body) {
  Kokkos::parallel_for("koushi::manybody::concatenated_rows",
                       Kokkos::RangePolicy<HostSpace>(0, static_cast<int>(count)), body);
}

/// The sum of the factors' Gram matrices.
class ConcatenatedGram final : public GramTiles {
 public:
  struct Factor {
    std::unique_ptr<GramTiles> tiles;
    bool doubled;  ///< [[Re G, -Im G], [Im G, Re G]] of its G
    bool real;     ///< G of the rows Re O alone
  };
  /// n: samples; complex_sum: the factors are complex and the sum is, too
  ConcatenatedGram(std::vector<Factor> factors, std::int64_t n, bool complex_sum)
      : factors_(std::move(factors)), n_(n), complex_(complex_sum) {}

  void write(const Space& space, const std::vector<Tile>& tiles, const Finish& finish) const override {
    for (std::size_t begin = 0; begin < tiles.size(); begin += at_once) {
      const std::size_t end = std::min(begin + at_once, tiles.size());
      write_some(space, {tiles.data() + begin, tiles.data() + end}, finish);
    }
  }

 private:
  static constexpr std::size_t at_once = 256;  ///< tiles that wait in scratch

  /// One tile of a factor's matrix, which lies at (row, column) of the samples in quadrant (a, b) of the sum's.
  struct Piece {
    std::size_t target;
    int a;
    int b;
    std::int64_t row;
    std::int64_t column;
  };

  void write_some(const Space& space, const std::vector<Tile>& tiles, const Finish& finish) const {
    share(static_cast<std::int64_t>(tiles.size()), [&](int t) {
      const Tile& tile = tiles[static_cast<std::size_t>(t)];
      std::fill_n(tile.re, tile_size, 0.0);
      if (complex_) std::fill_n(tile.im, tile_size, 0.0);
    });
    for (const Factor& factor : factors_) {
      if (factor.doubled) {
        add_doubled(space, *factor.tiles, tiles);
      } else {
        add(space, factor, tiles);
      }
    }
    if (!finish) return;
    share(static_cast<std::int64_t>(tiles.size()), [&](int t) { finish(tiles[static_cast<std::size_t>(t)]); });
  }

  HostReals scratch(std::size_t tiles, int planes) const {
    return HostReals(Kokkos::view_alloc(Kokkos::WithoutInitializing, "koushi::manybody::gram_scratch"),
                     tiles * static_cast<std::size_t>(planes * tile_size));
  }

  void add(const Space& space, const Factor& factor, const std::vector<Tile>& tiles) const {
    const int planes = complex_ ? 2 : 1;
    const HostReals values = scratch(tiles.size(), planes);
    std::vector<Tile> parts;
    std::vector<std::size_t> targets;
    for (std::size_t t = 0; t < tiles.size(); ++t) {
      // The rows of Im O that a real factor leaves out would be zero.
      if (factor.real && std::max(tiles[t].row, tiles[t].column) * tile_extent >= n_) continue;
      double* re = values.data() + parts.size() * static_cast<std::size_t>(planes * tile_size);
      parts.push_back({tiles[t].row, tiles[t].column, re, complex_ ? re + tile_size : nullptr});
      targets.push_back(t);
    }
    factor.tiles->write(space, parts, {});
    share(static_cast<std::int64_t>(parts.size()), [&](int p) {
      const Tile& part = parts[static_cast<std::size_t>(p)];
      const Tile& tile = tiles[targets[static_cast<std::size_t>(p)]];
      const auto inside = [&](std::int64_t block, int i) { return !factor.real || block * tile_extent + i < n_; };
      for (int j = 0; j < tile_extent; ++j) {
        if (!inside(part.column, j)) continue;
        for (int i = 0; i < tile_extent; ++i) {
          if (!inside(part.row, i)) continue;
          const int at = tile_at(i, j);
          tile.re[at] += part.re[at];
          if (complex_) tile.im[at] += part.im[at];
        }
      }
    });
  }

  /// Tiles of samples that the rows of one tile of [Re O; Im O] come from: (quadrant, tile).
  std::vector<std::pair<int, std::int64_t>> sources(std::int64_t block) const {
    std::vector<std::pair<int, std::int64_t>> found;
    for (std::int64_t p = block * tile_extent; p < std::min((block + 1) * tile_extent, 2 * n_); ++p) {
      const std::pair<int, std::int64_t> source{p < n_ ? 0 : 1, p % n_ / tile_extent};
      if (found.empty() || found.back() != source) found.push_back(source);
    }
    return found;
  }

  void add_doubled(const Space& space, const GramTiles& factor, const std::vector<Tile>& tiles) const {
    std::vector<Piece> pieces;
    std::vector<std::size_t> first;  // piece of each tile
    for (std::size_t t = 0; t < tiles.size(); ++t) {
      first.push_back(pieces.size());
      for (const auto& [a, row] : sources(tiles[t].row)) {
        for (const auto& [b, column] : sources(tiles[t].column)) pieces.push_back({t, a, b, row, column});
      }
    }
    first.push_back(pieces.size());
    const HostReals values = scratch(pieces.size(), 2);
    std::vector<Tile> parts;
    for (std::size_t q = 0; q < pieces.size(); ++q) {
      double* re = values.data() + q * 2 * tile_size;
      parts.push_back({pieces[q].row, pieces[q].column, re, re + tile_size});
    }
    factor.write(space, parts, {});
    share(static_cast<std::int64_t>(tiles.size()), [&](int t) {
      for (std::size_t q = first[static_cast<std::size_t>(t)]; q < first[static_cast<std::size_t>(t) + 1]; ++q)
        add_piece(pieces[q], parts[q], tiles[static_cast<std::size_t>(t)]);
    });
  }

  void add_piece(const Piece& piece, const Tile& part, const Tile& tile) const {
    const double* from = piece.a == piece.b ? part.re : part.im;
    const double sign = piece.a < piece.b ? -1.0 : 1.0;
    for (int j = 0; j < tile_extent; ++j) {
      // Of the piece's tile of samples to that of the sum.
      const std::int64_t q = piece.b * n_ + piece.column * tile_extent + j - tile.column * tile_extent;
      if (piece.column * tile_extent + j >= n_ || q < 0 || q >= tile_extent) continue;
      for (int i = 0; i < tile_extent; ++i) {
        const std::int64_t p = piece.a * n_ + piece.row * tile_extent + i - tile.row * tile_extent;
        if (piece.row * tile_extent + i >= n_ || p < 0 || p >= tile_extent) continue;
        tile.re[tile_at(static_cast<int>(p), static_cast<int>(q))] += sign * from[tile_at(i, j)];
      }
    }
  }

  std::vector<Factor> factors_;
  std::int64_t n_;
  bool complex_;
};

}  // namespace

ConcatenatedRows::ConcatenatedRows(std::vector<std::unique_ptr<DistributedRows>> factors)
    : factors_(std::move(factors)) {
  if (factors_.empty()) throw UsageError("rows of a product of no factors\n  expected: at least one");
  for (const auto& factor : factors_) {
    const RowRange given = factor->rows();
    const RowRange wanted = rows();
    if (given.total != wanted.total || given.first != wanted.first || given.count != wanted.count ||
        factor->block_rows() != block_rows()) {
      throw UsageError(
          fmt::format("a factor has rows [{}, {}) of {} in blocks of {}\n  expected: [{}, {}) of {} in "
                      "blocks of {}, as the first one",
                      given.first, given.first + given.count, given.total, factor->block_rows(), wanted.first,
                      wanted.first + wanted.count, wanted.total, block_rows()));
    }
    parameters_ += factor->parameters();
    holomorphic_ = holomorphic_ && factor->holomorphic();
    real_valued_ = real_valued_ && factor->real_valued();
  }
}

void ConcatenatedRows::multiply(const Space& space, const ConstHostReals& v, const HostComplexes& y) const {
  const HostComplexes part("koushi::manybody::product", factors_.size() > 1 ? y.size() : 0);
  std::int64_t at = 0;
  for (const auto& factor : factors_) {
    const bool is_first = at == 0;
    const ConstHostReals slice(v.data() + at, static_cast<std::size_t>(factor->parameters()));
    factor->multiply(space, slice, is_first ? y : part);
    for (std::size_t s = 0; !is_first && s < y.size(); ++s) y(s) += part(s);
    at += factor->parameters();
  }
}

void ConcatenatedRows::multiply_adjoint(const Space& space, const ConstHostComplexes& r, const HostReals& x) const {
  std::int64_t at = 0;
  for (const auto& factor : factors_) {
    factor->multiply_adjoint(space, r, HostReals(x.data() + at, static_cast<std::size_t>(factor->parameters())));
    at += factor->parameters();
  }
}

void ConcatenatedRows::row_norms(const Space& space, const HostReals& norms) const {
  const HostReals part("koushi::manybody::norms", norms.size());
  for (std::size_t s = 0; s < norms.size(); ++s) norms(s) = 0;
  for (const auto& factor : factors_) {
    factor->row_norms(space, part);
    const double columns = is_doubled(*factor) ? 2 : 1;
    for (std::size_t s = 0; s < norms.size(); ++s) norms(s) += columns * part(s);
  }
}

std::unique_ptr<GramTiles> ConcatenatedRows::gram_tiles(const Space& space) const {
  if (factors_.size() == 1) return factors_.front()->gram_tiles(space);
  std::vector<ConcatenatedGram::Factor> factors;
  for (const auto& factor : factors_)
    factors.push_back({factor->gram_tiles(space), is_doubled(*factor), factor->real_valued()});
  return std::make_unique<ConcatenatedGram>(std::move(factors), rows().total, holomorphic_);
}

void ConcatenatedRows::entries(const Space& space, std::int64_t first, std::int64_t count, std::int64_t first_column,
                               std::int64_t columns, const EntrySlabs& to) const {
  std::int64_t offset = 0;
  for (const auto& factor : factors_) {
    const bool doubled = is_doubled(*factor);
    const std::int64_t width = factor->columns() * (doubled ? 2 : 1);
    const std::int64_t begin = std::max(first_column, offset) - offset;  // of the factor's columns here
    const std::int64_t end = std::min(first_column + columns, offset + width) - offset;
    EntrySlabs place = to;
    place.column += offset + begin - first_column;
    if (begin < end && !doubled) {
      factor->entries(space, first, count, begin, end - begin, place);
    } else if (begin < end) {
      const std::int64_t from = begin / 2;
      const std::int64_t n = (end + 1) / 2 - from;
      const std::int64_t stride = count * slab_rows;
      const auto make = [&] {
        return HostReals(Kokkos::view_alloc(Kokkos::WithoutInitializing, "koushi::manybody::entries"),
                         static_cast<std::size_t>((n + slab_rows - 1) / slab_rows * stride));
      };
      const EntrySlabs o{.re = make(), .im = make(), .stride = stride};
      factor->entries(space, first, count, from, n, o);
      share(count, [&](int s) {
        for (std::int64_t k = begin; k < end; ++k) {
          const std::int64_t source = o.at(s, k / 2 - from);
          const std::int64_t target = place.at(s, k - begin);
          to.re(target) = k % 2 == 0 ? o.re(source) : -o.im(source);
          if (to.im.size() > 0) to.im(target) = k % 2 == 0 ? o.im(source) : o.re(source);
        }
      });
    }
    offset += width;
  }
}

}  // namespace koushi
