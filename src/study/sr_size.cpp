#include "koushi/study/sr_size.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace koushi {

std::int64_t SrSize::equations() const {
  const Wavefunction& psi = model_.psi();
  return (psi.holomorphic() || psi.is_real() ? 1 : 2) * model_.sampler().rows().total;
}

double SrSize::flops() const {
  constexpr double iterations = 200;  // of matrix-free routes, about
  const double w = model_.psi().holomorphic() ? 4 : 1;
  const auto e = static_cast<double>(equations());
  const auto columns = static_cast<double>(model_.n_unknowns());
  const double row = std::min(columns, model_.psi().bytes_per_row() / sizeof(double));  // numbers that are kept of one
  if (route() == SrRoute::matrix_free) return 4 * w * iterations * e * row;
  if (route() == SrRoute::sample_space) return w * (e * e * row + e * e * e / 3);
  return w * (e * columns * columns + columns * columns * columns / 3);
}

SrRoute SrSize::route() const {
  return options_.route == SrRoute::automatic
             ? automatic_route(model_.n_unknowns(), equations(), options_.shift_diagonal == 0)
             : options_.route;
}

std::string SrSize::describe() const {
  const std::string kind = model_.psi().holomorphic() ? "complex" : "real";
  return fmt::format(
      "solver       {}\n",
      route() == SrRoute::dense ? fmt::format("dense {} matrix of {} parameters", kind, model_.n_unknowns())
      : route() == SrRoute::sample_space
          ? fmt::format("dense {} matrix of {} {}", kind, equations(),
                        equations() == model_.sampler().rows().total ? "samples" : "equations, two per sample")
          : std::string("matrix-free iterations"));
}

/// The rank's share of the factor; in sample space also the rows of all ranks; dense, also its rows as real and
/// imaginary parts and the whole of S.
double SrSize::bytes(int ranks) const {
  const double samples = static_cast<double>(model_.sampler().rows().total);
  const auto e = static_cast<double>(equations());
  const double planes = model_.psi().holomorphic() ? 2 : 1;
  const double columns = static_cast<double>(model_.n_unknowns());
  const double row = model_.psi().bytes_per_row();
  const double kept = samples / ranks * row;
  if (route() == SrRoute::matrix_free || samples == 0) return kept;
  if (route() == SrRoute::sample_space) return 4 * planes * e * e / ranks + samples * row + kept;
  return 8 * planes * (e * columns / ranks + columns * columns / 2 * (1 + 1.0 / ranks)) + kept;
}

}  // namespace koushi
