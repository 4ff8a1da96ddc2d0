#include "ingest/formats/csv_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace barograph::ingest {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

struct ReadBack {
  std::vector<std::vector<std::string>> records;
  std::vector<std::uint64_t> lines;
  std::string error;
};

ReadBack ReadAll(std::string_view text, CsvReader::Options options = {}) {
  const std::filesystem::path path = std::filesystem::path(testing::TempDir()) / "records.csv";
  std::ofstream(path, std::ios::binary) << text;
  auto file = GzipReader::Open(path.string());
  EXPECT_TRUE(file.ok());
  LineReader lines(file.value().get());
  CsvReader reader(&lines, options);
  ReadBack back;
  std::vector<std::string> values;
  while (true) {
    const Result<bool> more = reader.Next(&values);
    if (!more.ok()) back.error = more.error().message();
    if (!more.ok() || !more.value()) return back;
    back.records.push_back(values);
    back.lines.push_back(reader.line_number());
  }
}

TEST(CsvReaderTest, ValuesAreSeparatedAndQuotedAsTheRfcSays) {
  const ReadBack back = ReadAll("a,b,c\r\n1,\"x, \"\"y\"\"\",\n\"two\nlines\",2,3\n\n,,\nlast,1,2");
  EXPECT_THAT(back.records,
              ElementsAre(ElementsAre("a", "b", "c"), ElementsAre("1", "x, \"y\"", ""),
                          ElementsAre("two\nlines", "2", "3"), ElementsAre("", "", ""),
                          ElementsAre("last", "1", "2")));
  EXPECT_THAT(back.lines, ElementsAre(1, 2, 3, 6, 7));
  EXPECT_EQ(back.error, "");
}

TEST(CsvReaderTest, BlanksSeparateInRuns) {
  const ReadBack back =
      ReadAll("  id  date\n 00001 19970101  1   11.77 \n \"a b\"\tc\n", {.blanks = true});
  EXPECT_THAT(back.records,
              ElementsAre(ElementsAre("id", "date"), ElementsAre("00001", "19970101", "1", "11.77"),
                          ElementsAre("a b", "c")));
}

TEST(CsvReaderTest, OtherSeparatorsAndAByteOrderMarkWork) {
  EXPECT_THAT(ReadAll("\xEF\xBB\xBF"
                      "a;b\n1;2\n",
                      {.separator = ';'})
                  .records,
              ElementsAre(ElementsAre("a", "b"), ElementsAre("1", "2")));
  EXPECT_THAT(ReadAll("a\tb\n", {.separator = '\t'}).records, ElementsAre(ElementsAre("a", "b")));
}

TEST(CsvReaderTest, MistakesAreTold) {
  EXPECT_THAT(ReadAll("a,\"b\nc").error, HasSubstr("never closed"));
  EXPECT_THAT(ReadAll("a,\"b\"c\n").error, HasSubstr("text after a closing quote"));
  EXPECT_THAT(ReadAll(std::string(5000, ',')).error, HasSubstr("more than 4096 columns"));
  EXPECT_THAT(ReadAll(std::string(3U << 20U, 'x')).error,
              HasSubstr("line 1 has more than 1048576 bytes"));
}

}  // namespace
}  // namespace barograph::ingest
