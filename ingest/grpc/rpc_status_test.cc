// Method: what EncodeRpcStatus writes is read back with protobuf's own reader of unknown fields, so
// that the encoder is not
// checked against itself.
#include "ingest/grpc/rpc_status.h"

#include <gmock/gmock.h>
#include <google/protobuf/any.pb.h>
#include <google/protobuf/empty.pb.h>
#include <google/protobuf/unknown_field_set.h>
#include <gtest/gtest.h>

#include <map>
#include <string>

namespace barograph::ingest {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Key;
using ::testing::Not;

/// google.rpc.Status, read by field numbers.
struct Decoded {
  std::uint64_t code = 0;
  std::string message;
  std::map<std::string, std::string> details;  // short type name -> value
};

Decoded Decode(const std::string& bytes) {
  google::protobuf::UnknownFieldSet fields;
  EXPECT_TRUE(fields.ParseFromString(bytes));
  Decoded decoded;
  for (int i = 0; i < fields.field_count(); ++i) {
    const auto& field = fields.field(i);
    if (field.number() == 1) decoded.code = field.varint();
    if (field.number() == 2) decoded.message = field.length_delimited();
    if (field.number() != 3) continue;
    google::protobuf::Any any;
    EXPECT_TRUE(any.ParseFromString(field.length_delimited()));
    constexpr std::string_view kPrefix = "type.googleapis.com/google.rpc.";
    EXPECT_EQ(any.type_url().substr(0, kPrefix.size()), kPrefix);
    decoded.details[any.type_url().substr(kPrefix.size())] = any.value();
  }
  return decoded;
}

TEST(RpcStatusTest, EveryErrorNamesItsReasonAndDomain) {
  const Decoded decoded =
      Decode(EncodeRpcStatus(Error(ErrorCode::kLocked, "in use"), std::nullopt));
  EXPECT_EQ(decoded.code, 14U);
  EXPECT_EQ(decoded.message, "in use");
  ASSERT_THAT(decoded.details, Contains(Key("ErrorInfo")));
  EXPECT_THAT(decoded.details.at("ErrorInfo"), HasSubstr("LOCKED"));
  EXPECT_THAT(decoded.details.at("ErrorInfo"), HasSubstr("barograph.dev"));
  EXPECT_THAT(decoded.details, Not(Contains(Key("RetryInfo"))));
}

TEST(RpcStatusTest, RetryInfoCarriesSecondsAndNanos) {
  const Decoded decoded = Decode(EncodeRpcStatus(Error(ErrorCode::kResourceExhausted, "full"),
                                                 std::chrono::milliseconds(1500)));
  google::protobuf::UnknownFieldSet retry, delay;
  ASSERT_TRUE(retry.ParseFromString(decoded.details.at("RetryInfo")));
  ASSERT_TRUE(delay.ParseFromString(retry.field(0).length_delimited()));
  EXPECT_EQ(delay.field(0).varint(), 1U);
  EXPECT_EQ(delay.field(1).varint(), 500'000'000U);
}

TEST(RpcStatusTest, AnInvalidFieldIsNamedByItsPath) {
  const Decoded decoded = Decode(EncodeRpcStatus(
      Error(ErrorCode::kInvalidArgument, "events[17].cost.amount: -1 USD is negative"),
      std::nullopt));
  google::protobuf::UnknownFieldSet bad_request, violation;
  ASSERT_TRUE(bad_request.ParseFromString(decoded.details.at("BadRequest")));
  ASSERT_TRUE(violation.ParseFromString(bad_request.field(0).length_delimited()));
  EXPECT_EQ(violation.field(0).length_delimited(), "events[17].cost.amount");
  EXPECT_EQ(violation.field(1).length_delimited(), "-1 USD is negative");
}

TEST(RpcStatusTest, FieldPathIsOnlyWhatLooksLikeOne) {
  const auto path = [](std::string_view message) { return FieldPathOf(message); };
  EXPECT_EQ(path("producer_id: too long"), "producer_id");
  EXPECT_EQ(path("events[3].time: in the future"), "events[3].time");
  EXPECT_THAT(path("The queue is full"), IsEmpty());
  EXPECT_THAT(path("cannot read: x"), IsEmpty());
  EXPECT_THAT(path(": x"), IsEmpty());
}

TEST(RpcStatusTest, CodesFollowTheTable) {
  const auto maps = [](ErrorCode code, RpcCode expected) { EXPECT_EQ(ToRpcCode(code), expected); };
  maps(ErrorCode::kInvalidArgument, RpcCode::kInvalidArgument);
  maps(ErrorCode::kNotFound, RpcCode::kNotFound);
  maps(ErrorCode::kAlreadyExists, RpcCode::kAlreadyExists);
  maps(ErrorCode::kFailedPrecondition, RpcCode::kFailedPrecondition);
  maps(ErrorCode::kResourceExhausted, RpcCode::kResourceExhausted);
  maps(ErrorCode::kUnavailable, RpcCode::kUnavailable);
  maps(ErrorCode::kDeadlineExceeded, RpcCode::kDeadlineExceeded);
  maps(ErrorCode::kCorruption, RpcCode::kDataLoss);
  maps(ErrorCode::kDataLoss, RpcCode::kDataLoss);
  maps(ErrorCode::kIo, RpcCode::kInternal);
  maps(ErrorCode::kInternal, RpcCode::kInternal);
}

}  // namespace
}  // namespace barograph::ingest
