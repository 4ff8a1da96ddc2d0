#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "storage/base/clock.h"
#include "storage/base/result.h"
#include "storage/log/position.h"

namespace rocksdb {
class FileSystem;
}  // namespace rocksdb

namespace barograph::storage {

/// What was found where a frontier file should be.
struct FrontierRecord {
  enum class Found : std::uint8_t {
    kAbsent,   ///< no file
    kInvalid,  ///< a file without a slot whose checksum fits
    kValid,
  };
  Found found = Found::kAbsent;
  Position position;  ///< of the newest valid slot
  std::uint64_t generation = 0;
  int slot = 0;  ///< 0 or 1
};

/// The witness beside the log: a file of two checksummed slots that says how far the log was
/// durable. It lies outside RocksDB, so a log that lost its end cannot agree with it. Byte layout:
/// docs/formats/log.md.
///
/// Durability: Advance writes at once, so that the file outlives the process; SyncIfDue syncs at
/// most once a second, so that after a power cut it is at most about a second behind. It is never
/// ahead of the log.
/// Tears:      the slot that was synced last is not written again before the other one has been
/// synced.
/// Threads: one at a time.
/// Errors: kIo, sticky: the caller ends the process.
class Frontier {
 public:
  static constexpr std::chrono::seconds kSyncInterval{1};

  /// Errors: kIo, kFailedPrecondition (a slot of an unknown format).
  [[nodiscard]] static Result<FrontierRecord> Read(
      const std::shared_ptr<rocksdb::FileSystem>& file_system, const std::string& path);
  /// Goes on after `found`, making the file when it is absent or invalid. `clock` must outlive the
  /// frontier.
  [[nodiscard]] static Result<std::unique_ptr<Frontier>> Open(
      std::shared_ptr<rocksdb::FileSystem> file_system, const std::string& path,
      const FrontierRecord& found, const Clock& clock);
  /// Syncs what was not synced; a failure is lost here, see Sync.
  ~Frontier();
  Frontier(const Frontier&) = delete;
  Frontier& operator=(const Frontier&) = delete;

  /// The log is durable up to `position`. Positions may go back only after an accepted loss.
  [[nodiscard]] Status Advance(const Position& position);
  [[nodiscard]] Status SyncIfDue();
  [[nodiscard]] Status Sync();

 private:
  struct State;
  explicit Frontier(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace barograph::storage
