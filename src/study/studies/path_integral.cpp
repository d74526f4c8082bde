#include "../field_study.hpp"
#include "koushi/study/study.hpp"

namespace koushi {

StudyKind path_integral_kind() {
  return {.name = "path-integral",
          .help = "Monte Carlo over the parameters of networks whose outputs are the paths",
          .keys = field_study_keys(),
          .run = run_field_study,
          .describe = describe_field_study,
          .input_keys = {"study.initial"},
          .extendable_keys = {"study.measurements"},
          .value_keys = {"study.reference.observable"},
          .subject = StudyKind::Subject::fields,
          .has_networks = true,
          .template_settings = {"lattice.extents=[20]", "action.kind=path"},
          .start_from = "field: study.initial"};
}

}  // namespace koushi
