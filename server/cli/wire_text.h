#pragma once

#include <google/protobuf/map.h>
#include <google/protobuf/message.h>
#include <google/protobuf/timestamp.pb.h>

#include <string>
#include <string_view>
#include <vector>

#include "storage/base/clock.h"
#include "storage/base/result.h"

namespace barograph::server {

/// The message's JSON mapping, names as in the .proto files, on one line or indented.
[[nodiscard]] std::string ToJson(const google::protobuf::Message& message, bool indented = true);

/// "2026-11-21T09:51:40.25Z", to the millisecond; "" for a time that is not set.
[[nodiscard]] std::string TimeText(const google::protobuf::Timestamp& time);
/// "agent=CMO, type=development", names in order.
[[nodiscard]] std::string LabelText(const google::protobuf::Map<std::string, std::string>& labels);
/// Upper-case proto name as a word: "BUDGET_SPENT" -> "budget spent".
[[nodiscard]] std::string Word(std::string_view name);
/// At most `bytes` of a text, cut at a character and marked with an ellipsis.
[[nodiscard]] std::string Shorten(const std::string& text, std::size_t bytes);
/// A number of at most `digits` significant digits.
[[nodiscard]] std::string NumberText(double number, int digits = 4);

/// "a,b , c" -> {"a", "b", "c"}; empty parts are dropped.
[[nodiscard]] std::vector<std::string> SplitList(std::string_view text);
void SetTime(Time time, google::protobuf::Timestamp* out);

}  // namespace barograph::server
