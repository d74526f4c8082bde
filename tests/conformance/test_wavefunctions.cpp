// The laws of Wavefunction, for everything that the catalogue offers under [[wavefunction.factor]] and for products.
#include <Eigen/Core>
#include <algorithm>
#include <array>
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators_range.hpp>
#include <cmath>
#include <numbers>

#include "koushi/lattice/symmetry_sectors.hpp"
#include "koushi/manybody/product.hpp"
#include "koushi/manybody/sector_basis.hpp"
#include "koushi/parallel/communicator.hpp"
#include "manybody.hpp"
#include "registered.hpp"

using namespace koushi;

namespace {

/// Moves of one and of two places or particles between all pairs of sites, and those of H.
std::vector<Move> all_moves(const Operator& h) {
  const Space& space = h.space();
  UniqueMoves moves;
  bool magnetization_is_free = true;
  for (const Charge& charge : space.charges()) magnetization_is_free = magnetization_is_free && !charge.value;
  for (int i = 0; i < space.n_sites() && magnetization_is_free; ++i) moves.number(Move::step(i, -2));
  for (int f = 0; f < space.n_flavours(); ++f) {
    for (int i = 0; i < space.n_sites(); ++i) {
      for (int j = i + 1; j < space.n_sites(); ++j) {
        const int p = space.place(f, i);
        const int q = space.place(f, j);
        moves.number(space.is_fermionic(p) ? Move::hop(p, q) : Move::transfer(p, q, space.local(p).step));
      }
    }
  }
  for (int i = 0; i + 1 < space.n_sites() && space.n_flavours() > 1; ++i) {
    moves.number(Move::two_hops(space.place(0, i), space.place(0, i + 1), space.place(1, i + 1), space.place(1, i)));
    if (space.exclusive() || i + 3 >= space.n_sites()) continue;
    moves.number(
        Move::two_hops(space.place(0, i), space.place(0, i + 1), space.place(0, i + 2), space.place(0, i + 3)));
  }
  for (const Move& move : h.move_list()) moves.number(move);
  return moves.moves;
}

Batch random_batch(const Wavefunction& psi, int count) {
  std::vector<std::vector<std::int8_t>> states;
  const Space& space = psi.space();
  std::vector<std::int8_t> local(static_cast<std::size_t>(space.n_places()));
  std::vector<std::int16_t> particle(static_cast<std::size_t>(space.n_particles()) + 1);
  std::vector<std::int16_t> occupant(local.size());
  for (std::uint64_t stream = 0; static_cast<int>(states.size()) < count; ++stream) {
    space.randomize({local.data(), particle.data(), occupant.data()}, 9, stream);
    for (std::size_t p = 0; p < local.size() && space.charges()[0].name == "magnetization" && !space.charges()[0].value;
         ++p) {
      const auto r = philox(9, RandomPurpose::test, p, stream, 0);
      const LocalSpace& here = space.local(static_cast<int>(p));
      local[p] = static_cast<std::int8_t>(here.min + here.step * uniform_below(r.word[0], here.states()));
    }
    // At a node of psi ratios have no bound and lose all digits.
    const auto table = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace{}, batch_of(psi, {local}).table);
    if (std::all_of(table.data(), table.data() + table.size(), [](double x) { return std::abs(x) < 100; })) {
      states.push_back(local);
    }
  }
  return batch_of(psi, states);
}

/// States [first, end) of a batch.
States states_between(const Batch& batch, Eigen::Index first, Eigen::Index end) {
  const auto part = [&](const auto& rows) { return Kokkos::subview(rows, Kokkos::make_pair(first, end), Kokkos::ALL); };
  States states = batch.states;
  states.local = part(states.local);
  states.particle = part(states.particle);
  states.occupant = part(states.occupant);
  return states;
}

/// States [w] of a batch alone, moved or not.
States moved_state(const Wavefunction& psi, const Batch& batch, int w, const Move& move, int sigma) {
  const States all = psi.space().make_states(static_cast<std::int64_t>(batch.states.local.extent(0)));
  assign_states(all, batch.states);
  const States one = psi.space().make_states(1);
  const auto row = Kokkos::make_pair(w, w + 1);
  Kokkos::deep_copy(one.local, Kokkos::subview(all.local, row, Kokkos::ALL));
  Kokkos::deep_copy(one.particle, Kokkos::subview(all.particle, row, Kokkos::ALL));
  Kokkos::deep_copy(one.occupant, Kokkos::subview(all.occupant, row, Kokkos::ALL));
  const auto local = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace{}, one.local);
  const auto particle = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace{}, one.particle);
  const auto occupant = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace{}, one.occupant);
  if (sigma != 0) move_sites(psi.space(), move).apply({local.data(), particle.data(), occupant.data()}, sigma);
  Kokkos::deep_copy(one.local, local);
  Kokkos::deep_copy(one.particle, particle);
  Kokkos::deep_copy(one.occupant, occupant);
  return one;
}

