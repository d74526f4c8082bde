// The standard input of StdFace, which mVMC and HPhi share: "keyword = value" per line, a lattice and couplings by names.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <set>

#include "foreign_model.hpp"
#include "koushi/base/text.hpp"

namespace koushi {

namespace {

using Cell = std::array<int, 3>;  ///< along W, L and H

struct Entry {
  std::string name;  ///< as it was written
  std::string value;
  int line = 0;
  bool used = false;
};

/// The numbers that steer a calculation, in lower case; those of mVMC, then those of HPhi.
const std::set<std::string>& calculation_names() {
  static const std::set<std::string> names = {
      "nvmccalmode", "nlanczosmode",    "ndataidxstart", "ndataqtysmp",  "nspgaussleg",  "nspstot",
      "nmptrans",    "nsroptitrstep",   "nsroptitrsmp",  "dsroptredcut", "dsroptstadel", "dsroptstepdt",
      "nvmcwarmup",  "nvmcinterval",    "nvmcsample",    "rndseed",      "nsplitsize",   "nstore",
      "nsrcg",       "nsroptcgmaxiter", "dsroptcgtol",   "complextype",  "lanczos_max",  "initial_iv",
      "lanczoseps",  "lanczostarget",   "exct",          "largevalue",   "numave",       "expecinterval",
      "2s",          "nexupdatepath"};
  return names;
}

/// Words of a calculation without a meaning for the model.
const std::set<std::string>& calculation_words() {
  static const std::set<std::string> words = {"method",     "outputmode",     "cdatafilehead", "cparafilehead",
                                              "eigenvecio", "initialvectype", "restart",       "hamio",
                                              "calcspec",   "spectrumtype"};
  return words;
}

class Entries {
 public:
  Entries(std::string file, const std::string& text) : file_(std::move(file)) {
    int number = 0;
    for (std::size_t at = 0; at <= text.size(); ++number) {
      const std::size_t end = std::min(text.find('\n', at), text.size());
      add(text.substr(at, end - at), number + 1);
      at = end + 1;
    }
  }

  const std::string& file() const { return file_; }
  ForeignPlace at(const std::string& key) const {
    const auto found = entries_.find(key);
    return {file_, found == entries_.end() ? 0 : found->second.line};
  }
  bool has(const std::string& key) const { return entries_.count(key) > 0; }

  std::optional<std::string> word(const std::string& key) {
    const auto found = entries_.find(key);
    if (found == entries_.end()) return std::nullopt;
    found->second.used = true;
    return found->second.value;
  }
  std::optional<std::complex<double>> complex_number(const std::string& key) {
    const auto text = word(key);
    if (!text) return std::nullopt;
    const std::size_t comma = text->find(',');
    const auto real = foreign_number(text->substr(0, comma));
    const auto imag = comma == std::string::npos ? std::optional<double>(0) : foreign_number(text->substr(comma + 1));
    if (!real || !imag) refuse(at(key), fmt::format("{} = {}", entries_[key].name, *text), "a number, or two: re, im");
    return std::complex<double>(*real, *imag);
  }
  std::optional<double> number(const std::string& key) {
    const auto value = complex_number(key);
    if (!value) return std::nullopt;
    if (value->imag() != 0) refuse(at(key), fmt::format("{} is complex", entries_[key].name), "a real number");
    return value->real();
  }
  std::optional<int> integer(const std::string& key) {
    const auto value = number(key);
    if (!value) return std::nullopt;
    if (*value != std::floor(*value) || std::abs(*value) > 1e9)
      refuse(at(key), fmt::format("{} = {}", entries_[key].name, entries_[key].value), "an integer");
    return static_cast<int>(*value);
  }

  /// Names of the calculation that are left, as numbers, and their words as notes.
  void calculation(ForeignModel& model) {
    for (const std::string& name : calculation_names()) {
      if (const auto value = number(name)) model.value[name] = *value;
    }
    for (const std::string& name : calculation_words()) {
      if (!has(name) || entries_[name].used) continue;
      const auto value = word(name);
      model.notes.push_back(
          fmt::format("{}:{}: {} = {} has no counterpart", file_, entries_[name].line, entries_[name].name, *value));
    }
  }

  /// Refuses the first name that nothing has asked for.
  void refuse_unused(const std::vector<std::string>& known) const {
    const Entry* first = nullptr;
    for (const auto& [key, entry] : entries_) {
      if (!entry.used && (first == nullptr || entry.line < first->line)) first = &entry;
    }
    if (first == nullptr) return;
    refuse({file_, first->line}, fmt::format("\"{}\" has no meaning for this model and lattice", first->name),
           "a name that StdFace has for them" + hint(first->name, known));
  }

 private:
  void add(std::string line, int number) {
    const std::string shown = line;
    line.erase(std::remove_if(line.begin(), line.end(),
                              [](unsigned char c) {
                                return std::isspace(c) != 0 || c == ':' || c == ';' || c == '"' || c == '\\';
                              }),
               line.end());
    if (line.empty() || line.rfind("//", 0) == 0) return;
    const std::size_t equals = line.find('=');
    if (equals == std::string::npos || equals == 0 || equals + 1 == line.size())
      refuse({file_, number}, fmt::format("the line is: {}", shown), "name = value, or // and a comment");
    Entry entry{line.substr(0, equals), lower_case(line.substr(equals + 1)), number, false};
    const auto [place, is_new] = entries_.emplace(lower_case(entry.name), entry);
    if (!is_new)
      refuse({file_, number}, fmt::format("\"{}\" stands in line {} already", entry.name, place->second.line),
             "every name once");
  }

