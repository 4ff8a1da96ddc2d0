#include "server/notify/transfer/transfer_loop.h"

#include <absl/synchronization/mutex.h>
#include <sys/socket.h>

#include <algorithm>
#include <list>
#include <thread>

#include "server/notify/body/notice_text.h"
#include "server/notify/limits.h"
#include "storage/base/thread.h"

namespace barograph::server {
namespace {

constexpr std::size_t kAnswerBytesMax = 64 * 1024;
constexpr std::size_t kAnswerBytesKept = 300;
constexpr std::size_t kAnswerBytesShown = 200;
constexpr long kConnectionsKept = 64;
constexpr int kPollMs = 1000;

/// Every occurrence of a hidden text becomes "***".
std::string Hide(std::string text, const std::vector<std::string>& hidden) {
  for (const std::string& secret : hidden) {
    if (secret.empty()) continue;
    for (std::size_t at = text.find(secret); at != std::string::npos; at = text.find(secret, at)) {
      text.replace(at, secret.size(), "***");
      at += 3;
    }
  }
  return text;
}

}  // namespace

Transfer::Transfer(std::shared_ptr<const TransferOptions> options, AddressGuard guard,
                   Attempt attempt, std::function<void(TryResult)> done)
    : options_(std::move(options)),
      guard_(std::move(guard)),
      attempt_(std::move(attempt)),
      done_(std::move(done)) {}

Transfer::~Transfer() { curl_easy_cleanup(handle_); }

curl_socket_t Transfer::OpenSocket(void* self, curlsocktype /*purpose*/, curl_sockaddr* address) {
  auto* const transfer = static_cast<Transfer*>(self);
  if (!transfer->guard_.Allows(&address->addr)) {
    transfer->forbidden_ = true;
    return CURL_SOCKET_BAD;
  }
  return ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

std::size_t Transfer::TakeAnswer(char* bytes, std::size_t size, std::size_t count, void* self) {
  auto* const transfer = static_cast<Transfer*>(self);
  std::string& answer = transfer->answer_;
  answer.append(bytes, std::min(size * count, kAnswerBytesKept - answer.size()));
  transfer->answer_bytes_ += size * count;
  return transfer->answer_bytes_ > kAnswerBytesMax ? 0 : size * count;
}

CURL* Transfer::Open() {
  handle_ = curl_easy_init();
  BAROGRAPH_ASSERT(handle_ != nullptr, "libcurl makes no handle");
  const auto timeout = std::chrono::floor<std::chrono::milliseconds>(options_->timeout);
  curl_easy_setopt(handle_, CURLOPT_URL, options_->url.c_str());
  curl_easy_setopt(handle_, CURLOPT_TIMEOUT_MS, static_cast<long>(timeout.count()));
  if (!options_->ca_file.empty()) {
    curl_easy_setopt(handle_, CURLOPT_CAINFO, options_->ca_file.c_str());
  }
  curl_easy_setopt(handle_, CURLOPT_NOPROXY, "*");
  curl_easy_setopt(handle_, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(handle_, CURLOPT_TCP_NODELAY, 1L);
  curl_easy_setopt(handle_, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(handle_, CURLOPT_OPENSOCKETFUNCTION, &OpenSocket);
  curl_easy_setopt(handle_, CURLOPT_OPENSOCKETDATA, this);
  curl_easy_setopt(handle_, CURLOPT_WRITEFUNCTION, &TakeAnswer);
  curl_easy_setopt(handle_, CURLOPT_WRITEDATA, this);
  curl_easy_setopt(handle_, CURLOPT_ERRORBUFFER, error_.data());
  curl_easy_setopt(handle_, CURLOPT_PRIVATE, this);
  Prepare(handle_);
  return handle_;
}

std::string Transfer::Failure(CURLcode code) const {
  return error_[0] != '\0' ? error_.data() : curl_easy_strerror(code);
}

std::string Transfer::Answer() const { return CutText(OneLine(answer_), kAnswerBytesShown); }

TryResult Transfer::End(CURLcode code) {
  TryResult result;
  if (forbidden_) {
    result.outcome = TryResult::Outcome::kRefused;
    result.detail = guard_.host() + " leads to an address inside a private network";
    return result;
  }
  long status = 0;
  curl_easy_getinfo(handle_, CURLINFO_RESPONSE_CODE, &status);
  result.status_code = static_cast<std::uint32_t>(status);
  Judge(code, status, &result);
  result.detail = Hide(std::move(result.detail), options_->hidden);
  return result;
}

struct TransferLoop::State {
  CURLM* multi = curl_multi_init();
  absl::Mutex mutex;
  std::list<std::unique_ptr<Transfer>> submitted ABSL_GUARDED_BY(mutex);
  bool stopping ABSL_GUARDED_BY(mutex) = false;
  std::list<std::unique_ptr<Transfer>> under_way;  // the loop's thread only
  std::thread thread;

  void Run();
  /// False when it is time to stop.
  bool TakeSubmitted() ABSL_LOCKS_EXCLUDED(mutex);
  void Collect();
  void Cancel() ABSL_LOCKS_EXCLUDED(mutex);
};

void TransferLoop::State::Run() {
  while (TakeSubmitted()) {
    int running = 0;
    curl_multi_perform(multi, &running);
    Collect();
    curl_multi_poll(multi, nullptr, 0, kPollMs, nullptr);
  }
  Cancel();
}

bool TransferLoop::State::TakeSubmitted() {
  std::list<std::unique_ptr<Transfer>> taken;
  {
    const absl::MutexLock lock(&mutex);
    if (stopping) return false;
    taken.swap(submitted);
  }
  for (auto& transfer : taken) {
    curl_multi_add_handle(multi, transfer->Open());
    under_way.push_back(std::move(transfer));
  }
  return true;
}

void TransferLoop::State::Collect() {
  int left = 0;
  while (const CURLMsg* message = curl_multi_info_read(multi, &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    const CURLcode code = message->data.result;
    Transfer* transfer = nullptr;
    curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &transfer);
    TryResult result = transfer->End(code);
    curl_multi_remove_handle(multi, transfer->handle());
    const auto found = std::find_if(under_way.begin(), under_way.end(),
                                    [&](const auto& other) { return other.get() == transfer; });
    const std::unique_ptr<Transfer> ended = std::move(*found);
    under_way.erase(found);
    ended->Tell(std::move(result));
  }
}

void TransferLoop::State::Cancel() {
  for (auto& transfer : under_way) {
    curl_multi_remove_handle(multi, transfer->handle());
    transfer->Tell({.detail = "shutting down"});
  }
  under_way.clear();
  std::list<std::unique_ptr<Transfer>> waiting;
  {
    const absl::MutexLock lock(&mutex);
    waiting.swap(submitted);
  }
  for (auto& transfer : waiting) transfer->Tell({.detail = "shutting down"});
}

TransferLoop::TransferLoop() {
  static const CURLcode initialised = curl_global_init(CURL_GLOBAL_DEFAULT);
  BAROGRAPH_ASSERT(initialised == CURLE_OK, "libcurl does not start");
  state_ = std::make_unique<State>();
  // A receiver that hangs must leave room for the others: libcurl's own bound is that of all tries.
  curl_multi_setopt(state_->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS,
                    static_cast<long>(kTriesUnderWayMax));
  curl_multi_setopt(state_->multi, CURLMOPT_MAXCONNECTS, kConnectionsKept);
  state_->thread = StartThread("transfers", [state = state_.get()] { state->Run(); });
}

TransferLoop::~TransferLoop() {
  {
    const absl::MutexLock lock(&state_->mutex);
    state_->stopping = true;
  }
  curl_multi_wakeup(state_->multi);
  state_->thread.join();
  curl_multi_cleanup(state_->multi);
}

void TransferLoop::Submit(std::unique_ptr<Transfer> transfer) {
  {
    const absl::MutexLock lock(&state_->mutex);
    state_->submitted.push_back(std::move(transfer));
  }
  curl_multi_wakeup(state_->multi);
}

}  // namespace barograph::server
