// Method of the partition's tests: a real database in a temporary folder below a clock that is
// moved by hand. Syncs of the write-ahead log can be held (a slow disk) or failed, so that what may
// be seen before a sync is visible to the test.
#pragma once

#include <absl/synchronization/mutex.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

#include "barograph/v1/event.pb.h"
#include "ingest/admission/admission.h"
#include "server/partition/gated_file_system.h"
#include "server/partition/partition.h"
#include "storage/event/server_event.h"

namespace barograph::server {

inline constexpr Time kStart{std::chrono::seconds(1'700'000'000)};
/// Real time for what must come.
inline constexpr std::chrono::seconds kSoon{60};
/// Real time in which something must not come.
inline constexpr std::chrono::milliseconds kWhile{150};

/// Options of a partition in that folder which takes little memory.
[[nodiscard]] PartitionOptions SmallPartition(const std::string& directory);
/// A notice's body is its reason.
[[nodiscard]] rules::NoticeBody FormatReason(const rules::Notice& notice,
                                             const rules::ReceiverSpec& receiver);
/// All that the server decided itself, in order; the chain is verified on the way.
[[nodiscard]] std::vector<storage::ServerEvent> ReadServerEvents(const storage::EventLog& log);

/// The answer of a command that takes a callback; kDeadlineExceeded when it does not come.
template <typename T, typename Command>
T AwaitAnswer(Command command) {
  auto promise = std::make_shared<std::promise<T>>();
  auto future = promise->get_future();
  command([promise](T result) { promise->set_value(std::move(result)); });
  if (future.wait_for(kSoon) != std::future_status::ready) {
    return Error(ErrorCode::kDeadlineExceeded, "no answer");
  }
  return future.get();
}

/// Whether the condition came true in time.
template <typename Condition>
bool Eventually(Condition condition) {
  constexpr std::chrono::milliseconds kLook{10};
  for (int i = 0; i < kSoon / kLook && !condition(); ++i) std::this_thread::sleep_for(kLook);
  return condition();
}

/// A batch of these events, as a door would hand it in; the rest of it is the caller's.
[[nodiscard]] ingest::Batch MakeBatchOf(const std::vector<v1::Event>& events);

/// A batch in short: `count` finished tasks, whose ids follow from the producer's sequences.
struct Sent {
  std::string producer = "p";
  std::uint64_t first = 1;
  std::uint32_t count = 1;
  std::string salt = {};
  bool failed = false;
  std::uint64_t epoch = 0;
  std::uint32_t agents = 7;  ///< who take turns
};
[[nodiscard]] ingest::Batch MakeBatch(const Sent& sent);

/// One SLO that the first failed task breaches, and a receiver for its notices.
[[nodiscard]] rules::RuleSet NoFailureAllowed();

/// Answers in the order in which they came.
///
/// Threads: any.
class Answers {
 public:
  [[nodiscard]] ingest::PartitionPort::Answer Add(int name);
  /// False when there are fewer in time.
  [[nodiscard]] bool Await(std::size_t count);
  [[nodiscard]] std::vector<int> order() const;
  [[nodiscard]] Result<ingest::BatchAnswer> at(std::size_t i) const;

 private:
  mutable absl::Mutex mutex_;
  std::vector<int> order_ ABSL_GUARDED_BY(mutex_);
  std::vector<Result<ingest::BatchAnswer>> results_ ABSL_GUARDED_BY(mutex_);
};

/// A partition that a test opens, and opens again.
class PartitionTest : public ::testing::Test {
 protected:
  using DigestAnswer = Result<std::pair<Sequence, Digest>>;

  PartitionTest();
  ~PartitionTest() override;

  [[nodiscard]] Result<std::unique_ptr<Partition>> TryOpen(const PartitionOptions& options);
  /// Closes what is open and opens it with options_; a failure fails the test.
  void Open();
  void Submit(const Sent& sent, ingest::PartitionPort::Answer answer);
  [[nodiscard]] Result<ingest::BatchAnswer> Send(const Sent& sent);
  /// Keeps the writer in a read, from its return until the promise is kept: what comes meanwhile,
  /// the writer takes at once.
  [[nodiscard]] std::promise<void> HoldWriter();
  [[nodiscard]] DigestAnswer StateDigest();
  [[nodiscard]] Status ApplyRules(const rules::RuleSet& rules);
  [[nodiscard]] Result<Sequence> AwaitRead(std::function<bool(const Partition::ReadView&)> step);
  /// All of a tenant's cost in USD, in nano-units; -1 when there is none.
  [[nodiscard]] std::int64_t CostNanos(const std::string& tenant);
  /// Those of one kind.
  template <typename T>
  [[nodiscard]] std::vector<T> ServerEventsOf() {
    std::vector<T> found;
    for (const storage::ServerEvent& event : ReadServerEvents(partition_->log())) {
      if (const T* match = std::get_if<T>(&event)) found.push_back(*match);
    }
    return found;
  }

  std::string directory_, copy_;
  std::shared_ptr<GatedFileSystem> gate_ = std::make_shared<GatedFileSystem>();
  SimulatedClock clock_{kStart};
  std::atomic<int> outbox_calls_{0}, failures_{0};
  PartitionOptions options_;
  std::unique_ptr<Partition> partition_;
};

}  // namespace barograph::server
