#include "koushi/lattice/halo_exchange.hpp"

#include "koushi/base/lane_team.hpp"

namespace koushi {

namespace {

/// Copies a brick of the stored sites of all replicas and components into a buffer, or back; colour >= 0: the sites of this colour alone, one half of each row, the even places where
/// first_parity and the steps from the brick's first row add up to an even number.
template <bool to_buffer>
void copy_brick(const char* label, const GridView& grid, const FieldArray& field, const Kokkos::View<double*>& buffer, const int (&brick)[4][2], int first_component, int components, int colour,
                int first_parity) {
  const int n1 = brick[1][1];
  const int n2 = brick[2][1];
  const int n3 = brick[3][1];
  const int rows = brick[0][1] * n1 * n2;
  int first = grid.pad;
  for (int mu = 0; mu < 3; ++mu) first += brick[mu][0] * grid.stride[mu];
  const int column = brick[3][0] - grid.margin;
  const bool whole_rows = n3 >= 2 * grid.half;  // they go in the order of places, which is the same for both partners
  const int copied = colour < 0 ? n3 : grid.half;
  const FieldPointer pointer = pointer_to(grid, field);
  // A thread of the host takes all components of a row, which lie side by side where they are interleaved: finding the row costs as much as copying eight numbers.
  const int together = kernels_on_host ? components : 1;
  const int parts = components / together;
  Kokkos::parallel_for(
      label, Kokkos::RangePolicy<>(0, static_cast<int>(field.extent(0)) * rows * parts), KOKKOS_LAMBDA(int k) {
        const int c = first_component + k % parts * together;
        const int rest = k / parts % rows;
        const int r = k / parts / rows;
        const int at[3] = {rest / n2 / n1, rest / n2 % n1, rest % n2};
        int row = first + grid.margin;
        int parity = first_parity;
        for (int mu = 0; mu < 3; ++mu) {
          row += at[mu] * grid.stride[mu];
          parity += at[mu];
        }
        const int begin = column + (colour < 0 || parity % 2 == 0 ? 0 : grid.half);
        double* copy = &buffer(k * together * copied);
        for (int m = 0; m < together; ++m, copy += copied) {
          double* const line = pointer.at(r, c + m, row);
          for (int x = 0; x < copied; ++x) {
            double& site = line[whole_rows ? begin + x : grid.place(column + x)];
            (to_buffer ? copy[x] : site) = to_buffer ? site : copy[x];
          }
        }
      });
}

}  // namespace

FieldArray make_field(const Grid& grid, int components) {
  return FieldArray("koushi::lattice::field", static_cast<std::size_t>(grid.view().n_replicas), static_cast<std::size_t>(components),
                    static_cast<std::size_t>(grid.view().stored));
}

HaloExchange::HaloExchange(const Grid& grid, int components, bool corners) : grid_(grid), components_(components), count_(components), corners_(corners), messages_(grid.group()) {
  const GridView& view = grid.view();
  const auto halo = [&](int mu) { return grid.has_halo(mu) ? view.range : 0; };
  for (int mu = 0; mu < 4; ++mu) {
    if (!grid.is_divided(mu)) continue;
    for (const int step : {-1, 1}) {
      Face face;
      face.mu = mu;
      face.step = step;
      face.partner = grid.neighbour(mu, step);
      std::size_t count = static_cast<std::size_t>(view.n_replicas * components);
      for (int nu = 0; nu < 4; ++nu) {
        // With corners, directions that were exchanged before take their halos along.
        const bool whole = corners && nu < mu;
        face.send[nu][0] = face.receive[nu][0] = whole ? 0 : halo(nu);
        face.send[nu][1] = face.receive[nu][1] = view.extent[nu] + (whole ? 2 * halo(nu) : 0);
        if (nu == mu) {
          face.send[nu][1] = face.receive[nu][1] = view.range;
          face.send[nu][0] = step < 0 ? halo(nu) : view.extent[nu];
          face.receive[nu][0] = step < 0 ? 0 : halo(nu) + view.extent[nu];
        }
        count *= static_cast<std::size_t>(face.send[nu][1]);
      }
      face.out = Buffer("koushi::lattice::halo_out", count);
      face.in = Buffer("koushi::lattice::halo_in", count);
      face.out_host = Kokkos::create_mirror_view(face.out);
      face.in_host = Kokkos::create_mirror_view(face.in);
      faces_.push_back(face);
    }
  }
}

void HaloExchange::start(const FieldArray& field, Face& face, int tag) {
  const int size = static_cast<int>(face.in.extent(0)) / components_ * count_ / (colour_of(face) < 0 ? 1 : 2);
  copy_brick<true>("koushi::lattice::pack_halo", grid_.view(), field, face.out, face.send, first_, count_, colour_of(face), first_parity(face.send));
  Kokkos::deep_copy(face.out_host, face.out);
  // What goes down is received by its partner as coming from above: tags tell the two apart where both partners are one rank.
  messages_.receive(face.in_host.data(), size, face.partner, tag + (face.step > 0 ? 0 : 1));
  messages_.send(face.out_host.data(), size, face.partner, tag + (face.step > 0 ? 1 : 0));
}

void HaloExchange::unpack(const FieldArray& field, const Face& face) const {
  if (grid_.ends_fixed(face.mu, face.step)) return;  // its halo holds the given values
  Kokkos::deep_copy(face.in, face.in_host);
  copy_brick<false>("koushi::lattice::unpack_halo", grid_.view(), field, face.in, face.receive, first_, count_, colour_of(face), first_parity(face.receive));
}

void HaloExchange::start(const FieldArray& field) {
  if (corners_) return;
  for (Face& face : faces_) start(field, face, 2 * face.mu);
}

int HaloExchange::first_parity(const int (&brick)[4][2]) const {
  const GridView& view = grid_.view();
  int parity = colour_ + view.global_first[3];
  for (int mu = 0; mu < 3; ++mu) parity += view.global_first[mu] + brick[mu][0] + (grid_.has_halo(mu) ? view.range : 0);  // -range would be of the same parity, and negative
  return parity;
}

void HaloExchange::exchange(const FieldArray& field, int first, int count, int colour) {
  first_ = first;
  count_ = count;
  colour_ = colour;
  exchange(field);
  colour_ = -1;
  first_ = 0;
  count_ = components_;
}

void HaloExchange::finish(const FieldArray& field) {
  if (!corners_) {
    messages_.wait();
    for (const Face& face : faces_) unpack(field, face);
    return;
  }
  for (std::size_t k = 0; k < faces_.size(); k += 2) {
    start(field, faces_[k], 2 * faces_[k].mu);
    start(field, faces_[k + 1], 2 * faces_[k].mu);
    messages_.wait();
    unpack(field, faces_[k]);
    unpack(field, faces_[k + 1]);
  }
}

}  // namespace koushi
