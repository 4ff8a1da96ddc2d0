#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace barograph::rules {

/// One tag of a mustache template, mustache(5).
struct TemplateTag {
  std::string_view whole;  ///< with its braces, or from the opening ones on when it is not closed
  char type = ' ';         ///< one of #^/>&!=, or ' '
  std::string_view name;
  bool closed = false;
};

/// The next tag at or after `*position`, which moves behind it.
[[nodiscard]] std::optional<TemplateTag> NextTag(std::string_view text, std::size_t* position);

}  // namespace barograph::rules
