#include <algorithm>
#include <array>
#include <set>

#include "rules/spec/annotation_template.h"
#include "rules/spec/route_check.h"
#include "rules/spec/rule_checks.h"
#include "rules/spec/rule_spec.h"

namespace barograph::rules {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr std::int64_t kBillion = 1'000'000'000;
constexpr std::size_t kRuleNameBytesMax = 63;
constexpr Duration kPeriodMin = days(1);
constexpr Duration kPeriodMax = days(35);
constexpr Duration kForMax = days(35);
/// Labels that every alert carries: a rule may not set them, and cells may not be named by them.
constexpr std::array<std::string_view, 5> kAlertLabels = {"alertname", "policy", "rule", "severity",
                                                          kShadowLabel};

bool IsAlertLabel(std::string_view name) {
  return std::find(kAlertLabels.begin(), kAlertLabels.end(), name) != kAlertLabels.end();
}

std::string Percent(Int128 parts_per_billion) {
  return FormatDecimal(parts_per_billion * 100, 9) + " %";
}

std::string Quoted(std::string_view text) { return "'" + std::string(text) + "'"; }

/// An exact fraction with four decimals, for messages only.
std::string Decimals(const ExactRatio& ratio) {
  return FormatDecimal(DivideHalfEven(ratio.numerator * 10'000, ratio.denominator), 4);
}

/// Number of single-character edits between two names (Levenshtein 1966), to offer the nearest one.
std::size_t EditDistance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({replaced, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row[b.size()];
}

template <typename Names>
std::string DidYouMean(std::string_view name, const Names& names) {
  std::string_view best;
  std::size_t best_distance = name.size() / 3 + 2;
  for (const std::string_view candidate : names) {
    const std::size_t distance = EditDistance(name, candidate);
    if (distance < best_distance) {
      best = candidate;
      best_distance = distance;
    }
  }
  return best.empty() ? "" : "; did you mean " + Quoted(best) + "?";
}

std::string NearestTemplateName(const std::string& unknown, const std::vector<std::string>& known) {
  constexpr std::string_view kLabels = "labels.";
  if (unknown.empty()) return "";
  // `{{agent}}` is nearly always meant as the label.
  const std::string label = std::string(kLabels) + unknown;
  if (std::find(known.begin(), known.end(), label) != known.end()) {
    return "; did you mean " + Quoted(label) + "?";
  }
  if (!unknown.starts_with(kLabels)) return DidYouMean(unknown, known);
  // Only what follows the prefix tells labels apart.
  std::vector<std::string_view> labels;
  for (const std::string_view name : known) {
    if (name.starts_with(kLabels)) labels.push_back(name.substr(kLabels.size()));
  }
  return DidYouMean(std::string_view(unknown).substr(kLabels.size()), labels);
}

class Validator final : public RuleChecks {
 public:
  explicit Validator(const RuleSet& rules) : rules_(rules) {}

  std::vector<SpecError> Run() {
    RuleCount();
    for (std::size_t i = 0; i < rules_.labels.size(); ++i)
      Label(Item("labels", i), rules_.labels[i]);
    for (std::size_t i = 0; i < rules_.series.size(); ++i)
      Series(Item("series", i), rules_.series[i]);
    for (std::size_t i = 0; i < rules_.slos.size(); ++i) Slo(Item("slos", i), rules_.slos[i]);
    for (std::size_t i = 0; i < rules_.budgets.size(); ++i)
      CheckBudget(Item("budgets", i), rules_.budgets[i], this);
    for (std::size_t i = 0; i < rules_.goals.size(); ++i)
      CheckGoal(Item("goals", i), rules_.goals[i], this);
    Thresholds();
    RulesOfEvents();
    Receivers();
    Routes();
    return std::move(errors_);
  }

 private:
  static std::string Item(std::string_view list, std::size_t i) {
    return std::string(list) + "[" + std::to_string(i) + "]";
  }
  void Report(std::string path, std::string message) override {
    errors_.push_back({std::move(path), std::move(message)});
  }

  void RuleCount() {
    const std::pair<const char*, std::size_t> kinds[] = {
        {"slos", rules_.slos.size()},         {"thresholds", rules_.thresholds.size()},
        {"budgets", rules_.budgets.size()},   {"goals", rules_.goals.size()},
        {"absences", rules_.absences.size()}, {"expects", rules_.expects.size()},
        {"notices", rules_.notices.size()}};
    std::size_t count = 0;
    for (const auto& [list, size] : kinds) count += size;
    if (count <= kRulesMax) return;
    const auto* const most = std::max_element(
        std::begin(kinds), std::end(kinds),
        [](const auto& left, const auto& right) { return left.second < right.second; });
    Report(most->first,
           std::to_string(count) + " rules of all kinds; at most " + std::to_string(kRulesMax));
  }

  void Thresholds() {
    if (rules_.derived.size() > kDerivedMax) {
      Report("derived", std::to_string(rules_.derived.size()) + " derived measures; at most " +
                            std::to_string(kDerivedMax));
    }
    for (std::size_t i = 0; i < rules_.derived.size(); ++i)
      CheckDerived(Item("derived", i), i, rules_, this);
    for (std::size_t i = 0; i < rules_.thresholds.size(); ++i)
      CheckThreshold(Item("thresholds", i), rules_.thresholds[i], rules_, this);
  }

  void RulesOfEvents() {
    for (std::size_t i = 0; i < rules_.absences.size(); ++i)
      CheckAbsence(Item("absences", i), rules_.absences[i], this);
    for (std::size_t i = 0; i < rules_.expects.size(); ++i)
      CheckExpectation(Item("expects", i), rules_.expects[i], this);
    for (std::size_t i = 0; i < rules_.notices.size(); ++i)
      CheckNotice(Item("notices", i), rules_.notices[i], this);
  }
  std::string Nearest(const std::string& name,
                      const std::vector<std::string_view>& names) const override {
    return DidYouMean(name, names);
  }

  void Label(const std::string& path, const std::string& label) {
    if (label.empty() || label.size() > kLabelBytesMax) {
      Report(path, "a label's name has 1 to " + std::to_string(kLabelBytesMax) + " bytes");
    } else if (FindDimension(label)) {
      Report(path, Quoted(label) + " is a dimension already and needs no mention here");
    }
  }

  void DimensionName(const std::string& path, const std::string& name) {
    if (FindDimension(name)) return;
    const std::vector<std::string>& labels = rules_.labels;
    if (std::find(labels.begin(), labels.end(), name) != labels.end()) return;
    std::vector<std::string_view> known(labels.begin(), labels.end());
    for (int i = 0; i < static_cast<int>(Dimension::kCount); ++i) {
      known.push_back(Name(static_cast<Dimension>(i)));
    }
    Report(path,
           Quoted(name) +
               " is neither a dimension nor among `labels`; add it there, or use a dimension" +
               DidYouMean(name, known));
  }

  void By(const std::string& path, const std::vector<std::string>& by) {
    std::set<std::string_view> seen;
    for (std::size_t i = 0; i < by.size(); ++i) {
      DimensionName(Item(path, i), by[i]);
      if (!seen.insert(by[i]).second)
        Report(Item(path, i), Quoted(by[i]) + " stands here twice; once is enough");
    }
  }

  void Where(const std::string& path, const std::vector<Projection::Filter>& where) override {
    std::set<std::string_view> seen;
    for (const Projection::Filter& filter : where) {
      const std::string place = path + "." + filter.dimension;
      DimensionName(place, filter.dimension);
      if (filter.any_of.empty()) Report(place, "no value; name at least one");
      if (!seen.insert(filter.dimension).second) {
        Report(place, "stands here twice; write all values as one list");
      }
    }
  }

  void Series(const std::string& path, const Projection& series) {
    By(path + ".by", series.by);
    Where(path + ".where", series.where);
  }

  void RuleName(const std::string& path, const std::string& name) {
    const auto first = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
    const auto other = [&](char c) { return first(c) || c == '_' || c == '-'; };
    if (name.empty() || name.size() > kRuleNameBytesMax || !first(name[0]) ||
        !std::all_of(name.begin(), name.end(), other)) {
      Report(path, Quoted(name) +
                       " is no rule name: 1 to 63 of a-z, 0-9, '-' and '_', beginning with a "
                       "letter or digit");
    } else if (!names_.insert(name).second) {
      Report(path, Quoted(name) + " names two rules; names are unique, because alerts carry them");
    }
  }

  void Span(const std::string& path, Duration span, Duration max) override {
    if (span < Duration{0} || span > max) {
      Report(path, FormatDuration(span) + " is outside 0s to " + FormatDuration(max));
    } else if (span % seconds(1) != Duration{0}) {
      Report(path,
             FormatDuration(span) + " is no whole number of seconds; timers end on whole seconds");
    }
  }

  /// What templates may name: the rule's alerts bear its own labels, those of `by`, and those of
  /// every alert.
  void Annotations(const std::string& path, const RuleCommon& rule) {
    std::vector<std::string> known(std::begin(kTemplateNames), std::end(kTemplateNames));
    for (const std::string& name : rule.by) known.push_back("labels." + name);
    for (const auto& [name, value] : rule.labels) known.push_back("labels." + name);
    for (const std::string_view name : kAlertLabels) known.push_back("labels." + std::string(name));
    for (std::string& name : EventTemplateNames()) known.push_back(std::move(name));
    for (const auto& [name, text] : rule.annotations) {
      for (const TemplateMistake& mistake : CheckTemplate(text, known)) {
        Report(path + "." + name, mistake.message + NearestTemplateName(mistake.unknown, known));
      }
    }
  }

  void Common(const std::string& path, const RuleCommon& rule) override {
    RuleName(path + ".name", rule.name);
    Where(path + ".where", rule.where);
    By(path + ".by", rule.by);
    for (std::size_t i = 0; i < rule.by.size(); ++i) {
      if (!IsAlertLabel(rule.by[i])) continue;
      Report(Item(path + ".by", i), Quoted(rule.by[i]) +
                                        " is a label of every alert and cannot divide a rule; "
                                        "write one rule for each value with `where`");
    }
    for (const auto& [name, value] : rule.labels) {
      const std::string place = path + ".labels." + name;
      if (IsAlertLabel(name))
        Report(place, "every alert carries this label itself; choose another name");
      if (std::find(rule.by.begin(), rule.by.end(), name) != rule.by.end()) {
        Report(place, "`by` gives this label its value; choose another name");
      }
      if (value.empty()) Report(place, "empty value; leave the label out");
    }
    Annotations(path + ".annotations", rule);
    Span(path + ".for", rule.for_duration, kForMax);
    Span(path + ".keep_firing_for", rule.keep_firing_for, kForMax);
    if (rule.active_from >= rule.active_to)
      Report(path + ".active", "ends before it begins: the rule could never fire");
  }

  bool Measure(const std::string& path, const std::string& name,
               std::optional<MeasureTraits>* traits) override {
    *traits = FindMeasure(name);
    if (*traits) return true;
    std::vector<std::string_view> names = FixedMeasures();
    for (const DerivedSpec& derived : rules_.derived) names.push_back(derived.name);
    Report(path, Quoted(name) + " is no measure" + DidYouMean(name, names));
    return false;
  }

  void Counter(const std::string& path, const Indicator& indicator) {
    std::optional<MeasureTraits> traits;
    if (!Measure(path, indicator.measure, &traits)) return;
    if (indicator.at_most_nanos) {
      if (traits->type != MeasureType::kDistribution) {
        Report(path, "`at_most` counts values of a distribution; " + Quoted(indicator.measure) +
                         " is none, so leave `at_most` out");
      } else if (traits->unit == MeasureUnit::kMoney) {
        Report(path, "`at_most` compares plain numbers and " + Quoted(indicator.measure) +
                         " is money of several currencies; use a distribution of time or scores");
      } else if (*indicator.at_most_nanos < 0) {
        Report(path + ".at_most", "a negative bound counts nothing; write one that is at least 0");
      }
    } else if (traits->type == MeasureType::kDistribution) {
      Report(path, Quoted(indicator.measure) +
                       " is a distribution; say which values count, e.g. {measure: " +
                       indicator.measure + ", at_most: 300ms}");
    } else if (traits->type != MeasureType::kSum || traits->unit != MeasureUnit::kCount) {
      Report(path, Quoted(indicator.measure) +
                       " does not count events; an SLO compares two counts, e.g. tasks.completed "
                       "of tasks.finished");
    }
  }

  void Slices(const std::string& path, const SloSpec& slo) {
    const TimeSlice& slice = *slo.slice;
    if (!slo.good.measure.empty() || !slo.total.measure.empty()) {
      Report(path + ".good_when",
             "stands beside `good` and `total`; an SLO counts either events or time slices");
    }
    std::optional<MeasureTraits> traits;
    if (Measure(path + ".good_when.rate", slice.measure, &traits) &&
        (traits->type != MeasureType::kSum || traits->unit == MeasureUnit::kMoney)) {
      Report(path + ".good_when.rate",
             Quoted(slice.measure) +
                 " has no rate of one unit; use a sum that counts, e.g. tasks.finished");
    }
    if (slice.per < seconds(1) || slice.per > hours(24)) {
      Report(path + ".good_when.per", FormatDuration(slice.per) + " is outside 1s to 1d");
    }
    if (!(slice.bound >= 0) || slice.bound > 1e9) {
      Report(path + ".good_when", "the bound must be a number from 0 to 1e9");
    }
    if (slice.slice < minutes(1) || slice.slice > hours(1) ||
        slice.slice % minutes(1) != Duration{0}) {
      Report(path + ".slice",
             FormatDuration(slice.slice) + " is no slice; write a multiple of 1m up to 1h");
    }
  }

  void Row(const std::string& path, const SloSpec& slo, const BurnRow& row) {
    const auto window = [&](std::string_view key, Duration length) {
      if (const Status status = WindowStore::ValidateWindow(length); !status.ok()) {
        Report(path + "." + std::string(key), status.error().message());
        return false;
      }
      // A slice of nothing has been reported where it stands.
      const bool sliced = slo.slice && slo.slice->slice > Duration{0};
      if (sliced && length % slo.slice->slice != Duration{0}) {
        Report(path + "." + std::string(key), FormatDuration(length) +
                                                  " is no multiple of the slice of " +
                                                  FormatDuration(slo.slice->slice));
      }
      return true;
    };
    bool usable = window("long", row.long_window);
    usable = window("short", row.short_window) && usable;
    if (row.short_window >= row.long_window) {
      Report(path + ".short",
             FormatDuration(row.short_window) + " is not shorter than the long window of " +
                 FormatDuration(row.long_window) + "; the workbook takes a twelfth");
    }
    if (row.long_window > slo.period) {
      Report(path + ".long", FormatDuration(row.long_window) + " is longer than the period of " +
                                 FormatDuration(slo.period));
    }
    const std::int64_t budget = PartsPerBillion(row.budget);
    if (!(row.budget > 0) || row.budget > 1 || budget == 0) {
      Report(path + ".budget", "the share of the error budget must be above 0 % and at most 100 %");
    } else if (usable && slo.period >= kPeriodMin) {
      CanFire(path, slo, row);
    }
  }

  void CanFire(const std::string& path, const SloSpec& slo, const BurnRow& row) {
    const ExactRatio tolerated = ToleratedShare(slo, row);
    if (tolerated.numerator < tolerated.denominator) return;
    const Int128 allowed = kBillion - slo.objective_ppb;
    const ExactRatio factor = {Int128{PartsPerBillion(row.budget)} * (slo.period / seconds(1)),
                               Int128{kBillion} * (row.long_window / seconds(1))};
    // Largest budget that leaves a bad share below 100 %: long / (period x (1 - objective)).
    const Int128 most =
        Int128{kBillion} * kBillion * row.long_window.count() / (allowed * slo.period.count());
    Report(path, "the row " + FormatDuration(row.long_window) + "/" +
                     FormatDuration(row.short_window) + " can never fire: factor " +
                     Decimals(factor) + " x allowed " + Percent(allowed) + " = " +
                     Decimals(tolerated) +
                     ", and no share of bad events exceeds 1; use a budget below " +
                     Percent(std::min<Int128>(most, kBillion)) +
                     ", a longer `long`, or an objective nearer to 100 %");
  }

  void Slo(const std::string& path, const SloSpec& slo) {
    Common(path, slo.common);
    if (slo.slice) {
      Slices(path, slo);
    } else {
      Counter(path + ".good", slo.good);
      Counter(path + ".total", slo.total);
      if (slo.good == slo.total) {
        Report(path + ".good",
               "is the same counter as `total`, so nothing is ever bad; count the good ones only");
      }
    }
    const bool objective = slo.objective_ppb > 0 && slo.objective_ppb <= kBillion;
    if (!objective) Report(path + ".objective", "must be above 0 % and at most 100 %, e.g. 99%");
    if (slo.period < kPeriodMin || slo.period > kPeriodMax) {
      Report(path + ".period", FormatDuration(slo.period) + " is outside 1d to 35d");
    } else if (const Status status = WindowStore::ValidateWindow(slo.period); !status.ok()) {
      Report(path + ".period", status.error().message());
    }
    if (objective) Policy(path, slo);
    for (std::size_t i = 0; objective && i < slo.burn.size(); ++i) {
      if (slo.objective_ppb < kBillion) Row(Item(path + ".burn", i), slo, slo.burn[i]);
    }
  }

  void Policy(const std::string& path, const SloSpec& slo) {
    const bool has_budget = slo.objective_ppb < kBillion;
    if (has_budget && slo.burn.empty()) {
      Report(path + ".burn",
             "has no row, so it never fires; leave `burn` out for the workbook's four rows");
    }
    if (slo.burn.size() > kBurnRowsMax) {
      Report(path + ".burn",
             std::to_string(slo.burn.size()) + " rows; at most " + std::to_string(kBurnRowsMax));
    }
    if (!has_budget && !slo.burn.empty()) {
      Report(path + ".burn",
             "an objective of 100 % has no error budget to burn: its first bad event fires; "
             "leave `burn` out or lower the objective");
    }
    if (!slo.freeze_below) return;
    const std::string place = path + ".budget_policy.freeze_below";
    if (!has_budget) {
      Report(
          place,
          "an objective of 100 % has no error budget; leave the policy out or lower the objective");
    } else if (!(*slo.freeze_below > 0) || *slo.freeze_below >= 1) {
      Report(place, "must be above 0 % and below 100 % of the budget, e.g. 10%");
    }
  }

  void Receivers() {
    for (const ReceiverSpec& receiver : rules_.receivers) receivers_.insert(receiver.name);
    for (SpecError& error : ValidateReceivers(rules_.receivers))
      errors_.push_back(std::move(error));
    for (std::size_t i = 0; i < rules_.allow_private.size(); ++i) {
      std::string mistake = NetworkMistake(rules_.allow_private[i]);
      if (!mistake.empty()) Report(Item("allow_private", i), std::move(mistake));
    }
  }

  void Routes() {
    const auto nearest = [](std::string_view name, const std::set<std::string>& known) {
      return DidYouMean(name, known);
    };
    for (SpecError& error : CheckRouting(rules_, nearest)) errors_.push_back(std::move(error));
  }

  const RuleSet& rules_;
  std::set<std::string> names_;
  std::set<std::string> receivers_;
  std::vector<SpecError> errors_;
};

}  // namespace

std::vector<SpecError> Validate(const RuleSet& rules) { return Validator(rules).Run(); }

}  // namespace barograph::rules
