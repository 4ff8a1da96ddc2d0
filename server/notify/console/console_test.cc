#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>

#include "server/notify/body/golden_notices.h"
#include "server/notify/console/console_line.h"
#include "server/notify/console/console_sender.h"

namespace barograph::server {
namespace {

using Outcome = TryResult::Outcome;

TryResult SendTo(int descriptor, const std::string& line) {
  TryResult result;
  MakeConsoleSender(descriptor)
      ->Send({.notice_id = "n", .content_type = "", .body = line},
             [&result](TryResult ended) { result = std::move(ended); });
  return result;
}

TEST(ConsoleTest, ALineIsWrittenWhole) {
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe(ends.data()), 0);
  EXPECT_EQ(SendTo(ends[1], "a line\n").outcome, Outcome::kDelivered);
  std::array<char, 16> buffer{};
  EXPECT_EQ(::read(ends[0], buffer.data(), buffer.size()), 7);
  ::close(ends[0]);
  ::close(ends[1]);
}

TEST(ConsoleTest, AStreamThatNobodyReadsIsTriedLaterAndHoldsNobodyUp) {
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe(ends.data()), 0);
  const std::string line(kConsoleLineMax, 'x');
  int written = 0;
  while (SendTo(ends[1], line).outcome == Outcome::kDelivered) ASSERT_LT(++written, 1'000);
  EXPECT_EQ(SendTo(ends[1], line).outcome, Outcome::kRetry);
  ::close(ends[0]);
  ::close(ends[1]);
}

TEST(ConsoleTest, NoNoticeIsLongerThanAPipeTakesAtOnce) {
  rules::Notice notice = GoldenNotices().at("firing");
  notice.members.front().annotations["summary"] = std::string(2'048, 'x');
  notice.members.assign(32, notice.members.front());
  const std::string line = ConsoleLine(notice);
  EXPECT_LE(line.size(), kConsoleLineMax);
  EXPECT_EQ(line.find('\n'), line.size() - 1);
}

}  // namespace
}  // namespace barograph::server
