#include "koushi/study/catalogue.hpp"

#include <utility>

#include "koushi/deck/declare.hpp"
#include "koushi/field/catalogue.hpp"
#include "koushi/lattice/lattice_kinds.hpp"
#include "koushi/manybody/factor_kinds.hpp"
#include "koushi/manybody/hamiltonian.hpp"
#include "koushi/manybody/sampler_kinds.hpp"
#include "koushi/manybody/wavefunction_symmetry.hpp"
#include "koushi/network/random_network.hpp"
#include "koushi/solver/solver_kinds.hpp"
#include "koushi/study/study.hpp"

namespace koushi {

namespace {

using namespace declare;

std::vector<std::string> studies_of(StudyKind::Subject subject) {
  return studies().names([subject](const StudyKind& kind) { return kind.subject == subject; });
}

std::vector<Section> make_catalogue() {
  const std::vector<std::string> of_states = studies_of(StudyKind::Subject::states);
  const std::vector<std::string> of_levels = studies_of(StudyKind::Subject::levels);
  std::vector<std::string> of_models = of_states;
  of_models.insert(of_models.end(), of_levels.begin(), of_levels.end());
  std::vector<Section> sections;
  sections.push_back(
      {"",
       "What the run is called, and the seed of all its random numbers.",
       false,
       {{"",
         "",
         {key("title", KeyType::text, "", "shown in every table and picture"),
          between(0, 4294967295.0,
                  key("seed", KeyType::integer, "1",
                      "the same seed gives the same chains on any number of ranks; recorded in the result file"))}}}});

  sections.push_back({"study", "What is to be done.", false, studies().declared()});

  Section lattice{"lattice",
                  "Where the spins or particles sit. Sites of an Lx x Ly square lattice are numbered x Ly + y.", false,
                  lattices().declared()};
  lattice.studies = of_models;
  lattice.template_key = "extents";
  sections.push_back(lattice);

  sections.push_back({"hamiltonian", "Spin operators are S = sigma / 2; energies in units of the couplings.", false,
                      declared_hamiltonians(), of_models});

  sections.push_back({"sector",
                      "The conserved numbers of the states that are diagonalised.",
                      false,
                      {{"", "", sector_keys()}},
                      of_levels});

  sections.push_back({"wavefunction",
                      "psi, the product of the factors that follow, or its sum over a group.",
                      false,
                      {{"", "", WavefunctionSymmetry::keys().list()}},
                      of_states});
  sections.push_back(
      {"wavefunction.factor", "log psi is the sum of those of the factors.", true, factors().declared(), of_states, 8});

  sections.push_back(
      {"sampler", "Where basis states with the weights |psi|^2 come from.", false, samplers().declared(), of_states});
  sections.push_back({"solver", "The update of the parameters, theta <- theta - step delta.", false,
                      solvers().declared(), studies().names([](const StudyKind& kind) { return kind.optimises; })});

  for (Section& section : field_sections(studies_of(StudyKind::Subject::fields), studies_of(StudyKind::Subject::theory),
                                         studies().names([](const StudyKind& kind) { return kind.has_networks; })))
    sections.push_back(std::move(section));

  sections.push_back({"network", "The networks and the law of their parameters.", false, network_kinds().declared(),
                      studies_of(StudyKind::Subject::networks)});

  sections.push_back(
      {"scan",
       "Runs of one deck over values of its keys, in sequence or as tasks of a Slurm array: any key with a list, "
       "\"action.beta\" = [0.40, 0.42], or a range, \"action.beta\" = { first = 0.40, last = 0.44, count = 5 }. "
       "The deck's own value of such a key, if it has one, does not count.",
       false,
       {{"",
         "",
         {key("continue", KeyType::boolean, "false",
              "every point but the first begins where the one before it ended: with its parameters or its field, as "
              "study.initial_parameters or study.initial name it"),
          key("zip", KeyType::boolean, "false",
              "lists of one length go together; false: all combinations, the last key in alphabetical order fastest"),
          choice("seeds", {"different", "same"}, "\"different\"",
                 "every point adds a number made of its values to the seed, so that its chains are its own and stay "
                 "the same when other points are added")}}}});

  Key file =
      key("file", KeyType::text, "",
          "HDF5, written at every checkpoint; its default, NAME.h5 of NAME.toml, is in the folder in which koushi "
          "is called");
  file.deck_suffix = ".h5";
  sections.push_back(
      {"output",
       "The result file.",
       false,
       {{"", "", {file, key("checkpoint", KeyType::duration, "\"5 min\"", "time between checkpoints")}}}});
  return sections;
}

}  // namespace

const std::vector<Section>& catalogue() {
  static const std::vector<Section> sections = make_catalogue();
  return sections;
}

}  // namespace koushi
