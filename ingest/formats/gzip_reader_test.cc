#include "ingest/formats/gzip_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include <filesystem>
#include <fstream>

#include "storage/base/digest.h"

namespace barograph::ingest {
namespace {

class GzipReaderTest : public testing::Test {
 protected:
  std::string path_ = (std::filesystem::path(testing::TempDir()) / "text.gz").string();

  void WriteGzip(std::string_view text, const char* mode) const {
    const gzFile file = gzopen(path_.c_str(), mode);
    ASSERT_NE(file, nullptr);
    ASSERT_EQ(gzwrite(file, text.data(), static_cast<unsigned>(text.size())),
              static_cast<int>(text.size()));
    ASSERT_EQ(gzclose(file), Z_OK);
  }
  void WritePlain(std::string_view text) const { std::ofstream(path_, std::ios::binary) << text; }
  [[nodiscard]] Result<std::string> ReadAll() const {
    BAROGRAPH_ASSIGN(auto reader, GzipReader::Open(path_));
    std::string text;
    for (bool more = true; more;) {
      BAROGRAPH_ASSIGN(more, reader->Read(&text));
    }
    EXPECT_EQ(reader->file_bytes_read(), reader->file_bytes());
    return text;
  }
};

std::string LongText() {
  std::string text;
  for (int i = 0; i < 200'000; ++i) text += "line " + std::to_string(i * 7919) + "\n";
  return text;
}

TEST_F(GzipReaderTest, PackedAndPlainFilesReadAlike) {
  const std::string text = LongText();
  WriteGzip(text, "wb");
  EXPECT_EQ(ReadAll().value(), text);
  WritePlain(text);
  EXPECT_EQ(ReadAll().value(), text);
  WritePlain("");
  EXPECT_EQ(ReadAll().value(), "");
  WritePlain("\x1f");
  EXPECT_EQ(ReadAll().value(), "\x1f");
}

TEST_F(GzipReaderTest, SeveralMembersAreOneText) {
  WriteGzip("first\n", "wb");
  WriteGzip("second\n", "ab");
  EXPECT_EQ(ReadAll().value(), "first\nsecond\n");
}

TEST_F(GzipReaderTest, ACutOffOrBrokenFileIsTold) {
  WriteGzip(LongText(), "wb");
  const auto size = std::filesystem::file_size(path_);
  std::filesystem::resize_file(path_, size / 2);
  EXPECT_EQ(ReadAll().error().code(), ErrorCode::kCorruption);
  WriteGzip(LongText(), "wb");
  {
    std::fstream file(path_, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(static_cast<std::streamoff>(size / 2));
    file << "garbage garbage garbage";
  }
  EXPECT_EQ(ReadAll().error().code(), ErrorCode::kCorruption);
}

TEST_F(GzipReaderTest, MissingFilesAndFoldersAreNamed) {
  EXPECT_EQ(GzipReader::Open("/nowhere/file").error().code(), ErrorCode::kNotFound);
  EXPECT_EQ(GzipReader::Open(testing::TempDir()).error().code(), ErrorCode::kNotFound);
}

TEST_F(GzipReaderTest, TheHashIsOfTheBytesOnDisk) {
  WritePlain("abc");
  EXPECT_EQ(HashFile(path_).value(), Sha256("abc"));
}

TEST_F(GzipReaderTest, LinesKeepTheirNumbersAndLoseTheirEnds) {
  WritePlain("one\r\n\nthree");
  auto file = GzipReader::Open(path_);
  ASSERT_TRUE(file.ok());
  LineReader lines(file.value().get());
  std::string_view line;
  const auto next = [&](std::string_view expected, std::uint64_t number) {
    ASSERT_TRUE(lines.Next(&line).value());
    EXPECT_EQ(line, expected);
    EXPECT_EQ(lines.line_number(), number);
  };
  next("one", 1);
  next("", 2);
  next("three", 3);
  EXPECT_FALSE(lines.Next(&line).value());
}

}  // namespace
}  // namespace barograph::ingest
