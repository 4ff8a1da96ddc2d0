#include "rules/spec/route_check.h"

#include <algorithm>
#include <utility>

namespace barograph::rules {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr Duration kSpanMax = days(35);
constexpr std::int32_t kMinutesOfDay = 24 * 60;

std::string Quoted(std::string_view text) { return "'" + std::string(text) + "'"; }

std::string Item(std::string_view list, std::size_t i) {
  return std::string(list) + "[" + std::to_string(i) + "]";
}

class RoutingCheck {
 public:
  RoutingCheck(const RuleSet& rules, const NearestName& nearest)
      : rules_(rules), nearest_(nearest) {
    for (const ReceiverSpec& receiver : rules.receivers) receivers_.insert(receiver.name);
  }

  std::vector<SpecError> Run() {
    MuteTimes();
    Escalations();
    Root();
    Inhibitions();
    Flapping();
    return std::move(errors_);
  }

 private:
  void Report(std::string path, std::string message) {
    errors_.push_back({std::move(path), std::move(message)});
  }

  void Span(const std::string& path, Duration span, Duration min, Duration max) {
    if (span < min || span > max) {
      Report(path, FormatDuration(span) + " is outside " + FormatDuration(min) + " to " +
                       FormatDuration(max));
    } else if (span % seconds(1) != Duration{0}) {
      Report(path,
             FormatDuration(span) + " is no whole number of seconds; timers end on whole seconds");
    }
  }

  void Receiver(const std::string& path, const std::string& name) {
    if (receivers_.contains(name)) return;
    Report(path, Quoted(name) + " is not among `receivers`" + nearest_(name, receivers_));
  }

  void Matchers(const std::string& path, const std::vector<LabelMatcher>& matchers) {
    if (matchers.size() > kMatchersMax) {
      Report(path, std::to_string(matchers.size()) + " matchers; at most " +
                       std::to_string(kMatchersMax));
    }
    for (const LabelMatcher& matcher : matchers) {
      if (const Status checked = CheckMatcher(matcher); !checked.ok())
        Report(path, checked.error().message());
    }
  }

  void Root() {
    const RouteSpec& root = rules_.route;
    if (root.receiver.empty()) {
      if (!rules_.receivers.empty()) {
        Report("routes.receiver", "is missing, so no receiver is ever told; name one, e.g. " +
                                      Quoted(rules_.receivers.front().name));
      }
      return;
    }
    if (!root.match.empty()) {
      Report("routes.match", "the root takes every alert; write matchers at `children`");
    }
    if (root.proceeds) Report("routes.continue", "the root has no siblings; leave it out");
    if (!root.mute_times.empty()) {
      Report("routes.mute_times",
             "the root may not fall silent, because what no child wants would be lost; write a "
             "child");
    }
    Node("routes", root, 1);
    if (nodes_ > kRoutesMax) {
      Report("routes", std::to_string(nodes_) + " routes; at most " + std::to_string(kRoutesMax));
    }
  }

  void Node(const std::string& path, const RouteSpec& route, std::size_t depth) {
    ++nodes_;
    Receiver(path + ".receiver", route.receiver);
    Grouping(path, route);
    for (std::size_t i = 0; i < route.mute_times.size(); ++i) {
      const std::string& name = route.mute_times[i];
      if (mute_times_.contains(name)) continue;
      Report(Item(path + ".mute_times", i),
             Quoted(name) + " is not among `mute_times`" + nearest_(name, mute_times_));
    }
    if (!route.escalation.empty() && !escalations_.contains(route.escalation)) {
      Report(path + ".escalation", Quoted(route.escalation) + " is not among `escalations`" +
                                       nearest_(route.escalation, escalations_));
    }
    if (depth == kRouteDepthMax && !route.children.empty()) {
      Report(path + ".children",
             "the tree is deeper than " + std::to_string(kRouteDepthMax) + " levels");
      return;
    }
    Children(path + ".children", route.children, depth);
  }

  void Grouping(const std::string& path, const RouteSpec& route) {
    std::set<std::string_view> seen;
    for (std::size_t i = 0; i < route.group_by.size(); ++i) {
      const std::string& name = route.group_by[i];
      if (name.empty()) Report(Item(path + ".group_by", i), "is empty; name a label of alerts");
      if (!seen.insert(name).second)
        Report(Item(path + ".group_by", i), Quoted(name) + " stands here twice");
    }
    Span(path + ".group_wait", route.group_wait, Duration(0), hours(24));
    Span(path + ".group_interval", route.group_interval, Duration(0), days(7));
    Span(path + ".repeat_interval", route.repeat_interval, Duration(0), kSpanMax);
    if (route.repeat_interval < minutes(1)) {
      Report(path + ".repeat_interval", FormatDuration(route.repeat_interval) + " is below 1m");
    }
  }

  /// A child behind one that takes every alert that it would take is never asked.
  void Children(const std::string& path, const std::vector<RouteSpec>& children,
                std::size_t depth) {
    for (std::size_t i = 0; i < children.size(); ++i) {
      const RouteSpec& child = children[i];
      Matchers(Item(path, i) + ".match", child.match);
      for (std::size_t before = 0; before < i; ++before) {
        const RouteSpec& other = children[before];
        if (other.proceeds || !Covers(other.match, child.match)) continue;
        Report(Item(path, i),
               "no alert can reach this route: " + Item(path, before) + " " +
                   MatchersText(other.match) +
                   " takes them all; put it first, or let that one `continue: true`");
        break;
      }
      Node(Item(path, i), child, depth + 1);
    }
  }

