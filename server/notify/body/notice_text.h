#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "rules/alert/notice.h"

namespace barograph::server {

// What all bodies for people say in the same words. Pure, as the bodies are.

/// A message about a single event counts as one that fires.
[[nodiscard]] bool Fires(const rules::NoticeMember& member);
/// "FIRING", "RESOLVED", or "EVENT" for a message.
[[nodiscard]] std::string_view StateWord(const rules::NoticeMember& member);
[[nodiscard]] std::size_t CountFiring(const rules::Notice& notice);
/// A message about breaches that lay wholly in the past when they were found.
[[nodiscard]] bool IsDigest(const rules::Notice& notice);
/// One about a single event.
[[nodiscard]] bool IsMessage(const rules::Notice& notice);
/// "critical", "warning" or "info".
[[nodiscard]] std::string_view SeverityWord(rules::Severity severity);
/// Of the most urgent alert that fires, else of the most urgent one.
[[nodiscard]] rules::Severity MostUrgent(const rules::Notice& notice);

/// "[FIRING:2, RESOLVED:1] task-success agent=builder", in one line; of a message just its text.
[[nodiscard]] std::string NoticeTitle(const rules::Notice& notice);
/// The annotation `summary`, else the figures behind the decision.
[[nodiscard]] std::string_view SummaryOf(const rules::NoticeMember& member);
/// "agent=builder, policy=freeze": what tells alerts of one rule apart.
[[nodiscard]] std::string LabelText(const storage::Labels& labels);
/// "since 2026-11-01T10:00:00Z", or both times and how long it was; of a message "at" its time.
[[nodiscard]] std::string SpanText(const rules::NoticeMember& member);
/// The value of a label when all members bear the same; empty otherwise.
[[nodiscard]] std::string SharedLabel(const rules::Notice& notice, std::string_view name);

/// An annotation that is a link; http and https only.
struct NoticeLink {
  std::string_view name;  ///< "runbook" or "dashboard"
  std::string url;
  friend bool operator==(const NoticeLink&, const NoticeLink&) = default;
};
[[nodiscard]] std::vector<NoticeLink> LinksOf(const rules::NoticeMember& member);

/// At most `bytes` bytes, cut between characters; what was cut ends in an ellipsis.
[[nodiscard]] std::string CutText(std::string_view text, std::size_t bytes);
/// Well-formed UTF-8 with every control character, also those above ASCII, as a blank: safe on a
/// terminal and in a header.
[[nodiscard]] std::string OneLine(std::string_view text);

}  // namespace barograph::server
