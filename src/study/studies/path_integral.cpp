#include "../field_study.hpp"

namespace koushi {

StudyKind path_integral_kind() {
  StudyKind kind =
      field_study_kind("path-integral", "Monte Carlo over the parameters of networks whose outputs are the paths");
  kind.has_networks = true;
  kind.template_settings = {"lattice.extents=[20]", "action.kind=path"};
  return kind;
}

}  // namespace koushi
