#include "collective_write.hpp"

#include <fmt/format.h>
#include <mpi.h>

#include <algorithm>

#include "disk.hpp"

namespace koushi {

namespace {

#if defined(H5_HAVE_PARALLEL) && !defined(KOUSHI_SERIAL_HDF5)
constexpr bool together = true;
H5List shared_access(const Communicator& comm) {
  H5List access(h5check(H5Pcreate(H5P_FILE_ACCESS), "create a property list"));
  h5check(H5Pset_fapl_mpio(access.get(), comm.get(), MPI_INFO_NULL), "use MPI-IO");
  return access;
}
/// Bricks of long rows gain nothing from being put in order by a few of the ranks.
H5List collective_transfer(bool rows_are_long) {
  H5List transfer(h5check(H5Pcreate(H5P_DATASET_XFER), "create a property list"));
  h5check(H5Pset_dxpl_mpio(transfer.get(), H5FD_MPIO_COLLECTIVE), "write together");
  if (rows_are_long)
    h5check(H5Pset_dxpl_mpio_collective_opt(transfer.get(), H5FD_MPIO_INDIVIDUAL_IO), "write together");
  return transfer;
}
#else
constexpr bool together = false;
H5List shared_access(const Communicator&) { return {}; }
H5List collective_transfer(bool) { return {}; }
#endif

/// Writes the pieces of this rank, and none so often that all ranks call `calls` times.
bool write_pieces(hid_t dataset, hid_t memory_type, const std::vector<Piece>& pieces, const void* local, int calls,
                  hid_t transfer) {
  const std::size_t size = H5Tget_size(memory_type);
  const H5Space space(H5Dget_space(dataset));
  bool good = space.valid();
  for (int k = 0; k < calls; ++k) {
    const bool mine = static_cast<std::size_t>(k) < pieces.size();
    const hsize_t nothing = 0;
    const Piece empty{{}, {nothing}, 0};
    const Piece& piece = mine ? pieces[static_cast<std::size_t>(k)] : empty;
    const H5Space memory(H5Screate_simple(static_cast<int>(piece.count.size()), piece.count.data(), nullptr));
    const herr_t chosen = mine ? H5Sselect_hyperslab(space.get(), H5S_SELECT_SET, piece.first.data(), nullptr,
                                                     piece.count.data(), nullptr)
                               : std::min(H5Sselect_none(space.get()), H5Sselect_none(memory.get()));
    const void* const from = static_cast<const char*>(local) + static_cast<std::size_t>(piece.at) * size;
    good = H5Dwrite(dataset, memory_type, memory.get(), space.get(), transfer, mine ? from : &nothing) >= 0 && good &&
           chosen >= 0;
  }
  return good;
}

/// Elements of a brick that stand behind each other in the file, too.
std::int64_t row_length(const ArrayBox& box) {
  std::int64_t length = 1;
  for (std::size_t d = box.shape.size(); d-- > 0;) {
    length *= box.count[d];
    if (box.count[d] != box.shape[d]) break;
  }
  return length;
}

std::string failure(const std::string& file, const std::string& path) {
  return fmt::format("{}: cannot be written (HDF5 cannot write dataset {})", file, path);
}

std::string write_in_turns(const Communicator& comm, const std::string& file, const std::string& path,
                           hid_t memory_type, const std::vector<Piece>& pieces, const void* local) {
  std::string fault;
  for (int rank = 0; rank < comm.size(); ++rank) {
    if (rank == comm.rank() && !pieces.empty()) {
      H5File handle(H5Fopen(file.c_str(), H5F_ACC_RDWR, H5P_DEFAULT));
      H5Data dataset(handle.valid() ? H5Dopen2(handle.get(), path.c_str(), H5P_DEFAULT) : -1);
      bool good = dataset.valid() &&
                  write_pieces(dataset.get(), memory_type, pieces, local, static_cast<int>(pieces.size()), H5P_DEFAULT);
      good = dataset.shut() >= 0 && good;
      good = handle.shut() >= 0 && good;
      if (!good) fault = failure(file, path);
    }
    if (comm.size() > 1) comm.barrier();
  }
  return first_fault(comm, fault);
}

std::string write_together(const Communicator& comm, const std::string& file, const std::string& path,
                           hid_t memory_type, const std::vector<Piece>& pieces, std::int64_t row_bytes,
                           const void* local) {
  constexpr std::int64_t long_row = std::int64_t{1} << 20U;
  const H5List access = shared_access(comm);
  const H5List transfer = collective_transfer(comm.max(!pieces.empty() && row_bytes < long_row ? 1 : 0) == 0);
  H5File handle(H5Fopen(file.c_str(), H5F_ACC_RDWR, access.get()));
  H5Data dataset(handle.valid() ? H5Dopen2(handle.get(), path.c_str(), H5P_DEFAULT) : -1);
  const int calls = comm.max(static_cast<int>(pieces.size()));
  bool good = comm.max(dataset.valid() ? 0 : 1) == 0;
  if (good) good = write_pieces(dataset.get(), memory_type, pieces, local, calls, transfer.get());
  good = dataset.shut() >= 0 && good;
  good = handle.shut() >= 0 && good;
  return first_fault(comm, good ? "" : failure(file, path));
}

}  // namespace

std::int64_t elements_of(const std::vector<std::int64_t>& count) {
  std::int64_t n = 1;
  for (const std::int64_t c : count) n *= c;
  return n;
}

std::vector<Piece> pieces_of(const ArrayBox& box, std::int64_t most) {
  std::vector<Piece> pieces;
  std::int64_t inner = elements_of(box.count);
  if (inner == 0) return pieces;
  std::size_t cut = 0;  // the index that is cut; those before it are taken one by one, those after it whole
  while (inner > most && cut < box.count.size() && inner / box.count[cut] > most) inner /= box.count[cut++];
  cut = std::min(cut, box.count.size() - 1);
  inner = elements_of({box.count.begin() + static_cast<std::ptrdiff_t>(cut) + 1, box.count.end()});
  const std::int64_t rows = std::max<std::int64_t>(1, most / inner);
  const std::int64_t outer = elements_of({box.count.begin(), box.count.begin() + static_cast<std::ptrdiff_t>(cut)});
  std::int64_t at = 0;
  for (std::int64_t number = 0; number < outer; ++number) {
    Piece piece{{box.first.begin(), box.first.end()}, {box.count.begin(), box.count.end()}, 0};
    std::int64_t rest = number;
    for (std::size_t d = cut; d-- > 0;) {
      piece.first[d] += static_cast<hsize_t>(rest % box.count[d]);
      piece.count[d] = 1;
      rest /= box.count[d];
    }
    for (std::int64_t row = 0; row < box.count[cut]; row += rows) {
      const std::int64_t n = std::min(rows, box.count[cut] - row);
      piece.first[cut] = static_cast<hsize_t>(box.first[cut] + row);
      piece.count[cut] = static_cast<hsize_t>(n);
      piece.at = at;
      at += n * inner;
      pieces.push_back(piece);
    }
  }
  return pieces;
}

std::string first_fault(const Communicator& comm, const std::string& fault) {
  if (comm.max(fault.empty() ? 0 : 1) == 0) return "";
  const std::string all = comm.all_gather_bytes(
      fault.empty() ? ""
                    : fmt::format("{}{}\n", fault, comm.size() > 1 ? fmt::format(" by rank {}", comm.rank()) : ""));
  return all.substr(0, all.find('\n'));
}

std::string write_bricks(const Communicator& comm, const std::string& file, const std::string& path, hid_t memory_type,
                         const ArrayBox& box, const void* local, std::int64_t most) {
  std::string fault;
  if (!open_of_other_rank(file, true).valid()) fault = system_error("cannot be written", file);
  fault = first_fault(comm, fault);
  if (!fault.empty())
    return fault + "\n  expected: a folder that the machines of all ranks share, for arrays of this size";
  const std::vector<Piece> pieces = pieces_of(box, most);
  const std::int64_t row_bytes = row_length(box) * static_cast<std::int64_t>(H5Tget_size(memory_type));
  return together && comm.size() > 1 ? write_together(comm, file, path, memory_type, pieces, row_bytes, local)
                                     : write_in_turns(comm, file, path, memory_type, pieces, local);
}

}  // namespace koushi
