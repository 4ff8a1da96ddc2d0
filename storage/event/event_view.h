#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "storage/base/clock.h"
#include "storage/base/limits.h"
#include "storage/base/money.h"
#include "storage/base/result.h"

namespace barograph::storage {

/// Kind of an event; the numbers are the field numbers of the oneof in event.proto and never
/// change.
enum class EventKind : std::uint8_t {
  kNone = 0,
  kTask = 10,
  kCost = 11,
  kPayment = 12,
  kError = 13,
  kRequest = 14,
  kSample = 15,
  kActivity = 16,
  kChange = 17,
  kFeedback = 18,
  // Made by the server.
  kConfigApplied = 30,
  kPricesApplied = 31,
  kResumed = 33,
  kTailDropped = 34,
  kPeriodOpened = 35,
  kProducerExpired = 36,
  kAlertTransition = 37,
  kNoticeDecided = 38,
  kDelivery = 39,
  kAcknowledged = 50,
  kSilenced = 51,
  kSilenceEnded = 52,
  kEscalated = 53,
  kFlapChanged = 54,
  kSilenceBegan = 55,
  kQuarantined = 56,
  kGapSkipped = 57,
  kTaskOverdue = 60,
  kImportEnded = 61,
  kQuarantineEnded = 62,
  kLeaseReserved = 63,
  kLeaseSettled = 64,
  kLeaseReleased = 65,
  kLeaseExpired = 66,
  kLeaseExtended = 67,
  kLeaseDenied = 68,
  kGateOverridden = 69,
  kNoticeResent = 70,
  kGaugesRead = 71,
  kExclusion = 72,
  kForecastIssued = 73,
};
[[nodiscard]] constexpr bool IsServerMade(EventKind kind) { return static_cast<int>(kind) >= 30; }
/// "task", "cost", ... as in event.proto.
[[nodiscard]] std::string_view EventKindName(EventKind kind);

// The enums of event.proto, same numbers.
enum class TaskStatus : std::uint8_t {
  kUnspecified,
  kStarted,
  kProgress,
  kBlocked,
  kCompleted,
  kFailed,
  kCancelled
};
enum class Level : std::uint8_t { kUnspecified, kCritical, kHigh, kMedium, kLow };
enum class CostCategory : std::uint8_t {
  kUnspecified,
  kModel,
  kInfrastructure,
  kLabor,
  kTool,
  kFees,
  kOther
};
enum class PaymentType : std::uint8_t {
  kUnspecified,
  kCharge,
  kRefund,
  kDispute,
  kDisputeWon,
  kFee,
  kPayout
};
enum class Severity : std::uint8_t { kUnspecified, kCritical, kError, kWarning, kInfo };
enum class SampleType : std::uint8_t { kUnspecified, kGauge, kDelta, kCumulative };
enum class ActivityState : std::uint8_t { kUnspecified, kStarted, kDone, kAbandoned };
enum class ChangeType : std::uint8_t {
  kUnspecified,
  kDeploy,
  kRollback,
  kFeature,
  kSecurity,
  kMaintenance,
  kBackup,
  kKeyRotation,
  kIncident,
  kApproval,
  kCheck
};
enum class ChangeState : std::uint8_t { kUnspecified, kStarted, kDone, kFailed, kEnded };
enum class FeedbackType : std::uint8_t { kUnspecified, kComplaint, kPraise, kReview, kSurvey };

/// Upper-case proto name, e.g. "COMPLETED"; "" for kUnspecified. These are the values of
/// dimensions.
[[nodiscard]] std::string_view Name(TaskStatus value);
[[nodiscard]] std::string_view Name(Level value);
[[nodiscard]] std::string_view Name(CostCategory value);
[[nodiscard]] std::string_view Name(PaymentType value);
[[nodiscard]] std::string_view Name(Severity value);
[[nodiscard]] std::string_view Name(SampleType value);
[[nodiscard]] std::string_view Name(ActivityState value);
[[nodiscard]] std::string_view Name(ChangeType value);
[[nodiscard]] std::string_view Name(ChangeState value);
[[nodiscard]] std::string_view Name(FeedbackType value);

/// Amount as it lies on the wire, already checked: currency of three letters, nanos exact, within
/// kMoneyNanosMax. `present` is false where the message field was absent.
struct MoneyView {
  std::int64_t nanos = 0;
  Currency currency;
  bool present = false;
};

struct TaskView {
  TaskStatus status;
  Level priority, risk;
  bool has_deadline, has_duration, has_quality;
  std::uint32_t attempt;
  std::string_view type, estimated_cost_text, business_value, parent_task_id, reason;
  MoneyView estimated_cost, actual_cost, value;
  Time deadline;
  Duration estimated_duration, duration;
  double quality;
};
struct CostView {
  CostCategory category;
  bool has_tokens;
  MoneyView amount;
  std::uint64_t input, output, cache_read, cache_write, reasoning;
  std::string_view quantity, unit, provider, model, lease_id;
  bool has_covers_from, has_covers_to;
  Time covers_from, covers_to;
};
struct PaymentView {
  PaymentType type;
  MoneyView amount;
  std::string_view customer, product, external_id;
};
struct ErrorView {
  Severity severity;
  std::string_view service, code, message, fingerprint;
};
struct RequestView {
  std::string_view service, route, status_code;
  bool ok, has_duration;
  Duration duration;
};
struct SampleView {
  SampleType type;
  std::string_view name, unit, service;
  double value;
};
struct ActivityView {
  ActivityState state;
  std::string_view name, subject, session, phase;
};
struct ChangeView {
  ChangeType type;
  ChangeState state;
  Severity severity;
  std::string_view service, version, actor, note, external_id, audience;
};
struct FeedbackView {
  FeedbackType type;
  bool has_score;
  double score, scale;
  std::string_view customer, product, text;
};

struct LabelView {
  std::string_view name, value;
};

/// One event, read in a single walk over its wire bytes without an allocation. All views point into
/// those bytes.
///
/// Threads: a plain value.
/// Lifetime: as the bytes it was read from. Only the member of the union that `kind` names may be
///           read; for server-made kinds that is `body`.
struct EventView {
  EventView() {
  }  // Leaves the union and the label array unset: this type is filled a million times a second.

