#include "rules/outlook/outlook_book.h"

#include "rules/outlook/outlook_key.h"
#include "storage/base/bytes.h"

namespace barograph::rules {
namespace {

using storage::ForecastIssued;

void WriteMoment(const std::optional<Time>& time, ByteWriter* writer) {
  writer->Varint(time ? 1 : 0);
  if (time) writer->SignedVarint(time->time_since_epoch().count());
}

std::optional<Time> ReadMoment(ByteReader* reader) {
  if (reader->Varint() == 0) return std::nullopt;
  return Time(Duration(reader->SignedVarint()));
}

std::string Encode(const ForecastIssued& forecast) {
  std::string row;
  ByteWriter writer(&row);
  writer.String(forecast.rule);
  writer.Varint(forecast.labels.size());
  for (const auto& [name, value] : forecast.labels) {
    writer.String(name);
    writer.String(value);
  }
  for (const std::string* text :
       {&forecast.measure, &forecast.currency_code, &forecast.model, &forecast.cannot_say,
        &forecast.question, &forecast.origin.actor, &forecast.origin.reason})
    writer.String(*text);
  for (const Time time : {forecast.at, forecast.history_end})
    writer.SignedVarint(time.time_since_epoch().count());
  writer.SignedVarint(forecast.step.count());
  writer.Varint(forecast.history_steps);
  writer.SignedVarint(forecast.probability_ppb);
  for (const auto* time : {&forecast.times.early, &forecast.times.median, &forecast.times.late})
    WriteMoment(*time, &writer);
  return row;
}

ForecastIssued Decode(ByteReader* reader) {
  ForecastIssued forecast;
  forecast.rule = reader->String();
  for (std::uint64_t left = reader->Varint(); left > 0 && reader->ok(); --left) {
    std::string name(reader->String());
    forecast.labels.emplace(std::move(name), reader->String());
  }
  for (std::string* text :
       {&forecast.measure, &forecast.currency_code, &forecast.model, &forecast.cannot_say,
        &forecast.question, &forecast.origin.actor, &forecast.origin.reason})
    *text = reader->String();
  for (Time* time : {&forecast.at, &forecast.history_end})
    *time = Time(Duration(reader->SignedVarint()));
  forecast.step = std::chrono::seconds(reader->SignedVarint());
  forecast.history_steps = reader->Varint();
  forecast.probability_ppb = reader->SignedVarint();
  for (auto* time : {&forecast.times.early, &forecast.times.median, &forecast.times.late})
    *time = ReadMoment(reader);
  return forecast;
}

}  // namespace

std::string OutlookKey(const std::string& rule, const storage::Labels& labels) {
  std::string key;
  ByteWriter writer(&key);
  writer.String(rule);
  for (const auto& [name, value] : labels) {
    writer.String(name);
    writer.String(value);
  }
  return key;
}

void OutlookBook::Apply(ForecastIssued forecast) {
  forecast.steps.clear();
  const std::string key = OutlookKey(forecast.rule, forecast.labels);
  ForecastIssued& kept = forecasts_[key];
  if (kept.at == Time{}) ++issued_;
  kept = std::move(forecast);
  changed_.insert(key);
}

void OutlookBook::KeepOnly(const std::function<bool(std::string_view rule)>& keeps) {
  std::erase_if(forecasts_, [&](const auto& entry) {
    const ForecastIssued& forecast = entry.second;
    if (forecast.at == Time{}) return true;  // nobody's any more
    if (keeps(forecast.rule)) return false;
    changed_.insert(entry.first);
    --issued_;
    return true;
  });
}

Status OutlookBook::CheckRoom(const ForecastIssued& forecast) const {
  if (issued_ < kForecastsKept) return {};
  const auto found = forecasts_.find(OutlookKey(forecast.rule, forecast.labels));
  if (found != forecasts_.end() && found->second.at != Time{}) return {};
  return Error(ErrorCode::kResourceExhausted,
               "there are " + std::to_string(kForecastsKept) + " forecasts");
}

const ForecastIssued* OutlookBook::Of(const std::string& rule, const storage::Labels& labels) {
  return &forecasts_[OutlookKey(rule, labels)];
}

const ForecastIssued* OutlookBook::Find(const std::string& rule,
                                        const storage::Labels& labels) const {
  const auto found = forecasts_.find(OutlookKey(rule, labels));
  return found == forecasts_.end() || found->second.at == Time{} ? nullptr : &found->second;
}

std::vector<ForecastIssued> OutlookBook::All() const {
  std::vector<ForecastIssued> all;
  for (const auto& [key, forecast] : forecasts_) {
    if (forecast.at != Time{}) all.push_back(forecast);
  }
  return all;
}

std::vector<std::pair<std::string, std::string>> OutlookBook::TakeChanged() {
  std::vector<std::pair<std::string, std::string>> rows;
  for (const std::string& key : std::exchange(changed_, {})) {
    const auto found = forecasts_.find(key);
    const bool issued = found != forecasts_.end() && found->second.at != Time{};
    rows.emplace_back(key, issued ? Encode(found->second) : "");
  }
  return rows;
}

Status OutlookBook::Load(std::string_view key, std::string_view value) {
  ByteReader reader(value);
  ForecastIssued forecast = Decode(&reader);
  if (!reader.ok() || !reader.done() || forecast.at == Time{} ||
      OutlookKey(forecast.rule, forecast.labels) != key)
    return Error(ErrorCode::kCorruption, "row of a forecast is broken");
  forecasts_[std::string(key)] = std::move(forecast);
  ++issued_;
  return {};
}

void OutlookBook::Canonical(const std::function<void(std::string_view)>& sink) const {
  for (const auto& [key, forecast] : forecasts_) {
    if (forecast.at == Time{}) continue;
    sink(key);
    sink(Encode(forecast));
  }
}

}  // namespace barograph::rules
