#pragma once

#include <string>
#include <utility>
#include <vector>

#include "contour_draws.hpp"
#include "koushi/deck/deck.hpp"
#include "koushi/field/field_action.hpp"
#include "koushi/field/real_time_grid.hpp"
#include "koushi/study/study.hpp"

namespace koushi {

/// An integral over paths in real or complex time by draws on contours of the holomorphic flow: what the studies of it
/// share. The first of `study.flow_times` gives the results, the others are there to be compared with.
class ContourStudy {
 public:
  ContourStudy(const Communicator& comm, const Deck& deck, const RunOptions& options);
  virtual ~ContourStudy() = default;
  ContourStudy(const ContourStudy&) = delete;
  ContourStudy& operator=(const ContourStudy&) = delete;

  int run();
  RunEstimate describe(int ranks);

  /// Keys draws, bins, pilot, components, flow_times and reference.* of [study].
  static std::vector<Key> keys();

 protected:
  /// Makes the contours. products: so many z_k z_0 are averaged. Refuses a reference to what is not measured.
  void set_action(const ContourAction& action, int products);
  Observable part(const ContourDraws& contour, const std::string& name, bool imaginary) const {
    return contour.integral(name, (imaginary ? "Im " : "Re ") + integral_, imaginary);
  }

  /// Computes by a grid what it can, once the draws are made.
  virtual void compute_exactly() = 0;
  virtual std::string head() const = 0;
  /// The results of a contour, without phase and effective samples; the first are those of the integral.
  virtual std::vector<Observable> results(const ContourDraws& contour) const = 0;
  /// Lines of the table below those of the results, and curves.
  virtual std::string more_table() const { return ""; }
  virtual void write_curves(ResultWriter&) const {}
  /// Results that differ from those of a grid by so many of their errors.
  virtual double worst_pull() const = 0;

  const Communicator& comm_;
  const Deck& deck_;
  StudyRun run_;
  PathOptions path_;
  std::string integral_;  ///< what it is, in formulas
  std::vector<ContourDraws> contours_;

 private:
  void refuse_unsuitable() const;
  void warn(Progress& progress);
  void write(ResultWriter& writer) const;
  std::string table() const;
  std::string class_text() const;
  std::int64_t first_of_bin(int bin) const { return draws_ * bin / bins_; }

  std::int64_t draws_;
  int bins_;
  int done_ = 0;
};

}  // namespace koushi
