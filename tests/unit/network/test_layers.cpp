// The laws of Layer for every registered layer, and those of DeepNetwork.
#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <cmath>
#include <functional>
#include <optional>

#include "fourier_linear.hpp"
#include "koushi/base/error.hpp"
#include "koushi/network/deep_network.hpp"

using namespace koushi;

namespace {

constexpr int block = samples_at_once;

/// A 4 x 6 torus of cells with `basis` sites, whose symmetries are the translations and the inversion.
NetworkGeometry torus(int basis, bool open = false) {
  constexpr int lx = 4;
  constexpr int ly = 6;
  NetworkGeometry geometry;
  geometry.n_sites = lx * ly * basis;
  geometry.sites_per_cell = basis;
  geometry.dimension = 2;
  geometry.cell_beyond = [open](int cell, const std::vector<int>& step) {
    const int x = cell / ly + step[0];
    const int y = cell % ly + step[1];
    if (open && (x < 0 || x >= lx)) return -1;
    return ((x % lx + lx) % lx) * ly + (y % ly + ly) % ly;
  };
  geometry.distance = [basis](int i, int j) {
    const auto around = [](int d, int l) { return std::min((d % l + l) % l, ((-d) % l + l) % l); };
    const int a = i / basis;
    const int b = j / basis;
    return std::hypot(around(a / ly - b / ly, lx), around(a % ly - b % ly, ly));
  };
  geometry.group = [basis, cells = geometry.n_cells()] {
    std::vector<std::vector<int>> group;
    for (const int sign : {1, -1}) {
      for (int t = 0; t < cells; ++t) {
        group.emplace_back();
        for (int i = 0; i < cells * basis; ++i) {
          const int c = i / basis;
          const int x = ((sign * (c / ly) + t / ly) % lx + lx) % lx;
          const int y = ((sign * (c % ly) + t % ly) % ly + ly) % ly;
          group.back().push_back((x * ly + y) * basis + (sign > 0 ? i % basis : basis - 1 - i % basis));
        }
      }
    }
    return group;
  };
  return geometry;
}

/// Numbers that look random, from -1 to 1.
struct Numbers {
  double at = 0.3;
  double operator()() {
    at = std::fmod(at * 997.13 + 0.41, 1.0);
    return 2 * at - 1;
  }
};

std::vector<double> numbers(std::size_t count, double seed) {
  Numbers next{seed};
  std::vector<double> all(count);
  for (double& x : all) x = next();
  return all;
}

struct Named {
  std::string name;
  std::unique_ptr<Layer> layer;
  TensorShape input;
};

std::vector<Named> all_layers() {
  static const NetworkGeometry of_sites = torus(1);
  static const NetworkGeometry of_two = torus(2);
  static const NetworkGeometry open = torus(1, true);
  std::vector<Named> all;
  const auto add = [&](const std::string& name, const LayerContext& context, const auto& make) {
    all.push_back({name, make(context), context.input});
  };
  const LayerContext sites{of_sites, {2, 24, NetworkDomain::sites}, {}};
  const LayerContext two{of_two, {1, 48, NetworkDomain::sites}, {}};
  const LayerContext cells{of_sites, {5, 24, NetworkDomain::cells}, {}};
  const LayerContext ends{open, {3, 24, NetworkDomain::cells}, {}};
  const LayerContext patches{of_sites, {6, 6, NetworkDomain::patches}, {2, 2}};
  const LayerContext group{of_sites, {3, 48, NetworkDomain::group}, {}};
  add("convolution", sites, [](const auto& c) { return make_convolution(c, 11, {3, 3}); });
  add("convolution", two, [](const auto& c) { return make_convolution(c, 4, {3, 2}, false); });
  add("convolution", cells, [](const auto& c) { return make_convolution(c, 7, {}); });
  add("convolution", ends, [](const auto& c) { return make_convolution(c, 3, {3, 1}); });
  add("causal", sites, [](const auto& c) { return make_causal(c, 5, {}, false); });
  add("causal", two, [](const auto& c) { return make_causal(c, 3, std::vector<int>{3, 3}, true, false); });
  add("dense", sites, [](const auto& c) { return make_dense(c, 9); });
  add("linear", cells, [](const auto& c) { return make_linear(c, 13, true); });
  add("group-convolution", two, [](const auto& c) { return make_group_convolution(c, 3, 1e300); });
  add("group-convolution", group, [](const auto& c) { return make_group_convolution(c, 2, 1.1); });
  add("group-convolution", group, [](const auto& c) { return make_group_convolution(c, 2, 1e300, false); });
  add("patches", two, [](const auto& c) { return make_patches(c, 6, {2, 3}); });
  add("attention", patches, [](const auto& c) { return make_attention(c, 3); });
  add("norm", cells, [](const auto& c) { return make_norm(c, true); });
  add("norm", cells, [](const auto& c) { return make_norm(c, false); });
  add("residual", cells, [](const auto& c) { return make_residual(c, 1); });
  for (const auto& [word, function] : activation_words)
    add("activation", cells, [f = function](const auto& c) { return make_activation(c, f); });
  return all;
}

std::size_t size_of(const TensorShape& shape) { return static_cast<std::size_t>(shape.units()) * block; }

}  // namespace

