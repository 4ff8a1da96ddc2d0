#include "rules/engine/late_book.h"

#include <algorithm>

#include "rules/alert/notice_book.h"
#include "rules/alert/row_codec.h"

namespace barograph::rules {
namespace {

using storage::AlertState;

constexpr std::uint8_t kRowFormat = 1;

void WriteRun(const LateRun& run, ByteWriter* writer) {
  writer->Varint(run.number);
  WriteTime(run.last_at, writer);
  writer->Fixed(static_cast<std::uint8_t>(run.closed ? 1 : 0));
  writer->Varint(run.cells.size());
  for (const auto& [cell, range] : run.cells) {
    writer->Varint(cell);
    WriteTime(range.from, writer);
    WriteTime(range.to, writer);
  }
  writer->Varint(run.found.size());
  for (const auto& [key, from] : run.found) {
    writer->String(key);
    WriteTime(from, writer);
  }
  writer->Varint(run.digests.size());
  for (const auto& [rule, digest] : run.digests) {
    writer->String(rule);
    writer->Varint(digest.count);
    writer->Fixed(static_cast<std::uint8_t>(digest.told ? 1 : 0));
    writer->Varint(digest.members.size());
    for (const NoticeMember& member : digest.members) WriteMember(member, writer);
  }
}

LateRun ReadRun(ByteReader* reader) {
  LateRun run;
  run.number = reader->Varint();
  run.last_at = ReadTime(reader);
  run.closed = reader->Fixed<std::uint8_t>() != 0;
  for (std::uint64_t left = reader->Varint(); left > 0 && reader->ok(); --left) {
    const auto cell = static_cast<std::uint32_t>(reader->Varint());
    const Time from = ReadTime(reader);
    run.cells[cell] = {from, ReadTime(reader)};
  }
  for (std::uint64_t left = reader->Varint(); left > 0 && reader->ok(); --left) {
    std::string key(reader->String());
    run.found.emplace(std::move(key), ReadTime(reader));
  }
  for (std::uint64_t left = reader->Varint(); left > 0 && reader->ok(); --left) {
    LateRun::Digest& digest = run.digests[std::string(reader->String())];
    digest.count = reader->Varint();
    digest.told = reader->Fixed<std::uint8_t>() != 0;
    for (std::uint64_t members = reader->Varint(); members > 0 && reader->ok(); --members) {
      digest.members.push_back(ReadMember(reader));
    }
  }
  return run;
}

}  // namespace

LateRun& LateBook::Present(Time log_time) {
  changed_ = true;
  LateRun& present = runs_[0];
  if (present.number == 0 || present.Ready(log_time)) {
    const std::uint64_t number = present.number + 1;
    runs_[1] = std::exchange(runs_[0], LateRun{});
    // Nobody waits for a run any more once the next one has begun: only its digest may still be
    // due.
    runs_[1].closed = true;
    runs_[0].number = number;
  }
  runs_[0].last_at = log_time;
  return runs_[0];
}

void LateBook::AddEvent(const std::string& rule, NoticeMember member, Time log_time) {
  LateRun::Digest& digest = Present(log_time).digests[rule];
  ++digest.count;
  if (digest.members.size() < kDigestMembersMax) digest.members.push_back(std::move(member));
}

void LateBook::Mark(const std::vector<CellId>& cells, Time from, Time to, Time log_time) {
  if (cells.empty()) return;
  LateRun& present = Present(log_time);
  for (const CellId cell : cells) {
    const auto [range, fresh] = present.cells.try_emplace(cell.value, LateRun::Range{from, to});
    if (fresh) continue;
    range->second.from = std::min(range->second.from, from);
    range->second.to = std::max(range->second.to, to);
  }
}

void LateBook::EndImport() {
  if (runs_[0].number == 0 || runs_[0].closed) return;
  runs_[0].closed = true;
  changed_ = true;
}

std::string LateBook::EpisodeId(const std::string& fingerprint, const LateRun& run) {
  return fingerprint + "-late-" + std::to_string(run.number);
}

void LateBook::Apply(const storage::AlertTransition& transition) {
  const std::string fingerprint = Fingerprint(transition.labels);
  for (LateRun& run : runs_) {
    if (run.number == 0 || transition.episode_id != EpisodeId(fingerprint, run)) continue;
    changed_ = true;
    const std::string key = AlertKey(transition.labels);
    if (transition.to == AlertState::kFiring) run.found[key] = transition.at;
    if (transition.to != AlertState::kResolved) continue;
    LateRun::Digest& digest = run.digests[transition.rule];
    ++digest.count;
    if (digest.members.size() >= kDigestMembersMax) continue;
    NoticeMember member;
    member.labels = transition.labels;
    member.state = AlertState::kResolved;
    member.severity = transition.severity;
    member.starts_at = run.found[key];
    member.ends_at = transition.at;
    member.fingerprint = fingerprint;
    member.episode_id = transition.episode_id;
    member.value = transition.value;
    member.threshold = transition.threshold;
    member.summary = transition.summary;
    member.condition = transition.condition;
    digest.members.push_back(std::move(member));
  }
}

void LateBook::Apply(const storage::NoticeDecided& notice) {
  for (LateRun& run : runs_) {
    for (auto& [rule, digest] : run.digests) {
      if (digest.told || digest.members.empty() || notice.group_key != NoticeBook::DigestKey(rule))
        continue;
      if (notice.episode_ids.empty() ||
          notice.episode_ids.front() != digest.members.front().episode_id)
        continue;
      digest.told = true;
      changed_ = true;
    }
  }
}

std::string LateBook::Encode() const {
  std::string row;
  ByteWriter writer(&row);
  writer.Fixed(kRowFormat);
  for (const LateRun& run : runs_) WriteRun(run, &writer);
  return row;
}

Status LateBook::Load(std::string_view row) {
  ByteReader reader(row);
  const bool known = reader.Fixed<std::uint8_t>() == kRowFormat;
  for (LateRun& run : runs_) run = ReadRun(&reader);
  if (!known || !reader.ok() || !reader.done())
    return Error(ErrorCode::kCorruption, "late row is broken");
  return {};
}

}  // namespace barograph::rules
