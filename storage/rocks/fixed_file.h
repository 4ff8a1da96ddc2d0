#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "storage/base/result.h"

namespace rocksdb {
class FileSystem;
}  // namespace rocksdb

namespace barograph::storage {

/// A small file that is overwritten in place, in the file system of the database, so that a test's
/// faults reach both.
///
/// Durability: a write is durable when a later Sync returned OK.
/// Threads: one at a time.
/// Errors: kIo; after a failed Sync the file must not be used again.
class FixedFile {
 public:
  /// Reads at most `bytes` from the start.
  /// Errors: kNotFound, kIo. An empty `file_system` is the machine's.
  [[nodiscard]] static Result<std::string> Read(
      const std::shared_ptr<rocksdb::FileSystem>& file_system, const std::string& path,
      std::size_t bytes);
  /// Writes a new file of these bytes and makes it and its directory entry durable. Replaces an old
  /// one.
  [[nodiscard]] static Status Create(const std::shared_ptr<rocksdb::FileSystem>& file_system,
                                     const std::string& path, std::string_view content);
  [[nodiscard]] static Result<std::unique_ptr<FixedFile>> Open(
      const std::shared_ptr<rocksdb::FileSystem>& file_system, const std::string& path);
  ~FixedFile();
  FixedFile(const FixedFile&) = delete;
  FixedFile& operator=(const FixedFile&) = delete;

  [[nodiscard]] Status Write(std::uint64_t offset, std::string_view bytes);
  [[nodiscard]] Status Sync();

 private:
  struct State;
  explicit FixedFile(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace barograph::storage
