#include "server/config/scenario_file.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <set>
#include <utility>

#include "ingest/formats/nearest_name.h"
#include "rules/engine/instances.h"
#include "rules/engine/tenant.h"
#include "server/config/configuration.h"
#include "server/config/life_section.h"
#include "server/config/rule_file.h"
#include "server/config/rule_section.h"
#include "server/config/scenario_events.h"

namespace barograph::server {
namespace {

using rules::ExpectedNotice;
using rules::ExpectedTransition;
using rules::Scenario;
using rules::ScenarioAction;
using std::chrono::seconds;

/// A Monday. Scenarios that do not care when they are have the same days for ever.
constexpr std::string_view kDefaultStart = "2026-01-05";
constexpr Time kStartMin = Time(std::chrono::days(0));
constexpr Time kStartMax = Time(std::chrono::days(365 * 200));
constexpr std::string_view kOthers = "others";
constexpr std::array<std::string_view, 4> kStates{"inactive", "pending", "firing", "resolved"};

std::optional<storage::AlertState> ReadState(const YamlNode& node, std::string_view name,
                                             Diagnostics* diagnostics) {
  const auto word = ReadWord(node, name, kStates, diagnostics);
  if (!word) return std::nullopt;
  return static_cast<storage::AlertState>(*word + 1);
}

/// "20.5" is every number that is written so when it is rounded to as many decimals; "20..21" all
/// from one to the other.
std::optional<rules::ScenarioRange> ReadRange(const YamlNode& node, std::string_view name,
                                              Diagnostics* diagnostics) {
  const std::size_t dots = node.text.find("..");
  rules::ScenarioRange range{0, 0, node.text};
  if (node.kind == YamlNode::Kind::kScalar && dots != std::string::npos) {
    YamlNode from = node, to = node;
    from.text = node.text.substr(0, dots);
    to.text = node.text.substr(dots + 2);
    const auto begin = ReadNumber(from, name, diagnostics);
    const auto end = ReadNumber(to, name, diagnostics);
    if (!begin || !end) return std::nullopt;
    if (*end < *begin) {
      diagnostics->Add(node.position, std::string(name) + ": '" + node.text +
                                          "' ends below its beginning; write e.g. 20..21");
      return std::nullopt;
    }
    range.from = *begin;
    range.to = *end;
    return range;
  }
  const auto number = ReadNumber(node, name, diagnostics);
  if (!number) return std::nullopt;
  const std::size_t point = node.text.find('.');
  const auto decimals =
      point == std::string::npos ? 0 : static_cast<int>(node.text.size() - point - 1);
  const double half = 0.5 * std::pow(10.0, -decimals) * (1 + 1e-9);
  range.from = *number - half;
  range.to = *number + half;
  return range;
}

storage::Labels LabelsOf(const YamlNode& node, Diagnostics* diagnostics) {
  storage::Labels labels;
  for (auto& [name, value] : ReadTextMap(node, "labels", diagnostics)) labels[name] = value;
  return labels;
}

/// A text or a list of texts.
std::vector<std::string> ReadTexts(const YamlNode& node, std::string_view name,
                                   Diagnostics* diagnostics) {
  if (node.kind == YamlNode::Kind::kScalar) return {node.text};
  return ReadTextList(node, name, diagnostics).value_or(std::vector<std::string>());
}

template <typename Read>
void ReadItems(MapReader& map, std::string_view key, const Read& read) {
  const YamlNode* node = map.Find(key);
  if (node == nullptr) return;
  if (node->kind != YamlNode::Kind::kSequence) {
    map.diagnostics().Add(node->position, std::string(key) +
                                              ": must be a list whose items start with `- `, not " +
                                              std::string(node->KindName()));
    return;
  }
  for (const YamlNode& item : node->items) read(item);
}

/// What is checked against names that the rules have.
class KnownNames {
 public:
  explicit KnownNames(const rules::RuleSet& rules) {
    for (const auto& rule : rules::CompileRules(rules)) rules_.push_back(rule->common.name);
    for (const rules::ReceiverSpec& receiver : rules.receivers) receivers_.push_back(receiver.name);
  }
  void CheckRule(const YamlNode& node, const std::string& name, Diagnostics* diagnostics) const {
    Check(node, name, "rule", rules_, diagnostics);
  }
  void CheckReceiver(const YamlNode& node, const std::string& name,
                     Diagnostics* diagnostics) const {
    Check(node, name, "receiver", receivers_, diagnostics);
  }

