#include "storage/rocks/manifest_view.h"

#include <algorithm>
#include <utility>

#include "storage/base/bytes.h"
#include "storage/base/digest.h"
#include "storage/rocks/fixed_file.h"
#include "storage/rocks/settings.h"

namespace barograph::storage {
namespace {

constexpr std::uint64_t kBlockBytes = 32U << 10U;
constexpr std::uint64_t kRecordHeaderBytes = 7;
constexpr std::size_t kCurrentBytesMax = 256;

enum class Piece : std::uint8_t { kFull = 1, kFirst = 2, kMiddle = 3, kLast = 4 };

/// RocksDB stores a checksum of bytes that hold checksums rotated and shifted.
std::uint32_t Masked(std::uint32_t crc) { return ((crc >> 15U) | (crc << 17U)) + 0xa282ead8U; }

class TrimmedFile final : public rocksdb::FSSequentialFileOwnerWrapper {
 public:
  TrimmedFile(std::unique_ptr<rocksdb::FSSequentialFile> file, std::uint64_t bytes)
      : FSSequentialFileOwnerWrapper(std::move(file)), left_(bytes) {}

  rocksdb::IOStatus Read(std::size_t bytes, const rocksdb::IOOptions& options,
                         rocksdb::Slice* result, char* scratch,
                         rocksdb::IODebugContext* debug) override {
    const std::size_t wanted = std::min<std::uint64_t>(bytes, left_);
    rocksdb::IOStatus status =
        FSSequentialFileOwnerWrapper::Read(wanted, options, result, scratch, debug);
    if (status.ok()) left_ -= result->size();
    return status;
  }
  rocksdb::IOStatus Skip(std::uint64_t bytes) override {
    const std::uint64_t skipped = std::min(bytes, left_);
    left_ -= skipped;
    return FSSequentialFileOwnerWrapper::Skip(skipped);
  }

 private:
  std::uint64_t left_;
};

class TrimmedFileSystem final : public rocksdb::FileSystemWrapper {
 public:
  TrimmedFileSystem(const std::shared_ptr<rocksdb::FileSystem>& target, std::string path,
                    std::uint64_t bytes)
      : FileSystemWrapper(target), path_(std::move(path)), bytes_(bytes) {}
  const char* Name() const override { return "TrimmedFileSystem"; }

  rocksdb::IOStatus NewSequentialFile(const std::string& path, const rocksdb::FileOptions& options,
                                      std::unique_ptr<rocksdb::FSSequentialFile>* file,
                                      rocksdb::IODebugContext* debug) override {
    rocksdb::IOStatus status = FileSystemWrapper::NewSequentialFile(path, options, file, debug);
    if (status.ok() && path == path_) {
      *file = std::make_unique<TrimmedFile>(std::move(*file), bytes_);
    }
    return status;
  }
  rocksdb::IOStatus GetFileSize(const std::string& path, const rocksdb::IOOptions& options,
                                std::uint64_t* bytes, rocksdb::IODebugContext* debug) override {
    rocksdb::IOStatus status = FileSystemWrapper::GetFileSize(path, options, bytes, debug);
    if (status.ok() && path == path_) *bytes = bytes_;
    return status;
  }

 private:
  const std::string path_;
  const std::uint64_t bytes_;
};

}  // namespace

std::uint64_t WholeRecordBytes(std::string_view log) {
  std::uint64_t whole = 0;
  bool within = false;  // a record of several pieces
  for (std::uint64_t at = 0; at + kRecordHeaderBytes <= log.size();) {
    const std::uint64_t block_left = kBlockBytes - at % kBlockBytes;
    if (block_left < kRecordHeaderBytes) {
      at += block_left;
      continue;
    }
    ByteReader header(log.substr(at, kRecordHeaderBytes));
    const auto crc = header.Fixed<std::uint32_t>();
    const auto length = header.Fixed<std::uint16_t>();
    const auto piece = static_cast<Piece>(header.Fixed<std::uint8_t>());
    const std::uint64_t end = at + kRecordHeaderBytes + length;
    if (end > log.size() || kRecordHeaderBytes + length > block_left) break;
    const std::size_t type_at = at + kRecordHeaderBytes - 1;
    if (Masked(Crc32c(log.substr(type_at, 1U + length))) != crc) break;
    const bool begins = piece == Piece::kFull || piece == Piece::kFirst;
    const bool ends = piece == Piece::kFull || piece == Piece::kLast;
    if (piece < Piece::kFull || piece > Piece::kLast || begins == within) break;
    within = !ends;
    at = end;
    if (ends) whole = end;
  }
  return whole;
}

Result<std::shared_ptr<rocksdb::FileSystem>> WithoutTornManifest(
    const std::shared_ptr<rocksdb::FileSystem>& file_system, const std::string& directory) {
  BAROGRAPH_ASSIGN(std::string name,
                   FixedFile::Read(file_system, directory + "/CURRENT", kCurrentBytesMax));
  while (name.ends_with('\n')) name.pop_back();
  const std::string path = directory + "/" + name;
  std::uint64_t bytes = 0;
  const rocksdb::IOStatus status =
      file_system->GetFileSize(path, rocksdb::IOOptions(), &bytes, nullptr);
  if (!status.ok()) return ToError(status, "read " + path);
  BAROGRAPH_ASSIGN(const std::string manifest, FixedFile::Read(file_system, path, bytes));
  const std::uint64_t whole = WholeRecordBytes(manifest);
  if (whole == 0 || whole == manifest.size()) return file_system;
  return std::shared_ptr<rocksdb::FileSystem>(
      std::make_shared<TrimmedFileSystem>(file_system, path, whole));
}

}  // namespace barograph::storage