bool is_large(const Deck& deck, const Lattice& lattice) {
  const Operator hamiltonian = make_hamiltonian(deck, lattice);
  const DeckSection factor(deck, "wavefunction.factor.0");
  return std::max(symmetry_group(factor, lattice, hamiltonian, "symmetry").size(),
                  symmetry_group(factor, lattice, hamiltonian, "projection").size()) > 27;
}

/// Whether the amplitudes of a factor are evaluated for every move, not tracked.
bool is_network(const Wavefunction& psi) {
  const auto factors = psi.factors();
  return std::any_of(factors.begin(), factors.end(), [](const FactorReport& f) { return f.flops > 0; });
}

/// The wavefunction of a deck with parameters large enough to be seen; smaller ones where many hidden units add up.
std::unique_ptr<Wavefunction> wavefunction(const Deck& deck, const Lattice& lattice) {
  auto psi = make_wavefunction(deck, lattice, make_hamiltonian(deck, lattice));
  const bool alone = psi->factors().size() == 1;
  spread(*psi, is_network(*psi)          ? 0.03 * std::min(1.0, 60.0 / static_cast<double>(psi->n_parameters()))
               : !alone                  ? 0.08
               : is_large(deck, lattice) ? 0.1
                                         : 0.25);
  return psi;
}

/// Everything on small clusters of every lattice; products and networks on some of them.
struct Case {
  Product product;
  std::string cluster;
};
std::vector<Case> cases() {
  std::vector<Case> all;
  const std::vector<std::string> clusters = small_lattices();
  std::size_t number = 0;
  for (const Product& product : products()) {
    const bool of_electrons = product.hamiltonian.find("heisenberg") == std::string::npos;
    const bool several = product.factors.find("[[") != std::string::npos;
    const bool network = product.factors.find("activation") != std::string::npos;
    const auto has = [&](const char* words) { return product.factors.find(words) != std::string::npos; };
    const bool evaluated = has("\"backflow\"") || has("\"hidden-fermions\"") || has("\"autoregressive");
    ++number;
    for (std::size_t c = 0; c < clusters.size(); ++c) {
      // Determinants with networks and autoregressive ones are many: each meets one lattice, each lattice some of them.
      if (evaluated && c != number % clusters.size()) continue;
      if ((of_electrons || several) && !evaluated && c % 3 != 0) continue;
      if (network && !several && !evaluated && c % 3 != number % 3)
        continue;  // there are many; each lattice meets each kind
      all.push_back({product, clusters[c]});
    }
  }
  return all;
}

}  // namespace

TEST_CASE("something is registered", "[conformance]") {
  CHECK(offers("wavefunction.factor").size() >= 8);
  CHECK(small_lattices().size() >= 7);
}

