#include "server/notify/email/email_body.h"

#include <algorithm>
#include <array>
#include <cstdio>

#include "server/notify/body/notice_text.h"
#include "server/notify/webhook/signature.h"
#include "storage/base/digest.h"

namespace barograph::server {
namespace {

constexpr std::string_view kEnd = "\r\n";
constexpr std::size_t kColumns = 76;
constexpr std::size_t kWordBytes = 45;  // 60 of base64; a word of RFC 2047 has at most 75
constexpr std::size_t kThreadDigits = 32;

bool IsContinuation(char c) { return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U; }

std::string EncodedWords(std::string_view text) {
  std::string words;
  while (!text.empty()) {
    std::size_t size = std::min(text.size(), kWordBytes);
    while (size < text.size() && size > 1 && IsContinuation(text[size])) --size;
    if (!words.empty()) words.append(kEnd).append(" ");
    words += "=?UTF-8?B?" + Base64(text.substr(0, size)) + "?=";
    text.remove_prefix(size);
  }
  return words;
}

std::string Folded(std::string_view text, std::size_t used) {
  std::string folded;
  while (!text.empty()) {
    const std::size_t next = std::min(text.find(' ', 1), text.size());
    if (used + next > kColumns && used > 1 && text.front() == ' ') {
      folded.append(kEnd);
      used = 0;
    }
    folded.append(text.substr(0, next));
    used += next;
    text.remove_prefix(next);
  }
  return folded;
}

std::string Html(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    switch (c) {
      case '&':
        escaped += "&amp;";
        break;
      case '<':
        escaped += "&lt;";
        break;
      case '>':
        escaped += "&gt;";
        break;
      case '"':
        escaped += "&quot;";
        break;
      case '\'':
        escaped += "&#39;";
        break;
      case '\n':
        escaped += "<br>";
        break;
      default:
        escaped += c;
    }
  }
  return escaped;
}

std::string AlertName(const rules::NoticeMember& member) {
  const auto name = member.labels.find("alertname");
  const std::string labels = LabelText(member.labels);
  return OneLine((name == member.labels.end() ? "alert" : name->second) +
                 (labels.empty() ? "" : " " + labels));
}

constexpr std::array<std::string_view, 2> kFurther{"description", "response"};

std::string PlainPart(const rules::Notice& notice, const std::string& external_url) {
  std::string text =
      NoticeTitle(notice) + "\n" + OneLine(notice.reason) + ", " + FormatTime(notice.at) + "\n";
  for (const rules::NoticeMember& member : notice.members) {
    text += "\n" + std::string(StateWord(member)) + " " +
            std::string(SeverityWord(member.severity)) + " " + AlertName(member) + "\n  " +
            OneLine(SummaryOf(member)) + "\n  " + SpanText(member) + "\n";
    for (const std::string_view key : kFurther) {
      const auto found = member.annotations.find(key);
      if (found != member.annotations.end()) text += "  " + OneLine(found->second) + "\n";
    }
    for (const NoticeLink& link : LinksOf(member)) {
      text.append("  ").append(link.name).append(": ").append(link.url).append("\n");
    }
  }
  // "-- " begins a signature, which readers set apart.
  text += "\n-- \nBarograph, notice " + OneLine(notice.id);
  if (!external_url.empty()) text += ", " + external_url;
  return text + "\n";
}

std::string HtmlRow(const rules::NoticeMember& member) {
  std::string colour = "#1a7f37";
  if (Fires(member)) {
    colour = member.severity == rules::Severity::kCritical ? "#b91c1c" : "#b45309";
    if (SeverityWord(member.severity) == "info") colour = "#1d4ed8";
  }
  std::string row = "<tr><td style=\"color:" + colour + "\"><b>" + std::string(StateWord(member)) +
                    "</b><br>" + std::string(SeverityWord(member.severity)) + "</td><td><b>" +
                    Html(AlertName(member)) + "</b><br>" + Html(OneLine(SummaryOf(member)));
  for (const std::string_view key : kFurther) {
    const auto found = member.annotations.find(key);
    if (found != member.annotations.end()) row += "<br>" + Html(found->second);
  }
  row += "<br>" + Html(SpanText(member));
  for (const NoticeLink& link : LinksOf(member)) {
    row += " &middot; <a href=\"" + Html(link.url) + "\">" + std::string(link.name) + "</a>";
  }
  return row + "</td></tr>\n";
}

std::string HtmlPart(const rules::Notice& notice, const std::string& external_url) {
  std::string html =
      "<!DOCTYPE html>\n<html><head><meta charset=\"utf-8\"></head>"
      "<body style=\"font-family:sans-serif\">\n<h3>" +
      Html(NoticeTitle(notice)) + "</h3>\n<p>" + Html(OneLine(notice.reason)) + ", " +
      FormatTime(notice.at) + "</p>\n<table cellpadding=\"6\">\n";
  for (const rules::NoticeMember& member : notice.members) html += HtmlRow(member);
  html += "</table>\n<p style=\"color:#6b7280\">Barograph, notice " + Html(OneLine(notice.id));
  if (!external_url.empty()) html += ", " + Html(external_url);
  return html + "</p>\n</body></html>\n";
}

std::string Part(std::string_view type, std::string_view boundary, std::string_view text) {
  std::string part = "--";
  part.append(boundary).append(kEnd).append("Content-Type: ").append(type);
  part.append("; charset=utf-8").append(kEnd);
  part.append("Content-Transfer-Encoding: quoted-printable").append(kEnd).append(kEnd);
  return part.append(QuotedPrintable(text)).append(kEnd);
}

}  // namespace

