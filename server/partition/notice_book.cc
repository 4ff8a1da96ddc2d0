#include "server/partition/notice_book.h"

#include <algorithm>
#include <vector>

namespace barograph::server {
namespace {

constexpr std::size_t kRowsAtOnce = 1024;

}  // namespace

Status NoticeBook::Load(const storage::Outbox& outbox) {
  Sequence after{0};
  while (true) {
    BAROGRAPH_ASSIGN(std::vector<storage::OutboxRow> rows, outbox.ListPending(after, kRowsAtOnce));
    for (const storage::OutboxRow& row : rows) Add(row.notice.id, row.sequence);
    if (rows.size() < kRowsAtOnce) break;
    after = rows.back().sequence;
  }
  BAROGRAPH_ASSIGN(std::vector<storage::OutboxRow> ended,
                   outbox.ListEnded(storage::kOutboxEndedMax));
  for (const storage::OutboxRow& row : ended) ended_[row.tenant].push_front(row.sequence);
  return {};
}

std::optional<Sequence> NoticeBook::Find(const std::string& notice_id) const {
  const auto found = pending_.find(notice_id);
  if (found == pending_.end()) return std::nullopt;
  return found->second;
}

std::optional<Sequence> NoticeBook::AddEnded(const std::string& tenant, Sequence sequence) {
  std::deque<Sequence>& ended = ended_[tenant];
  ended.push_back(sequence);
  if (ended.size() <= storage::kOutboxEndedMax) return std::nullopt;
  const Sequence oldest = ended.front();
  ended.pop_front();
  return oldest;
}

bool NoticeBook::RemoveEnded(const std::string& tenant, Sequence sequence) {
  const auto ended = ended_.find(tenant);
  if (ended == ended_.end()) return false;
  const auto row = std::find(ended->second.begin(), ended->second.end(), sequence);
  if (row == ended->second.end()) return false;
  ended->second.erase(row);
  return true;
}

}  // namespace barograph::server
