#include "expert_files.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <set>
#include <sstream>

#include "koushi/base/text.hpp"

namespace koushi {

namespace {

struct Line {
  std::string text;
  int number = 0;
};

std::vector<std::string> words_of(const std::string& line) {
  std::istringstream stream(line);
  std::vector<std::string> words;
  for (std::string word; stream >> word;) words.push_back(word);
  return words;
}

std::vector<Line> lines_of(const std::string& text) {
  std::vector<Line> lines;
  int number = 0;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back({line, ++number});
  return lines;
}

/// Rows of numbers of a list file.
struct Row {
  std::vector<double> number;
  ForeignPlace at;
  int index(std::size_t k) const { return static_cast<int>(number[k]); }
};

/// The keywords of namelist.def that lists of terms have, with the integers and real numbers of a row.
struct ListKind {
  int integers;
  int reals;
};
const std::map<std::string, ListKind>& list_kinds() {
  static const std::map<std::string, ListKind> kinds = {
      {"locspn", {2, 0}},       {"locspin", {2, 0}},  {"trans", {4, 2}},   {"coulombintra", {1, 1}},
      {"coulombinter", {2, 1}}, {"hund", {2, 1}},     {"pairhop", {2, 1}}, {"exchange", {2, 1}},
      {"ising", {2, 1}},        {"pairlift", {2, 1}}, {"interall", {8, 2}}};
  return kinds;
}

/// Keywords that are taken note of alone.
const std::map<std::string, std::string>& other_keywords() {
  static const std::map<std::string, std::string> keywords = {
      {"gutzwiller", ""},
      {"jastrow", ""},
      {"dh2", ""},
      {"dh4", ""},
      {"orbital", ""},
      {"orbitalantiparallel", ""},
      {"orbitalparallel", ""},
      {"orbitalgeneral", ""},
      {"transsym", ""},
      {"onebodyg", "Green functions are measured by study.measure.observables = [\"operators\"]"},
      {"twobodyg", "Green functions are measured by study.measure.observables = [\"operators\"]"},
      {"twobodygex", "Green functions are measured by study.measure.observables = [\"operators\"]"},
      {"opttrans", "the weights of projections are not optimised"},
      {"bf", "its backflow has no counterpart"},
      {"bfrange", "its backflow has no counterpart"},
      {"singleexcitation", "spectra have no counterpart"},
      {"pairexcitation", "spectra have no counterpart"},
      {"spectrumvec", "spectra have no counterpart"},
      {"laser", "driven systems have no counterpart"},
      {"teonebody", "driven systems have no counterpart"},
      {"tetwobody", "driven systems have no counterpart"},
      {"boost", "it changes no result"},
      {"threebodyg", "measured by study.measure.observables = [\"operators\"]"},
      {"initialvec", "a start of its own is drawn"}};
  return keywords;
}

class ExpertFiles {
 public:
  ExpertFiles(std::string file, const TextOf& text_of) : file_(std::move(file)), text_of_(text_of) {}

  ForeignModel read(const std::string& text) {
    model_.title = fmt::format("From {}", std::filesystem::path(file_).filename().string());
    read_names(text);
    model_.exact = names_.count("calcmod") > 0;
    read_parameters("modpara");
    if (model_.exact) read_calculation();
    read_sites();
    read_terms();
    read_factors();
    read_sector();
    return model_;
  }

