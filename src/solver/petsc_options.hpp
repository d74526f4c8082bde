#pragma once

#include <petscsys.h>

#include <string>

#include "koushi/parallel/communicator.hpp"
#include "petsc_handles.hpp"

namespace koushi {

/// Puts options into PETSc's database, once in a process: those of the solver with this prefix, as "sr_", and -log_view.
/// quiet_ranks: from then on only the root of `comm` prints what PETSc says, which is the same on all.
/// Errors  UsageError where PETSc cannot read them or they are others
void take_petsc_options(const Communicator& comm, const std::string& text, const std::string& prefix, bool quiet_ranks);

/// A misspelt option must not be ignored. To be asked after the first solve, when all that can be used have been.
/// Errors  UsageError with the options of this prefix that PETSc has not used
void refuse_unused_options(const std::string& prefix);

/// Errors of PETSc as codes, without its pages of text, while this lives.
class QuietErrors {
 public:
  QuietErrors() { check(PetscPushErrorHandler(PetscReturnErrorHandler, nullptr)); }
  ~QuietErrors() { PetscPopErrorHandler(); }
  QuietErrors(const QuietErrors&) = delete;
  QuietErrors& operator=(const QuietErrors&) = delete;
};

}  // namespace koushi
