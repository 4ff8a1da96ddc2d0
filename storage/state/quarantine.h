#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "storage/base/clock.h"
#include "storage/base/ids.h"
#include "storage/base/result.h"
#include "storage/event/server_event.h"
#include "storage/rocks/database.h"

namespace barograph::storage {

/// Bytes of a reason that a row keeps; the log keeps it whole.
inline constexpr std::size_t kQuarantineReasonBytesMax = 256;

/// A record of Kafka that was set aside and waits for somebody; the record itself lies in the log
/// at `sequence`.
struct QuarantineRow {
  std::string tenant;
  Sequence sequence;  ///< of its Quarantined event
  std::string topic;
  std::uint32_t partition = 0;
  std::uint64_t offset = 0;
  Time set_aside_at{};            ///< log time
  std::uint64_t value_bytes = 0;  ///< of the whole value
  std::string reason;             ///< at most kQuarantineReasonBytesMax
};
/// The row of an event; its reason is cut between characters.
[[nodiscard]] QuarantineRow QuarantineRowOf(std::string_view tenant, Sequence sequence,
                                            const Quarantined& event, Time set_aside_at);

/// Rows of Table::kQuarantine, by sequence; only what is pending has one. They are staged in the
/// same group as the events that they belong to.
///
/// Threads: Stage* by the writer; List and Find from any thread, durable rows only.
class Quarantine {
 public:
  explicit Quarantine(Database& database) : database_(database) {}
  static void StageRow(const QuarantineRow& row, WriteGroup* group);
  /// It was retried or dropped.
  static void StageEnd(Sequence sequence, WriteGroup* group);
  /// Rows behind `after` in order of sequence, at most `limit`; only of `topic`, unless that is
  /// empty.
  /// Errors: kCorruption, kIo.
  [[nodiscard]] Result<std::vector<QuarantineRow>> List(std::string_view topic, Sequence after,
                                                        std::size_t limit) const;
  /// Errors: kNotFound.
  [[nodiscard]] Result<QuarantineRow> Find(Sequence sequence) const;

 private:
  Database& database_;
};

}  // namespace barograph::storage
