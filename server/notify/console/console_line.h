#pragma once

#include <cstddef>
#include <string>

#include "rules/alert/notice.h"

namespace barograph::server {

/// Bytes of a line with its end: what a pipe takes at once, so that lines never mix (PIPE_BUF).
inline constexpr std::size_t kConsoleLineMax = 4'096;

/// One readable line without control characters, so that no label can move a terminal's cursor; it
/// ends in a line feed.
[[nodiscard]] std::string ConsoleLine(const rules::Notice& notice);

}  // namespace barograph::server
