#include "storage/log/frontier.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "storage/base/bytes.h"
#include "storage/base/digest.h"

namespace barograph::storage {
namespace {

using Found = FrontierRecord::Found;
constexpr std::size_t kStride = 4096;

class FrontierTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = testing::TempDir() + "frontier_" +
              testing::UnitTest::GetInstance()->current_test_info()->name();
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
    path_ = folder_ + "/frontier";
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  FrontierRecord Read() {
    const Result<FrontierRecord> record = Frontier::Read(nullptr, path_);
    EXPECT_TRUE(record.ok()) << record.error().ToString();
    return record.ok() ? *record : FrontierRecord{};
  }
  std::unique_ptr<Frontier> Open() {
    Result<std::unique_ptr<Frontier>> frontier = Frontier::Open(nullptr, path_, Read(), clock_);
    EXPECT_TRUE(frontier.ok()) << frontier.error().ToString();
    return std::move(*frontier);
  }
  std::string Content() {
    std::stringstream content;
    content << std::ifstream(path_, std::ios::binary).rdbuf();
    return content.str();
  }
  void Replace(const std::string& content) {
    std::ofstream(path_, std::ios::binary | std::ios::trunc) << content;
  }
  static Position At(std::uint64_t sequence) {
    return {.sequence = {sequence},
            .link = Sha256(std::to_string(sequence)),
            .log_time = Time(Duration(sequence * 1000))};
  }

  SimulatedClock clock_{Time{}};
  std::string folder_, path_;
};

TEST_F(FrontierTest, AnAbsentFileAndAnUnreadableOneAreTold) {
  EXPECT_EQ(Read().found, Found::kAbsent);
  Replace("");
  EXPECT_EQ(Read().found, Found::kInvalid);
  Replace(std::string(2 * kStride, '\0'));
  EXPECT_EQ(Read().found, Found::kInvalid);
}

TEST_F(FrontierTest, TheLastPositionIsReadBackWithoutAnySync) {
  const auto frontier = Open();
  for (std::uint64_t i = 1; i <= 5; ++i) {
    ASSERT_TRUE(frontier->Advance(At(i)).ok());
    EXPECT_EQ(Read().found, Found::kValid);
    EXPECT_EQ(Read().position, At(i));
  }
}

TEST_F(FrontierTest, TheSyncedSlotStaysWhileTheOtherIsWritten) {
  auto frontier = Open();
  ASSERT_TRUE(frontier->Advance(At(1)).ok());
  ASSERT_TRUE(frontier->Sync().ok());
  const int synced = Read().slot;
  for (std::uint64_t i = 2; i <= 10; ++i) {
    ASSERT_TRUE(frontier->Advance(At(i)).ok());
    EXPECT_NE(Read().slot, synced);
  }
  std::string torn = Content();
  const std::size_t other = static_cast<std::size_t>(1 - synced) * kStride;
  torn.replace(other, 40, std::string(40, '\xAA'));
  Replace(torn);
  EXPECT_EQ(Read().position, At(1));
}

TEST_F(FrontierTest, ItSyncsAtMostOnceASecond) {
  const auto frontier = Open();
  const auto advance = [&](std::uint64_t sequence) {
    ASSERT_TRUE(frontier->Advance(At(sequence)).ok());
    ASSERT_TRUE(frontier->SyncIfDue().ok());
  };
  advance(1);
  const int slot = Read().slot;
  clock_.Advance(std::chrono::milliseconds(999));
  advance(2);
  advance(3);
  EXPECT_EQ(Read().slot, slot);
  clock_.Advance(std::chrono::milliseconds(1));
  advance(4);  // the slot's last write before its sync
  EXPECT_EQ(Read().slot, slot);
  advance(5);
  EXPECT_NE(Read().slot, slot);
}

TEST_F(FrontierTest, EveryFlippedBitInTheNewestSlotFallsBackToTheOther) {
  {
    const auto frontier = Open();
    ASSERT_TRUE(frontier->Advance(At(1)).ok());
    ASSERT_TRUE(frontier->Sync().ok());
    ASSERT_TRUE(frontier->Advance(At(2)).ok());
  }
  const std::size_t begin = static_cast<std::size_t>(Read().slot) * kStride;
  ASSERT_EQ(Read().position, At(2));
  const std::string whole = Content();
  for (std::size_t bit = 0; bit < 68 * 8; ++bit) {
    std::string damaged = whole;
    char& byte = damaged[begin + bit / 8];
    byte = static_cast<char>(byte ^ (1 << (bit % 8)));
    Replace(damaged);
    EXPECT_EQ(Read().position, At(1)) << bit;
  }
}

TEST_F(FrontierTest, ItGoesOnAfterAReopenAlsoBackwards) {
  {
    const auto frontier = Open();
    ASSERT_TRUE(frontier->Advance(At(100)).ok());
  }
  {
    const auto frontier = Open();
    EXPECT_EQ(Read().position, At(100));
    ASSERT_TRUE(frontier->Advance(At(40)).ok());  // an accepted loss
  }
  EXPECT_EQ(Read().position, At(40));
}

TEST_F(FrontierTest, AnUnknownFormatIsRefused) {
  Open().reset();
  std::string content = Content();
  for (std::size_t begin = 0; begin < 2 * kStride; begin += kStride) {
    content.replace(begin, 4, "BGFR");
    content[begin + 4] = 7;
    const std::uint32_t crc = Crc32c(std::string_view(content).substr(begin, 64));
    content.replace(begin + 64, 4, reinterpret_cast<const char*>(&crc), 4);
  }
  Replace(content);
  const Result<FrontierRecord> record = Frontier::Read(nullptr, path_);
  ASSERT_FALSE(record.ok());
  EXPECT_EQ(record.error().code(), ErrorCode::kFailedPrecondition);
}

}  // namespace
}  // namespace barograph::storage
