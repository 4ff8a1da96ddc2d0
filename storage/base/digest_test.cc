#include "storage/base/digest.h"

#include <gtest/gtest.h>

#include <string>
#include <thread>

#include "storage/base/bytes.h"

namespace barograph {
namespace {

std::string Pattern(std::size_t size) {
  std::string bytes(size, '\0');
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>(i * 131 + (i >> 8));
  return bytes;
}

TEST(Sha256Test, GivesTheDigestsOfTheStandard) {
  EXPECT_EQ(Hex(Sha256("")), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(Hex(Sha256("abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(Hex(Sha256(std::string(1'000'000, 'a'))),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(Sha256Test, PartsAndPiecesGiveTheDigestOfTheWhole) {
  const std::string bytes = Pattern(1'000);
  const std::string_view all = bytes;
  const Digest whole = Sha256(all);
  for (const std::size_t cut : {0U, 1U, 63U, 64U, 65U, 999U, 1'000U}) {
    EXPECT_EQ(Sha256({all.substr(0, cut), all.substr(cut)}), whole) << cut;
    Sha256Stream stream;
    stream.Update(all.substr(0, cut));
    stream.Update(all.substr(cut));
    EXPECT_EQ(stream.Finish(), whole) << cut;
  }
}

TEST(Sha256Test, AStreamStartsAnewWhenItIsFinished) {
  Sha256Stream stream;
  stream.Update("something else");
  EXPECT_EQ(stream.Finish(), Sha256("something else"));
  stream.Update("abc");
  EXPECT_EQ(stream.Finish(), Sha256("abc"));
}

TEST(Sha256Test, ThreadsDoNotDisturbEachOther) {
  const Digest expected = Sha256(Pattern(5'000));
  const auto check = [&expected] {
    const std::string bytes = Pattern(5'000);
    for (int i = 0; i < 200; ++i) EXPECT_EQ(Sha256(bytes), expected);
  };
  std::thread other(check);
  check();
  other.join();
}

TEST(HmacTest, GivesTheValuesOfRfc4231) {
  EXPECT_EQ(Hex(HmacSha256(std::string(20, '\x0b'), "Hi There")),
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
  EXPECT_EQ(Hex(HmacSha256("Jefe", "what do ya want for nothing?")),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  EXPECT_EQ(Hex(HmacSha256(std::string(131, '\xaa'),
                           "Test Using Larger Than Block-Size Key - Hash Key First")),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

TEST(HmacTest, AnEmptyKeyIsAKeyOfItsOwn) {
  static_cast<void>(HmacSha256("Jefe", ""));
  EXPECT_EQ(Hex(HmacSha256(std::string_view(), "")),
            "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

TEST(Crc32cTest, GivesTheValuesOfRfc3720) {
  std::string ascending(32, '\0');
  for (std::size_t i = 0; i < ascending.size(); ++i) ascending[i] = static_cast<char>(i);
  for (const auto crc : {&Crc32c, &Crc32cPortable}) {
    EXPECT_EQ(crc("", 0), 0U);
    EXPECT_EQ(crc("123456789", 0), 0xE3069283U);
    EXPECT_EQ(crc(std::string(32, '\0'), 0), 0x8A9136AAU);
    EXPECT_EQ(crc(std::string(32, '\xFF'), 0), 0x62A8AB43U);
    EXPECT_EQ(crc(ascending, 0), 0x46DD794EU);
  }
}

TEST(Crc32cTest, TheFastAndThePortableOneAgreeAtEveryLengthAndAlignment) {
  const std::string bytes = Pattern(200);
  for (std::size_t start = 0; start < 9; ++start) {
    for (std::size_t size = 0; start + size <= bytes.size(); ++size) {
      const std::string_view part = std::string_view(bytes).substr(start, size);
      ASSERT_EQ(Crc32c(part), Crc32cPortable(part)) << start << " " << size;
    }
  }
}

TEST(Crc32cTest, PiecesChainToTheChecksumOfTheWhole) {
  const std::string bytes = Pattern(100);
  const std::string_view all = bytes;
  for (std::size_t cut = 0; cut <= all.size(); ++cut) {
    EXPECT_EQ(Crc32c(all.substr(cut), Crc32c(all.substr(0, cut))), Crc32c(all)) << cut;
    EXPECT_EQ(Crc32cPortable(all.substr(cut), Crc32cPortable(all.substr(0, cut))), Crc32c(all));
  }
}

TEST(HexTest, EveryByteIsTwoLowerCaseDigits) {
  EXPECT_EQ(Hex(std::string_view("\x00\x0f\xf0\xff", 4)), "000ff0ff");
  EXPECT_EQ(Hex(""), "");
}

TEST(BytesTest, WhatIsWrittenIsReadBackAlike) {
  const Int128 wide = static_cast<Int128>(~static_cast<unsigned __int128>(0) >> 1);
  std::string bytes;
  ByteWriter writer(&bytes);
  writer.Fixed(std::uint16_t{0x1234});
  writer.BigEndian32(7);
  writer.BigEndian64(8);
  writer.Varint(~std::uint64_t{0});
  writer.SignedVarint(std::numeric_limits<std::int64_t>::min());
  writer.SignedVarint(-1);
  for (const Int128 value : {Int128{0}, Int128{-1}, wide, Int128{-wide - 1}})
    writer.SignedVarint128(value);
  writer.String("text");

  ByteReader reader(bytes);
  EXPECT_EQ(reader.Fixed<std::uint16_t>(), 0x1234);
  EXPECT_EQ(reader.BigEndian32(), 7U);
  EXPECT_EQ(reader.BigEndian64(), 8U);
  EXPECT_EQ(reader.Varint(), ~std::uint64_t{0});
  EXPECT_EQ(reader.SignedVarint(), std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(reader.SignedVarint(), -1);
  for (const Int128 value : {Int128{0}, Int128{-1}, wide, Int128{-wide - 1}}) {
    EXPECT_TRUE(reader.SignedVarint128() == value);
  }
  EXPECT_EQ(reader.String(), "text");
  EXPECT_TRUE(reader.done());
  EXPECT_TRUE(reader.ok());
}

TEST(BytesTest, AReaderThatFailedOnceStaysFailed) {
  const auto fails = [](std::string_view bytes, auto read) {
    ByteReader reader(bytes);
    read(&reader);
    EXPECT_FALSE(reader.ok());
    EXPECT_EQ(reader.Varint(), 0U);
    EXPECT_FALSE(reader.ok());
  };
  fails("abc", [](ByteReader* r) { static_cast<void>(r->Fixed<std::uint32_t>()); });
  fails(
      "\x05"
      "abc",
      [](ByteReader* r) { static_cast<void>(r->String()); });
  fails("\x80", [](ByteReader* r) { static_cast<void>(r->Varint()); });
  fails(std::string(11, '\x80'), [](ByteReader* r) { static_cast<void>(r->Varint()); });
  fails(std::string(20, '\x80'), [](ByteReader* r) { static_cast<void>(r->SignedVarint128()); });
}

}  // namespace
}  // namespace barograph
