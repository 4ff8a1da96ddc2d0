#pragma once

#include <string_view>

#include "ingest/formats/event_mapping.h"
#include "storage/base/result.h"

namespace barograph::server {

/// Reads a mapping file for `barograph import` (docs/import.md):
///
///   apiVersion: barograph/v1
///   source: azure-llm-2023
///   format: csv
///   time_format: "%Y-%m-%d %H:%M:%E*S"
///   columns: {time: TIMESTAMP, cost.tokens.input: ContextTokens}
///   constants: {cost.category: MODEL}
///
/// Checked as a whole: structure here, fields by ingest::EventMapping.
/// Errors: kInvalidArgument with all mistakes, one a line: file:line:column, what is wrong, what
/// would be right.
[[nodiscard]] Result<ingest::MappingSpec> ReadMappingFile(std::string_view text,
                                                          std::string_view file);

}  // namespace barograph::server
