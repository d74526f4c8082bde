#include "petsc_options.hpp"

#include <fmt/format.h>

#include <cctype>
#include <cstdio>

#include "koushi/base/error.hpp"

namespace koushi {

void check(PetscErrorCode code, std::source_location at) {
  if (code == 0) return;
  const char* text = nullptr;
  PetscErrorMessage(code, &text, nullptr);
  throw LibraryError(fmt::format("PETSc failed with code {} ({}) at {}:{}", static_cast<int>(code),
                                 text == nullptr ? "no text" : text, at.file_name(), at.line()));
}

namespace {

bool options_taken = false;
bool options_checked = false;

}  // namespace

void take_petsc_options(const Communicator& comm, const std::string& text, const std::string& prefix,
                        bool quiet_ranks) {
  if (options_taken || text.find('-') == std::string::npos) return;
  options_taken = true;
  bool log = false;
  for (std::size_t at = 0; (at = text.find('-', at)) != std::string::npos; ++at) {
    const bool starts = at == 0 || text[at - 1] == ' ';
    const bool number =
        at + 1 < text.size() && (std::isdigit(static_cast<unsigned char>(text[at + 1])) != 0 || text[at + 1] == '.');
    if (!starts || number || text.compare(at, prefix.size() + 1, "-" + prefix) == 0) continue;
    const std::string option = text.substr(at, text.find(' ', at) - at);
    log = log || option == "-log_view";
    if (option != "-log_view") {
      throw UsageError(fmt::format("PETSc option {} is not one of the solver\n  expected: options with the prefix -{}",
                                   option, prefix));
    }
  }
  PetscErrorCode code = 0;
  {
    const QuietErrors quiet;
    code = PetscOptionsInsertString(nullptr, text.c_str());
  }
  if (code != 0)
    throw UsageError(fmt::format("PETSc cannot read the options \"{}\"\n  expected: as \"-sr_ksp_type minres\"", text));
  if (log) check(PetscLogDefaultBegin());
  if (quiet_ranks && !comm.is_root()) {
    if (std::FILE* nowhere = std::fopen("/dev/null", "w"); nowhere != nullptr) PETSC_STDOUT = nowhere;
  }
}

void refuse_unused_options(const std::string& prefix) {
  if (!options_taken || options_checked) return;
  options_checked = true;
  PetscInt count = 0;
  char** names = nullptr;
  char** values = nullptr;
  check(PetscOptionsLeftGet(nullptr, &count, &names, &values));
  std::string unused;
  for (PetscInt k = 0; k < count; ++k) {
    if (std::string(names[k]).rfind(prefix, 0) == 0) unused += fmt::format(" -{}", names[k]);
  }
  check(PetscOptionsLeftRestore(nullptr, &count, &names, &values));
  if (unused.empty()) return;
  throw UsageError(
      fmt::format("PETSc does not use the options{}\n  expected: options with the prefix -{}, for the method "
                  "that is chosen",
                  unused, prefix));
}

}  // namespace koushi
