#include "koushi/study/catalogue.hpp"

#include <utility>

#include "koushi/deck/declare.hpp"
#include "koushi/field/catalogue.hpp"
#include "koushi/lattice/lattice.hpp"
#include "koushi/manybody/factor_kinds.hpp"
#include "koushi/manybody/hamiltonian.hpp"
#include "koushi/study/study.hpp"

namespace koushi {

namespace {

using namespace declare;

const std::vector<std::string> manybody_studies{"ground-state", "measure"};

std::vector<Section> make_catalogue() {
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

  Section lattice{
      "lattice", "Where the spins sit. Sites of an Lx x Ly square lattice are numbered x Ly + y.", false, {}};
  Key boundary = key("boundary", KeyType::texts, "[]",
                     "one per direction, or one for all; none means periodic; antiperiodic twists spins by pi about z");
  boundary.choices = {"periodic", "antiperiodic", "open"};
  const Key supercell = optional(key("supercell", KeyType::rows, "",
                                     "integer vectors of a tilted supercell, [[4, 2], [-2, 4]], instead of extents"));
  const Key twist = optional(
      key("twist", KeyType::reals, "", "phase of what hops across the end of each direction, in units of 2 pi"));
  for (const std::string& name : lattice_names()) {
    const std::vector<std::string> sizes{"[16]", "[4, 4]", "[4, 4, 4]"};
    Key extents = optional(between(1, 4096, key("extents", KeyType::integers, "", "cells per direction")));
    extents.example = sizes.at(static_cast<std::size_t>(unit_cell(name).dimension()) - 1);
    lattice.kinds.push_back({name, "", {extents, supercell, boundary, twist}});
  }
  lattice.kinds.push_back(
      {"custom",
       "any lattice, written out",
       {key("vectors", KeyType::rows, "", "primitive vectors, Cartesian, [[ax, ay], [bx, by]]"),
        example("[[0, 0]]", key("offsets", KeyType::rows, "", "positions of the sites of a cell, Cartesian")),
        example("[[0, 0, 1, 0, 1], [0, 0, 0, 1, 1]]",
                key("bonds", KeyType::rows, "",
                    "[from, to, cell displacement ..., shell]: site `from` of every cell to site `to` of the displaced "
                    "one")),
        optional(between(1, 4096, key("extents", KeyType::integers, "", "cells per direction"))), supercell, boundary,
        twist}});
  lattice.studies = manybody_studies;
  lattice.template_kind = "square";
  lattice.template_key = "extents";
  sections.push_back(lattice);

  Section hamiltonian{"hamiltonian", "Spin operators are S = sigma / 2; energies in units of the couplings.", false,
                      hamiltonians().declared(), manybody_studies};
  hamiltonian.template_kind = "heisenberg";
  sections.push_back(hamiltonian);

  sections.push_back({"wavefunction.factor", "log psi is the sum of those of the factors.", true, factors().declared(),
                      manybody_studies, 8, "rbm"});

  const Key magnetization = key("magnetization", KeyType::integer, "0",
                                "sum of 2 S^z, of sigma^z for spins 1/2, where H and the moves conserve it");
  const Key electrons = optional(
      between(0, 32767,
              key("electrons", KeyType::integers, "", "numbers of electrons, [up, down]; half filling if not given")));
  const Key particles = optional(between(0, 32767,
                                         key("particles", KeyType::integer, "",
                                             "number of bosons or of fermions without conserved spin; one per site, or "
                                             "per two sites for spinless fermions, if not given")));
  sections.push_back(
      {"sampler",
       "Where basis states with the weights |psi|^2 come from.",
       false,
       {{"metropolis",
         "moves of one or two spins or particles",
         {optional(at_least(0, key("moves.exchange", KeyType::real, "",
                                   "weight of exchanges of neighbouring spins, also of two electrons"))),
          optional(at_least(
              0, key("moves.flip", KeyType::real, "", "weight of single flips; not with a fixed magnetisation"))),
          optional(
              at_least(0, key("moves.hop", KeyType::real, "", "weight of hops of particles to neighbouring sites"))),
          optional(at_least(0, key("moves.hamiltonian", KeyType::real, "",
                                   "weight of the off-diagonal terms of H as moves; these alone are proposed where no "
                                   "weight is given"))),
          between(
              1, 3,
              key("range", KeyType::integer, "1", "distance shell up to which spins are exchanged and particles hop")),
          between(2, 1e8, key("chains", KeyType::integer, "256", "over all ranks")),
          between(2, 1e10, key("samples", KeyType::integer, "2048", "per step, over all chains; a multiple of chains")),
          between(positive, 1e5,
                  key("sweeps", KeyType::real, "1.0", "proposals between samples, per site; at least one is made")),
          magnetization, electrons, particles}},
        {"enumeration",
         "every basis state with its weight: no noise, for at most 24 sites of spins 1/2 or 2^24 states",
         {magnetization, electrons, particles}}},
       manybody_studies,
       1,
       "metropolis"});

  sections.push_back(
      {"solver",
       "The update of the parameters, theta <- theta - step delta.",
       false,
       {{"stochastic-reconfiguration",
         "(S + lambda) delta = F",
         {choice("route", {"automatic", "matrix-free", "dense", "sample-space"}, "\"automatic\"",
                 "how the system is solved"),
          at_least(0, key("shift.absolute", KeyType::real, "1e-6", "lambda = absolute + relative tr S / P")),
          optional(at_least(positive,
                            key("shift.absolute_end", KeyType::real, "", "of the last step; between them geometric"))),
          at_least(0, key("shift.relative", KeyType::real, "1e-3", "")),
          optional(at_least(positive,
                            key("shift.relative_end", KeyType::real, "", "of the last step; between them geometric"))),
          between(positive, 10, key("step", KeyType::real, "0.02", "of the first iteration")),
          optional(between(positive, 10, key("step_end", KeyType::real, "", "of the last; between them geometric"))),
          at_least(positive, key("max_distance", KeyType::real, "0.05",
                                 "longest update, in the Fubini-Study metric: a longer one is shortened")),
          between(0, 0.9999,
                  key("momentum", KeyType::real, "0",
                      "mu of (S + lambda) delta = F + lambda mu delta', delta' of the step before (SPRING): what the "
                      "samples of a step do not show is kept")),
          key("petsc_options", KeyType::text, "\"\"", "for the matrix-free route, as \"-sr_ksp_type minres\""),
          between(1e-14, 0.1, key("tolerance", KeyType::real, "1e-8", "relative, of the matrix-free route"))}}},
       {"ground-state"}});

  for (Section& section : field_sections({"lattice-field"})) sections.push_back(std::move(section));

  sections.push_back(
      {"scan",
       "Runs of one deck over values of its keys, in sequence or as tasks of a Slurm array: any key with a list, "
       "\"action.beta\" = [0.40, 0.42], or a range, \"action.beta\" = { first = 0.40, last = 0.44, count = 5 }. "
       "The deck's own value of such a key, if it has one, does not count.",
       false,
       {{"",
         "",
         {key("zip", KeyType::boolean, "false",
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
