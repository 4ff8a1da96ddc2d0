#include <algorithm>
#include <charconv>
#include <type_traits>

#include "rules/spec/rule_spec.h"

// The text of a rule set: a first line with the version, then one `key=value` line a field in the
// order of the structs. Strings are `bytes:text`, lists a count and then their elements, spans of
// time integers of nanoseconds, doubles their shortest exact text. Walk() names each field once for
// both directions, so that encoder and decoder cannot drift apart. A field that came later stands
// only when it is not at its default: older logs are read, and their rules keep their hash.

namespace barograph::rules {
namespace {

constexpr std::string_view kFirstLine = "barograph-rules 1\n";

class Writer {
 public:
  explicit Writer(std::string* out) : out_(out) {}
  static constexpr bool kReads = false;

  void Key(std::string_view key) { out_->append(key).push_back('='); }
  void Value(std::string& value) {
    out_->append(std::to_string(value.size())).push_back(':');
    out_->append(value).push_back('\n');
  }
  template <typename T>
  requires std::is_arithmetic_v<T>
  void Value(T& value) {
    char text[64];
    out_->append(text, std::to_chars(text, text + sizeof(text), value).ptr).push_back('\n');
  }
  [[nodiscard]] bool ok() const { return true; }
  std::size_t Count(std::size_t size) {
    Value(size);
    return size;
  }

 private:
  std::string* out_;
};

class Reader {
 public:
  explicit Reader(std::string_view in) : in_(in) {}
  static constexpr bool kReads = true;

  void Key(std::string_view key) {
    if (!At(key)) return Fail();
    in_.remove_prefix(key.size() + 1);
  }
  [[nodiscard]] bool At(std::string_view key) const {
    return in_.starts_with(key) && in_.substr(key.size(), 1) == "=";
  }
  void Value(std::string& value) {
    std::size_t size = 0;
    Number(&size, ':');
    if (!ok_ || size >= in_.size() || in_[size] != '\n') return Fail();
    value.assign(in_.substr(0, size));
    in_.remove_prefix(size + 1);
  }
  template <typename T>
  requires std::is_arithmetic_v<T>
  void Value(T& value) { Number(&value, '\n'); }
  /// Elements take at least one byte each, so a count beyond the text is broken and allocates
  /// nothing.
  std::size_t Count(std::size_t /*size*/) {
    std::size_t count = 0;
    Value(count);
    if (count > in_.size()) Fail();
    return ok_ ? count : 0;
  }
  [[nodiscard]] bool ok() const { return ok_; }
  [[nodiscard]] bool done() const { return in_.empty(); }
  void Fail() {
    ok_ = false;
    in_ = {};
  }

