#include "rules/scenario/notation.h"

#include <algorithm>
#include <utility>

#include "rules/spec/number_text.h"

namespace barograph::rules {
namespace {

/// Letters that need no quotes in a YAML flow map, wherever they stand.
bool IsPlain(std::string_view text) {
  if (text.empty() || !std::isalpha(static_cast<unsigned char>(text.front()))) return false;
  return std::all_of(text.begin(), text.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '_' || c == '-' || c == '.' || c == '/';
  });
}

bool LooksLikeWord(std::string_view text) {
  return text == "true" || text == "false" || text == "null" || text == "yes" || text == "no";
}

}  // namespace

std::string YamlText(std::string_view text) {
  if (IsPlain(text) && !LooksLikeWord(text)) return std::string(text);
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') quoted += '\\';
    if (c == '\n') {
      quoted += "\\n";
    } else {
      quoted += c;
    }
  }
  return quoted + "\"";
}

std::string YamlLabels(const storage::Labels& labels) {
  std::string text = "{";
  for (const auto& [name, value] : labels) {
    if (text.size() > 1) text += ", ";
    text += YamlText(name) + ": " + YamlText(value);
  }
  return text + "}";
}

std::string OffsetText(Duration offset) {
  return offset < Duration{0} ? "-" + FormatDuration(-offset) : FormatDuration(offset);
}

std::string SpanText(const ScenarioSpan& span) {
  return span.from == span.to ? OffsetText(span.from)
                              : OffsetText(span.from) + ".." + OffsetText(span.to);
}

std::string ExpectedText(const ExpectedTransition& expected) {
  std::string text = "{at: " + SpanText(expected.at) + ", rule: " + YamlText(expected.rule);
  if (!expected.labels.empty()) text += ", labels: " + YamlLabels(expected.labels);
  if (expected.from) text += ", from: " + std::string(Name(*expected.from));
  text += ", state: " + std::string(Name(expected.to));
  if (expected.value) text += ", value: " + expected.value->written;
  if (expected.late) text += ", late: true";
  return text + "}";
}

std::string TransitionText(const storage::AlertTransition& step, Time start) {
  storage::Labels labels = step.labels;
  labels.erase("alertname");
  labels.erase("rule");
  std::string text = "{at: " + OffsetText(step.at - start) + ", rule: " + YamlText(step.rule);
  if (!labels.empty()) text += ", labels: " + YamlLabels(labels);
  text += ", from: " + std::string(Name(step.from)) + ", state: " + std::string(Name(step.to)) +
          ", value: " + NumberText(step.value);
  if (step.late) text += ", late: true";
  return text + "}";
}

std::string ExpectedText(const ExpectedNotice& expected) {
  std::string text = "{at: " + SpanText(expected.at) + ", receiver: " + YamlText(expected.receiver);
  if (expected.reason) text += ", reason: " + YamlText(*expected.reason);
  if (expected.firing) text += ", firing: " + std::to_string(*expected.firing);
  if (expected.resolved) text += ", resolved: " + std::to_string(*expected.resolved);
  if (!expected.labels.empty()) text += ", labels: " + YamlLabels(expected.labels);
  std::string parts;
  for (const std::string& part : expected.text)
    parts += (parts.empty() ? "" : ", ") + YamlText(part);
  if (!parts.empty()) text += ", text: " + (expected.text.size() > 1 ? "[" + parts + "]" : parts);
  return text + "}";
}

std::uint64_t CountFiring(const ScenarioNotice& notice) {
  return static_cast<std::uint64_t>(std::count_if(
      notice.members.begin(), notice.members.end(),
      [](const NoticeMember& member) { return member.state == storage::AlertState::kFiring; }));
}

std::string NoticeText(const ScenarioNotice& notice, Time start) {
  const std::uint64_t firing = CountFiring(notice);
  return "{at: " + OffsetText(notice.at - start) + ", receiver: " + YamlText(notice.receiver) +
         ", reason: " + YamlText(notice.reason) + ", firing: " + std::to_string(firing) +
         ", resolved: " + std::to_string(notice.members.size() - firing) +
         ", text: " + YamlText(notice.text) + "}";
}

}  // namespace barograph::rules