  std::string file_;
  std::map<std::string, Entry> entries_;
};

/// Bonds that share the name of a coupling: from site `from` of every cell to site `to` of the one displaced.
struct BondKind {
  std::string label;  ///< "0", "1'", ...: J0, J1'
  int from = 0;
  int to = 0;
  Cell cell{};
};

struct StandardLattice {
  std::string name;  ///< koushi's kind, empty: it has none
  int dimension = 2;
  std::vector<std::vector<double>> vectors;  ///< Cartesian, along W, L, H
  std::vector<std::vector<double>> offsets;  ///< in units of these
  std::vector<BondKind> bonds;
  bool only_all = false;  ///< primed couplings by the name of all of them alone

  int sites() const { return static_cast<int>(offsets.size()); }
};

StandardLattice chain() {
  return {"chain", 1, {{1}}, {{0}}, {{"0", 0, 0, {0, 1, 0}}, {"0'", 0, 0, {0, 2, 0}}, {"0''", 0, 0, {0, 3, 0}}}, false};
}

StandardLattice square() {
  return {"square",
          2,
          {{1, 0}, {0, 1}},
          {{0, 0}},
          {{"0", 0, 0, {1, 0, 0}},
           {"1", 0, 0, {0, 1, 0}},
           {"0'", 0, 0, {1, 1, 0}},
           {"1'", 0, 0, {1, -1, 0}},
           {"0''", 0, 0, {2, 0, 0}},
           {"1''", 0, 0, {0, 2, 0}}},
          false};
}

StandardLattice triangular() {
  return {"triangular",
          2,
          {{1, 0}, {0.5, 0.5 * std::sqrt(3.0)}},
          {{0, 0}},
          {{"0", 0, 0, {1, 0, 0}},
           {"1", 0, 0, {0, 1, 0}},
           {"2", 0, 0, {1, -1, 0}},
           {"1'", 0, 0, {2, -1, 0}},
           {"2'", 0, 0, {1, 1, 0}},
           {"0'", 0, 0, {-1, 2, 0}},
           {"0''", 0, 0, {2, 0, 0}},
           {"1''", 0, 0, {0, 2, 0}},
           {"2''", 0, 0, {2, -2, 0}}},
          false};
}

StandardLattice honeycomb() {
  const double a = std::sqrt(3.0);
  return {"honeycomb",
          2,
          {{a, 0}, {0.5 * a, 1.5}},
          {{0, 0}, {1.0 / 3, 1.0 / 3}},
          {{"0", 0, 1, {0, 0, 0}},
           {"1", 1, 0, {1, 0, 0}},
           {"2", 1, 0, {0, 1, 0}},
           {"2'", 0, 0, {1, 0, 0}},
           {"2'", 1, 1, {1, 0, 0}},
           {"1'", 0, 0, {0, 1, 0}},
           {"1'", 1, 1, {0, 1, 0}},
           {"0'", 0, 0, {1, -1, 0}},
           {"0'", 1, 1, {1, -1, 0}},
           {"1''", 0, 1, {1, -1, 0}},
           {"0''", 0, 1, {-1, -1, 0}},
           {"2''", 0, 1, {-1, 1, 0}}},
          false};
}

StandardLattice kagome() {
  return {"kagome",
          2,
          {{2, 0}, {1, std::sqrt(3.0)}},
          {{0, 0}, {0.5, 0}, {0, 0.5}},
          {{"2", 0, 1, {0, 0, 0}},
           {"2", 1, 0, {1, 0, 0}},
           {"1", 0, 2, {0, 0, 0}},
           {"1", 2, 0, {0, 1, 0}},
           {"0", 1, 2, {0, 0, 0}},
           {"0", 1, 2, {1, -1, 0}},
           {"2'", 0, 1, {0, -1, 0}},
           {"2'", 0, 1, {-1, 1, 0}},
           {"1'", 0, 2, {1, -1, 0}},
           {"1'", 0, 2, {-1, 0, 0}},
           {"0'", 1, 2, {1, 0, 0}},
           {"0'", 1, 2, {0, -1, 0}}},
          true};
}

StandardLattice cubic() {
  StandardLattice lattice{"cubic", 3, {{1, 0, 0}, {0, 1, 0}, {0, 0, 1}}, {{0, 0, 0}}, {}, true};
  lattice.bonds = {{"0", 0, 0, {1, 0, 0}}, {"1", 0, 0, {0, 1, 0}}, {"2", 0, 0, {0, 0, 1}}};
  for (const Cell& cell : {Cell{0, 1, 1}, {0, 1, -1}, {1, 0, 1}, {1, 0, -1}, {1, 1, 0}, {1, -1, 0}})
    lattice.bonds.push_back({"0'", 0, 0, cell});
  for (const Cell& cell : {Cell{1, 1, 1}, {-1, 1, 1}, {1, -1, 1}, {1, 1, -1}})
    lattice.bonds.push_back({"0''", 0, 0, cell});
  return lattice;
}

/// Legs along L, rungs across, which end.
StandardLattice ladder(int legs) {
  StandardLattice lattice{"", 2, {{0, static_cast<double>(legs)}, {1, 0}}, {}, {}, false};
  for (int leg = 0; leg < legs; ++leg) {
    lattice.offsets.push_back({static_cast<double>(leg) / legs, 0});
    lattice.bonds.push_back({"1", leg, leg, {0, 1, 0}});
    lattice.bonds.push_back({"1'", leg, leg, {0, 2, 0}});
    if (leg + 1 == legs) continue;
    lattice.bonds.push_back({"0", leg, leg + 1, {0, 0, 0}});
    lattice.bonds.push_back({"2", leg, leg + 1, {0, 1, 0}});
    lattice.bonds.push_back({"2'", leg, leg + 1, {0, -1, 0}});
  }
  return lattice;
}

/// "'" of "0'": how far the bond reaches.
std::string primes(const std::string& label) { return label.substr(std::min(label.find('\''), label.size())); }

using Matrix = std::array<std::array<double, 3>, 3>;  ///< J_ab of S^a S^b

/// A coupling by its names: of all bonds with as many primes ("j'"), or of those of one label ("j0'").
class Couplings {
 public:
  Couplings(Entries& entries, const StandardLattice& lattice, bool indexed_only)
      : entries_(entries), lattice_(lattice), indexed_only_(indexed_only) {}

