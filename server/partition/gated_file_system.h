#pragma once

#include <absl/synchronization/mutex.h>
#include <rocksdb/file_system.h>

#include <cstdint>
#include <memory>
#include <string>

namespace barograph::server {

/// For tests: syncs of the write-ahead log can be held, counted and failed. Holding stands for a
/// slow disk.
///
/// Threads: any.
/// Lifetime: shared with the database.
class GatedFileSystem final : public rocksdb::FileSystemWrapper {
 public:
  GatedFileSystem() : FileSystemWrapper(rocksdb::FileSystem::Default()) {}
  const char* Name() const override { return "GatedFileSystem"; }

  rocksdb::IOStatus NewWritableFile(const std::string& path, const rocksdb::FileOptions& options,
                                    std::unique_ptr<rocksdb::FSWritableFile>* file,
                                    rocksdb::IODebugContext* debug) override;

  /// Syncs from now on wait until Release.
  void Hold();
  void Release();
  /// Returns once a sync waits at the gate.
  void AwaitHeld();
  void FailNextSync();
  [[nodiscard]] std::uint64_t syncs() const;
  /// A sync of the log passes the gate here.
  [[nodiscard]] rocksdb::IOStatus Pass();

 private:
  mutable absl::Mutex mutex_;
  bool held_ ABSL_GUARDED_BY(mutex_) = false;
  bool fail_ ABSL_GUARDED_BY(mutex_) = false;
  int waiting_ ABSL_GUARDED_BY(mutex_) = 0;
  std::uint64_t syncs_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace barograph::server
