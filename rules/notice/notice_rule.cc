#include "rules/notice/notice_rule.h"

#include <algorithm>

#include "rules/measure/event_text.h"
#include "rules/measure/measure.h"

namespace barograph::rules {
namespace {

/// Bytes of one field of the event in a message; an error's text can be long.
constexpr std::size_t kFieldBytesMax = 512;

/// The name of EventText under which a dimension or label lies.
std::string TextNameOf(const std::string& dimension) {
  return FindDimension(dimension) ? dimension : std::string(kEventLabels) + dimension;
}

std::string_view SeverityWord(Severity severity) {
  if (severity == Severity::kCritical) return "critical";
  return severity == Severity::kInfo ? "info" : "warning";
}

std::string Cut(std::string text) {
  if (text.size() <= kFieldBytesMax) return text;
  std::size_t end = kFieldBytesMax;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
  text.resize(end);
  return text;
}

}  // namespace

NoticeRule::NoticeRule(const NoticeSpec& spec) : spec_(spec) {
  for (const Projection::Filter& filter : spec.common.where)
    where_.emplace_back(TextNameOf(filter.dimension), filter.any_of);
  for (const std::string& name : spec.common.by) by_.emplace_back(name, TextNameOf(name));
  const auto add = [this](const std::string& annotation, const std::string& text) {
    for (std::string& name : TemplateEventNames(text)) names_.push_back(std::move(name));
    templates_.emplace(annotation, text);
  };
  add("summary", spec.text);
  for (const auto& [annotation, text] : spec.common.annotations) add(annotation, text);
  std::sort(names_.begin(), names_.end());
  names_.erase(std::unique(names_.begin(), names_.end()), names_.end());
}

bool NoticeRule::Passes(const storage::EventView& event) const {
  return std::all_of(where_.begin(), where_.end(), [&](const auto& filter) {
    const std::string value = EventText(event, filter.first);
    return std::find(filter.second.begin(), filter.second.end(), value) != filter.second.end();
  });
}

storage::Labels NoticeRule::OwnLabels() const {
  storage::Labels labels(spec_.common.labels.begin(), spec_.common.labels.end());
  labels["alertname"] = spec_.common.name;
  labels["rule"] = spec_.common.name;
  labels["severity"] = SeverityWord(spec_.common.severity);
  if (!spec_.common.owner.empty()) labels.try_emplace("owner", spec_.common.owner);
  return labels;
}

storage::Labels NoticeRule::LabelsOf(const storage::EventView& event) const {
  storage::Labels labels = OwnLabels();
  for (const auto& [label, name] : by_) {
    std::string value = EventText(event, name);
    if (!value.empty()) labels.emplace(label, std::move(value));
  }
  return labels;
}

EventMessage NoticeRule::Compose(const storage::EventView& event, Time time,
                                 Sequence sequence) const {
  EventMessage message;
  message.rule = spec_.common.name;
  message.id = message.rule + "-" + std::to_string(sequence.value);
  message.severity = spec_.common.severity;
  message.at = time;
  message.labels = LabelsOf(event);
  storage::Labels texts;
  for (const std::string& name : names_) {
    // Every event has a time: log time where it names none.
    std::string text = name == "time" ? FormatTime(time) : Cut(EventText(event, name));
    if (!text.empty()) texts.emplace(name, std::move(text));
  }
  const TemplateValues values{message.labels, 0, 0, "event", &texts};
  for (const auto& [annotation, text] : templates_)
    message.annotations.emplace(annotation, text.Render(values));
  return message;
}

EventMessage NoticeRule::ComposeMore(std::uint64_t count, Time from) const {
  EventMessage message;
  message.rule = spec_.common.name;
  message.id = message.rule + "-more-" + std::to_string(from.time_since_epoch().count());
  message.severity = spec_.common.severity;
  message.at = from;
  message.labels = OwnLabels();
  message.annotations["summary"] = "and " + std::to_string(count) + " more within " +
                                   FormatDuration(spec_.per) + " from " +
                                   FormatTime(std::chrono::floor<std::chrono::seconds>(from));
  return message;
}

}  // namespace barograph::rules
