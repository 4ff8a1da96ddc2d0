#include "server/notify/console/console_line.h"

#include "server/notify/body/notice_text.h"

namespace barograph::server {

std::string ConsoleLine(const rules::Notice& notice) {
  std::string line = FormatTime(notice.at) + " " + NoticeTitle(notice);
  if (IsMessage(notice)) {
    const rules::NoticeMember& message = notice.members.front();
    line.append(": event ").append(SeverityWord(message.severity));
    const std::string labels = LabelText(message.labels);
    if (!labels.empty()) line += " " + OneLine(labels);
    line += " (" + SpanText(message) + ")";
    return CutText(line, kConsoleLineMax - 1) + "\n";
  }
  const bool one = notice.members.size() == 1;
  for (const rules::NoticeMember& member : notice.members) {
    line += one ? ": " : "; ";
    line += std::string(Fires(member) ? "firing " : "resolved ") +
            std::string(SeverityWord(member.severity)) + " ";
    const std::string labels = one ? "" : LabelText(member.labels);
    if (!labels.empty()) line += OneLine(labels) + " ";
    line += OneLine(SummaryOf(member)) + " (" + SpanText(member) + ")";
  }
  return CutText(line, kConsoleLineMax - 1) + "\n";
}

}  // namespace barograph::server
