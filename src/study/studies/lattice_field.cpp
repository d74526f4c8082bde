#include "../field_study.hpp"

namespace koushi {

StudyKind lattice_field_kind() { return field_study_kind("lattice-field", "Monte Carlo of a lattice field theory"); }

}  // namespace koushi
