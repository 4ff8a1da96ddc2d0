#include "ingest/formats/json_text.h"

#include <algorithm>
#include <exception>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "storage/base/limits.h"

namespace barograph::ingest {
namespace {

using Json = nlohmann::json;

// Receives the parser's events. Returning false ends the parse at once.
class TreeBuilder final : public nlohmann::json_sax<Json> {
 public:
  bool null() override { return Leaf(JsonValue::Kind::kNull, "null"); }
  bool boolean(bool value) override {
    return Leaf(JsonValue::Kind::kBool, value ? "true" : "false");
  }
  bool number_integer(std::int64_t value) override {
    return Leaf(JsonValue::Kind::kNumber, std::to_string(value));
  }
  bool number_unsigned(std::uint64_t value) override {
    return Leaf(JsonValue::Kind::kNumber, std::to_string(value));
  }
  bool number_float(double /*value*/, const std::string& literal) override {
    return Leaf(JsonValue::Kind::kNumber, literal);
  }
  bool string(std::string& value) override {
    return Leaf(JsonValue::Kind::kString, std::move(value));
  }
  bool binary(Json::binary_t& /*value*/) override { return false; }
  bool start_object(std::size_t /*size*/) override { return Open(JsonValue::Kind::kObject); }
  bool start_array(std::size_t /*size*/) override { return Open(JsonValue::Kind::kArray); }
  bool end_object() override { return Close(); }
  bool end_array() override { return Close(); }
  bool key(std::string& name) override {
    Frame& frame = stack_.back();
    if (!frame.names.insert(name).second) return Refuse("key '" + name + "' is given twice");
    frame.value.keys.push_back(std::move(name));
    return true;
  }
  bool parse_error(std::size_t /*position*/, const std::string& /*token*/,
                   const nlohmann::detail::exception& exception) override {
    // "[json.exception.parse_error.101] parse error at ...": what follows the bracket is for
    // people.
    const std::string_view what = exception.what();
    return Refuse(std::string(what.substr(std::min(what.find("] ") + 2, what.size()))));
  }

  [[nodiscard]] const std::string& refusal() const { return refusal_; }
  [[nodiscard]] JsonValue Take() { return std::move(root_); }

 private:
  struct Frame {
    JsonValue value;
    std::set<std::string, std::less<>> names;
  };

  bool Refuse(std::string why) {
    if (refusal_.empty()) refusal_ = std::move(why);
    return false;
  }
  bool Count() {
    if (++values_ <= kJsonValuesMax) return true;
    return Refuse("more than " + std::to_string(kJsonValuesMax) + " values");
  }
  bool Open(JsonValue::Kind kind) {
    if (stack_.size() >= static_cast<std::size_t>(kJsonDepthMax)) {
      return Refuse("nested deeper than " + std::to_string(kJsonDepthMax) + " levels");
    }
    if (!Count()) return false;
    stack_.emplace_back();
    stack_.back().value.kind = kind;
    return true;
  }
  bool Leaf(JsonValue::Kind kind, std::string text) {
    if (!Count()) return false;
    JsonValue value;
    value.kind = kind;
    value.text = std::move(text);
    return Attach(std::move(value));
  }
  bool Close() {
    JsonValue value = std::move(stack_.back().value);
    stack_.pop_back();
    return Attach(std::move(value));
  }
  bool Attach(JsonValue value) {
    if (stack_.empty()) {
      root_ = std::move(value);
    } else {
      stack_.back().value.items.push_back(std::move(value));
    }
    return true;
  }

  std::vector<Frame> stack_;
  JsonValue root_;
  std::size_t values_ = 0;
  std::string refusal_;
};

std::string Quoted(const std::string& text) { return Json(text).dump(); }

}  // namespace

const JsonValue* JsonValue::Find(std::string_view key) const {
  const auto found = std::find(keys.begin(), keys.end(), key);
  return found == keys.end() ? nullptr : &items[static_cast<std::size_t>(found - keys.begin())];
}

std::string_view JsonValue::KindName() const {
  switch (kind) {
    case Kind::kNull:
      return "null";
    case Kind::kBool:
      return "true or false";
    case Kind::kNumber:
      return "a number";
    case Kind::kString:
      return "text";
    case Kind::kArray:
      return "a list";
    case Kind::kObject:
      return "an object";
  }
  return "";
}

std::string JsonValue::ToText() const {
  if (kind == Kind::kString) return Quoted(text);
  if (kind != Kind::kArray && kind != Kind::kObject) return text.empty() ? "null" : text;
  const bool object = kind == Kind::kObject;
  std::string all(1, object ? '{' : '[');
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (i > 0) all += ',';
    if (object) all += Quoted(keys[i]) + ":";
    all += items[i].ToText();
  }
  return all + (object ? '}' : ']');
}

Result<JsonValue> ParseJson(std::string_view text) {
  TreeBuilder builder;
  try {
    if (Json::sax_parse(text.begin(), text.end(), &builder)) return builder.Take();
  } catch (const std::exception& exception) {
    return Error(ErrorCode::kInvalidArgument, std::string("not valid JSON: ") + exception.what());
  }
  return Error(ErrorCode::kInvalidArgument, "not valid JSON: " + builder.refusal());
}

}  // namespace barograph::ingest
