#include "server/config/absence_section.h"

#include <utility>

#include "server/config/rule_section.h"

namespace barograph::server {

void ReadAbsence(const YamlNode& node, RuleDraft* draft, Diagnostics* diagnostics) {
  const std::size_t before = diagnostics->count();
  rules::AbsenceSpec absence;
  MapReader map(node, "an absence", diagnostics);
  if (!map.is_map()) return;
  static_cast<void>(map.Require("for", "30m"));
  ReadRuleCommon(map, &absence.common);
  // Here `for` says how long the silence lasts, and there is no waiting besides.
  absence.silence = std::exchange(absence.common.for_duration, Duration(0));
  if (const auto* measure = map.Require("measure", "tasks.started")) {
    absence.measure = ReadText(*measure, "measure", diagnostics).value_or("");
  }
  if (const auto* expected = map.Find("expected")) {
    absence.expected =
        ReadTextList(*expected, "expected", diagnostics).value_or(std::vector<std::string>());
  }
  if (const auto* span = map.Find("seen_within")) {
    absence.seen_within = ReadDuration(*span, "seen_within", diagnostics).value_or(Duration(0));
  }
  map.Finish();
  if (diagnostics->count() != before) return;
  draft->Place("absences[" + std::to_string(draft->rules.absences.size()) + "]", node);
  draft->rules.absences.push_back(std::move(absence));
}

}  // namespace barograph::server