 private:
  template <typename T>
  void Number(T* value, char end) {
    const auto [stop, code] = std::from_chars(in_.data(), in_.data() + in_.size(), *value);
    const auto used = static_cast<std::size_t>(stop - in_.data());
    if (!ok_ || code != std::errc{} || used >= in_.size() || in_[used] != end) return Fail();
    in_.remove_prefix(used + 1);
  }
  std::string_view in_;
  bool ok_ = true;
};

template <typename Archive>
void Walk(Archive& archive, std::string& value) {
  archive.Value(value);
}
template <typename Archive>
void Walk(Archive& archive, double& value) {
  archive.Value(value);
}
template <typename Archive, typename T>
requires std::is_integral_v<T>
void Walk(Archive& archive, T& value) {
  if constexpr (std::is_same_v<T, bool>) {
    int number = value ? 1 : 0;
    archive.Value(number);
    value = number != 0;
  } else {
    archive.Value(value);
  }
}
template <typename Archive, typename T>
requires std::is_enum_v<T>
void Walk(Archive& archive, T& value) {
  int number = static_cast<int>(value);
  archive.Value(number);
  value = static_cast<T>(number);
}
template <typename Archive>
void Walk(Archive& archive, Duration& value) {
  std::int64_t nanos = value.count();
  archive.Value(nanos);
  value = Duration(nanos);
}
template <typename Archive>
void Walk(Archive& archive, Time& value) {
  Duration since_epoch = value.time_since_epoch();
  Walk(archive, since_epoch);
  value = Time(since_epoch);
}
template <typename Archive>
void Walk(Archive& archive, std::map<std::string, std::string>& values) {
  if constexpr (Archive::kReads) {
    for (std::size_t left = archive.Count(0); left > 0; --left) {
      std::string key;
      std::string value;
      archive.Value(key);
      archive.Value(value);
      values.emplace(std::move(key), std::move(value));
    }
  } else {
    archive.Count(values.size());
    for (auto& [name, value] : values) {
      std::string key = name;
      archive.Value(key);
      archive.Value(value);
    }
  }
}

// Walk of the elements is found at instantiation, through the namespace of the archive.
template <typename Archive, typename T>
void Walk(Archive& archive, std::vector<T>& values) {
  const std::size_t count = archive.Count(values.size());
  if constexpr (Archive::kReads) values.clear();  // Some lists have a default.
  for (std::size_t i = 0; i < count && archive.ok(); ++i) {
    if constexpr (Archive::kReads) values.emplace_back();
    Walk(archive, values[i]);
  }
}
template <typename Archive, typename T>
void Walk(Archive& archive, std::optional<T>& value) {
  if (archive.Count(value ? 1 : 0) == 0) {
    if constexpr (Archive::kReads) value.reset();
    return;
  }
  if (!value) value.emplace();
  Walk(archive, *value);
}

template <typename Archive, typename T>
void Field(Archive& archive, std::string_view key, T& value) {
  archive.Key(key);
  Walk(archive, value);
}

/// A field that later versions added: it has a line only where it differs from its default, so that
/// older logs are read and unchanged rules keep their hash.
template <typename Archive, typename T>
void LaterField(Archive& archive, std::string_view key, T& value, const T& usual = T()) {
  if constexpr (Archive::kReads) {
    if (!archive.At(key)) return;
  } else {
    if (value == usual) return;
  }
  Field(archive, key, value);
}

template <typename Archive>
void Walk(Archive& archive, Projection::Filter& filter) {
  Field(archive, "dimension", filter.dimension);
  Field(archive, "any_of", filter.any_of);
}

template <typename Archive>
void Walk(Archive& archive, Projection& projection) {
  Field(archive, "by", projection.by);
  Field(archive, "where", projection.where);
}

template <typename Archive>
void Walk(Archive& archive, RuleCommon& rule) {
  Field(archive, "name", rule.name);
  Field(archive, "where", rule.where);
  Field(archive, "by", rule.by);
  Field(archive, "severity", rule.severity);
  Field(archive, "labels", rule.labels);
  Field(archive, "annotations", rule.annotations);
  Field(archive, "owner", rule.owner);
  Field(archive, "for", rule.for_duration);
  Field(archive, "keep_firing_for", rule.keep_firing_for);
  Field(archive, "min_events", rule.min_events);
  LaterField(archive, "active_from", rule.active_from, Time::min());
  LaterField(archive, "active_to", rule.active_to, Time::max());
  LaterField(archive, "shadow", rule.shadow);
}

template <typename Archive>
void Walk(Archive& archive, BurnRow& row) {
  Field(archive, "long", row.long_window);
  Field(archive, "short", row.short_window);
  Field(archive, "budget", row.budget);
  Field(archive, "severity", row.severity);
}

template <typename Archive>
void Walk(Archive& archive, Indicator& indicator) {
  Field(archive, "measure", indicator.measure);
  Field(archive, "at_most", indicator.at_most_nanos);
}

template <typename Archive>
void Walk(Archive& archive, TimeSlice& slice) {
  Field(archive, "rate", slice.measure);
  Field(archive, "per", slice.per);
  Field(archive, "bound", slice.bound);
  Field(archive, "above", slice.above);
  Field(archive, "slice", slice.slice);
}

template <typename Archive>
void Walk(Archive& archive, SloSpec& slo) {
  Field(archive, "rule", slo.common);
  Field(archive, "good", slo.good);
  Field(archive, "total", slo.total);
  Field(archive, "good_when", slo.slice);
  Field(archive, "objective_ppb", slo.objective_ppb);
  Field(archive, "period", slo.period);
  Field(archive, "burn", slo.burn);
  Field(archive, "freeze_below", slo.freeze_below);
}

template <typename Archive>
void Walk(Archive& archive, Int128& value) {
  std::string text = FormatDecimal(value, 0);
  archive.Value(text);
  if constexpr (Archive::kReads) {
    const Result<Int128> read = ParseDecimal(text, 0);
    if (read.ok()) {
      value = *read;
    } else {
      archive.Fail();
    }
  }
}

template <typename Archive>
void Walk(Archive& archive, Calendar& calendar) {
  std::string text = calendar.Text();
  archive.Value(text);
  if constexpr (Archive::kReads) {
    Result<Calendar> read = Calendar::Parse(text);
    if (read.ok()) {
      calendar = *std::move(read);
    } else {
      archive.Fail();
    }
  }
}

template <typename Archive>
void Walk(Archive& archive, Quantity& quantity) {
  Field(archive, "value", quantity.value);
  Field(archive, "currency", quantity.currency);
}

template <typename Archive>
void Walk(Archive& archive, ShareAlert& alert) {
  Field(archive, "severity", alert.severity);
  Field(archive, "share_ppb", alert.share_ppb);
}

template <typename Archive>
void Walk(Archive& archive, SpendRow& row) {
  Field(archive, "long", row.long_window);
  Field(archive, "short", row.short_window);
  Field(archive, "share_ppb", row.share_ppb);
  Field(archive, "severity", row.severity);
}

template <typename Archive>
void Walk(Archive& archive, BudgetSpec& budget) {
  Field(archive, "rule", budget.common);
  Field(archive, "measure", budget.measure);
  Field(archive, "limit", budget.limit);
  Field(archive, "period", budget.period);
  Field(archive, "rolling", budget.rolling);
  Field(archive, "alert_at", budget.alert_at);
  Field(archive, "burn", budget.burn);
  LaterField(archive, "enforce", budget.enforce);
}

template <typename Archive>
void Walk(Archive& archive, GoalSpec& goal) {
  Field(archive, "rule", goal.common);
  Field(archive, "measure", goal.measure);
  Field(archive, "target", goal.target);
  Field(archive, "period", goal.period);
  Field(archive, "prorate", goal.prorate);
  Field(archive, "not_before_ppb", goal.not_before_ppb);
  Field(archive, "at_most", goal.at_most);
  Field(archive, "alerts", goal.alerts);
  Field(archive, "milestones", goal.milestones);
}

template <typename Archive>
void Walk(Archive& archive, LabelMatcher& matcher) {
  Field(archive, "label", matcher.name);
  Field(archive, "op", matcher.op);
  Field(archive, "value", matcher.value);
}

template <typename Archive>
void Walk(Archive& archive, RouteSpec& route) {
  Field(archive, "receiver", route.receiver);
  Field(archive, "group_by", route.group_by);
  Field(archive, "group_wait", route.group_wait);
  Field(archive, "group_interval", route.group_interval);
  Field(archive, "repeat_interval", route.repeat_interval);
  LaterField(archive, "match", route.match);
  LaterField(archive, "continue", route.proceeds);
  LaterField(archive, "mute", route.mute_times);
  LaterField(archive, "escalation", route.escalation);
  LaterField(archive, "children", route.children);
}

template <typename Archive>
void Walk(Archive& archive, InhibitionSpec& inhibition) {
  Field(archive, "source", inhibition.source);
  Field(archive, "target", inhibition.target);
  Field(archive, "equal", inhibition.equal);
}

template <typename Archive>
void Walk(Archive& archive, ZoneOffset& offset) {
  std::int64_t from = offset.from.time_since_epoch().count();
  Field(archive, "from", from);
  offset.from = Time(Duration(from));
  Field(archive, "seconds", offset.seconds);
}

template <typename Archive>
void Walk(Archive& archive, MuteTimeSpec& mute) {
  Field(archive, "name", mute.name);
  auto weekdays = static_cast<int>(mute.weekdays);
  Field(archive, "weekdays", weekdays);
  mute.weekdays = static_cast<std::uint8_t>(weekdays);
  Field(archive, "from_minute", mute.from_minute);
  Field(archive, "to_minute", mute.to_minute);
  Field(archive, "timezone", mute.timezone);
  Field(archive, "offsets", mute.offsets);
}

template <typename Archive>
void Walk(Archive& archive, EscalationSpec::Step& step) {
  Field(archive, "after", step.after);
  Field(archive, "receiver", step.receiver);
}

template <typename Archive>
void Walk(Archive& archive, EscalationSpec& escalation) {
  Field(archive, "name", escalation.name);
  Field(archive, "steps", escalation.steps);
}

template <typename Archive>
void Walk(Archive& archive, FlapSpec& flapping) {
  Field(archive, "fires", flapping.fires);
  Field(archive, "within", flapping.within);
  Field(archive, "settled_after", flapping.settled_after);
}

template <typename Archive>
void Walk(Archive& archive, Rate& rate) {
  Field(archive, "count", rate.count);
  Field(archive, "per", rate.per);
}

template <typename Archive>
void Walk(Archive& archive, MailSpec& mail) {
  Field(archive, "to", mail.to);
  Field(archive, "from", mail.from);
  Field(archive, "username", mail.username);
  Field(archive, "tls", mail.tls);
}

template <typename Archive>
void Walk(Archive& archive, ReceiverSpec& receiver) {
  const ReceiverSpec usual;
  Field(archive, "name", receiver.name);
  Field(archive, "type", receiver.type);
  Field(archive, "format", receiver.format);
  Field(archive, "target", receiver.target);
  Field(archive, "secret", receiver.secret_reference);
  Field(archive, "send_resolved", receiver.send_resolved);
  LaterField(archive, "url_reference", receiver.url_reference, usual.url_reference);
  LaterField(archive, "template", receiver.body_template, usual.body_template);
  LaterField(archive, "content_type", receiver.content_type, usual.content_type);
  LaterField(archive, "headers", receiver.headers, usual.headers);
  LaterField(archive, "secret_headers", receiver.secret_headers, usual.secret_headers);
  LaterField(archive, "ca_file", receiver.ca_file, usual.ca_file);
  LaterField(archive, "mail", receiver.mail, usual.mail);
  LaterField(archive, "rate_limit", receiver.rate_limit, usual.rate_limit);
  LaterField(archive, "timeout", receiver.timeout, usual.timeout);
  LaterField(archive, "resend", receiver.resend, usual.resend);
}

template <typename Archive>
void Walk(Archive& archive, Bound& bound) {
  Field(archive, "unit", bound.unit);
  Field(archive, "number", bound.number);
}

template <typename Archive>
void Walk(Archive& archive, DerivedSpec& derived) {
  Field(archive, "name", derived.name);
  Field(archive, "type", derived.type);
  Field(archive, "parts", derived.parts);
}

template <typename Archive>
void Walk(Archive& archive, ThresholdSpec& threshold) {
  Field(archive, "rule", threshold.common);
  Field(archive, "form", threshold.form);
  Field(archive, "measure", threshold.measure);
  Field(archive, "whole", threshold.whole);
  Field(archive, "per", threshold.per);
  Field(archive, "quantile_ppb", threshold.quantile_ppb);
  Field(archive, "over", threshold.over);
  Field(archive, "currency", threshold.currency);
  Field(archive, "versus", threshold.versus);
  Field(archive, "side", threshold.side);
  Field(archive, "bound", threshold.bound);
  Field(archive, "span", threshold.span);
  Field(archive, "slo", threshold.slo);
  LaterField(archive, "budget", threshold.budget);
  LaterField(archive, "probability_ppb", threshold.probability_ppb);
}

template <typename Archive>
void Walk(Archive& archive, AbsenceSpec& absence) {
  Field(archive, "rule", absence.common);
  Field(archive, "measure", absence.measure);
  Field(archive, "silence", absence.silence);
  Field(archive, "expected", absence.expected);
  Field(archive, "seen_within", absence.seen_within);
}

template <typename Archive>
void Walk(Archive& archive, ExpectationSpec& expectation) {
  Field(archive, "rule", expectation.common);
  Field(archive, "measure", expectation.measure);
  Field(archive, "expect", expectation.expect.measure);
  Field(archive, "expect_where", expectation.expect.where);
  Field(archive, "within", expectation.within);
}

template <typename Archive>
void Walk(Archive& archive, NoticeSpec& notice) {
  Field(archive, "rule", notice.common);
  Field(archive, "each", notice.each);
  Field(archive, "text", notice.text);
  Field(archive, "limit", notice.limit);
  Field(archive, "per", notice.per);
}

template <typename Archive>
void Walk(Archive& archive, RuleSet& rules) {
  Field(archive, "labels", rules.labels);
  Field(archive, "timezone", rules.timezone);
  Field(archive, "series", rules.series);
  Field(archive, "slos", rules.slos);
  LaterField(archive, "budgets", rules.budgets);
  LaterField(archive, "goals", rules.goals);
  Field(archive, "routes", rules.route);
  Field(archive, "receivers", rules.receivers);
  LaterField(archive, "inhibitions", rules.inhibitions);
  LaterField(archive, "mute_times", rules.mute_times);
  LaterField(archive, "escalations", rules.escalations);
  LaterField(archive, "flapping", rules.flapping);
  LaterField(archive, "allow_private", rules.allow_private);
  LaterField(archive, "derived", rules.derived);
  LaterField(archive, "thresholds", rules.thresholds);
  LaterField(archive, "absences", rules.absences);
  LaterField(archive, "expects", rules.expects);
  LaterField(archive, "notices", rules.notices);
}

}  // namespace

std::string EncodeRuleSet(const RuleSet& rules) {
  std::string text(kFirstLine);
  Writer writer(&text);
  RuleSet copy = rules;  // Walk serves both directions and so takes its fields by reference.
  Walk(writer, copy);
  return text;
}

Result<RuleSet> DecodeRuleSet(std::string_view text) {
  if (!text.starts_with(kFirstLine)) {
    return Error(
        ErrorCode::kFailedPrecondition,
        "rule set: written by another version; expected the first line 'barograph-rules 1'");
  }
  Reader reader(text.substr(kFirstLine.size()));
  RuleSet rules;
  Walk(reader, rules);
  if (!reader.ok() || !reader.done()) return Error(ErrorCode::kCorruption, "rule set: broken text");
  for (const ThresholdSpec& spec : rules.thresholds) {
    const bool needs_slo = spec.form == ThresholdSpec::Form::kBudget;
    const bool needs_budget = spec.form == ThresholdSpec::Form::kExhausted;
    const auto is_its_slo = [&](const SloSpec& slo) { return slo.common.name == spec.slo; };
    const auto is_its_budget = [&](const BudgetSpec& budget) {
      return budget.common.name == spec.budget && budget.period;
    };
    if (!IsRunnable(spec, rules.derived) ||
        (needs_slo && std::none_of(rules.slos.begin(), rules.slos.end(), is_its_slo)) ||
        (needs_budget && std::none_of(rules.budgets.begin(), rules.budgets.end(), is_its_budget))) {
      return Error(ErrorCode::kCorruption,
                   "rule set: the threshold '" + spec.common.name + "' cannot run");
    }
  }
  return rules;
}

}  // namespace barograph::rules