  std::complex<double> scalar(const std::string& letter, const std::string& label) {
    std::complex<double> value = 0;
    for (const std::string& name : names(letter, label)) {
      if (const auto found = entries_.complex_number(name)) value = *found;
    }
    return value;
  }
  Matrix matrix(const std::string& label) {
    Matrix result{};
    const std::string axes = "xyz";
    for (const std::string& name : names("j", label)) {
      const auto all = entries_.number(name);
      for (std::size_t a = 0; a < 3; ++a) {
        if (all) result[a][a] = *all;
        for (std::size_t b = 0; b < 3; ++b) {
          const std::string component = name + axes[a] + (a == b ? std::string() : std::string(1, axes[b]));
          if (const auto value = entries_.number(component)) {
            if (all && a == b)
              refuse(entries_.at(component), fmt::format("{} beside {}", component, name), "one of the two");
            result[a][b] = *value;
          }
        }
      }
    }
    return result;
  }

 private:
  /// From the general to the special one.
  std::vector<std::string> names(const std::string& letter, const std::string& label) const {
    const std::string general = letter + primes(label);
    const std::string special = letter + label;
    if (indexed_only_) return {special};
    if (lattice_.only_all && !primes(label).empty()) return {general};
    if (entries_.has(general) && entries_.has(special))
      refuse(entries_.at(special), fmt::format("{} beside {}, which is for all directions", special, general),
             "one of the two");
    return {general, special};
  }

  Entries& entries_;
  const StandardLattice& lattice_;
  bool indexed_only_;
};

/// The cluster: cells and how they are joined at its ends.
struct Cluster {
  std::array<Cell, 3> box{};  ///< a0, a1, a2 in units of the vectors along W, L, H
  std::vector<Cell> cells;
  std::map<Cell, int> number;
  bool tilted = false;

  /// Adjugate of the box times x, and its determinant: fractions of a0, a1, a2.
  Cell numerators(const Cell& x) const {
    const auto& b = box;
    Cell n{};
    for (std::size_t i = 0; i < 3; ++i) {
      const std::size_t j = (i + 1) % 3;
      const std::size_t k = (i + 2) % 3;
      const Cell c = {b[j][1] * b[k][2] - b[j][2] * b[k][1], b[j][2] * b[k][0] - b[j][0] * b[k][2],
                      b[j][0] * b[k][1] - b[j][1] * b[k][0]};
      n[i] = c[0] * x[0] + c[1] * x[1] + c[2] * x[2];
    }
    return n;
  }
  int determinant() const { return numerators(box[0])[0]; }

