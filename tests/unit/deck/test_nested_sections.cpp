#include <catch2/catch_test_macros.hpp>

#include "koushi/deck/deck_section.hpp"
#include "koushi/deck/resolved.hpp"
#include "nested_sections.hpp"

using namespace koushi;
using namespace koushi::testing;

TEST_CASE("lists of sections lie in sections of lists", "[deck]") {
  const Deck deck = parse_nested(nested_deck);
  const std::vector<DeckSection> factors = DeckSection(deck, "").sections("wavefunction.factor");
  REQUIRE(factors.size() == 2);
  const std::vector<DeckSection> layers = factors[0].sections("layer");
  REQUIRE(layers.size() == 2);
  CHECK(layers[0].kind() == "dense");
  CHECK(layers[0].integer("size") == 16);
  CHECK(layers[0].text("activation") == "tanh");
  CHECK(layers[1].name() == "wavefunction.factor.0.layer.1");
  CHECK(layers[1].integers("kernel") == std::vector<int>{3, 3});
  CHECK_THROWS_AS(factors[1].sections("layer"), InternalError);
  CHECK_THROWS_AS(layers[1].refuse("kernel", "it is even", "odd extents"), DeckError);
}

TEST_CASE("a resolved deck with nested lists is read as the same deck", "[deck]") {
  const Deck deck =
      parse_nested(nested_deck, {"hamiltonian.t=[0.5,-1]", "hamiltonian.phases=[1,[0,1]]",
                                 "hamiltonian.words=[\"left\"]", "hamiltonian.terms=[[\"q\\\"\",1,2.5]]"});
  const Deck again = parse_nested(deck.resolved());
  CHECK(again.resolved() == deck.resolved());
  CHECK(again.integer("wavefunction.factor.0.layer.0.size") == 16);
  CHECK(again.complex("hamiltonian.t") == std::complex<double>(0.5, -1));
  CHECK(again.complexes("hamiltonian.phases") == std::vector<std::complex<double>>{{1, 0}, {0, 1}});
  CHECK(again.mixed_rows("hamiltonian.terms") == std::vector<Deck::MixedRow>{{"q\"", 1.0, 2.5}});
  CHECK(again.differences(deck.resolved()).empty());
  CHECK(again.differences(parse_nested(nested_deck, {"wavefunction.factor.0.layer.0.size=4"}).resolved()).size() == 5);
  CHECK(resolved_keys(deck.resolved()).at("hamiltonian.t") == "[0.5, -1]");
}

TEST_CASE("keys of nested lists are set and scanned", "[deck]") {
  CHECK(parse_nested(nested_deck, {"wavefunction.factor.0.layer.0.size=3"})
            .integer("wavefunction.factor.0.layer.0.size") == 3);
  const Deck longer = parse_nested(nested_deck, {"wavefunction.factor.0.layer.2.kind=dense"});
  CHECK(longer.count("wavefunction.factor.0.layer") == 3);
  const Deck other = parse_nested(nested_deck, {"wavefunction.factor.0.layer=[{kind=\"dense\"}]"});
  CHECK(other.count("wavefunction.factor.0.layer") == 1);
  const std::string scan = nested_deck + "[scan]\n\"wavefunction.factor.0.layer.0.size\" = [4, 8, 12]\n";
  const ScannedDeck last = parse_scanned(scan, "a.toml", {}, nested_sections(), 2);
  CHECK(last.deck.integer("wavefunction.factor.0.layer.0.size") == 12);
  const ScannedDeck first = parse_scanned(scan, "a.toml", {}, nested_sections(), 0);
  REQUIRE(first.points.size() == 3);
  CHECK(first.points[1].name == "size8");
}

