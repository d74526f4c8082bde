#include <catch2/catch_test_macros.hpp>
#include <random>

#include "koushi/base/error.hpp"
#include "koushi/deck/deck.hpp"

using namespace koushi;

namespace {

std::vector<Section> sections() {
  const auto key = [](const std::string& path, KeyType type, const std::string& default_value) {
    Key k;
    k.path = path;
    k.type = type;
    k.default_value = default_value;
    return k;
  };
  Key chains = key("chains", KeyType::integer, "");
  chains.min = 2;
  chains.max = 100;
  Key route = key("route", KeyType::choice, "\"dense\"");
  route.choices = {"dense", "matrix-free"};
  return {{"", "", false, {{"", "", {key("title", KeyType::text, "")}}}},
          {"sampler",
           "",
           false,
           {{"", "", {chains, key("weights", KeyType::reals, "[1.0]"), key("every", KeyType::duration, "\"5 min\"")}}}},
          {"action",
           "",
           false,
           {{"phi4", "", {key("lambda", KeyType::real, "")}},
            {"wilson", "", {key("shift.relative", KeyType::real, "1e-3"), route}}}}};
}

const std::string good =
    "title = \"t\"\n[sampler]\nchains = 4\n[action]\nkind = \"wilson\"\nshift = { relative = 0.5 }\n";

std::string message(const std::string& text, const std::vector<std::string>& sets = {}) {
  try {
    Deck::parse(text, "a.toml", sets, sections());
  } catch (const Error& error) {
    CHECK(error.exit_code() == 2);
    return error.what();
  }
  return "";
}

}  // namespace

TEST_CASE("a good deck is read, with defaults and overrides", "[deck]") {
  const Deck deck = Deck::parse(good, "a.toml", {"sampler.chains=8", "action.route=matrix-free"}, sections());
  CHECK(deck.integer("sampler.chains") == 8);
  CHECK(deck.real("action.shift.relative") == 0.5);
  CHECK(deck.text("action.route") == "matrix-free");
  CHECK(deck.seconds("sampler.every") == 300);
  CHECK(Deck::parse(deck.resolved(), "b.toml", {}, sections()).resolved() == deck.resolved());
}

TEST_CASE("bad decks get exact messages", "[deck]") {
  const std::string head = "title = \"t\"\n[sampler]\n";
  const std::string tail = "[action]\nkind = \"wilson\"\n";
  CHECK(message(good).empty());
  CHECK(message(head + "chain = 4\nchains = 4\n" + tail) ==
        "a.toml:3:1: error: [sampler] chain is not a key of this section\n  expected: one of chains, weights, every    "
        " (did you mean \"chains\"?)");
  CHECK(message(head + "chains = 1\n" + tail) ==
        "a.toml:3:1: error: [sampler] chains = 1 is not accepted\n  expected: integer >= 2, <= 100");
  CHECK(message(head + "chains = 4\n[action]\nkind = \"wils\\ron\"\n") ==
        "a.toml:5:1: error: [action] kind = \"wils\\u000don\" is unknown\n  expected: one of phi4, wilson     (did you "
        "mean \"wilson\"?)");
  CHECK(message(head + "chains = 4.5\n" + tail) ==
        "a.toml:3:1: error: [sampler] chains = 4.5 is not accepted\n  expected: integer >= 2, <= 100");
  CHECK(message(head + "chains = \"four\"\n" + tail) ==
        "a.toml:3:1: error: [sampler] chains = 'four' is not accepted\n  expected: integer >= 2, <= 100");
  CHECK(message(head + tail) == "a.toml:2:2: error: [sampler] chains is missing\n  expected: integer >= 2, <= 100");
  CHECK(message(head + "chains = 4\nevery = \"5 parsec\"\n" + tail) ==
        "a.toml:4:1: error: [sampler] every = '5 parsec' is not accepted\n  expected: duration, as \"5 min\", \"90 s\" "
        "or \"01:30:00\"");
  CHECK(message(head + "chains = 4\nweights = [1, nan]\n" + tail) ==
        "a.toml:4:1: error: [sampler] weights = [ 1, nan ] is not accepted\n  expected: list of real numbers");
  CHECK(message(head + "chains = 4\n[action]\nkind = \"wilsn\"\n") ==
        "a.toml:5:1: error: [action] kind = \"wilsn\" is unknown\n  expected: one of phi4, wilson     (did you mean "
        "\"wilson\"?)");
  CHECK(message(head + "chains = 4\n[action]\nlambda = 1\n") ==
        "a.toml:4:2: error: [action] kind is missing\n  expected: one of phi4, wilson");
  CHECK(message(good + "[solvr]\nstep = 1\n") ==
        "a.toml:8:1: error: [solvr] is not a section of a deck\n  expected: one of sampler, action");
  CHECK(message(good, {"sampler.chains=abc"}) ==
        "--set sampler.chains=abc: error: [sampler] chains = 'abc' is not accepted\n  expected: integer >= 2, <= 100");
  CHECK(message(good, {"sampler.chains"}) ==
        "--set sampler.chains: error: no value\n  expected: --set section.key=value");
  CHECK(message(good + "route = \"dens\"\n") ==
        "a.toml:7:1: error: [action] route = 'dens' is not accepted\n  expected: one of dense, matrix-free     (did "
        "you mean \"dense\"?)");
  CHECK(message("title = 3\n[sampler]\nchains = 0\n" + tail) ==
        "a.toml:1:1: error: deck title = 3 is not accepted\n  expected: text in quotes\n"
        "a.toml:3:1: error: [sampler] chains = 0 is not accepted\n  expected: integer >= 2, <= 100");
  CHECK(message("title = \n").rfind("a.toml:1:9: error: ", 0) == 0);
  CHECK(message(good + "kind = \"phi4\"\n").rfind("a.toml:7:", 0) == 0);  // a key given twice
}

TEST_CASE("mutated decks end in a deck or a DeckError", "[deck]") {
  std::mt19937 engine(11);
  int accepted = 0;
  for (int k = 0; k < 4000; ++k) {
    std::string text = good;
    for (int edits = 1 + static_cast<int>(engine() % 3); edits > 0; --edits) {
      const std::size_t at = engine() % text.size();
      switch (engine() % 3) {
        case 0:
          text[at] = static_cast<char>(engine() % 256);
          break;
        case 1:
          text.erase(at, 1 + engine() % 5);
          break;
        default:
          text.insert(at, 1, "[]{}=\".\n#1e"[engine() % 11]);
          break;
      }
      if (text.empty()) break;
    }
    try {
      Deck::parse(text, "a.toml", {}, sections());
      ++accepted;
    } catch (const Error& error) {
      REQUIRE(error.exit_code() == 2);
      REQUIRE(std::string(error.what()).find("expected:") != std::string::npos);
    }
  }
  CHECK(accepted > 0);
  CHECK(accepted < 3000);
}
