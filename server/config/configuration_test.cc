#include "server/config/configuration.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

// Method: real files in a folder of the test's own; the environment is given as a map, never read
// from the process.
namespace barograph::server {
namespace {

using testing::HasSubstr;
using testing::Not;

class ConfigurationTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::path(testing::TempDir()) /
              testing::UnitTest::GetInstance()->current_test_info()->name();
    std::filesystem::create_directories(folder_);
  }
  std::string Write(const std::string& name, std::string_view text) {
    std::ofstream(folder_ / name) << text;
    return (folder_ / name).string();
  }
  static const Setting& Find(const Configuration& configuration, std::string_view path) {
    const auto found = std::find_if(configuration.settings.begin(), configuration.settings.end(),
                                    [&](const Setting& setting) { return setting.path == path; });
    EXPECT_NE(found, configuration.settings.end()) << path;
    return *found;
  }
  static std::string Refusal(const ConfigSources& sources) {
    const auto configuration = LoadConfiguration(sources);
    EXPECT_FALSE(configuration.ok());
    return configuration.ok() ? "" : configuration.error().message();
  }

  std::filesystem::path folder_;
};

TEST_F(ConfigurationTest, WithoutAnythingTheDefaultsHold) {
  const auto configuration = LoadConfiguration({});
  ASSERT_TRUE(configuration.ok());
  EXPECT_EQ(configuration->server.listen, "127.0.0.1:7171");
  EXPECT_EQ(configuration->server.http, "127.0.0.1:7172");
  EXPECT_EQ(Find(*configuration, "limits.queue_bytes").value, "64MiB");
  for (const Setting& setting : configuration->settings) EXPECT_EQ(setting.source, "default");
}

TEST_F(ConfigurationTest, LaterSourcesWinAndAreNamed) {
  const std::string file = Write(
      "barograph.yaml",
      "listen: 127.0.0.1:1\nhttp: 127.0.0.1:2\ntimezone: Europe/Berlin\nlog: {level: warn}\n");
  const auto configuration =
      LoadConfiguration({.file = file,
                         .environment = {{"BAROGRAPH_HTTP", "127.0.0.1:3"},
                                         {"BAROGRAPH_TIMEZONE", "Asia/Tokyo"},
                                         {"BAROGRAPH_LIMITS__QUEUE_BYTES", "2MiB"},
                                         {"BAROGRAPH_SERVICE_HOST", "10.0.0.1"},
                                         {"PATH", "/bin"}},
                         .flags = {{"timezone", "America/New_York"}}});
  ASSERT_TRUE(configuration.ok()) << configuration.error().message();
  const auto is = [&](std::string_view path, std::string_view value, std::string_view source) {
    EXPECT_EQ(Find(*configuration, path).value, value);
    EXPECT_EQ(Find(*configuration, path).source, source);
  };
  is("listen", "127.0.0.1:1", file + ":1:9");
  is("http", "127.0.0.1:3", "BAROGRAPH_HTTP");
  is("timezone", "America/New_York", "flag");
  is("limits.queue_bytes", "2MiB", "BAROGRAPH_LIMITS__QUEUE_BYTES");
  is("log.level", "warn", file + ":4:14");
  is("data", "barograph-data", "default");
  EXPECT_EQ(configuration->rules.timezone, "America/New_York");
}

TEST_F(ConfigurationTest, RuleFilesAreFoundBesideTheFileThatNamesThem) {
  Write("rules.yaml",
        "apiVersion: barograph/v1\nslos: [{name: a, good: requests.ok, total: requests, objective: "
        "99%, period: 30d}]\n");
  const std::string file = Write(
      "barograph.yaml",
      "rules: [rules.yaml]\nlabels: [team]\nroutes: {receiver: ops}\n"
      "receivers: [{name: ops, webhook: {url: 'http://127.0.0.1:9/', secret: {env: HOOK}}}]\n");
  const auto configuration = LoadConfiguration({.file = file});
  ASSERT_TRUE(configuration.ok()) << configuration.error().message();
  EXPECT_EQ(configuration->rules.slos.size(), 1U);
  EXPECT_EQ(configuration->rules.receivers.at(0).secret_reference, "env:HOOK");
  EXPECT_THAT(configuration->rules.labels, testing::ElementsAre("team"));
  EXPECT_THAT(configuration->files, testing::ElementsAre(file, (folder_ / "rules.yaml").string()));
}

