#include "standard_lattice.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "koushi/base/text.hpp"

namespace koushi {

namespace {

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

}  // namespace

StandardLattice standard_lattice(const Entries& entries, const std::string& name) {
  static const std::map<std::string, StandardLattice (*)()> lattices = {
      {"chain", chain},           {"chainlattice", chain},
      {"square", square},         {"squarelattice", square},
      {"tetragonal", square},     {"tetragonallattice", square},
      {"triangular", triangular}, {"triangularlattice", triangular},
      {"honeycomb", honeycomb},   {"honeycomblattice", honeycomb},
      {"kagome", kagome},         {"kagomelattice", kagome},
      {"orthorhombic", cubic},    {"simpleorthorhombic", cubic},
      {"cubic", cubic},           {"simplecubic", cubic}};
  const auto found = lattices.find(name);
  if (found == lattices.end()) {
    std::vector<std::string> all = {"ladder"};
    for (const auto& [text, make] : lattices) all.push_back(text);
    const bool known =
        std::set<std::string>{
            "fco",        "fcorthorhombic", "fcc", "fccubic", "facecenteredorthorhombic", "facecenteredcubic",
            "pyrochlore", "wannier90"}
            .count(name) > 0;
    refuse(entries.at("lattice"), fmt::format("lattice = {}", name),
           known ? std::string("a lattice other than fco, pyrochlore and wannier90: of these import the expert "
                               "files (vmcdry.out or HPhi -sdry writes them)")
                 : "one of " + join(all) + hint(name, all));
  }
  return found->second();
}

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

std::string primes(const std::string& label) { return label.substr(std::min(label.find('\''), label.size())); }

Cell Cluster::numerators(const Cell& x) const {
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

std::pair<Cell, Cell> Cluster::folded(Cell x) const {
  const int det = determinant();
  const Cell n = numerators(x);
  Cell crossed{};
  for (std::size_t i = 0; i < 3; ++i) {
    crossed[i] = static_cast<int>(std::floor(static_cast<double>(n[i]) / det));
    for (std::size_t a = 0; a < 3; ++a) x[a] -= crossed[i] * box[i][a];
  }
  return {x, crossed};
}

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

std::vector<std::size_t> directions(const StandardLattice& lattice) {
  if (lattice.dimension == 1) return {1};
  if (lattice.dimension == 2) return {1, 0};
  return {2, 1, 0};
}

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

}  // namespace koushi