TEST_CASE("what is wrong in a nested list is said at its place", "[deck]") {
  const std::string head = "[study]\nkind = \"ground-state\"\n[[wavefunction.factor]]\nkind = \"network\"\n";
  const std::string tail = "[hamiltonian]\nkind = \"terms\"\n";
  const std::string layer = "[[wavefunction.factor.layer]]\n";
  CHECK(nested_message(head + tail) ==
        "folder/a.toml:3:1: error: there are 0 of [[wavefunction.factor.layer]]\n  expected: 1 to 4");
  CHECK(nested_message(head + layer + "kind = \"dens\"\nsise = 3\n" + tail) ==
        "folder/a.toml:6:1: error: [wavefunction.factor.layer] kind = \"dens\" is unknown\n  expected: one of dense, "
        "conv     (did you mean \"dense\"?)\n"
        "folder/a.toml:7:1: error: [wavefunction.factor.layer] sise is not a key of this section\n  expected: one of "
        "size, activation     (did you mean \"size\"?)");
  CHECK(nested_message(head + layer + "size = 3\n" + tail) ==
        "folder/a.toml:5:1: error: [wavefunction.factor.layer] kind is missing\n  expected: one of dense, conv");
  CHECK(nested_message(head + layer + "kind = \"conv\"\n" + tail) ==
        "folder/a.toml:5:1: error: [wavefunction.factor.layer] kernel is missing\n  expected: list of integers");
  CHECK(nested_message(head + "layer = 3\n" + tail) ==
        "folder/a.toml:3:1: error: there are 0 of [[wavefunction.factor.layer]]\n  expected: 1 to 4\n"
        "folder/a.toml:5:1: error: [wavefunction.factor] layer does not fit into a list of sections\n  expected: "
        "[[wavefunction.factor.layer]] sections, or --set wavefunction.factor.0.layer.0.key=value for the first, "
        "without gaps");
  CHECK(
      nested_message(nested_deck, {"wavefunction.factor.0.layer.3.size=4"}) ==
      "--set wavefunction.factor.0.layer.3.size=4: error: [wavefunction.factor] layer.3.size does not fit into a list "
      "of sections\n  expected: [[wavefunction.factor.layer]] sections, or --set wavefunction.factor.0.layer.0.key="
      "value for the first, without gaps");
  // A list that the kind does not have is one problem, however many keys it holds.
  CHECK(nested_message("[study]\nkind = \"ground-state\"\n[[wavefunction.factor]]\nkind = \"rbm\"\n" + layer +
                       "kind = \"dense\"\nsize = 3\n" + tail) ==
        "folder/a.toml:5:1: error: [wavefunction.factor] has no list of sections layer\n  expected: of kind = \"rbm\" "
        "one of density");
  CHECK(nested_message(head + layer + "kind = \"dense\"\n[[wavefunction.factor.layr]]\nkind = \"dense\"\n" + tail) ==
        "folder/a.toml:7:1: error: [wavefunction.factor] has no list of sections layr\n  expected: of kind = "
        "\"network\" one of width, layer     (did you mean \"layer\"?)");
  std::string many = head;
  for (int k = 0; k < 5; ++k) many += layer + "kind = \"dense\"\n";
  CHECK(nested_message(many + tail) ==
        "folder/a.toml:13:1: error: there are 5 of [[wavefunction.factor.layer]]\n  expected: 1 to 4");
}

TEST_CASE("beside a misspelt kind the rest is checked as if the nearest was meant", "[deck]") {
  const std::string said = nested_message(
      "[study]\nkind = \"grond-state\"\nstps = 3\n[[wavefunction.factor]]\nkind = \"rbn\"\ndensity = 100\n"
      "[hamiltonian]\nkind = \"term\"\ntt = 1\n[outptu]\n");
  for (const char* part :
       {":2:1: error: [study] kind = \"grond-state\" is unknown", ":3:1: error: [study] stps is not a key",
        ":5:1: error: [wavefunction.factor] kind = \"rbn\" is unknown",
        ":6:1: error: [wavefunction.factor] density = 100 is not accepted",
        ":8:1: error: [hamiltonian] kind = \"term\" is unknown", ":9:1: error: [hamiltonian] tt is not a key",
        ":10:2: error: [outptu] is not a section of a deck"}) {
    CAPTURE(part, said);
    CHECK(said.find(part) != std::string::npos);
  }
  // With nothing near, the sections of a study are not looked at.
  const std::string nothing = nested_message("[study]\nkind = \"thermodynamics\"\n[hamiltonian]\nkind = 3\n");
  CHECK(nothing.find("thermodynamics") != std::string::npos);
  CHECK(nothing.find("hamiltonian") == std::string::npos);
}

