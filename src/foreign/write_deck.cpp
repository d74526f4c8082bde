// A foreign model as a deck.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "foreign_model.hpp"
#include "koushi/base/text.hpp"

namespace koushi {

namespace {

/// What is written for a model, and what is found out about it on the way.
class DeckWriter {
 public:
  explicit DeckWriter(const ForeignModel& model) : model_(model), notes_(model.notes) {}

  std::string text() {
    if (model_.terms.rows().empty())
      throw DeckError("the Hamiltonian is empty\n  expected: at least one coupling that is not 0");
    std::string body = study() + "\n[lattice]\n" + model_.lattice + "\n[hamiltonian]\n" + hamiltonian();
    if (model_.exact) {
      const std::string kept = sector();
      if (!kept.empty()) body += "\n[sector]\n" + kept;
    } else {
      body += wavefunction() + sampler() + solver();
    }
    body += "\n[output]\nfile = \"imported.h5\"\n";
    std::string head = fmt::format("title = {}\n", quoted(model_.title));
    if (!model_.exact) head += fmt::format("seed = {}\n", std::max(1.0, std::abs(model_.number("rndseed", 123456789))));
    std::string remarks;
    for (const std::string& note : notes_) remarks += "# " + note + "\n";
    return remarks + head + "\n" + body;
  }

 private:
  bool spins_alone() const {
    return model_.states == ForeignStates::spins || model_.states == ForeignStates::single_electrons;
  }
  bool conserves_spin() const { return model_.terms.conserves_spin(); }

  std::string study() {
    if (model_.exact) {
      const int levels = std::max(1, static_cast<int>(model_.number("exct", 1)));
      return fmt::format("[study]\nkind = \"exact\"\nlevels = {}\n", levels);
    }
    if (model_.number("nvmccalmode", 0) == 1)
      notes_.push_back(
          "NVMCCalMode = 1 measures only: here a run optimises and measures; study.kind = \"measure\" with "
          "study.parameters measures alone");
    if (model_.number("nlanczosmode", 0) > 0) notes_.push_back("NLanczosMode has no counterpart");
    steps_ = std::max(1.0, model_.number("nsroptitrstep", 1000));
    const double average = std::min(steps_, std::max(1.0, model_.number("nsroptitrsmp", std::floor(steps_ / 10))));
    samples_ = chains * std::max(1.0, std::ceil(model_.number("nvmcsample", 1000) / chains));
    notes_.push_back(
        "NVMCSample counts the samples of every process there; samples of all ranks here, a multiple of the chains");
    return fmt::format("[study]\nkind = \"ground-state\"\nsteps = {}\naverage = {}\nmeasure = {{ samples = {} }}\n",
                       steps_, average, 16 * samples_);
  }

  std::string hamiltonian() {
    const std::complex<double> constant = model_.terms.constant();
    if (model_.hamiltonian.empty() && std::abs(constant) > 1e-12)
      notes_.push_back(fmt::format("the constant {} of the list is left out: E is lower by it", constant.real()));
    if (!model_.hamiltonian.empty()) return model_.hamiltonian;
    const std::vector<std::string> rows = model_.terms.rows();
    const char* states = "spins";
    if (model_.states == ForeignStates::electrons) states = "electrons";
    if (model_.states == ForeignStates::single_electrons) states = "single-electrons";
    if (model_.states == ForeignStates::electrons_and_spins) states = "electrons-and-spins";
    std::string text = fmt::format("kind = \"terms\"\nstates = \"{}\"\n", states);
    if (model_.spin != 0.5) text += fmt::format("spin = {}\n", real_text(model_.spin));
    return text + fmt::format("terms = [\n  {}]\n", join(rows, ",\n  "));
  }

  /// The conserved numbers.
  std::string sector() {
    if (!conserves_spin() && model_.twice_sz.value_or(0) != 0)
      notes_.push_back(fmt::format("2Sz = {} is left out: H does not conserve it", *model_.twice_sz));
    if (conserves_spin() && !model_.twice_sz)
      notes_.push_back(
          "no 2Sz is given and H conserves S^z: a run has one magnetisation, here the smallest. The other program "
          "takes all of "
          "them together");
    const int electrons =
        model_.states == ForeignStates::single_electrons ? model_.n_sites : model_.electrons.value_or(0);
    const int odd = (model_.states == ForeignStates::electrons || model_.states == ForeignStates::single_electrons
                         ? electrons
                         : electrons + static_cast<int>(2 * model_.spin) * model_.n_sites) %
                    2;
    const int twice = model_.twice_sz.value_or(odd);
    switch (model_.states) {
      case ForeignStates::spins:
        return conserves_spin() ? fmt::format("magnetization = {}\n", twice) : "";
      case ForeignStates::electrons_and_spins:
        return fmt::format("particles = {}\n", electrons) +
               (conserves_spin() ? fmt::format("magnetization = {}\n", twice) : "");
      case ForeignStates::electrons:
      case ForeignStates::single_electrons:
        break;
    }
    if (!conserves_spin()) return fmt::format("particles = {}\n", electrons);
    return fmt::format("electrons = [{}, {}]\n", (electrons + twice) / 2, (electrons - twice) / 2);
  }

