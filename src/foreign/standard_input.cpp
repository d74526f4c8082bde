// The standard input of StdFace, which mVMC and HPhi share: "keyword = value" per line, a lattice and couplings by names.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <numbers>

#include "koushi/base/text.hpp"
#include "standard_lattice.hpp"

namespace koushi {

namespace {

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
    if (found->second.second && model_.exact && matter_ != Matter::spins)
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
    if (legs_) {
      const auto width = entries_.integer("w");
      if (!width || *width < 1 || *width > 64)
        refuse(entries_.at("w"), "a ladder without a number of legs", "W = 1 to 64");
      lattice_ = ladder(*width);
    } else {
      lattice_ = standard_lattice(entries_, *name);
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
      u_ = site("u");
      if (site("mu") != 0)
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
            std::numbers::pi / 180 * (phase_[0] * crossed[0] + phase_[1] * crossed[1] + phase_[2] * crossed[2]);
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
    bool own = !lattice_.name.empty();
    std::vector<std::optional<BondCoupling>> primed(3);
    for (const auto& [label, one] : bond_) {
      const std::size_t shell = primes(label).size();
      own = own && primed[shell].value_or(one) == one;
      primed[shell] = one;
      if (one.hopping.imag() != 0) return;
    }
    std::map<std::string, int> shell_of;
    if (own) {
      for (const auto& one : primed) shells.push_back(one.value_or(BondCoupling{}));
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
    }
    model_.twice_sz = entries_.integer("2sz");
    entries_.calculation(model_);
    model_.check_charges(entries_.at(entries_.has("ncond") ? "ncond" : "nelec"), entries_.at("2sz"));
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
