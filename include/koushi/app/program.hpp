#pragma once

#include <vector>

#include "koushi/field/field_action.hpp"
#include "koushi/field/updater.hpp"
#include "koushi/manybody/estimator.hpp"
#include "koushi/manybody/factor_kinds.hpp"
#include "koushi/manybody/hamiltonian.hpp"
#include "koushi/study/study.hpp"

namespace koushi {

/// What a program of one's own adds to the names that decks can use.
struct Additions {
  std::vector<HamiltonianKind> hamiltonians{};
  std::vector<FactorKind> factors{};
  std::vector<ActionKinds::OneKind> actions{};    ///< of lattice fields: field_action.hpp, scalar_field.hpp
  std::vector<UpdaterKinds::OneKind> updaters{};  ///< of lattice fields: updater.hpp
  std::vector<EstimatorKinds::OneKind> estimators{};
  std::vector<StudyKind> studies{};
};

/// The whole of koushi: command line, decks, studies, reports. Starts and ends MPI, Kokkos and PETSc; turns every error
/// into a message and the exit code that it returns. A program's main() is `return koushi::run_program(argc, argv,
/// {.hamiltonians = {...}});`.
int run_program(int argc, char** argv, const Additions& additions = {});

}  // namespace koushi
