#include "ingest/admission/admission.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>
#include <utility>

#include "ingest/admission/limits.h"
#include "storage/base/bytes.h"
#include "storage/base/limits.h"
#include "storage/event/event_view.h"
#include "storage/event/utf8.h"

namespace barograph::ingest {
namespace {

// Field numbers of PublishRequest and PublishBatchRequest (ingest.proto), and of Receipt.
enum RequestField : std::uint32_t {
  kProducerId = 1,
  kEpoch = 2,
  kFirstSequence = 3,
  kEvents = 4,
  kLastReceipt = 5,
};
enum ReceiptField : std::uint32_t { kReceiptSequence = 1, kReceiptLink = 2 };
enum WireType : std::uint32_t { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };

struct Tag {
  std::uint64_t field;
  std::uint32_t type;
};

Tag ReadTag(ByteReader* reader) {
  const std::uint64_t tag = reader->Varint();
  return {tag >> 3, static_cast<std::uint32_t>(tag & 7)};
}

Error Broken(std::string_view where) {
  return {ErrorCode::kInvalidArgument,
          "request: " + std::string(where) + " cannot be read as protobuf"};
}

/// Passes over a field that this version does not know. Groups have no length and are refused.
bool SkipField(std::uint32_t type, ByteReader* reader) {
  switch (type) {
    case kVarint:
      (void)reader->Varint();
      break;
    case kFixed64:
      (void)reader->Fixed<std::uint64_t>();
      break;
    case kBytes:
      (void)reader->String();
      break;
    case kFixed32:
      (void)reader->Fixed<std::uint32_t>();
      break;
    default:
      return false;
  }
  return reader->ok();
}

/// Producer ids are logged and shown.
bool IsPrintableUtf8(std::string_view text) {
  const auto is_control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; };
  return storage::IsUtf8(text) && std::none_of(text.begin(), text.end(), is_control);
}

Result<Receipt> ReadReceipt(std::string_view wire) {
  Receipt receipt;
  ByteReader reader(wire);
  bool has_link = false;
  while (!reader.done()) {
    const Tag tag = ReadTag(&reader);
    if (tag.field == kReceiptSequence && tag.type == kVarint) {
      receipt.sequence.value = reader.Varint();
    } else if (tag.field == kReceiptLink && tag.type == kBytes) {
      const std::string_view link = reader.String();
      if (link.size() != receipt.link.size()) {
        return Error(ErrorCode::kInvalidArgument,
                     "last_receipt.link: " + std::to_string(link.size()) + " bytes; a link has 32");
      }
      std::copy(link.begin(), link.end(), receipt.link.begin());
      has_link = true;
    } else if (tag.field == 0 || !SkipField(tag.type, &reader)) {
      return Broken("last_receipt");
    }
  }
  if (!reader.ok()) return Broken("last_receipt");
  if (receipt.sequence.value == 0 || !has_link) {
    return Error(ErrorCode::kInvalidArgument, "last_receipt: needs a sequence from 1 and a link");
  }
  return receipt;
}

/// The request's own fields, as far as they were met.
struct RequestHead {
  std::string producer;
  std::uint64_t epoch = 0;
  std::uint64_t first_sequence = 0;
  std::optional<Receipt> receipt;
  std::uint32_t seen = 0;  ///< bit per field: a singular field twice has two readings
};

Status ReadHeadField(Tag tag, ByteReader* reader, RequestHead* head) {
  const bool known = tag.field >= kProducerId && tag.field <= kLastReceipt;
  if (tag.field == 0) return Broken("a field tag");
  if (!known) return SkipField(tag.type, reader) ? Status() : Broken("an unknown field");
  const std::uint32_t bit = 1U << tag.field;
  if ((head->seen & bit) != 0) {
    return Error(ErrorCode::kInvalidArgument,
                 "request: field " + std::to_string(tag.field) + " comes twice");
  }
  head->seen |= bit;
  const std::uint32_t expected =
      tag.field == kProducerId || tag.field == kLastReceipt ? kBytes : kVarint;
  if (tag.type != expected) return Broken("field " + std::to_string(tag.field));
  if (tag.field == kEpoch) head->epoch = reader->Varint();
  if (tag.field == kFirstSequence) head->first_sequence = reader->Varint();
  if (tag.field == kProducerId) head->producer = reader->String();
  if (tag.field == kLastReceipt) {
    BAROGRAPH_ASSIGN(head->receipt, ReadReceipt(reader->String()));
  }
  return reader->ok() ? Status() : Broken("field " + std::to_string(tag.field));
}

Status CheckHead(const RequestHead& head, std::uint32_t offered) {
  if (head.producer.size() > kIdBytesMax) {
    return Error(ErrorCode::kInvalidArgument,
                 "producer_id: " + std::to_string(head.producer.size()) + " bytes; at most " +
                     std::to_string(kIdBytesMax));
  }
  if (!IsPrintableUtf8(head.producer)) {
    return Error(ErrorCode::kInvalidArgument,
                 "producer_id: must be UTF-8 without control characters");
  }
  if (!head.producer.empty() && head.first_sequence == 0 && offered > 0) {
    return Error(ErrorCode::kInvalidArgument,
                 "first_sequence: 0; with a producer_id it is the sequence of events[0], from 1");
  }
  if (head.first_sequence > kProducerSequenceMax) {
    return Error(ErrorCode::kInvalidArgument,
                 "first_sequence: " + std::to_string(head.first_sequence) + "; range [1, 2^62]");
  }
  return {};
}

EventIdHash HashId(std::string_view id) {
  const XXH128_hash_t hash = XXH3_128bits(id.data(), id.size());
  return {hash.low64, hash.high64};
}

}  // namespace

