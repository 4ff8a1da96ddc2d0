#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "ingest/formats/field_path.h"
#include "rules/scenario/scenario.h"
#include "server/config/map_reader.h"

namespace barograph::server {

/// "12m" as an offset, "-9d12h" too where `negative` says so.
[[nodiscard]] std::optional<Duration> ReadOffset(const YamlNode& node, std::string_view name,
                                                 Diagnostics* diagnostics, bool negative = false);
/// "12m", or "12m..15m": ascending.
[[nodiscard]] std::optional<rules::ScenarioSpan> ReadOffsets(const YamlNode& node,
                                                             std::string_view name,
                                                             Diagnostics* diagnostics,
                                                             bool negative = false);

/// Reads one item of `events:`: `at` with `every`, `late`, and an event as its JSON says it
/// (ingest/formats/event_json.h); docs/rule-tests.md has the notation. Adds what it unfolds to,
/// unsorted. Each event is checked as a door of the server checks it.
void ReadScenarioEvents(const YamlNode& node, const ingest::FieldText& how,
                        rules::Scenario* scenario, Diagnostics* diagnostics);

}  // namespace barograph::server
