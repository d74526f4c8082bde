// A finished ground state as one line of JSON, for tables that compare methods.
#include <fmt/format.h>

#include <cmath>

#include "koushi/base/error.hpp"
#include "koushi/base/text.hpp"
#include "koushi/deck/resolved.hpp"
#include "koushi/parallel/communicator.hpp"
#include "koushi/statistics/estimate.hpp"
#include "koushi/store/result_file.hpp"
#include "koushi/study/catalogue.hpp"
#include "koushi/study/model.hpp"
#include "koushi/study/stored_results.hpp"
#include "report.hpp"

namespace koushi {

namespace {

/// The resolved keys below a prefix as an object: their values are JSON as they are.
std::string object_of(const std::map<std::string, std::string>& keys, const std::string& prefix) {
  std::vector<std::string> parts;
  for (const auto& [key, value] : keys) {
    if (key.rfind(prefix, 0) == 0) parts.push_back(fmt::format("{}: {}", quoted(key.substr(prefix.size())), value));
  }
  return "{" + join(parts) + "}";
}

/// The conserved numbers that a deck names, of [sector] or [sampler].
std::string sector_of(const std::map<std::string, std::string>& keys) {
  std::vector<std::string> parts;
  for (const char* const section : {"sector", "sampler"}) {
    for (const char* const name : {"magnetization", "electrons", "particles"}) {
      const auto found = keys.find(fmt::format("{}.{}", section, name));
      if (found != keys.end()) parts.push_back(fmt::format("\"{}\": {}", name, found->second));
    }
  }
  return "{" + join(parts) + "}";
}

}  // namespace

int print_benchmark_row(const std::string& file) {
  const Communicator self = Communicator::self();
  const ResultReader reader(self, file);
  const std::string resolved = reader.read_text("deck/resolved");
  const auto keys = resolved_keys(resolved);
  if (keys.count("hamiltonian.kind") == 0 || !reader.contains("observables/energy/value"))
    throw UsageError(
        fmt::format("{} holds no energy of a Hamiltonian\n  expected: a run of ground states that has measured", file));
  const StoredObservable energy = read_observable(reader, "", "energy");
  const Deck deck = Deck::parse_resolved(resolved, file + ", /deck/resolved", {}, catalogue());
  const double infinite = make_hamiltonian(deck, make_lattice(deck)).infinite_temperature_value();
  const auto n_sites = static_cast<int>(reader.read_integers("summary/n_sites").at(0));
  double variance = energy.variance.value_or(std::nan(""));
  double variance_error = std::nan("");
  if (reader.contains("observables/variance/value")) {
    const StoredObservable measured = read_observable(reader, "", "variance");
    variance = measured.value;
    variance_error = measured.error;
  }
  double seconds = 0;
  for (const std::string& name : reader.list("timing/phases")) seconds += reader.read_reals("timing/phases/" + name)[0];
  std::vector<std::string> factors;
  for (int k = 0; keys.count(fmt::format("wavefunction.factor.{}.kind", k)) > 0; ++k)
    factors.push_back(object_of(keys, fmt::format("wavefunction.factor.{}.", k)));
  std::vector<std::string> segments;
  for (const std::string& line : split_lines(reader.read_text("provenance/segments"))) segments.push_back(quoted(line));
  print_out(fmt::format(
      "{{\"title\": {}, \"study\": {}, \"status\": {}, \"hamiltonian\": {}, \"lattice\": {}, \"sector\": {}, "
      "\"n_sites\": {}, "
      "\"energy\": {}, \"energy_error\": {}, \"variance\": {}, \"variance_error\": {}, \"e_inf\": {}, \"v_score\": {}, "
      "\"wavefunction\": [{}], \"symmetry\": {}, \"parameters\": {}, \"samples\": {}, \"seconds\": {}, \"segments\": "
      "[{}], \"program\": {}}}\n",
      quoted(reader.read_text("summary/title")), quoted(reader.read_text("summary/study")),
      quoted(reader.read_text("summary/status")), object_of(keys, "hamiltonian."), object_of(keys, "lattice."),
      sector_of(keys), n_sites, json_number(energy.value), json_number(energy.error), json_number(variance),
      json_number(variance_error), json_number(infinite),
      json_number(v_score(n_sites, energy.value, variance, infinite)), join(factors),
      object_of(keys, "wavefunction.symmetry."),
      reader.contains("state/parameters") ? fmt::format("{}", reader.read_reals("state/parameters").size()) : "null",
      energy.samples, json_number(seconds), join(segments),
      quoted(split_lines(reader.read_text("provenance/version")).at(0))));
  return 0;
}

}  // namespace koushi
