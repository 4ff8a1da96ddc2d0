#include "server/notify/delivery_schedule.h"

#include <algorithm>
#include <utility>

namespace barograph::server {

namespace {

/// Whether `newer` tells of every episode that `older` tells of.
bool Covers(const storage::NoticeDecided& newer, const storage::NoticeDecided& older) {
  return std::all_of(older.episode_ids.begin(), older.episode_ids.end(), [&](const auto& episode) {
    return std::find(newer.episode_ids.begin(), newer.episode_ids.end(), episode) !=
           newer.episode_ids.end();
  });
}

}  // namespace

void DeliverySchedule::SetLimits(const Limits& limits) {
  std::map<std::string, Bucket, std::less<>> buckets;
  for (const auto& [receiver, rate] : limits) {
    Bucket& bucket = buckets[receiver];
    const auto old = buckets_.find(receiver);
    if (old != buckets_.end() && old->second.rate == rate) bucket.full_at = old->second.full_at;
    bucket.rate = rate;
    figures_.try_emplace(receiver);
  }
  buckets_ = std::move(buckets);
}

bool DeliverySchedule::HasRoom(const std::string& receiver) const {
  const auto found = figures_.find(receiver);
  return found == figures_.end() || found->second.under_way < kTriesOfReceiverMax;
}

Time DeliverySchedule::ReadyAt(const std::string& receiver) const {
  const auto found = buckets_.find(receiver);
  return found == buckets_.end() ? Time::min() : found->second.ReadyAt();
}

DeliverySchedule::Ended DeliverySchedule::End(Waiting& waiting, storage::DeliveryOutcome outcome,
                                              std::uint32_t attempts, const TryResult& last) {
  waiting.ended = true;
  Ended ended{waiting.row.tenant, waiting.row.sequence, {}};
  ended.delivery.origin.reason = "delivery";
  ended.delivery.notice_id = waiting.row.notice.id;
  ended.delivery.receiver = waiting.row.notice.receiver;
  ended.delivery.outcome = outcome;
  ended.delivery.attempts = attempts;
  ended.delivery.status_code = last.status_code;
  ended.delivery.detail = last.detail;
  return ended;
}

bool DeliverySchedule::MaySupersede(const Group& group, const Waiting& old, Time now) const {
  const bool is_front = &old == &group.queue.front();
  if (old.ended || (is_front && group.under_way)) return false;
  return (is_front && group.attempts > 0) || now - old.row.pending_since() >= policy_.late_after;
}

DeliverySchedule::Ended DeliverySchedule::Supersede(Group& group, Waiting& old,
                                                    const Waiting& newer, Time now) {
  const bool is_front = &old == &group.queue.front();
  const std::uint32_t attempts = is_front ? group.attempts : 0;
  TryResult last = attempts > 0 ? group.last : TryResult{};
  if (attempts == 0) last.detail = "it waited for " + FormatDuration(now - old.row.pending_since());
  last.detail = "superseded by " + newer.row.notice.id + " after: " + last.detail;
  // The pause stays: a receiver that is down is not asked sooner because there is more news.
  if (is_front) group.attempts = 0;
  return End(old, storage::DeliveryOutcome::kSuperseded, attempts, last);
}

void DeliverySchedule::SupersedeBy(const Waiting& newest, Group& group, Time now,
                                   std::vector<Ended>* ended) {
  for (Waiting& old : group.queue) {
    if (&old == &newest || !MaySupersede(group, old, now)) continue;
    if (Covers(newest.row.notice, old.row.notice))
      ended->push_back(Supersede(group, old, newest, now));
  }
  DropEnded(group);
}

void DeliverySchedule::SupersedeFront(Group& group, Time now, std::vector<Ended>* ended) {
  Waiting& front = group.queue.front();
  if (!MaySupersede(group, front, now)) return;
  for (auto newer = group.queue.rbegin(); &*newer != &front; ++newer) {
    if (newer->ended || !Covers(newer->row.notice, front.row.notice)) continue;
    ended->push_back(Supersede(group, front, *newer, now));
    DropEnded(group);
    return;
  }
}

void DeliverySchedule::DropEnded(Group& group) {
  while (!group.queue.empty() && group.queue.front().ended) group.queue.pop_front();
}

std::vector<DeliverySchedule::Ended> DeliverySchedule::Add(storage::OutboxRow row, Time now) {
  std::vector<Ended> ended;
  const Sequence sequence = row.sequence;
  if (groups_of_.contains(sequence)) return ended;
  GroupKey key{row.tenant, row.notice.receiver, row.notice.group_key};
  Group& group = groups_[key];
  if (group.queue.empty()) {
    group.attempts = 0;
    group.due = std::max(group.due, now);
  }
  ++figures_[row.notice.receiver].waiting;
  group.queue.push_back({std::move(row)});
  groups_of_.emplace(sequence, std::move(key));
  SupersedeBy(group.queue.back(), group, now, &ended);
  return ended;
}

std::vector<storage::OutboxRow> DeliverySchedule::TakeDue(Time now, std::size_t limit) {
  std::vector<Group*> due;
  for (auto& [key, group] : groups_) {
    if (!group.queue.empty() && !group.under_way && group.due <= now) due.push_back(&group);
  }
  std::sort(due.begin(), due.end(), [](const Group* a, const Group* b) {
    return std::pair(a->due, a->queue.front().row.sequence) <
           std::pair(b->due, b->queue.front().row.sequence);
  });
  std::vector<storage::OutboxRow> rows;
  for (Group* group : due) {
    if (rows.size() == limit) break;
    const storage::OutboxRow& row = group->queue.front().row;
    const std::string& receiver = row.notice.receiver;
    ReceiverFigures& figures = figures_[receiver];
    if (!HasRoom(receiver)) continue;
    const auto bucket = buckets_.find(receiver);
    if (bucket != buckets_.end()) {
      bucket->second.Follow(now);
      if (bucket->second.ReadyAt() > now) {
        if (!std::exchange(group->held, true)) ++figures.waits_for_rate;
        continue;
      }
      bucket->second.Take(now);
    }
    group->held = false;
    group->under_way = true;
    ++figures.under_way;
    rows.push_back(row);
  }
  return rows;
}

Duration DeliverySchedule::Pause(std::uint32_t attempts, Duration asked) {
  Duration pause = policy_.first_retry;
  for (std::uint32_t doubled = 1; doubled < attempts && pause < policy_.retry_max; ++doubled) {
    pause *= 2;
  }
  pause = std::min(pause, policy_.retry_max);
  std::uniform_real_distribution<double> jitter(1 - policy_.jitter, 1 + policy_.jitter);
  pause =
      Duration(static_cast<Duration::rep>(static_cast<double>(pause.count()) * jitter(random_)));
  return std::max(pause, std::min(asked, policy_.retry_max));
}

std::vector<DeliverySchedule::Ended> DeliverySchedule::Finish(Sequence sequence,
                                                              const TryResult& result, Time now) {
  std::vector<Ended> ended;
  const auto found = groups_of_.find(sequence);
  if (found == groups_of_.end()) return ended;
  Group& group = groups_[found->second];
  BAROGRAPH_ASSERT(group.under_way && group.queue.front().row.sequence == sequence,
                   "a try ended that was not under way");
  group.under_way = false;
  --figures_[std::get<1>(found->second)].under_way;
  ++group.attempts;
  group.last = result;
  Waiting& front = group.queue.front();
  const bool too_old = now - front.row.pending_since() >= policy_.give_up_after;
  if (result.outcome == TryResult::Outcome::kRetry && !too_old) {
    group.due = now + Pause(group.attempts, result.retry_after);
    SupersedeFront(group, now, &ended);
    return ended;
  }
  auto outcome = storage::DeliveryOutcome::kDead;
  if (result.outcome == TryResult::Outcome::kDelivered) {
    outcome = storage::DeliveryOutcome::kDelivered;
  } else if (result.outcome == TryResult::Outcome::kNoReceiver) {
    outcome = storage::DeliveryOutcome::kDropped;
  }
  ended.push_back(End(front, outcome, group.attempts, result));
  group.attempts = 0;
  group.due = now;
  DropEnded(group);
  return ended;
}

void DeliverySchedule::Forget(Sequence sequence) {
  const auto found = groups_of_.find(sequence);
  if (found == groups_of_.end()) return;
  --figures_[std::get<1>(found->second)].waiting;
  const auto group = groups_.find(found->second);
  if (group != groups_.end() && group->second.queue.empty()) groups_.erase(group);
  groups_of_.erase(found);
}

std::optional<Time> DeliverySchedule::NextDue() const {
  std::optional<Time> next;
  for (const auto& [key, group] : groups_) {
    if (group.queue.empty() || group.under_way) continue;
    // One whose receiver has no room is looked at again when a try of it ends.
    const std::string& receiver = std::get<1>(key);
    if (!HasRoom(receiver)) continue;
    const Time due = std::max(group.due, ReadyAt(receiver));
    if (!next || due < *next) next = due;
  }
  return next;
}

}  // namespace barograph::server
