#include "server/cli/record_text.h"

#include <gtest/gtest.h>

namespace barograph::server {
namespace {

TEST(RecordTextTest, TextStaysWhatItIs) {
  const std::string_view text = "{\"agent\": \"Zoë\"}\n\t1";
  EXPECT_TRUE(IsText(text));
  EXPECT_EQ(PrintableText(text), text);
  EXPECT_EQ(RecordText(text), "{\"agent\": \"Zoë\"}\\n\\t1");
}

TEST(RecordTextTest, NoByteReachesTheTerminalThatCouldMoveItsCursor) {
  const auto is = [](std::string_view bytes, std::string_view printed) {
    EXPECT_FALSE(IsText(bytes));
    EXPECT_EQ(PrintableText(bytes), printed);
  };
  is("\x1b[2J", "\\x1b[2J");
  is("a\x7f", "a\\x7f");
  is("\xc2\x9b"
     "31m",
     "\\xc2\\x9b31m");  // CSI of C1, in UTF-8
  is("\xff\xfe", "\\xff\\xfe");
  is(std::string_view("\0x", 2), "\\x00x");
  EXPECT_EQ(PrintableText("over\rwritten"), "over\\x0dwritten");
}

TEST(RecordTextTest, WhatIsNoTextIsShownAsDigits) {
  EXPECT_EQ(RecordText("\x08\x96\x01"), "0x089601");
}

TEST(RecordTextTest, AHexDumpShowsOffsetBytesAndLetters) {
  EXPECT_EQ(HexDump("0123456789abcdef\x01z"),
            "00000000  30 31 32 33 34 35 36 37  38 39 61 62 63 64 65 66  0123456789abcdef\n"
            "00000010  01 7a                                             .z\n");
  EXPECT_EQ(HexDump(""), "");
}

}  // namespace
}  // namespace barograph::server
