#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ingest/formats/cloud_event.h"
#include "ingest/formats/field_path.h"
#include "ingest/formats/record_format.h"
#include "storage/base/result.h"

namespace barograph::ingest {

/// Takes what one record holds, in order. BatchBuilder (ingest/admission) has the same two verbs.
/// Threads: called by the thread that decodes.
class EventSink {
 public:
  virtual ~EventSink() = default;
  /// One event's wire encoding, which only its sender checked in formats of protobuf: what its
  /// values mean is for storage::ReadEvent. Lifetime: until the call returns.
  virtual void Add(std::string_view event_wire) = 0;
  /// An event that could not be built. `index` counts all events of the record from 0, `reason`
  /// names the place ("line 7: cost.amount: ..."); it is UTF-8 without control characters, at most
  /// kReasonBytesMax long.
  virtual void Reject(std::uint32_t index, std::string_view reason) = 0;
};

/// What a record turned out to be.
enum class RecordContent : std::uint8_t {
  kEvents,     ///< the sink got one event or rejection at least
  kEmpty,      ///< a value without an event: no bytes, only blank lines, a batch of none
  kTombstone,  ///< no value: of a compacted topic, or a CloudEvent in binary mode without data
};

struct RecordOptions {
  FieldText text;                                 ///< times and amounts as text
  std::optional<CloudEventOptions> cloud_events;  ///< exactly with RecordFormat::kCloudEvents
};

/// Decodes the records of one topic.
///
/// A record is one thing: either the sink gets all of it, good and rejected events in order, or
/// Decode gives one Error and the sink gets nothing. Formats with one event a record have no
/// rejections, only errors; `ndjson` and `task-log` reject single lines.
///
/// `batch` and `event` are passed on as views into the value, without a copy or an allocation an
/// event. Formats of text are encoded into one buffer, which is used again.
///
/// `batch` reads strictly (wire_reader.h): a known field of another wire type, or fields unknown
/// and no event, mean that the value is something else. Its producer id and sequences are ignored:
/// what is counted once is decided by the record's offset.
///
/// Lines end with \n or \r\n and are counted from 1 including blank ones, which are no events.
///
/// Limits (limits.h): value at most kEventBytesMax (`event`), kEventJsonBytesMax (`json`,
/// `cloudevents`) or kRecordBytesMax; kRecordEventsMax events; one line kEventJsonBytesMax; JSON
/// nested up to kJsonDepthMax, refused before anything of that depth exists.
///
/// Threads: one at a time; a decoder for each thread.
/// Errors: kInvalidArgument, or kResourceExhausted for a limit. The message names the place and is
/// as the reasons of EventSink. Decoding the same record again gives the same.
class RecordDecoder {
 public:
  /// Errors: as CloudEventReader::Make; kInvalidArgument when the format and the presence of
  /// `cloud_events` disagree.
  [[nodiscard]] static Result<RecordDecoder> Make(RecordFormat format, RecordOptions options);

  [[nodiscard]] Result<RecordContent> Decode(const RawRecord& record, EventSink* sink);
  [[nodiscard]] RecordFormat format() const { return format_; }

 private:
  struct Line {
    std::string_view text;
    std::size_t number;
  };
  RecordDecoder() = default;
  [[nodiscard]] Result<RecordContent> DecodeValue(const RawRecord& record, EventSink* sink);
  [[nodiscard]] Result<RecordContent> DecodeBatch(std::string_view value, EventSink* sink);
  [[nodiscard]] Result<RecordContent> DecodeLines(std::string_view value, EventSink* sink);
  [[nodiscard]] Result<RecordContent> DecodeCloudEvent(const RawRecord& record, EventSink* sink);
  [[nodiscard]] Status EncodeText(std::string_view text);

  RecordFormat format_ = RecordFormat::kBatch;
  FieldText text_;
  std::optional<CloudEventReader> cloud_events_;
  // Used again from record to record.
  std::vector<std::string_view> events_;
  std::vector<Line> lines_;
  v1::Event event_;
  std::string wire_;
};

}  // namespace barograph::ingest
