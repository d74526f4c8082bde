#include "koushi/study/provenance.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <unistd.h>

#include <Kokkos_Core.hpp>
#include <ctime>

#include "koushi/parallel/session.hpp"

namespace koushi {

std::string version_text() {
  return fmt::format("koushi {} (revision {})\n{} for {}\n{}, {}\n", KOUSHI_VERSION, source_revision(), KOUSHI_COMPILER,
                     KOUSHI_ARCHITECTURE, library_versions(), KOUSHI_LIBRARIES);
}

Provenance::Provenance(const Communicator& comm) {
  char host[256] = {};
  gethostname(host, sizeof host - 1);
  segments_ = fmt::format("{:%Y-%m-%dT%H:%M:%SZ}  {} ranks x {} threads ({})  {}\n", fmt::gmtime(std::time(nullptr)),
                          comm.size(), Kokkos::DefaultExecutionSpace().concurrency(),
                          Kokkos::DefaultExecutionSpace::name(), host);
}

void Provenance::read(const ResultReader& reader) { segments_ = reader.read_text("provenance/segments") + segments_; }

void Provenance::write(ResultWriter& writer) const {
  writer.write("provenance/version", version_text());
  writer.write("provenance/segments", segments_);
}

}  // namespace koushi