TEST_CASE("seed and result file have defaults that the resolved deck holds", "[deck]") {
  const Deck deck = parse_nested(nested_deck);
  CHECK(deck.integer("seed") == 7);
  CHECK(!deck.given("seed"));
  CHECK(deck.text("output.file") == "a.h5");
  CHECK(!deck.given("output.file"));
  CHECK(parse_nested(deck.resolved()).text("output.file") == "a.h5");
  CHECK(Deck::parse(nested_deck, "x.y.toml", {}, nested_sections()).text("output.file") == "x.y.h5");
  CHECK(Deck::parse(nested_deck, "../deck", {}, nested_sections()).text("output.file") == "deck.h5");
  // A scan moves the default of the seed as it does one that is given.
  const std::string scan = "[scan]\n\"hamiltonian.t\" = [0.5, [0, 1]]\n";
  const auto seed = [](const std::string& text) {
    const ScannedDeck point = parse_scanned(text, "a.toml", {}, nested_sections(), 1);
    CHECK(point.deck.complex("hamiltonian.t") == std::complex<double>(0, 1));
    return point.deck.integer("seed");
  };
  const auto seed_of = [&](const std::string& head, std::size_t k) {
    return parse_scanned(head + nested_deck + scan, "a.toml", {}, nested_sections(), k).deck.integer("seed");
  };
  CHECK(seed_of("", 0) == seed_of("seed = 7\n", 0));
  CHECK(seed_of("", 1) == seed_of("seed = 7\n", 1));
  CHECK(seed_of("", 0) != seed_of("", 1));
  CHECK(seed(nested_deck + scan + "seeds = \"same\"\n") == 7);
}

TEST_CASE("a template shows the kinds and keys that are set", "[deck]") {
  const std::vector<std::string> sets{"wavefunction.factor.0.kind=network",
                                      "wavefunction.factor.1.kind=rbm",
                                      "wavefunction.factor.0.layer.1.kind=conv",
                                      "wavefunction.factor.1.density=3",
                                      "hamiltonian.t=[0,1]",
                                      "hamiltonian.words=[\"left\"]"};
  const std::string text = deck_template(nested_sections(), "ground-state", sets);
  const Deck deck = parse_nested(text);
  CHECK(deck.differences(parse_nested(text, sets).resolved()).empty());
  CHECK(deck.integer("wavefunction.factor.1.density") == 3);
  CHECK(deck.text("wavefunction.factor.0.layer.0.kind") == "dense");
  CHECK(deck.text("wavefunction.factor.0.layer.1.kind") == "conv");
  CHECK(deck.complex("hamiltonian.t") == std::complex<double>(0, 1));
  CHECK(deck.given("hamiltonian.words"));
  CHECK(!deck.given("hamiltonian.bonds"));
  CHECK(!deck.given("output.file"));
  CHECK(parse_nested(deck_template(nested_sections(), "ground-state")).text("wavefunction.factor.0.kind") == "rbm");
  CHECK_THROWS_AS(deck_template(nested_sections(), "ground-state", {"study.kind=field"}), UsageError);
  CHECK_THROWS_AS(deck_template(nested_sections(), "ground-state", {"scan.seed=[1,2]"}), UsageError);
  CHECK_THROWS_AS(deck_template(nested_sections(), "ground-state", {"seed"}), UsageError);
}

TEST_CASE("nested kinds are listed and described", "[deck]") {
  const std::vector<Section> sections = nested_sections();
  std::vector<std::string> names;
  for (const auto& [section, kind] : all_kinds(sections)) {
    if (!kind->name.empty()) names.push_back(section + " " + kind->name);
  }
  CHECK(names == std::vector<std::string>{"study ground-state", "study field", "wavefunction.factor rbm",
                                          "wavefunction.factor network", "wavefunction.factor.layer dense",
                                          "wavefunction.factor.layer conv", "hamiltonian terms"});
  const std::string text = describe(sections[2].kinds[1], "wavefunction.factor");
  CHECK(text.find("[[wavefunction.factor.layer]]: Of a network, from the input on.") != std::string::npos);
  CHECK(text.find("[wavefunction.factor.layer] kind = \"conv\"") != std::string::npos);
  CHECK(deck_reference(sections).find("default the name of the deck with .h5") != std::string::npos);
}