  std::string_view wire;  ///< the event's whole encoding
  std::string_view id, agent, task_id, environment, trace_id;
  Time time{};  ///< valid if has_time
  bool has_time = false;
  EventKind kind = EventKind::kNone;
  std::uint16_t label_count = 0;
  std::uint64_t count = 1;
  std::array<LabelView, kLabelsMax> labels;  ///< sorted by name; the first `label_count` are valid
  union {
    TaskView task;
    CostView cost;
    PaymentView payment;
    ErrorView error;
    RequestView request;
    SampleView sample;
    ActivityView activity;
    ChangeView change;
    FeedbackView feedback;
    std::string_view body;  ///< server-made kinds: the kind's message, see server_event.h
  };
};

/// Where the bytes come from, which decides what may be in them.
enum class EventSource : std::uint8_t {
  kOutside,  ///< from a client: every rule of contract and limits; server-made kinds are refused
  kLog,  ///< read back from a verified record: structure is walked, values were checked when they
         ///< were stored
};

/// Reads one event. Refused is whatever has two readings or breaks a limit: a singular field or a
/// oneof twice, groups, wrong wire types, invalid UTF-8, nesting above kWireDepthMax, more than
/// kUnknownFieldsMax unknown fields, a label without a name or twice, an amount below 0 or without
/// a currency, a value out of range (limits.h; enum values are those of event.proto). Whatever is
/// accepted, protobuf reads alike (a differential fuzzer holds that). Texts are never refused for
/// what they say, but cost.quantity, which is a number.
///
/// Required, because nothing can be counted without it: one kind; task.status; one of cost.amount,
/// tokens and quantity with unit, where input includes the cached and output the reasoning tokens;
/// payment.type and amount; sample.name, type and a finite value; activity.name.
///
/// Errors: kInvalidArgument whose message starts with the field's path below the event and says
/// value and range, e.g. "cost.amount: -1 USD is negative; amounts are >= 0". The caller puts
/// "events[17]." in front. Where no field is to blame the path is "wire", "size" or "kind".
/// From kLog the same code means that the record's bytes were not written by this software.
[[nodiscard]] Status ReadEvent(std::string_view wire, EventSource source, EventView* out);

/// Walks the events of a payload: each is a varint length and that many bytes.
/// The payload of a record is the accepted events' encodings, unchanged, in order.
class PayloadReader {
 public:
  explicit PayloadReader(std::string_view payload) : rest_(payload) {}
  /// Next event's bytes; false at the end or when the framing is broken (then ok() is false).
  bool Next(std::string_view* event);
  [[nodiscard]] bool ok() const { return ok_; }

 private:
  std::string_view rest_;
  bool ok_ = true;
};

}  // namespace barograph::storage
