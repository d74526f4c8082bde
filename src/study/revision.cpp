#include "revision.hpp"  // written by cmake/KoushiRevision.cmake

#include "koushi/study/provenance.hpp"

namespace koushi {

std::string source_revision() { return KOUSHI_REVISION; }

}  // namespace koushi
