#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "rules/scenario/run.h"
#include "rules/scenario/scenario.h"

namespace barograph::rules {

// The notation of scenario files, written: what a difference shows can be pasted into the file.

/// An offset as the file writes it: "42m", "-9d12h".
[[nodiscard]] std::string OffsetText(Duration offset);
/// "42m" or "42m..43m".
[[nodiscard]] std::string SpanText(const ScenarioSpan& span);
/// A text as a value of a flow map, in quotes where it needs them.
[[nodiscard]] std::string YamlText(std::string_view text);
[[nodiscard]] std::string YamlLabels(const storage::Labels& labels);

[[nodiscard]] std::string ExpectedText(const ExpectedTransition& expected);
[[nodiscard]] std::string ExpectedText(const ExpectedNotice& expected);
/// A step, and a notice, as an expectation of exactly that would be written.
[[nodiscard]] std::string TransitionText(const storage::AlertTransition& step, Time start);
[[nodiscard]] std::string NoticeText(const ScenarioNotice& notice, Time start);

/// Alerts that the notice names as firing.
[[nodiscard]] std::uint64_t CountFiring(const ScenarioNotice& notice);

}  // namespace barograph::rules
