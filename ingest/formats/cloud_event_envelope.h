#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ingest/formats/json_text.h"
#include "ingest/formats/record_format.h"
#include "storage/base/result.h"

namespace barograph::ingest {

/// Whether an attribute may have this name: a-z and 0-9, and not `data`.
[[nodiscard]] bool IsCloudEventAttributeName(std::string_view name);

/// One CloudEvent 1.0 as it lies in a Kafka record: its attributes read and checked, its data not
/// yet understood. After cloudevents/spec at v1.0.2: spec.md, bindings/kafka-protocol-binding.md,
/// formats/json-format.md.
///
/// *Structured* mode when the header content-type begins with application/cloudevents (in any
/// case): the value is the JSON format, headers ce_* do not count. Refused: other formats than
/// JSON, and the JSON batch, because the Kafka binding has no batch mode.
/// *Binary* mode otherwise: the attributes are the headers ce_*, content-type is datacontenttype
/// (ce_datacontenttype counts where content-type is absent), the value is data.
///
/// Checked: specversion is 1.0; id, source and type are there and not empty; an attribute's name is
/// of a-z and 0-9 (names of headers in any case, since bridges from HTTP change it; members of JSON
/// exactly so); no attribute comes twice; values are UTF-8 without control characters and
/// noncharacters; source has only characters of a URI reference (RFC 3986); time is RFC 3339.
/// A null attribute counts as absent, an empty optional one too.
///
/// Threads: one at a time.
/// Lifetime: as the record that was read last. Buffers are used again.
/// Errors: kInvalidArgument that starts with the header or member ("ce_id: ...", "id: ...");
/// kResourceExhausted for headers beyond their limits.
class CloudEventEnvelope {
 public:
  [[nodiscard]] Status Read(const RawRecord& record);

  /// An attribute's value; "" when it is absent.
  [[nodiscard]] std::string_view Find(std::string_view attribute) const;
  /// How an attribute is called where this event has it: "ce_id" or "id".
  [[nodiscard]] std::string Told(std::string_view attribute) const;

  /// `source|id`, or where that is longer than kIdBytesMax "sha256:" and the hash of it in hex.
  /// Two events with the same text have the same source and id: no URI reference holds a `|`, so
  /// the first one ends the source, and a hash has none.
  [[nodiscard]] std::string EventId() const;
  /// The attribute time, if present.
  [[nodiscard]] std::optional<Time> time() const { return time_; }
  /// The W3C trace id of the attribute traceparent, or else of the plain header traceparent, which
  /// tells of the last hop; "" when there is none that is well-formed.
  [[nodiscard]] std::string_view TraceId() const;

  /// Whether datacontenttype is application/protobuf.
  [[nodiscard]] bool IsProtobuf() const;
  /// Data as a JSON value; may be called once. Errors: data that is absent; another content type
  /// than */json and */*+json (absent: JSON); another charset than UTF-8; what is no JSON.
  [[nodiscard]] Result<JsonValue> TakeJson();
  /// Data as the bytes that they are. Errors: data that is absent or text.
  [[nodiscard]] Result<std::string_view> Bytes() const;

 private:
  struct Attribute {
    std::string_view name, value;
  };
  enum class DataForm : std::uint8_t { kAbsent, kBytes, kText, kJson };

  [[nodiscard]] Status ReadHeaders(const RawRecord& record);
  [[nodiscard]] Status ReadBinary(const RawRecord& record);
  [[nodiscard]] Status ReadStructured(const RawRecord& record);
  [[nodiscard]] Status ReadMember(const std::string& name, JsonValue* value);
  [[nodiscard]] Status ReadBase64(const JsonValue& value);
  [[nodiscard]] Status AddAttribute(std::string_view name, std::string_view value);
  [[nodiscard]] Status CheckAttributes();
  [[nodiscard]] Status CheckJsonType() const;
  [[nodiscard]] Error DataIsAbsent() const;

  bool structured_ = false;
  std::vector<Attribute> attributes_;
  std::string_view content_type_;  // the header
  std::string_view trace_header_;
  std::optional<Time> time_;
  JsonValue json_;  // structured mode: what the attributes point into
  DataForm form_ = DataForm::kAbsent;
  std::string_view bytes_;
  std::string decoded_;          // of data_base64
  JsonValue* member_ = nullptr;  // the member `data`
};

}  // namespace barograph::ingest
