#pragma once

#include <petscksp.h>

#include <source_location>

namespace koushi {

/// Errors  LibraryError with PETSc's text and the place, where the code is not 0
void check(PetscErrorCode code, std::source_location at = std::source_location::current());

/// Owns one PETSc object.
template <typename T, PetscErrorCode (*destroy)(T*)>
class Handle {
 public:
  Handle() = default;
  ~Handle() { destroy(&object_); }
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;
  T* out() { return &object_; }
  T get() const { return object_; }

 private:
  T object_ = nullptr;
};
using VecHandle = Handle<Vec, VecDestroy>;
using MatHandle = Handle<Mat, MatDestroy>;
using KspHandle = Handle<KSP, KSPDestroy>;
using IsHandle = Handle<IS, ISDestroy>;

}  // namespace koushi