TEST_CASE("ratios, tables, batches and parameters", "[conformance]") {
  const Case one = GENERATE(from_range(cases()));
  INFO(one.product.text() << one.cluster);
  const Deck deck = deck_of(one.cluster, one.product.hamiltonian, one.product.factors, one.product.wavefunction);
  const Lattice lattice = make_lattice(deck);
  const Operator h = make_hamiltonian(deck, lattice);
  const auto psi = wavefunction(deck, lattice);
  const int count = 5;
  const Batch batch = random_batch(*psi, count);
  const auto list = all_moves(h);
  const auto moves = psi->moves(list);

  // ratio = difference of logs, batched = single
  const auto log_psi = psi->log_amplitudes(batch.states);
  const Kokkos::View<Complex** [2]> ratios("koushi::test::ratios", count, list.size());
  moves->ratios(Kokkos::DefaultExecutionSpace{}, batch, ratios);
  const auto host = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace{}, ratios);
  const auto local = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace{}, batch.states.local);
  double worst = 0;
  int seen_moves = 0;
  for (int w = 0; w < count; ++w) {
    const auto row = static_cast<std::size_t>(w);
    CHECK(std::abs(psi->log_amplitudes(moved_state(*psi, batch, w, {}, 0))[0] - log_psi[row]) < 1e-13);
    for (std::size_t k = 0; k < list.size(); ++k) {
      for (const int sigma : {1, -1}) {
        const Complex ratio = host(row, k, sigma > 0 ? 0 : 1);
        std::complex<double> expected = 0;
        if (move_sites(psi->space(), list[k]).acts(&local(row, 0), sigma)) {
          expected = std::exp(psi->log_amplitudes(moved_state(*psi, batch, w, list[k], sigma))[0] - log_psi[row]);
          ++seen_moves;
        }
        worst = std::max(worst, std::abs(std::complex<double>(ratio.real(), ratio.imag()) - expected) /
                                    std::max(1.0, std::abs(expected)));
      }
    }
  }
  CHECK(worst < 1e-9);
  CHECK(seen_moves > count);

  // a table after thousands of accepted moves = recomputed
  const MoveTable table = proposed(list);
  const Kokkos::View<std::int64_t* [2]> counts("koushi::test::counts", static_cast<std::size_t>(count));
  const bool determinant = one.product.factors.find("slater") != std::string::npos ||
                           one.product.factors.find("pair-product") != std::string::npos;
  const bool network = is_network(*psi);
  const std::int64_t wanted = network ? 30 : determinant ? 1000 : 10000;
  std::int64_t fewest = 0;
  for (int round = 0; fewest < wanted; ++round) {
    REQUIRE(round < 100);
    moves->metropolis(Kokkos::DefaultExecutionSpace{}, table.kinds, batch, counts,
                      {.seed = 3, .first_draw = 20000U * static_cast<std::uint32_t>(round)},
                      network       ? 200
                      : determinant ? 2000
                                    : 20000);
    const auto seen = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace{}, counts);
    fewest = seen(0, 0);
    for (std::size_t w = 1; w < count; ++w) fewest = std::min(fewest, seen(w, 0));
  }
  const auto tracked = Kokkos::create_mirror(batch.table);
  Kokkos::deep_copy(tracked, batch.table);
  psi->refresh(batch);
  const auto fresh = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace{}, batch.table);
  double drift = 0;
  for (std::size_t w = 0; w < count; ++w) {
    double scale = 1;
    for (std::size_t k = 0; k < fresh.extent(1); ++k) scale = std::max(scale, std::abs(fresh(w, k)));
    for (std::size_t k = 0; k < fresh.extent(1); ++k)
      drift = std::max(drift, std::abs(fresh(w, k) - tracked(w, k)) / scale);
  }
  CHECK(drift < (determinant ? 1e-6 : 1e-10));  // an update of a determinant loses the digits of its smallest ratio

  // parameters come back as they were given, and another of its kind with them is the same function
  const auto other = make_wavefunction(deck, lattice, h);
  const auto before = other->parameters();
  CHECK_FALSE(other->embed(std::vector<double>(psi->parameters().size() + 1)));
  CHECK(other->parameters() == before);
  REQUIRE(other->embed(psi->parameters()));
  CHECK(other->parameters() == psi->parameters());
  CHECK(other->log_amplitudes(batch.states) == psi->log_amplitudes(batch.states));
  if (before.empty()) return;
  other->apply(0.5, std::vector<double>(before.size(), 1.0));
  CHECK(std::abs(other->parameters().back() - psi->parameters().back() - 0.5) < 1e-15);
}

TEST_CASE("log psi is invariant under the symmetry that the deck asks for", "[conformance]") {
  const std::string variant = GENERATE(from_range(offers("wavefunction.factor")));
  const std::string cluster = GENERATE(from_range(small_lattices()));
  if (variant.find("\"rbm\"") == std::string::npos) return;
  INFO(variant << cluster);
  const Deck deck = deck_of(cluster, hamiltonian_of(variant), variant);
  const Lattice lattice = make_lattice(deck);
  const auto psi = wavefunction(deck, lattice);
  REQUIRE(lattice.translations().size() > 1);
  const DeckSection factor(deck, "wavefunction.factor.0");
  const Operator hamiltonian = make_hamiltonian(deck, lattice);
  auto group = symmetry_group(factor, lattice, hamiltonian, "symmetry");
  if (const auto larger = symmetry_group(factor, lattice, hamiltonian, "projection"); larger.size() > group.size())
    group = larger;
  const bool claimed = variant.find("symmetry = \"none\"") == std::string::npos ||
                       variant.find("projection = \"none\"") == std::string::npos;
  CHECK(group.empty() != claimed);
  if (variant.find("space-group") != std::string::npos) {
    CHECK(group.size() > lattice.translations().size());
  } else if (claimed) {
    CHECK(group == lattice.translations());
  }
  const Batch batch = random_batch(*psi, 1);
  const auto local = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace{}, batch.states.local);
  const std::vector<std::int8_t> state(local.data(), local.data() + local.size());
  const auto before = psi->log_amplitudes(batch.states)[0];
  double largest = 0;
  for (const auto& g : claimed ? group : lattice.translations()) {
    auto moved = state;
    for (int p = 0; p < psi->space().n_places(); ++p) {
      const int to =
          psi->space().place(psi->space().flavour_of(p), g[static_cast<std::size_t>(psi->space().site_of(p))]);
      moved[static_cast<std::size_t>(to)] = state[static_cast<std::size_t>(p)];
    }
    largest = std::max(largest, std::abs(psi->log_amplitudes(batch_of(*psi, {moved}).states)[0] - before));
  }
  if (claimed) {
    CHECK(largest < 1e-12);
  } else {
    CHECK(largest > 1e-6);  // otherwise the test sees nothing
  }
}

