#include "server/notify/body/notice_text.h"

#include <algorithm>

#include "storage/event/utf8.h"

namespace barograph::server {
namespace {

constexpr std::string_view kEllipsis = "\u2026";

}  // namespace

bool Fires(const rules::NoticeMember& member) {
  return member.state != storage::AlertState::kResolved;
}

std::string_view StateWord(const rules::NoticeMember& member) {
  if (!Fires(member)) return "RESOLVED";
  return member.is_message ? "EVENT" : "FIRING";
}

std::size_t CountFiring(const rules::Notice& notice) {
  return static_cast<std::size_t>(
      std::count_if(notice.members.begin(), notice.members.end(), &Fires));
}

bool IsDigest(const rules::Notice& notice) {
  const auto late = notice.group_labels.find("late");
  return late != notice.group_labels.end() && late->second == "true" && CountFiring(notice) == 0;
}

bool IsMessage(const rules::Notice& notice) {
  return notice.members.size() == 1 && notice.members.front().is_message;
}

std::string_view SeverityWord(rules::Severity severity) {
  switch (severity) {
    case rules::Severity::kCritical:
      return "critical";
    case rules::Severity::kError:
    case rules::Severity::kWarning:
      return "warning";
    default:
      return "info";
  }
}

rules::Severity MostUrgent(const rules::Notice& notice) {
  const bool firing = CountFiring(notice) > 0;
  auto urgent = rules::Severity::kInfo;
  for (const rules::NoticeMember& member : notice.members) {
    if (member.severity == rules::Severity::kUnspecified || (firing && !Fires(member))) continue;
    urgent = std::min(urgent, member.severity);
  }
  return urgent;
}

std::string SharedLabel(const rules::Notice& notice, std::string_view name) {
  std::string shared;
  for (const rules::NoticeMember& member : notice.members) {
    const auto found = member.labels.find(name);
    if (found == member.labels.end()) return "";
    if (&member == &notice.members.front()) shared = found->second;
    if (shared != found->second) return "";
  }
  return shared;
}

std::string LabelText(const storage::Labels& labels) {
  std::string text;
  for (const auto& [name, value] : labels) {
    if (name == "alertname" || name == "rule" || name == "severity") continue;
    if (!text.empty()) text += ", ";
    text.append(name).append("=").append(value);
  }
  return text;
}

std::string NoticeTitle(const rules::Notice& notice) {
  if (IsMessage(notice)) return OneLine(SummaryOf(notice.members.front()));
  const std::size_t firing = CountFiring(notice);
  const std::size_t resolved = notice.members.size() - firing;
  std::string title = "[";
  if (IsDigest(notice)) {
    title += "LATE:" + std::to_string(resolved);
  } else {
    if (firing > 0) title += "FIRING:" + std::to_string(firing);
    if (firing > 0 && resolved > 0) title += ", ";
    if (resolved > 0) title += "RESOLVED:" + std::to_string(resolved);
  }
  title += "] ";
  const std::string name = SharedLabel(notice, "alertname");
  title += name.empty() ? "alerts" : name;
  storage::Labels shared = notice.group_labels;
  if (notice.members.size() == 1) shared = notice.members.front().labels;
  if (IsDigest(notice)) shared.clear();
  const std::string labels = LabelText(shared);
  if (!labels.empty()) title += " " + labels;
  return OneLine(title);
}

std::string_view SummaryOf(const rules::NoticeMember& member) {
  const auto summary = member.annotations.find("summary");
  return summary == member.annotations.end() ? std::string_view(member.summary) : summary->second;
}

std::string SpanText(const rules::NoticeMember& member) {
  if (Fires(member)) return (member.is_message ? "at " : "since ") + FormatTime(member.starts_at);
  return FormatTime(member.starts_at) + " to " + FormatTime(member.ends_at) + " (" +
         FormatDuration(
             std::chrono::round<std::chrono::seconds>(member.ends_at - member.starts_at)) +
         ")";
}

std::vector<NoticeLink> LinksOf(const rules::NoticeMember& member) {
  std::vector<NoticeLink> links;
  for (const std::string_view name : {"runbook", "dashboard"}) {
    const auto found = member.annotations.find(std::string(name) + "_url");
    if (found == member.annotations.end()) continue;
    const std::string& url = found->second;
    const bool visible =
        std::all_of(url.begin(), url.end(), [](unsigned char c) { return c > 0x20 && c < 0x7F; });
    if (visible && (url.starts_with("https://") || url.starts_with("http://"))) {
      links.push_back({name, url});
    }
  }
  return links;
}

std::string CutText(std::string_view text, std::size_t bytes) {
  if (text.size() <= bytes) return std::string(text);
  if (bytes < kEllipsis.size()) return "";
  std::size_t end = bytes - kEllipsis.size();
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
  return std::string(text.substr(0, end)).append(kEllipsis);
}

std::string OneLine(std::string_view text) {
  std::string line = storage::IsUtf8(text) ? std::string(text) : storage::ToUtf8(text);
  for (std::size_t i = 0; i < line.size(); ++i) {
    const auto byte = static_cast<unsigned char>(line[i]);
    const auto next = static_cast<unsigned char>(i + 1 < line.size() ? line[i + 1] : 0);
    if (byte < 0x20 || byte == 0x7F) {
      line[i] = ' ';
    } else if (byte == 0xC2 && next >= 0x80 && next < 0xA0) {  // U+0080 to U+009F
      line.replace(i, 2, " ");
    } else if (byte == 0xE2 &&
               (line.compare(i, 3, "\u2028") == 0 || line.compare(i, 3, "\u2029") == 0)) {
      line.replace(i, 3, " ");
    }
  }
  return line;
}

}  // namespace barograph::server
