#pragma once

#include <memory>
#include <string>

#include "storage/base/result.h"

namespace barograph::server {

/// What the disk itself needs: 4 KiB appended to a file, and synced by fdatasync. The ceiling of
/// whatever is answered after a sync.
///
/// Threads: one.
class AppendFile {
 public:
  /// Errors: kIo.
  [[nodiscard]] static Result<std::unique_ptr<AppendFile>> Open(const std::string& path);
  ~AppendFile();
  AppendFile(const AppendFile&) = delete;
  AppendFile& operator=(const AppendFile&) = delete;
  /// Errors: kIo.
  [[nodiscard]] Status Append();

 private:
  explicit AppendFile(int fd);
  const int fd_;
  const std::string bytes_;
};

}  // namespace barograph::server
