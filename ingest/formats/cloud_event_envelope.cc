#include "ingest/formats/cloud_event_envelope.h"

#include <absl/strings/escaping.h>
#include <absl/strings/match.h>

#include <algorithm>
#include <utility>

#include "ingest/formats/event_json.h"
#include "ingest/formats/limits.h"
#include "storage/base/digest.h"
#include "storage/event/utf8.h"

namespace barograph::ingest {
namespace {

constexpr std::string_view kStructuredPrefix = "application/cloudevents";
constexpr std::string_view kHeaderPrefix = "ce_";

Error Refuse(std::string_view what, std::string_view why) {
  return Error(ErrorCode::kInvalidArgument, std::string(what) + ": " + std::string(why));
}

std::string Quoted(std::string_view text) { return "'" + std::string(text.substr(0, 64)) + "'"; }

// absl's string_view is a type of its own here.
absl::string_view Absl(std::string_view text) { return {text.data(), text.size()}; }

bool SameInAnyCase(std::string_view a, std::string_view b) {
  return absl::EqualsIgnoreCase(Absl(a), Absl(b));
}

bool StartsInAnyCase(std::string_view text, std::string_view prefix) {
  return absl::StartsWithIgnoreCase(Absl(text), Absl(prefix));
}

bool EndsInAnyCase(std::string_view text, std::string_view suffix) {
  return absl::EndsWithIgnoreCase(Absl(text), Absl(suffix));
}

std::string_view Trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

// "text/json; charset=utf-8" -> "text/json".
std::string_view MediaType(std::string_view content_type) {
  return Trimmed(content_type.substr(0, content_type.find(';')));
}

// The parameter charset of a content type; "" when absent.
std::string_view Charset(std::string_view content_type) {
  static constexpr std::string_view kName = "charset=";
  for (std::size_t at = content_type.find(';'); at != std::string_view::npos;) {
    content_type.remove_prefix(at + 1);
    at = content_type.find(';');
    std::string_view parameter = Trimmed(content_type.substr(0, at));
    if (!StartsInAnyCase(parameter, kName)) continue;
    parameter.remove_prefix(kName.size());
    if (parameter.size() >= 2 && parameter.front() == '"' && parameter.back() == '"') {
      parameter = parameter.substr(1, parameter.size() - 2);
    }
    return parameter;
  }
  return {};
}

bool IsHex(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); }

// First code point of well-formed UTF-8 and its length.
std::pair<std::uint32_t, std::size_t> FirstCharacter(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
  const std::size_t length = byte(0) < 0x80 ? 1 : byte(0) < 0xE0 ? 2 : byte(0) < 0xF0 ? 3 : 4;
  std::uint32_t character = length == 1 ? byte(0) : byte(0) & (0xFFU >> (length + 1));
  for (std::size_t i = 1; i < length; ++i) character = character << 6U | (byte(i) & 0x3FU);
  return {character, length};
}

// spec.md, type system, String.
bool HasDisallowedCharacter(std::string_view text) {
  while (!text.empty()) {
    const auto [character, length] = FirstCharacter(text);
    if (character < 0x20 || (character >= 0x7F && character <= 0x9F)) return true;
    if ((character >= 0xFDD0 && character <= 0xFDEF) || (character & 0xFFFEU) == 0xFFFE) {
      return true;
    }
    text.remove_prefix(length);
  }
  return false;
}

// Characters of RFC 3986, section 2; how they are arranged is not checked.
bool IsUriReference(std::string_view text) {
  static constexpr std::string_view kMarks = "-._~:/?#[]@!$&'()*+,;=";
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (letter || kMarks.find(c) != std::string_view::npos) continue;
    const auto is_hex_digit = [&](std::size_t at) {
      return at < text.size() && (IsHex(text[at]) || (text[at] >= 'A' && text[at] <= 'F'));
    };
    if (c != '%' || !is_hex_digit(i + 1) || !is_hex_digit(i + 2)) return false;
  }
  return !text.empty();
}