 private:
  static void Check(const YamlNode& node, const std::string& name, const std::string& kind,
                    const std::vector<std::string>& known, Diagnostics* diagnostics) {
    if (std::find(known.begin(), known.end(), name) != known.end()) return;
    const std::vector<std::string_view> views(known.begin(), known.end());
    diagnostics->Add(node.position, kind + ": there is no " + kind + " '" + name + "'" +
                                        ingest::DidYouMean(name, views));
  }
  std::vector<std::string> rules_, receivers_;
};

/// Reads the items of `scenarios:`.
class ScenarioReader {
 public:
  ScenarioReader(const KnownNames* names, ingest::FieldText how, Time start,
                 Diagnostics* diagnostics)
      : names_(names), how_(std::move(how)), start_(start), diagnostics_(diagnostics) {}

  Scenario Read(const YamlNode& node) {
    Scenario scenario;
    scenario.place = node.position.ToString();
    scenario.start = start_;
    MapReader map(node, "a scenario", diagnostics_);
    if (const YamlNode* name = map.Require("name", "a failing agent is told within a minute")) {
      scenario.name = ReadText(*name, "name", diagnostics_).value_or("");
    }
    if (const YamlNode* start = map.Find("start")) {
      scenario.start = ReadStart(*start, how_, diagnostics_).value_or(start_);
    }
    ReadItems(map, "events", [&](const YamlNode& item) {
      ReadScenarioEvents(item, how_, &scenario, diagnostics_);
    });
    ReadItems(map, "stops", [&](const YamlNode& item) { ReadStop(item, &scenario); });
    ReadItems(map, "actions", [&](const YamlNode& item) { ReadAction(item, &scenario); });
    ReadItems(map, "expect", [&](const YamlNode& item) { ReadTransition(item, &scenario); });
    ReadItems(map, "notices", [&](const YamlNode& item) { ReadNotice(item, &scenario); });
    if (const YamlNode* never = map.Find("never")) ReadNever(*never, &scenario);
    if (const YamlNode* quiet = map.Find("quiet")) ReadQuiet(*quiet, &scenario);
    const YamlNode* until = map.Find("until");
    map.Finish();
    if (map.is_map()) {
      Sort(&scenario);
      ReadUntil(node, until, &scenario);
      CheckExpectations(node, scenario);
    }
    return scenario;
  }

  /// A time with a zone, or in that of the file.
  static std::optional<Time> ReadStart(const YamlNode& node, const ingest::FieldText& how,
                                       Diagnostics* diagnostics) {
    const auto text = ReadText(node, "start", diagnostics);
    if (!text) return std::nullopt;
    const Result<Time> time = how.times.Parse(*text);
    if (!time.ok()) {
      diagnostics->Add(node.position, "start: " + time.error().message());
      return std::nullopt;
    }
    if (time->time_since_epoch() % seconds(1) != Duration(0)) {
      diagnostics->Add(node.position, "start: '" + *text + "' is no whole second");
      return std::nullopt;
    }
    if (*time < kStartMin || *time >= kStartMax) {
      diagnostics->Add(node.position, "start: '" + *text + "' is not between " +
                                          FormatTime(kStartMin) + " and " + FormatTime(kStartMax));
      return std::nullopt;
    }
    return *time;
  }

