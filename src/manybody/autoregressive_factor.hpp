#pragma once

#include "network_factor.hpp"

namespace koushi {

/// Keys that autoregressive networks share.
struct AutoregressiveOptions {
  NetworkOutput output = NetworkOutput::positive;
  double width = 1;

  /// Their keys behind those of a network of its own, whose options begin with these.
  template <typename Options>
  static Keys<Options> with_common(Keys<Options> own) {
    return std::move(own)
        .choice("output", static_cast<NetworkOutput Options::*>(&Options::output),
                {{"positive", NetworkOutput::positive}, {"modulus-and-phase", NetworkOutput::modulus_and_phase}},
                "positive: psi > 0; modulus-and-phase: the last layer also gives a phase for every state of a site")
        .real("width", static_cast<double Options::*>(&Options::width), {0, 1e3},
              "scale of log psi at the beginning, whose standard deviation over random states is about this")
        .initial();
  }
};

/// log psi_f(x) = sum over the sites i, in the order of their numbers, of
///
///   l_i(x_i) - 1/2 log sum_y e^(2 l_i(y)) + i phi_i(x_i)
///
/// where l_i and phi_i, the last layer at site i with a channel for every state y of a site, see x_1 ... x_(i-1) alone, and
/// y runs over the states with which the sites behind i can still reach the charges of the sector: sum_x |psi_f|^2 = 1.
///
/// layers: all but the last one, of layers that look forward. last: makes the last one with so many channels.
/// Errors  DeckError at `kind` where a layer looks at sites behind
/// Source  D. Wu, L. Wang, P. Zhang, Phys. Rev. Lett. 122, 080602 (2019); O. Sharir et al., Phys. Rev. Lett. 124, 020503
///         (2020); constraints: M. Hibat-Allah et al., Phys. Rev. Research 2, 023358 (2020)
std::unique_ptr<Factor> make_autoregressive(const FactorContext& context, NetworkBuilder& builder,
                                            const std::function<std::unique_ptr<Layer>(int channels)>& last,
                                            const AutoregressiveOptions& options);

}  // namespace koushi
