#include "rules/alert/silence_book.h"

#include <algorithm>

#include "rules/alert/row_codec.h"
#include "storage/base/digest.h"
#include "storage/base/limits.h"

namespace barograph::rules {
namespace {

using storage::Silenced;
using storage::SilenceEnded;

constexpr std::uint8_t kRowFormat = 1;
constexpr std::size_t kIdBytes = 8;

std::string Encode(const Silence& silence) {
  std::string row;
  ByteWriter writer(&row);
  writer.Fixed(kRowFormat);
  const Silenced& said = silence.said;
  writer.String(said.origin.actor);
  writer.String(said.origin.reason);
  writer.String(said.id);
  writer.Varint(said.matchers.size());
  for (const LabelMatcher& matcher : said.matchers) {
    writer.String(matcher.name);
    writer.Fixed(matcher.op);
    writer.String(matcher.value);
  }
  writer.String(said.comment);
  writer.String(said.author);
  for (const Time time : {said.starts_at, said.ends_at, said.at, silence.ended_at})
    WriteTime(time, &writer);
  writer.Fixed(silence.state);
  writer.String(silence.ended_by);
  return row;
}

Result<Silence> Decode(std::string_view row) {
  ByteReader reader(row);
  Silence silence;
  const bool known = reader.Fixed<std::uint8_t>() == kRowFormat;
  Silenced& said = silence.said;
  said.origin.actor = reader.String();
  said.origin.reason = reader.String();
  said.id = reader.String();
  for (std::uint64_t left = reader.Varint(); left > 0 && reader.ok(); --left) {
    LabelMatcher& matcher = said.matchers.emplace_back();
    matcher.name = reader.String();
    matcher.op = reader.Fixed<LabelMatcher::Op>();
    matcher.value = reader.String();
  }
  said.comment = reader.String();
  said.author = reader.String();
  for (Time* time : {&said.starts_at, &said.ends_at, &said.at, &silence.ended_at})
    *time = ReadTime(&reader);
  silence.state = reader.Fixed<SilenceState>();
  silence.ended_by = reader.String();
  const bool sound =
      silence.state >= SilenceState::kPending && silence.state <= SilenceState::kEnded;
  if (!known || !sound || !reader.ok() || !reader.done())
    return Error(ErrorCode::kCorruption, "silence row is broken");
  silence.matchers = MatcherSet(said.matchers);
  return silence;
}

Error Invalid(std::string message) { return {ErrorCode::kInvalidArgument, std::move(message)}; }

Status CheckWish(const Silenced& wish, Time now) {
  if (wish.matchers.empty()) {
    return Invalid(
        "matchers: none, so nothing would be told any more; name a label, e.g. "
        "rule=\"task-success\"");
  }
  if (wish.matchers.size() > kMatchersMax) {
    return Invalid("matchers: " + std::to_string(wish.matchers.size()) + "; at most " +
                   std::to_string(kMatchersMax));
  }
  for (const LabelMatcher& matcher : wish.matchers) BAROGRAPH_TRY(CheckMatcher(matcher));
  if (MatchesNothingNamed(wish.matchers)) {
    return Invalid("matchers: " + MatchersText(wish.matchers) +
                   " fit every alert; one of them must want a value");
  }
  if (wish.comment.empty()) return Invalid("comment: missing; say why, so that others know");
  if (wish.comment.size() > kTextBytesMax) {
    return Invalid("comment: " + std::to_string(wish.comment.size()) + " bytes; at most " +
                   std::to_string(kTextBytesMax));
  }
  if (wish.author.size() > kNameBytesMax) {
    return Invalid("author: " + std::to_string(wish.author.size()) + " bytes; at most " +
                   std::to_string(kNameBytesMax));
  }
  if (wish.ends_at <= now) return Invalid("ends_at: " + FormatTime(wish.ends_at) + " is over");
  if (wish.ends_at <= wish.starts_at) return Invalid("ends_at: is not behind starts_at");
  if (wish.ends_at - wish.starts_at > kSilenceLengthMax ||
      wish.starts_at - now > kSilenceLengthMax) {
    return Invalid("ends_at: a silence begins within, and lasts at most, " +
                   FormatDuration(kSilenceLengthMax));
  }
  return {};
}

}  // namespace

std::string_view Name(SilenceState state) {
  switch (state) {
    case SilenceState::kPending:
      return "pending";
    case SilenceState::kActive:
      return "active";
    case SilenceState::kEnded:
      return "ended";
  }
  return "";
}

void SilenceBook::Touch(const std::string& id) {
  changes_.BeforeChange(id, [this](const std::string& row) { return EncodeRow(row); });
}

void SilenceBook::Index(const std::string& id, const Silence& silence) {
  if (silence.state == SilenceState::kPending) due_.emplace(silence.said.starts_at, id);
  if (silence.state == SilenceState::kActive) due_.emplace(silence.said.ends_at, id);
  if (silence.state == SilenceState::kActive) active_.insert(id);
  if (silence.state == SilenceState::kEnded) ended_.emplace(silence.ended_at, id);
}

void SilenceBook::Unindex(const std::string& id, const Silence& silence) {
  due_.erase({silence.said.starts_at, id});
  due_.erase({silence.said.ends_at, id});
  active_.erase(id);
  ended_.erase({silence.ended_at, id});
}

void SilenceBook::Apply(const Silenced& silenced) {
  Touch(silenced.id);
  Silence& silence = silences_[silenced.id];
  Unindex(silenced.id, silence);
  silence = {silenced, SilenceState::kPending, {}, "", MatcherSet(silenced.matchers)};
  if (silenced.starts_at <= silenced.at) silence.state = SilenceState::kActive;
  Index(silenced.id, silence);
}

void SilenceBook::Apply(const storage::SilenceBegan& began) {
  const auto found = silences_.find(began.id);
  if (found == silences_.end() || found->second.state != SilenceState::kPending) return;
  Touch(began.id);
  Unindex(began.id, found->second);
  found->second.state = SilenceState::kActive;
  Index(began.id, found->second);
}

void SilenceBook::Apply(const SilenceEnded& ended) {
  const auto found = silences_.find(ended.id);
  if (found == silences_.end()) return;
  Touch(ended.id);
  Unindex(ended.id, found->second);
  found->second.state = SilenceState::kEnded;
  found->second.ended_at = ended.at;
  found->second.ended_by = ended.origin.reason == "command" ? ended.origin.actor : "its end";
  Index(ended.id, found->second);
  while (ended_.size() > kSilencesEndedMax) {
    const std::string oldest = ended_.begin()->second;
    Touch(oldest);
    silences_.erase(oldest);
    ended_.erase(ended_.begin());
  }
}

Result<Silenced> SilenceBook::Decide(Silenced wish, Sequence head, Time now) const {
  if (wish.starts_at == Time{}) wish.starts_at = now;
  BAROGRAPH_TRY(CheckWish(wish, now));
  if (silences_.size() - ended_.size() >= kSilencesMax) {
    return Error(ErrorCode::kResourceExhausted,
                 "there are " + std::to_string(kSilencesMax) + " silences; end one of them first");
  }
  wish.at = now;
  const std::string separator(1, '\0');
  const Digest digest = Sha256({std::to_string(head.value), separator, MatchersText(wish.matchers),
                                separator, wish.comment});
  wish.id = "sil_" + Hex(Bytes(digest).substr(0, kIdBytes));
  return wish;
}

Result<SilenceEnded> SilenceBook::DecideEnd(const std::string& id, const storage::Origin& origin,
                                            Time now) const {
  const Silence* silence = Find(id);
  if (silence == nullptr) {
    return Error(ErrorCode::kNotFound, "no silence '" + id + "'; `silence list` shows them");
  }
  if (silence->state == SilenceState::kEnded) {
    return Error(ErrorCode::kFailedPrecondition,
                 "silence '" + id + "' ended at " + FormatTime(silence->ended_at));
  }
  return SilenceEnded{origin, id, now};
}

std::vector<storage::ServerEvent> SilenceBook::Due(Time now, std::size_t limit) const {
  std::vector<storage::ServerEvent> events;
  for (auto due = due_.begin(); due != due_.end() && due->first <= now && events.size() < limit;
       ++due) {
    const Silence& silence = silences_.at(due->second);
    // One that began and ended while the server was away only ends.
    if (silence.said.ends_at <= now) {
      events.emplace_back(SilenceEnded{{"server", "expired"}, due->second, now});
    } else {
      events.emplace_back(storage::SilenceBegan{{"server", "evaluation"}, due->second, now});
    }
  }
  return events;
}

bool SilenceBook::Covers(const storage::Labels& labels) const {
  return std::any_of(active_.begin(), active_.end(),
                     [&](const std::string& id) { return silences_.at(id).matchers.Fits(labels); });
}

std::vector<const Silence*> SilenceBook::Covering(const storage::Labels& labels) const {
  std::vector<const Silence*> covering;
  for (const std::string& id : active_) {
    const Silence& silence = silences_.at(id);
    if (silence.matchers.Fits(labels)) covering.push_back(&silence);
  }
  return covering;
}

const Silence* SilenceBook::Find(const std::string& id) const {
  const auto found = silences_.find(id);
  return found == silences_.end() ? nullptr : &found->second;
}

std::string SilenceBook::EncodeRow(const std::string& id) const {
  const Silence* silence = Find(id);
  return silence == nullptr ? "" : Encode(*silence);
}

bool SilenceBook::ContinueCheckpoint(std::size_t* budget, const ChangedRows::RowSink& sink) {
  return changes_.Continue(
      budget, [this](const std::string& row) { return EncodeRow(row); }, sink);
}

Status SilenceBook::LoadRow(std::string_view key, std::string_view value) {
  BAROGRAPH_ASSIGN(Silence silence, Decode(value));
  const std::string id(key);
  if (silence.said.id != id) return Error(ErrorCode::kCorruption, "silence row has another's key");
  const Silence& loaded = silences_[id] = std::move(silence);
  Index(id, loaded);
  return {};
}

void SilenceBook::Canonical(const std::function<void(std::string_view)>& sink) const {
  for (const auto& [id, silence] : silences_) {
    sink(id);
    sink(Encode(silence));
  }
}

}  // namespace barograph::rules
