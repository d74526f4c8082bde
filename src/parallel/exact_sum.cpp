#include "koushi/parallel/exact_sum.hpp"

#include <cmath>
#include <limits>

#include "koushi/parallel/communicator.hpp"

namespace koushi {

double ExactSum::value() const {
  if (refused != 0) return std::numeric_limits<double>::quiet_NaN();
  __extension__ using Wide = __int128;
  const Wide total =
      (static_cast<Wide>(limb[0]) << 60) + (static_cast<Wide>(limb[1]) << 30) + static_cast<Wide>(limb[2]);
  return std::ldexp(static_cast<double>(total), -68);
}

std::vector<double> exact_totals(const Communicator& comm, const std::vector<ExactSum>& local) {
  static_assert(sizeof(ExactSum) == 4 * sizeof(std::int64_t));
  std::vector<std::int64_t> words(4 * local.size());
  for (std::size_t k = 0; k < local.size(); ++k) {
    for (std::size_t l = 0; l < 3; ++l) words[4 * k + l] = local[k].limb[l];
    words[4 * k + 3] = local[k].refused;
  }
  comm.sum(words);
  std::vector<double> totals;
  for (std::size_t k = 0; k < local.size(); ++k) {
    ExactSum sum;
    for (std::size_t l = 0; l < 3; ++l) sum.limb[l] = words[4 * k + l];
    sum.refused = words[4 * k + 3];
    totals.push_back(sum.value());
  }
  return totals;
}

}  // namespace koushi
