// The lines "name = value" of a standard input of StdFace.
#pragma once

#include <complex>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "foreign_model.hpp"

namespace koushi {

/// The numbers that steer a calculation, in lower case; those of mVMC, then those of HPhi.
const std::set<std::string>& calculation_names();

/// Values by their names in lower case. Every value that is asked for counts as used; what is left at the end has no
/// meaning. Errors: DeckError with file and line
class Entries {
 public:
  Entries(std::string file, const std::string& text);

  const std::string& file() const { return file_; }
  ForeignPlace at(const std::string& key) const;
  bool has(const std::string& key) const { return entries_.count(key) > 0; }

  std::optional<std::string> word(const std::string& key);
  std::optional<std::complex<double>> complex_number(const std::string& key);
  std::optional<double> number(const std::string& key);
  std::optional<int> integer(const std::string& key);

  /// Names of the calculation that are left, as numbers, and their words as notes.
  void calculation(ForeignModel& model);
  /// Refuses the first name that nothing has asked for.
  void refuse_unused(const std::vector<std::string>& known) const;

 private:
  struct Entry {
    std::string name;  ///< as it was written
    std::string value;
    int line = 0;
    bool used = false;
  };
  void add(std::string line, int number);

  std::string file_;
  std::map<std::string, Entry> entries_;
};

}  // namespace koushi
