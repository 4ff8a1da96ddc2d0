#include "ingest/formats/field_path.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include <array>
#include <charconv>
#include <cmath>
#include <optional>
#include <utility>

#include "ingest/formats/nearest_name.h"
#include "ingest/formats/severity_words.h"
#include "storage/base/money.h"

namespace barograph::ingest {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::EnumDescriptor;
using google::protobuf::EnumValueDescriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

constexpr std::int64_t kBillion = 1'000'000'000;
constexpr int kServerKindMin = 30;

Error Refuse(std::string_view text, std::string_view wrong) {
  return Error(ErrorCode::kInvalidArgument,
               "'" + std::string(text.substr(0, 64)) + "' " + std::string(wrong));
}

std::string Upper(std::string_view text) {
  std::string upper;
  for (const char c : text) {
    if (c >= 'a' && c <= 'z') {
      upper += static_cast<char>(c - 'a' + 'A');
    } else {
      upper += c == '-' || c == ' ' ? '_' : c;
    }
  }
  return upper;
}

template <typename T>
Result<T> ParseNumber(std::string_view text, std::string_view what) {
  T number{};
  const char* end = text.data() + text.size();
  const auto [stop, code] = std::from_chars(text.data(), end, number);
  if (code != std::errc{} || stop != end) return Refuse(text, "is not " + std::string(what));
  if constexpr (std::is_floating_point_v<T>) {
    if (!std::isfinite(number)) return Refuse(text, "is not a finite number");
  }
  return number;
}

// Words that mean a value of an enum although they are not its name.
const EnumValueDescriptor* FindWord(const EnumDescriptor& type, std::string_view text) {
  if (type.full_name() == "barograph.v1.Severity") {
    const std::optional<storage::Severity> severity = FindEventSeverity(text);
    return severity ? type.FindValueByNumber(static_cast<int>(*severity)) : nullptr;
  }
  if (type.full_name() == "barograph.v1.Task.Level") {
    constexpr std::array<std::pair<std::string_view, int>, 6> kLevels{
        {{"P0", 1}, {"P1", 2}, {"P2", 3}, {"P3", 4}, {"URGENT", 1}, {"NORMAL", 3}}};
    for (const auto& [word, number] : kLevels) {
      if (word == Upper(text)) return type.FindValueByNumber(number);
    }
  }
  return nullptr;
}

Result<const EnumValueDescriptor*> FindEnumValue(const EnumDescriptor& type,
                                                 std::string_view text) {
  const EnumValueDescriptor* value = type.FindValueByName(Upper(text));
  if (value == nullptr) value = FindWord(type, text);
  if (value == nullptr) {
    const Result<int> number = ParseNumber<int>(text, "a number");
    if (number.ok()) value = type.FindValueByNumber(*number);
  }
  if (value != nullptr) return value;
  std::vector<std::string_view> names;
  std::string all;
  for (int i = 1; i < type.value_count(); ++i) {
    names.push_back(type.value(i)->name());
    all += (all.empty() ? "" : ", ") + type.value(i)->name();
  }
  return Refuse(text, "is none of " + all + DidYouMean(Upper(text), names));
}

Status SetSeconds(Message* message, std::int64_t nanos) {
  std::int64_t seconds = nanos / kBillion;
  std::int64_t rest = nanos % kBillion;
  if (rest < 0) {
    --seconds;
    rest += kBillion;
  }
  const Descriptor& type = *message->GetDescriptor();
  message->GetReflection()->SetInt64(message, type.FindFieldByNumber(1), seconds);
  message->GetReflection()->SetInt32(message, type.FindFieldByNumber(2),
                                     static_cast<std::int32_t>(rest));
  return {};
}

Status SetMoney(Message* message, std::string_view text, const FieldText& how) {
  Result<Money> money = ParseMoney(text);
  if (!money.ok() && !how.currency.empty())
    money = ParseMoney(std::string(text) + " " + how.currency);
  if (!money.ok()) return money.error();
  const Descriptor& type = *message->GetDescriptor();
  const Reflection& reflection = *message->GetReflection();
  reflection.SetString(message, type.FindFieldByNumber(1), std::string(money->currency.code()));
  reflection.SetInt64(message, type.FindFieldByNumber(2), money->nanos / kBillion);
  reflection.SetInt32(message, type.FindFieldByNumber(3),
                      static_cast<std::int32_t>(money->nanos % kBillion));
  return {};
}

Status SetMessage(Message* message, std::string_view text, const FieldText& how) {
  const std::string& name = message->GetDescriptor()->full_name();
  if (name == "google.protobuf.Timestamp") {
    BAROGRAPH_ASSIGN(const Time time, how.times.Parse(text));
    return SetSeconds(message, time.time_since_epoch().count());
  }
  if (name == "google.protobuf.Duration") {
    BAROGRAPH_ASSIGN(const Duration span, ParseLenientDuration(text));
    return SetSeconds(message, span.count());
  }
  if (name == "barograph.v1.Money") return SetMoney(message, text, how);
  return Refuse(text, "is text where an object is needed");
}

template <typename T, typename Set, typename Add>
Status SetNumber(Message* message, const FieldDescriptor* field, std::string_view text,
                 std::string_view what, const Set& set, const Add& add) {
  BAROGRAPH_ASSIGN(const T number, ParseNumber<T>(text, what));
  if (field->is_repeated()) {
    add(message, field, number);
  } else {
    set(message, field, number);
  }
  return {};
}

Status SetText(Message* message, const FieldDescriptor* field, std::string_view text) {
  if (field->is_repeated()) {
    message->GetReflection()->AddString(message, field, std::string(text));
  } else {
    message->GetReflection()->SetString(message, field, std::string(text));
  }
  return {};
}

}  // namespace

