#include "rules/burn_rate/exclusion_book.h"

#include <algorithm>
#include <set>

#include "storage/base/bytes.h"
#include "storage/base/limits.h"

namespace barograph::rules {

using std::chrono::hours;
using storage::Exclusion;

void ExclusionBook::Apply(const Exclusion& exclusion) {
  std::set<std::string> changed = {exclusion.slo};
  std::erase_if(exclusions_, [&](const auto& entry) {
    const bool old = entry.second.to + kExclusionKept <= exclusion.at;
    if (old) changed.insert(entry.second.slo);
    return old;
  });
  if (exclusion.withdrawn) {
    exclusions_.erase(exclusion.id);
  } else {
    exclusions_[exclusion.id] = exclusion;
  }
  for (const std::string& slo : changed) Merge(slo);
  changed_ = true;
}

Result<Exclusion> ExclusionBook::Decide(Exclusion wish, Sequence head, Time now) const {
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
  if (wish.from >= wish.to) return invalid("to: must be after `from`");
  wish.from = std::chrono::floor<hours>(wish.from);
  wish.to = std::chrono::ceil<hours>(wish.to);
  if (wish.to - wish.from > kExclusionMax) {
    return invalid("to: more than " + FormatDuration(kExclusionMax) + " after `from`");
  }
  if (wish.to + kExclusionKept <= now) {
    return invalid("to: more than " + FormatDuration(kExclusionKept) +
                   " ago; no window reaches back so far");
  }
  if (wish.from > now + kExclusionAheadMax) {
    return invalid("from: more than " + FormatDuration(kExclusionAheadMax) + " ahead");
  }
  if (exclusions_.size() >= kExclusionsMax) {
    return Error(ErrorCode::kResourceExhausted,
                 "there are " + std::to_string(kExclusionsMax) + " exclusions");
  }
  wish.id = "exc_" + std::to_string(head.value);
  wish.at = now;
  return wish;
}

Result<Exclusion> ExclusionBook::DecideEnd(const std::string& id, storage::Origin origin,
                                           Time now) const {
  const auto found = exclusions_.find(id);
  if (found == exclusions_.end()) {
    return Error(ErrorCode::kNotFound, "no exclusion '" + id + "'; `slo exclusion list` shows all");
  }
  Exclusion end = found->second;
  end.origin = std::move(origin);
  end.at = now;
  end.withdrawn = true;
  return end;
}

void ExclusionBook::Merge(const std::string& slo) {
  std::vector<HourSpan> all;
  for (const auto& [id, exclusion] : exclusions_) {
    if (exclusion.slo == slo) all.push_back({exclusion.from, exclusion.to});
  }
  std::sort(all.begin(), all.end(),
            [](const HourSpan& a, const HourSpan& b) { return a.from < b.from; });
  std::vector<HourSpan>& merged = spans_[slo];
  merged.clear();
  for (const HourSpan& span : all) {
    if (!merged.empty() && span.from <= merged.back().to) {
      merged.back().to = std::max(merged.back().to, span.to);
    } else {
      merged.push_back(span);
    }
  }
}

std::string ExclusionBook::Encode() const {
  std::string row;
  ByteWriter writer(&row);
  writer.Varint(exclusions_.size());
  for (const auto& [id, said] : exclusions_) {
    for (const std::string* text :
         {&id, &said.slo, &said.origin.actor, &said.origin.reason, &said.note, &said.author})
      writer.String(*text);
    for (const Time time : {said.from, said.to, said.at})
      writer.SignedVarint(time.time_since_epoch().count());
  }
  return row;
}

Status ExclusionBook::Load(std::string_view row) {
  ByteReader reader(row);
  for (std::uint64_t left = reader.Varint(); left > 0 && reader.ok(); --left) {
    Exclusion said;
    for (std::string* text :
         {&said.id, &said.slo, &said.origin.actor, &said.origin.reason, &said.note, &said.author})
      *text = reader.String();
    for (Time* time : {&said.from, &said.to, &said.at})
      *time = Time(Duration(reader.SignedVarint()));
    exclusions_[said.id] = std::move(said);
  }
  if (!reader.ok() || !reader.done())
    return Error(ErrorCode::kCorruption, "row of exclusions is broken");
  std::set<std::string> slos;
  for (const auto& [id, said] : exclusions_) slos.insert(said.slo);
  for (const std::string& slo : slos) Merge(slo);
  return {};
}

}  // namespace barograph::rules