 private:
  void ReadStop(const YamlNode& node, Scenario* scenario) {
    const auto span = ReadOffsets(node, "stops", diagnostics_);
    if (!span) return;
    if (span->from == span->to) {
      diagnostics_->Add(node.position,
                        "stops: '" + node.text + "' does not say until when; write e.g. 10m..20m");
      return;
    }
    for (const rules::ScenarioSpan& other : scenario->stops) {
      if (span->from <= other.to && other.from <= span->to) {
        diagnostics_->Add(node.position, "stops: '" + node.text + "' touches the stop from " +
                                             FormatDuration(other.from) + " to " +
                                             FormatDuration(other.to));
        return;
      }
    }
    scenario->stops.push_back(*span);
  }

  std::vector<storage::GaugeReading> ReadLevels(const YamlNode& node) {
    std::vector<storage::GaugeReading> readings;
    MapReader map(node, "`levels`", diagnostics_);
    for (const std::string_view measure : {"disk.free", "ingest.lag"}) {
      const YamlNode* level = map.Find(measure);
      if (level == nullptr) continue;
      const auto text = ReadText(*level, measure, diagnostics_);
      if (!text) continue;
      const Result<Int128> nanos = ParseDecimal(*text, 9);
      if (nanos.ok() && *nanos >= 0 && *nanos <= kMoneyNanosMax) {
        readings.push_back({std::string(measure), "", static_cast<std::int64_t>(*nanos)});
      } else {
        diagnostics_->Add(level->position, std::string(measure) + ": '" + *text +
                                               "' is no level; write percent for disk.free, "
                                               "seconds for ingest.lag");
      }
    }
    map.Finish();
    return readings;
  }

  void ReadAction(const YamlNode& node, Scenario* scenario) {
    ScenarioAction action;
    action.place = node.position.ToString();
    MapReader map(node, "an action", diagnostics_);
    if (const YamlNode* at = map.Require("at", "15m")) {
      action.at = ReadOffset(*at, "at", diagnostics_).value_or(Duration(0));
    }
    const YamlNode* acknowledge = map.Find("acknowledge");
    const YamlNode* silence = map.Find("silence");
    const YamlNode* length = map.Find("for");
    const YamlNode* levels = map.Find("levels");
    map.Finish();
    if (!map.is_map()) return;
    if ((acknowledge != nullptr) + (silence != nullptr) + (levels != nullptr) != 1) {
      diagnostics_->Add(node.position,
                        "an action takes exactly one of `acknowledge: {agent: a}`, `silence: "
                        "{agent: a}` and `levels: {disk.free: 4}`");
    } else if (levels != nullptr) {
      action.what = ScenarioAction::Levels{ReadLevels(*levels)};
    } else if (acknowledge != nullptr) {
      action.what =
          ScenarioAction::Acknowledge{ReadMatchers(*acknowledge, "acknowledge", diagnostics_)};
    } else if (length == nullptr) {
      diagnostics_->Add(node.position, "a silence lacks 'for'; write e.g. `for: 2h`");
    } else {
      action.what = ScenarioAction::Silence{
          ReadMatchers(*silence, "silence", diagnostics_),
          ReadDuration(*length, "for", diagnostics_).value_or(std::chrono::hours(1))};
    }
    if (acknowledge != nullptr && length != nullptr) {
      diagnostics_->Add(length->position, "for: an acknowledgement has no end of its own");
    }
    scenario->actions.push_back(std::move(action));
  }

  /// What transitions and notices have in common.
  template <typename Expected>
  void ReadWhenAndLabels(MapReader& map, bool negative, Expected* expected) {
    expected->place = map.node().position.ToString();
    if (const YamlNode* at = map.Require("at", "12m..13m")) {
      expected->at = ReadOffsets(*at, "at", diagnostics_, negative).value_or(rules::ScenarioSpan());
    }
    if (const YamlNode* labels = map.Find("labels"))
      expected->labels = LabelsOf(*labels, diagnostics_);
    if (const YamlNode* severity = map.Find("severity")) {
      if (const auto level = ReadSeverity(*severity, diagnostics_))
        expected->labels["severity"] = rules::SeverityLabel(*level);
    }
  }

