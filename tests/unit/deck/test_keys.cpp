#include <catch2/catch_test_macros.hpp>

#include "koushi/base/error.hpp"
#include "koushi/deck/kind.hpp"

using namespace koushi;

namespace {

enum class Colour { red, green };

struct Options {
  int density = 3;
  std::int64_t steps = 10;
  double width = 1e-6;
  bool bias = true;
  Colour colour = Colour::green;
  std::vector<double> J{1.0, 0.5};
  std::vector<int> extents{4, 4};
  std::vector<std::vector<double>> cells{{1, 0}, {0, 1}};
  std::vector<std::string> names{"a"};
  std::string file = "run.h5";
  std::complex<double> hopping{0, 0.5};
  std::vector<std::complex<double>> twists{{1, 0}, {0, 1}};
  std::vector<Deck::MixedRow> terms{{"hop", 0.0, 1.0}};
  std::optional<double> end;
  double needed = 0;

  static const Keys<Options>& keys() {
    static const auto all =
        Keys<Options>()
            .integer("density", &Options::density, {1, 8}, "units")
            .integer("steps", &Options::steps, {}, "steps")
            .real("width", &Options::width, {positive_number}, "width")
            .boolean("bias", &Options::bias, "bias")
            .choice("colour", &Options::colour, {{"red", Colour::red}, {"green", Colour::green}}, "colour")
            .reals("J", &Options::J, {}, "couplings")
            .integers("extents", &Options::extents, {}, "extents")
            .rows("cells", &Options::cells, "cells")
            .texts("names", &Options::names, {"a", "b"}, "names")
            .text("file", &Options::file, "file")
            .complex("hopping", &Options::hopping, "hopping")
            .complexes("twists", &Options::twists, "twists")
            .mixed_rows("terms", &Options::terms, "terms")
            .from_file()
            .real("shift.end", &Options::end, {0, 1}, "end")
            .real("needed", &Options::needed, {}, "needed")
            .required()
            .example("0.25");
    return all;
  }
};

using ThingKind = Kind<double, int>;

Deck deck(const std::string& text) {
  return Deck::parse(text, "a.toml", {}, {{"thing", "", false, {{"one", "", Options::keys().list()}}}});
}

}  // namespace

TEST_CASE("keys give their members, whose initial values are the defaults", "[deck]") {
  const Deck plain = deck("[thing]\nkind = \"one\"\nneeded = 2\n");
  const Options defaults = Options::keys().read({plain, "thing"});
  CHECK(defaults.density == 3);
  CHECK(defaults.steps == 10);
  CHECK(defaults.width == 1e-6);
  CHECK(defaults.bias);
  CHECK(defaults.colour == Colour::green);
  CHECK(defaults.J == std::vector<double>{1.0, 0.5});
  CHECK(defaults.extents == std::vector<int>{4, 4});
  CHECK(defaults.cells == std::vector<std::vector<double>>{{1, 0}, {0, 1}});
  CHECK(defaults.names == std::vector<std::string>{"a"});
  CHECK(defaults.file == "run.h5");
  CHECK(defaults.hopping == std::complex<double>(0, 0.5));
  CHECK(defaults.twists == Options{}.twists);
  CHECK(defaults.terms == Options{}.terms);
  CHECK(!defaults.end);
  CHECK(defaults.needed == 2);
  CHECK(Options::keys().list()[2].default_value == "1e-6");
  CHECK(Options::keys().list()[5].default_value == "[1.0, 0.5]");

  const Deck given = deck(
      "[thing]\nkind = \"one\"\nneeded = 2\ndensity = 8\nsteps = 5000000000\nwidth = 0.25\nbias = false\ncolour = "
      "\"red\"\nJ = [2]\nextents = [3]\ncells = [[7]]\nnames = [\"b\"]\nfile = \"x\"\nshift.end = 0.5\nhopping = [1, "
      "-1]\ntwists = [2]\nterms = [[1, \"a\"]]\n");
  const Options options = Options::keys().read({given, "thing"});
  CHECK(options.density == 8);
  CHECK(options.steps == 5000000000);
  CHECK(options.width == 0.25);
  CHECK(!options.bias);
  CHECK(options.colour == Colour::red);
  CHECK(options.J == std::vector<double>{2});
  CHECK(options.extents == std::vector<int>{3});
  CHECK(options.cells == std::vector<std::vector<double>>{{7}});
  CHECK(options.names == std::vector<std::string>{"b"});
  CHECK(options.file == "x");
  CHECK(options.end == 0.5);
  CHECK(options.hopping == std::complex<double>(1, -1));
  CHECK(options.twists == std::vector<std::complex<double>>{2});
  CHECK(options.terms == std::vector<Deck::MixedRow>{{1.0, "a"}});
  CHECK(deck_template({{"thing", "", false, {{"one", "", Options::keys().list()}}}}, "").find("needed = 0.25") !=
        std::string::npos);
  CHECK_THROWS_AS(deck("[thing]\nkind = \"one\"\n"), DeckError);                           // needed
  CHECK_THROWS_AS(deck("[thing]\nkind = \"one\"\nneeded = 2\ndensity = 9\n"), DeckError);  // beyond its bounds
  CHECK_THROWS_AS(deck("[thing]\nkind = \"one\"\nneeded = 2\nwidth = 0.0\n"), DeckError);
}

TEST_CASE("kinds are found by their names and refuse two of one name", "[deck]") {
  const ThingKind one{"one", "the first", Options::keys().list(), [](const DeckSection& section, int factor) {
                        return factor * Options::keys().read(section).needed;
                      }};
  Kinds<double, int> kinds({one});
  const Deck plain = deck("[thing]\nkind = \"one\"\nneeded = 2\n");
  CHECK(kinds.of({plain, "thing"}).make({plain, "thing"}, 3) == 6);
  CHECK(kinds.find("two") == nullptr);
  CHECK_THROWS_AS(kinds.add(one), InternalError);
  CHECK_THROWS_AS(kinds.add({"two", "", {}, {}}), InternalError);
  kinds.add({"two", "", {}, one.make});
  CHECK(kinds.declared().size() == 2);
  CHECK_THROWS_AS(kinds.add({"three", "", {}, one.make}), InternalError);  // comes after a deck was checked
}
