#pragma once

#include "koushi/base/error.hpp"

namespace koushi {

/// A result file that was whole once (exit 3): no mistake of the deck that names it.
struct DamagedFile : StoreError {
  using StoreError::StoreError;
};

}  // namespace koushi
