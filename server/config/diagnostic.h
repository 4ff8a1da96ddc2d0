#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "storage/base/result.h"

namespace barograph::server {

/// A place in a configuration file. Lines and columns count from 1, columns in bytes; 0 = the file
/// as a whole.
struct Position {
  std::shared_ptr<const std::string>
      file;  ///< as the user named it; null: no file (environment, flag)
  int line = 0;
  int column = 0;
  /// "rules.yaml:12:5"; without the parts that are unknown.
  [[nodiscard]] std::string ToString() const;
};

/// One mistake: where, what is wrong, and what would be right.
struct Diagnostic {
  Position position;
  std::string message;
  /// "rules.yaml:12:5: message".
  [[nodiscard]] std::string ToString() const;
};

/// At most so many mistakes are told of one load; the rest is counted.
inline constexpr std::size_t kDiagnosticsMax = 100;

/// Collects all mistakes of a configuration, so that a reader mends them in one go.
/// Threads: one.
/// Lifetime: a plain value.
class Diagnostics {
 public:
  void Add(Position position, std::string message);
  [[nodiscard]] bool empty() const { return count_ == 0; }
  /// All mistakes, also those beyond kDiagnosticsMax.
  [[nodiscard]] std::size_t count() const { return count_; }
  [[nodiscard]] const std::vector<Diagnostic>& all() const { return all_; }
  /// One line each, ordered by file (as first met), line and column.
  [[nodiscard]] std::string ToString() const;
  /// kInvalidArgument with ToString() as its message. Requires !empty().
  [[nodiscard]] Error ToError() const;

 private:
  std::vector<Diagnostic> all_;
  std::size_t count_ = 0;
};

}  // namespace barograph::server
