#pragma once

#include <string>

namespace barograph::rules {

/// A number for people: whole ones in full, others with four significant digits.
[[nodiscard]] std::string NumberText(double value);

}  // namespace barograph::rules
