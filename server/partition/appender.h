#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ingest/admission/batch.h"
#include "rules/engine/engine.h"
#include "server/partition/counters.h"
#include "server/partition/group_commit.h"
#include "server/partition/notice_book.h"
#include "server/partition/quarantine_book.h"
#include "storage/base/clock.h"
#include "storage/base/result.h"
#include "storage/log/event_log.h"

namespace barograph::server {

/// Makes records: gives batches and decisions their sequences and log time, folds them, and stages
/// them into the open group.
///
/// The newest batch is folded at once but staged one step later, because its header says whether an
/// evaluation point follows, and that is known only when the group closes or the next batch comes.
///
/// Threads: owned by the partition writer.
/// Errors:  what Engine::Fold returns: the partition must stop.
class Appender {
 public:
  Appender(rules::Engine& engine, storage::EventLog& log, NoticeBook& notices,
           QuarantineBook& quarantine, Counters& counters);

  /// An answer that waits for its batch's receipt and for durability.
  struct PendingAnswer {
    ingest::PartitionPort::Answer answer;
    ingest::BatchAnswer body;
  };
  /// Requires: nothing held, batch.accepted > 0, log_time not before the last record's.
  [[nodiscard]] Status AppendBatch(ingest::Batch batch, storage::SealedPayload sealed,
                                   Time log_time, PendingAnswer answer);
  [[nodiscard]] bool holding() const { return held_.has_value(); }
  [[nodiscard]] Time held_log_time() const { return held_->log_time; }
  /// Stages the held record. `evaluate`: the caller evaluates right after it.
  void StageHeld(bool evaluate);
  /// Folds and stages what was decided; notices get their outbox rows, records that were set aside
  /// theirs in the quarantine. `evaluate` as above, for the last record.
  /// Requires: nothing held.
  [[nodiscard]] Status AppendDecided(const std::vector<rules::Engine::Decided>& decided,
                                     Time log_time, bool evaluate = false);

  [[nodiscard]] Group& group() { return *group_; }
  [[nodiscard]] std::unique_ptr<Group>* group_slot() { return &group_; }
  [[nodiscard]] Sequence last_sequence() const { return {next_sequence_.value - 1}; }
  /// Log time of the last record.
  [[nodiscard]] Time last_log_time() const { return last_log_time_; }
  /// A place in the log for answers whose batch brought nothing new.
  [[nodiscard]] ingest::Receipt LastReceipt() const;

 private:
  struct HeldRecord {
    ingest::Batch batch;
    storage::SealedPayload sealed;
    Time log_time{};
    PendingAnswer answer;
    std::size_t effect = 0;  ///< place in the group's effects that keeps the order of answers
  };

  [[nodiscard]] Status Fold(std::string_view tenant, std::string_view payload, std::uint32_t count,
                            Time log_time);
  [[nodiscard]] Status AppendServerMade(std::string_view tenant, const storage::ServerEvent* events,
                                        std::size_t count, std::string_view payload, Time log_time,
                                        bool evaluate);
  void Stage(storage::RecordHeader header, storage::SealedPayload sealed);
  void StageRow(std::string_view tenant, Sequence sequence, const storage::ServerEvent& event);

  rules::Engine& engine_;
  storage::EventLog& log_;
  NoticeBook& notices_;
  QuarantineBook& quarantine_;
  Counters& counters_;
  std::unique_ptr<Group> group_ = std::make_unique<Group>();
  std::optional<HeldRecord> held_;
  Sequence next_sequence_;
  Time last_log_time_;
};

/// A payload as it is, hashed and not compressed: for what the writer itself must seal.
[[nodiscard]] storage::SealedPayload SealPlain(std::string_view payload);

}  // namespace barograph::server
