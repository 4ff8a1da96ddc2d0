#include "storage/event/utf8.h"

#include <gtest/gtest.h>

namespace barograph::storage {
namespace {

TEST(Utf8Test, EveryWellFormedSequenceIsAccepted) {
  for (const std::string_view text :
       {"", "a", "\x7F", "\xC2\x80", "\xDF\xBF", "\xE0\xA0\x80", "\xED\x9F\xBF", "\xEE\x80\x80",
        "\xEF\xBF\xBF", "\xF0\x90\x80\x80", "\xF4\x8F\xBF\xBF",
        "caf\xC3\xA9 \xE2\x82\xAC \xF0\x9F\x8C\xA9"}) {
    EXPECT_TRUE(IsUtf8(text)) << text;
    EXPECT_EQ(ToUtf8(text), text);
  }
  EXPECT_TRUE(IsUtf8(std::string_view("\0", 1)));
}

TEST(Utf8Test, EveryIllFormedSequenceIsRefusedWhereverItStands) {
  const auto refuses = [](std::string_view bad) {
    EXPECT_FALSE(IsUtf8(bad)) << bad;
    EXPECT_FALSE(IsUtf8("before " + std::string(bad)));
    EXPECT_FALSE(IsUtf8(std::string(bad) + " after"));
    EXPECT_TRUE(IsUtf8(ToUtf8(bad)));
  };
  refuses("\x80");              // a continuation alone
  refuses("\xC0\x80");          // overlong
  refuses("\xC1\xBF");          // overlong
  refuses("\xE0\x9F\xBF");      // overlong
  refuses("\xF0\x8F\xBF\xBF");  // overlong
  refuses("\xED\xA0\x80");      // a surrogate
  refuses("\xED\xBF\xBF");      // a surrogate
  refuses("\xF4\x90\x80\x80");  // above U+10FFFF
  refuses("\xF5\x80\x80\x80");
  refuses("\xFF");
  refuses("\xC3");  // cut off
  refuses("\xE2\x82");
  refuses("\xF0\x9F\x8C");
  refuses("\xE2\x28\xA1");
}

TEST(Utf8Test, BadBytesAreReplacedOneByOne) {
  EXPECT_EQ(ToUtf8("a\xFF"
                   "b\xC3"),
            "a\xEF\xBF\xBD"
            "b\xEF\xBF\xBD");
}

TEST(AsciiTest, AHighByteIsSeenAtEveryPlaceOfEveryLength) {
  for (std::size_t size = 0; size < 40; ++size) {
    std::string text(size, 'a');
    EXPECT_TRUE(IsAscii(text));
    for (std::size_t i = 0; i < size; ++i) {
      text[i] = '\x80';
      EXPECT_FALSE(IsAscii(text)) << size << " " << i;
      text[i] = '\x7F';
      EXPECT_TRUE(IsAscii(text));
    }
  }
}

}  // namespace
}  // namespace barograph::storage
