#pragma once

#include <memory>
#include <string>
#include <vector>

#include "koushi/field/field_action.hpp"
#include "koushi/field/line_mass.hpp"
#include "koushi/field/path_variables.hpp"
#include "koushi/field/scalar_theory.hpp"

namespace koushi {

/// A scalar field whose lines in time are the outputs of networks, sampled in the parameters theta of the networks: S at
/// x = x_0 + M theta. Since M is constant, e^{-S} dtheta is the path integral of the field up to a number; what is
/// measured is measured of the field.
///
/// Masses of the momenta, H = p M_p^{-1} p / 2 + S:
///   unit      of every parameter
///   gaussian  of a Gaussian action of the field's own stiffness: p are then those of x, so that trajectories are the
///             same in all variables up to rounding
///   rank_one  M^T K M of the free path, for variables that say is_rank_one()
///
/// Cost        of a kick: one pass over theta and two over the field besides the force
class NetworkField : public RealDynamics, public ForceGradient, public SliceCorrelators {
 public:
  enum class Mass { unit, gaussian, rank_one };
  /// Errors  UsageError: masses that the variables do not have
  NetworkField(const Grid& grid, std::unique_ptr<ScalarTheory> theory, std::unique_ptr<PathVariables> variables,
               Mass mass, std::unique_ptr<LineMass> masses);

  std::vector<double> action() override;
  void start(std::uint64_t seed, double spread) override;
  Measured measure() override;
  std::optional<Configuration> field() override;
  void set_field(const std::vector<double>& local) override;
  std::vector<Observable> observables() const override { return theory_->observables(); }
  std::vector<Curve> curves() const override { return theory_->curves(); }
  void correlate_at(const SpatialMomenta& momenta) override { theory_->correlate_at(momenta); }

  void draw_momenta(std::uint64_t seed, std::uint64_t step) override;
  std::vector<double> hamiltonian() override;
  void kick(double time) override { kick_at(field_, time); }
  void drift(double time) override;
  void shifted_kick(double time, double shift) override;

  const PathVariables& variables() const { return *variables_; }
  /// The field x of the parameters that stand now.
  const FieldArray& expanded();

 private:
  void kick_at(const FieldArray& theta, double time);
  /// target += factor times what momenta of `source` are as velocities of theta.
  void add_velocity(const FieldArray& source, const FieldArray& target, double factor);
  /// - dS/dtheta (with Gaussian masses - dS/dx) at theta, in force_ or pulled_; returns which.
  const FieldArray& force_at(const FieldArray& theta);

  std::unique_ptr<ScalarTheory> theory_;
  std::unique_ptr<PathVariables> variables_;
  Mass mass_;
  std::unique_ptr<LineMass> masses_;  ///< null: unit masses
  FieldArray force_;
  FieldArray pulled_;    ///< force on theta, and velocities of x
  FieldArray velocity_;  ///< of theta
  FieldArray spare_;     ///< theta that is shifted along the force
};

/// [path] of a study whose fields are networks.
struct PathSection {
  static std::vector<Key> keys();
};
/// The action of a deck in the variables of its [path]. Errors: DeckError.
FieldAction in_path_variables(const Deck& deck, const GridOptions& lattice, FieldAction action);

}  // namespace koushi
