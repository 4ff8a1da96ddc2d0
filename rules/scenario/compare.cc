#include "rules/scenario/compare.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <functional>
#include <optional>
#include <set>
#include <utility>

#include "rules/scenario/notation.h"
#include "rules/spec/number_text.h"

namespace barograph::rules {
namespace {

using storage::AlertState;
using storage::AlertTransition;
using Kind = ScenarioDifference::Kind;
using Reasons = std::vector<std::string>;

/// Unexpected steps that are told one by one; those beyond are counted.
constexpr std::size_t kToldMax = 20;

void AddUnless(bool fits, std::string reason, Reasons* reasons) {
  if (!fits) reasons->push_back(std::move(reason));
}

void CompareSpan(const ScenarioSpan& expected, Duration at, Reasons* reasons) {
  AddUnless(expected.from <= at && at <= expected.to,
            "at: " + OffsetText(at) + ", not " + SpanText(expected), reasons);
}

void CompareLabels(const storage::Labels& expected, const storage::Labels& labels,
                   Reasons* reasons) {
  for (const auto& [name, value] : expected) {
    const auto found = labels.find(name);
    const std::string is =
        found == labels.end() ? "is missing" : YamlText(found->second) + ", not " + YamlText(value);
    AddUnless(found != labels.end() && found->second == value, "labels." + name + ": " + is,
              reasons);
  }
}

/// In what a step differs from what is expected; nothing when it fits.
Reasons Differ(const ExpectedTransition& expected, const AlertTransition& step, Time start) {
  Reasons reasons;
  CompareSpan(expected.at, step.at - start, &reasons);
  CompareLabels(expected.labels, step.labels, &reasons);
  AddUnless(!expected.from || *expected.from == step.from,
            "from: " + std::string(Name(step.from)) + ", not " +
                std::string(expected.from ? Name(*expected.from) : ""),
            &reasons);
  AddUnless(expected.to == step.to,
            "state: " + std::string(Name(step.to)) + ", not " + std::string(Name(expected.to)),
            &reasons);
  if (expected.value) {
    AddUnless(expected.value->from <= step.value && step.value <= expected.value->to,
              "value: " + NumberText(step.value) + ", not " + expected.value->written, &reasons);
  }
  AddUnless(expected.late == step.late, step.late ? "late: true" : "late: false", &reasons);
  return reasons;
}

Reasons Differ(const ExpectedNotice& expected, const ScenarioNotice& notice, Time start) {
  Reasons reasons;
  CompareSpan(expected.at, notice.at - start, &reasons);
  AddUnless(
      !expected.reason || *expected.reason == notice.reason,
      "reason: " + YamlText(notice.reason) + ", not " + YamlText(expected.reason.value_or("")),
      &reasons);
  const std::uint64_t firing = CountFiring(notice), resolved = notice.members.size() - firing;
  AddUnless(
      !expected.firing || *expected.firing == firing,
      "firing: " + std::to_string(firing) + ", not " + std::to_string(expected.firing.value_or(0)),
      &reasons);
  AddUnless(!expected.resolved || *expected.resolved == resolved,
            "resolved: " + std::to_string(resolved) + ", not " +
                std::to_string(expected.resolved.value_or(0)),
            &reasons);
  const auto bears = [&](const NoticeMember& member) {
    Reasons none;
    CompareLabels(expected.labels, member.labels, &none);
    return none.empty();
  };
  AddUnless(
      expected.labels.empty() || std::any_of(notice.members.begin(), notice.members.end(), bears),
      "labels: it names no alert with " + YamlLabels(expected.labels), &reasons);
  for (const std::string& part : expected.text) {
    AddUnless(notice.text.find(part) != std::string::npos,
              "text: " + YamlText(part) + " does not stand in " + YamlText(notice.text), &reasons);
  }
  return reasons;
}

/// Gives as many expectations as possible something that fits them: for each one the index of what
/// serves it.
class Matching {
 public:
  using Fits = std::function<bool(std::size_t expected, std::size_t came)>;
  Matching(std::size_t expected, std::size_t came, const Fits& fits)
      : came_of_(expected), expected_of_(came) {
    for (std::size_t i = 0; i < expected; ++i) {
      std::vector<std::size_t>& edges = edges_.emplace_back();
      for (std::size_t j = 0; j < came; ++j) {
        if (fits(i, j)) edges.push_back(j);
      }
    }
    for (std::size_t i = 0; i < expected; ++i) {
      visited_.assign(came, false);
      Augment(i);
    }
  }
  [[nodiscard]] const std::vector<std::optional<std::size_t>>& came_of() const { return came_of_; }
  [[nodiscard]] const std::vector<std::optional<std::size_t>>& expected_of() const {
    return expected_of_;
  }