TEST_CASE("networks have the symmetries that they claim, and claim those that they have", "[conformance]") {
  const std::string cluster = GENERATE(from_range(small_lattices()));
  const std::string factor =
      GENERATE("kind = \"cnn\"\n", "kind = \"gcnn\"\n", "kind = \"vit\"\n", "kind = \"feed-forward\"\n");
  INFO(cluster << factor);
  const std::string heisenberg = "kind = \"heisenberg\"\n";
  const Deck deck = deck_of(cluster, heisenberg, factor);
  const Lattice lattice = make_lattice(deck);
  const Operator h = make_hamiltonian(deck, lattice);
  const auto psi = make_wavefunction(deck, lattice, h);
  const auto before = psi->log_amplitudes(random_batch(*psi, 1).states)[0];
  const auto local = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace{}, random_batch(*psi, 1).states.local);
  const auto group = symmetry_group(SiteSymmetry::space_group, lattice, h);
  // In a sum over the group, images that the factor does not tell apart are one: so many are left.
  const auto summed =
      make_wavefunction(deck_of(cluster, heisenberg, factor, "symmetry = { group = \"space-group\" }\n"), lattice, h);
  int same = 0;
  for (const Permutation& g : group) {
    std::vector<std::int8_t> moved(local.size());
    for (std::size_t i = 0; i < moved.size(); ++i) moved[static_cast<std::size_t>(g[i])] = local.data()[i];
    same += std::abs(psi->log_amplitudes(batch_of(*psi, {moved}).states)[0] - before) < 1e-11 ? 1 : 0;
  }
  const int images = std::max(1, summed->n_images());
  if (factor.find("feed") != std::string::npos) {
    CHECK(images == static_cast<int>(group.size()));
  } else {
    CHECK(images == static_cast<int>(group.size()) / (factor.find("gcnn") != std::string::npos
                                                          ? static_cast<int>(group.size())
                                                          : lattice.n_sites() / lattice.sites_per_cell()));
    CHECK(same >= static_cast<int>(group.size()) / images);
  }
}

TEST_CASE("log derivatives against finite differences, and the calls of the operator against its entries",
          "[conformance]") {
  const Case one = GENERATE(from_range(cases()));
  INFO(one.product.text() << one.cluster);
  const Communicator self = Communicator::self();
  const Deck deck = deck_of(one.cluster, one.product.hamiltonian, one.product.factors, one.product.wavefunction);
  const auto psi = wavefunction(deck, make_lattice(deck));
  if (psi->parameters().empty()) return;
  const int count = 150;  // more than two blocks
  const Batch batch = random_batch(*psi, count);
  const auto rows = psi->log_derivatives(self, {count, 0, count}, batch);
  REQUIRE(rows->parameters() == psi->n_parameters());
  const bool holomorphic = rows->holomorphic();
  const Eigen::MatrixXcd entries = rows->entries();
  REQUIRE(entries.cols() == psi->n_parameters() / (holomorphic ? 2 : 1));
  if (rows->real_valued()) CHECK(entries.imag().norm() == 0);

  const std::vector<double> parameters = psi->parameters();
  const double h = 2e-6;  // rounding 1e-15/h is below 1e-8
  double worst = 0;
  // States at the beginning of the first block, across the end of the second and at the end of the third, which is not full.
  const std::vector<std::pair<Eigen::Index, Eigen::Index>> differences = {{0, 2}, {127, 130}, {148, 150}};
  // Sums over images take their time, and so do networks of many parameters.
  const std::size_t every = std::max<std::size_t>(one.product.wavefunction.empty() ? 1 : 3, parameters.size() / 60);
  for (std::size_t p = 0; p < parameters.size(); p += every) {
    std::vector<double> moved = parameters;
    moved[p] += h;
    psi->set_parameters(moved);
    std::vector<std::vector<std::complex<double>>> up;
    for (const auto& [first, end] : differences) up.push_back(psi->log_amplitudes(states_between(batch, first, end)));
    moved[p] -= 2 * h;
    psi->set_parameters(moved);
    const auto column = static_cast<Eigen::Index>(holomorphic ? p / 2 : p);
    const std::complex<double> factor = holomorphic && p % 2 == 1 ? std::complex<double>(0, 1) : 1.0;
    for (std::size_t k = 0; k < differences.size(); ++k) {
      const auto [first, end] = differences[k];
      const auto down = psi->log_amplitudes(states_between(batch, first, end));
      for (std::size_t row = 0; row < down.size(); ++row) {
        const Eigen::Index s = first + static_cast<Eigen::Index>(row);
        // Of ln(a + b theta) the third derivative is 2 (b / a)^3, which is large beside a node of psi.
        const double largest = entries.row(s).cwiseAbs().maxCoeff();
        worst = std::max(worst, std::abs((up[k][row] - down[row]) / (2 * h) - factor * entries(s, column)) /
                                    (1e-8 + h * h * std::pow(largest, 3)));
      }
    }
  }
  psi->set_parameters(parameters);
  CHECK(worst < 1);

  const double scale = std::max(1.0, entries.cwiseAbs().maxCoeff());  // beside a node they are large
  std::vector<double> v(parameters.size());
  for (std::size_t p = 0; p < v.size(); ++p) v[p] = std::sin(1.0 + static_cast<double>(p));
  Eigen::VectorXcd vector(entries.cols());
  for (Eigen::Index p = 0; p < vector.size(); ++p) {
    const auto q = static_cast<std::size_t>(p);
    vector(p) = holomorphic ? std::complex<double>(v[2 * q], v[2 * q + 1]) : v[q];
  }
  const auto product = rows->multiply(v);
  const Eigen::VectorXcd expected = entries * vector;
  std::vector<std::complex<double>> r;
  Eigen::VectorXcd residual(count);
  for (Eigen::Index s = 0; s < count; ++s) {
    CHECK(std::abs(product[static_cast<std::size_t>(s)] - expected(s)) < 1e-11 * scale);
    residual(s) = {std::cos(static_cast<double>(s)), std::sin(2.0 * static_cast<double>(s))};
    r.push_back(residual(s));
  }
  const auto adjoint = rows->multiply_adjoint(r);
  const Eigen::VectorXcd expected_adjoint = entries.adjoint() * residual;
  for (Eigen::Index p = 0; p < expected_adjoint.size(); ++p) {
    const auto q = static_cast<std::size_t>(p);
    if (holomorphic) {
      CHECK(std::abs(std::complex<double>(adjoint[2 * q], adjoint[2 * q + 1]) - expected_adjoint(p)) < 1e-10 * scale);
    } else {
      CHECK(std::abs(adjoint[q] - expected_adjoint(p).real()) < 1e-10 * scale);
    }
  }
  const std::vector<double> norms = rows->row_norms();
  for (Eigen::Index s = 0; s < count; ++s)
    CHECK(std::abs(norms[static_cast<std::size_t>(s)] - entries.row(s).squaredNorm()) < 1e-10 * scale * scale);

  const Eigen::MatrixXcd gram = rows->gram();
  if (holomorphic) {
    CHECK((gram - entries * entries.adjoint()).norm() < 1e-9 * scale * scale);
  } else {
    Eigen::MatrixXd stacked(2 * count, entries.cols());
    stacked << entries.real(), entries.imag();
    CHECK((gram - (stacked * stacked.transpose()).cast<std::complex<double>>()).norm() < 1e-9 * scale * scale);
  }
}

