#pragma once

namespace koushi {

/// Does nothing. A program that names it is linked with the check of the processor, which comes before all initialisers
/// and ends the process where instructions that koushi was compiled for are missing.
void require_processor();

}  // namespace koushi