  void ReadTransition(const YamlNode& node, Scenario* scenario) {
    ExpectedTransition expected;
    MapReader map(node, "an expected transition", diagnostics_);
    if (const YamlNode* late = map.Find("late"))
      expected.late = ReadBool(*late, "late", diagnostics_).value_or(false);
    ReadWhenAndLabels(map, expected.late, &expected);
    if (const YamlNode* rule = map.Require("rule", "task-success")) {
      expected.rule = ReadText(*rule, "rule", diagnostics_).value_or("");
      if (names_ != nullptr) names_->CheckRule(*rule, expected.rule, diagnostics_);
    }
    if (const YamlNode* state = map.Require("state", "firing"))
      expected.to = ReadState(*state, "state", diagnostics_).value_or(expected.to);
    if (const YamlNode* from = map.Find("from"))
      expected.from = ReadState(*from, "from", diagnostics_);
    if (const YamlNode* value = map.Find("value"))
      expected.value = ReadRange(*value, "value", diagnostics_);
    map.Finish();
    scenario->transitions.push_back(std::move(expected));
  }

  void ReadNotice(const YamlNode& node, Scenario* scenario) {
    ExpectedNotice expected;
    MapReader map(node, "an expected notice", diagnostics_);
    ReadWhenAndLabels(map, false, &expected);
    if (const YamlNode* receiver = map.Require("receiver", "ops")) {
      expected.receiver = ReadText(*receiver, "receiver", diagnostics_).value_or("");
      if (names_ != nullptr) names_->CheckReceiver(*receiver, expected.receiver, diagnostics_);
    }
    if (const YamlNode* rule = map.Find("rule")) {
      const std::string name = ReadText(*rule, "rule", diagnostics_).value_or("");
      if (names_ != nullptr) names_->CheckRule(*rule, name, diagnostics_);
      expected.labels["rule"] = name;
    }
    if (const YamlNode* reason = map.Find("reason"))
      expected.reason = ReadText(*reason, "reason", diagnostics_);
    if (const YamlNode* firing = map.Find("firing"))
      expected.firing = ReadCount(*firing, "firing", 0, UINT32_MAX, diagnostics_);
    if (const YamlNode* resolved = map.Find("resolved"))
      expected.resolved = ReadCount(*resolved, "resolved", 0, UINT32_MAX, diagnostics_);
    if (const YamlNode* text = map.Find("text"))
      expected.text = ReadTexts(*text, "text", diagnostics_);
    map.Finish();
    scenario->notices.push_back(std::move(expected));
  }

  void ReadNever(const YamlNode& node, Scenario* scenario) {
    if (node.kind == YamlNode::Kind::kScalar && node.text == kOthers) {
      scenario->others_never = true;
      return;
    }
    if (node.kind == YamlNode::Kind::kScalar) {
      diagnostics_->Add(node.position,
                        "never: write a list of rules, or `others` for all rules "
                        "that `expect` does not name");
      return;
    }
    scenario->never = ReadTexts(node, "never", diagnostics_);
    for (std::size_t i = 0; i < scenario->never.size() && names_ != nullptr; ++i)
      names_->CheckRule(node.items[i], scenario->never[i], diagnostics_);
    for (const ExpectedTransition& expected : scenario->transitions) {
      const auto& never = scenario->never;
      if (std::find(never.begin(), never.end(), expected.rule) == never.end()) continue;
      diagnostics_->Add(node.position, "never: '" + expected.rule + "' stands in `expect` too");
      break;
    }
  }

  void ReadQuiet(const YamlNode& node, Scenario* scenario) {
    scenario->quiet =
        ReadTextList(node, "quiet", diagnostics_).value_or(std::vector<std::string>());
    for (std::size_t i = 0; i < scenario->quiet.size() && names_ != nullptr; ++i)
      names_->CheckReceiver(node.items[i], scenario->quiet[i], diagnostics_);
  }

