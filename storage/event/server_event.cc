#include "storage/event/server_event.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

#include "barograph/v1/event.pb.h"
#include "storage/event/forecast_codec.h"
#include "storage/event/lease_codec.h"
#include "storage/event/wire_parts.h"

namespace barograph::storage {
namespace {

// Those of the headers, which the ones below would hide.
using storage::Read;
using storage::Write;

void Write(const ConfigApplied& value, v1::Event* event) {
  v1::ConfigApplied* out = event->mutable_config_applied();
  Write(value.origin, out->mutable_origin());
  out->set_hash(value.hash);
  out->set_rules_json(Text(value.rules_json));
}

Status Read(const v1::ConfigApplied& in, ConfigApplied* out) {
  out->hash = in.hash();
  out->rules_json = in.rules_json();
  return {};
}

void Write(const ModelPrice& price, v1::ModelPrice* out) {
  out->set_model(Text(price.model));
  out->set_provider(Text(price.provider));
  if (price.input) out->set_input(*price.input);
  if (price.output) out->set_output(*price.output);
  if (price.cache_read) out->set_cache_read(*price.cache_read);
  if (price.cache_write) out->set_cache_write(*price.cache_write);
  if (price.reasoning) out->set_reasoning(*price.reasoning);
}

ModelPrice ReadPrice(const v1::ModelPrice& in) {
  ModelPrice price{.model = in.model(), .provider = in.provider()};
  if (in.has_input()) price.input = in.input();
  if (in.has_output()) price.output = in.output();
  if (in.has_cache_read()) price.cache_read = in.cache_read();
  if (in.has_cache_write()) price.cache_write = in.cache_write();
  if (in.has_reasoning()) price.reasoning = in.reasoning();
  return price;
}

void Write(const PricesApplied& value, v1::Event* event) {
  v1::PricesApplied* out = event->mutable_prices_applied();
  Write(value.origin, out->mutable_origin());
  Write(value.effective_from, out->mutable_effective_from());
  out->set_version(Text(value.version));
  out->set_currency_code(Text(value.currency_code));
  for (const ModelPrice& price : value.prices) Write(price, out->add_prices());
}

Status Read(const v1::PricesApplied& in, PricesApplied* out) {
  out->effective_from = ReadTime(in.effective_from());
  out->version = in.version();
  out->currency_code = in.currency_code();
  out->prices.reserve(static_cast<std::size_t>(in.prices_size()));
  for (const v1::ModelPrice& price : in.prices()) out->prices.push_back(ReadPrice(price));
  return {};
}

void Write(const Resumed& value, v1::Event* event) {
  v1::Resumed* out = event->mutable_resumed();
  Write(value.origin, out->mutable_origin());
  Write(value.stopped_at, out->mutable_stopped_at());
  Write(value.resumed_at, out->mutable_resumed_at());
}

Status Read(const v1::Resumed& in, Resumed* out) {
  out->stopped_at = ReadTime(in.stopped_at());
  out->resumed_at = ReadTime(in.resumed_at());
  return {};
}

void Write(const PeriodOpened& value, v1::Event* event) {
  v1::PeriodOpened* out = event->mutable_period_opened();
  Write(value.origin, out->mutable_origin());
  out->set_calendar(Text(value.calendar));
  out->set_tzdata_version(Text(value.tzdata_version));
  Write(value.start, out->mutable_start());
  Write(value.end, out->mutable_end());
}

Status Read(const v1::PeriodOpened& in, PeriodOpened* out) {
  out->calendar = in.calendar();
  out->tzdata_version = in.tzdata_version();
  out->start = ReadTime(in.start());
  out->end = ReadTime(in.end());
  return {};
}

void Write(const TailDropped& value, v1::Event* event) {
  v1::TailDropped* out = event->mutable_tail_dropped();
  Write(value.origin, out->mutable_origin());
  out->set_last_sequence(value.last_sequence.value);
  out->set_detail(Text(value.detail));
}

Status Read(const v1::TailDropped& in, TailDropped* out) {
  out->last_sequence = Sequence{in.last_sequence()};
  out->detail = in.detail();
  return {};
}

void Write(const ProducerExpired& value, v1::Event* event) {
  v1::ProducerExpired* out = event->mutable_producer_expired();
  Write(value.origin, out->mutable_origin());
  out->set_producer_id(Text(value.producer_id));
  out->set_acked_sequence(value.acked_sequence);
}

Status Read(const v1::ProducerExpired& in, ProducerExpired* out) {
  out->producer_id = in.producer_id();
  out->acked_sequence = in.acked_sequence();
  return {};
}

void Write(const AlertTransition& value, v1::Event* event) {
  v1::AlertTransition* out = event->mutable_alert_transition();
  Write(value.origin, out->mutable_origin());
  out->set_rule(Text(value.rule));
  for (const auto& [name, text] : value.labels) (*out->mutable_labels())[Text(name)] = Text(text);
  out->set_from(static_cast<v1::AlertTransition::State>(value.from));
  out->set_to(static_cast<v1::AlertTransition::State>(value.to));
  Write(value.at, out->mutable_at());
  out->set_episode_id(Text(value.episode_id));
  out->set_severity(static_cast<v1::Severity>(value.severity));
  out->set_value(value.value);
  out->set_threshold(value.threshold);
  out->set_summary(Text(value.summary));
  out->set_late(value.late);
  out->set_condition(Text(value.condition));
}

Status Read(const v1::AlertTransition& in, AlertTransition* out) {
  out->rule = in.rule();
  for (const auto& [name, text] : in.labels()) out->labels.emplace(name, text);
  BAROGRAPH_TRY(ReadChoice(in.from(), AlertState::kResolved, "alert_transition.from", &out->from));
  BAROGRAPH_TRY(ReadChoice(in.to(), AlertState::kResolved, "alert_transition.to", &out->to));
  out->at = ReadTime(in.at());
  out->episode_id = in.episode_id();
  BAROGRAPH_TRY(
      ReadChoice(in.severity(), Severity::kInfo, "alert_transition.severity", &out->severity));
  out->value = in.value();
  out->threshold = in.threshold();
  out->summary = in.summary();
  out->late = in.late();
  out->condition = in.condition();
  return {};
}

void Write(const NoticeDecided& value, v1::Event* event) {
  v1::NoticeDecided* out = event->mutable_notice_decided();
  Write(value.origin, out->mutable_origin());
  out->set_id(Text(value.id));
  out->set_receiver(Text(value.receiver));
  out->set_group_key(Text(value.group_key));
  for (const std::string& id : value.episode_ids) out->add_episode_ids(Text(id));
  out->set_body(value.body);
  out->set_content_type(Text(value.content_type));
  out->set_state(static_cast<v1::AlertTransition::State>(value.state));
  Write(value.at, out->mutable_at());
  out->set_more(value.more);
}

Status Read(const v1::NoticeDecided& in, NoticeDecided* out) {
  out->id = in.id();
  out->receiver = in.receiver();
  out->group_key = in.group_key();
  out->episode_ids.assign(in.episode_ids().begin(), in.episode_ids().end());
  out->body = in.body();
  out->content_type = in.content_type();
  out->at = ReadTime(in.at());
  out->more = in.more();
  return ReadChoice(in.state(), AlertState::kResolved, "notice_decided.state", &out->state);
}

void Write(const Delivery& value, v1::Event* event) {
  v1::Delivery* out = event->mutable_delivery();
  Write(value.origin, out->mutable_origin());
  out->set_notice_id(Text(value.notice_id));
  out->set_receiver(Text(value.receiver));
  out->set_outcome(static_cast<v1::Delivery::Outcome>(value.outcome));
  out->set_attempts(value.attempts);
  out->set_status_code(value.status_code);
  out->set_detail(Text(value.detail));
}

Status Read(const v1::Delivery& in, Delivery* out) {
  out->notice_id = in.notice_id();
  out->receiver = in.receiver();
  out->attempts = in.attempts();
  out->status_code = in.status_code();
  out->detail = in.detail();
  return ReadChoice(in.outcome(), DeliveryOutcome::kDropped, "delivery.outcome", &out->outcome);
}

void Write(const TaskOverdue& value, v1::Event* event) {
  v1::TaskOverdue* out = event->mutable_task_overdue();
  Write(value.origin, out->mutable_origin());
  out->set_task_id(Text(value.task_id));
  out->set_agent(Text(value.agent));
  out->set_type(Text(value.type));
  Write(value.deadline, out->mutable_deadline());
}

Status Read(const v1::TaskOverdue& in, TaskOverdue* out) {
  out->task_id = in.task_id();
  out->agent = in.agent();
  out->type = in.type();
  out->deadline = ReadTime(in.deadline());
  return {};
}

void Write(const Exclusion& value, v1::Event* event) {
  v1::Exclusion* out = event->mutable_exclusion();
  Write(value.origin, out->mutable_origin());
  out->set_id(Text(value.id));
  out->set_slo(Text(value.slo));
  Write(value.from, out->mutable_from());
  Write(value.to, out->mutable_to());
  out->set_note(Text(value.note));
  out->set_author(Text(value.author));
  Write(value.at, out->mutable_at());
  out->set_withdrawn(value.withdrawn);
}

Status Read(const v1::Exclusion& in, Exclusion* out) {
  out->id = in.id();
  out->slo = in.slo();
  out->from = ReadTime(in.from());
  out->to = ReadTime(in.to());
  out->note = in.note();
  out->author = in.author();
  out->at = ReadTime(in.at());
  out->withdrawn = in.withdrawn();
  return {};
}

void Write(const GaugesRead& value, v1::Event* event) {
  v1::GaugesRead* out = event->mutable_gauges_read();
  Write(value.origin, out->mutable_origin());
  for (const GaugeReading& reading : value.readings) {
    v1::GaugesRead::Reading* written = out->add_readings();
    written->set_measure(Text(reading.measure));
    written->set_currency_code(Text(reading.currency_code));
    written->set_nanos(reading.nanos);
  }
}

Status Read(const v1::GaugesRead& in, GaugesRead* out) {
  for (const v1::GaugesRead::Reading& reading : in.readings())
    out->readings.push_back({reading.measure(), reading.currency_code(), reading.nanos()});
  return {};
}

void Write(const ImportEnded& value, v1::Event* event) {
  v1::ImportEnded* out = event->mutable_import_ended();
  Write(value.origin, out->mutable_origin());
  out->set_producer_id(Text(value.producer_id));
  out->set_events(value.events);
}

Status Read(const v1::ImportEnded& in, ImportEnded* out) {
  out->producer_id = in.producer_id();
  out->events = in.events();
  return {};
}

void Write(const Quarantined& value, v1::Event* event) {
  v1::Quarantined* out = event->mutable_quarantined();
  Write(value.origin, out->mutable_origin());
  out->set_topic(Text(value.topic));
  out->set_partition(value.partition);
  out->set_offset(value.offset);
  if (value.record_time) Write(*value.record_time, out->mutable_record_time());
  out->set_key(value.key);
  for (const Quarantined::Header& header : value.headers) {
    v1::Quarantined::Header* copy = out->add_headers();
    copy->set_name(Text(header.name));
    if (header.value) copy->set_value(*header.value);
  }
  out->set_value(value.value);
  out->set_value_bytes(value.value_bytes);
  out->set_value_digest(value.value_digest);
  out->set_reason(Text(value.reason));
  out->mutable_rejected_events()->Add(value.rejected_events.begin(), value.rejected_events.end());
}

Status Read(const v1::Quarantined& in, Quarantined* out) {
  out->topic = in.topic();
  out->partition = in.partition();
  out->offset = in.offset();
  if (in.has_record_time()) out->record_time = ReadTime(in.record_time());
  out->key = in.key();
  for (const v1::Quarantined::Header& header : in.headers()) {
    out->headers.push_back({header.name(), header.has_value()
                                               ? std::optional<std::string>(header.value())
                                               : std::nullopt});
  }
  out->value = in.value();
  out->value_bytes = in.value_bytes();
  out->value_digest = in.value_digest();
  out->reason = in.reason();
  out->rejected_events.assign(in.rejected_events().begin(), in.rejected_events().end());
  return {};
}

void Write(const QuarantineEnded& value, v1::Event* event) {
  v1::QuarantineEnded* out = event->mutable_quarantine_ended();
  Write(value.origin, out->mutable_origin());
  out->set_sequence(value.sequence.value);
  out->set_outcome(static_cast<v1::QuarantineEnded::Outcome>(value.outcome));
}

Status Read(const v1::QuarantineEnded& in, QuarantineEnded* out) {
  out->sequence = Sequence{in.sequence()};
  return ReadChoice(in.outcome(), QuarantineOutcome::kDropped, "quarantine_ended.outcome",
                    &out->outcome);
}

void Write(const GapSkipped& value, v1::Event* event) {
  v1::GapSkipped* out = event->mutable_gap_skipped();
  Write(value.origin, out->mutable_origin());
  out->set_topic(Text(value.topic));
  out->set_partition(value.partition);
  out->set_from_offset(value.from_offset);
  out->set_to_offset(value.to_offset);
  out->set_problem(Text(value.problem));
}

Status Read(const v1::GapSkipped& in, GapSkipped* out) {
  out->topic = in.topic();
  out->partition = in.partition();
  out->from_offset = in.from_offset();
  out->to_offset = in.to_offset();
  out->problem = in.problem();
  return {};
}

void Write(const Acknowledged& value, v1::Event* event) {
  v1::Acknowledged* out = event->mutable_acknowledged();
  Write(value.origin, out->mutable_origin());
  out->set_rule(Text(value.rule));
  for (const auto& [name, text] : value.labels) (*out->mutable_labels())[Text(name)] = Text(text);
  out->set_episode_id(Text(value.episode_id));
  out->set_note(Text(value.note));
  out->set_author(Text(value.author));
  Write(value.at, out->mutable_at());
  Write(value.fired_at, out->mutable_fired_at());
}

Status Read(const v1::Acknowledged& in, Acknowledged* out) {
  out->rule = in.rule();
  for (const auto& [name, text] : in.labels()) out->labels.emplace(name, text);
  out->episode_id = in.episode_id();
  out->note = in.note();
  out->author = in.author();
  out->at = ReadTime(in.at());
  out->fired_at = ReadTime(in.fired_at());
  return {};
}

void Write(const Silenced& value, v1::Event* event) {
  v1::Silenced* out = event->mutable_silenced();
  Write(value.origin, out->mutable_origin());
  out->set_id(Text(value.id));
  for (const LabelMatcher& matcher : value.matchers) {
    v1::LabelMatcher* copy = out->add_matchers();
    copy->set_name(Text(matcher.name));
    copy->set_op(static_cast<v1::LabelMatcher::Op>(matcher.op));
    copy->set_value(Text(matcher.value));
  }
  out->set_comment(Text(value.comment));
  out->set_author(Text(value.author));
  Write(value.starts_at, out->mutable_starts_at());
  Write(value.ends_at, out->mutable_ends_at());
  Write(value.at, out->mutable_at());
}

Status Read(const v1::Silenced& in, Silenced* out) {
  out->id = in.id();
  for (const v1::LabelMatcher& matcher : in.matchers()) {
    LabelMatcher& copy = out->matchers.emplace_back(LabelMatcher{
        .name = matcher.name(), .op = LabelMatcher::Op::kEqual, .value = matcher.value()});
    BAROGRAPH_TRY(
        ReadChoice(matcher.op(), LabelMatcher::Op::kNotMatch, "silenced.matchers.op", &copy.op));
  }
  out->comment = in.comment();
  out->author = in.author();
  out->starts_at = ReadTime(in.starts_at());
  out->ends_at = ReadTime(in.ends_at());
  out->at = ReadTime(in.at());
  return {};
}

void Write(const SilenceBegan& value, v1::Event* event) {
  v1::SilenceBegan* out = event->mutable_silence_began();
  Write(value.origin, out->mutable_origin());
  out->set_id(Text(value.id));
  Write(value.at, out->mutable_at());
}

Status Read(const v1::SilenceBegan& in, SilenceBegan* out) {
  out->id = in.id();
  out->at = ReadTime(in.at());
  return {};
}

void Write(const SilenceEnded& value, v1::Event* event) {
  v1::SilenceEnded* out = event->mutable_silence_ended();
  Write(value.origin, out->mutable_origin());
  out->set_id(Text(value.id));
  Write(value.at, out->mutable_at());
}

Status Read(const v1::SilenceEnded& in, SilenceEnded* out) {
  out->id = in.id();
  out->at = ReadTime(in.at());
  return {};
}

void Write(const Escalated& value, v1::Event* event) {
  v1::Escalated* out = event->mutable_escalated();
  Write(value.origin, out->mutable_origin());
  out->set_escalation(Text(value.escalation));
  out->set_step(value.step);
  out->set_receiver(Text(value.receiver));
  out->set_group_receiver(Text(value.group_receiver));
  out->set_group_key(Text(value.group_key));
  for (const std::string& id : value.episode_ids) out->add_episode_ids(Text(id));
  Write(value.at, out->mutable_at());
}

Status Read(const v1::Escalated& in, Escalated* out) {
  out->escalation = in.escalation();
  out->step = in.step();
  out->receiver = in.receiver();
  out->group_receiver = in.group_receiver();
  out->group_key = in.group_key();
  out->episode_ids.assign(in.episode_ids().begin(), in.episode_ids().end());
  out->at = ReadTime(in.at());
  return {};
}

void Write(const FlapChanged& value, v1::Event* event) {
  v1::FlapChanged* out = event->mutable_flap_changed();
  Write(value.origin, out->mutable_origin());
  out->set_rule(Text(value.rule));
  for (const auto& [name, text] : value.labels) (*out->mutable_labels())[Text(name)] = Text(text);
  out->set_episode_id(Text(value.episode_id));
  out->set_flapping(value.flapping);
  Write(value.at, out->mutable_at());
  out->set_fires(value.fires);
}

Status Read(const v1::FlapChanged& in, FlapChanged* out) {
  out->rule = in.rule();
  for (const auto& [name, text] : in.labels()) out->labels.emplace(name, text);
  out->episode_id = in.episode_id();
  out->flapping = in.flapping();
  out->at = ReadTime(in.at());
  out->fires = in.fires();
  return {};
}

void Write(const NoticeResent& value, v1::Event* event) {
  v1::NoticeResent* out = event->mutable_notice_resent();
  Write(value.origin, out->mutable_origin());
  out->set_notice_id(Text(value.notice_id));
  out->set_receiver(Text(value.receiver));
  out->set_sequence(value.sequence.value);
}

Status Read(const v1::NoticeResent& in, NoticeResent* out) {
  out->notice_id = in.notice_id();
  out->receiver = in.receiver();
  out->sequence = Sequence{in.sequence()};
  return {};
}

template <typename Message, typename Value>
Result<ServerEvent> Decode(const EventView& view) {
  Message message;
  if (!message.ParseFromArray(view.body.data(), static_cast<int>(view.body.size()))) {
    return Error(ErrorCode::kCorruption,
                 std::string(EventKindName(view.kind)) + ": the event's bytes do not parse");
  }
  Value value;
  value.origin = ReadOrigin(message.origin());
  BAROGRAPH_TRY(Read(message, &value));
  return ServerEvent(std::move(value));
}

}  // namespace

std::string_view Name(AlertState state) {
  switch (state) {
    case AlertState::kUnspecified:
      return "";
    case AlertState::kInactive:
      return "inactive";
    case AlertState::kPending:
      return "pending";
    case AlertState::kFiring:
      return "firing";
    case AlertState::kResolved:
      return "resolved";
  }
  return "";
}

std::string_view Name(DeliveryOutcome outcome) {
  switch (outcome) {
    case DeliveryOutcome::kUnspecified:
      return "";
    case DeliveryOutcome::kDelivered:
      return "delivered";
    case DeliveryOutcome::kSuperseded:
      return "superseded";
    case DeliveryOutcome::kDead:
      return "dead";
    case DeliveryOutcome::kDropped:
      return "dropped";
  }
  return "";
}

std::string_view Name(QuarantineOutcome outcome) {
  switch (outcome) {
    case QuarantineOutcome::kUnspecified:
      return "";
    case QuarantineOutcome::kRetried:
      return "retried";
    case QuarantineOutcome::kDropped:
      return "dropped";
  }
  return "";
}

std::string EncodeServerEvent(const ServerEvent& event, Time time) {
  v1::Event message;
  Write(time, message.mutable_time());
  std::visit([&message](const auto& value) { Write(value, &message); }, event);
  std::string bytes;
  {
    google::protobuf::io::StringOutputStream stream(&bytes);
    google::protobuf::io::CodedOutputStream coded(&stream);
    coded.SetSerializationDeterministic(true);
    BAROGRAPH_ASSERT(message.SerializeToCodedStream(&coded), "a server-made event above 2 GiB");
  }
  return bytes;
}

namespace {

Result<ServerEvent> DecodeLaterKind(const EventView& view) {
  switch (view.kind) {
    case EventKind::kLeaseReserved:
      return Decode<v1::LeaseReserved, LeaseReserved>(view);
    case EventKind::kLeaseSettled:
      return Decode<v1::LeaseSettled, LeaseSettled>(view);
    case EventKind::kLeaseReleased:
      return Decode<v1::LeaseReleased, LeaseReleased>(view);
    case EventKind::kLeaseExpired:
      return Decode<v1::LeaseExpired, LeaseExpired>(view);
    case EventKind::kLeaseExtended:
      return Decode<v1::LeaseExtended, LeaseExtended>(view);
    case EventKind::kLeaseDenied:
      return Decode<v1::LeaseDenied, LeaseDenied>(view);
    case EventKind::kGateOverridden:
      return Decode<v1::GateOverridden, GateOverridden>(view);
    case EventKind::kExclusion:
      return Decode<v1::Exclusion, Exclusion>(view);
    case EventKind::kForecastIssued:
      return Decode<v1::ForecastIssued, ForecastIssued>(view);
    case EventKind::kNoticeResent:
      return Decode<v1::NoticeResent, NoticeResent>(view);
    default:
      break;
  }
  return Error(ErrorCode::kFailedPrecondition,
               "event kind " + std::to_string(static_cast<int>(view.kind)) +
                   " is no server-made kind that this version knows; a later one wrote this log");
}

}  // namespace

Result<ServerEvent> DecodeServerEvent(const EventView& view) {
  switch (view.kind) {
    case EventKind::kConfigApplied:
      return Decode<v1::ConfigApplied, ConfigApplied>(view);
    case EventKind::kPricesApplied:
      return Decode<v1::PricesApplied, PricesApplied>(view);
    case EventKind::kResumed:
      return Decode<v1::Resumed, Resumed>(view);
    case EventKind::kPeriodOpened:
      return Decode<v1::PeriodOpened, PeriodOpened>(view);
    case EventKind::kTailDropped:
      return Decode<v1::TailDropped, TailDropped>(view);
    case EventKind::kProducerExpired:
      return Decode<v1::ProducerExpired, ProducerExpired>(view);
    case EventKind::kAlertTransition:
      return Decode<v1::AlertTransition, AlertTransition>(view);
    case EventKind::kNoticeDecided:
      return Decode<v1::NoticeDecided, NoticeDecided>(view);
    case EventKind::kDelivery:
      return Decode<v1::Delivery, Delivery>(view);
    case EventKind::kGaugesRead:
      return Decode<v1::GaugesRead, GaugesRead>(view);
    case EventKind::kTaskOverdue:
      return Decode<v1::TaskOverdue, TaskOverdue>(view);
    case EventKind::kImportEnded:
      return Decode<v1::ImportEnded, ImportEnded>(view);
    case EventKind::kAcknowledged:
      return Decode<v1::Acknowledged, Acknowledged>(view);
    case EventKind::kSilenced:
      return Decode<v1::Silenced, Silenced>(view);
    case EventKind::kSilenceBegan:
      return Decode<v1::SilenceBegan, SilenceBegan>(view);
    case EventKind::kSilenceEnded:
      return Decode<v1::SilenceEnded, SilenceEnded>(view);
    case EventKind::kEscalated:
      return Decode<v1::Escalated, Escalated>(view);
    case EventKind::kFlapChanged:
      return Decode<v1::FlapChanged, FlapChanged>(view);
    case EventKind::kQuarantined:
      return Decode<v1::Quarantined, Quarantined>(view);
    case EventKind::kQuarantineEnded:
      return Decode<v1::QuarantineEnded, QuarantineEnded>(view);
    case EventKind::kGapSkipped:
      return Decode<v1::GapSkipped, GapSkipped>(view);
    default:
      return DecodeLaterKind(view);
  }
}

}  // namespace barograph::storage
