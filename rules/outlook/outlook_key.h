#pragma once

#include <string>

#include "storage/event/server_event.h"

namespace barograph::rules {

/// Of an instance of a rule, for maps and rows; instances of one rule lie side by side.
[[nodiscard]] std::string OutlookKey(const std::string& rule, const storage::Labels& labels);

}  // namespace barograph::rules