TEST_F(ConfigurationTest, AllMistakesOfAllSourcesComeTogether) {
  Write("rules.yaml",
        "apiVersion: barograph/v1\nslos: [{name: a, good: requests.okay, total: requests, "
        "objective: 99%, period: 30d}]\n");
  const std::string file =
      Write("barograph.yaml",
            "lisen: 127.0.0.1:1\nhttp: 7172\ntimezone: Europe/Berln\nrules: [rules.yaml, "
            "gone.yaml]\ntls: {}\nlimits: {queue_bytes: 1KiB}\n");
  const std::string told = Refusal(
      {.file = file,
       .environment = {{"BAROGRAPH_LIMITS__QUEUE_BYTE", "1"}, {"BAROGRAPH_LISTEN", "nowhere"}},
       .flags = {{"timezon", "UTC"}}});
  EXPECT_THAT(
      told,
      HasSubstr(
          "barograph.yaml:1:1: unknown key 'lisen' in the configuration; did you mean 'listen'?"));
  EXPECT_THAT(told, HasSubstr("barograph.yaml:2:7: http: '7172' is not an address"));
  EXPECT_THAT(told, HasSubstr("barograph.yaml:3:11: timezone: 'Europe/Berln' is not a zone"));
  EXPECT_THAT(told, HasSubstr("barograph.yaml:4:8: there is no file"));
  EXPECT_THAT(told, HasSubstr("barograph.yaml:5:1: 'tls' is not supported by this version"));
  EXPECT_THAT(
      told,
      HasSubstr(
          "barograph.yaml:6:23: limits.queue_bytes: '1KiB' is outside of [1048576, 17179869184]"));
  EXPECT_THAT(told, HasSubstr("BAROGRAPH_LIMITS__QUEUE_BYTE: the environment names a setting that "
                              "does not exist; did you mean 'BAROGRAPH_LIMITS__QUEUE_BYTES'?"));
  EXPECT_THAT(told, HasSubstr("BAROGRAPH_LISTEN: listen: 'nowhere' is not an address"));
  EXPECT_THAT(told, HasSubstr("flag: there is no setting 'timezon'; did you mean 'timezone'?"));
  EXPECT_THAT(told, HasSubstr("rules.yaml:2:24: slos[0].good: 'requests.okay' is no measure"));
}

TEST_F(ConfigurationTest, AMissingFileIsToldByName) {
  EXPECT_THAT(Refusal({.file = "/nowhere/barograph.yaml"}),
              HasSubstr("there is no file /nowhere/barograph.yaml"));
  EXPECT_THAT(Refusal({.file = folder_.string()}), HasSubstr("is a folder"));
}

TEST_F(ConfigurationTest, EverySettingIsDocumented) {
  std::ifstream file(std::filesystem::path(BAROGRAPH_SOURCE_DIR) / "docs/configuration.md");
  const std::string text((std::istreambuf_iterator<char>(file)), {});
  for (const SettingSpec& setting : Settings()) {
    const std::string row = "| `" + std::string(setting.path) + "` | `" +
                            setting.show(ServerConfig()) + "` | " + std::string(setting.meaning) +
                            " |";
    EXPECT_THAT(text, HasSubstr(row));
  }
}

TEST(ParseBytesTest, SizesHaveBinaryUnits) {
  const auto is = [](std::string_view text, std::uint64_t bytes) {
    const auto parsed = ParseBytes(text);
    ASSERT_TRUE(parsed.ok()) << text;
    EXPECT_EQ(*parsed, bytes);
  };
  is("65536", 65'536);
  is("64KiB", 65'536);
  is("2 MiB", 2U << 20U);
  for (const std::string_view wrong : {"", "MiB", "64MB", "-1", "99999999999GiB"})
    EXPECT_FALSE(ParseBytes(wrong).ok()) << wrong;
}

}  // namespace
}  // namespace barograph::server
