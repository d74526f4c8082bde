#include "koushi/manybody/spin_wavefunction.hpp"

namespace koushi {

SpinTerms make_terms(const SpinHamiltonian& hamiltonian) {
  SpinTerms terms;
  terms.pairs = Kokkos::View<int* [2]>("koushi::manybody::pairs", hamiltonian.pairs.size());
  terms.zz = Kokkos::View<double*>("koushi::manybody::zz", hamiltonian.zz.size());
  terms.z = Kokkos::View<double*>("koushi::manybody::z", hamiltonian.z.size());
  terms.element = Kokkos::View<double*>("koushi::manybody::element", hamiltonian.elements.size());
  const auto pairs = Kokkos::create_mirror_view(terms.pairs);
  for (std::size_t b = 0; b < hamiltonian.pairs.size(); ++b) {
    pairs(b, 0) = hamiltonian.pairs[b].i;
    pairs(b, 1) = hamiltonian.pairs[b].j;
  }
  Kokkos::deep_copy(terms.pairs, pairs);
  const auto upload = [](const Kokkos::View<double*>& to, const std::vector<double>& from) {
    Kokkos::deep_copy(to, Kokkos::View<const double*, Kokkos::HostSpace>(from.data(), from.size()));
  };
  upload(terms.zz, hamiltonian.zz);
  upload(terms.z, hamiltonian.z);
  upload(terms.element, hamiltonian.elements);
  return terms;
}

void SpinWavefunction::apply(double factor, const std::vector<double>& delta) {
  std::vector<double> moved = parameters();
  for (std::size_t p = 0; p < moved.size(); ++p) moved[p] += factor * delta[p];
  set_parameters(moved);
}

}  // namespace koushi