TEST_CASE("every registered layer is tested here", "[network]") {
  const std::vector<Named> all = all_layers();
  for (const LayerKind& kind : layers().all()) {
    INFO(kind.name);
    CHECK(std::any_of(all.begin(), all.end(), [&](const Named& one) { return one.name == kind.name; }));
  }
}

TEST_CASE("derivatives of layers: finite differences, and tangents transposed", "[network]") {
  for (Named& one : all_layers()) {
    INFO(one.name);
    Layer& layer = *one.layer;
    const auto n = static_cast<std::size_t>(layer.n_parameters());
    std::vector<double> parameters(n);
    Numbers next;
    layer.initialise(1.0, next, parameters.data());
    layer.set_parameters(parameters.data());
    const std::vector<double> in = numbers(size_of(one.input), 0.17);
    std::vector<double> out(size_of(layer.output()));
    layer.forward(in.data(), out.data());
    const std::vector<double> d_out = numbers(out.size(), 0.71);
    std::vector<double> d_in(in.size(), 7.0);
    std::vector<double> d_parameters(n * block, 7.0);
    layer.backward(in.data(), out.data(), d_out.data(), d_in.data(), d_parameters.data());
    // One direction in inputs and parameters; the parameters are the same for all samples.
    const std::vector<double> change_in = numbers(in.size(), 0.23);
    const std::vector<double> change_parameters = numbers(n, 0.57);
    std::vector<double> change(out.size(), 7.0);
    layer.tangent(in.data(), out.data(), change_in.data(), change_parameters.data(), change.data());
    const double h = 1e-5;
    std::vector<double> ends[2];
    for (const int side : {0, 1}) {
      std::vector<double> moved_in = in;
      std::vector<double> moved = parameters;
      const double step = side == 0 ? h : -h;
      for (std::size_t k = 0; k < in.size(); ++k) moved_in[k] += step * change_in[k];
      for (std::size_t k = 0; k < n; ++k) moved[k] += step * change_parameters[k];
      const auto other = layer.clone();
      other->set_parameters(moved.data());
      ends[side].resize(out.size());
      other->forward(moved_in.data(), ends[side].data());
    }
    double worst = 0;
    for (std::size_t k = 0; k < out.size(); ++k)
      worst = std::max(worst, std::abs((ends[0][k] - ends[1][k]) / (2 * h) - change[k]));
    CHECK(worst < 1e-8);
    for (int s = 0; s < block; ++s) {
      double left = 0;
      double right = 0;
      for (auto k = static_cast<std::size_t>(s); k < out.size(); k += block) left += d_out[k] * change[k];
      for (auto k = static_cast<std::size_t>(s); k < in.size(); k += block) right += d_in[k] * change_in[k];
      for (std::size_t k = 0; k < n; ++k)
        right += d_parameters[k * block + static_cast<std::size_t>(s)] * change_parameters[k];
      CHECK(std::abs(left - right) < 1e-11 * (1 + std::abs(left)));
    }
  }
}

TEST_CASE("a sample of a layer does not depend on its neighbours", "[network]") {
  for (Named& one : all_layers()) {
    INFO(one.name);
    Layer& layer = *one.layer;
    std::vector<double> parameters(static_cast<std::size_t>(layer.n_parameters()));
    Numbers next;
    layer.initialise(1.0, next, parameters.data());
    layer.set_parameters(parameters.data());
    std::vector<double> in = numbers(size_of(one.input), 0.17);
    std::vector<double> out(size_of(layer.output()));
    std::vector<double> other = out;
    layer.forward(in.data(), out.data());
    // Sample 0 goes to the last place, and the others become something else.
    for (std::size_t k = 0; k < in.size(); k += block) {
      in[k + block - 1] = in[k];
      for (std::size_t s = 0; s + 1 < block; ++s) in[k + s] = 0.1 * static_cast<double>(s);
    }
    layer.forward(in.data(), other.data());
    bool same = true;
    for (std::size_t k = 0; k < out.size(); k += block) same = same && out[k] == other[k + block - 1];
    CHECK(same);
  }
}

