#include "server/notify/slack/slack_body.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "server/notify/body/golden_notices.h"
#include "storage/event/utf8.h"

namespace barograph::server {
namespace {

using Json = nlohmann::json;
using testing::HasSubstr;
using testing::Not;

TEST(SlackTextTest, NothingMentionsAnybodyAndNoEscapeIsCut) {
  EXPECT_EQ(SlackText("<!channel> a & b", 100), "&lt;!channel&gt; a &amp; b");
  EXPECT_EQ(SlackText("ab<<<", 10), "ab&lt;\u2026");
  EXPECT_EQ(SlackText("abcd", 4), "abcd");
  for (std::size_t bytes = 3; bytes < 40; ++bytes) {
    const std::string text = SlackText("\u00e4&<>\u20ac&&&&<<<<\u00e4\u00e4\u00e4\u00e4", bytes);
    EXPECT_LE(text.size(), bytes);
    EXPECT_TRUE(storage::IsUtf8(text)) << text;
    EXPECT_THAT(text, Not(testing::ContainsRegex("&[a-z]*\u2026"))) << text;
  }
}

/// Every limit of Slack that a message could break.
void ExpectWithinLimits(const Json& body) {
  const Json& blocks = body.at("blocks");
  EXPECT_LE(blocks.size(), kSlackBlocksMax);
  EXPECT_LE(blocks.dump().size(), 13'200U);
  EXPECT_LE(blocks[0]["text"]["text"].get<std::string>().size(), kSlackHeaderMax);
  for (const Json& block : blocks) {
    if (block["type"] == "section") {
      EXPECT_LE(block["text"]["text"].get<std::string>().size(), kSlackSectionMax);
    }
    if (block["type"] == "context") {
      EXPECT_LE(block["elements"].size(), 10U);
    }
  }
}

TEST(SlackBodyTest, TheLargestNoticeStaysWithinSlacksLimitsAndCountsWhatIsLeftOut) {
  rules::Notice notice = GoldenNotices().at("firing");
  rules::NoticeMember large = notice.members.front();
  for (auto& [name, value] : large.labels) value = std::string(256, '<');
  for (const char* key : {"summary", "description", "response"}) {
    large.annotations[key] = std::string(2'048, '&');
  }
  large.annotations["runbook_url"] = "https://example.org/" + std::string(2'000, 'a');
  notice.members.assign(32, large);
  const Json body = Json::parse(SlackBody(notice, "http://127.0.0.1:7172"));
  ExpectWithinLimits(body);
  const std::string footer = body["blocks"].back()["elements"][0]["text"];
  const std::size_t left_out = 32 - (body["blocks"].size() - 2);
  EXPECT_GT(left_out, 0U);
  EXPECT_THAT(footer, HasSubstr("and " + std::to_string(left_out) + " more"));
}

TEST(SlackBodyTest, ThirtyTwoOrdinaryAlertsAreToldInOneMessage) {
  rules::Notice notice = GoldenNotices().at("firing");
  notice.members.front().annotations = {};
  notice.members.assign(32, notice.members.front());
  const Json body = Json::parse(SlackBody(notice, ""));
  ExpectWithinLimits(body);
  EXPECT_EQ(body["blocks"].size(), 34U);
}

}  // namespace
}  // namespace barograph::server