BatchBuilder::BatchBuilder(Peer peer, Time max_time)
    : peer_(std::move(peer)), max_time_(max_time) {}

void BatchBuilder::Add(std::string_view event_wire) {
  if (const Status added = TryAdd(event_wire); !added.ok()) {
    RejectOffered(event_wire, added.error().message());
  }
}

Status BatchBuilder::TryAdd(std::string_view event_wire) {
  storage::EventView view;
  BAROGRAPH_TRY(ReadEvent(event_wire, storage::EventSource::kOutside, &view));
  if (view.has_time && view.time > max_time_) {
    return Error(ErrorCode::kInvalidArgument,
                 "time: " + FormatTime(view.time) + " is more than " + FormatDuration(kFutureMax) +
                     " ahead of the server; at most " + FormatTime(max_time_) + " now");
  }
  if (view.has_time) {
    batch_.min_time = std::min(batch_.min_time, view.time);
    batch_.max_time = std::max(batch_.max_time, view.time);
  } else {
    ++batch_.untimed;
  }
  if (with_ids_ && !view.id.empty()) {
    batch_.ids.push_back({HashId(view.id), batch_.accepted, batch_.offered});
  }
  ByteWriter(&batch_.payload).String(event_wire);
  if (!batch_.rejected.empty()) ByteWriter(&offered_).String(event_wire);
  ++batch_.accepted;
  ++batch_.offered;
  return {};
}

void BatchBuilder::Reject(std::string reason) { RejectOffered({}, std::move(reason)); }

void BatchBuilder::RejectOffered(std::string_view event_wire, std::string reason) {
  if (batch_.rejected.empty()) offered_ = batch_.payload;
  ByteWriter(&offered_).String(event_wire);
  batch_.rejected.push_back(
      {batch_.offered, Verdict::Outcome::kRejected,
       "events[" + std::to_string(batch_.offered) + "]." + std::move(reason)});
  ++batch_.offered;
}

Batch BatchBuilder::Take() {
  const std::string& offered = batch_.rejected.empty() ? batch_.payload : offered_;
  batch_.offered_hash = XXH3_64bits(offered.data(), offered.size());
  batch_.tenant = peer_.tenant;
  batch_.principal = peer_.principal;
  offered_.clear();
  return std::exchange(batch_, Batch());
}

Result<Batch> AdmitRequest(std::string_view wire, const Peer& peer, Time max_time,
                           std::optional<Receipt>* last_receipt) {
  if (wire.size() > kBatchBytesMax) {
    return Error(ErrorCode::kResourceExhausted, "request: " + std::to_string(wire.size()) +
                                                    " bytes; at most " +
                                                    std::to_string(kBatchBytesMax));
  }
  RequestHead head;
  BatchBuilder builder(peer, max_time);
  builder.Reserve(wire.size());
  ByteReader reader(wire);
  while (!reader.done()) {
    const Tag tag = ReadTag(&reader);
    if (tag.field != kEvents) {
      BAROGRAPH_TRY(ReadHeadField(tag, &reader, &head));
      continue;
    }
    const std::string_view event = tag.type == kBytes ? reader.String() : std::string_view();
    if (tag.type != kBytes || !reader.ok()) {
      return Broken("events[" + std::to_string(builder.offered()) + "]");
    }
    if (builder.offered() == kBatchEventsMax) {
      return Error(ErrorCode::kResourceExhausted,
                   "events: more than " + std::to_string(kBatchEventsMax) + " in one request");
    }
    if (head.first_sequence != 0) builder.WithoutIds();
    builder.Add(event);
  }
  if (!reader.ok()) return Broken("a field tag");
  BAROGRAPH_TRY(CheckHead(head, builder.offered()));
  if (last_receipt != nullptr) *last_receipt = head.receipt;
  Batch batch = builder.Take();
  batch.producer = std::move(head.producer);
  batch.epoch = head.epoch;
  batch.first_sequence = head.first_sequence;
  return batch;
}

}  // namespace barograph::ingest
