#include "storage/log/record.h"

#include <gtest/gtest.h>
#include <zstd.h>

#include <cstring>

#include "storage/base/digest.h"

namespace barograph::storage {
namespace {

Time At(std::int64_t nanos) { return Time(Duration(nanos)); }

std::string Repetitive(std::size_t bytes) {
  std::string text;
  while (text.size() < bytes) text += "agent-" + std::to_string(text.size() % 7) + " completed ";
  text.resize(bytes);
  return text;
}

/// Incompressible, and the same in every run.
std::string Noise(std::size_t bytes) {
  std::string noise;
  for (std::uint64_t i = 0; noise.size() < bytes; ++i) {
    noise += Bytes(Sha256(std::to_string(i)));
  }
  noise.resize(bytes);
  return noise;
}

RecordHeader HeaderFor(const SealedPayload& payload) {
  RecordHeader header;
  header.flags = kRecordEvaluate | kRecordDecided | kRecordKafka;
  header.compression = payload.compression;
  header.count = 500;
  header.payload_bytes = payload.uncompressed_bytes;
  header.stored_bytes = static_cast<std::uint32_t>(payload.bytes.size());
  header.payload_crc = payload.crc;
  header.payload_digest = payload.digest;
  header.first_sequence = {77};
  header.log_time = At(1'700'000'000'000'000'001);
  header.min_event_time = At(-5);
  header.max_event_time = At(INT64_MAX);
  header.tenant = "acme";
  header.principal = "key-1";
  header.producer = "fleet-7";
  header.epoch = UINT64_MAX;
  header.producer_sequence = 12'345;
  header.previous_link = Sha256("previous");
  return header;
}

std::string Encode(const RecordHeader& header, const SealedPayload& payload) {
  std::string record;
  EncodeRecordHeader(header, &record);
  return record + payload.bytes;
}

TEST(RecordTest, WhatWasEncodedIsReadBack) {
  const auto check = [](const std::string& payload, Compression compression) {
    const SealedPayload sealed = SealPayload(payload);
    EXPECT_EQ(sealed.compression, compression) << payload.size();
    EXPECT_LE(sealed.bytes.size(), payload.size());
    const RecordHeader header = HeaderFor(sealed);
    const std::string record = Encode(header, sealed);
    const Result<RecordView> view = DecodeRecord(record);
    ASSERT_TRUE(view.ok()) << view.error().ToString();
    const RecordHeader& read = view->header;
    EXPECT_EQ(read.flags, header.flags);
    EXPECT_EQ(read.count, header.count);
    EXPECT_EQ(read.first_sequence, header.first_sequence);
    EXPECT_EQ(read.last_sequence(), Sequence{576});
    EXPECT_EQ(read.log_time, header.log_time);
    EXPECT_EQ(read.min_event_time, header.min_event_time);
    EXPECT_EQ(read.max_event_time, header.max_event_time);
    EXPECT_EQ(read.tenant, "acme");
    EXPECT_EQ(read.principal, "key-1");
    EXPECT_EQ(read.producer, "fleet-7");
    EXPECT_EQ(read.epoch, header.epoch);
    EXPECT_EQ(read.producer_sequence, header.producer_sequence);
    EXPECT_EQ(read.payload_digest, Sha256(sealed.bytes));
    EXPECT_EQ(read.previous_link, header.previous_link);
    EXPECT_TRUE(CheckPayloadCrc(*view).ok());
    EXPECT_TRUE(CheckPayloadDigest(*view).ok());
    std::string buffer;
    const Result<std::string_view> opened = OpenPayload(*view, &buffer);
    ASSERT_TRUE(opened.ok()) << opened.error().ToString();
    EXPECT_EQ(*opened, payload);
  };
  check("", Compression::kNone);
  check("x", Compression::kNone);
  check(Noise(10'000), Compression::kNone);
  check(Repetitive(50'000), Compression::kLz4);
  check(Repetitive(64), Compression::kLz4);
  check(Repetitive(4U << 20U), Compression::kLz4);
  check(Repetitive(100), Compression::kLz4);  // after a larger one: the buffer is reused
}

TEST(RecordTest, AZstdPayloadIsRead) {
  const std::string payload = Repetitive(20'000);
  SealedPayload sealed{.compression = Compression::kZstd, .uncompressed_bytes = 20'000};
  sealed.bytes.resize(ZSTD_compressBound(payload.size()));
  sealed.bytes.resize(
      ZSTD_compress(sealed.bytes.data(), sealed.bytes.size(), payload.data(), payload.size(), 1));
  const std::string record = Encode(HeaderFor(sealed), sealed);
  const Result<RecordView> view = DecodeRecord(record);
  ASSERT_TRUE(view.ok());
  std::string buffer;
  const Result<std::string_view> opened = OpenPayload(*view, &buffer);
  ASSERT_TRUE(opened.ok()) << opened.error().ToString();
  EXPECT_EQ(*opened, payload);
}

TEST(RecordTest, EveryFlippedBitIsFound) {
  const SealedPayload sealed = SealPayload(Repetitive(300));
  const std::string record = Encode(HeaderFor(sealed), sealed);
  for (std::size_t bit = 0; bit < record.size() * 8; ++bit) {
    std::string damaged = record;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
    const Result<RecordView> view = DecodeRecord(damaged);
    if (!view.ok()) {
      EXPECT_EQ(view.error().code(), ErrorCode::kCorruption) << bit;
      continue;
    }
    EXPECT_FALSE(CheckPayloadCrc(*view).ok()) << bit;
    EXPECT_FALSE(CheckPayloadDigest(*view).ok()) << bit;
  }
}

TEST(RecordTest, EveryCutAndEveryTailIsFound) {
  const SealedPayload sealed = SealPayload(Noise(100));
  const std::string record = Encode(HeaderFor(sealed), sealed);
  for (std::size_t bytes = 0; bytes < record.size(); ++bytes) {
    EXPECT_FALSE(DecodeRecord(record.substr(0, bytes)).ok()) << bytes;
  }
  EXPECT_FALSE(DecodeRecord(record + "x").ok());
}

TEST(RecordTest, AnUnknownFormatIsNamedAndNotCalledDamage) {
  const SealedPayload sealed = SealPayload("payload");
  std::string record = Encode(HeaderFor(sealed), sealed);
  record[0] = 9;
  std::uint16_t header_bytes = 0;
  std::memcpy(&header_bytes, record.data() + 2, sizeof(header_bytes));
  const std::string_view all = record;
  const std::uint32_t crc = Crc32c(all.substr(8, header_bytes - 8U), Crc32c(all.substr(0, 4)));
  std::memcpy(record.data() + 4, &crc, sizeof(crc));
  const Result<RecordView> view = DecodeRecord(record);
  ASSERT_FALSE(view.ok());
  EXPECT_EQ(view.error().code(), ErrorCode::kFailedPrecondition);
  EXPECT_NE(view.error().message().find("format 9"), std::string::npos);
}

TEST(RecordTest, ALyingSizeIsRefusedBeforeMemoryIsTaken) {
  const auto check = [](std::uint32_t claimed, Compression compression, const std::string& stored) {
    SealedPayload sealed{.bytes = stored, .compression = compression};
    RecordHeader header = HeaderFor(sealed);
    header.payload_bytes = claimed;
    const std::string record = Encode(header, sealed);
    const Result<RecordView> view = DecodeRecord(record);
    if (!view.ok()) return;
    std::string buffer;
    EXPECT_FALSE(OpenPayload(*view, &buffer).ok());
    EXPECT_LT(buffer.size(), 4096U);
  };
  check(UINT32_MAX, Compression::kNone, "abc");
  check(UINT32_MAX, Compression::kLz4, "abc");
  check(kRecordPayloadBytesMax, Compression::kNone, "abc");
  check(kRecordPayloadBytesMax, Compression::kLz4, "abc");
  check(kRecordPayloadBytesMax, Compression::kZstd, "abc");
  check(4, Compression::kNone, "abc");
  check(4, static_cast<Compression>(7), "abcd");
}

TEST(RecordTest, TheLinkDependsOnTheLinkBeforeAndOnEveryHeaderByteButTheChecksum) {
  const SealedPayload sealed = SealPayload("payload");
  std::string encoded;
  EncodeRecordHeader(HeaderFor(sealed), &encoded);
  const Digest link = RecordLink(Sha256("before"), encoded);
  EXPECT_NE(RecordLink(Sha256("other"), encoded), link);
  for (std::size_t i = 0; i < encoded.size(); ++i) {
    std::string other = encoded;
    other[i] = static_cast<char>(other[i] ^ 1);
    const bool checksum = i >= 4 && i < 8;
    EXPECT_EQ(RecordLink(Sha256("before"), other) == link, checksum) << i;
  }
}

}  // namespace
}  // namespace barograph::storage
