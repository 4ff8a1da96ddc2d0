#include "ingest/formats/task_log.h"

#include <google/protobuf/descriptor.h>

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "ingest/formats/nearest_name.h"
#include "storage/base/limits.h"
#include "storage/base/money.h"

namespace barograph::ingest {
namespace {

using google::protobuf::FieldDescriptor;

constexpr std::array<std::pair<std::string_view, v1::Task::Status>, 7> kEvents{{
    {"task_started", v1::Task::STARTED},
    {"task_progress", v1::Task::PROGRESS},
    {"task_blocked", v1::Task::BLOCKED},
    {"task_completed", v1::Task::COMPLETED},
    {"task_failed", v1::Task::FAILED},
    {"task_cancelled", v1::Task::CANCELLED},
    {"task_canceled", v1::Task::CANCELLED},
}};

// Keys of the log beside those that are fields of Task by name.
constexpr std::array<std::pair<std::string_view, std::string_view>, 8> kSynonyms{{
    {"task_type", "type"},
    {"risk_level", "risk"},
    {"actual_duration", "duration"},
    {"quality_score", "quality"},
    {"error", "reason"},
    {"failure_reason", "reason"},
    {"parent_task", "parent_task_id"},
    {"metrics_achieved", "success_metrics_achieved"},
}};

bool IsScalar(const JsonValue& value) {
  return value.kind != JsonValue::Kind::kArray && value.kind != JsonValue::Kind::kObject;
}

std::string Plain(const JsonValue& value) { return IsScalar(value) ? value.text : value.ToText(); }

// Keeps what has no field of its own.
void Keep(const std::string& key, const JsonValue& value, v1::Event* event) {
  const std::string text = Plain(value);
  const bool fits = key.size() <= kLabelBytesMax && !key.empty() && text.size() <= kLabelBytesMax &&
                    !text.empty();
  if (IsScalar(value) && fits && static_cast<std::size_t>(event->labels_size()) < kLabelsMax) {
    (*event->mutable_labels())[key] = text;
    return;
  }
  std::string line = key + ": " + text;
  if (line.size() > kTextBytesMax) {
    // Cut at a character's first byte, so that the text stays UTF-8.
    std::size_t end = kTextBytesMax;
    while (end > 0 && (static_cast<unsigned char>(line[end]) & 0xC0U) == 0x80U) --end;
    line.resize(end);
  }
  if (static_cast<std::size_t>(event->task().evidence_size()) < kListItemsMax) {
    event->mutable_task()->add_evidence(line);
  }
}

// A list of text from a list, an object ("name: value") or one value.
void KeepList(const std::string& key, const FieldDescriptor* field, const JsonValue& value,
              v1::Event* event) {
  v1::Task* task = event->mutable_task();
  const auto add = [&](const std::string& text) {
    if (static_cast<std::size_t>(task->GetReflection()->FieldSize(*task, field)) < kListItemsMax) {
      task->GetReflection()->AddString(task, field, text);
    } else {
      Keep(key, value, event);
    }
  };
  if (IsScalar(value)) return add(value.text);
  for (std::size_t i = 0; i < value.items.size(); ++i) {
    const std::string text = Plain(value.items[i]);
    add(value.kind == JsonValue::Kind::kObject ? value.keys[i] + ": " + text : text);
  }
}

// Whether the log takes the values: what it would refuse is kept as text instead.
bool IsInRange(const v1::Task& task) {
  const auto positive = [](const v1::Money& money) {
    return money.units() >= 0 && money.nanos() >= 0;
  };
  return positive(task.estimated_cost()) && positive(task.actual_cost()) &&
         positive(task.value()) &&
         (!task.has_quality() || (task.quality() >= 0 && task.quality() <= 1)) &&
         task.type().size() <= kNameBytesMax && task.parent_task_id().size() <= kNameBytesMax &&
         task.business_value().size() <= kTextBytesMax && task.reason().size() <= kTextBytesMax;
}

void ReadTaskField(const std::string& key, const FieldDescriptor* field, const JsonValue& value,
                   const FieldText& how, v1::Event* event) {
  v1::Task* task = event->mutable_task();
  if (field->is_repeated()) return KeepList(key, field, value, event);
  if (value.kind == JsonValue::Kind::kObject && field->message_type() == v1::Money::descriptor()) {
    return Keep(key, value, event);
  }
  const std::string text = Plain(value);
  if (field->number() == v1::Task::kBusinessValueFieldNumber && ParseMoney(text).ok()) {
    static_cast<void>(
        SetFieldFromText(task, v1::Task::descriptor()->FindFieldByName("value"), text, how));
  }
  v1::Task attempt = *task;
  if (IsScalar(value) && SetFieldFromText(&attempt, field, text, how).ok() && IsInRange(attempt)) {
    *task = std::move(attempt);
  } else if (field->number() == v1::Task::kEstimatedCostFieldNumber && IsScalar(value)) {
    task->set_estimated_cost_text(text);
  } else {
    Keep(key, value, event);
  }
}

Status ReadHead(const JsonValue& json, const FieldText& how, v1::Event* event) {
  const JsonValue* kind = json.Find("event");
  if (kind == nullptr)
    return Error(ErrorCode::kInvalidArgument, "event: is missing; expected e.g. task_started");
  const auto found = std::find_if(kEvents.begin(), kEvents.end(),
                                  [&](const auto& known) { return known.first == kind->text; });
  if (found == kEvents.end()) {
    std::array<std::string_view, kEvents.size()> names{};
    std::transform(kEvents.begin(), kEvents.end(), names.begin(),
                   [](const auto& known) { return known.first; });
    return Error(ErrorCode::kInvalidArgument, "event: '" + kind->text.substr(0, 64) +
                                                  "' is no event of the task log" +
                                                  DidYouMean(kind->text, names));
  }
  event->mutable_task()->set_status(found->second);
  const JsonValue* timestamp = json.Find("timestamp");
  if (timestamp == nullptr) return Error(ErrorCode::kInvalidArgument, "timestamp: is missing");
  const Status time = SetFieldFromText(event, v1::Event::descriptor()->FindFieldByName("time"),
                                       timestamp->text, how);
  return time.ok() ? time : time.error().WithContext("timestamp");
}

}  // namespace

Status ReadTaskLog(const JsonValue& json, const FieldText& how, v1::Event* event) {
  if (json.kind != JsonValue::Kind::kObject) {
    return Error(ErrorCode::kInvalidArgument,
                 "must be an object, not " + std::string(json.KindName()));
  }
  BAROGRAPH_TRY(ReadHead(json, how, event));
  for (std::size_t i = 0; i < json.keys.size(); ++i) {
    const std::string& key = json.keys[i];
    const JsonValue& value = json.items[i];
    if (key == "event" || key == "timestamp" || value.kind == JsonValue::Kind::kNull) continue;
    const auto synonym = std::find_if(kSynonyms.begin(), kSynonyms.end(),
                                      [&](const auto& known) { return known.first == key; });
    const std::string name(synonym == kSynonyms.end() ? std::string_view(key) : synonym->second);
    // The status is what `event` says; another one is only kept.
    const auto* const field =
        name == "status" ? nullptr : v1::Task::descriptor()->FindFieldByName(name);
    if (field != nullptr) {
      ReadTaskField(key, field, value, how, event);
    } else if ((name == "agent" || name == "task_id" || name == "environment" ||
                name == "trace_id" || name == "id") &&
               IsScalar(value) && value.text.size() <= kNameBytesMax) {
      const auto* event_field = v1::Event::descriptor()->FindFieldByName(name);
      event->GetReflection()->SetString(event, event_field, value.text);
    } else {
      Keep(key, value, event);
    }
  }
  return {};
}

}  // namespace barograph::ingest