TEST_CASE("a convolution is its sum", "[network]") {
  const NetworkGeometry geometry = torus(1);
  const auto layer = make_convolution({geometry, {2, 24, NetworkDomain::sites}, {}}, 3, {3, 2});
  const auto n = static_cast<std::size_t>(layer->n_parameters());
  REQUIRE(n == 3 * 2 * 6 + 3);
  const std::vector<double> w = numbers(n, 0.4);
  layer->set_parameters(w.data());
  const std::vector<double> in = numbers(48 * block, 0.2);
  std::vector<double> out(72 * block);
  layer->forward(in.data(), out.data());
  double worst = 0;
  for (int o = 0; o < 3; ++o) {
    for (int x = 0; x < 4; ++x) {
      for (int y = 0; y < 6; ++y) {
        double sum = w[static_cast<std::size_t>(36 + o)];
        for (int i = 0; i < 2; ++i) {
          for (int dx = -1; dx <= 1; ++dx) {
            for (int dy = 0; dy <= 1; ++dy) {  // of two cells the second lies in the positive direction
              const int site = (x + dx + 4) % 4 * 6 + (y + dy) % 6;
              sum += w[static_cast<std::size_t>((o * 2 + i) * 6 + (dx + 1) * 2 + dy)] *
                     in[static_cast<std::size_t>((i * 24 + site) * block + 5 % block)];
            }
          }
        }
        worst =
            std::max(worst, std::abs(sum - out[static_cast<std::size_t>((o * 24 + x * 6 + y) * block + 5 % block)]));
      }
    }
  }
  CHECK(worst < 1e-13);
}

TEST_CASE("causal layers look forward", "[network]") {
  const NetworkGeometry geometry = torus(2);
  const LayerContext context{geometry, {1, 48, NetworkDomain::sites}, {}};
  for (const bool own : {false, true}) {
    for (const std::optional<std::vector<int>>& kernel :
         {std::optional<std::vector<int>>(), std::optional<std::vector<int>>({3, 5})}) {
      const auto layer = make_causal(context, 2, kernel, own);
      const std::vector<double> w = numbers(static_cast<std::size_t>(layer->n_parameters()), 0.4);
      layer->set_parameters(w.data());
      const std::vector<double> in = numbers(48 * block, 0.2);
      std::vector<double> out(size_of(layer->output()));
      std::vector<double> after(out.size());
      layer->forward(in.data(), out.data());
      for (const std::size_t changed : {0U, 17U, 47U}) {
        std::vector<double> other = in;
        other[changed * block] += 0.5;
        layer->forward(other.data(), after.data());
        bool seen = false;
        for (std::size_t p = 0; p < 48; ++p) {
          const bool same = out[p * block] == after[p * block] && out[(48 + p) * block] == after[(48 + p) * block];
          if (p < changed || (p == changed && !own)) CHECK(same);
          if (p == changed && own) CHECK_FALSE(same);
          seen = seen || !same;
        }
        CHECK(seen == (own || changed < 47));
      }
    }
  }
}

TEST_CASE("linear layers by momenta are the sums over positions", "[network]") {
  int by_momenta = 0;
  for (Named& one : all_layers()) {
    Layer& layer = *one.layer;
    if (!layer.is_linear()) continue;
    INFO(one.name);
    const std::vector<double> w = numbers(static_cast<std::size_t>(layer.n_parameters()), 0.4);
    layer.set_parameters(w.data());
    const std::vector<double> in = numbers(size_of(one.input), 0.2);
    std::vector<double> out(size_of(layer.output()));
    std::vector<double> sums(out.size());
    layer.forward(in.data(), out.data());
    layer.tangent(in.data(), out.data(), nullptr, w.data(), sums.data());  // linear in the parameters, sum by sum
    double worst = 0;
    for (std::size_t k = 0; k < out.size(); ++k) worst = std::max(worst, std::abs(out[k] - sums[k]));
    CHECK(worst < 1e-12);
    if (dynamic_cast<const FourierLinear*>(&layer) != nullptr) ++by_momenta;
  }
  CHECK(by_momenta >= 2);
}