  /// Whether the wider matchers are all among the narrower ones, which so fit no other alerts.
  static bool Covers(const std::vector<LabelMatcher>& wide,
                     const std::vector<LabelMatcher>& narrow) {
    return std::all_of(wide.begin(), wide.end(), [&](const LabelMatcher& matcher) {
      return std::find(narrow.begin(), narrow.end(), matcher) != narrow.end();
    });
  }

  void Inhibitions() {
    if (rules_.inhibitions.size() > kInhibitionsMax) {
      Report("inhibitions", std::to_string(rules_.inhibitions.size()) + " rows; at most " +
                                std::to_string(kInhibitionsMax));
    }
    for (std::size_t i = 0; i < rules_.inhibitions.size(); ++i) {
      const InhibitionSpec& inhibition = rules_.inhibitions[i];
      const std::string path = Item("inhibitions", i);
      for (const auto& [key, matchers] :
           {std::pair("source", &inhibition.source), std::pair("target", &inhibition.target)}) {
        Matchers(path + "." + key, *matchers);
        if (matchers->empty() || MatchesNothingNamed(*matchers)) {
          Report(path + "." + key, "fits every alert; name a label, e.g. {severity: critical}");
        }
      }
      if (!inhibition.source.empty() && inhibition.source == inhibition.target) {
        Report(path + ".target",
               "is what `source` is, and an alert that fits both is never held back");
      }
    }
  }

  void MuteTimes() {
    if (rules_.mute_times.size() > kMuteTimesMax) {
      Report("mute_times", std::to_string(rules_.mute_times.size()) + " rows; at most " +
                               std::to_string(kMuteTimesMax));
    }
    for (std::size_t i = 0; i < rules_.mute_times.size(); ++i) {
      const MuteTimeSpec& mute = rules_.mute_times[i];
      const std::string path = Item("mute_times", i);
      Named(path, mute.name, &mute_times_);
      if (mute.weekdays == 0 || mute.weekdays > 0x7F) {
        Report(path + ".days", "names no day, so it never begins; write e.g. [mon-fri]");
      }
      if (mute.from_minute < 0 || mute.from_minute >= kMinutesOfDay || mute.to_minute <= 0 ||
          mute.to_minute > kMinutesOfDay) {
        Report(path + ".from", "the hours lie outside 00:00 to 24:00");
      } else if (mute.weekdays == 0x7F && (mute.to_minute - mute.from_minute == kMinutesOfDay ||
                                           mute.to_minute == mute.from_minute)) {
        Report(path, "never ends, so nothing would ever be told; name days or hours");
      }
    }
  }

  void Escalations() {
    if (rules_.escalations.size() > kEscalationsMax) {
      Report("escalations", std::to_string(rules_.escalations.size()) + " rows; at most " +
                                std::to_string(kEscalationsMax));
    }
    for (std::size_t i = 0; i < rules_.escalations.size(); ++i) {
      const EscalationSpec& escalation = rules_.escalations[i];
      const std::string path = Item("escalations", i);
      Named(path, escalation.name, &escalations_);
      if (escalation.steps.empty() || escalation.steps.size() > kEscalationStepsMax) {
        Report(path + ".steps", "has 1 to " + std::to_string(kEscalationStepsMax) +
                                    " steps, e.g. [{after: 15m, receiver: lead}]");
      }
      for (std::size_t step = 0; step < escalation.steps.size(); ++step) {
        const std::string place = Item(path + ".steps", step);
        Receiver(place + ".receiver", escalation.steps[step].receiver);
        Span(place + ".after", escalation.steps[step].after, seconds(1), kSpanMax);
        if (step > 0 && escalation.steps[step].after <= escalation.steps[step - 1].after) {
          Report(place + ".after", "is not later than the step before it");
        }
      }
    }
  }

  void Named(const std::string& path, const std::string& name, std::set<std::string>* names) {
    if (name.empty() || name.size() > kNameBytesMax) {
      Report(path + ".name", "a name has 1 to " + std::to_string(kNameBytesMax) + " bytes");
    } else if (!names->insert(name).second) {
      Report(path + ".name", Quoted(name) + " names two of them; names are unique");
    }
  }

  void Flapping() {
    const FlapSpec& flapping = rules_.flapping;
    if (flapping.fires == 0) return;
    if (flapping.fires < 2 || flapping.fires > kFlapFiresMax) {
      Report("flapping.fires", std::to_string(flapping.fires) + " is outside 2 to " +
                                   std::to_string(kFlapFiresMax) + "; 0 turns flap control off");
    }
    Span("flapping.within", flapping.within, minutes(1), hours(24));
    Span("flapping.settled_after", flapping.settled_after, minutes(1), hours(24));
  }

  const RuleSet& rules_;
  const NearestName& nearest_;
  std::set<std::string> receivers_, mute_times_, escalations_;
  std::size_t nodes_ = 0;
  std::vector<SpecError> errors_;
};

}  // namespace

std::vector<SpecError> CheckRouting(const RuleSet& rules, const NearestName& nearest) {
  return RoutingCheck(rules, nearest).Run();
}

}  // namespace barograph::rules