  static void Sort(Scenario* scenario) {
    const auto earlier = [](const auto& a, const auto& b) { return a.at < b.at; };
    std::stable_sort(scenario->arrivals.begin(), scenario->arrivals.end(), earlier);
    std::stable_sort(scenario->actions.begin(), scenario->actions.end(), earlier);
    std::sort(scenario->stops.begin(), scenario->stops.end(),
              [](const auto& a, const auto& b) { return a.from < b.from; });
  }

  /// The last moment that the scenario speaks of.
  static Duration LastOf(const Scenario& scenario) {
    Duration last{0};
    if (!scenario.arrivals.empty()) last = scenario.arrivals.back().at;
    if (!scenario.actions.empty()) last = std::max(last, scenario.actions.back().at);
    if (!scenario.stops.empty()) last = std::max(last, scenario.stops.back().to);
    for (const ExpectedTransition& expected : scenario.transitions)
      last = std::max(last, expected.late ? Duration(0) : expected.at.to);
    for (const ExpectedNotice& expected : scenario.notices) last = std::max(last, expected.at.to);
    return last;
  }

  void ReadUntil(const YamlNode& node, const YamlNode* until, Scenario* scenario) {
    const Duration last = LastOf(*scenario);
    scenario->until = std::chrono::ceil<seconds>(last);
    if (until != nullptr)
      scenario->until = ReadDuration(*until, "until", diagnostics_).value_or(scenario->until);
    const Position& position = until != nullptr ? until->position : node.position;
    if (scenario->until < last) {
      diagnostics_->Add(
          position, "until: the scenario speaks of " + FormatDuration(last) + ", which is later");
    }
    if (scenario->until > rules::kScenarioLengthMax) {
      diagnostics_->Add(position, "a scenario lasts at most " +
                                      FormatDuration(rules::kScenarioLengthMax) + ", not " +
                                      FormatDuration(scenario->until));
    }
  }

  void CheckExpectations(const YamlNode& node, const Scenario& scenario) {
    const std::size_t expected = scenario.transitions.size() + scenario.notices.size();
    if (expected > rules::kScenarioExpectedMax) {
      diagnostics_->Add(node.position, "expects " + std::to_string(expected) +
                                           " transitions and notices; at most " +
                                           std::to_string(rules::kScenarioExpectedMax));
    }
    if (expected == 0 && scenario.never.empty() && !scenario.others_never &&
        scenario.quiet.empty()) {
      diagnostics_->Add(node.position,
                        "a scenario that expects nothing always passes; give it `expect`, "
                        "`notices`, `never: others` or `quiet`");
    }
  }

  const KnownNames* names_;  ///< null while the rules are broken
  ingest::FieldText how_;
  Time start_;
  Diagnostics* diagnostics_;
};

class Loader {
 public:
  explicit Loader(const std::string& path) : folder_(std::filesystem::path(path).parent_path()) {
    file_.name = path;
  }

  Result<ScenarioFile> Load(const std::string& text) {
    const std::optional<YamlNode> tree = ParseYaml(text, file_.name, &diagnostics_);
    if (!tree) return diagnostics_.ToError();
    MapReader top(*tree, "a scenario file", &diagnostics_);
    ReadApiVersion(top);
    ReadRules(top);
    const YamlNode* start = top.Find("start");
    const YamlNode* scenarios = top.Require("scenarios", "[{name: ..., events: [], expect: []}]");
    top.Finish();
    if (scenarios != nullptr) ReadScenarios(start, *scenarios);
    if (!diagnostics_.empty()) return diagnostics_.ToError();
    return std::move(file_);
  }

 private:
  void ReadRules(MapReader& top) {
    if (const YamlNode* zone = top.Find("timezone")) ReadZone(*zone);
    const YamlNode* config = top.Find("config");
    if (config != nullptr) {
      ReadConfig(*config);
      return;
    }
    draft_.rules.timezone = timezone_;
    if (const YamlNode* files = top.Find("rules")) {
      const auto names = ReadTextList(*files, "rules", &diagnostics_);
      for (std::size_t i = 0; names && i < names->size(); ++i)
        ReadFile(files->items[i], (*names)[i]);
    }
    ReadRuleSections(top, &draft_);
    FinishMuteTimes(&draft_);
    CheckRules(draft_, &diagnostics_);
    file_.rules = draft_.rules;
  }