// W3C Trace Context, section 3.2: version-traceid-parentid-flags, lower-case hex; later versions
// may have more behind.
std::string_view TraceIdOf(std::string_view parent) {
  static constexpr std::size_t kSize = 55;
  if (parent.size() < kSize || (parent.size() > kSize && parent[kSize] != '-')) return {};
  for (std::size_t i = 0; i < kSize; ++i) {
    const bool dash = i == 2 || i == 35 || i == 52;
    if (dash ? parent[i] != '-' : !IsHex(parent[i])) return {};
  }
  const std::string_view version = parent.substr(0, 2);
  if (version == "ff" || (version == "00" && parent.size() != kSize)) return {};
  const std::string_view id = parent.substr(3, 32);
  return id.find_first_not_of('0') == std::string_view::npos ? std::string_view() : id;
}

Status CheckHeaderSizes(std::span<const RecordHeaderView> headers) {
  if (headers.size() > kRecordHeadersMax) {
    return Error(ErrorCode::kResourceExhausted, "headers: " + std::to_string(headers.size()) +
                                                    "; a CloudEvent has at most " +
                                                    std::to_string(kRecordHeadersMax));
  }
  std::size_t bytes = 0;
  for (const RecordHeaderView& header : headers) bytes += header.name.size() + header.value.size();
  if (bytes <= kRecordHeaderBytesMax) return {};
  return Error(ErrorCode::kResourceExhausted, "headers: " + std::to_string(bytes) +
                                                  " bytes; a CloudEvent has at most " +
                                                  std::to_string(kRecordHeaderBytesMax));
}

}  // namespace

bool IsCloudEventAttributeName(std::string_view name) {
  return !name.empty() && name != "data" &&
         name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789") == std::string_view::npos;
}

Status CloudEventEnvelope::Read(const RawRecord& record) {
  structured_ = false;
  attributes_.clear();
  content_type_ = trace_header_ = bytes_ = {};
  time_.reset();
  form_ = DataForm::kAbsent;
  member_ = nullptr;
  BAROGRAPH_TRY(CheckHeaderSizes(record.headers));
  BAROGRAPH_TRY(ReadHeaders(record));
  BAROGRAPH_TRY(structured_ ? ReadStructured(record) : ReadBinary(record));
  return CheckAttributes();
}

std::string_view CloudEventEnvelope::Find(std::string_view attribute) const {
  for (const Attribute& known : attributes_) {
    if (SameInAnyCase(known.name, attribute)) return known.value;
  }
  return {};
}

std::string CloudEventEnvelope::Told(std::string_view attribute) const {
  if (structured_) return std::string(attribute);
  if (attribute == "datacontenttype") return "content-type";
  return attribute == "data" ? "value" : std::string(kHeaderPrefix) + std::string(attribute);
}

std::string CloudEventEnvelope::EventId() const {
  std::string id(Find("source"));
  id.append("|").append(Find("id"));
  return id.size() <= kIdBytesMax ? id : "sha256:" + Hex(Sha256(id));
}

std::string_view CloudEventEnvelope::TraceId() const {
  const std::string_view id = TraceIdOf(Find("traceparent"));
  return id.empty() ? TraceIdOf(trace_header_) : id;
}

// The headers that decide the mode, and those that are no attributes.
Status CloudEventEnvelope::ReadHeaders(const RawRecord& record) {
  bool seen = false;
  for (const RecordHeaderView& header : record.headers) {
    if (SameInAnyCase(header.name, "content-type")) {
      if (std::exchange(seen, true)) return Refuse("content-type", "comes twice");
      if (!header.null) content_type_ = Trimmed(header.value);
    } else if (SameInAnyCase(header.name, "traceparent") && trace_header_.empty()) {
      trace_header_ = header.value;
    }
  }
  structured_ = StartsInAnyCase(content_type_, kStructuredPrefix);
  return {};
}

