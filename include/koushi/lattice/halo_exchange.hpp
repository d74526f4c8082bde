#pragma once

#include "koushi/lattice/grid.hpp"

namespace koushi {

/// A field: numbers of [replica][component][stored site], with the halo that the grid asks for, in the order that
/// pointer_to() knows.
using FieldArray = Kokkos::View<double***, Kokkos::LayoutRight>;

FieldArray make_field(const Grid& grid, int components);
/// What kernels take of a `field` that was made for this grid, or of its host copy.
template <typename Field>
FieldPointer pointer_to(const GridView& grid, const Field& field) {
  const auto components = static_cast<std::int64_t>(field.extent(1));
  const auto stored = static_cast<std::int64_t>(field.extent(2));
  if (!grid.interleaved) return {field.data(), components * stored, stored, 1};
  // A row's first site, at index pad + margin + k stride[2], comes to stand at pad + margin + k components stride[2].
  return {field.data() - (grid.pad + grid.margin) * (components - 1), components * stored, grid.stride[2], components};
}

/// Fills the halos of a field from the ranks beside this one, by point-to-point messages that are under way between
/// start() and finish().
///
/// With corners = false the faces of all directions travel at once: what steps along one direction at a time need, and
/// what can be hidden behind work on sites that take no step into the halo. With corners = true directions follow each
/// other, so that steps in several directions find their values too.
/// Collective  over the group of ranks that hold the replica
/// Errors      LibraryError
class HaloExchange {
 public:
  HaloExchange(const Grid& grid, int components, bool corners);
  HaloExchange(const HaloExchange&) = delete;
  HaloExchange& operator=(const HaloExchange&) = delete;

  void start(const FieldArray& field) { start(field, {}); }
  void finish(const FieldArray& field) { finish(field, {}); }
  void exchange(const FieldArray& field) { exchange(field, {}); }
  /// The part of a halo that is wanted, where the rest is as it must be or is not read.
  struct Part {
    int first = 0;    ///< component
    int count = -1;   ///< of components; -1: all
    int layers = -1;  ///< nearest to the box; -1: all
    int colour = -1;  ///< 0, 1: only sites of this colour of a checkerboard
  };
  void exchange(const FieldArray& field, const Part& part);

 private:
  using Buffer = Kokkos::View<double*>;
  struct Face {
    int mu = 0;
    int step = 0;  ///< -1: the halo below the box, 1: the one above
    int partner = 0;
    Buffer out;
    Buffer in;
    Buffer::host_mirror_type out_host;
    Buffer::host_mirror_type in_host;
  };
  /// A brick of sites, [direction][first, count] in stored coordinates.
  struct Brick {
    int at[4][2] = {};
  };
  /// The sites that are sent through a face, or those of the halo behind it.
  Brick brick(const Face& face, bool sent, const Part& part) const;
  /// Returns how many numbers were copied.
  template <bool to_buffer>
  int copy(const char* label, const FieldArray& field, const Face& face, const Part& part) const;
  void start(const FieldArray& field, Face& face, const Part& part);
  void start(const FieldArray& field, const Part& part);
  void finish(const FieldArray& field, const Part& part);

  const Grid& grid_;
  int components_;
  bool corners_;
  std::vector<Face> faces_;
  Messages messages_;
};

}  // namespace koushi