 private:
  void read_names(const std::string& text) {
    std::vector<std::string> known = {"ModPara", "CalcMod"};
    for (const auto& [name, kind] : list_kinds()) known.push_back(name);
    for (const auto& [name, note] : other_keywords()) known.push_back(name);
    for (const Line& line : lines_of(text)) {
      const auto words = words_of(line.text.substr(0, line.text.find('#')));
      if (words.empty()) continue;
      const std::string name = lower_case(words[0]);
      const ForeignPlace at{file_, line.number};
      if (words.size() < 2) refuse(at, fmt::format("the line is: {}", line.text), "a keyword and the name of its file");
      const bool initial = name.rfind("in", 0) == 0 && name != "interall" && name != "initialvec";
      const bool rbm = name.find("rbm_") != std::string::npos;
      if (initial) {
        note(fmt::format("{}:{}: {}: initial parameters of the other program are not taken over", file_, line.number,
                         words[0]));
        continue;
      }
      if (name != "modpara" && name != "calcmod" && list_kinds().count(name) == 0 &&
          other_keywords().count(name) == 0 && !rbm)
        refuse(at, fmt::format("the keyword \"{}\" is unknown", words[0]),
               "a keyword of mVMC or HPhi" + hint(words[0], known));
      if (!names_.emplace(rbm ? "rbm" : name, std::pair(words[1], line.number)).second && !rbm)
        refuse(at, fmt::format("the keyword \"{}\" stands in line {} already", words[0], names_[name].second),
               "every keyword once");
      const auto other = other_keywords().find(name);
      if (other != other_keywords().end() && !other->second.empty())
        note(fmt::format("{}:{}: {}: {}", file_, line.number, words[0], other->second));
    }
  }

  std::string path_of(const std::string& name) const {
    return (std::filesystem::path(file_).parent_path() / names_.at(name).first).string();
  }

  std::string content(const std::string& name) const {
    const auto text = text_of_(path_of(name));
    if (!text)
      refuse({file_, names_.at(name).second}, fmt::format("{} cannot be opened", path_of(name)), "a readable file");
    return *text;
  }

  /// "key value" lines; header and names of files are skipped.
  void read_parameters(const std::string& name) {
    if (names_.count(name) == 0)
      refuse({file_, 0}, "there is no ModPara", "the file with the numbers of the calculation");
    for (const Line& line : lines_of(content(name))) {
      const auto words = words_of(line.text);
      if (words.size() < 2) continue;
      if (const auto value = foreign_number(words[1])) model_.value[lower_case(words[0])] = *value;
    }
  }

  void read_calculation() {
    std::map<std::string, int> value;
    for (const Line& line : lines_of(content("calcmod"))) {
      const auto words = words_of(line.text.substr(0, line.text.find('#')));
      if (words.size() < 2) continue;
      const auto number = foreign_number(words[1]);
      if (number) value[lower_case(words[0])] = static_cast<int>(*number);
    }
    const int type = value.count("calctype") > 0 ? value["calctype"] : 0;
    model_kind_ = value.count("calcmodel") > 0 ? value["calcmodel"] : 0;
    if (type == 1 || type == 4 || type < 0 || type > 5)
      refuse({path_of("calcmod"), 0}, fmt::format("CalcType {}", type),
             "0 (Lanczos), 2 (all levels, of which koushi gives the lowest) or 3 (CG); thermal states have no "
             "counterpart, real time is study.kind = \"time-evolution\"");
    if (model_kind_ == 3 || model_kind_ == 5)
      refuse({path_of("calcmod"), 0},
             fmt::format("CalcModel {}: HPhi takes all numbers of electrons together", model_kind_),
             "0, 1, 2 or 4: koushi's Hamiltonians keep the number of electrons");
    if (type == 2) note("CalcType 2 asks for all levels: koushi gives the lowest, so many as study.levels says");
  }

