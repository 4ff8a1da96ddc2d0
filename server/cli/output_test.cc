#include "server/cli/output.h"

#include <gtest/gtest.h>

namespace barograph::server {
namespace {

TEST(TableTest, LinesUpColumnsWithNumbersToTheRight) {
  Table table({"RULE", "LEFT"});
  table.Row({"task-success", "97.5%"});
  table.Row({"größe", "5%"});
  EXPECT_EQ(table.ToString(),
            "RULE           LEFT\n"
            "task-success  97.5%\n"
            "größe            5%\n");
}

TEST(TableTest, WithoutRowsPrintsNothing) { EXPECT_EQ(Table({"A"}).ToString(), ""); }

TEST(OutputTest, GroupsDigits) {
  const auto groups = [](std::int64_t number, std::string_view text) {
    EXPECT_EQ(GroupDigits(number), text);
  };
  groups(0, "0");
  groups(999, "999");
  groups(1000, "1,000");
  groups(-1234567, "-1,234,567");
}

TEST(OutputTest, FormatsBytesInTheLargestUnitThatFits) {
  EXPECT_EQ(FormatBytes(512), "512 B");
  EXPECT_EQ(FormatBytes(1536), "1.5 KiB");
  EXPECT_EQ(FormatBytes(3.0 * 1024 * 1024 * 1024), "3.0 GiB");
}

}  // namespace
}  // namespace barograph::server