TEST_CASE("samples without tables give what those with tables give, whatever the pieces are", "[conformance]") {
  const Product product = GENERATE(from_range(products()));
  INFO(product.text());
  const Deck deck =
      deck_of("kind = \"square\"\nextents = [3, 3]\n", product.hamiltonian, product.factors, product.wavefunction);
  const Lattice lattice = make_lattice(deck);
  const Operator h = make_hamiltonian(deck, lattice);
  const auto psi = wavefunction(deck, lattice);
  const Communicator self = Communicator::self();
  const Terms terms = make_terms(h);
  const auto energies_of = [&](const Sampler& sampler, double most_bytes) {
    const Kokkos::View<Complex*> energies("koushi::test::energies", static_cast<std::size_t>(sampler.rows().count));
    int pieces = 0;
    sampler.for_pieces(
        *psi,
        [&](const Batch& piece, std::int64_t first) {
          const auto end = first + static_cast<std::int64_t>(piece.states.local.extent(0));
          sampler.moves().local_energies(Kokkos::DefaultExecutionSpace{}, terms, piece,
                                         Kokkos::subview(energies, Kokkos::make_pair(first, end)));
          ++pieces;
        },
        most_bytes);
    const auto host = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace{}, energies);
    return std::pair(std::vector<Complex>(host.data(), host.data() + host.size()), pieces);
  };
  MoveTable table(h.move_list());
  table.propose(1.0, h.move_list());
  table.finish();
  MarkovChains with(self, *psi, table, {.chains = 16, .samples = 64, .seed = 3});
  MarkovChains without(self, *psi, table, {.chains = 16, .samples = 64, .seed = 3, .keep_tables = false});
  for (MarkovChains* chains : {&with, &without}) {
    chains->start(*psi);
    chains->draw(*psi, 1, 0);
  }
  CHECK(with.samples().has_tables());
  CHECK_FALSE(without.samples().has_tables());
  const auto [kept, one] = energies_of(with, 1);
  const auto [by_one, many] = energies_of(without, 1);
  CHECK(one == 1);
  CHECK(many == 64);
  const double bytes = 8.0 * static_cast<double>(psi->make_batch(0).table.extent(1));
  CHECK(energies_of(without, 7 * bytes).first == by_one);
  CHECK(energies_of(without, 1e9).first == by_one);
  double worst = 0;
  double scale = 1;
  for (std::size_t s = 0; s < kept.size(); ++s) {
    worst = std::max(worst, Kokkos::abs(kept[s] - by_one[s]));
    scale = std::max(scale, Kokkos::abs(kept[s]));
  }
  CHECK(worst < 1e-6 * scale);
  if (psi->parameters().empty()) return;
  psi->refresh(with.samples());
  const auto entries = psi->log_derivatives(self, with.rows(), with.samples())->entries();
  const auto made_again = psi->log_derivatives(self, without.rows(), without.samples())->entries();
  CHECK(entries == made_again);
}

