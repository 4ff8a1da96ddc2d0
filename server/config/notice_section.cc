#include "server/config/notice_section.h"

#include <charconv>
#include <utility>

#include "server/config/rule_section.h"

namespace barograph::server {
namespace {

/// "20/h": so many in a window; the window is a unit or a duration ("5/10m").
bool ParseLimit(std::string_view text, rules::NoticeSpec* notice) {
  const std::size_t slash = text.find('/');
  if (slash == std::string_view::npos || slash == 0) return false;
  const char* end = text.data() + slash;
  const auto [stop, code] = std::from_chars(text.data(), end, notice->limit);
  if (code != std::errc{} || stop != end) return false;
  std::string window(text.substr(slash + 1));
  if (window.empty()) return false;
  const bool has_number = window[0] >= '0' && window[0] <= '9';
  const Result<Duration> per = ParseDuration(has_number ? window : "1" + window);
  if (!per.ok()) return false;
  notice->per = *per;
  return true;
}

void ReadLimit(const YamlNode& node, rules::NoticeSpec* notice, Diagnostics* diagnostics) {
  const auto text = ReadText(node, "limit", diagnostics);
  if (!text || ParseLimit(*text, notice)) return;
  diagnostics->Add(node.position, "limit: '" + *text +
                                      "' is no limit; write messages and a window, e.g. 20/h or "
                                      "5/10m");
}

}  // namespace

void ReadNotice(const YamlNode& node, RuleDraft* draft, Diagnostics* diagnostics) {
  const std::size_t before = diagnostics->count();
  rules::NoticeSpec notice;
  notice.common.severity = rules::Severity::kInfo;
  MapReader map(node, "a notice", diagnostics);
  if (!map.is_map()) return;
  ReadRuleCommon(map, &notice.common);
  for (const std::string_view key : {"for", "keep_firing_for", "min_events"}) {
    const YamlNode* given = map.Find(key);
    if (given == nullptr) continue;
    diagnostics->Add(given->position,
                     std::string(key) +
                         ": a notice tells of one event and lasts no time; leave it "
                         "out, or write a threshold");
  }
  if (const auto* each = map.Require("each", "payments")) {
    notice.each = ReadText(*each, "each", diagnostics).value_or("");
  }
  if (const auto* text = map.Require("template", "\"Revenue: {{event.amount}}\"")) {
    notice.text = ReadText(*text, "template", diagnostics).value_or("");
  }
  if (const auto* limit = map.Find("limit")) ReadLimit(*limit, &notice, diagnostics);
  map.Finish();
  if (diagnostics->count() != before) return;
  draft->Place("notices[" + std::to_string(draft->rules.notices.size()) + "]", node);
  draft->rules.notices.push_back(std::move(notice));
}

}  // namespace barograph::server
