#include "shared_linear.hpp"

#include <algorithm>
#include <cmath>

#include "lane_products.hpp"

namespace koushi {

namespace {

constexpr int block = samples_at_once;
constexpr int width = simd_width();
constexpr int vectors = vectors_at_once;

std::size_t at(std::int64_t i) { return static_cast<std::size_t>(i); }

/// d[o][i] of rows x columns pairs of channels and one weight, for one vector of samples.
template <int rows, int columns>
KOKKOS_FORCEINLINE_FUNCTION void add_pairs(const std::vector<std::pair<int, int>>& places, const double* d_out,
                                           std::ptrdiff_t out_stride, const double* in, std::ptrdiff_t in_stride,
                                           double* to, std::ptrdiff_t to_row, std::ptrdiff_t to_column) {
  Simd sum[rows][columns];
  unrolled<rows>([&](auto o) { unrolled<columns>([&](auto i) { sum[o][i] = Simd(0.0); }); });
  for (const auto& [p, q] : places) {
    const double* a = d_out + p * block;
    const double* b = in + q * block;
    Simd x[columns];
    unrolled<columns>([&](auto i) { x[i] = load(b + i * in_stride); });
    unrolled<rows>([&](auto o) {
      const Simd factor = load(a + o * out_stride);
      unrolled<columns>([&](auto i) { sum[o][i] = Kokkos::fma(factor, x[i], sum[o][i]); });
    });
  }
  unrolled<rows>(
      [&](auto o) { unrolled<columns>([&](auto i) { store(sum[o][i], to + o * to_row + i * to_column); }); });
}

}  // namespace

SharedLinear::SharedLinear(TensorShape input, int channels, NetworkDomain domain, Stencil stencil, bool bias,
                           std::vector<int> patch)
    : input_(input),
      output_{channels, static_cast<int>(stencil.inputs.size()), domain},
      slots_(stencil.slots),
      bias_(bias),
      patch_(std::move(patch)) {
  Tables tables;
  tables.of_slot.resize(at(slots_));
  std::vector<std::vector<Stencil::Entry>> outputs(at(input_.positions));
  tables.forward = {{0}, {}, input_.channels, input_.positions, channels, slots_};
  for (std::size_t p = 0; p < stencil.inputs.size(); ++p) {
    for (const Stencil::Entry& entry : stencil.inputs[p]) {
      tables.forward.entries.push_back(entry);
      outputs[at(entry.position)].push_back({static_cast<int>(p), entry.slot});
      tables.of_slot[at(entry.slot)].emplace_back(static_cast<int>(p), entry.position);
    }
    tables.forward.first.push_back(static_cast<int>(tables.forward.entries.size()));
  }
  tables.adjoint = {{0}, {}, channels, output_.positions, input_.channels, slots_};
  for (const auto& of_input : outputs) {
    tables.adjoint.entries.insert(tables.adjoint.entries.end(), of_input.begin(), of_input.end());
    tables.adjoint.first.push_back(static_cast<int>(tables.adjoint.entries.size()));
  }
  tables_ = std::make_shared<const Tables>(std::move(tables));
}

std::vector<Stencil::Entry> SharedLinear::inputs_of(int position) const {
  const Gather& g = tables_->forward;
  return {g.entries.begin() + g.first[at(position)], g.entries.begin() + g.first[at(position) + 1]};
}

std::int64_t SharedLinear::n_parameters() const {
  return static_cast<std::int64_t>(output_.channels) *
         (static_cast<std::int64_t>(input_.channels) * slots_ + (bias_ ? 1 : 0));
}

void SharedLinear::initialise(double gain, const std::function<double()>& normal, double* parameters) const {
  // Of what an output sees; less at open ends.
  std::size_t most = 1;
  for (std::size_t p = 0; p + 1 < tables_->forward.first.size(); ++p)
    most = std::max(most, at(tables_->forward.first[p + 1] - tables_->forward.first[p]));
  const double scale = gain / std::sqrt(static_cast<double>(most) * input_.channels);
  const std::int64_t weights = n_parameters() - (bias_ ? output_.channels : 0);
  for (std::int64_t k = 0; k < weights; ++k) parameters[k] = scale * normal();
  for (std::int64_t k = weights; k < n_parameters(); ++k) parameters[k] = 0.1 * gain * normal();
}

std::vector<double> SharedLinear::pack(const double* weights, bool transposed) const {
  const int rows = transposed ? input_.channels : output_.channels;
  const int columns = transposed ? output_.channels : input_.channels;
  return packed_rows(rows, slots_ * columns, [&](int row, int column) {
    const int o = transposed ? column % columns : row;
    const int i = transposed ? row : column % columns;
    return weights[(static_cast<std::int64_t>(o) * input_.channels + i) * slots_ + column / columns];
  });
}

void SharedLinear::set_parameters(const double* parameters) {
  weights_ = pack(parameters, false);
  transposed_ = pack(parameters, true);
  biases_.assign(at(output_.channels), 0.0);
  if (bias_) std::copy_n(parameters + n_parameters() - output_.channels, output_.channels, biases_.begin());
}

void SharedLinear::gather(const Gather& g, const double* packed, const double* bias, const double* in, double* out,
                          bool add) {
  const int positions = static_cast<int>(g.first.size()) - 1;
  const std::ptrdiff_t stride = static_cast<std::ptrdiff_t>(g.positions_in) * block;
  const std::ptrdiff_t out_stride = static_cast<std::ptrdiff_t>(positions) * block;
  for_outputs(g.channels_out, [&](int first, auto count) {
    constexpr int outputs = decltype(count)::value;
    const double* weights = packed + static_cast<std::ptrdiff_t>(first) * g.channels_in * g.slots;
    for (int p = 0; p < positions; ++p) {
      double* to = out + first * out_stride + p * block;
      Simd sum[outputs][vectors];
      unrolled<outputs>([&](auto o) {
        unrolled<vectors>([&](auto v) {
          sum[o][v] = add ? load(to + o * out_stride + v * width) : Simd(bias != nullptr ? bias[first + o] : 0.0);
        });
      });
      for (int e = g.first[at(p)]; e < g.first[at(p) + 1]; ++e) {
        const Stencil::Entry& entry = g.entries[at(e)];
        add_inputs<outputs>(sum, weights + static_cast<std::ptrdiff_t>(entry.slot) * g.channels_in * outputs,
                            in + entry.position * block, g.channels_in, stride);
      }
      unrolled<outputs>(
          [&](auto o) { unrolled<vectors>([&](auto v) { store(sum[o][v], to + o * out_stride + v * width); }); });
    }
  });
}

void SharedLinear::forward(const double* in, double* out) const {
  gather(tables_->forward, weights_.data(), biases_.data(), in, out, false);
}

void SharedLinear::backward(const double* in, const double* /*out*/, const double* d_out, double* d_in,
                            double* d_parameters) const {
  if (d_in != nullptr) gather(tables_->adjoint, transposed_.data(), nullptr, d_out, d_in, false);
  const std::ptrdiff_t in_stride = static_cast<std::ptrdiff_t>(input_.positions) * block;
  const std::ptrdiff_t out_stride = static_cast<std::ptrdiff_t>(output_.positions) * block;
  const std::ptrdiff_t column = static_cast<std::ptrdiff_t>(slots_) * block;
  const std::ptrdiff_t row = column * input_.channels;
  const auto blocks = [](int channels, const auto& body) {
    int first = 0;
    const auto take = [&](auto count) {
      for (; first + count <= channels; first += count) body(first, count);
    };
    take(std::integral_constant<int, 4>{});
    take(std::integral_constant<int, 2>{});
    take(std::integral_constant<int, 1>{});
  };
  blocks(output_.channels, [&](int o, auto rows) {
    blocks(input_.channels, [&](int i, auto columns) {
      for (int d = 0; d < slots_; ++d) {
        for (int v = 0; v < block; v += width) {
          add_pairs<decltype(rows)::value, decltype(columns)::value>(
              tables_->of_slot[at(d)], d_out + o * out_stride + v, out_stride, in + i * in_stride + v, in_stride,
              d_parameters + o * row + i * column + static_cast<std::ptrdiff_t>(d) * block + v, row, column);
        }
      }
    });
  });
  if (!bias_) return;
  double* to = d_parameters + row * output_.channels;
  for (int o = 0; o < output_.channels; ++o, to += block) {
    for (int v = 0; v < block; v += width) {
      Simd sum(0.0);
      const double* from = d_out + o * out_stride + v;
      for (int p = 0; p < output_.positions; ++p) sum = sum + load(from + p * block);
      store(sum, to + v);
    }
  }
}

void SharedLinear::tangent(const double* in, const double* /*out*/, const double* change_in,
                           const double* change_parameters, double* change_out) const {
  const std::vector<double> change = pack(change_parameters, false);
  const double* bias = bias_ ? change_parameters + n_parameters() - output_.channels : nullptr;
  gather(tables_->forward, change.data(), bias, in, change_out, false);
  if (change_in != nullptr) gather(tables_->forward, weights_.data(), nullptr, change_in, change_out, true);
}

double SharedLinear::flops() const {
  return 2.0 * static_cast<double>(tables_->forward.entries.size()) * input_.channels * output_.channels;
}

}  // namespace koushi
