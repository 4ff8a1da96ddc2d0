#pragma once

#include <absl/synchronization/mutex.h>

#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "storage/base/clock.h"
#include "storage/base/ids.h"
#include "storage/base/result.h"
#include "storage/rocks/database.h"

namespace barograph::storage {

/// Where in the log a checkpoint's state stands, and how large it was.
struct CheckpointHead {
  std::uint64_t number = 0;  ///< counts checkpoints, from 1
  Sequence sequence;         ///< the state is that after this event
  Digest link{};             ///< of the record that ends there
  Time log_time{};
  std::uint64_t rows = 0, bytes = 0;  ///< written by this checkpoint
  std::uint32_t chunks = 0;           ///< staged
  bool merged = false;                ///< the staged chunks have reached their rows
  friend bool operator==(const CheckpointHead&, const CheckpointHead&) = default;
};

/// Rows of Table::kCheckpoint: the state of the last complete checkpoint, each incremental one laid
/// over those before.
///
/// A checkpoint is a redo log of itself, see docs/decisions/0020-checkpoints.md: its rows are first
/// staged in chunks, then the head is written and synced, which is the moment at which the
/// checkpoint exists, then the chunks are merged into the rows. All writes are small, so that no
/// group commit waits long, and at every crash point Recover finds one whole state.
///
/// Threads: Begin, Add, Finish by the writer, Add without a lock but for each chunk; WriteSome by
/// the thread that writes to the database; Read from any thread; Recover, ForEachRow, Clear before
/// any of them.
/// Errors:  kCorruption when a head's chunks are missing or cannot be read; kIo.
class CheckpointStore {
 public:
  explicit CheckpointStore(Database& database) : database_(database) {}

  /// Finishes the merge of a complete checkpoint and drops a torn one. No head: there is no
  /// checkpoint.
  [[nodiscard]] Result<std::optional<CheckpointHead>> Recover();
  /// All rows in order of key.
  [[nodiscard]] Status ForEachRow(
      const std::function<Status(std::string_view key, std::string_view value)>& visit) const;
  /// Forgets all rows and the head: state will be made anew from the log.
  [[nodiscard]] Status Clear();

  /// Starts a checkpoint.
  /// Requires: !busy().
  void Begin();
  /// One row; an empty value removes it. A row added twice counts as added last.
  void Add(std::string_view key, std::string_view value);
  /// All rows were added; `head` says where they stand. Its counts are filled in here.
  void Finish(CheckpointHead head);
  /// Whether a checkpoint is on its way to its rows.
  [[nodiscard]] bool busy() const;
  [[nodiscard]] bool has_writes() const;

  /// A row as the last merged checkpoint left it. What the one under way says of it is not seen
  /// before its merge: who adds rows keeps them at hand until the next Begin.
  [[nodiscard]] std::optional<std::string> Read(std::string_view key) const;

  /// Does one small write, if there is any to do; the head only once its sequence is `durable`.
  /// Returns the head when this call made it durable.
  [[nodiscard]] Result<std::optional<CheckpointHead>> WriteSome(Sequence durable);

 private:
  enum class Phase : std::uint8_t { kIdle, kStaging, kMerging };

  [[nodiscard]] Status Stage(std::uint32_t index, const std::string& chunk);
  /// Merges rows of a chunk from `*at` on, at most `rows_max`, and moves `*at` behind them.
  [[nodiscard]] Status MergeRows(std::string_view chunk, std::size_t rows_max, std::size_t* at);
  [[nodiscard]] Status EndMerge(CheckpointHead head, bool sync);
  void CutChunk();

  Database& database_;
  // Of the writer:
  std::string open_chunk_;
  std::uint64_t rows_ = 0, bytes_ = 0;
  // Of the thread that writes:
  std::size_t merged_bytes_ = 0;  ///< of the chunk that is being merged

  mutable absl::Mutex mutex_;
  Phase phase_ ABSL_GUARDED_BY(mutex_) = Phase::kIdle;
  bool finished_ ABSL_GUARDED_BY(mutex_) = false;
  CheckpointHead head_ ABSL_GUARDED_BY(mutex_);
  std::deque<std::string> chunks_ ABSL_GUARDED_BY(mutex_);  ///< until merged
  std::size_t next_chunk_ ABSL_GUARDED_BY(mutex_) = 0;      ///< to stage, later to merge
};

/// Bytes of a staged chunk: one write of about so much stands between two group commits.
inline constexpr std::size_t kCheckpointChunkBytes = 128 * 1024;
/// Rows that one write merges: each is found its place, which takes a microsecond or two.
inline constexpr std::size_t kCheckpointRowsMerged = 512;

}  // namespace barograph::storage