TEST_CASE("local energies of all states are (H psi)(x) / psi(x)", "[conformance]") {
  const Product product = GENERATE(from_range(products()));
  // Around directions of two sites several bonds of one shell and one orientation join the same sites.
  const std::string cluster =
      GENERATE("kind = \"square\"\nextents = [2, 2]\n",
               "kind = \"chain\"\nextents = [5]\nboundary = [\"antiperiodic\"]\n", "kind = \"chain\"\nextents = [5]\n");
  // Bare translations are symmetries around periodic directions alone.
  const bool antiperiodic = cluster.find("anti") != std::string::npos;
  if (cluster.find("chain") != std::string::npos && product.wavefunction.empty() != antiperiodic) return;
  // On four sites every state of two fermions is its own image with the fermions exchanged: nothing has momentum 0.
  if (product.hamiltonian.find("t-v") != std::string::npos && !product.wavefunction.empty() && !antiperiodic &&
      cluster.find("square") != std::string::npos)
    return;
  INFO(product.text() << cluster);
  std::string couplings;
  for (const std::string& key : couplings_per_shell(product.hamiltonian)) couplings += key + " = [1.0, 0.3]\n";
  const Deck deck = deck_of(cluster, product.hamiltonian + couplings, product.factors, product.wavefunction);
  const Lattice lattice = make_lattice(deck);
  const auto psi = wavefunction(deck, lattice);
  const Operator h = make_hamiltonian(deck, lattice);
  const Basis basis(h.space());
  const Batch batch = psi->make_batch(basis.size());
  assign_states(batch.states, basis.states(0, basis.size()));
  psi->refresh(batch);
  const auto n = static_cast<std::size_t>(basis.size());
  const Kokkos::View<Complex*> energies("koushi::test::energies", n);
  const Kokkos::View<Complex**, Kokkos::LayoutRight> values("koushi::test::values", n, 1);
  const auto moves = psi->moves(h.move_list());
  const Terms terms = make_terms(h);
  moves->local_energies(Kokkos::DefaultExecutionSpace{}, terms, batch, energies);
  moves->local_values(Kokkos::DefaultExecutionSpace{}, terms, batch, values);
  const auto found = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace{}, energies);
  const auto by_group = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace{}, values);
  const Eigen::VectorXcd amplitude = amplitudes(*psi, basis);
  const Eigen::VectorXcd h_psi = h.matrix(basis) * amplitude;
  double worst = 0;
  double groups = 0;
  for (std::size_t a = 0; a < n; ++a) {
    const auto index = static_cast<Eigen::Index>(a);
    if (std::abs(amplitude(index)) < 1e-4) continue;  // near a node ratios lose the digits of the amplitude
    const std::complex<double> expected = h_psi(index) / amplitude(index);
    worst = std::max(worst, std::abs(std::complex<double>(found(a).real(), found(a).imag()) - expected) /
                                std::max(1.0, std::abs(expected)));
    groups = std::max(groups, std::abs(std::complex<double>(by_group(a, 0).real(), by_group(a, 0).imag()) - expected) /
                                  std::max(1.0, std::abs(expected)));
  }
  CHECK(worst < 1e-8);
  CHECK(groups < 1e-8);
}

