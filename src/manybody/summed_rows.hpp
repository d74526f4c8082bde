#pragma once

#include <complex>
#include <memory>
#include <type_traits>
#include <vector>

#include "stored_rows.hpp"

namespace koushi {

/// Rows that are kept, each made by add(s, sums): sums_c += d log psi / d theta_c of sample s, for `columns` parameters
/// that begin at 0. Calls come from many threads at once.
template <bool is_complex, typename Add>
std::unique_ptr<DistributedRows> summed_rows(const Communicator& comm, RowRange rows, std::int64_t columns,
                                             const Add& add) {
  using Scalar = std::conditional_t<is_complex, std::complex<double>, double>;
  SlabMatrix<is_complex> o(columns, rows.count);
  Kokkos::parallel_for("koushi::manybody::summed_rows",
                       Kokkos::RangePolicy<Kokkos::DefaultHostExecutionSpace>(0, static_cast<int>(rows.count)),
                       [&](int s) {
                         std::vector<Scalar> sums(static_cast<std::size_t>(columns));
                         add(s, sums);
                         for (std::int64_t c = 0; c < columns; ++c) {
                           const std::int64_t at = o.at(c, s);
                           o.re(at) = std::real(sums[static_cast<std::size_t>(c)]);
                           if constexpr (is_complex) o.im(at) = std::imag(sums[static_cast<std::size_t>(c)]);
                         }
                       });
  return std::make_unique<StoredRows<is_complex>>(comm, rows, columns, std::move(o));
}

}  // namespace koushi
