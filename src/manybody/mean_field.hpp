#pragma once

#include <Eigen/Core>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "koushi/deck/deck_section.hpp"
#include "koushi/lattice/lattice.hpp"
#include "koushi/manybody/operator.hpp"

namespace koushi {

/// The numbers that orbitals or pairings are made of; automatic: real where H is.
enum class Numbers { automatic, real, complex };

/// The words of a key "weights" for them.
inline const std::vector<std::pair<std::string, Numbers>> words_of_numbers{
    {"automatic", Numbers::automatic}, {"real", Numbers::real}, {"complex", Numbers::complex}};

/// Whether they are complex. what: "orbitals", in the message. Errors: DeckError where real ones are asked for and H has
/// complex elements
bool are_complex(Numbers numbers, const Operator& h, const DeckSection& section, const std::string& what);

/// Places [place, place + rows) whose particles [particle, particle + columns) stay in them, and their orbitals
/// [place][orbital].
struct OrbitalBlock {
  int place = 0;
  int particle = 0;
  Eigen::MatrixXcd orbitals;
};

struct MeanField {
  std::vector<OrbitalBlock> blocks;
  std::string description;
  double energy = 0;
};

/// The lowest eigenvectors of the one-body part of H, flavour by flavour where H keeps flavours apart. Where the last one
/// is degenerate with the next (an open shell), the description says so.
/// Errors  UsageError where the numbers of fermions are not fixed
MeanField free_orbitals(const Operator& h);

/// The determinants of lowest energy that unrestricted Hartree-Fock finds from `starts` random densities, every
/// other of them staggered where the lattice has two sublattices:
///
///   F_pq = h_pq + delta_pq sum_r V_pr <n_r> - V_pq <c^dagger_q c_p>,   V the pair terms of H
///
/// mixed half with the density before until that stands still. The description has density and spin order.
/// Errors  as free_orbitals
MeanField hartree_fock(const Operator& h, const Lattice& lattice, std::uint64_t seed, int starts);

/// Where orbitals begin: the lowest eigenvectors of the hopping, those of Hartree-Fock, or normal numbers.
enum class Orbitals { plane_waves, hartree_fock, random };

/// The words of a key "orbitals" for them, and its help.
inline const std::vector<std::pair<std::string, Orbitals>> words_of_orbitals{
    {"plane-waves", Orbitals::plane_waves}, {"hartree-fock", Orbitals::hartree_fock}, {"random", Orbitals::random}};
inline constexpr const char* help_of_orbitals =
    "initial orbitals: lowest eigenvectors of the hopping, of unrestricted Hartree-Fock, or normal numbers";
inline constexpr const char* help_of_starts = "random starts of Hartree-Fock, of which the lowest energy is taken";

/// Orbitals with normal numbers added, of standard deviation `width`, or 1 in place of random ones, from normal().
/// Errors  as free_orbitals
MeanField initial_orbitals(Orbitals orbitals, const Operator& h, const Lattice& lattice, std::uint64_t seed, int starts,
                           bool is_complex, double width, const std::function<double()>& normal);

/// Where the gap of a BCS state lies: on sites, on bonds of the first shell, or on these with the sign and size of cos 2
/// phi, phi the angle of a bond to the first axis.
enum class PairWave { s, extended_s, d };

/// The form f(i, j) of a wave, symmetric, with the signs of antiperiodic ends. Errors: UsageError where the lattice has no
/// bonds, or only one dimension for d
Eigen::MatrixXd pair_form(const Lattice& lattice, PairWave wave);

/// The pairings f(i, j) of the BCS state exp(sum f_ij c^dagger_i,up c^dagger_j,down) |0> that is the ground state of
///
///   sum h_ij c^dagger_i c_j + sum_ij Delta_ij (c^dagger_i,up c^dagger_j,down + h.c.)
///
/// with the numbers of electrons of the sector on average: with the eigenvectors (u, v) of positive energy,
/// f = -(U^dagger)^-1 V^dagger. Gaps on bonds have a hundredth of the amplitude on sites beside, without which f would
/// be infinite at their nodes.
/// Errors      DeckError where the lattice has no bonds, or only one dimension for d
/// Source      J. Bardeen, L. N. Cooper, J. R. Schrieffer, Phys. Rev. 108, 1175 (1957)
Eigen::MatrixXcd bcs_pairings(const Operator& h, const Lattice& lattice, PairWave wave, double amplitude,
                              const DeckSection& section);

/// f = Phi_up U Phi_down^T of as many orbitals up as down. Their determinants are the same for every unitary U; this one,
/// the unitary factor of Phi_up^dagger X Phi_down^*, makes f as invariant under permutations of sites as the two spaces
/// of orbitals and X are, whatever orbitals of degenerate levels were taken. X = 1 alone would have zeros for an
/// antiferromagnet.
Eigen::MatrixXcd paired_orbitals(const Eigen::MatrixXcd& up, const Eigen::MatrixXcd& down, const Eigen::MatrixXcd& x);

}  // namespace koushi