  /// The cell in the cluster that x is the same as, and how often each end was crossed on the way.
  std::pair<Cell, Cell> folded(Cell x) const {
    const int det = determinant();
    const Cell n = numerators(x);
    Cell crossed{};
    for (std::size_t i = 0; i < 3; ++i) {
      crossed[i] = static_cast<int>(std::floor(static_cast<double>(n[i]) / det));
      for (std::size_t a = 0; a < 3; ++a) x[a] -= crossed[i] * box[i][a];
    }
    return {x, crossed};
  }
};

Cluster read_cluster(Entries& entries, const StandardLattice& lattice, bool legs) {
  Cluster cluster;
  const std::array<std::string, 3> extents = {"w", "l", "height"};
  const std::string axes = "wlh";
  bool by_box = false;
  for (std::size_t i = 0; i < 3; ++i) {
    for (std::size_t a = 0; a < 3; ++a) by_box = by_box || entries.has(fmt::format("a{}{}", i, axes[a]));
  }
  const auto used = [&](std::size_t i) {
    return lattice.dimension == 1 ? i == 1 : static_cast<int>(i) < lattice.dimension;
  };
  for (std::size_t i = 0; i < 3; ++i) {
    cluster.box[i][i] = 1;
    if (legs && i == 0) continue;  // the legs are sites of a cell
    if (!by_box) {
      const auto extent = entries.integer(extents[i]);
      if (!extent && !used(i)) continue;
      if (!extent)
        refuse({entries.file(), 0},
               fmt::format("there is no {}", i == 2   ? "Height"
                                             : i == 1 ? "L"
                                                      : "W"),
               "how many cells there are in every direction");
      if (*extent < 1 || *extent > 4096 || (!used(i) && *extent != 1))
        refuse(entries.at(extents[i]), fmt::format("{} cells", *extent),
               used(i) ? "1 to 4096" : "1 in a direction that the lattice has not");
      cluster.box[i][i] = *extent;
      continue;
    }
    for (std::size_t a = 0; a < 3; ++a) {
      const std::string key = fmt::format("a{}{}", i, axes[a]);
      if (const auto value = entries.integer(key)) {
        if (std::abs(*value) > 4096 || ((!used(i) || !used(a)) && *value != (i == a ? 1 : 0)))
          refuse(entries.at(key), fmt::format("{} = {}", key, *value),
                 "-4096 to 4096, of the directions that the lattice has");
        cluster.box[i][a] = *value;
      } else if (used(i) && used(a)) {
        cluster.box[i][a] = i == a ? 1 : 0;
      }
    }
  }
  if (by_box && (entries.has("l") || entries.has("w")))
    refuse(entries.at(entries.has("l") ? "l" : "w"), "W and L beside a0W, a0L, ...", "one of the two");
  for (std::size_t i = 0; i < 3; ++i) {
    for (std::size_t a = 0; a < 3; ++a) cluster.tilted = cluster.tilted || (i != a && cluster.box[i][a] != 0);
  }
  if (cluster.determinant() == 0)
    refuse({entries.file(), 0}, "the vectors of the cluster span no volume", "independent vectors a0 and a1");
  if (std::abs(static_cast<double>(cluster.determinant())) * lattice.sites() > 4096)
    refuse({entries.file(), 0}, fmt::format("{} sites", std::abs(cluster.determinant()) * lattice.sites()),
           "at most 4096");
  // Cells of the box around the cluster, W fastest.
  Cell first{};
  Cell last{};
  for (int corner = 0; corner < 8; ++corner) {
    for (std::size_t a = 0; a < 3; ++a) {
      int x = 0;
      for (std::size_t i = 0; i < 3; ++i) x += (corner >> i & 1) * cluster.box[i][a];
      first[a] = std::min(first[a], x);
      last[a] = std::max(last[a], x);
    }
  }
  for (int h = first[2]; h <= last[2]; ++h) {
    for (int l = first[1]; l <= last[1]; ++l) {
      for (int w = first[0]; w <= last[0]; ++w) {
        const Cell cell = {w, l, h};
        if (cluster.folded(cell).first != cell) continue;
        cluster.number.emplace(cell, static_cast<int>(cluster.cells.size()));
        cluster.cells.push_back(cell);
      }
    }
  }
  return cluster;
}

/// Bonds from a site to itself, which no lattice of koushi has, and pairs of sites that several bonds join.
struct ShortBonds {
  bool to_itself = false;
  bool doubled = false;
};

ShortBonds short_bonds(const StandardLattice& lattice, const Cluster& cluster,
                       const std::map<std::string, int>& labels) {
  ShortBonds result;
  std::set<std::pair<int, int>> pairs;
  for (const Cell& cell : cluster.cells) {
    for (const BondKind& bond : lattice.bonds) {
      if (labels.count(bond.label) == 0) continue;
      const Cell to = {cell[0] + bond.cell[0], cell[1] + bond.cell[1], cell[2] + bond.cell[2]};
      const int i = cluster.number.at(cell) * lattice.sites() + bond.from;
      const int j = cluster.number.at(cluster.folded(to).first) * lattice.sites() + bond.to;
      result.to_itself = result.to_itself || i == j;
      result.doubled = !pairs.insert(std::minmax(i, j)).second || result.doubled;
    }
  }
  return result;
}

/// Directions of the lattices of koushi: H, L, W, so that sites have the numbers that they have here.
std::vector<std::size_t> directions(const StandardLattice& lattice) {
  if (lattice.dimension == 1) return {1};
  if (lattice.dimension == 2) return {1, 0};
  return {2, 1, 0};
}

/// The lines of [lattice] by koushi's own kind, or written out with `shell_of` the labels, or as sites alone.
std::string lattice_lines(const StandardLattice& lattice, const Cluster& cluster, bool legs,
                          const std::map<std::string, int>& shell_of, bool own_kind) {
  const auto along = directions(lattice);
  const auto d = along.size();
  std::string text;
  if (own_kind) {
    text += fmt::format("kind = \"{}\"\n", lattice.name);
  } else {
    text += "kind = \"custom\"\n";
    std::vector<std::string> rows;
    const auto cartesian = [&](const std::vector<double>& x) {
      std::vector<double> r(d, 0.0);
      for (std::size_t k = 0; k < d; ++k) {
        for (std::size_t m = 0; m < d; ++m) r[k] += x[m] * lattice.vectors[m][k];
      }
      return list_text(r);
    };
    for (const std::size_t a : along) rows.push_back(list_text(lattice.vectors[d == 1 ? 0 : a]));
    text += fmt::format("vectors = [{}]\n", join(rows));
    rows.clear();
    for (const auto& offset : lattice.offsets) rows.push_back(cartesian(offset));
    text += fmt::format("offsets = [{}]\n", join(rows));
    rows.clear();
    for (const BondKind& bond : lattice.bonds) {
      const auto shell = shell_of.find(bond.label);
      if (shell == shell_of.end()) continue;
      std::string cell;
      for (const std::size_t a : along) cell += fmt::format("{}, ", bond.cell[a]);
      rows.push_back(fmt::format("[{}, {}, {}{}]", bond.from, bond.to, cell, shell->second));
    }
    text += fmt::format("bonds = [{}]\n", join(rows, ",\n  "));
  }
  std::vector<std::string> rows;
  for (const std::size_t i : along) {
    std::vector<std::string> row;
    for (const std::size_t a : along) row.push_back(fmt::format("{}", cluster.box[i][a]));
    rows.push_back(cluster.tilted ? "[" + join(row) + "]" : fmt::format("{}", cluster.box[i][i]));
  }
  text += fmt::format("{} = [{}]\n", cluster.tilted ? "supercell" : "extents", join(rows));
  if (legs) text += "boundary = [\"periodic\", \"open\"]\n";
  return text;
}

/// Phases of hops across the ends.
std::string twist_lines(const StandardLattice& lattice, const std::array<double, 3>& phase) {
  std::vector<double> twist;
  for (const std::size_t a : directions(lattice)) twist.push_back(phase[a] / 360);
  if (std::all_of(twist.begin(), twist.end(), [](double t) { return t == 0; })) return "";
  const bool signs = std::all_of(twist.begin(), twist.end(), [](double t) { return t == 0 || std::abs(t) == 0.5; });
  if (!signs) return fmt::format("twist = {}\n", list_text(twist));
  std::vector<std::string> ends;
  for (const double t : twist) ends.push_back(t == 0 ? "\"periodic\"" : "\"antiperiodic\"");
  return fmt::format("boundary = [{}]\n", join(ends));
}

enum class Matter { spins, electrons, kondo };

/// What one bond adds.
struct BondCoupling {
  Matrix exchange{};
  std::complex<double> hopping;
  double repulsion = 0;
  bool any = false;

