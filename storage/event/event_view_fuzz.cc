// Differential: whatever ReadEvent accepts from outside, protobuf parses, and every field reads
// alike. What was accepted reads alike from the log, too.
#include <google/protobuf/text_format.h>

#include <bit>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "barograph/v1/event.pb.h"
#include "storage/base/assert.h"
#include "storage/event/event_view.h"

extern "C" size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t size_max);

namespace barograph::storage {
namespace {

void Same(bool same, std::string_view field) { BAROGRAPH_ASSERT(same, field); }

void SameMoney(bool has, const v1::Money& money, const MoneyView& view, std::string_view field) {
  Same(has == view.present, field);
  Same(money.currency_code() == view.currency.code(), field);
  Same(Int128{money.units()} * kNanosPerUnit + money.nanos() == view.nanos, field);
}

template <typename Message>
void SameNanos(const Message& message, std::int64_t nanos, std::string_view field) {
  Same(Int128{message.seconds()} * kNanosPerUnit + message.nanos() == nanos, field);
}

void SameNumber(double message, double view, std::string_view field) {
  Same(std::bit_cast<std::uint64_t>(message) == std::bit_cast<std::uint64_t>(view), field);
}

template <typename Message, typename View>
void SameChoice(Message message, View view, std::string_view field) {
  Same(static_cast<int>(message) == static_cast<int>(view), field);
}

void Compare(const v1::Task& task, const TaskView& view) {
  SameChoice(task.status(), view.status, "status");
  Same(task.type() == view.type, "type");
  SameChoice(task.priority(), view.priority, "priority");
  SameChoice(task.risk(), view.risk, "risk");
  SameMoney(task.has_estimated_cost(), task.estimated_cost(), view.estimated_cost,
            "estimated_cost");
  SameMoney(task.has_actual_cost(), task.actual_cost(), view.actual_cost, "actual_cost");
  SameMoney(task.has_value(), task.value(), view.value, "value");
  Same(task.estimated_cost_text() == view.estimated_cost_text, "estimated_cost_text");
  Same(task.business_value() == view.business_value, "business_value");
  Same(task.has_deadline() == view.has_deadline, "deadline");
  SameNanos(task.deadline(), view.deadline.time_since_epoch().count(), "deadline");
  SameNanos(task.estimated_duration(), view.estimated_duration.count(), "estimated_duration");
  Same(task.has_duration() == view.has_duration, "duration");
  SameNanos(task.duration(), view.duration.count(), "duration");
  Same(task.parent_task_id() == view.parent_task_id, "parent_task_id");
  Same(task.attempt() == view.attempt, "attempt");
  Same(task.has_quality() == view.has_quality, "quality");
  SameNumber(task.quality(), view.quality, "quality");
  Same(task.reason() == view.reason, "reason");
}

void Compare(const v1::Cost& cost, const CostView& view) {
  SameChoice(cost.category(), view.category, "category");
  SameMoney(cost.has_amount(), cost.amount(), view.amount, "amount");
  Same(cost.has_tokens() == view.has_tokens, "tokens");
  Same(cost.tokens().input() == view.input, "input");
  Same(cost.tokens().output() == view.output, "output");
  Same(cost.tokens().cache_read() == view.cache_read, "cache_read");
  Same(cost.tokens().cache_write() == view.cache_write, "cache_write");
  Same(cost.tokens().reasoning() == view.reasoning, "reasoning");
  Same(cost.quantity() == view.quantity, "quantity");
  Same(cost.unit() == view.unit, "unit");
  Same(cost.provider() == view.provider, "provider");
  Same(cost.model() == view.model, "model");
  Same(cost.lease_id() == view.lease_id, "lease_id");
  Same(cost.has_covers_from() == view.has_covers_from, "covers_from");
  SameNanos(cost.covers_from(), view.covers_from.time_since_epoch().count(), "covers_from");
  Same(cost.has_covers_to() == view.has_covers_to, "covers_to");
  SameNanos(cost.covers_to(), view.covers_to.time_since_epoch().count(), "covers_to");
}

void Compare(const v1::Payment& payment, const PaymentView& view) {
  SameChoice(payment.type(), view.type, "type");
  SameMoney(payment.has_amount(), payment.amount(), view.amount, "amount");
  Same(payment.customer() == view.customer, "customer");
  Same(payment.product() == view.product, "product");
  Same(payment.external_id() == view.external_id, "external_id");
}

void Compare(const v1::Error& error, const ErrorView& view) {
  SameChoice(error.severity(), view.severity, "severity");
  Same(error.service() == view.service, "service");
  Same(error.code() == view.code, "code");
  Same(error.message() == view.message, "message");
  Same(error.fingerprint() == view.fingerprint, "fingerprint");
}

void Compare(const v1::Request& request, const RequestView& view) {
  Same(request.service() == view.service, "service");
  Same(request.route() == view.route, "route");
  Same(request.has_duration() == view.has_duration, "duration");
  SameNanos(request.duration(), view.duration.count(), "duration");
  Same(request.ok() == view.ok, "ok");
  Same(request.status_code() == view.status_code, "status_code");
}

void Compare(const v1::Sample& sample, const SampleView& view) {
  Same(sample.name() == view.name, "name");
  SameNumber(sample.value(), view.value, "value");
  Same(sample.unit() == view.unit, "unit");
  Same(sample.service() == view.service, "service");
  SameChoice(sample.type(), view.type, "type");
}

void Compare(const v1::Activity& activity, const ActivityView& view) {
  Same(activity.name() == view.name, "name");
  Same(activity.subject() == view.subject, "subject");
  Same(activity.session() == view.session, "session");
  Same(activity.phase() == view.phase, "phase");
  SameChoice(activity.state(), view.state, "state");
}

void Compare(const v1::Change& change, const ChangeView& view) {
  SameChoice(change.type(), view.type, "type");
  Same(change.service() == view.service, "service");
  Same(change.version() == view.version, "version");
  SameChoice(change.state(), view.state, "state");
  Same(change.actor() == view.actor, "actor");
  Same(change.note() == view.note, "note");
  SameChoice(change.severity(), view.severity, "severity");
  Same(change.external_id() == view.external_id, "external_id");
  Same(change.audience() == view.audience, "audience");
}

void Compare(const v1::Feedback& feedback, const FeedbackView& view) {
  SameChoice(feedback.type(), view.type, "type");
  Same(feedback.has_score() == view.has_score, "score");
  SameNumber(feedback.score(), view.score, "score");
  SameNumber(feedback.scale(), view.scale, "scale");
  Same(feedback.customer() == view.customer, "customer");
  Same(feedback.product() == view.product, "product");
  Same(feedback.text() == view.text, "text");
}

void CompareLabels(const v1::Event& event, const EventView& view) {
  Same(static_cast<std::size_t>(event.labels_size()) == view.label_count, "labels");
  for (std::size_t i = 0; i < view.label_count; ++i) {
    const auto label = event.labels().find(std::string(view.labels[i].name));
    Same(label != event.labels().end() && label->second == view.labels[i].value, "labels");
    Same(i == 0 || view.labels[i - 1].name < view.labels[i].name, "order of labels");
  }
}

void CompareKind(const v1::Event& event, const EventView& view) {
  switch (view.kind) {
    case EventKind::kTask:
      return Compare(event.task(), view.task);
    case EventKind::kCost:
      return Compare(event.cost(), view.cost);
    case EventKind::kPayment:
      return Compare(event.payment(), view.payment);
    case EventKind::kError:
      return Compare(event.error(), view.error);
    case EventKind::kRequest:
      return Compare(event.request(), view.request);
    case EventKind::kSample:
      return Compare(event.sample(), view.sample);
    case EventKind::kActivity:
      return Compare(event.activity(), view.activity);
    case EventKind::kChange:
      return Compare(event.change(), view.change);
    case EventKind::kFeedback:
      return Compare(event.feedback(), view.feedback);
    default:
      Same(false, "an agent's kind");
  }
}

void Compare(const v1::Event& event, const EventView& view) {
  Same(event.id() == view.id, "id");
  Same(event.has_time() == view.has_time, "time");
  SameNanos(event.time(), view.time.time_since_epoch().count(), "time");
  Same(event.agent() == view.agent, "agent");
  Same(event.task_id() == view.task_id, "task_id");
  Same(event.environment() == view.environment, "environment");
  Same(event.trace_id() == view.trace_id, "trace_id");
  Same((event.count() == 0 ? 1 : event.count()) == view.count, "count");
  SameChoice(event.kind_case(), view.kind, "kind");
  CompareLabels(event, view);
  CompareKind(event, view);
}

// Good events to start from, so that mutation begins behind the first refusals.
constexpr const char* kSeeds[] = {
    "id: 'a' time { seconds: 1795254700 nanos: 5 } agent: 'b' task_id: 'c' environment: 'e' count: "
    "7 trace_id: 't'"
    " labels { key: 'k' value: 'v' } labels { key: 'l' value: 'w' } task { status: COMPLETED type: "
    "'d' priority: HIGH"
    " risk: LOW estimated_cost { currency_code: 'USD' units: 1 nanos: 5 } actual_cost { "
    "currency_code: 'EUR' units: 2 }"
    " value { currency_code: 'JPY' nanos: 3 } estimated_cost_text: '150_anthropic_credits' "
    "business_value: 'x'"
    " dependencies: 'y' deadline { seconds: 1795254700 } estimated_duration { seconds: 9 } "
    "duration { nanos: 4 }"
    " success_metrics: 'm' success_metrics_achieved: 'n' evidence: 'o' parent_task_id: 'p' "
    "attempt: 2 quality: 0.5"
    " reason: '\\303\\251\\342\\202\\254\\360\\237\\214\\251' }",
    "cost { category: MODEL tokens { input: 300 output: 200 cache_read: 100 cache_write: 50 "
    "reasoning: 10 } provider: 'p'"
    " model: 'm' covers_from { seconds: 1795254700 } covers_to { seconds: 1795254800 } lease_id: "
    "'l' }",
    "cost { amount { currency_code: 'USD' units: 200 } }",
    "cost { quantity: '1.5e-3' unit: 'GB-month' }",
    "payment { type: DISPUTE_WON amount { currency_code: 'USD' nanos: 1 } customer: 'c' product: "
    "'p' external_id: 'e' }",
    "error { severity: WARNING service: 's' code: 'c' message: 'm' fingerprint: 'f' }",
    "request { service: 's' route: 'r' duration { seconds: 1 nanos: 2 } ok: true status_code: "
    "'200' }",
    "sample { name: 'n' value: 1.5 unit: 'u' service: 's' type: DELTA }",
    "activity { name: 'n' subject: 's' session: 't' phase: 'p' state: DONE }",
    "change { type: CHECK service: 's' version: 'v' state: ENDED actor: 'a' note: 'n' severity: "
    "INFO external_id: 'e'"
    " audience: 'x' }",
    "feedback { type: REVIEW score: 4 scale: 5 customer: 'c' product: 'p' text: 't' }",
};

std::string Seed(unsigned index) {
  v1::Event event;
  const bool parsed =
      google::protobuf::TextFormat::ParseFromString(kSeeds[index % std::size(kSeeds)], &event);
  BAROGRAPH_ASSERT(parsed, "a seed is no event");
  return event.SerializeAsString();
}

}  // namespace
}  // namespace barograph::storage

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t size_max,
                                          unsigned seed) {
  // Now and then anew from a good event; appending one to the input makes oneofs and fields come
  // twice.
  if (seed % 64 == 0 || size == 0) {
    const std::string good = barograph::storage::Seed(seed / 64);
    const size_t start = seed % 128 == 0 ? 0 : size;
    if (start + good.size() <= size_max) {
      std::memcpy(data + start, good.data(), good.size());
      size = start + good.size();
    }
  }
  return LLVMFuzzerMutate(data, size, size_max);
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace barograph;
  using namespace barograph::storage;
  const std::string_view wire(reinterpret_cast<const char*>(data), size);
  EventView view;
  EventView from_log;
  const bool read_from_log = ReadEvent(wire, EventSource::kLog, &from_log).ok();
  if (!ReadEvent(wire, EventSource::kOutside, &view).ok()) return 0;
  v1::Event event;
  Same(event.ParseFromArray(data, static_cast<int>(size)), "protobuf refuses what was accepted");
  Compare(event, view);
  Same(read_from_log, "the log's reading refuses what was accepted");
  Compare(event, from_log);
  return 0;
}
