#pragma once

#define TOML_EXCEPTIONS 1
#define TOML_ASSERT(condition) \
  static_cast<void>(0)  // 3.3 asserts on the deck "a = [}", and then reports the error anyway
#include <toml++/toml.h>
