#include "rules/spec/label_matcher.h"

#include <re2/re2.h>

#include <algorithm>
#include <array>
#include <utility>

namespace barograph::rules {
namespace {

using Op = LabelMatcher::Op;

/// Memory that one compiled expression may take; RE2 needs time linear in the value, whatever it
/// is.
constexpr int kExpressionBytesMax = 1 << 20;

struct Spelling {
  std::string_view text;
  Op op;
};
/// Longer ones first: `=~` begins with `=`.
constexpr std::array<Spelling, 4> kSpellings = {
    {{"=~", Op::kMatch}, {"!~", Op::kNotMatch}, {"!=", Op::kNotEqual}, {"=", Op::kEqual}}};

std::string_view OpText(Op op) {
  for (const Spelling& spelling : kSpellings) {
    if (spelling.op == op) return spelling.text;
  }
  return "";
}

std::string_view Trimmed(std::string_view text) {
  const auto blank = [](char c) { return c == ' ' || c == '\t'; };
  while (!text.empty() && blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && blank(text.back())) text.remove_suffix(1);
  return text;
}

Error Invalid(std::string_view text, std::string_view what) {
  return {ErrorCode::kInvalidArgument, "'" + std::string(text) + "' " + std::string(what) +
                                           "; write e.g. severity=\"critical\" or agent=~\"a|b\" "
                                           "(=, !=, =~, !~)"};
}

/// What stands in double quotes.
Result<std::string> Unquote(std::string_view text, std::string_view quoted) {
  std::string value;
  bool escaped = false;
  for (std::size_t i = 1; i < quoted.size(); ++i) {
    const char c = quoted[i];
    if (escaped) {
      if (c != '"' && c != '\\' && c != 'n') value.push_back('\\');
      value.push_back(c == 'n' ? '\n' : c);
      escaped = false;
    } else if (c == '\\') {
      escaped = true;
    } else if (c == '"') {
      if (i + 1 != quoted.size()) return Invalid(text, "goes on behind its closing quote");
      return value;
    } else {
      value.push_back(c);
    }
  }
  return Invalid(text, "has no closing quote");
}

std::shared_ptr<const re2::RE2> Compile(const std::string& expression) {
  re2::RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(kExpressionBytesMax);
  return std::make_shared<const re2::RE2>(expression, options);
}

bool IsExpression(Op op) { return op == Op::kMatch || op == Op::kNotMatch; }

}  // namespace

Result<LabelMatcher> ParseMatcher(std::string_view text) {
  const std::size_t at = text.find_first_of("=!");
  if (at == std::string_view::npos) return Invalid(text, "has no operator");
  const auto spelling = std::find_if(
      kSpellings.begin(), kSpellings.end(),
      [&](const Spelling& candidate) { return text.substr(at).starts_with(candidate.text); });
  if (spelling == kSpellings.end()) return Invalid(text, "has no operator that is known");
  LabelMatcher matcher;
  matcher.name = Trimmed(text.substr(0, at));
  matcher.op = spelling->op;
  const std::string_view value = Trimmed(text.substr(at + spelling->text.size()));
  if (value.starts_with('"')) {
    BAROGRAPH_ASSIGN(matcher.value, Unquote(text, value));
  } else {
    matcher.value = value;
  }
  if (matcher.name.empty() || matcher.name.find_first_of("\"{}, ~") != std::string::npos)
    return Invalid(text, "does not begin with the name of a label");
  BAROGRAPH_TRY(CheckMatcher(matcher));
  return matcher;
}

std::string MatcherText(const LabelMatcher& matcher) {
  std::string text = matcher.name + std::string(OpText(matcher.op)) + '"';
  for (const char c : matcher.value) {
    if (c == '"' || c == '\\') text.push_back('\\');
    if (c == '\n') {
      text += "\\n";
    } else {
      text.push_back(c);
    }
  }
  return text + '"';
}

std::string MatchersText(const std::vector<LabelMatcher>& matchers) {
  std::string text = "{";
  for (const LabelMatcher& matcher : matchers) {
    if (text.size() > 1) text.push_back(',');
    text += MatcherText(matcher);
  }
  return text + "}";
}

Status CheckMatcher(const LabelMatcher& matcher) {
  const auto refuse = [&](const std::string& what) {
    return Error(ErrorCode::kInvalidArgument, "matcher of '" + matcher.name + "': " + what);
  };
  if (matcher.name.empty()) return refuse("no name of a label");
  if (OpText(matcher.op).empty()) return refuse("unknown operator; it is one of =, !=, =~, !~");
  if (matcher.value.size() > kMatcherValueBytesMax) {
    return refuse("a value of " + std::to_string(matcher.value.size()) + " bytes; at most " +
                  std::to_string(kMatcherValueBytesMax));
  }
  if (!IsExpression(matcher.op)) return {};
  const auto expression = Compile(matcher.value);
  if (!expression->ok())
    return refuse("'" + matcher.value + "' is no regular expression (RE2): " + expression->error());
  return {};
}

bool MatchesNothingNamed(const std::vector<LabelMatcher>& matchers) {
  return MatcherSet(matchers).Fits({});
}

MatcherSet::MatcherSet(const std::vector<LabelMatcher>& matchers) {
  for (const LabelMatcher& matcher : matchers) {
    all_.push_back({matcher, IsExpression(matcher.op) ? Compile(matcher.value) : nullptr});
  }
}

bool MatcherSet::Fits(const storage::Labels& labels) const {
  return std::all_of(all_.begin(), all_.end(), [&](const One& one) {
    const auto found = labels.find(one.matcher.name);
    const std::string_view value =
        found == labels.end() ? std::string_view() : std::string_view(found->second);
    switch (one.matcher.op) {
      case Op::kEqual:
        return value == one.matcher.value;
      case Op::kNotEqual:
        return value != one.matcher.value;
      case Op::kMatch:
        return one.expression->ok() &&
               re2::RE2::FullMatch({value.data(), value.size()}, *one.expression);
      case Op::kNotMatch:
        return one.expression->ok() &&
               !re2::RE2::FullMatch({value.data(), value.size()}, *one.expression);
      case Op::kUnspecified:
        break;
    }
    return false;
  });
}

}  // namespace barograph::rules