 private:
  /// Depth is bounded by kScenarioExpectedMax.
  bool Augment(std::size_t expected) {
    for (const std::size_t came : edges_[expected]) {
      if (visited_[came]) continue;
      visited_[came] = true;
      if (expected_of_[came] && !Augment(*expected_of_[came])) continue;
      came_of_[expected] = came;
      expected_of_[came] = expected;
      return true;
    }
    return false;
  }

  std::vector<std::vector<std::size_t>> edges_;
  std::vector<std::optional<std::size_t>> came_of_, expected_of_;
  std::vector<bool> visited_;
};

/// One kind of thing (transitions, notices) compared: what is expected with what came of it.
template <typename Expected, typename Came>
class Side {
 public:
  using Related = std::function<bool(const Expected&, const Came&)>;
  using Show = std::function<std::string(const Came&)>;
  Side(const std::vector<Expected>& expected, std::vector<const Came*> came, Time start,
       Related related, Show show)
      : expected_(expected),
        came_(std::move(came)),
        start_(start),
        related_(std::move(related)),
        show_(std::move(show)),
        matching_(expected_.size(), came_.size(), [this](std::size_t i, std::size_t j) {
          return related_(expected_[i], *came_[j]) &&
                 Differ(expected_[i], *came_[j], start_).empty();
        }) {}

  /// `why` says why nothing came of an expectation.
  void Compare(const std::string& scenario_place,
               const std::function<std::string(const Expected&)>& why,
               std::vector<ScenarioDifference>* differences) {
    std::vector<bool> told(came_.size());
    for (std::size_t i = 0; i < expected_.size(); ++i) {
      if (matching_.came_of()[i]) continue;
      ScenarioDifference& difference = differences->emplace_back();
      difference.place = expected_[i].place;
      difference.expected = ExpectedText(expected_[i]);
      if (const std::optional<std::size_t> near = Nearest(i, told)) {
        told[*near] = true;
        difference.kind = Kind::kOther;
        difference.came = show_(*came_[*near]);
        difference.reasons = Differ(expected_[i], *came_[*near], start_);
      } else {
        difference.reasons = {why(expected_[i])};
      }
    }
    std::size_t left = 0;
    for (std::size_t j = 0; j < came_.size(); ++j) {
      if (matching_.expected_of()[j] || told[j] || ++left > kToldMax) continue;
      differences->push_back({Kind::kUnexpected, scenario_place, "", show_(*came_[j]), {}});
    }
    if (left > kToldMax) {
      differences->back().reasons = {"and " + std::to_string(left - kToldMax) +
                                     " more that nobody expected"};
    }
  }

 private:
  /// What nobody expected and is most like it: the fewest differences, then the nearest in time.
  [[nodiscard]] std::optional<std::size_t> Nearest(std::size_t expected,
                                                   const std::vector<bool>& told) const {
    std::optional<std::size_t> nearest;
    std::pair<std::size_t, Duration> best;
    for (std::size_t j = 0; j < came_.size(); ++j) {
      if (matching_.expected_of()[j] || told[j] || !related_(expected_[expected], *came_[j]))
        continue;
      const Duration distance =
          std::chrono::abs(came_[j]->at - start_ - expected_[expected].at.from);
      const std::pair score(Differ(expected_[expected], *came_[j], start_).size(), distance);
      if (nearest && best <= score) continue;
      nearest = j;
      best = score;
    }
    return nearest;
  }

