#include "koushi/manybody/wavefunction.hpp"

#include <fmt/format.h>

#include "koushi/base/error.hpp"
#include "koushi/base/text.hpp"

namespace koushi {

namespace {

template <typename View, typename Fill>
View filled(const std::string& label, std::size_t size, const Fill& fill) {
  View view(label, size);
  const auto host = Kokkos::create_mirror_view(view);
  fill(host);
  Kokkos::deep_copy(view, host);
  return view;
}

}  // namespace

Terms make_terms(const Operator& op) {
  UniqueMoves list;
  return make_terms({&op}, list);
}

Terms make_terms(const std::vector<const Operator*>& operators, UniqueMoves& list) {
  struct Function {
    int place, offset, min, step, change;
  };
  std::vector<std::pair<PairTerm, int>> pairs;
  std::vector<std::pair<std::pair<int, double>, int>> linear;
  std::vector<std::pair<double, int>> products;
  std::vector<int> product_first{0};
  std::vector<std::pair<std::complex<double>, int>> elements;
  std::vector<int> numbers;
  std::vector<int> move_first{0};
  std::vector<Function> functions;
  std::vector<Function> move_functions;
  std::vector<double> values;
  Terms terms;
  terms.n_groups = static_cast<int>(operators.size());
  for (int group = 0; group < terms.n_groups; ++group) {
    const Operator& op = *operators[static_cast<std::size_t>(group)];
    if (op.constant() != 0 && terms.n_groups > 1) throw InternalError("a constant of one operator among several");
    terms.constant += op.constant();
    for (const PairTerm& pair : op.pairs()) pairs.push_back({pair, group});
    for (std::size_t p = 0; p < op.linear().size(); ++p) {
      if (op.linear()[p] != 0) linear.push_back({{static_cast<int>(p), op.linear()[p]}, group});
    }
    std::vector<int> offsets;
    for (const auto& table : op.tables()) {
      offsets.push_back(static_cast<int>(values.size()));
      values.insert(values.end(), table.begin(), table.end());
    }
    const auto function = [&](const PlaceFunction& f, int change) {
      const LocalSpace& local = op.space().local(f.place);
      return Function{f.place, offsets[static_cast<std::size_t>(f.table)], local.min, local.step, change};
    };
    for (const ProductTerm& product : op.products()) {
      products.emplace_back(product.weight, group);
      for (const PlaceFunction& f : product.functions) functions.push_back(function(f, 0));
      product_first.push_back(static_cast<int>(functions.size()));
    }
    for (const MoveTerm& move : op.moves()) {
      elements.emplace_back(move.element, group);
      numbers.push_back(list.number(move.move));
      if (move.element.imag() != 0) terms.real_elements = false;
      for (const PlaceFunction& f : move.functions) {
        int change = 0;
        for (std::size_t k = 0; k < static_cast<std::size_t>(move.move.n); ++k) {
          if (move.move.place[k] == f.place) change = move.move.change[k];
        }
        // T acts on x' = x - c where the direction is -1.
        move_functions.push_back(function(f, change));
      }
      move_first.push_back(static_cast<int>(move_functions.size()));
    }
  }
  const int n_product_functions = static_cast<int>(functions.size());
  functions.insert(functions.end(), move_functions.begin(), move_functions.end());
  terms.pairs = filled<Kokkos::View<int* [3]>>("koushi::manybody::pairs", pairs.size(), [&](const auto& host) {
    for (std::size_t b = 0; b < pairs.size(); ++b) {
      host(b, 0) = pairs[b].first.p;
      host(b, 1) = pairs[b].first.q;
      host(b, 2) = pairs[b].second;
    }
  });
  terms.pair_weight =
      filled<Kokkos::View<double*>>("koushi::manybody::pair_weight", pairs.size(), [&](const auto& host) {
        for (std::size_t b = 0; b < pairs.size(); ++b) host(b) = pairs[b].first.weight;
      });
  terms.linear = filled<Kokkos::View<int* [2]>>("koushi::manybody::linear", linear.size(), [&](const auto& host) {
    for (std::size_t i = 0; i < linear.size(); ++i) {
      host(i, 0) = linear[i].first.first;
      host(i, 1) = linear[i].second;
    }
  });
  terms.linear_weight =
      filled<Kokkos::View<double*>>("koushi::manybody::linear_weight", linear.size(), [&](const auto& host) {
        for (std::size_t i = 0; i < linear.size(); ++i) host(i) = linear[i].first.second;
      });
  terms.product_weight =
      filled<Kokkos::View<double*>>("koushi::manybody::product_weight", products.size(), [&](const auto& host) {
        for (std::size_t k = 0; k < products.size(); ++k) host(k) = products[k].first;
      });
  terms.product_first =
      filled<Kokkos::View<int* [2]>>("koushi::manybody::product_first", products.size() + 1, [&](const auto& host) {
        for (std::size_t k = 0; k <= products.size(); ++k) {
          host(k, 0) = product_first[k];
          host(k, 1) = k < products.size() ? products[k].second : 0;
        }
      });
  terms.move = filled<Kokkos::View<int* [2]>>("koushi::manybody::move_numbers", elements.size(), [&](const auto& host) {
    for (std::size_t k = 0; k < elements.size(); ++k) {
      host(k, 0) = numbers[k];
      host(k, 1) = elements[k].second;
    }
  });
  terms.element = filled<Kokkos::View<Complex*>>("koushi::manybody::element", elements.size(), [&](const auto& host) {
    for (std::size_t k = 0; k < elements.size(); ++k)
      host(k) = Complex(elements[k].first.real(), elements[k].first.imag());
  });
  if (!move_functions.empty()) {
    terms.move_first =
        filled<Kokkos::View<int*>>("koushi::manybody::move_first", move_first.size(), [&](const auto& host) {
          for (std::size_t k = 0; k < move_first.size(); ++k) host(k) = n_product_functions + move_first[k];
        });
  }
  terms.functions =
      filled<Kokkos::View<int* [5]>>("koushi::manybody::functions", functions.size(), [&](const auto& host) {
        for (std::size_t f = 0; f < functions.size(); ++f) {
          host(f, 0) = functions[f].place;
          host(f, 1) = functions[f].offset;
          host(f, 2) = functions[f].min;
          host(f, 3) = functions[f].step;
          host(f, 4) = functions[f].change;
        }
      });
  terms.values =
      filled<Kokkos::View<double*>>("koushi::manybody::function_values", values.size(), [&](const auto& host) {
        for (std::size_t v = 0; v < values.size(); ++v) host(v) = values[v];
      });
  return terms;
}

std::string Wavefunction::description() const {
  std::vector<std::string> parts;
  for (const FactorReport& factor : factors()) parts.push_back(factor.description);
  return join(parts, " x ");
}

void Wavefunction::apply(double factor, const std::vector<double>& delta) {
  std::vector<double> moved = parameters();
  for (std::size_t p = 0; p < moved.size(); ++p) moved[p] += factor * delta[p];
  set_parameters(moved);
}

}  // namespace koushi
