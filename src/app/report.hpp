#pragma once

#include <string>

#include "compare.hpp"

namespace koushi {

/// A number as JSON has it, null where it is none.
std::string json_number(double x);

/// Prints the results in a file, as a table or as JSON. Returns the exit code. Errors: StoreError.
int report(const std::string& file, bool json);

/// Prints how far a run is from an exact diagonalisation of the same lattice and Hamiltonian: observables and curves that
/// both have. Errors: UsageError where the models differ, StoreError.
int report_against(const std::string& file, const std::string& exact, bool json);

/// Prints one line of JSON: Hamiltonian, lattice, sector, wavefunction, energy, variance, E_inf, V-score, parameters,
/// samples and times of a finished ground state, for tables that compare methods. Errors: UsageError where the file holds no
/// such energy, StoreError.
int print_benchmark_row(const std::string& file);

/// Calls the Python module that draws a run. Returns the exit code. Errors: LibraryError where Python lacks h5py or
/// matplotlib.
int plot(const std::string& file, const std::string& picture);

/// Results of several files side by side, as a table or as comma-separated values.
int report_many(const CompareOptions& options, bool csv);

/// Curves of observables of several files over a key of their decks.
int plot_many(const CompareOptions& options, const std::string& picture);

}  // namespace koushi