  std::vector<Row> rows(const std::string& name) const {
    std::vector<Row> rows;
    if (names_.count(name) == 0) return rows;
    const std::string path = path_of(name);
    const std::vector<Line> lines = lines_of(content(name));
    const ListKind kind = list_kinds().at(name);
    if (lines.size() < 2)
      refuse({path, static_cast<int>(lines.size())}, "the file ends before the number of its rows",
             "five lines of a head, the second of which ends with the number of rows");
    const auto head = words_of(lines[1].text);
    const auto count = head.size() < 2 ? std::nullopt : foreign_number(head[1]);
    if (!count || *count < 0 || *count != std::floor(*count) || *count > 1e7)
      refuse({path, 2}, fmt::format("the line is: {}", lines[1].text), "a word and the number of rows");
    for (std::size_t at = 5; at < lines.size(); ++at) {
      const auto words = words_of(lines[at].text);
      if (words.empty()) continue;
      const ForeignPlace place{path, lines[at].number};
      const std::size_t wanted = static_cast<std::size_t>(kind.integers + kind.reals);
      if (words.size() < wanted && !(kind.reals == 2 && words.size() + 1 == wanted))
        refuse(place, fmt::format("the line is: {}", lines[at].text),
               fmt::format("{} integers and {}", kind.integers,
                           kind.reals == 0   ? "nothing else"
                           : kind.reals == 1 ? "a number"
                                             : "the real and the imaginary part of a number"));
      Row row{{}, place};
      for (std::size_t k = 0; k < wanted; ++k) {
        const auto value = k < words.size() ? foreign_number(words[k]) : std::optional<double>(0);
        const bool index = static_cast<int>(k) < kind.integers;
        if (!value || (index && (*value != std::floor(*value) || std::abs(*value) > 1e6)))
          refuse(place, fmt::format("\"{}\" is no {}", words[k], index ? "integer" : "number"),
                 "as the head of the file says");
        row.number.push_back(*value);
      }
      rows.push_back(row);
    }
    // The head of LocSpin counts local spins, its rows are all sites.
    const bool counts_sites = name != "locspn" && name != "locspin";
    if (counts_sites && static_cast<double>(rows.size()) != *count)
      refuse({path, 2}, fmt::format("{} rows are announced and {} are there", *count, rows.size()),
             "so many rows as the second line says: is the file truncated?");
    return rows;
  }

  /// Which sites hold a local spin; itinerant ones and local ones share a site of koushi, in their order, where both are.
  void read_sites() {
    const std::string name = names_.count("locspn") > 0 ? "locspn" : "locspin";
    const auto list = rows(name);
    const int n = static_cast<int>(model_.number("nsite", static_cast<double>(list.size())));
    if (n < 1 || n > 4096) refuse({path_of("modpara"), 0}, fmt::format("Nsite {}", n), "1 to 4096");
    if (names_.count(name) == 0)
      refuse({file_, 0}, "there is no LocSpin", "the list of local spins and itinerant sites");
    std::set<int> listed;
    for (const Row& row : list) {
      if (!listed.insert(row.index(0)).second)
        refuse(row.at, fmt::format("site {} stands here twice", row.index(0)), "every site once");
    }
    if (list.size() != static_cast<std::size_t>(n))
      refuse({path_of(name), 0}, fmt::format("{} rows for {} sites", list.size(), n),
             "a row per site: is the file truncated?");
    local_.assign(static_cast<std::size_t>(n), false);
    site_.assign(static_cast<std::size_t>(n), -1);
    for (const Row& row : list) {
      check_site(row, row.index(0));
      if (row.index(1) < 0 || row.index(1) > 1)
        refuse(row.at, fmt::format("a local spin with 2S = {}", row.index(1)),
               "0 (itinerant) or 1: of larger spins import the standard input");
      local_[static_cast<std::size_t>(row.index(0))] = row.index(1) == 1;
    }
    int spins = 0;
    int itinerant = 0;
    for (std::size_t i = 0; i < local_.size(); ++i) site_[i] = local_[i] ? spins++ : itinerant++;
    if (spins > 0 && itinerant > 0 && spins != itinerant)
      refuse({path_of(name), 0}, fmt::format("{} local spins and {} itinerant sites", spins, itinerant),
             "as many of the one as of the other, or of one alone");
    model_.n_sites = std::max(spins, itinerant);
    if (spins == 0) model_.states = ForeignStates::electrons;
    if (itinerant == 0) model_.states = model_.exact ? ForeignStates::spins : ForeignStates::single_electrons;
    if (spins > 0 && itinerant > 0) {
      model_.states = ForeignStates::electrons_and_spins;
      note("the k-th local spin and the k-th itinerant site are site k here");
    }
    model_.lattice = fmt::format("kind = \"sites\"\nn_sites = {}\n", model_.n_sites);
    model_.bonds_move = false;
  }

