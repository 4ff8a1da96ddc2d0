#include "ingest/formats/cloud_event.h"

#include <google/protobuf/descriptor.h>

#include <algorithm>
#include <chrono>

#include "ingest/formats/event_json.h"
#include "ingest/formats/limits.h"
#include "ingest/formats/nearest_name.h"
#include "storage/event/event_view.h"

namespace barograph::ingest {
namespace {

using google::protobuf::FieldDescriptor;

constexpr std::string_view kWholeEvent = "event";

Error Refuse(const std::string& what, const std::string& why) {
  return Error(ErrorCode::kInvalidArgument, what + ": " + why);
}

std::string Quoted(std::string_view text) { return "'" + std::string(text.substr(0, 64)) + "'"; }

bool IsKind(const FieldDescriptor& field) {
  return field.real_containing_oneof() != nullptr && !IsServerMadeKind(field);
}

std::vector<std::string_view> NamesOfTargets() {
  std::vector<std::string_view> names;
  const auto* event = v1::Event::descriptor();
  for (int i = 0; i < event->field_count(); ++i) {
    if (IsKind(*event->field(i))) names.push_back(event->field(i)->name());
  }
  names.push_back(kWholeEvent);
  return names;
}

// An object of a kind's fields, with fields of every event beside them, as a whole event.
JsonValue WrapKind(const std::string& kind, JsonValue json) {
  JsonValue event;
  event.kind = JsonValue::Kind::kObject;
  JsonValue fields;
  fields.kind = JsonValue::Kind::kObject;
  for (std::size_t i = 0; i < json.keys.size(); ++i) {
    const FieldDescriptor* field = FindField(*v1::Event::descriptor(), json.keys[i]);
    const bool beside = field != nullptr && field->real_containing_oneof() == nullptr;
    JsonValue& target = beside ? event : fields;
    target.keys.push_back(std::move(json.keys[i]));
    target.items.push_back(std::move(json.items[i]));
  }
  event.keys.push_back(kind);
  event.items.push_back(std::move(fields));
  return event;
}

Status CheckLabels(const std::vector<std::string>& labels) {
  if (labels.size() > kLabelsMax) {
    return Refuse("labels", std::to_string(labels.size()) + "; an event has at most " +
                                std::to_string(kLabelsMax));
  }
  for (const std::string& label : labels) {
    if (!IsCloudEventAttributeName(label) || label.size() > kLabelBytesMax) {
      return Refuse("labels", Quoted(label) + " names no attribute: a-z, 0-9");
    }
  }
  return {};
}

}  // namespace

Result<CloudEventReader::Target> CloudEventReader::MakeTarget(CloudEventType entry) {
  Target target;
  target.type = std::move(entry.type);
  const std::size_t star = target.type.find('*');
  if (target.type.empty()) return Refuse("type", "is empty");
  if (star != std::string::npos && star + 1 != target.type.size()) {
    return Refuse("type", Quoted(target.type) + " has a * that is not at its end");
  }
  if (entry.mapping.has_value()) {
    if (!entry.as.empty()) return Refuse("as", "stands beside a mapping; one of them");
    if (entry.mapping->spec().format != ImportFormat::kNdjson) {
      return Refuse("mapping", "has format " + std::string(Name(entry.mapping->spec().format)) +
                                   "; data is read as ndjson");
    }
    target.mapping = std::make_shared<const EventMapping>(std::move(*entry.mapping));
    return target;
  }
  if (entry.as == kWholeEvent) return target;
  const auto names = NamesOfTargets();
  if (std::find(names.begin(), names.end(), entry.as) == names.end()) {
    std::string all;
    for (const std::string_view name : names) all.append(all.empty() ? "" : ", ").append(name);
    return Refuse("as", Quoted(entry.as) + " is none of " + all + DidYouMean(entry.as, names));
  }
  target.kind = v1::Event::descriptor()->FindFieldByName(entry.as);
  return target;
}

Result<CloudEventReader> CloudEventReader::Make(CloudEventOptions options, FieldText text) {
  if (options.types.empty() || options.types.size() > kCloudEventTypesMax) {
    return Refuse("types", std::to_string(options.types.size()) + " entries; 1 to " +
                               std::to_string(kCloudEventTypesMax));
  }
  CloudEventReader reader;
  reader.text_ = std::move(text);
  BAROGRAPH_TRY(CheckLabels(options.labels));
  reader.labels_ = std::move(options.labels);
  for (std::size_t i = 0; i < options.types.size(); ++i) {
    const std::string at = "types[" + std::to_string(i) + "].";
    Result<Target> target = MakeTarget(std::move(options.types[i]));
    if (!target.ok()) return Error(target.error().code(), at + target.error().message());
    std::string type = target->type;
    if (type.back() == '*') {
      target->type.pop_back();
      const bool known =
          std::any_of(reader.beginnings_.begin(), reader.beginnings_.end(),
                      [&](const Target& other) { return other.type == target->type; });
      if (known) return Refuse(at + "type", Quoted(type) + " is given twice");
      reader.beginnings_.push_back(std::move(*target));
    } else if (!reader.exact_.emplace(type, std::move(*target)).second) {
      return Refuse(at + "type", Quoted(type) + " is given twice");
    }
  }
  std::sort(reader.beginnings_.begin(), reader.beginnings_.end(),
            [](const Target& a, const Target& b) { return a.type.size() > b.type.size(); });
  return reader;
}

Result<const CloudEventReader::Target*> CloudEventReader::FindTarget() const {
  const std::string_view type = envelope_.Find("type");
  if (const auto found = exact_.find(type); found != exact_.end()) return &found->second;
  for (const Target& target : beginnings_) {
    if (type.starts_with(target.type)) return &target;
  }
  std::vector<std::string_view> names;
  for (const auto& [name, target] : exact_) names.push_back(name);
  for (const Target& target : beginnings_) names.push_back(target.type);
  return Refuse(envelope_.Told("type"),
                Quoted(type) + " is mapped to no event" + DidYouMean(type, names));
}

Status CloudEventReader::ReadProtobuf(const Target& target, v1::Event* event) {
  if (target.kind != nullptr || target.mapping != nullptr) {
    return Refuse(envelope_.Told("datacontenttype"),
                  "application/protobuf is a whole event, but type " +
                      Quoted(envelope_.Find("type")) + " is not mapped to 'event'");
  }
  BAROGRAPH_ASSIGN(const std::string_view bytes, envelope_.Bytes());
  // Protobuf would read what has two readings; whatever this accepts it reads alike.
  storage::EventView view;
  const Status read = storage::ReadEvent(bytes, storage::EventSource::kOutside, &view);
  if (!read.ok()) return read.error().WithContext(envelope_.Told("data"));
  if (event->ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) return {};
  return Refuse(envelope_.Told("data"), "cannot be read as protobuf");
}

Status CloudEventReader::ReadPayload(const Target& target, v1::Event* event) {
  if (envelope_.IsProtobuf()) return ReadProtobuf(target, event);
  BAROGRAPH_ASSIGN(JsonValue json, envelope_.TakeJson());
  Status read;
  if (json.kind != JsonValue::Kind::kObject) {
    read = Error(ErrorCode::kInvalidArgument,
                 "must be an object, not " + std::string(json.KindName()));
  } else if (target.mapping != nullptr) {
    read = target.mapping->Read(json, event);
  } else if (target.kind != nullptr) {
    read = ReadEventJson(WrapKind(target.kind->name(), std::move(json)), text_, event);
  } else {
    read = ReadEventJson(json, text_, event);
  }
  return read.ok() ? read : read.error().WithContext(envelope_.Told("data"));
}

void CloudEventReader::Complete(const RawRecord& record, v1::Event* event) const {
  if (event->id().empty()) event->set_id(envelope_.EventId());
  const std::optional<Time> time = envelope_.time() ? envelope_.time() : record.timestamp;
  if (!event->has_time() && time.has_value()) {
    const auto seconds = std::chrono::floor<std::chrono::seconds>(*time);
    event->mutable_time()->set_seconds(seconds.time_since_epoch().count());
    event->mutable_time()->set_nanos(static_cast<std::int32_t>((*time - seconds).count()));
  }
  if (event->trace_id().empty()) event->set_trace_id(std::string(envelope_.TraceId()));
  for (const std::string& label : labels_) {
    const std::string_view value = envelope_.Find(label);
    const bool fits = !value.empty() && value.size() <= kLabelBytesMax &&
                      static_cast<std::size_t>(event->labels_size()) < kLabelsMax;
    if (fits) event->mutable_labels()->insert({label, std::string(value)});
  }
}

Status CloudEventReader::Read(const RawRecord& record, v1::Event* event) {
  BAROGRAPH_TRY(envelope_.Read(record));
  BAROGRAPH_ASSIGN(const Target* target, FindTarget());
  BAROGRAPH_TRY(ReadPayload(*target, event));
  Complete(record, event);
  return {};
}

}  // namespace barograph::ingest