TEST_CASE("products of cyclic groups", "[network]") {
  // Z_2 x Z_6 as Z_6 x Z_2, on 12 points
  std::vector<std::vector<int>> group;
  for (int a = 0; a < 2; ++a) {
    for (int b = 0; b < 6; ++b) {
      group.emplace_back();
      for (int p = 0; p < 12; ++p) group.back().push_back((p / 6 + a) % 2 * 6 + (p % 6 + b) % 6);
    }
  }
  const CyclicProduct product = CyclicProduct::of(group);
  CHECK(product.first == 6);
  CHECK(product.others == std::vector<int>{2});
  CHECK(product.order() == 12);
  CHECK(product.elements.front() == group.front());
  const auto orbits = product.orbits(
      12, [&](int t, int p) { return product.elements[static_cast<std::size_t>(t)][static_cast<std::size_t>(p)]; });
  REQUIRE(orbits.place.size() == 1);
  CHECK(product.orbits(12, [](int, int p) { return p; }).place.empty());
}

TEST_CASE("the default kernel is 3, or the extent where that is less", "[network]") {
  for (const auto& [extents, cells] : std::vector<std::pair<std::vector<int>, int>>{
           {{4, 2}, 6}, {{2, 4}, 6}, {{2, 2}, 4}, {{5, 1}, 3}, {{4, 4, 2}, 18}, {{4, 2, 4}, 18}, {{3, 3}, 9}}) {
    NetworkGeometry geometry;
    geometry.n_sites = 1;
    for (const int n : extents) geometry.n_sites *= n;
    geometry.dimension = static_cast<int>(extents.size());
    geometry.cell_beyond = [extents = extents](int cell, const std::vector<int>& step) {
      int beyond = 0;
      int stride = 1;
      for (std::size_t k = extents.size(); k-- > 0;) {
        beyond += ((cell % extents[k] + step[k]) % extents[k] + extents[k]) % extents[k] * stride;
        cell /= extents[k];
        stride *= extents[k];
      }
      return beyond;
    };
    const LayerContext context{geometry, {1, geometry.n_sites, NetworkDomain::sites}, {}};
    CHECK(make_convolution(context, 1, {}, false)->n_parameters() == cells);
  }
}

TEST_CASE("group convolutions are the same after a symmetry", "[network]") {
  const NetworkGeometry geometry = torus(2);
  const auto group = geometry.group();
  const auto first = make_group_convolution({geometry, {1, 48, NetworkDomain::sites}, {}}, 3, 2.1);
  const auto second = make_group_convolution({geometry, first->output(), {}}, 2, 1.5);
  for (Layer* layer : {first.get(), second.get()}) {
    const std::vector<double> w = numbers(static_cast<std::size_t>(layer->n_parameters()), 0.4);
    layer->set_parameters(w.data());
  }
  const auto run = [&](const std::vector<double>& in) {
    std::vector<double> middle(size_of(first->output()));
    std::vector<double> out(size_of(second->output()));
    first->forward(in.data(), middle.data());
    second->forward(middle.data(), out.data());
    return out;
  };
  const std::vector<double> in = numbers(48 * block, 0.2);
  const std::vector<double> out = run(in);
  const auto& h = group[31];  // an inversion with a translation
  std::vector<double> moved(in.size());
  for (std::size_t x = 0; x < 48; ++x)
    std::copy_n(in.begin() + static_cast<std::ptrdiff_t>(x) * block, block,
                moved.begin() + h[x] * std::ptrdiff_t{block});
  const std::vector<double> after = run(moved);
  double worst = 0;
  for (std::size_t g = 0; g < group.size(); ++g) {
    std::vector<int> product;  // h g
    for (const int site : group[g]) product.push_back(h[static_cast<std::size_t>(site)]);
    const auto to = static_cast<std::size_t>(std::find(group.begin(), group.end(), product) - group.begin());
    for (std::size_t c = 0; c < 2; ++c)
      worst = std::max(worst, std::abs(out[(c * 48 + g) * block] - after[(c * 48 + to) * block]));
  }
  CHECK(worst < 1e-12);
  CHECK(std::abs(out[0] - out[block]) > 1e-3);
}

