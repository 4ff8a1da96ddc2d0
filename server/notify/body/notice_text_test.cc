#include "server/notify/body/notice_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "server/notify/body/golden_notices.h"

namespace barograph::server {
namespace {

TEST(NoticeTextTest, TheTitleCountsWhatFiresAndWhatEnded) {
  const auto notices = GoldenNotices();
  EXPECT_THAT(NoticeTitle(notices.at("firing")), testing::StartsWith("[FIRING:1] task-success "));
  EXPECT_THAT(NoticeTitle(notices.at("resolved")), testing::StartsWith("[RESOLVED:1] "));
  EXPECT_EQ(NoticeTitle(notices.at("grouped")), "[FIRING:1, RESOLVED:1] task-success");
  EXPECT_EQ(NoticeTitle(notices.at("late")), "[LATE:2] task-success");
}

TEST(NoticeTextTest, TheMostUrgentSeverityIsThatOfWhatStillFires) {
  EXPECT_EQ(MostUrgent(GoldenNotices().at("grouped")), rules::Severity::kWarning);
  EXPECT_EQ(MostUrgent(GoldenNotices().at("late")), rules::Severity::kCritical);
}

TEST(NoticeTextTest, TextIsCutBetweenCharacters) {
  EXPECT_EQ(CutText("abcdef", 6), "abcdef");
  EXPECT_EQ(CutText("abcdefg", 6), "abc\u2026");
  EXPECT_EQ(CutText("ab\u00e4\u00e4\u00e4", 6), "ab\u2026");
  EXPECT_EQ(CutText("abc", 2), "");
}

TEST(NoticeTextTest, OneLineHasNoControlCharacterOfAnyKind) {
  EXPECT_EQ(OneLine("a\r\nb\tc\x7F"), "a  b c ");
  EXPECT_EQ(OneLine("a\u0085b\u2028c\u2029d\u009b"), "a b c d ");
  EXPECT_EQ(OneLine("\u00e4\u20ac\u2027"), "\u00e4\u20ac\u2027");
  EXPECT_EQ(OneLine("x\xFF"), "x\uFFFD");
}

TEST(NoticeTextTest, OnlyWebAddressesBecomeLinks) {
  rules::NoticeMember member;
  member.annotations = {{"runbook_url", "javascript:alert(1)"},
                        {"dashboard_url", "https://example.org/d"}};
  const NoticeLink dashboard{"dashboard", "https://example.org/d"};
  EXPECT_THAT(LinksOf(member), testing::ElementsAre(dashboard));
  member.annotations["dashboard_url"] = "https://example.org/ x";
  EXPECT_TRUE(LinksOf(member).empty());
}

}  // namespace
}  // namespace barograph::server