TEST_CASE("a sum over translations has the momentum that the deck asks for", "[conformance]") {
  const std::vector<Product> all = {
      {"kind = \"heisenberg\"\n", "kind = \"rbm\"\nwidth = 0.3\n"},
      {"kind = \"hubbard\"\n", "kind = \"slater\"\nwidth = 0.3\n[[wavefunction.factor]]\nkind = \"gutzwiller\"\n"},
      {"kind = \"t-v\"\n", "kind = \"rbm\"\nwidth = 0.3\n"},
      {"kind = \"hubbard\"\n", "kind = \"pair-product\"\nwidth = 0.3\n"},
      {"kind = \"kondo\"\n", "kind = \"slater\"\nwidth = 0.3\n"}};
  const Product product = GENERATE_COPY(from_range(all));
  const std::vector<int> n = GENERATE(std::vector<int>{0, 0}, std::vector<int>{1, 2}, std::vector<int>{0, 1});
  INFO(product.text() << n[0] << ' ' << n[1]);
  const Deck deck =
      deck_of("kind = \"square\"\nextents = [2, 3]\n", product.hamiltonian, product.factors,
              fmt::format("symmetry = {{ group = \"translations\", momentum = [{}, {}] }}\n", n[0], n[1]));
  const Lattice lattice = make_lattice(deck);
  const Operator h = make_hamiltonian(deck, lattice);
  const auto psi = wavefunction(deck, lattice);
  const Basis basis(h.space());
  const Eigen::VectorXcd amplitude = amplitudes(*psi, basis);
  const double norm = amplitude.norm();
  REQUIRE(norm > 1e-3);
  // T |x> = sign |x moved>, the sign being that of the order in which the moved fermions stand: no word of numbers.
  for (const Permutation& g : lattice.translations()) {
    const int x = g[0] / 3;
    const int y = g[0] % 3;
    const double turns = n[0] * x / 2.0 + n[1] * y / 3.0;
    Eigen::VectorXcd moved = Eigen::VectorXcd::Zero(amplitude.size());
    for (std::int64_t k = 0; k < basis.size(); ++k) {
      const std::vector<std::int8_t> state = basis.state(k);
      std::vector<std::int8_t> image(state.size());
      std::vector<int> places;
      for (int p = 0; p < h.space().n_places(); ++p) {
        const int to = h.space().place(h.space().flavour_of(p), g[static_cast<std::size_t>(h.space().site_of(p))]);
        image[static_cast<std::size_t>(to)] = state[static_cast<std::size_t>(p)];
        if (h.space().is_fermionic(p) && state[static_cast<std::size_t>(p)] != 0) places.push_back(to);
      }
      int inversions = 0;
      for (std::size_t a = 0; a < places.size(); ++a) {
        for (std::size_t b = a + 1; b < places.size(); ++b) inversions += places[a] > places[b] ? 1 : 0;
      }
      moved(basis.index(image.data())) += (inversions % 2 == 0 ? 1.0 : -1.0) * amplitude(k);
    }
    const std::complex<double> phase = std::polar(1.0, -2 * std::numbers::pi * turns);
    CHECK((moved - phase * amplitude).norm() < 1e-11 * norm);
  }
}

TEST_CASE("a sum over images lies in the sector that the deck asks for", "[conformance]") {
  struct Case {
    std::string cluster;
    std::string hamiltonian;
    std::string factors;
    std::string sector;
  };
  const std::string rbm = "kind = \"rbm\"\nwidth = 0.4\n";
  const std::string slater = "kind = \"slater\"\norbitals = \"random\"\n";
  const Case one = GENERATE_COPY(
      Case{"kind = \"square\"\nextents = [3, 3]\n", "kind = \"heisenberg\"\n", rbm, "magnetization = 1\n"},
      Case{"kind = \"square\"\nextents = [4, 2]\n", "kind = \"heisenberg\"\n", rbm, "magnetization = 0\n"},
      Case{"kind = \"chain\"\nextents = [6]\n", "kind = \"transverse-field-ising\"\nfield = 0.5\n", rbm, ""},
      Case{"kind = \"chain\"\nextents = [5]\n", "kind = \"heisenberg\"\nspin = 1.0\n", rbm, "magnetization = 0\n"},
      Case{"kind = \"chain\"\nextents = [4]\n", "kind = \"hubbard\"\n", slater, "electrons = [2, 2]\n"},
      Case{"kind = \"chain\"\nextents = [4]\n", "kind = \"hubbard\"\n", slater, "electrons = [1, 1]\n"},
      Case{"kind = \"square\"\nextents = [2, 2]\n", "kind = \"hubbard\"\n",
           "kind = \"pair-product\"\npairing = \"random\"\n", "electrons = [1, 1]\n"},
      Case{"kind = \"chain\"\nextents = [3]\n", "kind = \"kondo\"\n", slater, "particles = 3\nmagnetization = 0\n"});
  const auto deck_with = [&](const std::string& wavefunction) {
    const std::string text = fmt::format(
        "title = \"t\"\nseed = 7\n[study]\nkind = \"ground-state\"\nsteps = 1\n[lattice]\n{}[hamiltonian]\n{}"
        "[wavefunction]\n{}[[wavefunction.factor]]\n{}[sampler]\nkind = \"metropolis\"\n{}[solver]\nkind = "
        "\"stochastic-reconfiguration\"\n[output]\nfile = \"none.h5\"\n",
        one.cluster, one.hamiltonian, wavefunction, one.factors, one.sector);
    return Deck::parse(text, "conformance.toml", {}, catalogue());
  };
  const Deck plain = deck_with("");
  const Lattice lattice = make_lattice(plain);
  const Operator h = make_hamiltonian(plain, lattice);
  const Basis basis(h.space());
  INFO(one.cluster << one.hamiltonian << one.sector);
  const std::vector<int> inversions = is_inversion_symmetric(h) ? std::vector<int>{0, 1, -1} : std::vector<int>{0};
  const std::vector<SymmetrySector> sectors = symmetry_sectors(lattice, lattice.space_group_elements(SymmetryTest(h)));
  int asked = 0;
  for (const SymmetrySector& sector : sectors) {
    for (const int inversion : inversions) {
      const SectorBasis expected(Communicator::self(), h.space(), {sector, inversion});
      if (expected.size() == 0) continue;
      const Deck deck =
          deck_with(fmt::format("symmetry = {{ group = \"space-group\", momentum = [{}], representation = \"{}\", "
                                "spin_inversion = \"{}\" }}\n",
                                fmt::join(sector.momentum, ", "), sector.representation,
                                inversion == 0  ? "none"
                                : inversion > 0 ? "even"
                                                : "odd"));
      INFO(fmt::format("momentum {}, {}, inversion {}", fmt::join(sector.momentum, ","), sector.representation,
                       inversion));
      const auto psi = wavefunction(deck, lattice);
      const Eigen::VectorXcd amplitude = amplitudes(*psi, basis);
      std::vector<std::complex<double>> parts(static_cast<std::size_t>(expected.size()));
      for (std::int64_t k = 0; k < basis.size(); ++k) {
        std::array<std::uint64_t, SectorBasis::lanes> words;
        words.fill(expected.packed().pack(basis.state(k).data()));
        std::array<SectorBasis::Found, SectorBasis::lanes> found;
        expected.find(words, found);
        if (found[0].index < 0) continue;
        const double size = expected.root(found[0].index) / std::sqrt(static_cast<double>(expected.order()));
        parts[static_cast<std::size_t>(found[0].index)] += std::conj(found[0].phase) * size * amplitude(k);
      }
      double inside = 0;
      for (const std::complex<double>& part : parts) inside += std::norm(part);
      CHECK(std::abs(inside / amplitude.squaredNorm() - 1) < 1e-10);
      ++asked;
    }
  }
  CHECK(asked >= 6);
}

