#include "ingest/formats/record_decoder.h"

#include <algorithm>
#include <utility>

#include "ingest/formats/event_json.h"
#include "ingest/formats/limits.h"
#include "ingest/formats/task_log.h"
#include "storage/event/utf8.h"
#include "storage/event/wire_reader.h"

namespace barograph::ingest {
namespace {

using storage::WireReader;
using storage::WireTag;
using storage::WireType;

// PublishBatchRequest in ingest.proto.
constexpr std::uint32_t kEventsField = 4;
constexpr std::uint32_t kEventsTag = WireTag(kEventsField, WireType::kBytes);

// Reasons are kept and shown: parsers put what they met into them, whatever it is.
std::string Shown(std::string_view reason) {
  static constexpr std::string_view kCut = "...";
  std::string text(reason.substr(0, kReasonBytesMax + 1));
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = ' ';
  }
  text = storage::ToUtf8(text);
  if (text.size() <= kReasonBytesMax) return text;
  std::size_t end = kReasonBytesMax - kCut.size();
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
  return text.substr(0, end).append(kCut);
}

std::size_t ValueBytesMax(RecordFormat format) {
  switch (format) {
    case RecordFormat::kEvent:
      return kEventBytesMax;
    case RecordFormat::kJson:
    case RecordFormat::kCloudEvents:
      return kEventJsonBytesMax;
    case RecordFormat::kBatch:
    case RecordFormat::kNdjson:
    case RecordFormat::kTaskLog:
      break;
  }
  return kRecordBytesMax;
}

bool IsBlank(std::string_view text) {
  return text.find_first_not_of(" \t\r\n") == std::string_view::npos;
}

Error TooManyEvents(std::string_view of) {
  return {ErrorCode::kResourceExhausted, "value: more than " + std::to_string(kRecordEventsMax) +
                                             " " + std::string(of) + " in one record"};
}

Error NoBatch(std::size_t events) {
  const std::string where = events == 0 ? "" : " after events[" + std::to_string(events - 1) + "]";
  return {ErrorCode::kInvalidArgument, "value: cannot be read as a PublishBatchRequest" + where};
}

/// What stands in a batch beside its events.
enum class BesideEvents : std::uint8_t { kKnown, kUnknown, kBroken };

BesideEvents SkipField(std::uint32_t tag, WireReader* reader) {
  const auto type = static_cast<WireType>(tag & 7U);
  switch (tag >> 3U) {
    case 0:
      return BesideEvents::kBroken;
    case 1:  // producer_id
    case 5:  // last_receipt
      if (type != WireType::kBytes) return BesideEvents::kBroken;
      break;
    case 2:  // epoch
    case 3:  // first_sequence
      if (type != WireType::kVarint) return BesideEvents::kBroken;
      break;
    case kEventsField:
      return BesideEvents::kBroken;
    default:
      return reader->Skip(type) ? BesideEvents::kUnknown : BesideEvents::kBroken;
  }
  return reader->Skip(type) ? BesideEvents::kKnown : BesideEvents::kBroken;
}

}  // namespace

Result<RecordDecoder> RecordDecoder::Make(RecordFormat format, RecordOptions options) {
  const bool wants_types = format == RecordFormat::kCloudEvents;
  if (wants_types != options.cloud_events.has_value()) {
    return Error(ErrorCode::kInvalidArgument,
                 wants_types
                     ? "types: is missing; format cloudevents needs the types of its events"
                     : "types: belong to format cloudevents, not to " + std::string(Name(format)));
  }
  RecordDecoder decoder;
  decoder.format_ = format;
  if (wants_types) {
    BAROGRAPH_ASSIGN(decoder.cloud_events_,
                     CloudEventReader::Make(std::move(*options.cloud_events), options.text));
  }
  decoder.text_ = std::move(options.text);
  return decoder;
}

