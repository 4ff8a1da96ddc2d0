#pragma once

#include <google/protobuf/repeated_field.h>

#include <string>
#include <vector>

#include "barograph/v1/server_event.pb.h"
#include "storage/base/result.h"

namespace CLI {
class App;
}

namespace barograph::server {

// The sub-commands of `alerts` that have a file of their own.
void AddAckCommand(CLI::App& alerts, int* status);
void AddSendCommand(CLI::App& alerts, int* status);
void AddShowCommand(CLI::App& alerts, int* status);
void AddTestCommand(CLI::App& alerts, int* status);
/// `exclusion` below `slo`.
void AddExclusionCommand(CLI::App& slo, int* status);

/// Matchers as they are typed: `severity=critical`, `agent=~"CMO|CFO"`.
/// Errors: kInvalidArgument with what would be right.
[[nodiscard]] Status ReadMatchers(const std::vector<std::string>& texts,
                                  google::protobuf::RepeatedPtrField<v1::LabelMatcher>* out);
/// `{agent="CMO",severity!="info"}`.
[[nodiscard]] std::string MatchersText(
    const google::protobuf::RepeatedPtrField<v1::LabelMatcher>& matchers);
/// Who types: the name that BAROGRAPH_AUTHOR or USER says.
[[nodiscard]] std::string DefaultAuthor();

}  // namespace barograph::server