  void check_site(const Row& row, int site) const {
    if (site < 0 || static_cast<std::size_t>(site) >= local_.size())
      refuse(row.at, fmt::format("site {}", site), fmt::format("0 to {}", local_.size() - 1));
  }
  void check_spin(const Row& row, int spin) const {
    if (spin != 0 && spin != 1) refuse(row.at, fmt::format("spin {}", spin), "0 (up) or 1 (down)");
  }

  bool local(int i) const { return local_[static_cast<std::size_t>(i)]; }
  std::pair<std::string, int> spin(const char* component, int i) const {
    const bool beside = model_.states == ForeignStates::electrons_and_spins && !local(i);
    return {std::string(beside ? "s" : "S") + component, site_[static_cast<std::size_t>(i)]};
  }
  std::pair<std::string, int> electron(const char* what, int s, int i) const {
    return {std::string(what) + (s == 0 ? "_up" : "_down"), site_[static_cast<std::size_t>(i)]};
  }

  using Sum = std::vector<std::pair<std::complex<double>, ProductTable::Product>>;

  /// n_is; of a local spin 1/2 +- S^z.
  Sum number(int i, int s) const {
    if (!local(i)) return {{1.0, {electron("n", s, i)}}};
    return {{0.5, {}}, {s == 0 ? 1.0 : -1.0, {spin("z", i)}}};
  }
  /// c^dagger_is c_jt; of local spins where i = j.
  std::optional<Sum> bilinear(int i, int s, int j, int t) const {
    if (!local(i) && !local(j)) {
      if (i == j && s == t) return number(i, s);
      return Sum{{1.0, {electron("cdag", s, i), electron("c", t, j)}}};
    }
    if (i != j) return std::nullopt;
    if (s == t) return number(i, s);
    return Sum{{1.0, {spin(s == 0 ? "+" : "-", i)}}};
  }
  void add(std::complex<double> coefficient, const Sum& sum) {
    for (const auto& [factor, product] : sum) model_.terms.add(coefficient * factor, product);
  }
  void add(std::complex<double> coefficient, const Sum& left, const Sum& right) {
    for (const auto& [a, x] : left) {
      for (const auto& [b, y] : right) {
        ProductTable::Product both = x;
        both.insert(both.end(), y.begin(), y.end());
        model_.terms.add(coefficient * a * b, both);
      }
    }
  }

  void read_terms() {
    for (const Row& row : rows("trans")) {
      const int i = row.index(0), s = row.index(1), j = row.index(2), t = row.index(3);
      for (const int site : {i, j}) check_site(row, site);
      for (const int one : {s, t}) check_spin(row, one);
      const auto hop = bilinear(i, s, j, t);
      if (!hop)
        refuse(row.at, fmt::format("a hop between sites {} and {}, of which one holds a local spin", i, j),
               "hops of itinerant electrons");
      add(-std::complex<double>(row.number[4], row.number[5]), *hop);
    }
    for (const Row& row : rows("coulombintra")) {
      check_site(row, row.index(0));
      if (!local(row.index(0))) add(row.number[1], number(row.index(0), 0), number(row.index(0), 1));
    }
    for (const char* const name : {"coulombinter", "hund", "exchange", "pairhop", "ising", "pairlift"}) {
      for (const Row& row : rows(name)) add_pair(name, row);
    }
    for (const Row& row : rows("interall")) add_product(row);
  }

  void add_pair(const std::string& name, const Row& row) {
    const int i = row.index(0), j = row.index(1);
    for (const int site : {i, j}) check_site(row, site);
    const double value = row.number[2];
    if (i == j) refuse(row.at, fmt::format("a term of site {} with itself", i), "two sites");
    if (name == "coulombinter" || name == "hund") {
      for (const int s : {0, 1}) {
        for (const int t : {0, 1}) {
          if (name == "coulombinter" || s == t) add(name == "hund" ? -value : value, number(i, s), number(j, t));
        }
      }
    } else if (name == "exchange") {
      // c^dagger_iu c_ju c^dagger_jd c_id + h.c. = - S^+_i S^-_j + h.c.; HPhi's of pure spins is + S^+_i S^-_j + h.c.
      const double sign = model_.exact && (model_kind_ == 1 || model_kind_ == 4) ? 1 : -1;
      model_.terms.add_with_adjoint(sign * value, {spin("+", i), spin("-", j)});
    } else if (name == "ising") {
      model_.terms.add(value, {spin("z", i), spin("z", j)});
    } else if (name == "pairlift") {
      model_.terms.add_with_adjoint(value, {spin("+", i), spin("+", j)});
    } else {
      if (local(i) || local(j)) refuse(row.at, "a hop of a pair from or to a local spin", "itinerant sites");
      model_.terms.add_with_adjoint(
          value, {electron("cdag", 0, i), electron("c", 0, j), electron("cdag", 1, i), electron("c", 1, j)});
    }
  }