  bool operator==(const BondCoupling&) const = default;
};

bool isotropic(const Matrix& m) {
  for (std::size_t a = 0; a < 3; ++a) {
    for (std::size_t b = 0; b < 3; ++b) {
      if (m[a][b] != (a == b ? m[0][0] : 0)) return false;
    }
  }
  return true;
}

class StandardModel {
 public:
  StandardModel(Entries& entries, bool as_terms) : entries_(entries), as_terms_(as_terms) {}

  ForeignModel read() {
    read_calculation();
    read_model();
    read_lattice();
    read_couplings();
    write_terms();
    if (!as_terms_) use_own_kind();
    if (!as_terms_ && model_.hamiltonian.empty()) use_exchange_matrix();
    read_numbers();
    entries_.refuse_unused(known_names());
    return model_;
  }

 private:
  void read_calculation() {
    const auto method = entries_.word("method");
    if (!method) return;
    model_.exact = true;
    const std::set<std::string> exact = {"lanczos", "cg",    "fulldiag", "direct",
                                         "alldiag", "lobcg", "lobpcg",   "lanczosenergy"};
    if (exact.count(*method) > 0) {
      if (*method == "fulldiag" || *method == "direct" || *method == "alldiag")
        note(fmt::format(
            "{}: method = {}: koushi gives the lowest levels, so many as study.levels says, not all of them",
            place("method"), *method));
      return;
    }
    refuse(entries_.at("method"), fmt::format("method = {}", *method),
           "one that looks for the lowest levels: Lanczos, CG or FullDiag. koushi has no thermal states (TPQ); real "
           "time is study.kind = \"time-evolution\"");
  }

  void read_model() {
    const auto name = entries_.word("model");
    if (!name)
      refuse({entries_.file(), 0}, "there is no model", "model = Spin, Hubbard, Kondo, or one of these with GC");
    const std::map<std::string, std::pair<Matter, bool>> models = {{"spin", {Matter::spins, false}},
                                                                   {"spingc", {Matter::spins, true}},
                                                                   {"fermionhubbard", {Matter::electrons, false}},
                                                                   {"hubbard", {Matter::electrons, false}},
                                                                   {"fermionhubbardgc", {Matter::electrons, true}},
                                                                   {"hubbardgc", {Matter::electrons, true}},
                                                                   {"kondolattice", {Matter::kondo, false}},
                                                                   {"kondo", {Matter::kondo, false}},
                                                                   {"kondolatticegc", {Matter::kondo, true}},
                                                                   {"kondogc", {Matter::kondo, true}}};
    const auto found = models.find(*name);
    if (found == models.end()) {
      std::vector<std::string> all;
      for (const auto& [text, matter] : models) all.push_back(text);
      refuse(entries_.at("model"), fmt::format("model = {}", *name), "one of " + join(all) + hint(*name, all));
    }
    matter_ = found->second.first;
    grand_ = found->second.second;
    if (grand_ && model_.exact && matter_ != Matter::spins)
      refuse(entries_.at("model"), fmt::format("model = {}: HPhi takes all numbers of electrons together", *name),
             "a model with so many electrons (nelec): koushi's Hamiltonians keep them, so that every number is a run");
    if (matter_ == Matter::spins) {
      model_.states = model_.exact ? ForeignStates::spins : ForeignStates::single_electrons;
    } else {
      model_.states = matter_ == Matter::kondo ? ForeignStates::electrons_and_spins : ForeignStates::electrons;
    }
    const double twice = matter_ == Matter::electrons ? 1 : entries_.number("2s").value_or(1);
    if (twice != std::floor(twice) || twice < 1 || twice > 8)
      refuse(entries_.at("2s"), fmt::format("2S = {}", twice), "1 to 8");
    model_.spin = twice / 2;
    if (twice != 1 && !model_.exact)
      refuse(entries_.at("2s"), fmt::format("2S = {} in an input of mVMC", twice), "1: its spins are 1/2");
  }

  void read_lattice() {
    const auto name = entries_.word("lattice");
    if (!name)
      refuse({entries_.file(), 0}, "there is no lattice",
             "lattice = chain, square, triangular, honeycomb, kagome, ladder or cubic");
    legs_ = *name == "ladder";
    const std::map<std::string, StandardLattice (*)()> lattices = {
        {"chain", chain},           {"chainlattice", chain},
        {"square", square},         {"squarelattice", square},
        {"tetragonal", square},     {"tetragonallattice", square},
        {"triangular", triangular}, {"triangularlattice", triangular},
        {"honeycomb", honeycomb},   {"honeycomblattice", honeycomb},
        {"kagome", kagome},         {"kagomelattice", kagome},
        {"orthorhombic", cubic},    {"simpleorthorhombic", cubic},
        {"cubic", cubic},           {"simplecubic", cubic}};
    if (legs_) {
      const auto width = entries_.integer("w");
      if (!width || *width < 1 || *width > 64)
        refuse(entries_.at("w"), "a ladder without a number of legs", "W = 1 to 64");
      lattice_ = ladder(*width);
    } else {
      const auto found = lattices.find(*name);
      if (found == lattices.end()) {
        std::vector<std::string> all = {"ladder"};
        for (const auto& [text, make] : lattices) all.push_back(text);
        const bool known =
            std::set<std::string>{
                "fco",        "fcorthorhombic", "fcc", "fccubic", "facecenteredorthorhombic", "facecenteredcubic",
                "pyrochlore", "wannier90"}
                .count(*name) > 0;
        refuse(entries_.at("lattice"), fmt::format("lattice = {}", *name),
               known ? std::string("a lattice other than fco, pyrochlore and wannier90: of these import the expert "
                                   "files (vmcdry.out or HPhi -sdry writes them)")
                     : "one of " + join(all) + hint(*name, all));
      }
      lattice_ = found->second();
    }
    cluster_ = read_cluster(entries_, lattice_, legs_);
    model_.n_sites = static_cast<int>(cluster_.cells.size()) * lattice_.sites();
    const bool along_l = legs_ || lattice_.dimension == 1;  // the only direction with an end, whose phase is the first
    for (int i = 0; i < (along_l ? 1 : lattice_.dimension); ++i) {
      const std::string key = fmt::format("phase{}", i);
      const auto degrees = entries_.number(key);
      if (!degrees) continue;
      if (matter_ == Matter::spins) {
        if (*degrees != 0) note(fmt::format("{}: {} does nothing to spins, here as there", place(key), key));
      } else {
        phase_[static_cast<std::size_t>(along_l ? 1 : i)] = *degrees;
      }
    }
    for (const char* const key :
         {"a", "wlength", "llength", "hlength", "wx", "wy", "wz", "lx", "ly", "lz", "hx", "hy", "hz"}) {
      if (entries_.word(key))
        note(fmt::format("{}: {} is left out: lengths and angles of the lattice change no energy", place(key), key));
    }
    read_sublattice();
  }

