#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "barograph/v1/event.pb.h"
#include "ingest/formats/time_text.h"
#include "storage/base/result.h"

namespace barograph::ingest {

/// How text becomes the value of a field.
struct FieldText {
  TimeText times;
  std::string
      currency;  ///< of amounts without one, e.g. "11.77"; empty: an amount must name its currency
};

/// Sets one field of a message from text, after the proto JSON mapping and the contract's leniency:
/// Money as "1.50 USD"; Timestamp and Duration as in time_text.h; enums by name in any case, by
/// number, and severities and levels by the contract's one table of words; numbers exactly.
/// Repeated fields get one more value.
/// Errors: kInvalidArgument with what is wrong and what would be right, without the field's name.
[[nodiscard]] Status SetFieldFromText(google::protobuf::Message* message,
                                      const google::protobuf::FieldDescriptor* field,
                                      std::string_view text, const FieldText& how);

/// A field of an event by its path: "cost.tokens.input", "labels.team", "time".
/// Threads: any.
/// Lifetime: refers to the generated descriptors, which live for ever.
class FieldPath {
 public:
  /// Names as in event.proto, or lowerCamelCase.
  /// Errors: kInvalidArgument naming the part that is unknown and the nearest name; kinds that only
  ///         the server makes are refused.
  [[nodiscard]] static Result<FieldPath> Parse(std::string_view path);

  /// Errors: as SetFieldFromText, with the path in front; kInvalidArgument when the event has
  /// another kind already.
  [[nodiscard]] Status Set(v1::Event* event, std::string_view text, const FieldText& how) const;
  /// Makes the event of the field's kind, without setting the field.
  /// Errors: the event has another kind already.
  [[nodiscard]] Status MakeKind(v1::Event* event) const;
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
  std::vector<const google::protobuf::FieldDescriptor*> steps_;
  std::string label_;  // with labels: the label's name
};

/// Field of a message by its proto name or JSON name; null when unknown.
[[nodiscard]] const google::protobuf::FieldDescriptor* FindField(
    const google::protobuf::Descriptor& type, std::string_view name);
/// "unknown field 'tokns'; did you mean 'tokens'?"
[[nodiscard]] std::string TellUnknownField(const google::protobuf::Descriptor& type,
                                           std::string_view name);
/// Whether the field is a kind of event that only the server makes.
[[nodiscard]] bool IsServerMadeKind(const google::protobuf::FieldDescriptor& field);

}  // namespace barograph::ingest
