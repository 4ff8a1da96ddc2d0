#pragma once

#include <string>
#include <string_view>

#include "storage/base/result.h"

namespace barograph::server {

/// One event as JSON on one line: the proto's JSON mapping with the field names of event.proto.
/// Bytes that are no valid text
/// stay base64, as the mapping says.
/// Errors: kCorruption when the bytes are no Event.
[[nodiscard]] Result<std::string> EventJson(std::string_view wire);

}  // namespace barograph::server
