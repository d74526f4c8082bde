#pragma once

#include <string>

namespace koushi {

/// Prints the results in a file, as a table or as JSON. Returns the exit code. Errors: StoreError.
int report(const std::string& file, bool json);

/// Calls the Python module that draws a run. Returns the exit code. Errors: LibraryError where Python lacks h5py or matplotlib.
int plot(const std::string& file, const std::string& picture);

}  // namespace koushi
