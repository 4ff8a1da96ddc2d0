#include "server/partition/gated_file_system.h"

#include <utility>

namespace barograph::server {
namespace {

using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;

class GatedFile final : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  GatedFile(std::unique_ptr<rocksdb::FSWritableFile> file, GatedFileSystem& gate)
      : FSWritableFileOwnerWrapper(std::move(file)), gate_(gate) {}
  IOStatus Sync(const IOOptions& options, IODebugContext* debug) override {
    IOStatus passed = gate_.Pass();
    return passed.ok() ? FSWritableFileOwnerWrapper::Sync(options, debug) : passed;
  }
  IOStatus Fsync(const IOOptions& options, IODebugContext* debug) override {
    IOStatus passed = gate_.Pass();
    return passed.ok() ? FSWritableFileOwnerWrapper::Fsync(options, debug) : passed;
  }

 private:
  GatedFileSystem& gate_;
};

}  // namespace

IOStatus GatedFileSystem::NewWritableFile(const std::string& path,
                                          const rocksdb::FileOptions& options,
                                          std::unique_ptr<rocksdb::FSWritableFile>* file,
                                          IODebugContext* debug) {
  IOStatus status = FileSystemWrapper::NewWritableFile(path, options, file, debug);
  if (status.ok() && path.ends_with(".log")) {
    *file = std::make_unique<GatedFile>(std::move(*file), *this);
  }
  return status;
}

void GatedFileSystem::Hold() {
  const absl::MutexLock lock(&mutex_);
  held_ = true;
}

void GatedFileSystem::Release() {
  const absl::MutexLock lock(&mutex_);
  held_ = false;
}

void GatedFileSystem::AwaitHeld() {
  const absl::MutexLock lock(&mutex_);
  const auto waits = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return waiting_ > 0; };
  mutex_.Await(absl::Condition(&waits));
}

void GatedFileSystem::FailNextSync() {
  const absl::MutexLock lock(&mutex_);
  fail_ = true;
}

std::uint64_t GatedFileSystem::syncs() const {
  const absl::MutexLock lock(&mutex_);
  return syncs_;
}

IOStatus GatedFileSystem::Pass() {
  const absl::MutexLock lock(&mutex_);
  ++waiting_;
  const auto open = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return !held_; };
  mutex_.Await(absl::Condition(&open));
  --waiting_;
  ++syncs_;
  if (!std::exchange(fail_, false)) return IOStatus::OK();
  return IOStatus::IOError("a sync that fails for the test");
}

}  // namespace barograph::server
