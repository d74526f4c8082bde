#include "koushi/lattice/halo_exchange.hpp"

#include "koushi/base/lane_team.hpp"

namespace koushi {

namespace {

/// Copies a brick of the stored sites of all replicas and components into a buffer, or back; colour >= 0: the sites of
/// this colour alone, one half of each row, the even places where first_parity and the steps from the brick's first row
/// add up to an even number.
template <bool to_buffer>
void copy_brick(const char* label, const GridView& grid, const FieldArray& field, const Kokkos::View<double*>& buffer,
                const int (&brick)[4][2], int first_component, int components, int colour, int first_parity) {
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
  // A thread of the host takes all components of a row, which lie side by side where they are interleaved: finding the
  // row costs as much as copying eight numbers.
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
  return FieldArray("koushi::lattice::field", static_cast<std::size_t>(grid.view().n_replicas),
                    static_cast<std::size_t>(components), static_cast<std::size_t>(grid.view().stored));
}

HaloExchange::HaloExchange(const Grid& grid, int components, bool corners)
    : grid_(grid), components_(components), corners_(corners), messages_(grid.group()) {
  for (int mu = 0; mu < 4; ++mu) {
    if (!grid.is_divided(mu)) continue;
    for (const int step : {-1, 1}) {
      Face face;
      face.mu = mu;
      face.step = step;
      face.partner = grid.neighbour(mu, step);
      const Brick whole = brick(face, true, {});
      auto count = static_cast<std::size_t>(grid.view().n_replicas * components);
      for (const auto& [first, extent] : whole.at) count *= static_cast<std::size_t>(extent);
      face.out = Buffer("koushi::lattice::halo_out", count);
      face.in = Buffer("koushi::lattice::halo_in", count);
      face.out_host = Kokkos::create_mirror_view(face.out);
      face.in_host = Kokkos::create_mirror_view(face.in);
      faces_.push_back(face);
    }
  }
}

HaloExchange::Brick HaloExchange::brick(const Face& face, bool sent, const Part& part) const {
  const GridView& view = grid_.view();
  const int layers = part.layers < 0 ? view.range : part.layers;
  Brick result;
  for (int nu = 0; nu < 4; ++nu) {
    const int halo = grid_.has_halo(nu) ? view.range : 0;
    auto& [first, count] = result.at[nu];
    first = halo;
    count = view.extent[nu];
    if (nu == face.mu) {
      const int border = face.step < 0 ? halo : halo + view.extent[nu];  // of the box and the halo
      const bool below = sent == (face.step > 0);
      first = below ? border - layers : border;
      count = layers;
      // with corners, directions that were exchanged before take their halos along
    } else if (corners_ && nu < face.mu && halo > 0) {
      first -= layers;
      count += 2 * layers;
    }
  }
  return result;
}

template <bool to_buffer>
int HaloExchange::copy(const char* label, const FieldArray& field, const Face& face, const Part& part) const {
  const GridView& view = grid_.view();
  const Brick sites = brick(face, to_buffer, part);
  // Half of whole split rows is of one colour; other faces go as a whole.
  const int colour = 2 * view.half == sites.at[3][1] ? part.colour : -1;
  // Of the brick's first row, with the colour added: even where the colour's sites stand in the first half of the row.
  int parity = part.colour + view.global_first[3];
  // -range would be of the same parity, and negative
  for (int mu = 0; mu < 3; ++mu)
    parity += view.global_first[mu] + sites.at[mu][0] + (grid_.has_halo(mu) ? view.range : 0);
  const int components = part.count < 0 ? components_ : part.count;
  copy_brick<to_buffer>(label, view, field, to_buffer ? face.out : face.in, sites.at, part.first, components, colour,
                        parity);
  int size = view.n_replicas * components;
  for (const auto& [first, count] : sites.at) size *= count;
  return colour < 0 ? size : size / 2;
}

void HaloExchange::start(const FieldArray& field, Face& face, const Part& part) {
  const int size = copy<true>("koushi::lattice::pack_halo", field, face, part);
  Kokkos::deep_copy(face.out_host, face.out);
  // What goes down is received by its partner as coming from above: tags tell the two apart where both partners are one
  // rank.
  const int tag = 2 * face.mu;
  messages_.receive(face.in_host.data(), size, face.partner, tag + (face.step > 0 ? 0 : 1));
  messages_.send(face.out_host.data(), size, face.partner, tag + (face.step > 0 ? 1 : 0));
}

void HaloExchange::start(const FieldArray& field, const Part& part) {
  if (corners_) return;
  for (Face& face : faces_) start(field, face, part);
}

void HaloExchange::finish(const FieldArray& field, const Part& part) {
  const auto unpack = [&](const Face& face) {
    if (grid_.ends_fixed(face.mu, face.step)) return;  // its halo holds the given values
    Kokkos::deep_copy(face.in, face.in_host);
    copy<false>("koushi::lattice::unpack_halo", field, face, part);
  };
  if (!corners_) {
    messages_.wait();
    for (const Face& face : faces_) unpack(face);
    return;
  }
  for (std::size_t k = 0; k < faces_.size(); k += 2) {
    start(field, faces_[k], part);
    start(field, faces_[k + 1], part);
    messages_.wait();
    unpack(faces_[k]);
    unpack(faces_[k + 1]);
  }
}

void HaloExchange::exchange(const FieldArray& field, const Part& part) {
  start(field, part);
  finish(field, part);
}

}  // namespace koushi
