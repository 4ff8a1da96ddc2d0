#include "server/config/life_section.h"

#include <re2/re2.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <utility>

#include "server/config/zone_table.h"

namespace barograph::server {
namespace {

using rules::LabelMatcher;

constexpr std::array<std::string_view, 7> kDays = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};
constexpr std::uint64_t kFlapFiresMost = 1'000'000;

/// One of several values as one expression.
std::string AnyOf(const std::vector<std::string>& values) {
  std::string expression;
  for (const std::string& value : values) {
    if (!expression.empty()) expression.push_back('|');
    expression += re2::RE2::QuoteMeta(value);
  }
  return expression;
}

std::optional<std::size_t> FindDay(std::string_view word) {
  std::string day(word.substr(0, 3));
  for (char& c : day) c = static_cast<char>(c | 0x20);
  const auto found = std::find(kDays.begin(), kDays.end(), day);
  if (found == kDays.end()) return std::nullopt;
  return static_cast<std::size_t>(found - kDays.begin());
}

/// "mon", "friday", "mon-fri", "sat-mon".
std::optional<std::uint8_t> ReadDays(const std::string& text) {
  const std::size_t dash = text.find('-');
  const auto first = FindDay(std::string_view(text).substr(0, dash));
  const auto last =
      dash == std::string::npos ? first : FindDay(std::string_view(text).substr(dash + 1));
  if (!first || !last) return std::nullopt;
  unsigned days = 0;
  for (std::size_t day = *first;; day = (day + 1) % kDays.size()) {
    days |= 1U << day;
    if (day == *last) break;
  }
  return static_cast<std::uint8_t>(days);
}

/// "22:00" as minutes of the day; 24:00 is its end.
std::optional<std::int32_t> ReadMinute(const YamlNode& node, std::string_view name,
                                       Diagnostics* diagnostics) {
  const auto text = ReadText(node, name, diagnostics);
  if (!text) return std::nullopt;
  int hour = 0;
  int minute = 0;
  if (re2::RE2::FullMatch(*text, R"((\d\d?):(\d\d))", &hour, &minute) && minute < 60 &&
      hour * 60 + minute <= 24 * 60) {
    return hour * 60 + minute;
  }
  diagnostics->Add(node.position, std::string(name) + ": '" + *text +
                                      "' is no time of day; write e.g. \"22:00\", in quotes");
  return std::nullopt;
}

void ReadZone(const YamlNode& node, rules::MuteTimeSpec* mute, Diagnostics* diagnostics) {
  mute->timezone = ReadText(node, "timezone", diagnostics).value_or("UTC");
  if (auto offsets = ZoneOffsets(mute->timezone)) {
    mute->offsets = std::move(*offsets);
    return;
  }
  diagnostics->Add(node.position, "timezone: '" + mute->timezone +
                                      "' is not in the zone database; write e.g. Europe/Berlin "
                                      "or UTC");
}

template <typename T>
void Keep(std::string_view section, const YamlNode& node, T item, std::size_t before,
          RuleDraft* draft, std::vector<T>* items, const Diagnostics* diagnostics) {
  // A broken one stays, so that the route that names it is not told as a mistake too.
  const std::string path = std::string(section) + "[" + std::to_string(items->size()) + "]";
  draft->Place(path, node);
  if (diagnostics->count() != before) draft->MarkBroken(path);
  items->push_back(std::move(item));
}

}  // namespace

std::vector<LabelMatcher> ReadMatchers(const YamlNode& node, std::string_view name,
                                       Diagnostics* diagnostics) {
  std::vector<LabelMatcher> matchers;
  if (node.kind == YamlNode::Kind::kMap) {
    for (std::size_t i = 0; i < node.keys.size(); ++i) {
      const YamlNode& value = node.items[i];
      const std::string& label = node.keys[i].text;
      if (value.kind == YamlNode::Kind::kSequence) {
        const auto values = ReadTextList(value, label, diagnostics);
        if (values) matchers.push_back({label, LabelMatcher::Op::kMatch, AnyOf(*values)});
      } else if (const auto text = ReadText(value, label, diagnostics)) {
        matchers.push_back({label, LabelMatcher::Op::kEqual, *text});
      }
    }
    return matchers;
  }
  const auto texts = ReadTextList(node, name, diagnostics);
  if (!texts) return matchers;
  for (std::size_t i = 0; i < texts->size(); ++i) {
    Result<LabelMatcher> matcher = rules::ParseMatcher((*texts)[i]);
    if (matcher.ok()) {
      matchers.push_back(std::move(matcher).value());
    } else {
      diagnostics->Add(node.items[i].position,
                       std::string(name) + ": " + matcher.error().message());
    }
  }
  return matchers;
}

