#include "storage/rocks/fixed_file.h"

#include <gtest/gtest.h>

#include <filesystem>

namespace barograph::storage {
namespace {

TEST(FixedFileTest, ItIsMadeOverwrittenInPlaceAndReadBack) {
  const std::string folder = testing::TempDir() + "fixed_file";
  std::filesystem::remove_all(folder);
  std::filesystem::create_directories(folder);
  const std::string path = folder + "/file";
  EXPECT_EQ(FixedFile::Read(nullptr, path, 10).error().code(), ErrorCode::kNotFound);
  EXPECT_FALSE(FixedFile::Open(nullptr, path).ok());

  ASSERT_TRUE(FixedFile::Create(nullptr, path, "0123456789").ok());
  Result<std::unique_ptr<FixedFile>> file = FixedFile::Open(nullptr, path);
  ASSERT_TRUE(file.ok()) << file.error().ToString();
  ASSERT_TRUE((*file)->Write(3, "abc").ok());
  ASSERT_TRUE((*file)->Sync().ok());
  EXPECT_EQ(*FixedFile::Read(nullptr, path, 10), "012abc6789");
  EXPECT_EQ(*FixedFile::Read(nullptr, path, 4), "012a");
  EXPECT_EQ(*FixedFile::Read(nullptr, path, 100), "012abc6789");

  ASSERT_TRUE(FixedFile::Create(nullptr, path, "new").ok());
  EXPECT_EQ(*FixedFile::Read(nullptr, path, 100), "new");
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace barograph::storage
