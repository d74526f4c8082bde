#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "koushi/base/archive.hpp"
#include "koushi/base/error.hpp"
#include "koushi/lattice/grid.hpp"
#include "koushi/statistics/observable.hpp"

namespace koushi {

/// What one configuration gives: for every replica here `width` numbers under a name, [replica][width].
using Measured = std::map<std::string, std::vector<double>>;

/// Spatial momenta of correlators: integers per direction but the first, p = 2 pi n / L, or 2 pi (n + 1/2) / L along
/// antiperiodic directions.
struct SpatialMomenta {
  std::vector<std::vector<int>> n;
  bool average = false;  ///< over the momenta that reflections and exchanges of equal spatial directions make of each
};

/// A configuration of all replicas: what this rank has of an array [replica][component][global sites ...].
struct Configuration {
  ArrayBox box;
  std::vector<double> local;
};

/// Independent copies of a lattice field with weight e^{-S}, and what is measured of them. What a theory can do besides
/// is said by the capabilities that it inherits (capabilities.hpp).
///
/// Virtual calls happen once per kernel. Everything that decides a configuration is a function of (seed, step, global
/// replica, global site), and all sums are exact, so that neither ranks nor threads move a bit of it.
/// Collective  all calls, over the group of ranks that hold the replicas
class FieldTheory {
 public:
  virtual ~FieldTheory() = default;
  virtual const Grid& grid() const = 0;
  /// S of every replica here.
  virtual std::vector<double> action() = 0;
  /// A configuration to begin with: `spread` times normal numbers, or all zero.
  virtual void start(std::uint64_t seed, double spread) = 0;
  virtual Measured measure() = 0;
  virtual std::vector<Observable> observables() const = 0;
  virtual std::vector<Curve> curves() const = 0;

  /// Where the numbers of a configuration stand in the array of the whole lattice.
  virtual ArrayBox box() const = 0;
  virtual Configuration configuration() const = 0;
  /// The field, where the configuration is something else that makes it: parameters of networks.
  virtual std::optional<Configuration> field() { return std::nullopt; }
  /// Makes the configuration that of a field: the same where the field is the configuration.
  virtual void set_field(const std::vector<double>& local) { set_configuration(local); }
  /// Makes `local`, in the order of configuration(), the configuration of the ranks' boxes.
  virtual void set_configuration(const std::vector<double>& local) = 0;
  /// Changes configurations with another theory of the same fields and grid, in the replicas (here) that are marked.
  virtual void exchange(FieldTheory& other, const std::vector<bool>& replicas) = 0;

  void write(Archive& archive, const std::string& path) const {
    const Configuration now = configuration();
    archive.write_box(path, now.box, now.local);
  }
  void read(const Archive& archive, const std::string& path) { set_configuration(archive.read_box(path, box())); }
};

}  // namespace koushi