  void read_sublattice() {
    bool any = false;
    bool tilted = false;
    std::array<int, 3> extents = {cluster_.box[0][0], cluster_.box[1][1], cluster_.box[2][2]};
    const std::array<std::string, 3> names = {"wsub", "lsub", "hsub"};
    for (std::size_t i = 0; i < 3; ++i) {
      if (const auto value = entries_.integer(names[i])) {
        if (*value < 1) refuse(entries_.at(names[i]), fmt::format("{} = {}", names[i], *value), "1 or more");
        extents[i] = *value;
        any = true;
      }
      for (const char axis : std::string("wlh")) {
        if (entries_.word(fmt::format("a{}{}sub", i, axis))) tilted = any = true;
      }
    }
    if (!any) return;
    if (model_.exact) {
      note("a sublattice of pairings has no meaning for exact levels");
    } else if (tilted || cluster_.tilted) {
      note("the tilted sublattice of the pairings is left out: all of them are free");
    } else {
      for (const std::size_t a : directions(lattice_)) model_.sublattice.push_back(extents[a]);
    }
  }

  void read_couplings() {
    Couplings couplings(entries_, lattice_, legs_);
    for (const BondKind& bond : lattice_.bonds) {
      if (bond_.count(bond.label) > 0) continue;
      BondCoupling& one = bond_[bond.label];
      if (matter_ == Matter::spins) {
        one.exchange = couplings.matrix(bond.label);
      } else {
        one.hopping = couplings.scalar("t", bond.label);
        const std::complex<double> v = couplings.scalar("v", bond.label);
        if (v.imag() != 0) refuse({entries_.file(), 0}, "V is complex", "a real number");
        one.repulsion = v.real();
      }
      one.any = !(one == BondCoupling{});
    }
    const auto site = [&](const char* key) { return entries_.number(key).value_or(0.0); };
    field_ = {site("gamma"), site("gamma_y"), site("h")};
    if (matter_ == Matter::spins) {
      anisotropy_ = site("d");
      if (anisotropy_ != 0 && model_.spin == 0.5)
        note(fmt::format("{}: D of spins 1/2 is a constant and left out", place("d")));
    } else {
      chemical_ = site("mu");
      u_ = site("u");
      if (chemical_ != 0)
        note(fmt::format(
            "{}: mu is left out: the number of electrons is fixed, and E is higher by mu times their number",
            place("mu")));
    }
    if (matter_ == Matter::kondo) {
      const auto all = entries_.number("j");
      for (std::size_t a = 0; a < 3; ++a) {
        const std::string key = std::string("j") + "xyz"[a];
        const auto one = entries_.number(key);
        if (one && all) refuse(entries_.at(key), fmt::format("{} beside J", key), "one of the two");
        local_[a] = one.value_or(all.value_or(0.0));
      }
    }
  }

  void write_terms() {
    ProductTable& h = model_.terms;
    const int n = lattice_.sites();
    const std::string axes = "xyz";
    for (const Cell& cell : cluster_.cells) {
      for (const BondKind& bond : lattice_.bonds) {
        const BondCoupling& one = bond_.at(bond.label);
        if (!one.any) continue;
        const auto [to, crossed] =
            cluster_.folded({cell[0] + bond.cell[0], cell[1] + bond.cell[1], cell[2] + bond.cell[2]});
        const int i = cluster_.number.at(cell) * n + bond.from;
        const int j = cluster_.number.at(to) * n + bond.to;
        for (std::size_t a = 0; a < 3; ++a) {
          for (std::size_t b = 0; b < 3; ++b) {
            if (one.exchange[a][b] != 0)
              h.add(one.exchange[a][b], {{std::string("S") + axes[a], i}, {std::string("S") + axes[b], j}});
          }
        }
        const double angle =
            3.14159265358979323846 / 180 * (phase_[0] * crossed[0] + phase_[1] * crossed[1] + phase_[2] * crossed[2]);
        for (const char* const spin : {"up", "down"})
          if (one.hopping != 0.0)
            h.add_with_adjoint(-one.hopping * std::polar(1.0, angle),
                               {{std::string("cdag_") + spin, j}, {std::string("c_") + spin, i}});
        if (one.repulsion != 0) h.add(one.repulsion, {{"n", i}, {"n", j}});
      }
    }
    for (int i = 0; i < model_.n_sites; ++i) {
      for (std::size_t a = 0; a < 3; ++a) {
        if (field_[a] != 0) h.add(-field_[a], {{std::string("S") + axes[a], i}});
        if (field_[a] != 0 && matter_ == Matter::kondo) h.add(-field_[a], {{std::string("s") + axes[a], i}});
        if (local_[a] != 0) h.add(local_[a], {{std::string("S") + axes[a], i}, {std::string("s") + axes[a], i}});
      }
      if (anisotropy_ != 0 && model_.spin > 0.5) h.add(anisotropy_, {{"Sz", i}, {"Sz", i}});
      if (u_ != 0) h.add(u_, {{"n_up", i}, {"n_down", i}});
    }
    for (const auto& [label, one] : bond_) {
      if (one.any) shells_.emplace(label, 1 + static_cast<int>(primes(label).size()));
    }
    const ShortBonds bonds = short_bonds(lattice_, cluster_, shells_);
    if (bonds.doubled) note("two sites are joined by more than one bond around a short direction: their couplings add");
    has_bonds_ = !bonds.to_itself && !shells_.empty();
    sites_alone_ = !has_bonds_ || cluster_.tilted;  // whose sites have other numbers on a lattice
    model_.lattice = sites_alone_ ? fmt::format("kind = \"sites\"\nn_sites = {}\n", model_.n_sites)
                                  : lattice_lines(lattice_, cluster_, legs_, shells_, false);
    model_.bonds_move = false;
  }