TEST_CASE("outputs, skips and errors of networks", "[network]") {
  const NetworkGeometry geometry = torus(1);
  const TensorShape input{1, 24, NetworkDomain::sites};
  for (const auto& [word, output] : network_output_words) {
    INFO(word);
    std::vector<std::unique_ptr<Layer>> list;
    TensorShape shape = input;
    const auto add = [&](std::unique_ptr<Layer> layer) {
      shape = layer->output();
      list.push_back(std::move(layer));
    };
    const auto next = [&] { return LayerContext{geometry, shape, {}}; };
    add(make_convolution(next(), 4, {3, 3}));
    add(make_activation(next(), Activation::gelu));
    add(make_convolution(next(), 4, {3, 3}));
    add(make_residual(next(), 2));
    add(make_residual(next(), 3));
    add(make_linear(next(), 4));
    DeepNetwork network(input, std::move(list), output);
    Numbers random;
    std::vector<double> parameters = network.initial_parameters(1.0, random);
    network.set_parameters(parameters);
    const auto n = static_cast<std::size_t>(network.n_parameters());
    const std::vector<double> in = numbers(24 * block, 0.2);
    double re[block];
    double im[block] = {};
    network.forward(in.data(), re, im);
    double same_re[block];
    double same_im[block] = {};
    std::vector<double> d_re(n * block);
    std::vector<double> d_im(n * block);
    network.derivatives(in.data(), same_re, same_im, d_re.data(), d_im.data());
    for (int s = 0; s < block; ++s) {
      CHECK(re[s] == same_re[s]);
      CHECK(im[s] == same_im[s]);
    }
    const std::vector<double> change = numbers(n, 0.57);
    double t_re[block];
    double t_im[block] = {};
    network.tangent(in.data(), change.data(), t_re, t_im);
    const double h = 1e-5;
    DeepNetwork other = network;
    double up_re[block];
    double up_im[block] = {};
    double down_re[block];
    double down_im[block] = {};
    for (std::size_t k = 0; k < n; ++k) parameters[k] += h * change[k];
    other.set_parameters(parameters);
    other.forward(in.data(), up_re, up_im);
    for (std::size_t k = 0; k < n; ++k) parameters[k] -= 2 * h * change[k];
    other.set_parameters(parameters);
    other.forward(in.data(), down_re, down_im);
    for (int s = 0; s < block; ++s) {
      double rows_re = 0;
      double rows_im = 0;
      for (std::size_t k = 0; k < n; ++k) {
        rows_re += d_re[k * block + static_cast<std::size_t>(s)] * change[k];
        rows_im += network.is_real() ? 0 : d_im[k * block + static_cast<std::size_t>(s)] * change[k];
      }
      CHECK(std::abs(rows_re - t_re[s]) < 1e-11 * (1 + std::abs(t_re[s])));
      CHECK(std::abs(rows_im - t_im[s]) < 1e-11 * (1 + std::abs(t_im[s])));
      CHECK(std::abs((up_re[s] - down_re[s]) / (2 * h) - t_re[s]) < 1e-8 * (1 + std::abs(t_re[s])));
      CHECK(std::abs((up_im[s] - down_im[s]) / (2 * h) - t_im[s]) < 1e-8 * (1 + std::abs(t_im[s])));
    }
  }
  const auto refused = [&](std::vector<std::unique_ptr<Layer>> list, NetworkOutput output) {
    CHECK_THROWS_AS(DeepNetwork(input, std::move(list), output), UsageError);
  };
  std::vector<std::unique_ptr<Layer>> odd;
  odd.push_back(make_dense({geometry, input, {}}, 3));
  refused(std::move(odd), NetworkOutput::complex);
  std::vector<std::unique_ptr<Layer>> unequal;
  unequal.push_back(make_convolution({geometry, input, {}}, 3, {}));
  unequal.push_back(make_residual({geometry, unequal[0]->output(), {}}, 1));
  refused(std::move(unequal), NetworkOutput::positive);
  std::vector<std::unique_ptr<Layer>> before;
  before.push_back(make_residual({geometry, input, {}}, 1));
  refused(std::move(before), NetworkOutput::positive);
}

TEST_CASE("log cosh of complex numbers: large arguments, and the phase", "[network]") {
  const NetworkGeometry geometry = torus(1);
  const TensorShape input{2, 24, NetworkDomain::sites};
  std::vector<std::unique_ptr<Layer>> list;
  list.push_back(make_residual({geometry, input, {}}, 0));  // the identity
  const DeepNetwork network(input, std::move(list), NetworkOutput::complex);
  std::vector<double> in = numbers(48 * block, 0.2);
  for (std::size_t k = 0; k < in.size(); ++k) in[k] *= k % 7 == 0 ? 400.0 : 3.0;
  double re[block];
  double im[block];
  network.forward(in.data(), re, im);
  for (std::size_t s = 0; s < block; ++s) {
    std::complex<double> sum = 0;
    for (std::size_t p = 0; p < 24; ++p) {
      std::complex<double> z(in[p * block + s], in[(24 + p) * block + s]);
      if (z.real() < 0) z = -z;
      sum += z + std::log(1.0 + std::exp(-2.0 * z)) - std::log(2.0);
    }
    CHECK(std::abs(re[s] - sum.real()) < 1e-12 * std::abs(sum.real()));
    CHECK(std::abs(std::polar(1.0, im[s]) - std::polar(1.0, sum.imag())) < 1e-11);
  }
}
