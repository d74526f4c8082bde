#include <catch2/catch_test_macros.hpp>
#include <filesystem>
#include <fstream>

#include "nested_sections.hpp"

using namespace koushi;
using namespace koushi::testing;

TEST_CASE("a list comes from a file beside the deck and stands in the resolved deck", "[deck]") {
  const Files files{{"folder/terms.dat", "# i j t\nhop 0, 1 -0.5\r\n\n  site 2 1e-3 # the last\n"},
                    {"folder/J.dat", "1 2.5\n+3\n"},
                    {"folder/phases.dat", "0.5\n0 -1\n"},
                    {"folder/bonds.dat", "0 1\n1 2\n"},
                    {"folder/words.dat", "left\n\n right  # side\n"},
                    {"/abs/sites.dat", "0 1\n2\n"}};
  const std::vector<std::string> sets{"hamiltonian.terms=terms.dat",   "hamiltonian.couplings=J.dat",
                                      "hamiltonian.phases=phases.dat", "hamiltonian.bonds=bonds.dat",
                                      "hamiltonian.words=words.dat",   "hamiltonian.sites=/abs/sites.dat"};
  const Deck deck = parse_nested(nested_deck, sets, files);
  CHECK(deck.mixed_rows("hamiltonian.terms") ==
        std::vector<Deck::MixedRow>{{"hop", 0.0, 1.0, -0.5}, {"site", 2.0, 1e-3}});
  CHECK(deck.reals("hamiltonian.couplings") == std::vector<double>{1, 2.5, 3});
  CHECK(deck.complexes("hamiltonian.phases") == std::vector<std::complex<double>>{{0.5, 0}, {0, -1}});
  CHECK(deck.rows("hamiltonian.bonds") == std::vector<std::vector<double>>{{0, 1}, {1, 2}});
  CHECK(deck.texts("hamiltonian.words") == std::vector<std::string>{"left", "right"});
  CHECK(deck.integers("hamiltonian.sites") == std::vector<int>{0, 1, 2});
  // No file is wanted again.
  CHECK(parse_nested(deck.resolved()).resolved() == deck.resolved());
  // Another content is another deck, although its text is the same.
  CHECK(parse_nested(nested_deck, {"hamiltonian.bonds=bonds.dat"}, {{"folder/bonds.dat", "0 1\n"}})
            .differences(parse_nested(nested_deck, {"hamiltonian.bonds=bonds.dat"}, files).resolved()) ==
        std::vector<std::string>{"hamiltonian.bonds"});
}

TEST_CASE("what is wrong in such a file is said at its line", "[deck]") {
  const auto message = [](const std::string& key, const std::string& content) {
    return nested_message(nested_deck, {"hamiltonian." + key + "=list.dat"}, {{"folder/list.dat", content}});
  };
  CHECK(message("couplings", "1\n# two\ntwo\n3 nan\n") ==
        "folder/list.dat:3:1: error: [hamiltonian] couplings: [ 'two' ] is not accepted\n  expected: real numbers in "
        "every line\n"
        "folder/list.dat:4:1: error: [hamiltonian] couplings: [ 3, nan ] is not accepted\n  expected: real numbers in "
        "every line");
  CHECK(message("sites", "1\n10\n") ==
        "folder/list.dat:2:1: error: [hamiltonian] sites: [ 10 ] is not accepted\n  expected: integers >= 0, <= 9 in "
        "every line");
  CHECK(message("phases", "1 2 3\n") ==
        "folder/list.dat:1:1: error: [hamiltonian] phases: [ 1, 2, 3 ] is not accepted\n  expected: the real and the "
        "imaginary part, as 0.5 -1, in every line");
  CHECK(message("words", "left\nrigth\n") ==
        "folder/list.dat:2:1: error: [hamiltonian] words: [ 'rigth' ] is not accepted\n  expected: one of left, right "
        "in every line     (did you mean \"right\"?)");
  CHECK(message("bonds", "\n# nothing\n") ==
        "--set hamiltonian.bonds=list.dat: error: [hamiltonian] bonds = \"list.dat\": there is nothing in "
        "folder/list.dat\n  expected: numbers in every line, as 1 0 0.5");
  CHECK(nested_message(nested_deck + "terms = \"nowhere\"\n") ==
        "folder/a.toml:15:1: error: [hamiltonian] terms = \"nowhere\": folder/nowhere cannot be read\n  expected: list "
        "of lists of numbers and texts, as [[\"a\", 1], [\"b\", 0.5]], or the name of a file beside the deck with a "
        "row per line");
  CHECK(nested_message(nested_deck + "terms = [[]]\n").find("terms = [ [] ] is not accepted") != std::string::npos);
  // Only keys that say so take a file.
  CHECK(
      nested_message(nested_deck, {"wavefunction.factor.0.layer.1.kernel=list.dat"}) ==
      "--set wavefunction.factor.0.layer.1.kernel=list.dat: error: [wavefunction.factor.layer] kernel = 'list.dat' is "
      "not accepted\n  expected: list of integers");
}

TEST_CASE("a row that another room refuses has its place", "[deck]") {
  const auto place = [](const Deck& deck, std::size_t row) {
    try {
      deck.refuse_row("hamiltonian.terms", row, "no partner", "its adjoint");
    } catch (const DeckError& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  const std::string what = ": error: hamiltonian.terms: no partner\n  expected: its adjoint";
  const Deck file = parse_nested(nested_deck, {"hamiltonian.terms=t.dat"}, {{"folder/t.dat", "a 1\n\nb 2\n"}});
  CHECK(place(file, 1) == "folder/t.dat:3:1" + what);
  const Deck here = parse_nested(nested_deck + "terms = [\n  [\"a\", 1],\n  [\"b\", 2]]\n");
  CHECK(place(here, 1) == "folder/a.toml:17:3" + what);
  CHECK(place(parse_nested(nested_deck, {"hamiltonian.terms=[[1]]"}), 0) == "--set hamiltonian.terms=[[1]]" + what);
  CHECK(place(parse_nested(nested_deck), 0) ==  // that of the section, where the key is not given
        "folder/a.toml:13:2: error: hamiltonian.terms (its default): no partner\n  expected: its adjoint");
}

TEST_CASE("complex numbers are checked", "[deck]") {
  CHECK(parse_nested(nested_deck).complex("hamiltonian.t") == 1.0);
  for (const char* wrong : {"[1]", "[1,2,3]", "[1,nan]", "i", "[\"a\",1]", "true"}) {
    CAPTURE(wrong);
    CHECK(nested_message(nested_deck, {std::string("hamiltonian.t=") + wrong})
              .find("expected: real number or [re, im]") != std::string::npos);
  }
  CHECK(!nested_message(nested_deck, {"hamiltonian.phases=[]"}).empty());
  CHECK(!nested_message(nested_deck, {"hamiltonian.phases=[[1]]"}).empty());
}

TEST_CASE("files are read from the folder of the deck, and folders are none", "[deck]") {
  const std::filesystem::path folder = std::filesystem::temp_directory_path() / "koushi_list_files";
  std::filesystem::create_directories(folder / "sub");
  std::ofstream(folder / "J.dat") << "0.25\n";
  const std::string deck = (folder / "a.toml").string();
  CHECK(Deck::parse(nested_deck, deck, {"hamiltonian.couplings=J.dat"}, nested_sections())
            .reals("hamiltonian.couplings") == std::vector<double>{0.25});
  CHECK_THROWS_AS(Deck::parse(nested_deck, deck, {"hamiltonian.couplings=sub"}, nested_sections()), DeckError);
  std::filesystem::remove_all(folder);
}
