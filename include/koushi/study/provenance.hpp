#pragma once

#include <string>

#include "koushi/store/result_file.hpp"

namespace koushi {

/// The git revision of the sources that were compiled, with "-dirty" if they differ from it; "unknown" outside of git.
std::string source_revision();
/// "koushi 0.1.0 (revision ...)" and the versions of compiler and libraries, a line each.
std::string version_text();

/// What made a file: /provenance, with one line per segment of the run (start time, ranks, threads, host).
class Provenance {
 public:
  explicit Provenance(const Communicator& comm);
  /// Keeps the segments of the file that is resumed before this one's. Collective.
  void read(const ResultReader& reader);
  void write(ResultWriter& writer) const;

 private:
  std::string segments_;
};

}  // namespace koushi