Status CloudEventEnvelope::ReadBinary(const RawRecord& record) {
  for (const RecordHeaderView& header : record.headers) {
    if (!StartsInAnyCase(header.name, kHeaderPrefix)) continue;
    const std::string_view name = header.name.substr(kHeaderPrefix.size());
    std::string lower(name);
    for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    if (!IsCloudEventAttributeName(lower)) {
      return Refuse("headers", Quoted(header.name) + " names no attribute: ce_ and a-z, 0-9");
    }
    const bool twice =
        std::any_of(attributes_.begin(), attributes_.end(),
                    [&](const Attribute& known) { return SameInAnyCase(known.name, name); });
    if (twice) return Refuse(Told(lower), "comes twice");
    BAROGRAPH_TRY(AddAttribute(name, header.null ? std::string_view() : header.value));
  }
  bytes_ = record.value.value_or(std::string_view());
  if (!bytes_.empty()) form_ = DataForm::kBytes;
  return {};
}

Status CloudEventEnvelope::ReadStructured(const RawRecord& record) {
  const std::string_view media = MediaType(content_type_);
  if (StartsInAnyCase(media, "application/cloudevents-batch")) {
    return Refuse("content-type", Quoted(media) +
                                      " is a batch, which the Kafka binding of CloudEvents does "
                                      "not have; send each event as a record of its own");
  }
  if (!SameInAnyCase(media, kStructuredPrefix) &&
      !SameInAnyCase(media, "application/cloudevents+json")) {
    return Refuse("content-type", Quoted(media) +
                                      " is a format that is not read; structured events come as "
                                      "application/cloudevents+json");
  }
  Result<JsonValue> json = ParseJson(record.value.value_or(std::string_view()));
  if (!json.ok()) return json.error().WithContext("value");
  json_ = std::move(*json);
  if (json_.kind != JsonValue::Kind::kObject) {
    return Refuse("value", "must be an object, not " + std::string(json_.KindName()));
  }
  for (std::size_t i = 0; i < json_.keys.size(); ++i) {
    BAROGRAPH_TRY(ReadMember(json_.keys[i], &json_.items[i]));
  }
  return {};
}

Status CloudEventEnvelope::ReadMember(const std::string& name, JsonValue* value) {
  using Kind = JsonValue::Kind;
  if (name == "data_base64" && value->kind == Kind::kNull) return {};
  if (name == "data" || name == "data_base64") {
    if (member_ != nullptr) {
      return Refuse(name, "an event has data or data_base64, not both");
    }
    member_ = value;
    if (name == "data_base64") return ReadBase64(*value);
    form_ = value->kind == Kind::kString ? DataForm::kText : DataForm::kJson;
    return {};
  }
  if (!IsCloudEventAttributeName(name)) {
    return Refuse("value", Quoted(name) + " names no attribute: a-z, 0-9");
  }
  if (value->kind == Kind::kNull) return {};
  if (value->kind == Kind::kArray || value->kind == Kind::kObject) {
    return Refuse(name,
                  "must be text, a number or true or false, not " + std::string(value->KindName()));
  }
  static constexpr std::string_view kTexts[] = {
      "id",         "source",  "specversion", "type",       "datacontenttype",
      "dataschema", "subject", "time",        "traceparent"};
  if (value->kind != Kind::kString &&
      std::find(std::begin(kTexts), std::end(kTexts), name) != std::end(kTexts)) {
    return Refuse(name, "must be text, not " + std::string(value->KindName()));
  }
  return AddAttribute(name, value->text);
}

Status CloudEventEnvelope::ReadBase64(const JsonValue& value) {
  if (value.kind != JsonValue::Kind::kString) {
    return Refuse("data_base64", "must be text, not " + std::string(value.KindName()));
  }
  if (!absl::Base64Unescape(Absl(value.text), &decoded_)) {
    return Refuse("data_base64", "is not base64 (RFC 4648)");
  }
  bytes_ = decoded_;
  if (!bytes_.empty()) form_ = DataForm::kBytes;
  return {};
}

