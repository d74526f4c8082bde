#pragma once

#include <Kokkos_Core.hpp>
#include <memory>

#include "koushi/parallel/communicator.hpp"
#include "koushi/parallel/distributed_rows.hpp"

namespace koushi {

/// Entries of local rows on the host, [row][column], as a factor makes them.
using RealEntries = Kokkos::View<const double**, Kokkos::LayoutRight, Kokkos::HostSpace>;
using ComplexEntries = Kokkos::View<const Kokkos::complex<double>**, Kokkos::LayoutRight, Kokkos::HostSpace>;

/// Stored rows with these entries, which are copied. The parameters are real.
std::unique_ptr<DistributedRows> make_stored_rows(const Communicator& comm, RowRange rows, const RealEntries& entries);
/// Stored rows with complex entries. holomorphic: each column is of one complex parameter, otherwise of a real one.
std::unique_ptr<DistributedRows> make_stored_rows(const Communicator& comm, RowRange rows,
                                                  const ComplexEntries& entries, bool holomorphic);

}  // namespace koushi
