#include "field_warnings.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

#include "koushi/base/text.hpp"

namespace koushi {

std::string r_hat_text(double r_hat) {
  if (std::isnan(r_hat)) return "-";
  return r_hat < 1000 ? fmt::format("{:.4f}", r_hat) : fmt::format("{:.1e}", r_hat);
}

namespace {

using Warn = std::function<void(const std::string& kind, const std::string& text)>;

/// What is doubtful about the observables and updaters of a chain.
void watch_estimates(const FieldChain& chain, std::int64_t replicas, std::int64_t warm_up, const Warn& warn) {
  std::vector<std::string> unquoted;
  std::vector<std::string> constant;
  std::map<std::string, std::vector<std::string>> undefined;  // by reason
  std::vector<std::string> apart;                             // every replica at a number of its own
  double worst = 1.1;
  std::string most_apart;
  double longest = 0.5;
  for (const Observable& o : chain.observables()) {
    const Estimate e = chain.estimate(o);
    if (std::isinf(e.r_hat)) {
      apart.push_back(o.name);
    } else if (!std::isfinite(chain.quoted_error(o, e))) {
      const bool enough = chain.measured() >= FieldChain::fewest;
      const bool is_number = std::isfinite(e.value) && std::isfinite(e.error);
      (!enough || (is_number && e.error > 0) ? unquoted
       : is_number                           ? constant
                                             : undefined[o.undefined])
          .push_back(o.name);
      if (is_number && e.error > 0) longest = std::max(longest, e.tau_int);
    }
    if (replicas > 1 && e.r_hat > worst) {
      worst = e.r_hat;
      most_apart = o.name;
    }
  }
  if (!apart.empty()) {
    warn("R-hat", fmt::format("infinite of {}: every {} gives one number again and again, and not the same as the "
                              "others; remedy: another updater",
                              join(apart), replicas > 1 ? "replica" : "half of the chain"));
  } else if (!most_apart.empty()) {
    warn("R-hat",
         fmt::format("{} of {}: the replicas disagree; remedy: a longer warm_up", r_hat_text(worst), most_apart));
  }
  if (!constant.empty()) {
    warn("constant",
         fmt::format("{}: every measurement gives the same, so there is no error; remedy, unless it must be so: "
                     "another updater",
                     join(constant)));
  }
  std::vector<std::string> reasons;
  for (const auto& [reason, names] : undefined) reasons.push_back(fmt::format("{}: {}", join(names), reason));
  if (!reasons.empty()) warn("no number", join(reasons, "; "));
  if (!unquoted.empty()) {
    warn("short chains",
         fmt::format("{} measurements per replica are fewer than {} or than 50 tau_int = {:.1f}: no error is "
                     "quoted for {}; remedy: more [study] measurements, "
                     "a larger every, another updater",
                     chain.measured(), FieldChain::fewest, 50 * longest, join(unquoted)));
  }
  for (const auto& [k, mean, remedy] : chain.odd_acceptances(warm_up)) {
    warn(fmt::format("acceptance of updater {}", k),
         fmt::format("{:.3f} is outside [0.1, 0.99]; remedy: {}", mean, remedy));
  }
}

/// Levels of a path of finite length are mixed by what goes around it, e^{-T gap} of it.
void watch_the_length(const FieldChain& chain, double length, const Warn& warn) {
  for (const Observable& o : chain.observables()) {
    if (o.name != "gap_1") continue;
    const Estimate e = chain.estimate(o);
    if (std::isfinite(chain.quoted_error(o, e)) && e.value * length < 6) {
      warn("short path",
           fmt::format("its length {:.4g} is {:.2g} / gap_1: gap_1 and gap_2 are not E_n - E_0 of a long one; "
                       "remedy: a larger lattice.extents",
                       length, length * e.value));
    }
  }
}

/// Numbers that still fall where they are taken from later times.
void watch_plateaus(const FieldChain& chain, const Warn& warn) {
  for (const Observable& o : chain.observables()) {
    if (!o.later.value) continue;
    Observable fall{"", "", o.series, {}};
    fall.series.insert(fall.series.end(), o.later.series.begin(), o.later.series.end());
    const auto parts = [n = o.series.size()](const std::vector<double>& means) {
      const auto middle = means.begin() + static_cast<std::ptrdiff_t>(n);
      return std::pair{std::vector<double>{means.begin(), middle}, std::vector<double>{middle, means.end()}};
    };
    fall.value = [&o, parts](const std::vector<double>& means) {
      const auto [now, later] = parts(means);
      return o.value(now) - o.later.value(later);
    };
    if (o.gradient) {
      fall.gradient = [&o, parts](const std::vector<double>& means) {
        const auto [now, later] = parts(means);
        std::vector<double> all = o.gradient(now);
        for (const double slope : o.later.gradient(later)) all.push_back(-slope);
        return all;
      };
    }
    const Estimate e = chain.estimate(fall);
    const double error = chain.quoted_error(fall, e);
    if (e.value > 3 * error) {
      warn("plateau",
           fmt::format("{} falls by {} to later times: {}", o.name, with_error(e.value, error), o.later.cause));
    }
  }
}

}  // namespace

void issue_field_warnings(const FieldChain& chain, std::int64_t replicas, std::int64_t warm_up, double length,
                          const Warn& warn) {
  watch_estimates(chain, replicas, warm_up, warn);
  watch_the_length(chain, length, warn);
  watch_plateaus(chain, warn);
}

}  // namespace koushi
