#pragma once

#include <memory>
#include <optional>
#include <string>

#include "storage/base/clock.h"
#include "storage/base/ids.h"
#include "storage/base/result.h"
#include "storage/log/frontier.h"
#include "storage/log/position.h"
#include "storage/log/record.h"
#include "storage/rocks/database.h"

namespace barograph::storage {

struct EventLogOptions {
  PartitionId partition;
  /// Frontier file, beside the database; see docs/formats/log.md.
  std::string frontier_path;
  /// Open although acknowledged records are missing, and go on from there; only `barograph log
  /// recover --accept-loss` sets it.
  bool accept_loss = false;
  /// Paces the frontier file's sync by its boot time. Not owned, must outlive the log; null: the
  /// machine's clock.
  const Clock* clock = nullptr;
};

struct SequenceRange {
  Sequence first, last;
  friend bool operator==(const SequenceRange&, const SequenceRange&) = default;
};

/// What Open found.
struct OpenReport {
  Position end;                       ///< last record
  std::optional<Position> frontier;   ///< as in the file; empty without a valid slot
  bool tail_dropped = false;          ///< an unacknowledged torn tail was cut off: log TailDropped
  std::optional<SequenceRange> lost;  ///< acknowledged and gone; only with accept_loss
  std::string detail;                 ///< for a person; empty when all was as left
};

/// Append-only, totally ordered record of every accepted event: the only source of truth.
///
/// Order:      sequences start at 1 and have no gaps. They are not reused, also after a crash; only
/// after an accepted loss
///             does a sequence come again, with another link.
/// Durability: a record is durable when the Database::Write(sync) of its group returned OK.
/// Threads:    StageAppend by the one writer; CommitDone and SyncFrontier by the one commit thread;
/// all else from any thread.
/// Errors: kDataLoss when the log ends before the frontier, naming the missing range; nothing is
///         repaired.
class EventLog {
 public:
  /// Reads the end of the log, walks back over what recovery brought from the write-ahead log, and
  /// compares the end with the frontier file. `database` must outlive the log. A read-only database
  /// is not written to, and may do without a frontier file. Programs call OpenStore
  /// (storage/log/store.h), which also deals with a torn tail.
  /// Errors: kDataLoss (the end is behind the frontier, or a record is missing), kCorruption (a
  ///         link does not fit, or the frontier file is unreadable), kFailedPrecondition (the
  ///         frontier file is absent, or of an unknown format), kIo.
  [[nodiscard]] static Result<std::unique_ptr<EventLog>> Open(Database& database,
                                                              const EventLogOptions& options,
                                                              OpenReport* report);
  /// As Open, with the frontier as it was read before `database` was opened: beside a running
  /// server the file moves on.
  [[nodiscard]] static Result<std::unique_ptr<EventLog>> OpenAt(Database& database,
                                                                const EventLogOptions& options,
                                                                const FrontierRecord& frontier,
                                                                OpenReport* report);
  ~EventLog();
  EventLog(const EventLog&) = delete;
  EventLog& operator=(const EventLog&) = delete;

  /// Gives the batch its sequences and its place in the chain, and adds its row to `group`.
  /// Everything of `header` that tells of place or payload (first_sequence, previous_link, sizes,
  /// compression, checksums) is filled in here. Returns the new end. Not durable before CommitDone.
  /// Requires count > 0; about 1 microsecond.
  Position StageAppend(RecordHeader header, SealedPayload payload, WriteGroup* group);
  /// The group that ends at `end` was synced: moves the durable frontier. Acknowledge after this
  /// returned.
  /// Errors: kIo; then the process must end.
  [[nodiscard]] Status CommitDone(const Position& end);
  /// Syncs the frontier file, at most once a second: by the commit thread after each CommitDone,
  /// once the acknowledgements are out, because nobody has to wait for it.
  /// Errors: kIo; then the process must end.
  [[nodiscard]] Status SyncFrontier();

  /// Last staged and last durable place.
  [[nodiscard]] Position staged_end() const;
  [[nodiscard]] Position durable_end() const;
  /// First sequence still held (1 unless retention removed some).
  [[nodiscard]] Sequence begin() const;
  /// The place before begin(): the link that the first held record continues.
  [[nodiscard]] Position start() const;

  /// Link of the record whose last sequence is `sequence`; kNotFound when none ends there.
  [[nodiscard]] Result<Digest> LinkAt(Sequence sequence) const;

  /// Retention in two steps, so that the chain stays checkable: the row that names the new start
  /// goes into a group; when that was synced, StartCommitted moves begin() and deletes the records
  /// before it. `last_dropped` must be the last sequence of a durable record. Errors of StageStart:
  /// kNotFound.
  [[nodiscard]] Result<Position> StageStart(Sequence last_dropped, WriteGroup* group) const;
  [[nodiscard]] Status StartCommitted(const Position& start);

  /// Reads records in order, starting with the one that holds `from`. Each record's CRC is checked;
  /// with `verify_chain` also payload digest and link. Sees only durable records.
  /// Lifetime: must not outlive its log.
  /// Threads: one at a time.
  class Cursor {
   public:
    Cursor(Cursor&&) noexcept;
    ~Cursor();
    /// False at the durable end, or on an error (see status()). At the durable end a later call
    /// goes on with what became durable meanwhile. Views of `*record` live until the next call.
    bool Next(RecordView* record);
    /// kCorruption and kDataLoss name the sequence; after an error the cursor stays where it is.
    [[nodiscard]] Status status() const;

   private:
    friend class EventLog;
    struct State;
    explicit Cursor(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
  };
  struct ReadOptions {
    Sequence from{1};  ///< below begin(): from begin()
    bool verify_chain = false;
  };
  [[nodiscard]] Cursor Read(const ReadOptions& options) const;

  [[nodiscard]] const Database& database() const;
  [[nodiscard]] PartitionId partition() const;

 private:
  EventLog();
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace barograph::storage
