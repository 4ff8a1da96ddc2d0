#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "ingest/formats/field_path.h"
#include "ingest/formats/json_text.h"
#include "storage/base/result.h"

namespace barograph::ingest {

/// Bytes of one event as JSON; beyond, it is refused before it is parsed.
inline constexpr std::size_t kEventJsonBytesMax = 256 * 1024;

/// Reads an event from its JSON: proto's JSON mapping of barograph.v1.Event (names as in the proto
/// or lowerCamelCase, 64-bit numbers as numbers or text, null = absent), with the contract's
/// leniency (field_path.h: money as "1.50 USD", enums and severities as words in any case, times
/// without a zone in the configured one). Label values may be numbers or true/false. Refused:
/// unknown fields, with the nearest name; two kinds in one event; kinds that only the server makes;
/// deeper than kJsonDepthMax. What the values mean is checked later by storage::ReadEvent.
///
/// Errors: kInvalidArgument with the path below the event: "cost.tokens: unknown field 'inputs';
/// did you mean 'input'?".
[[nodiscard]] Status ReadEventJson(const JsonValue& json, const FieldText& how, v1::Event* event);

/// The same from text to the event's wire encoding, deterministic.
[[nodiscard]] Result<std::string> EncodeEventJson(std::string_view text, const FieldText& how);

/// Wire encoding with labels in order of their names, so that equal events give equal bytes.
[[nodiscard]] std::string EncodeEvent(const v1::Event& event);
/// The same in place of what `wire` holds, whose memory is used again.
void EncodeEvent(const v1::Event& event, std::string* wire);
/// Parses JSON of one event. Errors: as ParseJson; text longer than kEventJsonBytesMax.
[[nodiscard]] Result<JsonValue> ParseEventJson(std::string_view text);

}  // namespace barograph::ingest
