#pragma once

namespace koushi {

/// Ends a process on a processor that lacks what koushi was compiled for. Happens before all initialisers in every program that names this function.
void require_processor();

}  // namespace koushi