  void ReadZone(const YamlNode& node) {
    const auto zone = ReadText(node, "timezone", &diagnostics_);
    if (!zone) return;
    const Result<ingest::TimeText> times = ingest::TimeText::Make(*zone);
    if (times.ok()) {
      timezone_ = *zone;
    } else {
      diagnostics_.Add(node.position, times.error().message());
    }
  }

  [[nodiscard]] std::string PathOf(const std::string& name) const {
    return (folder_ / name).lexically_normal().string();
  }

  void ReadFile(const YamlNode& node, const std::string& name) {
    const std::string path = PathOf(name);
    file_.rule_files.push_back(path);
    const Result<std::string> text = ReadConfigFile(path);
    if (text.ok()) {
      ReadRuleFile({path, *text}, &draft_, &diagnostics_);
    } else {
      diagnostics_.Add(node.position, text.error().message());
    }
  }

  /// The rules as the server of that configuration would have them.
  void ReadConfig(const YamlNode& node) {
    const auto name = ReadText(node, "config", &diagnostics_);
    if (!name) return;
    Result<Configuration> configuration = LoadConfiguration({PathOf(*name), {}, {}});
    if (!configuration.ok()) {
      // One line each already, with places in the files of the configuration.
      diagnostics_.Add({}, configuration.error().message());
      return;
    }
    file_.rule_files = configuration->files;
    file_.prices = configuration->server.prices;
    file_.rules = std::move(configuration->rules);
    timezone_ = configuration->server.timezone;
  }

  void ReadScenarios(const YamlNode* start, const YamlNode& node) {
    // Names are checked only against rules that are good.
    std::optional<KnownNames> names;
    if (diagnostics_.empty()) names.emplace(file_.rules);
    ingest::FieldText how;
    if (Result<ingest::TimeText> times = ingest::TimeText::Make(timezone_); times.ok())
      how.times = std::move(times).value();
    Time begin = how.times.Parse(kDefaultStart).value();
    if (start != nullptr)
      begin = ScenarioReader::ReadStart(*start, how, &diagnostics_).value_or(begin);
    if (node.kind != YamlNode::Kind::kSequence || node.items.empty()) {
      diagnostics_.Add(node.position,
                       "scenarios: must be a list whose items start with `- `, not " +
                           std::string(node.items.empty() ? "nothing" : node.KindName()));
      return;
    }
    ScenarioReader reader(names ? &*names : nullptr, how, begin, &diagnostics_);
    std::set<std::string> known;
    for (const YamlNode& item : node.items) {
      file_.scenarios.push_back(reader.Read(item));
      const std::string& name = file_.scenarios.back().name;
      if (!name.empty() && !known.insert(name).second)
        diagnostics_.Add(item.position, "name: '" + name + "' names two scenarios of this file");
    }
  }

  std::filesystem::path folder_;
  ScenarioFile file_;
  RuleDraft draft_;
  Diagnostics diagnostics_;
  std::string timezone_ = "UTC";
};

}  // namespace

Result<ScenarioFile> LoadScenarioFile(const std::string& path) {
  BAROGRAPH_ASSIGN(const std::string text, ReadConfigFile(path));
  return Loader(path).Load(text);
}

bool IsScenarioText(const std::string& text) {
  Diagnostics diagnostics;
  const std::optional<YamlNode> tree = ParseYaml(text, "", &diagnostics);
  if (!tree || tree->kind != YamlNode::Kind::kMap) return true;
  return std::any_of(tree->keys.begin(), tree->keys.end(),
                     [](const YamlNode::Key& key) { return key.text == "scenarios"; });
}

}  // namespace barograph::server