  /// A Hamiltonian of koushi, where it has all that there is: couplings that are the same in all directions on a lattice
  /// of its own, or up to three couplings on the lattice written out.
  void use_own_kind() {
    if (!has_bonds_ || anisotropy_ != 0 || field_[0] != 0 || field_[1] != 0) return;
    if (field_[2] != 0 && !(matter_ == Matter::spins && model_.exact)) return;
    std::vector<BondCoupling> shells;  // by label of primes, then by coupling
    std::map<std::string, int> by_primes;
    bool own = !lattice_.name.empty();
    std::vector<std::string> order = {"", "'", "''"};
    std::vector<BondCoupling> primed(3);
    for (const auto& [label, one] : bond_) {
      const std::size_t shell = primes(label).size();
      const bool first = by_primes.emplace(primes(label), 0).second;
      if (!first && !(primed[shell] == one)) own = false;
      primed[shell] = one;
      if (one.hopping.imag() != 0) return;
    }
    std::map<std::string, int> shell_of;
    if (own) {
      shells = primed;
      while (shells.size() > 1 && !shells.back().any) shells.pop_back();
    } else {
      if (twist_lines(lattice_, phase_).size() > 0 && legs_) return;
      for (const auto& [label, one] : bond_) {
        if (!one.any) continue;
        const auto same = std::find(shells.begin(), shells.end(), one);
        shell_of.emplace(label, static_cast<int>(same - shells.begin()) + 1);
        if (same == shells.end()) shells.push_back(one);
      }
      if (shells.empty() || shells.size() > 3) return;
    }
    std::vector<double> t;
    std::vector<double> v;
    std::vector<double> j;
    std::optional<double> ratio;  // J_z / J_x where they differ
    for (const BondCoupling& one : shells) {
      t.push_back(one.hopping.real());
      v.push_back(one.repulsion);
      j.push_back(one.exchange[0][0]);
      if (isotropic(one.exchange)) continue;
      Matrix level = one.exchange;
      level[2][2] = level[0][0];
      if (!isotropic(level) || level[0][0] == 0 || !model_.exact) return;
      const double here = one.exchange[2][2] / one.exchange[0][0];
      if (ratio && *ratio != here) return;
      ratio = here;
    }
    if (ratio && std::any_of(shells.begin(), shells.end(),
                             [](const BondCoupling& one) { return one.any && isotropic(one.exchange); }))
      return;
    std::string& text = model_.hamiltonian;
    switch (matter_) {
      case Matter::spins:
        if (model_.exact) {
          text =
              ratio ? fmt::format("kind = \"xxz\"\nanisotropy = {}\n", real_text(*ratio)) : "kind = \"heisenberg\"\n";
          text += fmt::format("J = {}\n", list_text(j));
          if (field_[2] != 0) text += fmt::format("field = {}\n", real_text(field_[2]));
          if (model_.spin != 0.5) text += fmt::format("spin = {}\n", real_text(model_.spin));
        } else {
          text = fmt::format(
              "kind = \"t-j\"             # an electron on every site, which leaves sum J S.S\nt = "
              "{}\nJ = {}\ndensity_term = 0.0\n",
              list_text(std::vector<double>(j.size(), 0.0)), list_text(j));
        }
        break;
      case Matter::electrons:
        text = fmt::format("kind = \"hubbard\"\nt = {}\nU = {}\n", list_text(t), real_text(u_));
        if (std::any_of(v.begin(), v.end(), [](double x) { return x != 0; }))
          text += fmt::format("V = {}\n", list_text(v));
        break;
      case Matter::kondo:
        if (std::any_of(v.begin(), v.end(), [](double x) { return x != 0; }) || local_[1] != local_[0] ||
            local_[2] != local_[0])
          return text.clear();
        text = fmt::format("kind = \"kondo\"\nt = {}\nJ = {}\nU = {}\n", list_text(t), real_text(local_[0]),
                           real_text(u_));
        if (model_.spin != 0.5) text += fmt::format("spin = {}\n", real_text(model_.spin));
        break;
    }
    model_.lattice = lattice_lines(lattice_, cluster_, legs_, shell_of, own) + twist_lines(lattice_, phase_);
    sites_alone_ = false;
    model_.bonds_move = true;
    model_.shells = own ? 1 : static_cast<int>(shells.size());
  }

