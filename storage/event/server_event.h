#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "storage/base/clock.h"
#include "storage/base/ids.h"
#include "storage/base/result.h"
#include "storage/event/event_view.h"
#include "storage/event/forecast_event.h"
#include "storage/event/lease_event.h"

namespace barograph::storage {

/// Label set of an alert or series: ordered, because identity must not depend on hash order.
using Labels = std::map<std::string, std::string, std::less<>>;

/// Who caused a server-made event, and why ("start", "reload", "evaluation", "command").
struct Origin {
  std::string actor = "server";
  std::string reason;
};

struct ConfigApplied {
  Origin origin;
  std::string hash;        ///< 32 bytes
  std::string rules_json;  ///< the normalised rule set
};
/// Integers of 1e-15 of the table's currency per token; absent = the table does not say.
struct ModelPrice {
  std::string model, provider;
  std::optional<std::int64_t> input, output, cache_read, cache_write, reasoning;
  friend bool operator==(const ModelPrice&, const ModelPrice&) = default;
};
struct PricesApplied {
  Origin origin;
  Time effective_from{};
  std::string version;
  std::string currency_code;
  std::vector<ModelPrice> prices;  ///< sorted by model, then provider
};
struct Resumed {
  Origin origin;
  Time stopped_at{}, resumed_at{};
};
/// One period [start, end) of a calendar ("day@America/New_York").
struct PeriodOpened {
  Origin origin;
  std::string calendar, tzdata_version;
  Time start{}, end{};
};
struct TailDropped {
  Origin origin;
  Sequence last_sequence;
  std::string detail;
};
struct ProducerExpired {
  Origin origin;
  std::string producer_id;
  std::uint64_t acked_sequence = 0;
};

/// State of an alert's life. Same numbers as in server_event.proto.
enum class AlertState : std::uint8_t { kUnspecified, kInactive, kPending, kFiring, kResolved };
[[nodiscard]] std::string_view Name(AlertState state);  ///< lower case: "firing"

struct AlertTransition {
  Origin origin;
  std::string rule;
  Labels labels;
  AlertState from = AlertState::kInactive, to = AlertState::kInactive;
  Time at{};
  std::string episode_id;
  Severity severity = Severity::kUnspecified;
  double value = 0, threshold = 0;
  std::string summary;
  bool late = false;
  std::string condition;
};
struct NoticeDecided {
  Origin origin;
  std::string id, receiver, group_key;
  std::vector<std::string> episode_ids;
  std::string body, content_type;
  AlertState state = AlertState::kFiring;
  Time at{};
  std::uint64_t more = 0;  ///< alerts whose step is told by their number alone
};
enum class DeliveryOutcome : std::uint8_t {
  kUnspecified,
  kDelivered,
  kSuperseded,
  kDead,
  kDropped
};
[[nodiscard]] std::string_view Name(DeliveryOutcome outcome);  ///< lower case: "delivered"
struct Delivery {
  Origin origin;
  std::string notice_id, receiver;
  DeliveryOutcome outcome = DeliveryOutcome::kUnspecified;
  std::uint32_t attempts = 0, status_code = 0;
  std::string detail;
};
struct TaskOverdue {
  Origin origin;
  std::string task_id, agent, type;
  Time deadline{};
};
struct ImportEnded {
  Origin origin;
  std::string producer_id;
  std::uint64_t events = 0;
};

/// A record of Kafka that was set aside whole. Key, value and the headers' values are bytes and are
/// kept as they are.
struct Quarantined {
  struct Header {
    std::string name;
    std::optional<std::string> value;
    friend bool operator==(const Header&, const Header&) = default;
  };
  Origin origin;
  std::string topic;
  std::uint32_t partition = 0;
  std::uint64_t offset = 0;
  std::optional<Time> record_time;
  std::string key;
  std::vector<Header> headers;
  std::string value;              ///< cut at 1 MiB
  std::uint64_t value_bytes = 0;  ///< of the whole value
  std::string value_digest;       ///< SHA-256 of the whole value; empty unless it was cut
  std::string reason;
  std::vector<std::uint32_t> rejected_events;  ///< empty: the whole record
};
enum class QuarantineOutcome : std::uint8_t { kUnspecified, kRetried, kDropped };
[[nodiscard]] std::string_view Name(QuarantineOutcome outcome);  ///< lower case: "retried"
struct QuarantineEnded {
  Origin origin;
  Sequence sequence;  ///< of its Quarantined
  QuarantineOutcome outcome = QuarantineOutcome::kUnspecified;
};
struct GapSkipped {
  Origin origin;
  std::string topic;
  std::uint32_t partition = 0;
  std::uint64_t from_offset = 0, to_offset = 0;
  std::string problem;
};

/// A label and what its value must be. Same numbers as in server_event.proto.
struct LabelMatcher {
  enum class Op : std::uint8_t { kUnspecified, kEqual, kNotEqual, kMatch, kNotMatch };
  std::string name;
  Op op = Op::kEqual;
  std::string value;
  friend bool operator==(const LabelMatcher&, const LabelMatcher&) = default;
};
struct Acknowledged {
  Origin origin;
  std::string rule;
  Labels labels;
  std::string episode_id, note, author;
  Time at{}, fired_at{};
};
struct Silenced {
  Origin origin;
  std::string id;
  std::vector<LabelMatcher> matchers;
  std::string comment, author;
  Time starts_at{}, ends_at{}, at{};
};
struct SilenceBegan {
  Origin origin;
  std::string id;
  Time at{};
};
struct SilenceEnded {
  Origin origin;
  std::string id;
  Time at{};
};
struct Escalated {
  Origin origin;
  std::string escalation;
  std::uint32_t step = 0;  ///< from 1
  std::string receiver, group_receiver, group_key;
  std::vector<std::string> episode_ids;
  Time at{};
};
struct FlapChanged {
  Origin origin;
  std::string rule;
  Labels labels;
  std::string episode_id;
  bool flapping = false;
  Time at{};
  std::uint32_t fires = 0;
};
struct NoticeResent {
  Origin origin;
  std::string notice_id, receiver;
  Sequence sequence;  ///< at which the notice had become pending before
};

/// One level: nanos is in 1e-9 of the unit of `measure`, the currency that of money.
struct GaugeReading {
  std::string measure, currency_code;
  std::int64_t nanos = 0;
  friend bool operator==(const GaugeReading&, const GaugeReading&) = default;
};
/// Readings of one event; more take a second event.
inline constexpr std::size_t kGaugeReadingsMax = 16;
struct GaugesRead {
  Origin origin;
  std::vector<GaugeReading> readings;
};

/// An amount was set aside in every budget of the path; `id` depends on the log, never on chance.
struct LeaseReserved {
  Origin origin;
  std::string id;
  LeaseWish wish;
  Time at{}, expires_at{};
  std::vector<LeaseBudget> budgets;
};
struct LeaseSettled {
  Origin origin;
  std::string id;
  Time at{};
  std::optional<std::int64_t> actual_nanos;  ///< what was said; else what Costs had counted
  std::int64_t written_nanos = 0;            ///< of the LeaseCost before it; 0: there is none
  std::int64_t overrun_nanos = 0;            ///< counted above the grant
};
struct LeaseReleased {
  Origin origin;
  std::string id;
  Time at{};
};
struct LeaseExpired {
  Origin origin;
  std::string id;
  Time at{};
};
struct LeaseExtended {
  Origin origin;
  std::string id;
  Time at{}, expires_at{};
};
struct LeaseDenied {
  Origin origin;
  LeaseWish wish;
  Time at{};
  std::vector<LeaseBudget> budgets;  ///< that could not take it, the one that lacked most first
};
struct GateOverridden {
  Origin origin;
  std::string gate;  ///< "slo:NAME", "budget:NAME"
  std::string note, author;
  Time at{}, expires_at{};
};
struct Exclusion {
  Origin origin;
  std::string id, slo;
  Time from{}, to{};  ///< whole hours, without `to`
  std::string note, author;
  Time at{};
  bool withdrawn = false;
};
/// A forecast that an instance of a rule asked for; see server_event.proto.
struct ForecastIssued {
  Origin origin;
  std::string rule;
  Labels labels;
  std::string measure, currency_code;
  Time at{}, history_end{};
  std::chrono::seconds step{0};
  std::uint64_t history_steps = 0;
  std::vector<ForecastStep> steps;
  std::string model, cannot_say, question;
  std::int64_t probability_ppb = 0;
  ForecastTimes times;
};
/// The Cost that Settle writes. In the log it is an agent's Cost like all others, with a time of
/// its own, and that is what it reads back as.
struct LeaseCost {
  std::string lease_id;
  LeaseWish wish;  ///< dimensions; its amount is what is written
  Time time{};
};

/// A server-made event as a value. Encoding and decoding are exact inverses, but for LeaseCost.
using ServerEvent =
    std::variant<ConfigApplied, PricesApplied, Resumed, TailDropped, ProducerExpired,
                 AlertTransition, NoticeDecided, Delivery, TaskOverdue, ImportEnded, Quarantined,
                 QuarantineEnded, GapSkipped, PeriodOpened, Acknowledged, Silenced, SilenceBegan,
                 SilenceEnded, Escalated, FlapChanged, NoticeResent, GaugesRead, LeaseReserved,
                 LeaseSettled, LeaseReleased, LeaseExpired, LeaseExtended, LeaseDenied,
                 GateOverridden, Exclusion, ForecastIssued, LeaseCost>;

/// The event's whole wire encoding (an Event message with `time` set), deterministic: equal values
/// give equal bytes. Texts are UTF-8; bytes that are not (say, of a receiver's answer) are stored
/// as U+FFFD, because what the log holds must be readable.
[[nodiscard]] std::string EncodeServerEvent(const ServerEvent& event, Time time);
/// The kind's message from a view whose kind is server-made.
/// Errors: kCorruption (broken bytes), kFailedPrecondition for a kind this version does not know: a
/// fold stops there.
[[nodiscard]] Result<ServerEvent> DecodeServerEvent(const EventView& view);

}  // namespace barograph::storage
