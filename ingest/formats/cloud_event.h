#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ingest/formats/cloud_event_envelope.h"
#include "ingest/formats/event_mapping.h"
#include "ingest/formats/record_format.h"
#include "storage/base/result.h"

namespace barograph::ingest {

/// What becomes of CloudEvents of one type.
struct CloudEventType {
  std::string type;  ///< exact, or a beginning and `*`
  /// A kind of event by its name in event.proto (`task`, `cost`, ...), or `event`; empty with a
  /// mapping.
  std::string as;
  std::optional<EventMapping> mapping;  ///< of format kNdjson
};

struct CloudEventOptions {
  std::vector<CloudEventType> types;  ///< 1 to kCloudEventTypesMax
  /// Attributes that become labels of the same name. Core attributes and extensions.
  std::vector<std::string> labels = {"subject"};
};

/// Makes events of CloudEvents.
///
/// **Which event**: by `type`. An exact entry goes before one with `*`, a longer beginning before a
/// shorter. By the entry, data is
///   - a kind: an object with that kind's fields. Fields of every event (id, time, agent, task_id,
///     labels, environment, trace_id, count) stand beside them under their names; no kind has a
///     field of such a name. {"agent": "cfo", "amount": "1.50 USD"} as `cost`;
///   - `event`: a whole event as JSON (event_json.h), or with datacontenttype application/protobuf
///     its wire format;
///   - a mapping: any object, whose members are the mapping's columns.
///
/// **Data goes before attributes.** What data leaves empty the attributes fill: `id` with
/// CloudEventEnvelope::EventId, `time` with time or else the record's timestamp, `trace_id` with
/// the trace id of traceparent, and the labels of CloudEventOptions::labels, as far as they fit
/// into an event (kLabelsMax, kLabelBytesMax). Other attributes are checked and not kept.
///
/// Threads: one at a time.
class CloudEventReader {
 public:
  /// Errors: kInvalidArgument naming the entry ("types[2].as: 'costs' is none of ...").
  [[nodiscard]] static Result<CloudEventReader> Make(CloudEventOptions options, FieldText text);

  /// Reads the record's event into one that is empty. What its values mean is checked later by
  /// storage::ReadEvent.
  /// Errors: as CloudEventEnvelope; kInvalidArgument for a type without an entry, with the nearest,
  /// and for data that does not fit ("value: cost: unknown field 'amuont'; did you mean ...").
  [[nodiscard]] Status Read(const RawRecord& record, v1::Event* event);

 private:
  struct Target {
    std::string type;
    /// The kind's field; null for whole events and mappings.
    const google::protobuf::FieldDescriptor* kind = nullptr;
    std::shared_ptr<const EventMapping> mapping;
  };
  [[nodiscard]] static Result<Target> MakeTarget(CloudEventType entry);
  [[nodiscard]] Result<const Target*> FindTarget() const;
  [[nodiscard]] Status ReadPayload(const Target& target, v1::Event* event);
  [[nodiscard]] Status ReadProtobuf(const Target& target, v1::Event* event);
  void Complete(const RawRecord& record, v1::Event* event) const;

  FieldText text_;
  std::vector<std::string> labels_;
  std::map<std::string, Target, std::less<>> exact_;
  std::vector<Target> beginnings_;  // the longest first; `type` without the `*`
  CloudEventEnvelope envelope_;
};

}  // namespace barograph::ingest
