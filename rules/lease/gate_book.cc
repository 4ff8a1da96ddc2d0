#include "rules/lease/gate_book.h"

#include "rules/alert/row_codec.h"
#include "storage/base/limits.h"

namespace barograph::rules {

using storage::GateOverridden;

void GateBook::Apply(const GateOverridden& overridden) {
  std::erase_if(overrides_,
                [&](const auto& entry) { return entry.second.expires_at <= overridden.at; });
  overrides_[overridden.gate] = overridden;
  changed_ = true;
}

Result<GateOverridden> GateBook::Decide(GateOverridden wish, std::chrono::seconds length,
                                        Time now) const {
  const auto invalid = [](std::string message) {
    return Error(ErrorCode::kInvalidArgument, std::move(message));
  };
  if (wish.note.empty()) return invalid("note: missing; say why, so that others know");
  if (wish.note.size() > kTextBytesMax) {
    return invalid("note: " + std::to_string(wish.note.size()) + " bytes; at most " +
                   std::to_string(kTextBytesMax));
  }
  if (wish.author.size() > kNameBytesMax) {
    return invalid("author: " + std::to_string(wish.author.size()) + " bytes; at most " +
                   std::to_string(kNameBytesMax));
  }
  if (length < std::chrono::seconds(1) || length > kGateOverrideMax) {
    return invalid("length: " + FormatDuration(length) + " is outside 1s to " +
                   FormatDuration(kGateOverrideMax));
  }
  if (overrides_.size() >= kGateOverridesMax && !overrides_.contains(wish.gate)) {
    return Error(ErrorCode::kResourceExhausted,
                 "there are " + std::to_string(kGateOverridesMax) + " overrides");
  }
  wish.at = now;
  wish.expires_at = now + length;
  return wish;
}

const GateOverridden* GateBook::InForce(std::string_view gate, Time now) const {
  const auto found = overrides_.find(gate);
  return found == overrides_.end() || found->second.expires_at <= now ? nullptr : &found->second;
}

std::string GateBook::Encode() const {
  std::string row;
  ByteWriter writer(&row);
  writer.Varint(overrides_.size());
  for (const auto& [gate, said] : overrides_) {
    for (const std::string* text :
         {&gate, &said.origin.actor, &said.origin.reason, &said.note, &said.author})
      writer.String(*text);
    WriteTime(said.at, &writer);
    WriteTime(said.expires_at, &writer);
  }
  return row;
}

Status GateBook::Load(std::string_view row) {
  ByteReader reader(row);
  for (std::uint64_t left = reader.Varint(); left > 0 && reader.ok(); --left) {
    GateOverridden said;
    for (std::string* text :
         {&said.gate, &said.origin.actor, &said.origin.reason, &said.note, &said.author})
      *text = reader.String();
    said.at = ReadTime(&reader);
    said.expires_at = ReadTime(&reader);
    overrides_[said.gate] = std::move(said);
  }
  if (reader.ok() && reader.done()) return {};
  return Error(ErrorCode::kCorruption, "row of gate overrides is broken");
}

}  // namespace barograph::rules