std::string HeaderText(std::string_view text, std::size_t used) {
  const std::string line = OneLine(text);
  const bool plain =
      line.find("=?") == std::string::npos &&
      std::all_of(line.begin(), line.end(), [](unsigned char c) { return c < 0x80; });
  if (plain) return Folded(line, used);
  // The first word stands on a line of its own, so that every word has room.
  return std::string(kEnd) + " " + EncodedWords(line);
}

std::string QuotedPrintable(std::string_view text) {
  std::string out;
  std::size_t column = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (byte == '\r') continue;
    if (byte == '\n') {
      out.append(kEnd);
      column = 0;
      continue;
    }
    const bool at_end = i + 1 == text.size() || text[i + 1] == '\n' || text[i + 1] == '\r';
    const bool plain = (byte > 0x20 && byte < 0x7F && byte != '=') || (byte == ' ' && !at_end);
    const std::size_t width = plain ? 1 : 3;
    if (column + width > kColumns - 1) {
      out.append("=").append(kEnd);
      column = 0;
    }
    if (plain) {
      out.push_back(static_cast<char>(byte));
    } else {
      std::array<char, 4> hex{};
      std::snprintf(hex.data(), hex.size(), "=%02X", byte);
      out.append(hex.data());
    }
    column += width;
  }
  return out;
}

std::string MailDate(Time time) {
  constexpr std::array<const char*, 7> kDays{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  constexpr std::array<const char*, 12> kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(std::chrono::floor<std::chrono::seconds>(time - day));
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%s, %02u %s %04d %02d:%02d:%02d +0000",
                kDays[std::chrono::weekday(day).c_encoding()], static_cast<unsigned>(date.day()),
                kMonths[static_cast<unsigned>(date.month()) - 1], static_cast<int>(date.year()),
                static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()),
                static_cast<int>(clock.seconds().count()));
  return text.data();
}

std::string EmailBody(const rules::Notice& notice, const rules::MailSpec& mail,
                      const std::string& external_url) {
  const std::string domain = mail.from.substr(std::min(mail.from.find('@'), mail.from.size() - 1));
  const std::string separator(1, '\0');
  const std::string thread =
      Hex(Sha256({notice.tenant, separator, notice.receiver, separator, notice.group_key}))
          .substr(0, kThreadDigits);
  // "=_" cannot stand in quoted-printable text.
  const std::string boundary = "=_" + notice.id;
  std::string message;
  const auto header = [&message](std::string_view name, std::string_view value) {
    message.append(name).append(": ").append(value).append(kEnd);
  };
  std::string to;
  for (const std::string& address : mail.to) {
    if (!to.empty()) to.append(",").append(kEnd).append(" ");
    to += address;
  }
  header("Date", MailDate(notice.at));
  header("From", "Barograph <" + mail.from + ">");
  header("To", to);
  header("Subject", HeaderText(CutText(NoticeTitle(notice), kSubjectBytesMax), 9));
  header("Message-ID", "<" + notice.id + domain + ">");
  header("In-Reply-To", "<group." + thread + domain + ">");
  header("References", "<group." + thread + domain + ">");
  header("Auto-Submitted", "auto-generated");
  header("MIME-Version", "1.0");
  header("Content-Type", "multipart/alternative;\r\n boundary=\"" + boundary + "\"");
  message.append(kEnd);
  message += Part("text/plain", boundary, PlainPart(notice, external_url));
  message += Part("text/html", boundary, HtmlPart(notice, external_url));
  return message.append("--").append(boundary).append("--").append(kEnd);
}

}  // namespace barograph::server