Status CloudEventEnvelope::AddAttribute(std::string_view name, std::string_view value) {
  if (value.size() > kCloudEventAttributeBytesMax) {
    return Refuse(Told(name), std::to_string(value.size()) + " bytes; at most " +
                                  std::to_string(kCloudEventAttributeBytesMax));
  }
  if (!storage::IsUtf8(value)) return Refuse(Told(name), "is not valid UTF-8");
  if (HasDisallowedCharacter(value)) {
    return Refuse(Told(name), Quoted(value) + " has a control character or a noncharacter");
  }
  attributes_.push_back({name, value});
  return {};
}

Status CloudEventEnvelope::CheckAttributes() {
  const std::string_view version = Find("specversion");
  if (version.empty()) {
    return Refuse(Told("specversion"),
                  structured_ ? "is missing; it must be 1.0"
                              : "is missing; a structured event needs the header content-type: "
                                "application/cloudevents+json");
  }
  if (version != "1.0") return Refuse(Told("specversion"), Quoted(version) + " is not 1.0");
  for (const std::string_view name : {"id", "source", "type"}) {
    if (Find(name).empty()) return Refuse(Told(name), "is missing or empty");
  }
  if (!IsUriReference(Find("source"))) {
    return Refuse(Told("source"), Quoted(Find("source")) +
                                      " is no URI reference (RFC 3986); write other characters "
                                      "as %XX, a blank as %20");
  }
  if (const std::string_view text = Find("time"); !text.empty()) {
    const Result<Time> time = ParseTime(text);
    if (!time.ok()) return time.error().WithContext(Told("time"));
    time_ = *time;
  }
  if (!structured_ && content_type_.empty()) content_type_ = Find("datacontenttype");
  if (structured_) content_type_ = Find("datacontenttype");
  return {};
}

bool CloudEventEnvelope::IsProtobuf() const {
  const std::string_view media = MediaType(content_type_);
  return SameInAnyCase(media, "application/protobuf") ||
         SameInAnyCase(media, "application/x-protobuf");
}

Status CloudEventEnvelope::CheckJsonType() const {
  if (content_type_.empty()) return {};
  const std::string_view media = MediaType(content_type_);
  const std::size_t slash = media.find('/');
  const std::string_view subtype = slash == std::string_view::npos ? "" : media.substr(slash + 1);
  if (!SameInAnyCase(subtype, "json") && !EndsInAnyCase(subtype, "+json")) {
    return Refuse(Told("datacontenttype"),
                  Quoted(content_type_) +
                      " cannot be read; application/json, text/json, +json, and for whole events "
                      "application/protobuf");
  }
  const std::string_view charset = Charset(content_type_);
  if (charset.empty() || SameInAnyCase(charset, "utf-8") || SameInAnyCase(charset, "us-ascii")) {
    return {};
  }
  return Refuse(Told("datacontenttype"), "charset " + Quoted(charset) + " is not read; utf-8");
}

Error CloudEventEnvelope::DataIsAbsent() const {
  return Refuse(Told("data"), "is absent; type " + Quoted(Find("type")) + " needs data");
}

Result<JsonValue> CloudEventEnvelope::TakeJson() {
  BAROGRAPH_TRY(CheckJsonType());
  if (form_ == DataForm::kAbsent) return DataIsAbsent();
  if (form_ != DataForm::kBytes) return std::move(*member_);
  Result<JsonValue> json = ParseJson(bytes_);
  if (!json.ok()) return json.error().WithContext(structured_ ? "data_base64" : "value");
  return json;
}

Result<std::string_view> CloudEventEnvelope::Bytes() const {
  if (form_ == DataForm::kAbsent) return DataIsAbsent();
  if (form_ == DataForm::kBytes) return bytes_;
  return Refuse("data", "is text; bytes come in data_base64");
}

}  // namespace barograph::ingest
