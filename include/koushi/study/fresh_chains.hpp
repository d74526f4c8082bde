#pragma once

#include <cstdint>
#include <functional>

#include "koushi/statistics/estimate.hpp"
#include "koushi/study/study_run.hpp"
#include "koushi/study/variational_model.hpp"

namespace koushi {

/// Compares the measured energy with that of chains from random states, and warns where these find another one.
///
/// The chains of an optimisation know the configurations that it has shaped. A wavefunction may have as much weight in
/// others, which it never met; chains from random states go there. The sampler has these chains afterwards.
///
/// before      its random numbers lie on the steps before this one
/// Collective  yes
/// Returns     false if the run was asked to stop, which checkpoint_if_due() says, before it was done
bool check_fresh_chains(StudyRun& run, VariationalModel& model, const Estimate& measured, std::uint64_t before,
                        Progress& progress, const std::function<bool()>& checkpoint_if_due);

}  // namespace koushi
