// The rows of AccuracyBook.
#include "rules/outlook/accuracy_book.h"
#include "rules/outlook/outlook_key.h"
#include "storage/base/bytes.h"

namespace barograph::rules {
namespace {

using std::chrono::seconds;

void WriteTime(Time time, ByteWriter* writer) {
  writer->SignedVarint(time.time_since_epoch().count());
}

Time ReadTime(ByteReader* reader) { return Time(Duration(reader->SignedVarint())); }

void WriteHorizon(const Horizon& horizon, ByteWriter* writer) {
  writer->SignedVarint(horizon.step.count());
  writer->Varint(horizon.steps);
}

Horizon ReadHorizon(ByteReader* reader) {
  const seconds step(reader->SignedVarint());
  return {step, static_cast<std::uint32_t>(reader->Varint())};
}

bool IsScored(const Horizon& horizon) {
  for (const std::uint32_t steps : HorizonsOf(horizon.step)) {
    if (steps == horizon.steps) return true;
  }
  return false;
}

void WriteScore(const AccuracyScore& score, ByteWriter* writer) {
  for (const std::uint64_t count :
       {score.scored, score.without_samples, score.inside_80, score.inside_95})
    writer->Varint(count);
  for (const Int128 sum : {score.actual, score.error, score.absolute_error})
    writer->SignedVarint128(sum);
}

AccuracyScore ReadScore(ByteReader* reader) {
  AccuracyScore score;
  for (std::uint64_t* count :
       {&score.scored, &score.without_samples, &score.inside_80, &score.inside_95})
    *count = reader->Varint();
  for (Int128* sum : {&score.actual, &score.error, &score.absolute_error})
    *sum = reader->SignedVarint128();
  return score;
}

void WriteAccuracy(const ForecastAccuracy& accuracy, ByteWriter* writer) {
  writer->String(accuracy.rule);
  writer->Varint(accuracy.labels.size());
  for (const auto& [name, value] : accuracy.labels) {
    writer->String(name);
    writer->String(value);
  }
  writer->String(accuracy.measure);
  writer->String(accuracy.currency_code);
  WriteTime(accuracy.since, writer);
  for (const std::uint64_t count : {accuracy.issued, accuracy.cannot_say, accuracy.repeated})
    writer->Varint(count);
  writer->Varint(accuracy.reasons.size());
  for (const auto& [kind, reason] : accuracy.reasons) {
    writer->String(kind);
    writer->Varint(reason.times);
    writer->String(reason.last);
  }
  writer->Varint(accuracy.scores.size());
  for (const auto& [horizon, score] : accuracy.scores) {
    WriteHorizon(horizon, writer);
    WriteScore(score, writer);
  }
}

ForecastAccuracy ReadAccuracy(ByteReader* reader) {
  ForecastAccuracy accuracy;
  accuracy.rule = reader->String();
  for (std::uint64_t left = reader->Varint(); left > 0 && reader->ok(); --left) {
    std::string name(reader->String());
    accuracy.labels.emplace(std::move(name), reader->String());
  }
  accuracy.measure = reader->String();
  accuracy.currency_code = reader->String();
  accuracy.since = ReadTime(reader);
  for (std::uint64_t* count : {&accuracy.issued, &accuracy.cannot_say, &accuracy.repeated})
    *count = reader->Varint();
  for (std::uint64_t left = reader->Varint(); left > 0 && reader->ok(); --left) {
    ForecastAccuracy::Reason& reason = accuracy.reasons[std::string(reader->String())];
    reason.times = reader->Varint();
    reason.last = reader->String();
  }
  for (std::uint64_t left = reader->Varint(); left > 0 && reader->ok(); --left) {
    const Horizon horizon = ReadHorizon(reader);
    accuracy.scores[horizon] = ReadScore(reader);
  }
  return accuracy;
}

void WriteStep(const storage::ForecastStep& step, ByteWriter* writer) {
  for (const double value : {step.median, step.low_80, step.high_80, step.low_95, step.high_95})
    writer->Fixed(value);
}

storage::ForecastStep ReadStep(ByteReader* reader) {
  storage::ForecastStep step;
  for (double* value : {&step.median, &step.low_80, &step.high_80, &step.low_95, &step.high_95})
    *value = reader->Fixed<double>();
  return step;
}

}  // namespace

std::string AccuracyBook::Encode(const Track& track) {
  std::string row;
  ByteWriter writer(&row);
  WriteAccuracy(track.accuracy, &writer);
  writer.String(track.source);
  writer.Varint(track.scored_from.size());
  for (const auto& [step, from] : track.scored_from) {
    writer.SignedVarint(step.count());
    WriteTime(from, &writer);
  }
  writer.Varint(track.open.size());
  for (const OpenStep& step : track.open) {
    WriteTime(step.end, &writer);
    WriteHorizon(step.horizon, &writer);
    WriteStep(step.said, &writer);
  }
  return row;
}

std::optional<AccuracyBook::Track> AccuracyBook::Decode(std::string_view row) {
  ByteReader reader(row);
  Track track;
  track.accuracy = ReadAccuracy(&reader);
  track.source = reader.String();
  for (std::uint64_t left = reader.Varint(); left > 0 && reader.ok(); --left) {
    const seconds step(reader.SignedVarint());
    track.scored_from[step] = ReadTime(&reader);
  }
  const std::uint64_t open = reader.Varint();
  if (open > kOpenStepsMax || track.accuracy.reasons.size() > kReasonsKept) return std::nullopt;
  for (std::uint64_t left = open; left > 0 && reader.ok(); --left) {
    const Time end = ReadTime(&reader);
    const Horizon horizon = ReadHorizon(&reader);
    track.open.push_back({end, horizon, ReadStep(&reader)});
  }
  for (const OpenStep& step : track.open) {
    if (!IsScored(step.horizon)) return std::nullopt;
  }
  for (const auto& [horizon, score] : track.accuracy.scores) {
    if (!IsScored(horizon)) return std::nullopt;
  }
  if (!reader.ok() || !reader.done()) return std::nullopt;
  return track;
}

std::string AccuracyBook::EncodeDropped() const {
  std::string row;
  ByteWriter(&row).Varint(dropped_);
  return row;
}

Status AccuracyBook::Load(std::string_view key, std::string_view value) {
  const Error broken(ErrorCode::kCorruption, "row of a forecast's accuracy is broken");
  if (key.empty()) {
    ByteReader reader(value);
    dropped_ = reader.Varint();
    return reader.ok() && reader.done() ? Status() : Status(broken);
  }
  std::optional<Track> track = Decode(value);
  if (!track || OutlookKey(track->accuracy.rule, track->accuracy.labels) != key) return broken;
  tracks_.insert_or_assign(std::string(key), *std::move(track));
  return {};
}

}  // namespace barograph::rules