  void add_product(const Row& row) {
    for (const std::size_t k : {0, 2, 4, 6}) {
      check_site(row, row.index(k));
      check_spin(row, row.index(k + 1));
    }
    const auto factor = [&](std::size_t a, std::size_t b) {
      return bilinear(row.index(a), row.index(a + 1), row.index(b), row.index(b + 1));
    };
    const std::complex<double> value(row.number[8], row.number[9]);
    const auto left = factor(0, 2);
    const auto right = factor(4, 6);
    if (left && right) {
      add(value, *left, *right);
      return;
    }
    // c^dagger_1 c_2 c^dagger_3 c_4 = delta_23 c^dagger_1 c_4 - c^dagger_1 c_4 c^dagger_3 c_2 where 4 is neither 2 nor 3
    const auto outer = factor(0, 6);
    const auto inner = factor(4, 2);
    if (!outer || !inner || row.index(2) == row.index(6))
      refuse(row.at, "a product that moves electrons of local spins", "products of operators of single spins");
    if (row.index(2) == row.index(4) && row.index(3) == row.index(5)) add(value, *outer);
    add(-value, *outer, *inner);
  }

  void read_factors() {
    model_.gutzwiller = names_.count("gutzwiller") > 0;
    model_.jastrow = names_.count("jastrow") > 0;
    if (names_.count("dh2") + names_.count("dh4") > 0)
      note("doublon-holon factors are left out: sites without a geometry have no neighbours");
    model_.rbm = names_.count("rbm") > 0;
    model_.all_pairs = names_.count("orbitalgeneral") + names_.count("orbitalparallel") > 0;
    if (!model_.exact && !names_.count("orbital") && !names_.count("orbitalantiparallel") && !model_.all_pairs)
      note("there is no list of orbitals: all pairings are free");
    else if (!model_.exact)
      note("pairings that the lists of orbitals tie to each other are free here");
  }

  void read_sector() {
    const int spins = model_.states == ForeignStates::electrons ? 0 : model_.n_sites;
    if (model_.states == ForeignStates::electrons || model_.states == ForeignStates::electrons_and_spins) {
      std::optional<int> electrons;
      for (const char* const name : {"ncond", "nelectron", "ne", "nelec"}) {
        if (electrons || model_.value.count(name) == 0) continue;
        const bool pairs = !model_.exact && std::string(name).rfind("ne", 0) == 0;  // with those of local spins
        electrons = static_cast<int>(model_.value[name]) * (pairs ? 2 : 1) - (pairs ? spins : 0);
      }
      if (!electrons) refuse({path_of("modpara"), 0}, "there is no number of electrons", "Ncond");
      model_.electrons = electrons;
    }
    const auto twice = model_.value.find("2sz");
    if (twice != model_.value.end() && !(twice->second == -1 && !model_.exact))
      model_.twice_sz = static_cast<int>(twice->second);
    model_.check_charges({path_of("modpara"), 0}, {path_of("modpara"), 0});
  }

  void note(const std::string& text) { model_.notes.push_back(text); }

  std::string file_;
  const TextOf& text_of_;
  std::map<std::string, std::pair<std::string, int>> names_;
  int model_kind_ = 0;
  std::vector<bool> local_;
  std::vector<int> site_;
  ForeignModel model_;
};

}  // namespace

ForeignModel read_expert_files(const std::string& file, const std::string& text, const TextOf& text_of) {
  return ExpertFiles(file, text_of).read(text);
}

}  // namespace koushi
