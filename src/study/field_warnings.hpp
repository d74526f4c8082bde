#pragma once

#include <functional>
#include <string>

#include "koushi/study/field_chain.hpp"

namespace koushi {

/// Split R-hat in nine characters; "-" where chains are too short for one.
std::string r_hat_text(double r_hat);

/// Says by `warn` what is doubtful about a finished chain: replicas that disagree, errors that cannot be quoted,
/// acceptances out of range, levels of a path too short for them, numbers that still fall to later times.
/// length  of the first direction, in units of time
void issue_field_warnings(const FieldChain& chain, std::int64_t replicas, std::int64_t warm_up, double length,
                          const std::function<void(const std::string& kind, const std::string& text)>& warn);

}  // namespace koushi
