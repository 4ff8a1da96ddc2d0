#include <algorithm>

#include "rules/measure/event_text.h"
#include "rules/window/plan_encoding.h"
#include "rules/window/window_state.h"

namespace barograph::rules {
namespace {

/// Texts of one event are cut at so many bytes each, on a character's boundary.
constexpr std::size_t kSightingTextBytesMax = 512;

std::string Cut(std::string text) {
  if (text.size() <= kSightingTextBytesMax) return text;
  std::size_t end = kSightingTextBytesMax;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
  text.resize(end);
  return text;
}

}  // namespace

void WindowStore::State::See(const storage::EventView& event, const LiveProjection& projection,
                             Cell* cell, Time time) {
  // `_overflow` is no instance of any rule.
  if (cell->is_overflow) return;
  // Answers first: an event that is a question and an answer at once waits for nothing.
  for (const bool opens : {false, true}) {
    for (const std::uint16_t place : projection.sightings) {
      LiveSighting& sighting = sightings[place];
      if ((sighting.spec.open_for > Duration{0}) != opens || !Counts(&sighting)) continue;
      CellSighting& seen = ChangeSighting(sighting, cell);
      if (time >= seen.at) {
        seen.at = time;
        seen.texts.clear();
        for (const std::string& name : sighting.spec.texts) {
          std::string text = Cut(EventText(event, name));
          if (!text.empty()) seen.texts.emplace(name, std::move(text));
        }
      }
      if (sighting.answers) EndWaits(sighting, *cell, time);
      if (opens) OpenWait(sighting, cell, time);
    }
  }
}

bool WindowStore::State::Counts(LiveSighting* sighting) const {
  using Counts = LiveSighting::Counts;
  const auto counts = [&](const ResolvedYield& yield) {
    if (yield.key >= sighting->counts.size()) sighting->counts.resize(yield.key + std::size_t{1});
    Counts& known = sighting->counts[yield.key];
    if (known == Counts::kUnknown) {
      const std::string& base = names.NameOf(names.OriginOf(yield.key).measure).base;
      const std::vector<std::string>& wanted = sighting->spec.measures;
      const bool found = std::find(wanted.begin(), wanted.end(), base) != wanted.end();
      known = found ? Counts::kYes : Counts::kNo;
    }
    return known == Counts::kYes;
  };
  return std::any_of(resolved.begin(), resolved.end(), counts);
}

CellSighting& WindowStore::State::ChangeSighting(const LiveSighting& sighting, Cell* cell) {
  MarkSightings(cell);
  if (cell->sightings.size() <= sighting.slot) cell->sightings.resize(sighting.slot + 1);
  return cell->sightings[sighting.slot];
}

void WindowStore::State::OpenWait(const LiveSighting& sighting, Cell* cell, Time time) {
  if (sighting.answered_by) {
    const LiveSighting& answer = sightings[*sighting.answered_by];
    const Cell* const partner = Partner(answer, *cell);
    const bool answered = partner != nullptr && partner->sightings.size() > answer.slot &&
                          partner->sightings[answer.slot].at >= time;
    if (answered) return;
  }
  const auto is_over = [&](Time each) {
    return WaitOf(each, sighting.spec.open_for, sighting.spec.missed_for).over <= arrived;
  };
  if (is_over(time)) return;
  std::vector<Time>& open = ChangeSighting(sighting, cell).open;
  // What was asked first is over first.
  auto waiting = std::partition_point(open.begin(), open.end(), is_over);
  if (waiting - open.begin() > 1) waiting = open.erase(open.begin(), waiting - 1) + 1;
  const auto count = static_cast<std::size_t>(open.end() - waiting);
  if (count >= kOpenSightingsMax) open.pop_back();
  open.insert(std::upper_bound(open.begin(), open.end(), time), time);
}

void WindowStore::State::EndWaits(const LiveSighting& sighting, const Cell& cell, Time time) {
  const LiveSighting& question = sightings[*sighting.answers];
  Cell* const partner = Partner(question, cell);
  if (partner == nullptr || partner->sightings.size() <= question.slot) return;
  const std::vector<Time>& open = partner->sightings[question.slot].open;
  if (open.empty() || open.front() > time) return;
  std::erase_if(ChangeSighting(question, partner).open, [&](Time each) { return each <= time; });
  if (projections.At(question.projection)->watched) Touch(partner);
}

Cell* WindowStore::State::Partner(const LiveSighting& other, const Cell& cell) const {
  return projections.At(other.projection)->table.Find(cell.hash, [&cell](const Cell& each) {
    return each.values == cell.values;
  });
}

Time WindowStore::State::ExcludedUntil() const {
  Time until{};
  for (const auto& [begin, end] : excluded) until = std::max(until, end);
  return until;
}

Time WindowStore::State::After(Time from, Duration counted) const {
  Time moment = from + counted;
  for (const auto& [begin, end] : excluded) {
    if (end > from && begin < moment) moment += end - std::max(from, begin);
  }
  return moment;
}

WindowStore::Wait WindowStore::State::WaitOf(Time open, Duration open_for,
                                             Duration missed_for) const {
  Wait wait{open, After(open, open_for), {}};
  const Time resumed_at = ExcludedUntil();
  if (wait.due >= resumed_at) wait.due = std::max(wait.due, resumed_at + kResumeGrace);
  wait.over = After(wait.due, missed_for);
  return wait;
}

// --- Plan --------------------------------------------------------------------------------------

void WindowStore::State::ConfigureSightings(const WindowPlan& next) {
  if (next.sightings == plan.sightings) {
    LinkSightings();
    return;
  }
  const std::vector<LiveSighting> before = std::exchange(sightings, {});
  plan.sightings = next.sightings;
  LinkSightings();
  for (const auto& projection : projections.all()) {
    if (projection == nullptr) continue;
    for (Cell* cell : projection->cells) {
      if (cell->sightings.empty() && projection->sightings.empty()) continue;
      if (cell->is_overflow) continue;
      MarkSightings(cell);
      const std::vector<CellSighting> old = std::exchange(cell->sightings, {});
      cell->sightings.resize(projection->sightings.size());
      for (const std::uint16_t place : projection->sightings) {
        const LiveSighting& live = sightings[place];
        const auto same = std::find_if(before.begin(), before.end(),
                                       [&](const auto& each) { return each.spec == live.spec; });
        if (same == before.end()) {
          BeginSighting(live, cell);
        } else if (same->slot < old.size()) {
          cell->sightings[live.slot] = old[same->slot];
        }
      }
    }
  }
}

/// The plan's sightings, each with its place in its projection's cells.
void WindowStore::State::LinkSightings() {
  sightings.clear();
  for (const auto& each : projections.all()) {
    if (each != nullptr) each->sightings.clear();
  }
  for (std::size_t i = 0; i < plan.sightings.size(); ++i) {
    LiveSighting& live = sightings.emplace_back();
    live.spec = plan.sightings[i];
    LiveProjection* const projection = projections.Find(live.spec.projection);
    live.projection = projection->id;
    live.slot = projection->sightings.size();
    projection->sightings.push_back(static_cast<std::uint16_t>(i));
  }
  for (std::size_t i = 0; i < sightings.size(); ++i) {
    if (sightings[i].spec.answers.empty()) continue;
    for (std::size_t other = 0; other < sightings.size(); ++other) {
      if (sightings[other].spec.id != sightings[i].spec.answers) continue;
      sightings[i].answers = other;
      sightings[other].answered_by = i;
    }
  }
}

void WindowStore::State::BeginSighting(const LiveSighting& sighting, Cell* cell) {
  CellSighting& seen = cell->sightings[sighting.slot];
  const std::vector<std::string>& wanted = sighting.spec.measures;
  for (SeriesKey key = 0; key < cell->key_limit() && key < names.key_count(); ++key) {
    const SeriesHead* const head = cell->Find(key);
    if (head == nullptr || !head->live() || head->bucket == SeriesHead::kNoBucket) continue;
    const std::string& base = names.NameOf(names.OriginOf(key).measure).base;
    if (std::find(wanted.begin(), wanted.end(), base) == wanted.end()) continue;
    seen.at = std::max(seen.at, Time(head->bucket * kFineWidth));
  }
}

// --- Checkpoint --------------------------------------------------------------------------------

void WindowStore::State::MarkSightings(Cell* cell) {
  if (cell->sightings_mark == round) return;
  if (checkpointing && cell->sightings_mark == round - 1)
    ready.emplace_back(RowKey().Sightings(cell->id), EncodeSightings(*cell));
  cell->sightings_mark = round;
  dirty_sightings.push_back(cell->id);
}

/// Emits rows until there are `rows_max`; false when some are left.
bool WindowStore::State::EmitSightings(const EmitRow& emit, std::size_t rows_max,
                                       std::size_t* rows) {
  for (; !pending_sightings.empty(); pending_sightings.pop_back()) {
    Cell* const cell = CellAt(CellId{pending_sightings.back()});
    if (cell == nullptr || cell->sightings_mark != round - 1) continue;
    if (*rows >= rows_max) return false;
    emit(RowKey().Sightings(cell->id), EncodeSightings(*cell));
    cell->sightings_mark = 0;
    ++*rows;
  }
  return true;
}

/// By id, so that a row does not depend on places. Empty without any: a deletion.
std::string WindowStore::State::EncodeSightings(const Cell& cell) const {
  std::string bytes;
  ByteWriter out(&bytes);
  for (const std::uint16_t place : projections.At(cell.projection)->sightings) {
    const LiveSighting& live = sightings[place];
    if (live.slot >= cell.sightings.size()) continue;
    const CellSighting& seen = cell.sightings[live.slot];
    if (seen.at == Time{}) continue;
    out.String(live.spec.id);
    out.SignedVarint(seen.at.time_since_epoch().count());
    out.Varint(seen.texts.size());
    for (const auto& [name, text] : seen.texts) {
      out.String(name);
      out.String(text);
    }
    out.Varint(seen.open.size());
    for (const Time each : seen.open) out.SignedVarint(each.time_since_epoch().count());
  }
  return bytes;
}

Status WindowStore::State::LoadSightings(std::uint32_t id, std::string_view value) {
  Cell* const cell = CellAt(CellId{id});
  if (cell == nullptr || cell->is_overflow) return BrokenRow("sightings");
  const std::vector<std::uint16_t>& places = projections.At(cell->projection)->sightings;
  ByteReader in(value);
  while (in.ok() && !in.done()) {
    const std::string_view name = in.String();
    const auto place = std::find_if(places.begin(), places.end(), [&](std::uint16_t each) {
      return sightings[each].spec.id == name;
    });
    if (place == places.end()) return BrokenRow("sightings");
    const std::size_t slot = sightings[*place].slot;
    if (cell->sightings.size() <= slot) cell->sightings.resize(slot + 1);
    CellSighting& seen = cell->sightings[slot] = CellSighting();
    if (!GetTime(&in, &seen.at)) return BrokenRow("sightings");
    for (std::uint64_t left = in.Varint(); left > 0 && in.ok(); --left) {
      std::string text_name(in.String());
      seen.texts.emplace(std::move(text_name), in.String());
    }
    const std::uint64_t open = in.Varint();
    if (open > kOpenSightingsMax + 1) return BrokenRow("sightings");
    for (std::uint64_t i = 0; i < open; ++i) {
      if (!GetTime(&in, &seen.open.emplace_back())) return BrokenRow("sightings");
    }
  }
  return in.ok() ? Status() : BrokenRow("sightings");
}

}  // namespace barograph::rules
