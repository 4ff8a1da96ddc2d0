#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "storage/base/clock.h"
#include "storage/base/ids.h"
#include "storage/base/result.h"
#include "storage/event/server_event.h"
#include "storage/rocks/database.h"

namespace barograph::storage {

/// A notice that waits for delivery or has ended.
struct OutboxRow {
  std::string tenant;
  /// Of the event that made it pending, NoticeDecided or NoticeResent: rows of one receiver are
  /// sent in this order per group.
  Sequence sequence;
  NoticeDecided notice;
  DeliveryOutcome outcome = DeliveryOutcome::kUnspecified;  ///< unspecified while pending
  std::uint32_t attempts = 0;
  Time ended_at{};
  std::string detail;  ///< of the last try
  Time resent_at{};    ///< zero unless it was made pending again
  /// Since when its delivery is tried.
  [[nodiscard]] Time pending_since() const { return std::max(notice.at, resent_at); }
};

/// Rows of Table::kOutbox. Pending rows lie under 'p', ended ones under 'd' (the last
/// kOutboxEndedMax a tenant are kept for `alerts list`). Rows are staged in the same group as the
/// events that they belong to.
///
/// Threads: Stage* by the writer; List* from any thread, durable rows only.
class Outbox {
 public:
  explicit Outbox(Database& database) : database_(database) {}
  static void StageNotice(const OutboxRow& row, WriteGroup* group);
  /// Moves the row from pending to ended.
  static void StageEnd(const OutboxRow& ended, WriteGroup* group);
  /// Makes an ended row pending again at `sequence`.
  static void StageResend(const OutboxRow& ended, Sequence sequence, Time now, WriteGroup* group);
  /// Lets an ended row go, so that at most kOutboxEndedMax a tenant are kept.
  static void StageForget(Sequence ended, WriteGroup* group);
  /// Pending rows in order of sequence, at most `limit`, after `after`.
  [[nodiscard]] Result<std::vector<OutboxRow>> ListPending(Sequence after, std::size_t limit) const;
  /// Ended rows, the newest first.
  [[nodiscard]] Result<std::vector<OutboxRow>> ListEnded(std::size_t limit) const;
  /// Pending or ended.
  /// Errors: kNotFound.
  [[nodiscard]] Result<OutboxRow> Find(Sequence sequence) const;
  /// The newest row of a notice, pending or ended. Reads up to all rows.
  /// Errors: kNotFound.
  [[nodiscard]] Result<OutboxRow> FindNotice(std::string_view tenant,
                                             std::string_view notice_id) const;
  /// Id of a notice of the same receiver and group that came after `row` and was delivered or
  /// waits; empty when there is none. Reads up to all rows.
  [[nodiscard]] Result<std::string> FindNewer(const OutboxRow& row) const;

 private:
  /// Every row, pending ones from the oldest on, then ended ones from the newest, until `each`
  /// returns false.
  [[nodiscard]] Status ForEach(const std::function<bool(OutboxRow&)>& each) const;

  Database& database_;
};

inline constexpr std::size_t kOutboxEndedMax = 10'000;

}  // namespace barograph::storage
