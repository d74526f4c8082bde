// In a build without FFTW and MPI.
#include "koushi/base/error.hpp"
#include "koushi/field/fourier.hpp"

namespace koushi {

struct FourierMass::Plans {};

bool FourierMass::is_available() { return false; }
FourierMass::FourierMass(const Grid& grid, double, double mass) : grid_(grid), mass_(mass) {
  throw UsageError("Fourier acceleration needs FFTW, which this koushi was built without");
}
FourierMass::~FourierMass() = default;
void FourierMass::apply_inverse(const FieldArray&, const FieldArray&) {}
void FourierMass::apply_root(const FieldArray&) {}

}  // namespace koushi
