#include <algorithm>

#include "rules/spec/annotation_template.h"
#include "rules/spec/rule_checks.h"

namespace barograph::rules {
namespace {

constexpr std::string_view kEvery[] = {"rule", "severity", "labels.alertname", "labels.rule",
                                       "labels.severity"};

/// A notice has no figures of its own: its text names the event, and the labels that it bears.
void CheckText(const std::string& path, const NoticeSpec& spec, RuleChecks* checks) {
  if (spec.text.empty()) {
    checks->Report(path, "is empty; write e.g. \"Revenue: {{event.amount}}\"");
    return;
  }
  std::vector<std::string> known(std::begin(kEvery), std::end(kEvery));
  for (const std::string& name : spec.common.by) known.push_back("labels." + name);
  for (const auto& [name, value] : spec.common.labels) known.push_back("labels." + name);
  for (std::string& name : EventTemplateNames()) known.push_back(std::move(name));
  const std::vector<std::string_view> names(known.begin(), known.end());
  for (const TemplateMistake& mistake : CheckTemplate(spec.text, known)) {
    // `{{customer}}` is nearly always meant as the event's.
    const std::string meant = "event." + mistake.unknown;
    const bool of_event = std::find(known.begin(), known.end(), meant) != known.end();
    const std::string near = of_event                  ? "; did you mean '" + meant + "'?"
                             : mistake.unknown.empty() ? ""
                                                       : checks->Nearest(mistake.unknown, names);
    checks->Report(path, mistake.message + near);
  }
}

}  // namespace

void CheckNotice(const std::string& path, const NoticeSpec& spec, RuleChecks* checks) {
  checks->Common(path, spec.common);
  std::optional<MeasureTraits> traits;
  static_cast<void>(checks->Measure(path + ".each", spec.each, &traits));
  CheckText(path + ".template", spec, checks);
  if (spec.limit < 1 || spec.limit > kNoticeLimitMax) {
    checks->Report(path + ".limit", std::to_string(spec.limit) + " messages are outside 1 to " +
                                        std::to_string(kNoticeLimitMax));
  }
  if (spec.per < kNoticeWindowMin || spec.per > kNoticeWindowMax) {
    checks->Report(path + ".limit",
                   "a window of " + FormatDuration(spec.per) + " is outside 1s to 7d");
  } else {
    checks->Span(path + ".limit", spec.per, kNoticeWindowMax);
  }
  if (spec.common.annotations.contains("summary"))
    checks->Report(path + ".annotations.summary", "`template` is the summary; leave this one out");
}

}  // namespace barograph::rules