Status SetFieldFromText(Message* message, const FieldDescriptor* field, std::string_view text,
                        const FieldText& how) {
  const Reflection* reflection = message->GetReflection();
  const auto number = [&]<typename T>(T /*type*/, std::string_view what, auto set, auto add) {
    return SetNumber<T>(
        message, field, text, what,
        [&](Message* m, const FieldDescriptor* f, T value) { (reflection->*set)(m, f, value); },
        [&](Message* m, const FieldDescriptor* f, T value) { (reflection->*add)(m, f, value); });
  };
  switch (field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_STRING:
      return SetText(message, field, text);
    case FieldDescriptor::CPPTYPE_INT32:
      return number(std::int32_t{}, "a whole number", &Reflection::SetInt32, &Reflection::AddInt32);
    case FieldDescriptor::CPPTYPE_INT64:
      return number(std::int64_t{}, "a whole number", &Reflection::SetInt64, &Reflection::AddInt64);
    case FieldDescriptor::CPPTYPE_UINT32:
      return number(std::uint32_t{}, "a whole number >= 0", &Reflection::SetUInt32,
                    &Reflection::AddUInt32);
    case FieldDescriptor::CPPTYPE_UINT64:
      return number(std::uint64_t{}, "a whole number >= 0", &Reflection::SetUInt64,
                    &Reflection::AddUInt64);
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return number(double{}, "a finite number", &Reflection::SetDouble, &Reflection::AddDouble);
    case FieldDescriptor::CPPTYPE_BOOL: {
      const std::string word = Upper(text);
      const bool yes = word == "TRUE" || word == "1" || word == "YES";
      if (!yes && word != "FALSE" && word != "0" && word != "NO")
        return Refuse(text, "is neither true nor false");
      reflection->SetBool(message, field, yes);
      return {};
    }
    case FieldDescriptor::CPPTYPE_ENUM: {
      BAROGRAPH_ASSIGN(const EnumValueDescriptor* value, FindEnumValue(*field->enum_type(), text));
      reflection->SetEnum(message, field, value);
      return {};
    }
    case FieldDescriptor::CPPTYPE_MESSAGE:
      if (field->is_repeated()) break;
      return SetMessage(reflection->MutableMessage(message, field), text, how);
    default:
      break;
  }
  return Refuse(text, "cannot be written to this field");
}

