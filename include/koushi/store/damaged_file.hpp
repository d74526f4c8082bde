#pragma once

#include "koushi/base/error.hpp"

namespace koushi {

/// The error of a result file that was whole once (exit 3), which is no mistake of the deck that names it.
struct DamagedFile : StoreError {
  using StoreError::StoreError;
};

}  // namespace koushi
