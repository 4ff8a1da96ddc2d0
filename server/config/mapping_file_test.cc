#include "server/config/mapping_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

namespace barograph::server {
namespace {

using testing::HasSubstr;

TEST(MappingFileTest, EveryKeyIsRead) {
  const auto spec = ReadMappingFile(R"(apiVersion: barograph/v1
source: shop
format: csv
separator: ";"
header: false
skip: 2
timezone: America/New_York
time_format: "%Y%m%d"
currency: EUR
columns: {time: 2, payment.amount: 4, labels.team: 5}
constants: {payment.type: charge}
)",
                                    "m.yaml");
  ASSERT_TRUE(spec.ok()) << spec.error().message();
  EXPECT_EQ(spec->source, "shop");
  EXPECT_EQ(spec->separator, ';');
  EXPECT_FALSE(spec->header);
  EXPECT_EQ(spec->skip, 2U);
  EXPECT_EQ(spec->timezone, "America/New_York");
  EXPECT_EQ(spec->time_format, "%Y%m%d");
  EXPECT_EQ(spec->currency, "EUR");
  EXPECT_EQ(spec->columns.size(), 3U);
  EXPECT_EQ(spec->constants[0].second, "charge");
}

TEST(MappingFileTest, MistakesNameTheirPlaceAndWhatWouldBeRight) {
  const auto refuses = [](const std::string& lines, std::string_view told) {
    const auto spec = ReadMappingFile("apiVersion: barograph/v1\nsource: s\n" + lines, "m.yaml");
    ASSERT_FALSE(spec.ok()) << lines;
    EXPECT_THAT(spec.error().message(), HasSubstr(std::string(told)));
  };
  refuses("columns: {cost.tokens.inputs: a}\n",
          "m.yaml:3:11: 'cost.tokens.inputs': unknown field 'inputs'; did you mean 'input'?");
  refuses("columns: {config_applied.hash: a}\n", "is made by the server");
  refuses("columns: {cost.tokens: a}\n",
          "is a group of fields; name one of them, e.g. cost.tokens.input");
  refuses("columns: {time: a}\nconstants: {payment.type: chrage}\n",
          "m.yaml:4:27: constants: payment.type: 'chrage' is none of CHARGE");
  refuses("columns: {time: a}\ntimezone: Mars/Base\n",
          "m.yaml:4:11: timezone: 'Mars/Base' is not a zone");
  refuses("columns: {time: a}\nseparator: ab\n", "is not one character, `tab` or `blanks`");
  refuses("colums: {time: a}\n",
          "m.yaml:3:1: unknown key 'colums' in a mapping; did you mean 'columns'?");
  refuses("format: xml\n", "format: 'xml' is none of csv, ndjson, task-log, json");
  refuses("format: csv\n", "columns: is missing");
  refuses("format: task-log\ncolumns: {time: a}\n",
          "m.yaml:4:10: columns: belong to csv and ndjson");
}

TEST(MappingFileTest, ShippedExamplesAreGood) {
  const std::filesystem::path folder =
      std::filesystem::path(BAROGRAPH_SOURCE_DIR) / "tests/golden/import";
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() != ".yaml") continue;
    ++files;
    std::ostringstream text;
    text << std::ifstream(entry.path()).rdbuf();
    const auto spec = ReadMappingFile(text.str(), entry.path().string());
    EXPECT_TRUE(spec.ok()) << spec.error().message();
  }
  EXPECT_GE(files, 3);
}

}  // namespace
}  // namespace barograph::server
