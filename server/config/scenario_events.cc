#include "server/config/scenario_events.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <utility>
#include <vector>

#include "ingest/formats/event_json.h"
#include "ingest/formats/nearest_name.h"
#include "storage/event/event_view.h"

namespace barograph::server {
namespace {

using ingest::JsonValue;

constexpr std::string_view kOccurrence = "{n}";
constexpr std::array<std::string_view, 3> kSeriesKeys{"at", "every", "late"};
constexpr int kRampDigits = 9;
/// What is late or lies in the past does so by less than this.
constexpr Duration kPastMax = std::chrono::days(36'500);

bool IsSeriesKey(std::string_view key) {
  return std::find(kSeriesKeys.begin(), kSeriesKeys.end(), key) != kSeriesKeys.end();
}

/// "10..95", "1..5 USD", "100ms..900ms": a number that goes from one to the other.
struct Ramp {
  double from = 0, to = 0;
  std::string_view unit;
};
std::optional<Ramp> FindRamp(std::string_view text) {
  const std::size_t dots = text.find("..");
  if (dots == std::string_view::npos) return std::nullopt;
  Ramp ramp;
  const std::string_view left = text.substr(0, dots), right = text.substr(dots + 2);
  constexpr std::string_view kNumberStarts = "-0123456789";
  if (left.empty() || kNumberStarts.find(left.front()) == std::string_view::npos)
    return std::nullopt;
  const auto [left_end, left_code] =
      std::from_chars(left.data(), left.data() + left.size(), ramp.from);
  const auto [right_end, right_code] =
      std::from_chars(right.data(), right.data() + right.size(), ramp.to);
  if (left_code != std::errc{} || right_code != std::errc{}) return std::nullopt;
  const std::string_view left_unit = left.substr(static_cast<std::size_t>(left_end - left.data()));
  ramp.unit = right.substr(static_cast<std::size_t>(right_end - right.data()));
  if (!left_unit.empty() && left_unit != ramp.unit) return std::nullopt;
  return ramp;
}

/// A decimal without an exponent and without trailing zeros.
std::string DecimalText(double number) {
  std::array<char, 400> text{};
  const auto [end, code] = std::to_chars(text.data(), text.data() + text.size(), number,
                                         std::chars_format::fixed, kRampDigits);
  std::string decimal(text.data(), end);
  decimal.erase(decimal.find_last_not_of('0') + 1);
  if (decimal.ends_with('.')) decimal.pop_back();
  return decimal == "-0" ? "0" : decimal;
}

/// Which of how many events of a series, and when it happens.
struct Occurrence {
  std::uint64_t number = 1, count = 1;
  Time at{};
};

bool IsOffsetDeadline(std::string_view key, const YamlNode& node) {
  return key == "deadline" && node.kind == YamlNode::Kind::kScalar && node.text.starts_with('+');
}

/// Whether the events of a series differ by more than their time.
bool Varies(const YamlNode& node) {
  if (node.kind == YamlNode::Kind::kScalar) {
    return node.text.find(kOccurrence) != std::string::npos ||
           (!node.quoted && FindRamp(node.text).has_value());
  }
  for (std::size_t i = 0; i < node.items.size(); ++i) {
    if (Varies(node.items[i])) return true;
    if (!node.keys.empty() && IsOffsetDeadline(node.keys[i].text, node.items[i])) return true;
  }
  return false;
}

std::string Unfold(const YamlNode& node, const Occurrence& occurrence) {
  if (!node.quoted) {
    if (const std::optional<Ramp> ramp = FindRamp(node.text)) {
      const double share = occurrence.count < 2 ? 0
                                                : static_cast<double>(occurrence.number - 1) /
                                                      static_cast<double>(occurrence.count - 1);
      return DecimalText(ramp->from + (ramp->to - ramp->from) * share) + std::string(ramp->unit);
    }
  }
  std::string text = node.text;
  for (std::size_t at = 0; (at = text.find(kOccurrence, at)) != std::string::npos;) {
    const std::string number = std::to_string(occurrence.number);
    text.replace(at, kOccurrence.size(), number);
    at += number.size();
  }
  return text;
}

/// YAML as the JSON that it stands for. Numbers stay text, which the event's fields read alike; so
/// `code: 500` is good for a field that is text. Depth is bounded by kYamlDepthMax.
JsonValue ToJson(const YamlNode& node, const Occurrence& occurrence) {
  JsonValue json;
  switch (node.kind) {
    case YamlNode::Kind::kNull:
      return json;
    case YamlNode::Kind::kScalar: {
      const bool word = !node.quoted && (node.text == "true" || node.text == "false");
      json.kind = word ? JsonValue::Kind::kBool : JsonValue::Kind::kString;
      json.text = Unfold(node, occurrence);
      return json;
    }
    case YamlNode::Kind::kSequence:
      json.kind = JsonValue::Kind::kArray;
      break;
    case YamlNode::Kind::kMap:
      json.kind = JsonValue::Kind::kObject;
      break;
  }
  for (std::size_t i = 0; i < node.items.size(); ++i) {
    if (!node.keys.empty()) json.keys.push_back(node.keys[i].text);
    json.items.push_back(ToJson(node.items[i], occurrence));
    if (node.keys.empty() || !IsOffsetDeadline(node.keys[i].text, node.items[i])) continue;
    const Result<Duration> ahead = ParseDuration(std::string_view(node.items[i].text).substr(1));
    if (ahead.ok()) json.items.back().text = FormatTime(occurrence.at + *ahead);
  }
  return json;
}

/// One item of `events:` as it is unfolded.
class Series {
 public:
  Series(const YamlNode& node, const ingest::FieldText& how, rules::Scenario* scenario,
         Diagnostics* diagnostics)
      : node_(node), how_(how), scenario_(scenario), diagnostics_(diagnostics) {}

  void Read() {
    const std::size_t before = diagnostics_->count();
    MapReader map(node_, "an event", diagnostics_);
    if (!map.is_map()) return;
    ReadTimes(map);
    ReadEvent();
    if (diagnostics_->count() != before) {
      // The event's own mistakes are told even so.
      static_cast<void>(Encode(agents_.front(), {1, 1, scenario_->start}));
      return;
    }
    if (!CheckCount()) return;
    const bool varies = Varies(event_) || late_ > Duration(0);
    for (const std::string& agent : agents_) Add(agent, varies);
  }

 private:
  void ReadTimes(MapReader& map) {
    const YamlNode* at = map.Require("at", "0s..30m");
    const auto span = at == nullptr ? std::nullopt : ReadOffsets(*at, "at", diagnostics_);
    span_ = span.value_or(span_);
    const YamlNode* every = map.Find("every");
    if (every != nullptr) {
      every_ = ReadDuration(*every, "every", diagnostics_).value_or(std::chrono::seconds(1));
    }
    if (const YamlNode* late = map.Find("late")) {
      late_ = ReadDuration(*late, "late", diagnostics_).value_or(Duration(0));
      if (late_ > kPastMax)
        diagnostics_->Add(late->position, "late: at most " + FormatDuration(kPastMax));
    }
    if (!span) return;
    if (span_.to > span_.from && every == nullptr) {
      diagnostics_->Add(node_.position, "an event from " + FormatDuration(span_.from) + " to " +
                                            FormatDuration(span_.to) +
                                            " lacks `every`; write e.g. `every: 10s`");
    } else if (span_.to == span_.from && every != nullptr) {
      diagnostics_->Add(every->position,
                        "every: the event comes once; write e.g. `at: 0s..30m` for a series");
    } else if (every != nullptr && every_ <= Duration(0)) {
      diagnostics_->Add(every->position, "every: must be longer than nothing");
    }
  }

  /// Keys beside `at`, `every` and `late` are the event's and told by its reader; what is nearly
  /// one of these is not.
  bool TellMisspelt(const YamlNode::Key& key) {
    const std::string_view meant = ingest::NearestName(key.text, kSeriesKeys);
    if (meant.empty() || ingest::FindField(*v1::Event::descriptor(), key.text) != nullptr)
      return false;
    diagnostics_->Add(key.position, "unknown key '" + key.text + "' in an event; did you mean '" +
                                        std::string(meant) + "'?");
    return true;
  }

  /// What is left is the event; `agent: [a, b]` is one event for each.
  void ReadEvent() {
    event_.kind = YamlNode::Kind::kMap;
    event_.position = node_.position;
    for (std::size_t i = 0; i < node_.keys.size(); ++i) {
      const YamlNode::Key& key = node_.keys[i];
      if (IsSeriesKey(key.text) || TellMisspelt(key)) continue;
      if (key.text == "id" || key.text == "time") {
        diagnostics_->Add(key.position, key.text == "id"
                                            ? "id: events of a scenario have none; each is new"
                                            : "time: an event happens at `at`, or `late: 3h` "
                                              "earlier than it arrives");
        continue;
      }
      if (key.text == "agent" && node_.items[i].kind == YamlNode::Kind::kSequence) {
        agents_ = ReadTextList(node_.items[i], "agent", diagnostics_)
                      .value_or(std::vector<std::string>());
        continue;
      }
      event_.keys.push_back(key);
      event_.items.push_back(node_.items[i]);
    }
    if (agents_.empty()) agents_ = {""};
  }

  [[nodiscard]] std::uint64_t Count() const {
    if (span_.to == span_.from) return 1;
    const Duration length = span_.to - span_.from;
    const std::int64_t whole = length / every_;
    return static_cast<std::uint64_t>(length % every_ == Duration(0) ? whole : whole + 1);
  }

  [[nodiscard]] bool CheckCount() {
    const std::uint64_t each = std::min<std::uint64_t>(Count(), rules::kScenarioEventsMax + 1);
    if (scenario_->arrivals.size() + each * agents_.size() <= rules::kScenarioEventsMax)
      return true;
    diagnostics_->Add(node_.position, "unfolds, with those before, to more than " +
                                          std::to_string(rules::kScenarioEventsMax) +
                                          " events; `count: 100` lets one event stand for many");
    return false;
  }

  void Add(const std::string& agent, bool varies) {
    const std::uint64_t count = Count();
    for (std::uint64_t i = 0; i < count; ++i) {
      const Duration at = span_.from + every_ * static_cast<std::int64_t>(i);
      if (varies || i == 0) {
        std::optional<std::string> wire = Encode(agent, {i + 1, count, scenario_->start + at});
        if (!wire) return;
        scenario_->events.push_back(std::move(*wire));
      }
      scenario_->arrivals.push_back({at, static_cast<std::uint32_t>(scenario_->events.size() - 1)});
    }
  }

  /// Nothing after telling what is wrong with the event.
  [[nodiscard]] std::optional<std::string> Encode(const std::string& agent,
                                                  const Occurrence& occurrence) {
    JsonValue json = ToJson(event_, occurrence);
    if (!agent.empty()) {
      json.keys.emplace_back("agent");
      json.items.push_back({JsonValue::Kind::kString, agent, {}, {}});
    }
    v1::Event event;
    Status read = ingest::ReadEventJson(json, how_, &event);
    if (late_ > Duration(0)) SetTime(occurrence.at - late_, &event);
    std::string wire;
    if (read.ok()) {
      ingest::EncodeEvent(event, &wire);
      storage::EventView view;
      read = storage::ReadEvent(wire, storage::EventSource::kOutside, &view);
    }
    if (!read.ok()) {
      diagnostics_->Add(FindPlace(node_, read.error().message()), read.error().message());
      return std::nullopt;
    }
    return wire;
  }

  static void SetTime(Time time, v1::Event* event) {
    const auto whole = std::chrono::floor<std::chrono::seconds>(time);
    event->mutable_time()->set_seconds(whole.time_since_epoch().count());
    event->mutable_time()->set_nanos(static_cast<std::int32_t>((time - whole).count()));
  }

  const YamlNode& node_;
  const ingest::FieldText& how_;
  rules::Scenario* scenario_;
  Diagnostics* diagnostics_;
  rules::ScenarioSpan span_;
  Duration every_{1}, late_{0};
  YamlNode event_;
  std::vector<std::string> agents_;
};

}  // namespace

std::optional<Duration> ReadOffset(const YamlNode& node, std::string_view name,
                                   Diagnostics* diagnostics, bool negative) {
  const bool past = negative && node.kind == YamlNode::Kind::kScalar && node.text.starts_with('-');
  YamlNode without_sign = node;
  if (past) without_sign.text.erase(0, 1);
  const std::optional<Duration> offset = ReadDuration(without_sign, name, diagnostics);
  if (!offset) return std::nullopt;
  const Duration end = past ? kPastMax : rules::kScenarioLengthMax;
  if (*offset > end) {
    diagnostics->Add(node.position, std::string(name) + ": '" + node.text +
                                        "' is too far; a scenario lasts at most " +
                                        FormatDuration(rules::kScenarioLengthMax));
    return std::nullopt;
  }
  return past ? -*offset : *offset;
}

std::optional<rules::ScenarioSpan> ReadOffsets(const YamlNode& node, std::string_view name,
                                               Diagnostics* diagnostics, bool negative) {
  const std::size_t dots = node.text.find("..");
  if (node.kind != YamlNode::Kind::kScalar || dots == std::string::npos) {
    const std::optional<Duration> at = ReadOffset(node, name, diagnostics, negative);
    if (!at) return std::nullopt;
    return rules::ScenarioSpan{*at, *at};
  }
  YamlNode from = node, to = node;
  from.text = node.text.substr(0, dots);
  to.text = node.text.substr(dots + 2);
  to.position.column += static_cast<int>(dots + 2);
  const std::optional<Duration> begin = ReadOffset(from, name, diagnostics, negative);
  const std::optional<Duration> end = ReadOffset(to, name, diagnostics, negative);
  if (!begin || !end) return std::nullopt;
  if (*end <= *begin) {
    diagnostics->Add(node.position, std::string(name) + ": '" + node.text +
                                        "' ends before it begins; write e.g. 0s..30m");
    return std::nullopt;
  }
  return rules::ScenarioSpan{*begin, *end};
}

void ReadScenarioEvents(const YamlNode& node, const ingest::FieldText& how,
                        rules::Scenario* scenario, Diagnostics* diagnostics) {
  Series(node, how, scenario, diagnostics).Read();
}

}  // namespace barograph::server