  /// Spins of exact levels with any matrices: the lattice written out, where the direction of a bond is its place in the
  /// list of its shell.
  void use_exchange_matrix() {
    if (matter_ != Matter::spins || !model_.exact || !has_bonds_) return;
    std::vector<std::string> rows;
    std::map<int, int> directions;
    for (const BondKind& bond : lattice_.bonds) {
      const auto shell = shells_.find(bond.label);
      if (shell == shells_.end()) continue;
      const int direction = directions[shell->second]++;
      const Matrix& m = bond_.at(bond.label).exchange;
      const auto row = [&](const std::string& name, double value) {
        if (value != 0)
          rows.push_back(fmt::format("[\"{}\", {}, {}, {}]", name, shell->second, direction, real_text(value)));
      };
      const std::string axes = "xyz";
      if (isotropic(m)) {
        row("J", m[0][0]);
        continue;
      }
      for (std::size_t a = 0; a < 3; ++a) {
        for (std::size_t b = 0; b < 3; ++b) row({axes[a], axes[b]}, m[a][b]);
      }
    }
    model_.hamiltonian = fmt::format("kind = \"exchange-matrix\"\ncouplings = [\n  {}]\n", join(rows, ",\n  "));
    if (field_ != std::array<double, 3>{})
      model_.hamiltonian += fmt::format("field = {}\n", list_text({field_[0], field_[1], field_[2]}));
    if (model_.spin != 0.5) model_.hamiltonian += fmt::format("spin = {}\n", real_text(model_.spin));
    if (anisotropy_ != 0 && model_.spin != 0.5)
      model_.hamiltonian += fmt::format("single_ion = {}\n", real_text(anisotropy_));
    model_.lattice = lattice_lines(lattice_, cluster_, legs_, shells_, false);
    sites_alone_ = false;
    model_.bonds_move = true;
  }

  void read_numbers() {
    if (matter_ != Matter::spins) {
      model_.electrons = entries_.integer("nelec");
      if (const auto ncond = entries_.integer("ncond")) {
        if (model_.electrons) refuse(entries_.at("ncond"), "ncond beside nelec", "one of the two");
        model_.electrons = ncond;
      }
      if (!model_.electrons) refuse({entries_.file(), 0}, "there is no number of electrons", "ncond or nelec");
      if (*model_.electrons < 0 || *model_.electrons > 2 * model_.n_sites)
        refuse(entries_.at(entries_.has("ncond") ? "ncond" : "nelec"),
               fmt::format("{} electrons on {} sites", *model_.electrons, model_.n_sites),
               fmt::format("0 to {}", 2 * model_.n_sites));
    }
    if (const auto twice = entries_.integer("2sz")) model_.twice_sz = *twice;
    model_.all_spins = !model_.twice_sz;
    entries_.calculation(model_);
    // The largest |2 S^z| and its parity.
    const int most = static_cast<int>(2 * model_.spin) * (matter_ == Matter::electrons ? 0 : model_.n_sites) +
                     std::min(model_.electrons.value_or(0), 2 * model_.n_sites - model_.electrons.value_or(0));
    if (model_.twice_sz && (std::abs(*model_.twice_sz) > most || (*model_.twice_sz - most) % 2 != 0))
      refuse(entries_.at("2sz"), fmt::format("2Sz = {}", *model_.twice_sz),
             fmt::format("{}, {}, ... {}", -most, -most + 2, most));
    if (sites_alone_ && !model_.sublattice.empty()) {
      note(
          "the sublattice of the pairings is left out, for the lattice of this deck has sites alone: all pairings are "
          "free");
      model_.sublattice.clear();
    }
  }

  std::vector<std::string> known_names() const {
    std::vector<std::string> names = {"model", "lattice", "W",    "L",      "Height", "a0W",   "a0L",   "a1W",
                                      "a1L",   "Wsub",    "Lsub", "phase0", "phase1", "ncond", "nelec", "2Sz",
                                      "U",     "mu",      "h",    "Gamma",  "D",      "method"};
    for (const char* const letter : {"J", "t", "V"}) {
      for (const char* const label : {"", "0", "1", "2", "'", "0'", "1'", "2'", "''", "0''", "1''", "2''"}) {
        const std::string name = label;
        const bool of_one = name.size() > 1 && name[0] != '\'';
        if (!lattice_.only_all || !of_one) names.push_back(letter + name);
      }
    }
    for (const std::string& name : calculation_names()) names.push_back(name);
    return names;
  }

  void note(const std::string& text) { model_.notes.push_back(text); }
  std::string place(const std::string& key) const {
    return fmt::format("{}:{}", entries_.file(), entries_.at(key).line);
  }

  Entries& entries_;
  bool as_terms_;
  ForeignModel model_;
  Matter matter_ = Matter::spins;
  bool grand_ = false;
  bool legs_ = false;
  bool has_bonds_ = false;             ///< that a lattice of koushi can have
  std::map<std::string, int> shells_;  ///< of the labels that have a coupling: by their primes
  bool sites_alone_ = false;
  StandardLattice lattice_;
  Cluster cluster_;
  std::array<double, 3> phase_{};
  std::map<std::string, BondCoupling> bond_;
  std::array<double, 3> field_{};  ///< of - Gamma S^x - Gamma_y S^y - h S^z
  std::array<double, 3> local_{};  ///< of the electrons with the spin of their site
  double anisotropy_ = 0;
  double chemical_ = 0;
  double u_ = 0;
};

}  // namespace

ForeignModel read_standard_input(const std::string& file, const std::string& text, bool as_terms) {
  Entries entries(file, text);
  ForeignModel model = StandardModel(entries, as_terms).read();
  model.title = fmt::format("From {}", std::filesystem::path(file).filename().string());
  return model;
}

}  // namespace koushi
