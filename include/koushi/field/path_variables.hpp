#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "koushi/field/path_lines.hpp"

namespace koushi {

/// The parameters of a network with one input, the time, whose output at the points of the lattice is a path:
/// x = x_0 + M theta, as many parameters per line as it has points, M constant and regular, so that
/// prod dx = |det M| prod dtheta and an integral over parameters is the path integral. Every line along the first
/// direction of a lattice has a network of its own.
///
/// Arrays are those of make_field(grid, components); x's halo is left as it is.
/// Collective  no call
/// Source      arXiv:2403.11420
class PathVariables {
 public:
  virtual ~PathVariables() = default;
  virtual void expand(const FieldArray& theta, const FieldArray& x) const = 0;           ///< x = x_0 + M theta
  virtual void collapse(const FieldArray& x, const FieldArray& theta) const = 0;         ///< theta = M^{-1} (x - x_0)
  virtual void collapse_change(const FieldArray& x, const FieldArray& theta) const = 0;  ///< theta = M^{-1} x
  virtual void pull_back(const FieldArray& force, const FieldArray& out) const = 0;      ///< out = M^T force
  /// log |det M| of one line.
  virtual double log_jacobian() const = 0;
  /// Whether M^T K M of the free path is scale (1 + 1 1^T) in all parameters, but for the first of a path that is not
  /// fixed, on which it does not depend.
  virtual bool is_rank_one() const { return false; }
};

/// What variables are made on.
struct PathSetting {
  PathLines lines;
  GridView grid;
  double spacing = 1;                      ///< a, time between two points
  Boundary boundary = Boundary::periodic;  ///< of the lines
  double ends[2] = {0, 0};  ///< x one step before the first and one behind the last point, where they are fixed
};

/// A network that path.variables can name.
struct PathVariableKind {
  std::string name;
  std::string help;
  std::function<std::unique_ptr<PathVariables>(const PathSetting&)> make;
};

/// All of them: koushi's own, one file each in src/field/paths.
class PathVariableKinds {
 public:
  using OneKind = PathVariableKind;
  explicit PathVariableKinds(std::vector<OneKind> own) : all_(std::move(own)) {}
  const std::vector<OneKind>& all() const { return all_; }

 private:
  std::vector<OneKind> all_;
};
PathVariableKinds& path_variable_kinds();

/// Variables whose maps are functors on blocks of lines (path_lines.hpp): Maps(setting).expand(with_offset) makes that of
/// x = x_0 + M theta, or of M theta, collapse(with_offset) its inverse, pull_back() that of M^T.
template <typename Maps>
class LineVariables : public PathVariables {
 public:
  explicit LineVariables(const PathSetting& setting) : setting_(setting), maps_(setting) {}
  void expand(const FieldArray& theta, const FieldArray& x) const override {
    run("koushi::field::expand", theta, x, maps_.expand(true));
  }
  void collapse(const FieldArray& x, const FieldArray& theta) const override {
    run("koushi::field::collapse", x, theta, maps_.collapse(true));
  }
  void collapse_change(const FieldArray& x, const FieldArray& theta) const override {
    run("koushi::field::collapse", x, theta, maps_.collapse(false));
  }
  void pull_back(const FieldArray& force, const FieldArray& out) const override {
    run("koushi::field::pull_back", force, out, maps_.pull_back());
  }
  double log_jacobian() const override { return maps_.log_jacobian(); }
  bool is_rank_one() const override { return Maps::rank_one; }

 private:
  template <typename Map>
  void run(const char* label, const FieldArray& source, const FieldArray& target, const Map& map) const {
    for_lines(label, setting_.lines, pointer_to(setting_.grid, source), pointer_to(setting_.grid, target), map);
  }
  PathSetting setting_;
  Maps maps_;
};

}  // namespace koushi
