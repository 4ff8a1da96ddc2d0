#include "storage/rocks/fixed_file.h"

#include <rocksdb/file_system.h>

#include <filesystem>

#include "storage/rocks/settings.h"

namespace barograph::storage {
namespace {

rocksdb::FileSystem& Target(const std::shared_ptr<rocksdb::FileSystem>& file_system) {
  return file_system != nullptr ? *file_system : *rocksdb::FileSystem::Default();
}

}  // namespace

struct FixedFile::State {
  std::string path;
  std::unique_ptr<rocksdb::FSRandomRWFile> file;
};

FixedFile::FixedFile(std::unique_ptr<State> state) : state_(std::move(state)) {}
FixedFile::~FixedFile() = default;

Result<std::string> FixedFile::Read(const std::shared_ptr<rocksdb::FileSystem>& file_system,
                                    const std::string& path, std::size_t bytes) {
  rocksdb::FileSystem& target = Target(file_system);
  const rocksdb::IOStatus exists = target.FileExists(path, rocksdb::IOOptions(), nullptr);
  if (!exists.ok()) return ToError(exists, "read " + path);
  std::unique_ptr<rocksdb::FSSequentialFile> file;
  rocksdb::IOStatus status = target.NewSequentialFile(path, rocksdb::FileOptions(), &file, nullptr);
  if (!status.ok()) return ToError(status, "read " + path);
  std::string content(bytes, '\0');
  rocksdb::Slice slice;
  status = file->Read(bytes, rocksdb::IOOptions(), &slice, content.data(), nullptr);
  if (!status.ok()) return ToError(status, "read " + path);
  return slice.ToString();
}

Status FixedFile::Create(const std::shared_ptr<rocksdb::FileSystem>& file_system,
                         const std::string& path, std::string_view content) {
  rocksdb::FileSystem& target = Target(file_system);
  const rocksdb::IOOptions io;
  std::unique_ptr<rocksdb::FSWritableFile> file;
  rocksdb::IOStatus status = target.NewWritableFile(path, rocksdb::FileOptions(), &file, nullptr);
  if (status.ok()) {
    status = file->Append(rocksdb::Slice(content.data(), content.size()), io, nullptr);
  }
  if (status.ok()) status = file->Sync(io, nullptr);
  if (status.ok()) status = file->Close(io, nullptr);
  if (!status.ok()) return ToError(status, "create " + path);
  const std::string folder = std::filesystem::path(path).parent_path().string();
  std::unique_ptr<rocksdb::FSDirectory> directory;
  status = target.NewDirectory(folder.empty() ? "." : folder, io, &directory, nullptr);
  if (status.ok()) status = directory->Fsync(io, nullptr);
  if (!status.ok()) return ToError(status, "sync the directory of " + path);
  return {};
}

Result<std::unique_ptr<FixedFile>> FixedFile::Open(
    const std::shared_ptr<rocksdb::FileSystem>& file_system, const std::string& path) {
  auto state = std::make_unique<State>();
  state->path = path;
  const rocksdb::IOStatus status =
      Target(file_system).NewRandomRWFile(path, rocksdb::FileOptions(), &state->file, nullptr);
  if (!status.ok()) return ToError(status, "open " + path);
  return std::unique_ptr<FixedFile>(new FixedFile(std::move(state)));
}

Status FixedFile::Write(std::uint64_t offset, std::string_view bytes) {
  const rocksdb::IOStatus status = state_->file->Write(
      offset, rocksdb::Slice(bytes.data(), bytes.size()), rocksdb::IOOptions(), nullptr);
  if (!status.ok()) return ToError(status, "write " + state_->path);
  return {};
}

Status FixedFile::Sync() {
  const rocksdb::IOStatus status = state_->file->Sync(rocksdb::IOOptions(), nullptr);
  if (!status.ok()) return ToError(status, "sync " + state_->path);
  return {};
}

}  // namespace barograph::storage