Result<RecordContent> RecordDecoder::Decode(const RawRecord& record, EventSink* sink) {
  if (!record.value.has_value()) return RecordContent::kTombstone;
  const std::size_t most = ValueBytesMax(format_);
  if (record.value->size() > most) {
    return Error(ErrorCode::kResourceExhausted, "value: " + std::to_string(record.value->size()) +
                                                    " bytes; format " + std::string(Name(format_)) +
                                                    " has at most " + std::to_string(most));
  }
  Result<RecordContent> content = DecodeValue(record, sink);
  if (content.ok()) return content;
  return Error(content.error().code(), Shown(content.error().message()));
}

Result<RecordContent> RecordDecoder::DecodeValue(const RawRecord& record, EventSink* sink) {
  const std::string_view value = *record.value;
  switch (format_) {
    case RecordFormat::kBatch:
      return DecodeBatch(value, sink);
    case RecordFormat::kEvent:
      if (value.empty()) return RecordContent::kEmpty;
      sink->Add(value);
      return RecordContent::kEvents;
    case RecordFormat::kJson:
      if (IsBlank(value)) return RecordContent::kEmpty;
      BAROGRAPH_TRY(EncodeText(value));
      sink->Add(wire_);
      return RecordContent::kEvents;
    case RecordFormat::kNdjson:
    case RecordFormat::kTaskLog:
      return DecodeLines(value, sink);
    case RecordFormat::kCloudEvents:
      break;
  }
  return DecodeCloudEvent(record, sink);
}

Result<RecordContent> RecordDecoder::DecodeBatch(std::string_view value, EventSink* sink) {
  events_.clear();
  WireReader reader(value);
  bool unknown = false;
  while (!reader.done()) {
    std::uint32_t tag = 0;
    if (!reader.ReadTag(&tag)) return NoBatch(events_.size());
    if (tag != kEventsTag) {
      const BesideEvents beside = SkipField(tag, &reader);
      if (beside == BesideEvents::kBroken) return NoBatch(events_.size());
      unknown = unknown || beside == BesideEvents::kUnknown;
      continue;
    }
    std::string_view event;
    if (!reader.ReadBytes(&event)) return NoBatch(events_.size());
    if (events_.size() == kRecordEventsMax) return TooManyEvents("events");
    events_.push_back(event);
  }
  if (events_.empty() && unknown) return NoBatch(0);
  for (const std::string_view event : events_) sink->Add(event);
  return events_.empty() ? RecordContent::kEmpty : RecordContent::kEvents;
}

Result<RecordContent> RecordDecoder::DecodeLines(std::string_view value, EventSink* sink) {
  lines_.clear();
  std::size_t number = 0;
  for (std::size_t at = 0; at < value.size();) {
    const std::size_t end = std::min(value.find('\n', at), value.size());
    const std::string_view line = value.substr(at, end - at);
    at = end + 1;
    ++number;
    if (IsBlank(line)) continue;
    if (lines_.size() == kRecordEventsMax) return TooManyEvents("lines");
    lines_.push_back({line, number});
  }
  std::uint32_t index = 0;
  for (const Line& line : lines_) {
    if (const Status encoded = EncodeText(line.text); encoded.ok()) {
      sink->Add(wire_);
    } else {
      sink->Reject(index,
                   Shown("line " + std::to_string(line.number) + ": " + encoded.error().message()));
    }
    ++index;
  }
  return lines_.empty() ? RecordContent::kEmpty : RecordContent::kEvents;
}

Result<RecordContent> RecordDecoder::DecodeCloudEvent(const RawRecord& record, EventSink* sink) {
  event_.Clear();
  BAROGRAPH_TRY(cloud_events_->Read(record, &event_));
  EncodeEvent(event_, &wire_);
  sink->Add(wire_);
  return RecordContent::kEvents;
}

// One event of JSON into `wire_`.
Status RecordDecoder::EncodeText(std::string_view text) {
  BAROGRAPH_ASSIGN(const JsonValue json, ParseEventJson(text));
  event_.Clear();
  BAROGRAPH_TRY(format_ == RecordFormat::kTaskLog ? ReadTaskLog(json, text_, &event_)
                                                  : ReadEventJson(json, text_, &event_));
  EncodeEvent(event_, &wire_);
  return {};
}

}  // namespace barograph::ingest
