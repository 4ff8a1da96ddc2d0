#include "storage/rocks/manifest_view.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "storage/rocks/database.h"

namespace barograph::storage {
namespace {

namespace fs = std::filesystem;

class ManifestViewTest : public testing::Test {
 protected:
  void SetUp() override {
    options_.directory = testing::TempDir() + "manifest_view_" +
                         testing::UnitTest::GetInstance()->current_test_info()->name();
    fs::remove_all(options_.directory);
    const Result<std::unique_ptr<Database>> database = Database::Open(options_);
    ASSERT_TRUE(database.ok());
    WriteGroup group;
    group.Put(Table::kMeta, "key", "value");
    ASSERT_TRUE((*database)->Write(group, true).ok());
  }
  void TearDown() override { fs::remove_all(options_.directory); }

  fs::path Manifest() {
    std::string name;
    std::getline(std::ifstream(options_.directory + "/CURRENT"), name);
    return fs::path(options_.directory) / name;
  }
  std::string Content() {
    std::stringstream content;
    content << std::ifstream(Manifest(), std::ios::binary).rdbuf();
    return content.str();
  }
  void Replace(const std::string& content) {
    std::ofstream(Manifest(), std::ios::binary | std::ios::trunc) << content;
  }

  DatabaseOptions options_;
};

TEST_F(ManifestViewTest, AManifestOfRocksDbIsWholeToItsEnd) {
  EXPECT_EQ(WholeRecordBytes(Content()), Content().size());
  EXPECT_GT(Content().size(), 0U);
}

TEST_F(ManifestViewTest, EveryCutAndEveryFlippedBitEndsTheWholeRecordsBeforeIt) {
  const std::string whole = Content();
  for (std::size_t bytes = 0; bytes <= whole.size(); ++bytes) {
    EXPECT_LE(WholeRecordBytes(whole.substr(0, bytes)), bytes);
  }
  for (std::size_t bit = 0; bit < whole.size() * 8; ++bit) {
    std::string damaged = whole;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
    EXPECT_LE(WholeRecordBytes(damaged), bit / 8) << bit;
  }
}

TEST_F(ManifestViewTest, ATornTailOfTheManifestIsRefusedAndLeftOutOnDemand) {
  const std::string whole = Content();
  // An edit of more than a sector, of which only the later sector came to the disk.
  std::string torn = whole + std::string(512, '\0') + std::string(300, '\x5A');
  torn[whole.size() + 4] = 100;  // a length, so that it is not taken for padding
  torn[whole.size() + 6] = 1;
  Replace(torn);
  EXPECT_EQ(WholeRecordBytes(torn), whole.size());
  const Result<std::unique_ptr<Database>> refused = Database::Open(options_);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code(), ErrorCode::kCorruption);
  EXPECT_EQ(Content(), torn);

  options_.recovery = TailRecovery::kPointInTime;
  options_.read_only = true;
  {
    const Result<std::unique_ptr<Database>> seen = Database::Open(options_);
    ASSERT_TRUE(seen.ok()) << seen.error().ToString();
    EXPECT_EQ(*(*seen)->Get(Table::kMeta, "key"), "value");
    EXPECT_EQ(Content(), torn);
  }
  options_.read_only = false;
  ASSERT_TRUE(Database::Open(options_).ok());
  options_.recovery = TailRecovery::kTolerateTornRecord;
  const Result<std::unique_ptr<Database>> mended = Database::Open(options_);
  ASSERT_TRUE(mended.ok()) << mended.error().ToString();
  EXPECT_EQ(*(*mended)->Get(Table::kMeta, "key"), "value");
}

}  // namespace
}  // namespace barograph::storage