const FieldDescriptor* FindField(const Descriptor& type, std::string_view name) {
  const std::string text(name);
  const FieldDescriptor* field = type.FindFieldByName(text);
  if (field != nullptr) return field;
  for (int i = 0; i < type.field_count(); ++i) {
    if (type.field(i)->json_name() == text) return type.field(i);
  }
  return nullptr;
}

std::string TellUnknownField(const Descriptor& type, std::string_view name) {
  std::vector<std::string_view> names;
  for (int i = 0; i < type.field_count(); ++i) {
    if (!IsServerMadeKind(*type.field(i))) names.push_back(type.field(i)->name());
  }
  return "unknown field '" + std::string(name.substr(0, 64)) + "'" + DidYouMean(name, names);
}

bool IsServerMadeKind(const FieldDescriptor& field) {
  return field.containing_oneof() != nullptr &&
         field.containing_type() == v1::Event::descriptor() && field.number() >= kServerKindMin;
}

Result<FieldPath> FieldPath::Parse(std::string_view path) {
  FieldPath parsed;
  parsed.path_ = path;
  const Descriptor* type = v1::Event::descriptor();
  const auto refuse = [&](const std::string& why) {
    return Error(ErrorCode::kInvalidArgument, "'" + std::string(path.substr(0, 128)) + "': " + why);
  };
  std::string_view rest = path;
  while (true) {
    if (type == nullptr) return refuse("has more parts than the event's fields");
    const std::size_t dot = std::min(rest.find('.'), rest.size());
    const FieldDescriptor* field = FindField(*type, rest.substr(0, dot));
    if (field == nullptr) return refuse(TellUnknownField(*type, rest.substr(0, dot)));
    if (IsServerMadeKind(*field)) return refuse("is made by the server and cannot be imported");
    parsed.steps_.push_back(field);
    const bool last = dot == rest.size();
    rest.remove_prefix(std::min(dot + 1, rest.size()));
    if (field->is_map()) {
      parsed.label_ = rest;
      if (rest.empty()) return refuse("name the label, e.g. labels.team");
      return parsed;
    }
    type = field->message_type();
    if (!last) continue;
    const bool texts = type == nullptr || type->full_name().starts_with("google.protobuf.") ||
                       type == v1::Money::descriptor();
    if (!texts)
      return refuse("is a group of fields; name one of them, e.g. " + std::string(path) + "." +
                    type->field(0)->name());
    return parsed;
  }
}

Status FieldPath::MakeKind(v1::Event* event) const {
  const FieldDescriptor* first = steps_.front();
  if (first->real_containing_oneof() == nullptr) return {};
  const auto kind = event->kind_case();
  if (kind != v1::Event::KIND_NOT_SET && static_cast<int>(kind) != first->number()) {
    const FieldDescriptor* other =
        v1::Event::descriptor()->FindFieldByNumber(static_cast<int>(kind));
    return Error(ErrorCode::kInvalidArgument,
                 path_ + ": the event is of another kind already: " + other->name());
  }
  event->GetReflection()->MutableMessage(event, first);
  return {};
}

Status FieldPath::Set(v1::Event* event, std::string_view text, const FieldText& how) const {
  BAROGRAPH_TRY(MakeKind(event));
  Message* message = event;
  for (std::size_t i = 0; i + 1 < steps_.size(); ++i) {
    message = message->GetReflection()->MutableMessage(message, steps_[i]);
  }
  if (!label_.empty()) {
    (*event->mutable_labels())[label_] = text;
    return {};
  }
  const Status status = SetFieldFromText(message, steps_.back(), text, how);
  return status.ok() ? status : status.error().WithContext(path_);
}

}  // namespace barograph::ingest
