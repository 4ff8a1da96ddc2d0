#include "rules/alert/alert_book.h"

#include <algorithm>
#include <array>

#include "rules/alert/notice.h"
#include "rules/alert/row_codec.h"

namespace barograph::rules {
namespace {

using storage::AlertState;

constexpr std::uint8_t kRowFormat = 2;
/// Rows without acknowledgement and flap control, as earlier versions wrote them.
constexpr std::uint8_t kPlainRowFormat = 1;

std::string Encode(const Alert& alert) {
  std::string row;
  ByteWriter writer(&row);
  writer.Fixed(kRowFormat);
  writer.String(alert.rule);
  WriteLabels(alert.labels, &writer);
  writer.String(alert.episode_id);
  writer.Fixed(alert.state);
  writer.Fixed(alert.severity);
  WriteTime(alert.since, &writer);
  WriteTime(alert.pending_from, &writer);
  writer.Fixed(static_cast<std::uint8_t>(alert.calm_from ? 1 : 0));
  WriteTime(alert.calm_from.value_or(Time{}), &writer);
  WriteTime(alert.fired_at, &writer);
  WriteTime(alert.resolved_at, &writer);
  writer.Fixed(alert.value);
  writer.Fixed(alert.threshold);
  writer.String(alert.summary);
  writer.String(alert.condition);
  const Acknowledgement none;
  const Acknowledgement& acknowledged = alert.acknowledged ? *alert.acknowledged : none;
  writer.Fixed(static_cast<std::uint8_t>(alert.acknowledged ? 1 : 0));
  writer.String(acknowledged.author);
  writer.String(acknowledged.actor);
  writer.String(acknowledged.note);
  WriteTime(acknowledged.at, &writer);
  writer.Fixed(static_cast<std::uint8_t>(alert.flapping ? 1 : 0));
  WriteTime(alert.flapping_since, &writer);
  writer.Varint(alert.fires.size());
  for (const Time fired : alert.fires) WriteTime(fired, &writer);
  return row;
}

void DecodeLife(ByteReader* reader, Alert* alert) {
  const bool is_acknowledged = reader->Fixed<std::uint8_t>() != 0;
  Acknowledgement acknowledged;
  acknowledged.author = reader->String();
  acknowledged.actor = reader->String();
  acknowledged.note = reader->String();
  acknowledged.at = ReadTime(reader);
  if (is_acknowledged) alert->acknowledged = std::move(acknowledged);
  alert->flapping = reader->Fixed<std::uint8_t>() != 0;
  alert->flapping_since = ReadTime(reader);
  for (std::uint64_t left = reader->Varint(); left > 0 && reader->ok(); --left)
    alert->fires.push_back(ReadTime(reader));
}

Result<Alert> Decode(std::string_view row) {
  ByteReader reader(row);
  Alert alert;
  const auto format = reader.Fixed<std::uint8_t>();
  const bool known = format == kRowFormat || format == kPlainRowFormat;
  alert.rule = reader.String();
  alert.labels = ReadLabels(&reader);
  alert.fingerprint = Fingerprint(alert.labels);
  alert.episode_id = reader.String();
  alert.state = reader.Fixed<AlertState>();
  alert.severity = reader.Fixed<Severity>();
  alert.since = ReadTime(&reader);
  alert.pending_from = ReadTime(&reader);
  const bool calm = reader.Fixed<std::uint8_t>() != 0;
  const Time calm_from = ReadTime(&reader);
  if (calm) alert.calm_from = calm_from;
  alert.fired_at = ReadTime(&reader);
  alert.resolved_at = ReadTime(&reader);
  alert.value = reader.Fixed<double>();
  alert.threshold = reader.Fixed<double>();
  alert.summary = reader.String();
  alert.condition = reader.String();
  if (format == kRowFormat) DecodeLife(&reader, &alert);
  if (!known || !reader.ok() || !reader.done())
    return Error(ErrorCode::kCorruption, "alert row is broken");
  return alert;
}

}  // namespace

std::string AlertKey(const storage::Labels& labels) {
  std::string key;
  for (const auto& [name, value] : labels) {
    key.append(name).push_back('\xFF');
    key.append(value).push_back('\xFF');
  }
  return key;
}

void ApplyTransition(const storage::AlertTransition& transition, Alert* alert) {
  alert->value = transition.value;
  alert->threshold = transition.threshold;
  if (transition.from == transition.to) {
    if (transition.condition.empty()) {
      alert->calm_from = transition.at;
    } else {
      alert->calm_from.reset();
      alert->condition = transition.condition;
      alert->summary = transition.summary;
    }
    return;
  }
  if (alert->episode_id != transition.episode_id) {
    alert->rule = transition.rule;
    alert->labels = transition.labels;
    alert->fingerprint = Fingerprint(transition.labels);
    alert->episode_id = transition.episode_id;
    alert->fired_at = alert->resolved_at = alert->pending_from = Time{};
    alert->acknowledged.reset();
  }
  // Somebody looks after a warning: not yet after what became critical.
  if (transition.severity < alert->severity) alert->acknowledged.reset();
  if (transition.to == AlertState::kPending) alert->pending_from = transition.at;
  if (transition.to == AlertState::kFiring) {
    alert->fired_at = transition.at;
    std::erase_if(alert->fires, [&](Time fired) { return fired <= transition.at - kFiresKept; });
    alert->fires.push_back(transition.at);
    if (alert->fires.size() > kFlapFiresMax) alert->fires.erase(alert->fires.begin());
  }
  if (transition.to != AlertState::kFiring) alert->acknowledged.reset();
  if (transition.to == AlertState::kResolved) alert->resolved_at = transition.at;
  alert->calm_from.reset();
  alert->state = transition.to;
  alert->since = transition.at;
  alert->severity = transition.severity;
  alert->summary = transition.summary;
  alert->condition = transition.condition;
}

void AlertBook::Touch(const std::string& key) {
  changes_.BeforeChange(key, [this](const std::string& row) { return EncodeRow(row); });
}

AlertBook::Applied AlertBook::Apply(const storage::AlertTransition& transition) {
  const std::string key = AlertKey(transition.labels);
  Touch(key);
  Alert& alert = alerts_[key];
  ended_.erase({alert.since, key});
  flapping_.erase({alert.since, key});
  ApplyTransition(transition, &alert);
  if (!alert.active()) ended_.emplace(alert.since, key);
  if (alert.flapping) flapping_.emplace(alert.since, key);
  Applied applied{&alert, "", {}};
  if (transition.from != transition.to && transition.to == AlertState::kFiring)
    applied.unacknowledged = EndMilderAcknowledgements(alert);
  if (alerts_.size() > kAlertsKept && !ended_.empty() && ended_.begin()->second != key) {
    applied.forgotten = ended_.begin()->second;
    Touch(applied.forgotten);
    flapping_.erase(*ended_.begin());
    alerts_.erase(applied.forgotten);
    ended_.erase(ended_.begin());
  }
  return applied;
}

/// The same thing fires at a higher severity: who looked after the milder alert has to look again.
std::vector<std::string> AlertBook::EndMilderAcknowledgements(const Alert& fired) {
  constexpr std::array<std::string_view, 3> kLevels = {"critical", "warning", "info"};
  std::vector<std::string> ended;
  const auto severity = fired.labels.find("severity");
  if (severity == fired.labels.end()) return ended;
  storage::Labels labels = fired.labels;
  auto level = std::find(kLevels.begin(), kLevels.end(), severity->second);
  while (level != kLevels.end() && ++level != kLevels.end()) {
    labels["severity"] = *level;
    std::string key = AlertKey(labels);
    const auto found = alerts_.find(key);
    if (found == alerts_.end() || !found->second.acknowledged) continue;
    Touch(key);
    found->second.acknowledged.reset();
    ended.push_back(std::move(key));
  }
  return ended;
}

bool AlertBook::Apply(const storage::Acknowledged& acknowledged) {
  const std::string key = AlertKey(acknowledged.labels);
  const auto found = alerts_.find(key);
  if (found == alerts_.end() || found->second.state != AlertState::kFiring ||
      found->second.episode_id != acknowledged.episode_id)
    return false;
  Touch(key);
  found->second.acknowledged = {acknowledged.author, acknowledged.origin.actor, acknowledged.note,
                                acknowledged.at};
  return true;
}

const Alert* AlertBook::Apply(const storage::FlapChanged& changed) {
  const std::string key = AlertKey(changed.labels);
  const auto found = alerts_.find(key);
  if (found == alerts_.end()) return nullptr;
  Touch(key);
  Alert& alert = found->second;
  alert.flapping = changed.flapping;
  alert.flapping_since = changed.flapping ? changed.at : Time{};
  if (!changed.flapping) alert.fires.clear();
  if (changed.flapping) {
    flapping_.emplace(alert.since, key);
  } else {
    flapping_.erase({alert.since, key});
  }
  return &alert;
}

const Alert* AlertBook::FindNamed(std::string_view name) const {
  for (const auto& [key, alert] : alerts_) {
    if (alert.fingerprint == name || alert.episode_id == name) return &alert;
  }
  return nullptr;
}

void AlertBook::SkipGap(Duration gap) {
  for (auto& [key, alert] : alerts_) {
    if (!alert.active()) continue;
    changes_.BeforeChange(key, [this](const std::string& row) { return EncodeRow(row); });
    alert.pending_from += gap;
    if (alert.calm_from) *alert.calm_from += gap;
  }
}

const Alert* AlertBook::Find(const std::string& key) const {
  const auto found = alerts_.find(key);
  return found == alerts_.end() ? nullptr : &found->second;
}

std::string AlertBook::EncodeRow(const std::string& key) const {
  const Alert* alert = Find(key);
  return alert == nullptr ? "" : Encode(*alert);
}

bool AlertBook::ContinueCheckpoint(std::size_t* budget, const ChangedRows::RowSink& sink) {
  return changes_.Continue(
      budget, [this](const std::string& row) { return EncodeRow(row); }, sink);
}

Status AlertBook::LoadRow(std::string_view key, std::string_view value) {
  BAROGRAPH_ASSIGN(Alert alert, Decode(value));
  if (!alert.active()) ended_.emplace(alert.since, key);
  if (alert.flapping) flapping_.emplace(alert.since, key);
  alerts_[std::string(key)] = std::move(alert);
  return {};
}

void AlertBook::Canonical(const std::function<void(std::string_view)>& sink) const {
  for (const auto& [key, alert] : alerts_) {
    sink(key);
    sink(Encode(alert));
  }
}

std::optional<AlertStep> NextStep(const Alert* alert, bool holds, Moment moment, Time now,
                                  const RuleCommon& rule) {
  const AlertState state = alert == nullptr ? AlertState::kInactive : alert->state;
  if (state != AlertState::kPending && state != AlertState::kFiring) {
    if (!holds) return std::nullopt;
    const bool at_once = rule.for_duration == Duration{0};
    return AlertStep{AlertState::kInactive, at_once ? AlertState::kFiring : AlertState::kPending,
                     false};
  }
  const bool pending = state == AlertState::kPending;
  if (holds) {
    if (pending && now >= alert->pending_from + rule.for_duration) {
      return AlertStep{state, AlertState::kFiring, false};
    }
    if (alert->calm_from) return AlertStep{state, state, false};
    return std::nullopt;
  }
  if (moment != Moment::kWholeSecond) return std::nullopt;
  if (!alert->calm_from) return AlertStep{state, state, true};
  if (now < *DueAt(*alert, rule)) return std::nullopt;
  return AlertStep{state, pending ? AlertState::kInactive : AlertState::kResolved, true};
}

std::uint32_t FiresWithin(const Alert& alert, const FlapSpec& spec, Time now) {
  return static_cast<std::uint32_t>(
      std::count_if(alert.fires.begin(), alert.fires.end(),
                    [&](Time fired) { return fired > now - spec.within; }));
}

bool BeginsToFlap(const Alert& fired, const FlapSpec& spec, Time now) {
  return spec.fires > 0 && !fired.flapping && FiresWithin(fired, spec, now) >= spec.fires;
}

std::optional<Time> DueAt(const Alert& alert, const RuleCommon& rule) {
  if (!alert.active()) return std::nullopt;
  const bool pending = alert.state == AlertState::kPending;
  if (alert.calm_from)
    return *alert.calm_from + (pending ? kCalmMin : std::max(kCalmMin, rule.keep_firing_for));
  if (pending) return alert.pending_from + rule.for_duration;
  return std::nullopt;
}

}  // namespace barograph::rules