  std::string wavefunction() {
    std::string text;
    const double images = std::abs(model_.number("nmptrans", 1));
    if (images > 1) {
      if (model_.bonds_move) {
        text += "\n[wavefunction]\nsymmetry = { group = \"translations\" }\n";
        notes_.push_back(fmt::format("NMPTrans = {}: psi is summed over all translations, with momentum 0", images));
      } else {
        notes_.push_back(fmt::format("NMPTrans = {} is left out: psi is not projected on a momentum", images));
      }
    }
    if (model_.states == ForeignStates::electrons_and_spins) {
      notes_.push_back(
          "pair products have no local spins here: psi is a restricted Boltzmann machine and a Jastrow factor");
      return text +
             "\n[[wavefunction.factor]]\nkind = \"rbm\"\nweights = \"complex\"\ndensity = "
             "2\n\n[[wavefunction.factor]]\nkind = \"jastrow\"\n";
    }
    const bool all_pairs = model_.all_pairs || !conserves_spin();
    text += "\n[[wavefunction.factor]]\nkind = \"pair-product\"\n";
    text += fmt::format("pairing = \"{}\"\n", model_.states == ForeignStates::electrons && !model_.hamiltonian.empty()
                                                  ? "hartree-fock"
                                                  : "random");
    if (all_pairs) text += "pairs = \"all\"\n";
    const double points = model_.number("nspgaussleg", model_.twice_sz.value_or(1) == 0 && conserves_spin() ? 8 : 1);
    if (points > 1 && model_.hamiltonian.empty()) {
      if (model_.value.count("nspgaussleg") > 0)
        notes_.push_back(
            "NSPGaussLeg is left out: psi is not projected on a total spin where H is written term by term");
    } else if (points > 1) {
      text += fmt::format("spin = {}\npoints = {}\n", model_.number("nspstot", 0), points);
    }
    if (!model_.sublattice.empty())
      text += fmt::format("symmetry = \"translations\"\nsublattice = [{}]\n", fmt::join(model_.sublattice, ", "));
    if (spins_alone()) return text;
    if (model_.gutzwiller) text += "\n[[wavefunction.factor]]\nkind = \"gutzwiller\"\n";
    if (model_.jastrow) text += "\n[[wavefunction.factor]]\nkind = \"jastrow\"\n";
    if (model_.rbm) {
      const double hidden =
          model_.number("nneuron", model_.number("nneurongeneral", model_.number("nneuroncharge", 1)));
      text += fmt::format("\n[[wavefunction.factor]]\nkind = \"rbm\"\nweights = \"complex\"\ndensity = {}\n",
                          std::max(1.0, std::round(hidden / model_.n_sites)));
    }
    return text;
  }

  std::string sampler() {
    std::string moves = "hamiltonian = 1.0";
    if (model_.bonds_move && model_.states == ForeignStates::electrons) moves = "hop = 1.0, exchange = 0.5";
    if (model_.bonds_move && model_.states == ForeignStates::single_electrons) moves = "exchange = 1.0, hop = 0.02";
    return fmt::format(
        "\n[sampler]\nkind = \"metropolis\"\nmoves = {{ {} }}\n{}{}chains = {}\nsamples = {}\nsweeps = {}\n", moves,
        model_.shells > 1 ? fmt::format("range = {}\n", model_.shells) : "", sector(), chains, samples_,
        real_text(std::max(1.0, model_.number("nvmcinterval", 1))));
  }

  std::string solver() {
    if (model_.value.count("dsroptredcut") > 0)
      notes_.push_back("DSROptRedCut has no counterpart: small eigenvalues are held by shift.absolute");
    return fmt::format(
        "\n[solver]                 # step = 2 DSROptStepDt: F has no factor 2 here\nkind = "
        "\"stochastic-reconfiguration\"\n"
        "shift = {{ absolute = 1e-4, relative = 0.0, diagonal = {} }}\nstep = {}\n",
        real_text(model_.number("dsroptstadel", 0.02)), real_text(2 * model_.number("dsroptstepdt", 0.02)));
  }

  static constexpr int chains = 64;
  const ForeignModel& model_;
  std::vector<std::string> notes_;
  double steps_ = 0;
  double samples_ = 0;
};

}  // namespace

std::string deck_of(const ForeignModel& model) { return DeckWriter(model).text(); }

}  // namespace koushi
