#include "server/notify/email/email_body.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "server/notify/body/golden_notices.h"

namespace barograph::server {
namespace {

using testing::Not;

rules::MailSpec Mail() {
  rules::MailSpec mail;
  mail.from = "barograph@example.org";
  mail.to = {"ops@example.org"};
  return mail;
}

std::string HeadersOf(const std::string& message) {
  return message.substr(0, message.find("\r\n\r\n") + 2);
}

/// RFC 5322, 2.1.1 and 2.3: CRLF only together, lines of at most 78 columns, all in ASCII.
void ExpectWellFormed(const std::string& message) {
  std::size_t column = 0;
  for (std::size_t i = 0; i < message.size(); ++i) {
    const auto byte = static_cast<unsigned char>(message[i]);
    ASSERT_LT(byte, 0x80) << "at " << i;
    if (byte == '\r') {
      ASSERT_EQ(message[i + 1], '\n') << "at " << i;
    }
    if (byte == '\n') {
      ASSERT_EQ(message[i - 1], '\r') << "at " << i;
    }
    column = byte == '\n' ? 0 : column + 1;
    ASSERT_LE(column, 79U) << "at " << i;
  }
}

TEST(EmailBodyTest, DatesAreThoseOfRfc5322) {
  EXPECT_EQ(MailDate(ParseTime("2026-11-01T09:05:07.25Z").value()),
            "Sun, 01 Nov 2026 09:05:07 +0000");
  EXPECT_EQ(MailDate(ParseTime("2028-02-29T23:59:59Z").value()), "Tue, 29 Feb 2028 23:59:59 +0000");
}

TEST(EmailBodyTest, TextThatIsNotPlainBecomesEncodedWordsThatEndBetweenCharacters) {
  EXPECT_EQ(HeaderText("plain text", 9), "plain text");
  EXPECT_EQ(HeaderText("\u00e4", 9), "\r\n =?UTF-8?B?w6Q=?=");
  EXPECT_EQ(HeaderText("=?UTF-8?B?w6Q=?=", 9), "\r\n =?UTF-8?B?PT9VVEYtOD9CP3c2UT0/PQ==?=");
  std::string many;
  for (int i = 0; i < 40; ++i) many += "\u20ac";
  EXPECT_THAT(HeaderText(many, 9), testing::MatchesRegex("(\r\n =.UTF-8.B.[4oKs]+.=)+"));
}

TEST(EmailBodyTest, QuotedPrintableKeepsLinesShortAndEndsNoneInABlank) {
  EXPECT_EQ(QuotedPrintable("a=b \nc\t\r\nd"), "a=3Db=20\r\nc=09\r\nd");
  EXPECT_EQ(QuotedPrintable(std::string(80, 'x')),
            std::string(75, 'x') + "=\r\n" + std::string(5, 'x'));
}

TEST(EmailBodyTest, NoLabelOrAnnotationCanMakeAHeaderOrEndTheHeaders) {
  std::mt19937 random(7);
  const std::string pieces[] = {"\r",     "\n",     "\r\n", "\r\n\r\n", "Bcc: x@example.org",
                                "\u2028", "\u0085", " ",    ":",        "=?",
                                "?=",     "\xFF",   "x",    "\0"};
  for (int turn = 0; turn < 2'000; ++turn) {
    const auto text = [&] {
      std::string made;
      for (int i = 0; i < 8; ++i) made += pieces[random() % std::size(pieces)];
      return made;
    };
    rules::Notice notice = GoldenNotices().at("firing");
    notice.members.front().labels = {{text(), text()}, {"alertname", text()}, {"agent", text()}};
    notice.members.front().annotations = {{"summary", text()}, {"runbook_url", text()}};
    notice.group_labels = {{"agent", text()}};
    notice.reason = text();
    const std::string message = EmailBody(notice, Mail(), "");
    ExpectWellFormed(message);
    const std::string headers = HeadersOf(message);
    EXPECT_THAT(headers, Not(testing::HasSubstr("\nBcc")));
    EXPECT_THAT(headers, testing::HasSubstr("\r\nContent-Type: multipart/alternative;"));
  }
}

TEST(EmailBodyTest, GoldenMessagesAreWellFormed) {
  for (const auto& [transition, notice] : GoldenNotices()) {
    ExpectWellFormed(EmailBody(notice, Mail(), "http://127.0.0.1:7172"));
  }
}

}  // namespace
}  // namespace barograph::server
