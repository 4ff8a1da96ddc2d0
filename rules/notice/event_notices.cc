#include "rules/notice/event_notices.h"

#include <algorithm>
#include <set>

#include "storage/base/bytes.h"

namespace barograph::rules {
namespace {

constexpr std::uint8_t kRowFormat = 1;
enum Counts : std::uint8_t { kUnknown, kNo, kYes };

void WriteTime(Time time, ByteWriter* out) { out->SignedVarint(time.time_since_epoch().count()); }
Time ReadTime(ByteReader* in) { return Time(Duration(in->SignedVarint())); }

void WriteTexts(const storage::Labels& texts, ByteWriter* out) {
  out->Varint(texts.size());
  for (const auto& [name, text] : texts) {
    out->String(name);
    out->String(text);
  }
}

storage::Labels ReadTexts(ByteReader* in) {
  storage::Labels texts;
  for (std::uint64_t left = in->Varint(); left > 0 && in->ok(); --left) {
    std::string name(in->String());
    texts.emplace(std::move(name), in->String());
  }
  return texts;
}

}  // namespace

void EventNotices::Configure(const NoticeRules& rules) {
  rules_ = &rules;
  counts_.clear();
  std::set<std::string_view> names;
  for (const NoticeRule& rule : rules) names.insert(rule.spec().common.name);
  const std::size_t before = windows_.size() + waiting_.size();
  std::erase_if(windows_, [&](const auto& each) { return !names.contains(each.first); });
  std::erase_if(waiting_, [&](const auto& each) { return !names.contains(each.rule); });
  changed_ = changed_ || windows_.size() + waiting_.size() != before;
}

template <typename Visit>
void EventNotices::ForEachMatch(const Arrival& arrival, const WindowStore& windows,
                                const Visit& visit) {
  const auto base_of = [&](const Yield& yield) -> const std::string& {
    return windows.NameOf(yield.measure).base;
  };
  const auto is_wanted = [&](const Yield& yield) {
    const std::size_t id = yield.measure.value;
    if (id >= counts_.size()) counts_.resize(id + 1, kUnknown);
    if (counts_[id] == kUnknown) {
      const bool any = std::any_of(rules_->begin(), rules_->end(), [&](const NoticeRule& rule) {
        return rule.spec().each == base_of(yield);
      });
      counts_[id] = any ? kYes : kNo;
    }
    return counts_[id] == kYes;
  };
  if (std::none_of(arrival.yields.begin(), arrival.yields.end(), is_wanted)) return;
  for (const NoticeRule& rule : *rules_) {
    const bool yields = std::any_of(arrival.yields.begin(), arrival.yields.end(),
                                    [&](auto& each) { return base_of(each) == rule.spec().each; });
    const bool in_force = rule.spec().common.InForce(arrival.log_time);
    if (yields && in_force && rule.Passes(arrival.event)) visit(rule);
  }
}

void EventNotices::Take(const Arrival& arrival, const WindowStore& windows, const Held& held) {
  ForEachMatch(arrival, windows, [&](const NoticeRule& rule) {
    if (held(rule.LabelsOf(arrival.event))) return;
    changed_ = true;
    Window& window = windows_[rule.spec().common.name];
    const bool over = arrival.log_time >= window.from + rule.spec().per;
    if (window.from == Time{} || over) {
      if (window.more > 0 && window.owed == 0) window.owed_from = window.from;
      window.owed += std::exchange(window.more, 0);
      window.from = arrival.log_time;
      window.told = 0;
    }
    if (window.told >= rule.spec().limit || waiting_.size() >= kMessagesWaitingMax) {
      ++window.more;
      return;
    }
    ++window.told;
    waiting_.push_back(rule.Compose(arrival.event, arrival.time, arrival.sequence));
  });
}

std::vector<EventMessage> EventNotices::Late(const Arrival& arrival, const WindowStore& windows) {
  std::vector<EventMessage> messages;
  ForEachMatch(arrival, windows, [&](const NoticeRule& rule) {
    messages.push_back(rule.Compose(arrival.event, arrival.time, arrival.sequence));
  });
  return messages;
}

std::vector<EventMessage> EventNotices::Summaries(Time now) const {
  std::vector<EventMessage> summaries;
  if (!any() || windows_.empty()) return summaries;
  for (const NoticeRule& rule : *rules_) {
    const auto found = windows_.find(rule.spec().common.name);
    if (found == windows_.end()) continue;
    const Window& window = found->second;
    if (window.owed > 0) {
      summaries.push_back(rule.ComposeMore(window.owed, window.owed_from));
    } else if (window.more > 0 && now >= window.from + rule.spec().per) {
      summaries.push_back(rule.ComposeMore(window.more, window.from));
    }
  }
  return summaries;
}

bool EventNotices::End(std::string_view id) {
  const auto told = std::find_if(waiting_.begin(), waiting_.end(),
                                 [&](const EventMessage& each) { return each.id == id; });
  if (told != waiting_.end()) {
    waiting_.erase(told);
    changed_ = true;
    return true;
  }
  if (!any()) return false;
  for (const NoticeRule& rule : *rules_) {
    const auto found = windows_.find(rule.spec().common.name);
    if (found == windows_.end()) continue;
    Window& window = found->second;
    if (window.owed > 0 && id == rule.ComposeMore(window.owed, window.owed_from).id) {
      window.owed = 0;
      window.owed_from = Time{};
    } else if (window.more > 0 && id == rule.ComposeMore(window.more, window.from).id) {
      window = Window{};
    } else {
      continue;
    }
    changed_ = true;
    return true;
  }
  return false;
}

std::string EventNotices::Encode() const {
  std::string row;
  if (windows_.empty() && waiting_.empty()) return row;
  ByteWriter out(&row);
  out.Fixed(kRowFormat);
  out.Varint(windows_.size());
  for (const auto& [rule, window] : windows_) {
    out.String(rule);
    WriteTime(window.from, &out);
    out.Varint(window.told);
    out.Varint(window.more);
    WriteTime(window.owed_from, &out);
    out.Varint(window.owed);
  }
  out.Varint(waiting_.size());
  for (const EventMessage& message : waiting_) {
    out.String(message.id);
    out.String(message.rule);
    WriteTexts(message.labels, &out);
    WriteTexts(message.annotations, &out);
    out.Fixed(message.severity);
    WriteTime(message.at, &out);
  }
  return row;
}

Status EventNotices::Load(std::string_view row) {
  windows_.clear();
  waiting_.clear();
  if (row.empty()) return {};
  ByteReader in(row);
  const bool known = in.Fixed<std::uint8_t>() == kRowFormat;
  for (std::uint64_t left = in.Varint(); left > 0 && in.ok(); --left) {
    Window& window = windows_[std::string(in.String())];
    window.from = ReadTime(&in);
    window.told = static_cast<std::uint32_t>(in.Varint());
    window.more = in.Varint();
    window.owed_from = ReadTime(&in);
    window.owed = in.Varint();
  }
  for (std::uint64_t left = in.Varint(); left > 0 && in.ok(); --left) {
    EventMessage& message = waiting_.emplace_back();
    message.id = in.String();
    message.rule = in.String();
    message.labels = ReadTexts(&in);
    message.annotations = ReadTexts(&in);
    message.severity = in.Fixed<Severity>();
    message.at = ReadTime(&in);
  }
  if (!known || !in.ok() || !in.done() || waiting_.size() > kMessagesWaitingMax)
    return Error(ErrorCode::kCorruption, "row of waiting messages is broken");
  return {};
}

}  // namespace barograph::rules
