#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "storage/base/ids.h"
#include "storage/base/result.h"

namespace barograph::ingest {

/// Reads a file from its beginning, unpacked on the way when it starts as gzip does (RFC 1952;
/// several members in a row are one text). Memory does not depend on the size of the file.
///
/// Threads: one at a time.
/// Errors: kNotFound (no such file, or a folder), kIo, kCorruption (broken or cut-off gzip).
class GzipReader {
 public:
  [[nodiscard]] static Result<std::unique_ptr<GzipReader>> Open(const std::string& path);
  virtual ~GzipReader() = default;

  /// Appends the next piece to `out`; false at the end.
  [[nodiscard]] virtual Result<bool> Read(std::string* out) = 0;
  /// Bytes of the file itself, for progress.
  [[nodiscard]] virtual std::uint64_t file_bytes() const = 0;
  [[nodiscard]] virtual std::uint64_t file_bytes_read() const = 0;
};

/// SHA-256 of a file's bytes as they lie on disk.
/// Errors: as GzipReader.
[[nodiscard]] Result<Digest> HashFile(const std::string& path);

/// Bytes of one line or record of a text file; beyond, it is refused.
inline constexpr std::size_t kTextLineBytesMax = 1024 * 1024;

/// Splits a text into its lines, without their ends (LF or CR LF) and without a byte order mark at
/// the beginning.
/// Threads: one at a time.
/// Lifetime: refers to the reader.
class LineReader {
 public:
  explicit LineReader(GzipReader* source) : source_(source) {}
  /// The next line, valid until the next call; false at the end.
  /// Errors: as GzipReader::Read; kInvalidArgument for a line above kTextLineBytesMax.
  [[nodiscard]] Result<bool> Next(std::string_view* line);
  /// Number of the line that Next() gave last, from 1.
  [[nodiscard]] std::uint64_t line_number() const { return line_number_; }

 private:
  GzipReader* source_;
  std::string buffer_;
  std::size_t begin_ = 0, searched_ = 0;
  std::uint64_t line_number_ = 0;
  bool at_end_ = false;
};

}  // namespace barograph::ingest