void ReadInhibition(const YamlNode& node, RuleDraft* draft, Diagnostics* diagnostics) {
  const std::size_t before = diagnostics->count();
  rules::InhibitionSpec inhibition;
  MapReader map(node, "an inhibition", diagnostics);
  if (const auto* source = map.Require("source", "{severity: critical}")) {
    inhibition.source = ReadMatchers(*source, "source", diagnostics);
  }
  if (const auto* target = map.Require("target", "{severity: warning}")) {
    inhibition.target = ReadMatchers(*target, "target", diagnostics);
  }
  if (const auto* equal = map.Find("equal")) {
    inhibition.equal =
        ReadTextList(*equal, "equal", diagnostics).value_or(std::vector<std::string>());
  }
  map.Finish();
  Keep("inhibitions", node, std::move(inhibition), before, draft, &draft->rules.inhibitions,
       diagnostics);
}

void ReadMuteTime(const YamlNode& node, RuleDraft* draft, Diagnostics* diagnostics) {
  const std::size_t before = diagnostics->count();
  rules::MuteTimeSpec mute;
  MapReader map(node, "a mute time", diagnostics);
  if (const auto* name = map.Require("name", "nights")) {
    mute.name = ReadText(*name, "name", diagnostics).value_or("");
  }
  if (const auto* days = map.Find("days")) {
    mute.weekdays = 0;
    const auto texts = ReadTextList(*days, "days", diagnostics);
    for (std::size_t i = 0; texts && i < texts->size(); ++i) {
      const auto read = ReadDays((*texts)[i]);
      if (read) mute.weekdays = static_cast<std::uint8_t>(mute.weekdays | *read);
      if (!read) {
        diagnostics->Add(days->items[i].position,
                         "days: '" + (*texts)[i] + "' is no day; write e.g. [mon-fri, sun]");
      }
    }
  }
  if (const auto* from = map.Find("from")) {
    mute.from_minute = ReadMinute(*from, "from", diagnostics).value_or(mute.from_minute);
  }
  if (const auto* to = map.Find("to")) {
    mute.to_minute = ReadMinute(*to, "to", diagnostics).value_or(mute.to_minute);
    // Midnight is the end of the day before.
    if (mute.to_minute == 0) mute.to_minute = 24 * 60;
  }
  mute.timezone.clear();  // FinishMuteTimes gives it the configuration's.
  if (const auto* zone = map.Find("timezone")) ReadZone(*zone, &mute, diagnostics);
  map.Finish();
  Keep("mute_times", node, std::move(mute), before, draft, &draft->rules.mute_times, diagnostics);
}

void FinishMuteTimes(RuleDraft* draft) {
  for (rules::MuteTimeSpec& mute : draft->rules.mute_times) {
    if (!mute.timezone.empty()) continue;
    mute.timezone = draft->rules.timezone;
    mute.offsets = ZoneOffsets(mute.timezone).value_or(std::vector<rules::ZoneOffset>());
  }
}

void ReadEscalation(const YamlNode& node, RuleDraft* draft, Diagnostics* diagnostics) {
  const std::size_t before = diagnostics->count();
  rules::EscalationSpec escalation;
  MapReader map(node, "an escalation", diagnostics);
  if (const auto* name = map.Require("name", "oncall")) {
    escalation.name = ReadText(*name, "name", diagnostics).value_or("");
  }
  const auto* steps = map.Require("steps", "[{after: 15m, receiver: lead}]");
  map.Finish();
  if (steps != nullptr && steps->kind != YamlNode::Kind::kSequence) {
    diagnostics->Add(steps->position,
                     "steps: must be a list such as `- {after: 15m, receiver: lead}`, not " +
                         std::string(steps->KindName()));
  }
  const bool is_list = steps != nullptr && steps->kind == YamlNode::Kind::kSequence;
  for (std::size_t i = 0; is_list && i < steps->items.size(); ++i) {
    rules::EscalationSpec::Step& step = escalation.steps.emplace_back();
    MapReader keys(steps->items[i], "a step", diagnostics);
    if (const auto* after = keys.Require("after", "15m")) {
      step.after = ReadDuration(*after, "after", diagnostics).value_or(Duration(0));
    }
    if (const auto* receiver = keys.Require("receiver", "lead")) {
      step.receiver = ReadText(*receiver, "receiver", diagnostics).value_or("");
    }
    keys.Finish();
  }
  Keep("escalations", node, std::move(escalation), before, draft, &draft->rules.escalations,
       diagnostics);
}

void ReadFlapping(const YamlNode& node, RuleDraft* draft, Diagnostics* diagnostics) {
  const std::size_t before = diagnostics->count();
  rules::FlapSpec& flapping = draft->rules.flapping;
  MapReader map(node, "`flapping`", diagnostics);
  if (const auto* fires = map.Find("fires")) {
    flapping.fires = static_cast<std::uint32_t>(
        ReadCount(*fires, "fires", 0, kFlapFiresMost, diagnostics).value_or(flapping.fires));
  }
  if (const auto* within = map.Find("within")) {
    flapping.within = ReadDuration(*within, "within", diagnostics).value_or(flapping.within);
  }
  if (const auto* settled = map.Find("settled_after")) {
    flapping.settled_after =
        ReadDuration(*settled, "settled_after", diagnostics).value_or(flapping.settled_after);
  }
  map.Finish();
  draft->Place("flapping", node);
  if (diagnostics->count() != before) draft->MarkBroken("flapping");
}

}  // namespace barograph::server
