#pragma once

#include "koushi/lattice/grid.hpp"

namespace koushi {

/// A field: numbers of [replica][component][stored site], with the halo that the grid asks for, in the order that pointer_to() knows.
using FieldArray = Kokkos::View<double***, Kokkos::LayoutRight>;

FieldArray make_field(const Grid& grid, int components);
/// `field` made for this grid, or its host copy.
template <typename Field>
FieldPointer pointer_to(const GridView& grid, const Field& field) {
  const auto components = static_cast<std::int64_t>(field.extent(1));
  const auto stored = static_cast<std::int64_t>(field.extent(2));
  if (!grid.interleaved) return {field.data(), components * stored, stored, 1};
  // A row's first site, at index pad + margin + k stride[2], comes to stand at pad + margin + k components stride[2].
  return {field.data() - (grid.pad + grid.margin) * (components - 1), components * stored, grid.stride[2], components};
}

/// Fills the halos of a field from the ranks beside this one, by point-to-point messages that are under way between start() and finish().
///
/// With corners = false the faces of all directions travel at once: what steps along one direction at a time need, and what can be hidden
/// behind work on sites that take no step into the halo. With corners = true directions follow each other, so that steps in several
/// directions find their values too.
/// Collective  over the group of ranks that hold the replica
/// Errors      LibraryError
class HaloExchange {
 public:
  HaloExchange(const Grid& grid, int components, bool corners);
  HaloExchange(const HaloExchange&) = delete;
  HaloExchange& operator=(const HaloExchange&) = delete;

  void start(const FieldArray& field);
  void finish(const FieldArray& field);
  void exchange(const FieldArray& field) {
    start(field);
    finish(field);
  }
  /// Of some components only, where the halos of the others are as they must be; colour 0 or 1: only the sites of this colour of a checkerboard need it.
  void exchange(const FieldArray& field, int first, int count, int colour = -1);

 private:
  using Buffer = Kokkos::View<double*>;
  struct Face {
    int mu = 0;
    int step = 0;                       ///< -1: the halo below the box, 1: the one above
    int send[4][2] = {};                ///< [direction][first, count] of the sites that are sent towards `step`, in stored coordinates
    int receive[4][2] = {};             ///< of the halo on the side of `step`
    int partner = 0;
    Buffer out;
    Buffer in;
    Buffer::host_mirror_type out_host;
    Buffer::host_mirror_type in_host;
  };
  void start(const FieldArray& field, Face& face, int tag);
  void unpack(const FieldArray& field, const Face& face) const;
  /// Of a brick's first row, with the colour added: even where the colour's sites stand in the first half of the row.
  int first_parity(const int (&brick)[4][2]) const;
  /// The colour that alone is exchanged, half of a face of whole split rows; -1: other faces go as a whole.
  int colour_of(const Face& face) const { return 2 * grid_.view().half == face.send[3][1] ? colour_ : -1; }

  const Grid& grid_;
  int components_;
  int first_ = 0;   ///< components that are exchanged now
  int count_ = 0;
  int colour_ = -1;
  bool corners_;
  std::vector<Face> faces_;
  Messages messages_;
};

}  // namespace koushi
