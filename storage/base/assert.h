#pragma once

#include <string_view>

namespace barograph {

/// Prints the broken invariant and ends the process: fail-stop over fail-wrong.
[[noreturn]] void AssertionFailed(const char* file, int line, const char* condition,
                                  std::string_view message);

}  // namespace barograph

/// Always on, in release builds too. For our own invariants, never for input.
#define BAROGRAPH_ASSERT(condition, message)                                   \
  do {                                                                         \
    if (!(condition)) [[unlikely]] {                                           \
      ::barograph::AssertionFailed(__FILE__, __LINE__, #condition, (message)); \
    }                                                                          \
  } while (false)

/// As BAROGRAPH_ASSERT, but only in builds with assertions of the standard library (hot loops).
#ifdef _GLIBCXX_ASSERTIONS
#define BAROGRAPH_DCHECK(condition, message) BAROGRAPH_ASSERT(condition, message)
#else
#define BAROGRAPH_DCHECK(condition, message) \
  do {                                       \
  } while (false)
#endif
