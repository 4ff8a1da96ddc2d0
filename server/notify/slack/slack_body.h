#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "rules/alert/notice.h"

namespace barograph::server {

// Slack's limits, docs.slack.dev (Block Kit: header, section, context). Lengths count characters;
// we count bytes of what is sent, which is never less.
inline constexpr std::size_t kSlackHeaderMax = 150;
inline constexpr std::size_t kSlackSectionMax = 3'000;
inline constexpr std::size_t kSlackBlocksMax = 50;
/// Of all blocks together: messages above about 13,200 are refused with `msg_blocks_too_long`
/// (slackapi/bolt-js #2509), which no page says.
inline constexpr std::size_t kSlackMessageMax = 12'000;

/// A message for an incoming webhook: a header, one section for each alert, a last line that says
/// why it was sent. Alerts that do not fit are counted.
[[nodiscard]] std::string SlackBody(const rules::Notice& notice, const std::string& external_url);

/// `text` as mrkdwn shows it unchanged (&, < and > escaped, so that nobody is mentioned and no link
/// appears), at most `bytes` long and never cut inside an escape.
[[nodiscard]] std::string SlackText(std::string_view text, std::size_t bytes);

}  // namespace barograph::server
