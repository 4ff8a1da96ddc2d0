#pragma once

#include <string>

#include "storage/base/result.h"

namespace barograph::server {

struct LoggingOptions {
  std::string level = "info";   ///< trace, debug, info, warn, error, off
  std::string format = "text";  ///< text, or json: one object a line
  /// Empty: stderr. Else a file that is rotated at `rotate_bytes`, `rotate_files` of them kept.
  std::string file;
  std::size_t rotate_bytes = 64U << 20U;
  std::size_t rotate_files = 5;
};

/// Sets up spdlog's default logger. May be called again: level and sinks change at run time.
/// Errors: kInvalidArgument (unknown level or format), kIo (the file cannot be opened).
[[nodiscard]] Status SetUpLogging(const LoggingOptions& options);

}  // namespace barograph::server
