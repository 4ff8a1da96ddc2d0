#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>

#include "storage/base/limits.h"
#include "storage/event/event_view.h"
#include "storage/event/wire_reader.h"

/// The fields of event.proto as tables: what the walk of event_view.cc expects, where in the view
/// it goes, and its limit.
namespace barograph::storage {

/// How a field's value is read, and the type of its place in the view.
enum class FieldShape : std::uint8_t {
  kChoice,        ///< an enum of one byte; 0 to `max`
  kFlag,          ///< bool; 0 to 1
  kSmallInteger,  ///< uint32; 0 to `max`
  kInteger,       ///< uint64; 0 to `max`
  kSigned,        ///< int64; its message checks the range
  kLastVarint = kSigned,
  kNumber,      ///< double
  kText,        ///< string_view; at most `max` bytes
  kTextList,    ///< only checked; at most `max` bytes an item; the place is the list's index
  kMoment,      ///< Time
  kSpan,        ///< Duration
  kMoney,       ///< MoneyView
  kTokens,      ///< the five counts of CostView, whose start is the place
  kLabel,       ///< one entry of EventView::labels
  kKind,        ///< the oneof: agents' kinds
  kServerKind,  ///< the oneof: kinds of the server, and numbers reserved for them
};

inline constexpr std::size_t kTextLists = 4;  ///< lists of texts in a task
inline constexpr std::uint32_t kNoTag = ~std::uint32_t{0};

/// One field. A rule with kNoTag stands for a number that the message does not know.
struct FieldRule {
  std::uint64_t once = 0;  ///< the field's bit in the set of those seen; 0 when it may come again
  std::uint64_t max = 0;
  std::uint32_t tag = kNoTag;  ///< number and wire type as they must be
  std::uint16_t place = 0;     ///< offset in the view
  std::uint16_t presence = 0;  ///< offset of the bool that says it was there; 0 = none
  FieldShape shape = FieldShape::kText;
  const char* name = "";
};

/// Fields of one message, by number.
using FieldRules = std::span<const FieldRule>;

/// Raw parts of google.protobuf.Timestamp and Duration, and of Money.
struct SecondsWire {
  std::int64_t seconds = 0;
  std::int64_t nanos = 0;
};
struct MoneyWire {
  std::string_view currency_code;
  std::int64_t units = 0;
  std::int64_t nanos = 0;
};

namespace fields {

constexpr WireType WireTypeOf(FieldShape shape) {
  if (shape <= FieldShape::kLastVarint) return WireType::kVarint;
  return shape == FieldShape::kNumber ? WireType::kFixed64 : WireType::kBytes;
}

// The oneof is once in all, which the walk checks by the view's kind.
constexpr bool MayRepeat(FieldShape shape) {
  return shape == FieldShape::kTextList || shape == FieldShape::kLabel ||
         shape == FieldShape::kKind || shape == FieldShape::kServerKind;
}

struct Entry {
  std::uint32_t number;
  const char* name;
  FieldShape shape;
  std::size_t place = 0;
  std::uint64_t max = 0;
  std::size_t presence = 0;
};

template <std::size_t kSize, std::size_t kEntries>
constexpr std::array<FieldRule, kSize> Table(const Entry (&entries)[kEntries]) {
  std::array<FieldRule, kSize> table{};
  for (const Entry& entry : entries) {
    FieldRule& rule = table[entry.number];
    rule.once = MayRepeat(entry.shape) ? 0 : std::uint64_t{1} << entry.number;
    rule.max = entry.shape == FieldShape::kSigned ? ~std::uint64_t{0} : entry.max;
    rule.tag = WireTag(entry.number, WireTypeOf(entry.shape));
    rule.place = static_cast<std::uint16_t>(entry.place);
    rule.presence = static_cast<std::uint16_t>(entry.presence);
    rule.shape = entry.shape;
    rule.name = entry.name;
  }
  return table;
}

using enum FieldShape;

inline constexpr auto kSecondsTable = Table<3>({
    {1, "seconds", kSigned, offsetof(SecondsWire, seconds)},
    {2, "nanos", kSigned, offsetof(SecondsWire, nanos)},
});
inline constexpr auto kMoneyTable = Table<4>({
    {1, "currency_code", kText, offsetof(MoneyWire, currency_code), kNameBytesMax},
    {2, "units", kSigned, offsetof(MoneyWire, units)},
    {3, "nanos", kSigned, offsetof(MoneyWire, nanos)},
});
inline constexpr auto kLabelTable = Table<3>({
    {1, "key", kText, offsetof(LabelView, name), kLabelBytesMax},
    {2, "value", kText, offsetof(LabelView, value), kLabelBytesMax},
});
inline constexpr auto kTaskTable = Table<21>({
    {1, "status", kChoice, offsetof(TaskView, status), 6},
    {2, "type", kText, offsetof(TaskView, type), kNameBytesMax},
    {3, "priority", kChoice, offsetof(TaskView, priority), 4},
    {4, "risk", kChoice, offsetof(TaskView, risk), 4},
    {5, "estimated_cost", kMoney, offsetof(TaskView, estimated_cost)},
    {6, "actual_cost", kMoney, offsetof(TaskView, actual_cost)},
    {7, "value", kMoney, offsetof(TaskView, value)},
    {8, "estimated_cost_text", kText, offsetof(TaskView, estimated_cost_text), kTextBytesMax},
    {9, "business_value", kText, offsetof(TaskView, business_value), kTextBytesMax},
    {10, "dependencies", kTextList, 0, kTextBytesMax},
    {11, "deadline", kMoment, offsetof(TaskView, deadline), 0, offsetof(TaskView, has_deadline)},
    {12, "estimated_duration", kSpan, offsetof(TaskView, estimated_duration)},
    {13, "duration", kSpan, offsetof(TaskView, duration), 0, offsetof(TaskView, has_duration)},
    {14, "success_metrics", kTextList, 1, kTextBytesMax},
    {15, "success_metrics_achieved", kTextList, 2, kTextBytesMax},
    {16, "evidence", kTextList, 3, kTextBytesMax},
    {17, "parent_task_id", kText, offsetof(TaskView, parent_task_id), kNameBytesMax},
    {18, "attempt", kSmallInteger, offsetof(TaskView, attempt),
     std::numeric_limits<std::uint32_t>::max()},
    {19, "quality", kNumber, offsetof(TaskView, quality), 0, offsetof(TaskView, has_quality)},
    {20, "reason", kText, offsetof(TaskView, reason), kTextBytesMax},
});
inline constexpr auto kTokensTable = Table<6>({
    {1, "input", kInteger, offsetof(CostView, input), kTokensMax},
    {2, "output", kInteger, offsetof(CostView, output), kTokensMax},
    {3, "cache_read", kInteger, offsetof(CostView, cache_read), kTokensMax},
    {4, "cache_write", kInteger, offsetof(CostView, cache_write), kTokensMax},
    {5, "reasoning", kInteger, offsetof(CostView, reasoning), kTokensMax},
});
inline constexpr auto kCostTable = Table<11>({
    {1, "category", kChoice, offsetof(CostView, category), 6},
    {2, "amount", kMoney, offsetof(CostView, amount)},
    {3, "tokens", kTokens, 0, 0, offsetof(CostView, has_tokens)},
    {4, "quantity", kText, offsetof(CostView, quantity), kNameBytesMax},
    {5, "unit", kText, offsetof(CostView, unit), kNameBytesMax},
    {6, "provider", kText, offsetof(CostView, provider), kNameBytesMax},
    {7, "model", kText, offsetof(CostView, model), kNameBytesMax},
    {8, "covers_from", kMoment, offsetof(CostView, covers_from), 0,
     offsetof(CostView, has_covers_from)},
    {9, "covers_to", kMoment, offsetof(CostView, covers_to), 0, offsetof(CostView, has_covers_to)},
    {10, "lease_id", kText, offsetof(CostView, lease_id), kNameBytesMax},
});
inline constexpr auto kPaymentTable = Table<6>({
    {1, "type", kChoice, offsetof(PaymentView, type), 6},
    {2, "amount", kMoney, offsetof(PaymentView, amount)},
    {3, "customer", kText, offsetof(PaymentView, customer), kNameBytesMax},
    {4, "product", kText, offsetof(PaymentView, product), kNameBytesMax},
    {5, "external_id", kText, offsetof(PaymentView, external_id), kNameBytesMax},
});
inline constexpr auto kErrorTable = Table<6>({
    {1, "severity", kChoice, offsetof(ErrorView, severity), 4},
    {2, "service", kText, offsetof(ErrorView, service), kNameBytesMax},
    {3, "code", kText, offsetof(ErrorView, code), kNameBytesMax},
    {4, "message", kText, offsetof(ErrorView, message), kTextBytesMax},
    {5, "fingerprint", kText, offsetof(ErrorView, fingerprint), kNameBytesMax},
});
inline constexpr auto kRequestTable = Table<6>({
    {1, "service", kText, offsetof(RequestView, service), kNameBytesMax},
    {2, "route", kText, offsetof(RequestView, route), kNameBytesMax},
    {3, "duration", kSpan, offsetof(RequestView, duration), 0, offsetof(RequestView, has_duration)},
    {4, "ok", kFlag, offsetof(RequestView, ok), 1},
    {5, "status_code", kText, offsetof(RequestView, status_code), kNameBytesMax},
});
inline constexpr auto kSampleTable = Table<6>({
    {1, "name", kText, offsetof(SampleView, name), kNameBytesMax},
    {2, "value", kNumber, offsetof(SampleView, value)},
    {3, "unit", kText, offsetof(SampleView, unit), kNameBytesMax},
    {4, "service", kText, offsetof(SampleView, service), kNameBytesMax},
    {5, "type", kChoice, offsetof(SampleView, type), 3},
});
inline constexpr auto kActivityTable = Table<6>({
    {1, "name", kText, offsetof(ActivityView, name), kNameBytesMax},
    {2, "subject", kText, offsetof(ActivityView, subject), kNameBytesMax},
    {3, "session", kText, offsetof(ActivityView, session), kNameBytesMax},
    {4, "phase", kText, offsetof(ActivityView, phase), kNameBytesMax},
    {5, "state", kChoice, offsetof(ActivityView, state), 3},
});
inline constexpr auto kChangeTable = Table<10>({
    {1, "type", kChoice, offsetof(ChangeView, type), 10},
    {2, "service", kText, offsetof(ChangeView, service), kNameBytesMax},
    {3, "version", kText, offsetof(ChangeView, version), kNameBytesMax},
    {4, "state", kChoice, offsetof(ChangeView, state), 4},
    {5, "actor", kText, offsetof(ChangeView, actor), kNameBytesMax},
    {6, "note", kText, offsetof(ChangeView, note), kTextBytesMax},
    {7, "severity", kChoice, offsetof(ChangeView, severity), 4},
    {8, "external_id", kText, offsetof(ChangeView, external_id), kNameBytesMax},
    {9, "audience", kText, offsetof(ChangeView, audience), kNameBytesMax},
});
inline constexpr auto kFeedbackTable = Table<7>({
    {1, "type", kChoice, offsetof(FeedbackView, type), 4},
    {2, "score", kNumber, offsetof(FeedbackView, score), 0, offsetof(FeedbackView, has_score)},
    {3, "scale", kNumber, offsetof(FeedbackView, scale)},
    {4, "customer", kText, offsetof(FeedbackView, customer), kNameBytesMax},
    {5, "product", kText, offsetof(FeedbackView, product), kNameBytesMax},
    {6, "text", kText, offsetof(FeedbackView, text), kTextBytesMax},
});

/// Kinds of the server fill 30 to 99: what this version does not know is refused from outside and
/// stops a fold.
inline constexpr std::uint32_t kServerKindMin = 30;
inline constexpr std::uint32_t kServerKindMax = 99;

constexpr std::array<FieldRule, kServerKindMax + 1> EventTable() {
  auto table = Table<kServerKindMax + 1>({
      {1, "id", kText, offsetof(EventView, id), kIdBytesMax},
      {2, "time", kMoment, offsetof(EventView, time), 0, offsetof(EventView, has_time)},
      {3, "agent", kText, offsetof(EventView, agent), kNameBytesMax},
      {4, "task_id", kText, offsetof(EventView, task_id), kNameBytesMax},
      {5, "labels", kLabel},
      {6, "environment", kText, offsetof(EventView, environment), kNameBytesMax},
      {7, "trace_id", kText, offsetof(EventView, trace_id), kNameBytesMax},
      {8, "count", kInteger, offsetof(EventView, count), kEventCountMax},
      {10, "task", kKind},
      {11, "cost", kKind},
      {12, "payment", kKind},
      {13, "error", kKind},
      {14, "request", kKind},
      {15, "sample", kKind},
      {16, "activity", kKind},
      {17, "change", kKind},
      {18, "feedback", kKind},
  });
  for (std::uint32_t number = kServerKindMin; number <= kServerKindMax; ++number) {
    table[number].tag = WireTag(number, WireType::kBytes);
    table[number].shape = kServerKind;
  }
  return table;
}
inline constexpr auto kEventTable = EventTable();

}  // namespace fields
}  // namespace barograph::storage
