#pragma once

#include <stdexcept>
#include <string>

namespace koushi {

/// Who knows of an error: every rank of the communicator, or the throwing rank alone.
enum class ErrorScope { uniform, local };

/// Root of everything koushi throws. what() says what was given, what was expected, where, and the remedy.
/// A uniform error is printed once; a local one with its rank, and all ranks stop (parallel/session).
class Error : public std::runtime_error {
 public:
  Error(const std::string& message, int exit_code, ErrorScope scope)
      : std::runtime_error(message), exit_code_(exit_code), scope_(scope) {}
  int exit_code() const { return exit_code_; }
  ErrorScope scope() const { return scope_; }

 private:
  int exit_code_;
  ErrorScope scope_;
};

/// Exit code of a run that was asked to stop (signal, time limit) and has written a checkpoint: run it again.
inline constexpr int exit_stopped = 75;

/// A command line that cannot be obeyed (exit 2).
struct UsageError : Error {
  explicit UsageError(const std::string& message) : Error(message, 2, ErrorScope::uniform) {}
};

/// A deck that cannot be obeyed (exit 2). The message already carries file:line:column.
struct DeckError : Error {
  explicit DeckError(const std::string& message) : Error(message, 2, ErrorScope::uniform) {}
};

/// A result file that cannot be read or written (exit 3).
struct StoreError : Error {
  explicit StoreError(const std::string& message, ErrorScope scope = ErrorScope::uniform) : Error(message, 3, scope) {}
};

/// Numbers that went wrong: not finite, singular, exploding (exit 4).
struct NumericalError : Error {
  explicit NumericalError(const std::string& message, ErrorScope scope = ErrorScope::uniform)
      : Error(message, 4, scope) {}
};

/// A library call that failed (exit 5): the message names library, call, code and place.
struct LibraryError : Error {
  explicit LibraryError(const std::string& message, ErrorScope scope = ErrorScope::local) : Error(message, 5, scope) {}
};

/// A mistake of koushi itself (exit 70).
struct InternalError : Error {
  explicit InternalError(const std::string& message) : Error(message, 70, ErrorScope::local) {}
};

}  // namespace koushi
