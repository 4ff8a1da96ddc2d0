#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "ingest/formats/event_mapping.h"
#include "ingest/formats/gzip_reader.h"
#include "storage/base/result.h"

namespace barograph::ingest {

/// One record of a file that is imported.
struct ImportRecord {
  std::uint64_t line = 0;  ///< where it begins, from 1; in a JSON list the item's number
  /// The event's encoding, or why none could be made.
  Result<std::string> event = std::string();
};

/// Reads a file record by record and makes each an event, after a mapping.
///
/// Records are numbered from 1 without gaps, whether or not an event could be made of them: the
/// number is the producer sequence, so that an import can go on where it stopped, and a second
/// import of the same file changes nothing. The producer id is "import:<source>:" and 32 hex digits
/// of the hash of the file's bytes and the mapping.
///
/// Threads: one at a time.
/// Lifetime: owns the file.
class ImportSource {
 public:
  /// For derived classes; Open() makes the right one.
  ImportSource(std::unique_ptr<GzipReader> file, EventMapping mapping)
      : file_(std::move(file)), lines_(file_.get()), mapping_(std::move(mapping)) {}
  /// Opens the file, hashes it, and reads the header.
  /// Errors: as GzipReader and EventMapping::BindColumns.
  [[nodiscard]] static Result<std::unique_ptr<ImportSource>> Open(const std::string& path,
                                                                  EventMapping mapping);
  virtual ~ImportSource() = default;

  /// The next record; false at the end. A record that is no event is a value with an error inside,
  /// and reading goes on.
  /// Errors: what makes the rest unreadable (kIo, kCorruption, kInvalidArgument for a line above
  /// kTextLineBytesMax).
  [[nodiscard]] virtual Result<bool> Next(ImportRecord* record) = 0;

  [[nodiscard]] const std::string& producer_id() const { return producer_id_; }
  /// Bytes of the file and how many were read, for progress.
  [[nodiscard]] std::uint64_t file_bytes() const { return file_->file_bytes(); }
  [[nodiscard]] std::uint64_t file_bytes_read() const { return file_->file_bytes_read(); }

 protected:
  /// Reads what stands before the first record.
  [[nodiscard]] virtual Status Begin() { return {}; }

  std::unique_ptr<GzipReader> file_;
  LineReader lines_;
  EventMapping mapping_;

 private:
  std::string producer_id_;
};

}  // namespace barograph::ingest
