#include "server/notify/slack/slack_body.h"

#include <nlohmann/json.hpp>

#include "server/notify/body/notice_text.h"
#include "storage/event/utf8.h"

namespace barograph::server {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view kEllipsis = "\u2026";
constexpr std::size_t kTitleBytesMax = 300;    // of one alert
constexpr std::size_t kSummaryBytesMax = 800;  // of one alert
constexpr std::size_t kTextBytesMax = 600;     // of each further part
constexpr std::size_t kLinkBytesMax = 400;
constexpr std::size_t kFooterRoom = 600;

std::string_view Sign(const rules::NoticeMember& member) {
  if (!Fires(member)) return ":white_check_mark:";
  switch (member.severity) {
    case rules::Severity::kCritical:
      return ":red_circle:";
    case rules::Severity::kError:
    case rules::Severity::kWarning:
      return ":large_orange_circle:";
    default:
      return ":large_blue_circle:";
  }
}

std::string AlertText(const rules::NoticeMember& member) {
  const auto name = member.labels.find("alertname");
  std::string title(SeverityWord(member.severity));
  if (name != member.labels.end()) title += " " + name->second;
  const std::string labels = LabelText(member.labels);
  if (!labels.empty()) title += " " + labels;
  std::string text(Sign(member));
  text.append(" ").append(StateWord(member)).append(" ");
  text += SlackText(OneLine(title), kTitleBytesMax);
  text += "\n" + SlackText(SummaryOf(member), kSummaryBytesMax);
  for (const std::string_view key : {"description", "response"}) {
    const auto found = member.annotations.find(key);
    if (found == member.annotations.end() || found->second.empty()) continue;
    text += "\n" + SlackText(found->second, kTextBytesMax);
  }
  text += "\n" + SpanText(member);
  for (const NoticeLink& link : LinksOf(member)) {
    // '|' would end the address, and what is too long is no link any more.
    if (link.url.size() > kLinkBytesMax || link.url.find('|') != std::string::npos) continue;
    const std::string url = SlackText(link.url, kSlackSectionMax);
    text.append(" \u00b7 <").append(url).append("|").append(link.name).append(">");
  }
  return text;
}

Json Section(std::string text) {
  return {{"type", "section"}, {"text", {{"type", "mrkdwn"}, {"text", std::move(text)}}}};
}

Json Footer(const rules::Notice& notice, std::size_t left_out, const std::string& external_url) {
  std::string text = left_out == 0 ? "" : "and " + std::to_string(left_out) + " more \u00b7 ";
  text += SlackText(OneLine(notice.reason), 100) + " \u00b7 " + FormatTime(notice.at) + " \u00b7 " +
          SlackText(notice.id, 80);
  if (!external_url.empty() && external_url.size() <= kLinkBytesMax) {
    text += " \u00b7 " + SlackText(external_url, kLinkBytesMax);
  }
  Json element = {{"type", "mrkdwn"}, {"text", text}};
  return {{"type", "context"}, {"elements", Json::array({std::move(element)})}};
}

}  // namespace

std::string SlackText(std::string_view text, std::size_t bytes) {
  const std::string plain = storage::IsUtf8(text) ? std::string(text) : storage::ToUtf8(text);
  std::string escaped;
  std::size_t whole = 0;  // up to here an ellipsis still fits
  for (std::size_t i = 0; i < plain.size();) {
    std::size_t length = 1;
    while (i + length < plain.size() &&
           (static_cast<unsigned char>(plain[i + length]) & 0xC0U) == 0x80U) {
      ++length;
    }
    std::string_view character = std::string_view(plain).substr(i, length);
    if (character == "&") character = "&amp;";
    if (character == "<") character = "&lt;";
    if (character == ">") character = "&gt;";
    if (escaped.size() + character.size() > bytes)
      return escaped.substr(0, whole).append(kEllipsis);
    escaped.append(character);
    if (escaped.size() + kEllipsis.size() <= bytes) whole = escaped.size();
    i += length;
  }
  return escaped;
}

std::string SlackBody(const rules::Notice& notice, const std::string& external_url) {
  const std::string title = NoticeTitle(notice);
  Json blocks = Json::array();
  blocks.push_back({{"type", "header"},
                    {"text", {{"type", "plain_text"}, {"text", CutText(title, kSlackHeaderMax)}}}});
  std::size_t used = kSlackHeaderMax + kFooterRoom;
  std::size_t told = 0;
  for (const rules::NoticeMember& member : notice.members) {
    std::string text = AlertText(member);
    if (used + text.size() > kSlackMessageMax || blocks.size() + 2 > kSlackBlocksMax) break;
    used += text.size();
    ++told;
    blocks.push_back(Section(std::move(text)));
  }
  blocks.push_back(Footer(notice, notice.members.size() - told, external_url));
  Json body;
  body["text"] = SlackText(title, kSlackSectionMax);
  body["blocks"] = std::move(blocks);
  return body.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace barograph::server
