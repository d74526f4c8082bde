#pragma once

#include <memory>
#include <string>
#include <vector>

#include "koushi/manybody/factor.hpp"

namespace koushi {

/// log psi(x) = sum_c theta_c sum_(entries of c) weight x_p x_q, real theta: Jastrow and Gutzwiller factors.
struct QuadraticEntry {
  int parameter = 0;
  int p = 0;
  int q = 0;
  double weight = 0;
};

/// of_flavour: where entries come from sum theta_c q_i q_j over pairs of sites, q_i = sum_f of_flavour_f x_(f, i), these
/// weights, by which rows are made of N^2 products instead of those of all flavours; empty: there is no such form.
std::unique_ptr<Factor> make_quadratic_factor(const Space& space, std::vector<QuadraticEntry> entries,
                                              std::vector<double> parameters, const std::string& description,
                                              const std::vector<double>& of_flavour = {});

}  // namespace koushi
