#include "../field_study.hpp"
#include "koushi/study/study.hpp"

namespace koushi {

StudyKind lattice_field_kind() {
  return {.name = "lattice-field",
          .help = "Monte Carlo of a lattice field theory",
          .keys = field_study_keys(),
          .run = run_field_study,
          .describe = describe_field_study,
          .input_keys = {"study.initial"},
          .extendable_keys = {"study.measurements"},
          .value_keys = {"study.reference.observable"},
          .subject = StudyKind::Subject::fields,
          .start_from = "field: study.initial"};
}

}  // namespace koushi
