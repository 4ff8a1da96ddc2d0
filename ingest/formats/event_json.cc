#include "ingest/formats/event_json.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <google/protobuf/message.h>

#include "storage/base/assert.h"

namespace barograph::ingest {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

Error At(const std::string& path, const std::string& message) {
  return Error(ErrorCode::kInvalidArgument, path.empty() ? message : path + ": " + message);
}

std::string Below(const std::string& path, const std::string& name) {
  return path.empty() ? name : path + "." + name;
}

bool IsScalar(const JsonValue& value) {
  return value.kind == JsonValue::Kind::kString || value.kind == JsonValue::Kind::kNumber ||
         value.kind == JsonValue::Kind::kBool;
}

// Messages whose JSON is one text: "2026-...Z", "3.5s", "1.50 USD".
bool IsTextMessage(const FieldDescriptor& field) {
  const std::string& name = field.message_type()->full_name();
  return name.starts_with("google.protobuf.") || name == "barograph.v1.Money";
}

Status ReadLabels(const JsonValue& json, const std::string& path, v1::Event* event) {
  if (json.kind != JsonValue::Kind::kObject) {
    return At(path, "must be an object of names and values, not " + std::string(json.KindName()));
  }
  for (std::size_t i = 0; i < json.keys.size(); ++i) {
    if (!IsScalar(json.items[i])) {
      return At(Below(path, json.keys[i]),
                "must be text, not " + std::string(json.items[i].KindName()));
    }
    (*event->mutable_labels())[json.keys[i]] = json.items[i].text;
  }
  return {};
}

// What the proto JSON mapping allows for a field of this type, before the text itself is looked at.
Status CheckKind(const JsonValue& json, const FieldDescriptor& field, const std::string& path) {
  using Kind = JsonValue::Kind;
  const auto refuse = [&](std::string_view needed) {
    return At(path, "must be " + std::string(needed) + ", not " + std::string(json.KindName()));
  };
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_STRING:
      if (json.kind != Kind::kString) return refuse("text");
      break;
    case FieldDescriptor::CPPTYPE_BOOL:
      if (json.kind != Kind::kBool) return refuse("true or false");
      break;
    case FieldDescriptor::CPPTYPE_MESSAGE:
      if (json.kind != Kind::kString) return refuse("text");
      break;
    default:
      if (json.kind != Kind::kNumber && json.kind != Kind::kString) return refuse("a number");
  }
  return {};
}

Status ReadMessage(const JsonValue& json, const FieldText& how, const std::string& path,
                   Message* message);

Status ReadValue(const JsonValue& json, const FieldDescriptor* field, const FieldText& how,
                 const std::string& path, Message* message) {
  if (field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE &&
      (!IsTextMessage(*field) || json.kind == JsonValue::Kind::kObject)) {
    if (field->message_type()->full_name().starts_with("google.protobuf.")) {
      return At(path, "must be text, not an object");
    }
    return ReadMessage(json, how, path, message->GetReflection()->MutableMessage(message, field));
  }
  BAROGRAPH_TRY(CheckKind(json, *field, path));
  const Status status = SetFieldFromText(message, field, json.text, how);
  return status.ok() ? status : At(path, status.error().message());
}

Status ReadField(const JsonValue& json, const FieldDescriptor* field, const FieldText& how,
                 const std::string& path, Message* message) {
  if (field->is_map()) return ReadLabels(json, path, static_cast<v1::Event*>(message));
  if (!field->is_repeated()) return ReadValue(json, field, how, path, message);
  if (json.kind != JsonValue::Kind::kArray) {
    return At(path, "must be a list, not " + std::string(json.KindName()));
  }
  for (std::size_t i = 0; i < json.items.size(); ++i) {
    BAROGRAPH_TRY(
        ReadValue(json.items[i], field, how, path + "[" + std::to_string(i) + "]", message));
  }
  return {};
}

// Recursion is bounded by the message types' own nesting, which is finite: no message of an event
// holds itself.
Status ReadMessage(const JsonValue& json, const FieldText& how, const std::string& path,
                   Message* message) {
  if (json.kind != JsonValue::Kind::kObject) {
    return At(path, "must be an object, not " + std::string(json.KindName()));
  }
  for (std::size_t i = 0; i < json.keys.size(); ++i) {
    const std::string& key = json.keys[i];
    const JsonValue& value = json.items[i];
    const FieldDescriptor* field = FindField(*message->GetDescriptor(), key);
    if (field == nullptr) return At(path, TellUnknownField(*message->GetDescriptor(), key));
    if (IsServerMadeKind(*field))
      return At(Below(path, key), "is made by the server and refused from outside");
    if (value.kind == JsonValue::Kind::kNull) continue;
    const auto* oneof = field->real_containing_oneof();
    if (oneof != nullptr && message->GetReflection()->HasOneof(*message, oneof)) {
      return At(Below(path, key),
                "an event has one kind; it is '" +
                    message->GetReflection()->GetOneofFieldDescriptor(*message, oneof)->name() +
                    "' already");
    }
    if (!field->is_repeated() && field->has_presence() &&
        message->GetReflection()->HasField(*message, field)) {
      return At(Below(path, key), "is given twice, under both of its names");
    }
    BAROGRAPH_TRY(ReadField(value, field, how, Below(path, field->name()), message));
  }
  return {};
}

}  // namespace

Status ReadEventJson(const JsonValue& json, const FieldText& how, v1::Event* event) {
  return ReadMessage(json, how, "", event);
}

Result<JsonValue> ParseEventJson(std::string_view text) {
  if (text.size() > kEventJsonBytesMax) {
    return Error(ErrorCode::kInvalidArgument, std::to_string(text.size()) +
                                                  " bytes of JSON; an event has at most " +
                                                  std::to_string(kEventJsonBytesMax));
  }
  return ParseJson(text);
}

Result<std::string> EncodeEventJson(std::string_view text, const FieldText& how) {
  BAROGRAPH_ASSIGN(const JsonValue json, ParseEventJson(text));
  v1::Event event;
  BAROGRAPH_TRY(ReadEventJson(json, how, &event));
  return EncodeEvent(event);
}

std::string EncodeEvent(const v1::Event& event) {
  std::string wire;
  EncodeEvent(event, &wire);
  return wire;
}

void EncodeEvent(const v1::Event& event, std::string* wire) {
  wire->resize(event.ByteSizeLong());
  google::protobuf::io::ArrayOutputStream stream(wire->data(), static_cast<int>(wire->size()));
  google::protobuf::io::CodedOutputStream coded(&stream);
  coded.SetSerializationDeterministic(true);
  event.SerializeWithCachedSizes(&coded);
  BAROGRAPH_ASSERT(!coded.HadError(), "an event in memory always has an encoding");
}

}  // namespace barograph::ingest
