#include "koushi/manybody/spin_products.hpp"

namespace koushi {

bool has_spins(const Space& space) {
  if (space.n_flavours() == 1) return space.local(0).kind == LocalSpace::Kind::spin;
  return space.n_flavours() == 2 && space.is_fermionic(0) && space.is_fermionic(space.place(1, 0));
}

double square_of_spin(const Space& space) {
  return space.n_flavours() == 1 ? 0.25 * space.local(0).max * (space.local(0).max + 2.0) : 0.0;
}

void add_spin_product(Operator& to, int i, int j, double weight, bool turned) {
  const Space& space = to.space();
  if (space.n_flavours() == 1) {
    if (i == j) return;  // S (S + 1)
    to.add_pair(i, j, 0.25 * weight);
    to.add_move(Move::transfer(i, j, 2), 0.5 * weight * (turned ? -1.0 : 1.0));
    return;
  }
  if (i == j) {
    for (const int f : {0, 1}) to.add_linear(space.place(f, i), 0.75 * weight);
    if (!space.exclusive()) to.add_pair(space.place(0, i), space.place(1, i), -1.5 * weight);
    return;
  }
  for (const int f : {0, 1}) {
    for (const int g : {0, 1}) to.add_pair(space.place(f, i), space.place(g, j), (f == g ? 0.25 : -0.25) * weight);
  }
  to.add_move(Move::two_hops(space.place(0, i), space.place(0, j), space.place(1, j), space.place(1, i)),
              -0.5 * weight);
}

Operator total_spin_squared(const Space& space) {
  Operator square(space);
  square.add_constant(space.n_sites() * square_of_spin(space));
  for (int i = 0; i < space.n_sites(); ++i) {
    for (int j = 0; j <= i; ++j) add_spin_product(square, i, j, i == j ? 1.0 : 2.0, false);
  }
  return square;
}

}  // namespace koushi
