#pragma once

#include <array>
#include <string>
#include <vector>

namespace koushi {

/// One configuration of SU(3) links in four directions, as koushi keeps it: [mu][18][t][z][y][x] with mu = t, z, y, x
/// in the order of the deck's extents, the real parts of the 3 x 3 matrix before its imaginary parts.
struct LinkConfiguration {
  std::array<int, 4> extents{};  ///< t, z, y, x
  std::vector<double> links;
};

/// Mean Re tr U_P / 3 over all plaquettes of a periodic lattice, and of Re tr U / 3 over all links.
double mean_plaquette(const LinkConfiguration& configuration);
double mean_link_trace(const LinkConfiguration& configuration);

/// NERSC archive format: a text header, then 3 x 3 matrices (DATATYPE = 4D_SU3_GAUGE_3x3), IEEE64BIG, x fastest,
/// directions x, y, z, t.
/// Collective  no: one process
/// Errors      LibraryError if the file cannot be written
/// Source      NERSC gauge connection, "Format of the archived lattices"
void write_nersc(const std::string& file, const LinkConfiguration& configuration, const std::string& ensemble,
                 std::int64_t sequence = 1);

/// Reads 4D_SU3_GAUGE (two rows) and 4D_SU3_GAUGE_3x3 in IEEE32BIG, IEEE32LITTLE, IEEE64BIG and IEEE64LITTLE. Links in
/// single precision are unitary to 1e-7 only and become the nearest elements of SU(3).
/// Errors  StoreError: no such file, another format, a size, checksum, plaquette or link trace that is not the
///         header's, matrices that are not unitary
LinkConfiguration read_nersc(const std::string& file);

/// Whether a file begins as a NERSC archive.
bool is_nersc(const std::string& file);

/// `koushi export`: the links of a result file (those of the last checkpoint, or saved in sweep `sweep` >= 0) of one
/// replica. Returns the exit code.
int export_nersc(const std::string& result, const std::string& file, long sweep, long replica);

}  // namespace koushi