  const std::vector<Expected>& expected_;
  std::vector<const Came*> came_;
  Time start_;
  Related related_;
  Show show_;
  Matching matching_;
};

/// The steps that the scenario's expectations speak of.
std::vector<const AlertTransition*> Spoken(const Scenario& scenario, const ScenarioRun& run) {
  std::set<std::string_view> rules, with_pending;
  for (const ExpectedTransition& expected : scenario.transitions) {
    rules.insert(expected.rule);
    if (expected.to == AlertState::kPending || expected.to == AlertState::kInactive)
      with_pending.insert(expected.rule);
  }
  const std::set<std::string_view> never(scenario.never.begin(), scenario.never.end());
  std::vector<const AlertTransition*> spoken;
  for (const AlertTransition& step : run.transitions) {
    const bool fires = step.to == AlertState::kFiring;
    const bool counts =
        rules.contains(step.rule)
            ? fires || step.to == AlertState::kResolved || with_pending.contains(step.rule)
            : fires && (scenario.others_never || never.contains(step.rule));
    if (counts) spoken.push_back(&step);
  }
  return spoken;
}

std::vector<const ScenarioNotice*> SpokenNotices(const Scenario& scenario, const ScenarioRun& run) {
  std::set<std::string_view> receivers(scenario.quiet.begin(), scenario.quiet.end());
  for (const ExpectedNotice& expected : scenario.notices) receivers.insert(expected.receiver);
  std::vector<const ScenarioNotice*> spoken;
  for (const ScenarioNotice& notice : run.notices) {
    if (receivers.contains(notice.receiver)) spoken.push_back(&notice);
  }
  return spoken;
}

/// Why nothing like an expected step came.
std::string WhyNoStep(const ExpectedTransition& expected, const ScenarioRun& run) {
  if (std::find(run.silent.begin(), run.silent.end(), expected.rule) != run.silent.end()) {
    return "no event counted for " + expected.rule +
           ": its `where` and its measures fit none of them";
  }
  const bool moved =
      std::any_of(run.transitions.begin(), run.transitions.end(),
                  [&](const AlertTransition& step) { return step.rule == expected.rule; });
  return moved ? "every other step of " + expected.rule + " is expected elsewhere"
               : expected.rule + " counted events and did not move";
}

std::string WhyNoNotice(const ExpectedNotice& expected, const ScenarioRun& run) {
  std::set<std::string> told;
  for (const ScenarioNotice& notice : run.notices) told.insert(notice.receiver);
  if (told.contains(expected.receiver))
    return "every other notice to " + expected.receiver + " is expected elsewhere";
  std::string others;
  for (const std::string& receiver : told) others += (others.empty() ? "" : ", ") + receiver;
  return expected.receiver + " was told nothing" +
         (others.empty() ? ", and nor was anybody else" : "; told were " + others);
}

}  // namespace

std::string_view Name(ScenarioDifference::Kind kind) {
  switch (kind) {
    case Kind::kMissing:
      return "missing";
    case Kind::kOther:
      return "other";
    case Kind::kUnexpected:
      return "unexpected";
    case Kind::kRefused:
      return "refused";
  }
  return "";
}

std::vector<ScenarioDifference> CompareScenario(const Scenario& scenario, const ScenarioRun& run) {
  std::vector<ScenarioDifference> differences;
  for (const auto& [place, why] : run.refused)
    differences.push_back({Kind::kRefused, place, "", "", {why}});
  Side<ExpectedTransition, AlertTransition>(
      scenario.transitions, Spoken(scenario, run), run.start,
      [](const ExpectedTransition& expected, const AlertTransition& step) {
        return expected.rule == step.rule;
      },
      [&](const AlertTransition& step) { return TransitionText(step, run.start); })
      .Compare(
          scenario.place, [&](const auto& expected) { return WhyNoStep(expected, run); },
          &differences);
  Side<ExpectedNotice, ScenarioNotice>(
      scenario.notices, SpokenNotices(scenario, run), run.start,
      [](const ExpectedNotice& expected, const ScenarioNotice& notice) {
        return expected.receiver == notice.receiver;
      },
      [&](const ScenarioNotice& notice) { return NoticeText(notice, run.start); })
      .Compare(
          scenario.place, [&](const auto& expected) { return WhyNoNotice(expected, run); },
          &differences);
  return differences;
}

}  // namespace barograph::rules