TEST_CASE("every momentum of a star can be asked for", "[conformance]") {
  const auto [x, y] = GENERATE(table<int, int>({{0, 1}, {1, 0}, {2, 0}, {1, 2}, {2, 2}}));
  const Deck deck =
      deck_of("kind = \"square\"\nextents = [3, 3]\n", "kind = \"heisenberg\"\n", "kind = \"rbm\"\nwidth = 0.3\n",
              fmt::format("symmetry = {{ group = \"space-group\", momentum = [{}, {}] }}\n", x, y));
  const Lattice lattice = make_lattice(deck);
  const Basis basis(make_hamiltonian(deck, lattice).space());
  const Eigen::VectorXcd amplitude = amplitudes(*wavefunction(deck, lattice), basis);
  for (const Permutation& g : lattice.translations()) {
    const double turns = (x * (g[0] / 3) + y * (g[0] % 3)) / 3.0;
    Eigen::VectorXcd moved = Eigen::VectorXcd::Zero(amplitude.size());
    for (std::int64_t k = 0; k < basis.size(); ++k) {
      std::vector<std::int8_t> image(9);
      for (std::size_t i = 0; i < 9; ++i) image[static_cast<std::size_t>(g[i])] = basis.state(k)[i];
      moved(basis.index(image.data())) = amplitude(k);
    }
    CHECK((moved - std::polar(1.0, -2 * std::numbers::pi * turns) * amplitude).norm() < 1e-11 * amplitude.norm());
  }
}

TEST_CASE("one kernel for a product is what a kernel per factor gives", "[conformance]") {
  const Product product = GENERATE(from_range(products()));
  if (product.factors.find("[[") == std::string::npos) return;
  INFO(product.text());
  const Deck deck =
      deck_of("kind = \"chain\"\nextents = [5]\n", product.hamiltonian, product.factors, product.wavefunction);
  const Lattice lattice = make_lattice(deck);
  const Operator h = make_hamiltonian(deck, lattice);
  const auto psi = wavefunction(deck, lattice);
  const auto list = all_moves(h);
  const MoveTable table = proposed(list);
  const Batch batch = random_batch(*psi, 9);
  const Batch same = random_batch(*psi, 9);
  const Kokkos::View<std::int64_t* [2]> counts("koushi::test::counts", 9);
  const Kokkos::View<std::int64_t* [2]> other_counts("koushi::test::counts", 9);
  psi->moves(list)->metropolis(Kokkos::DefaultExecutionSpace{}, table.kinds, batch, counts, {.seed = 4}, 50);
  psi->general_moves(list)->metropolis(Kokkos::DefaultExecutionSpace{}, table.kinds, same, other_counts, {.seed = 4},
                                       50);
  const auto a = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace{}, batch.states.local);
  const auto b = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace{}, same.states.local);
  int differing = 0;
  for (std::size_t k = 0; k < a.size(); ++k) differing += a.data()[k] != b.data()[k] ? 1 : 0;
  CHECK(differing == 0);
  const auto n = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace{}, counts);
  CHECK(n(0, 0) > 0);
}
