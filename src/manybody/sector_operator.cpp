#include "koushi/manybody/sector_operator.hpp"

#include <Kokkos_Core.hpp>
#include <algorithm>
#include <array>

#include "koushi/base/error.hpp"

namespace koushi {

namespace {

std::size_t at(std::int64_t i) { return static_cast<std::size_t>(i); }

struct Element {
  std::uint32_t column;
  std::complex<double> value;
};

}  // namespace

SectorOperator::SectorOperator(const Communicator& comm, const Operator& op, const SectorBasis& basis, Storage storage,
                               double memory)
    : comm_(comm), op_(op), basis_(basis), complex_(!op.is_real() || !basis.is_real()) {
  const std::int64_t n = basis.size();
  rows_.total = n;
  rows_.first = n * comm.rank() / comm.size();
  rows_.count = n * (comm.rank() + 1) / comm.size() - rows_.first;
  const Space& space = basis.packed().space();
  for (const MoveTerm& term : op.moves()) {
    std::uint64_t change = 0;  // of unsigned numbers, whose overflows cancel
    for (std::size_t m = 0; m < at(term.move.n); ++m) {
      const int p = term.move.place[m];
      change += static_cast<std::uint64_t>(static_cast<std::int64_t>(term.move.change[m] / space.local(p).step))
                << basis.packed().shift(p);
    }
    change_.push_back(change);
  }
  if (storage == Storage::none || rows_.total == 0) return;
  if (storage == Storage::automatic) {
    // the mean of some rows stands for all
    double elements = 0;
    std::int64_t tried = 0;
    for (std::int64_t k = 0; k < 8 && rows_.count > 0; ++k, ++tried)
      elements += static_cast<double>(make_rows(rows_.first + k * (rows_.count - 1) / 7, 1).column.size());
    const double bytes = elements / static_cast<double>(std::max<std::int64_t>(1, tried)) *
                         static_cast<double>(rows_.count) * (complex_ ? 20 : 12);
    if (comm.max(bytes) > 0.75 * memory) return;
  }
  stored_ = true;
  kept_.resize(at(chunks()));
  Kokkos::parallel_for(
      "koushi::manybody::make_rows",
      Kokkos::RangePolicy<Kokkos::DefaultHostExecutionSpace, Kokkos::Schedule<Kokkos::Dynamic>>(0, chunks()),
      [&](std::int64_t c) {
        const std::int64_t first = c * rows_of_a_chunk;
        kept_[at(c)] = make_rows(rows_.first + first, std::min(rows_of_a_chunk, rows_.count - first));
      });
}

std::int64_t SectorOperator::stored_elements() const {
  std::int64_t sum = 0;
  for (const Rows& rows : kept_) sum += static_cast<std::int64_t>(rows.column.size());
  return sum;
}

SectorOperator::Rows SectorOperator::make_rows(std::int64_t first, std::int64_t count) const {
  constexpr int lanes = SectorBasis::lanes;
  const Space& space = basis_.packed().space();
  const bool fermions = space.is_fermionic();
  std::vector<std::int8_t> local(at(space.n_places()));
  std::vector<Element> row;
  std::array<std::uint64_t, lanes> words{};
  std::array<std::complex<double>, lanes> elements;
  std::array<SectorBasis::Found, lanes> found{};
  Rows rows;
  rows.first.push_back(0);
  for (std::int64_t r = first; r < first + count; ++r) {
    const std::uint64_t word = basis_.word(r);
    basis_.packed().unpack(word, local.data());
    row.clear();
    row.push_back({static_cast<std::uint32_t>(r), op_.diagonal(local.data())});
    int waiting = 0;
    const auto add_waiting = [&] {
      for (int k = waiting; k < lanes; ++k) words[at(k)] = word;
      basis_.find(words, found);
      for (int k = 0; k < waiting; ++k) {
        const SectorBasis::Found& f = found[at(k)];
        if (f.index < 0) continue;
        row.push_back(
            {static_cast<std::uint32_t>(f.index), elements[at(k)] * f.phase * (basis_.root(f.index) / basis_.root(r))});
      }
      waiting = 0;
    };
    op_.for_connected(local.data(), [&](std::size_t k, int sigma, std::complex<double> element) {
      words[at(waiting)] = sigma > 0 ? word + change_[k] : word - change_[k];
      if (fermions) element *= order_sign(space, op_.moves()[k].move, sigma, local.data());
      elements[at(waiting)] = element;
      if (++waiting == lanes) add_waiting();
    });
    if (waiting > 0) add_waiting();
    std::stable_sort(row.begin(), row.end(), [](const Element& a, const Element& b) { return a.column < b.column; });
    for (std::size_t k = 0; k < row.size();) {
      std::complex<double> sum = 0;
      const std::uint32_t column = row[k].column;
      for (; k < row.size() && row[k].column == column; ++k) sum += row[k].value;
      if (std::abs(sum) < 1e-14) continue;
      rows.column.push_back(column);
      rows.re.push_back(sum.real());
      if (complex_) rows.im.push_back(sum.imag());
    }
    rows.first.push_back(static_cast<std::uint32_t>(rows.column.size()));
  }
  rows.column.shrink_to_fit();
  rows.re.shrink_to_fit();
  rows.im.shrink_to_fit();
  return rows;
}

void SectorOperator::multiply(const Rows& rows, const double* x, double* y) const {
  for (std::size_t r = 0; r + 1 < rows.first.size(); ++r) {
    double re = 0;
    double im = 0;
    if (!complex_) {
      for (std::uint32_t k = rows.first[r]; k < rows.first[r + 1]; ++k) re += rows.re[k] * x[rows.column[k]];
      y[r] = re;
      continue;
    }
    for (std::uint32_t k = rows.first[r]; k < rows.first[r + 1]; ++k) {
      const double* other = x + 2 * static_cast<std::size_t>(rows.column[k]);
      re += rows.re[k] * other[0] - rows.im[k] * other[1];
      im += rows.re[k] * other[1] + rows.im[k] * other[0];
    }
    y[2 * r] = re;
    y[2 * r + 1] = im;
  }
}

void SectorOperator::apply(std::span<const double> x, std::span<double> y) const {
  std::vector<double> gathered;
  if (comm_.size() > 1) gathered = comm_.all_gather(std::vector<double>(x.begin(), x.end()));
  const double* all = comm_.size() > 1 ? gathered.data() : x.data();
  const std::size_t numbers = complex_ ? 2 : 1;
  Kokkos::parallel_for(
      "koushi::manybody::sector_product",
      Kokkos::RangePolicy<Kokkos::DefaultHostExecutionSpace, Kokkos::Schedule<Kokkos::Dynamic>>(0, chunks()),
      [&](std::int64_t c) {
        const std::int64_t first = c * rows_of_a_chunk;
        double* const to = y.data() + numbers * at(first);
        if (stored_) {
          multiply(kept_[at(c)], all, to);
        } else {
          multiply(make_rows(rows_.first + first, std::min(rows_of_a_chunk, rows_.count - first)), all, to);
        }
      });
  Kokkos::fence("koushi::manybody::sector_product");
}

}  // namespace koushi
