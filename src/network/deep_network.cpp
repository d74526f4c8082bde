#include "koushi/network/deep_network.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numbers>

#include "koushi/base/error.hpp"
#include "koushi/base/lane_functions.hpp"

namespace koushi {

const std::vector<std::pair<std::string, NetworkOutput>> network_output_words{
    {"positive", NetworkOutput::positive},
    {"complex", NetworkOutput::complex},
    {"modulus-and-phase", NetworkOutput::modulus_and_phase}};

namespace {

constexpr int block = samples_at_once;
constexpr int width = simd_width();

}  // namespace

DeepNetwork::DeepNetwork(TensorShape input, std::vector<std::unique_ptr<Layer>> layers, NetworkOutput output)
    : layers_(std::move(layers)), output_(output), shapes_{input}, offsets_{0} {
  // A tensor is needed until the last layer that takes it or adds it.
  std::vector<std::size_t> last_use(layers_.size() + 1, layers_.size());
  for (std::size_t l = 0; l < layers_.size(); ++l) last_use[l] = l;
  for (std::size_t l = 0; l < layers_.size(); ++l) {
    shapes_.push_back(layers_[l]->output());
    offsets_.push_back(offsets_.back() + layers_[l]->n_parameters());
    const auto skips = static_cast<std::size_t>(layers_[l]->skips());
    if (skips == 0) continue;
    if (skips > l) throw UsageError(fmt::format("there are no {} layers in front of this one", skips));
    const TensorShape& from = shapes_[l - skips];
    const TensorShape& to = shapes_[l + 1];
    if (!(from == to))
      throw UsageError(fmt::format("a tensor of {} channels at {} positions cannot be added to one of {} at {}",
                                   from.channels, from.positions, to.channels, to.positions));
    last_use[l - skips] = std::max(last_use[l - skips], l);
  }
  if (output_ != NetworkOutput::positive && last().channels % 2 != 0)
    throw UsageError(
        fmt::format("the last layer has {} channels, and this output wants an even number", last().channels));
  buffer_.assign(shapes_.size(), -1);  // the input lies with the caller
  std::vector<std::size_t> busy_until;
  for (std::size_t t = 1; t < shapes_.size(); ++t) {
    std::size_t b = 0;
    while (b < busy_until.size() && busy_until[b] + 1 >= t) ++b;
    if (b == busy_until.size()) {
      busy_until.push_back(0);
      buffer_size_.push_back(0);
    }
    busy_until[b] = last_use[t];
    buffer_[t] = static_cast<int>(b);
    buffer_size_[b] = std::max(buffer_size_[b], numbers(t));
  }
}

DeepNetwork::DeepNetwork(const DeepNetwork& other)
    : output_(other.output_),
      shapes_(other.shapes_),
      offsets_(other.offsets_),
      buffer_(other.buffer_),
      buffer_size_(other.buffer_size_) {
  for (const auto& layer : other.layers_) layers_.push_back(layer->clone());
}

bool DeepNetwork::is_of_any_extent() const {
  return std::all_of(layers_.begin(), layers_.end(), [](const auto& layer) { return layer->is_of_any_extent(); });
}

double DeepNetwork::flops() const {
  double sum = 0;
  for (const auto& layer : layers_) sum += layer->flops();
  return sum + 2.0 * last().units();
}

std::vector<double> DeepNetwork::initial_parameters(double width_of_output,
                                                    const std::function<double()>& normal) const {
  std::vector<double> parameters(static_cast<std::size_t>(n_parameters()));
  std::size_t scaled = layers_.size();
  bool even = output_ == NetworkOutput::complex;  // a function of the last linear layer that begins with its square
  for (std::size_t l = layers_.size(); l-- > 0 && scaled == layers_.size();) {
    if (layers_[l]->is_linear()) scaled = l;
  }
  const double units = std::max(1, last().units());
  const double gain = std::pow(width_of_output * width_of_output / units, even ? 0.25 : 0.5);
  for (std::size_t l = 0; l < layers_.size(); ++l)
    layers_[l]->initialise(l == scaled ? gain : 1.0, normal, parameters.data() + offsets_[l]);
  return parameters;
}

std::vector<double> DeepNetwork::initial_parameters(const std::function<double()>& normal) const {
  std::vector<double> parameters(static_cast<std::size_t>(n_parameters()));
  for (std::size_t l = 0; l < layers_.size(); ++l) layers_[l]->initialise(1.0, normal, parameters.data() + offsets_[l]);
  return parameters;
}

void DeepNetwork::set_parameters(const std::vector<double>& parameters) {
  for (std::size_t l = 0; l < layers_.size(); ++l) layers_[l]->set_parameters(parameters.data() + offsets_[l]);
}

namespace {

void add_to(double* to, const double* from, std::size_t count) {
  for (std::size_t k = 0; k < count; k += width) store(load(to + k) + load(from + k), to + k);
}

}  // namespace

/// The last tensor, in memory of this thread.
const double* DeepNetwork::run(const double* input) const {
  thread_local std::vector<std::vector<double>> buffers;
  if (buffers.size() < buffer_size_.size()) buffers.resize(buffer_size_.size());
  for (std::size_t b = 0; b < buffer_size_.size(); ++b) {
    if (buffers[b].size() < buffer_size_[b]) buffers[b].resize(buffer_size_[b]);
  }
  const auto tensor = [&](std::size_t t) -> double* { return buffers[static_cast<std::size_t>(buffer_[t])].data(); };
  const double* in = input;
  for (std::size_t l = 0; l < layers_.size(); ++l) {
    layers_[l]->forward(in, tensor(l + 1));
    if (const auto skips = static_cast<std::size_t>(layers_[l]->skips()); skips > 0)
      add_to(tensor(l + 1), l == skips ? input : tensor(l - skips), numbers(l + 1));
    in = tensor(l + 1);
  }
  return in;
}

void DeepNetwork::forward(const double* input, double* re, double* im) const { head(run(input), re, im); }

void DeepNetwork::last_tensor(const double* input, double* last) const {
  std::copy_n(run(input), numbers(layers_.size()), last);
}

void DeepNetwork::head(const double* x, double* re, double* im) const {
  const std::ptrdiff_t units = last().units();
  if (output_ == NetworkOutput::complex) {
    const std::ptrdiff_t half = units / 2;
    for (int v = 0; v < block; v += width) {
      LogCoshSum<Simd> sum;
      for (std::ptrdiff_t u = 0; u < half; ++u) {
        sum.add(load(x + u * block + v), load(x + (half + u) * block + v));
        if (u % 8 == 7) sum.take_modulus_out();
      }
      sum.take_modulus_out();
      store(sum.re, re + v);
      double phase[width];
      double parts[2][width];
      store(sum.im, phase);
      store(sum.product_re, parts[0]);
      store(sum.product_im, parts[1]);
      for (int l = 0; l < width; ++l) im[v + l] = phase[l] + std::atan2(parts[1][l], parts[0][l]);
    }
    return;
  }
  const auto sum_of = [&](std::ptrdiff_t first, std::ptrdiff_t count, double* to) {
    for (int v = 0; v < block; v += width) {
      Simd sum(0.0);
      for (std::ptrdiff_t u = first; u < first + count; ++u) sum = sum + load(x + u * block + v);
      store(sum, to + v);
    }
  };
  const std::ptrdiff_t of_re = is_real() ? units : units / 2;
  sum_of(0, of_re, re);
  if (!is_real()) sum_of(of_re, units - of_re, im);
}

void DeepNetwork::head_derivatives(const double* x, double* d_re, double* d_im) const {
  const std::ptrdiff_t numbers = static_cast<std::ptrdiff_t>(last().units()) * block;
  const std::ptrdiff_t half = numbers / 2;
  switch (output_) {
    case NetworkOutput::positive:
      std::fill_n(d_re, numbers, 1.0);
      return;
    case NetworkOutput::modulus_and_phase:
      std::fill_n(d_re, half, 1.0);
      std::fill_n(d_re + half, half, 0.0);
      std::fill_n(d_im, half, 0.0);
      std::fill_n(d_im + half, half, 1.0);
      return;
    case NetworkOutput::complex:
      break;
  }
  for (std::ptrdiff_t k = 0; k < half; k += width) {  // d log cosh z = t dz, dz = da + i db
    Simd t_re;
    Simd t_im;
    lane_tanh(load(x + k), load(x + half + k), t_re, t_im);
    store(t_re, d_re + k);
    store(t_im, d_im + k);
    store(Simd(0.0) - t_im, d_re + half + k);
    store(t_re, d_im + half + k);
  }
}

std::vector<const double*> DeepNetwork::all_tensors(const double* input, std::vector<double>& memory) const {
  std::size_t total = 0;
  for (std::size_t t = 1; t < shapes_.size(); ++t) total += numbers(t);
  if (memory.size() < total) memory.resize(total);
  std::vector<const double*> tensors{input};
  double* next = memory.data();
  for (std::size_t l = 0; l < layers_.size(); ++l) {
    layers_[l]->forward(tensors[l], next);
    if (const auto skips = static_cast<std::size_t>(layers_[l]->skips()); skips > 0)
      add_to(next, tensors[l - skips], numbers(l + 1));
    tensors.push_back(next);
    next += numbers(l + 1);
  }
  return tensors;
}

/// d_last: the derivatives by the last tensor.
void DeepNetwork::backward(const std::vector<const double*>& tensors, std::vector<double>& d_last,
                           double* d_parameters) const {
  std::vector<std::vector<double>> waiting(layers_.size() + 1);  // derivatives that come by skips
  std::vector<double> d_out = std::move(d_last);
  std::vector<double> d_in;
  for (std::size_t l = layers_.size(); l-- > 0;) {
    if (!waiting[l + 1].empty()) add_to(d_out.data(), waiting[l + 1].data(), numbers(l + 1));
    if (const auto skips = static_cast<std::size_t>(layers_[l]->skips()); skips > 0) {
      std::vector<double>& skipped = waiting[l - skips];
      if (skipped.empty()) {
        skipped.assign(d_out.begin(), d_out.begin() + static_cast<std::ptrdiff_t>(numbers(l + 1)));
      } else {
        add_to(skipped.data(), d_out.data(), numbers(l + 1));
      }
    }
    d_in.resize(std::max(d_in.size(), numbers(l)));
    layers_[l]->backward(tensors[l], tensors[l + 1], d_out.data(), l > 0 ? d_in.data() : nullptr,
                         d_parameters + offsets_[l] * block);
    std::swap(d_in, d_out);
  }
}

void DeepNetwork::pull_back(const double* input, const Seed& seed, const std::vector<double*>& d_parameters) const {
  thread_local std::vector<double> memory;
  const std::vector<const double*> tensors = all_tensors(input, memory);
  std::vector<std::vector<double>> d_last(d_parameters.size());
  std::vector<double*> to;
  for (std::vector<double>& d : d_last) {
    d.resize(numbers(layers_.size()));
    to.push_back(d.data());
  }
  seed(tensors.back(), to);
  for (std::size_t k = 0; k < d_parameters.size(); ++k) backward(tensors, d_last[k], d_parameters[k]);
}

void DeepNetwork::derivatives(const double* input, double* re, double* im, double* d_re, double* d_im) const {
  std::vector<double*> to{d_re};
  if (!is_real()) to.push_back(d_im);
  pull_back(
      input,
      [&](const double* last, const std::vector<double*>& d_last) {
        head(last, re, im);
        head_derivatives(last, d_last[0], is_real() ? nullptr : d_last[1]);
      },
      to);
}

void DeepNetwork::tangent(const double* input, const double* change_parameters, double* re, double* im) const {
  thread_local std::vector<double> memory;
  const std::vector<const double*> tensors = all_tensors(input, memory);
  std::vector<std::vector<double>> changes(shapes_.size());
  for (std::size_t l = 0; l < layers_.size(); ++l) {
    changes[l + 1].resize(numbers(l + 1));
    layers_[l]->tangent(tensors[l], tensors[l + 1], l > 0 ? changes[l].data() : nullptr,
                        change_parameters + offsets_[l], changes[l + 1].data());
    const auto skips = static_cast<std::size_t>(layers_[l]->skips());
    if (skips > 0 && skips < l) add_to(changes[l + 1].data(), changes[l - skips].data(), numbers(l + 1));
  }
  const std::size_t size = numbers(layers_.size());
  std::vector<double> of_re(size);
  std::vector<double> of_im(is_real() ? 0 : size);
  head_derivatives(tensors.back(), of_re.data(), of_im.data());
  const double* change = changes.back().empty() ? nullptr : changes.back().data();
  for (int s = 0; s < block; ++s) {
    re[s] = 0;
    if (!is_real()) im[s] = 0;
    for (std::size_t k = static_cast<std::size_t>(s); k < size && change != nullptr; k += block) {
      re[s] += of_re[k] * change[k];
      if (!is_real()) im[s] += of_im[k] * change[k];
    }
  }
}

}  // namespace koushi
