#include "server/notify/webhook/webhook_sender.h"

#include <absl/synchronization/mutex.h>
#include <curl/curl.h>
#include <sys/socket.h>

#include <array>
#include <charconv>
#include <list>
#include <thread>
#include <utility>

#include "server/notify/webhook/address_guard.h"
#include "server/notify/webhook/signature.h"
#include "storage/base/thread.h"

namespace barograph::server {

namespace {

constexpr std::size_t kAnswerBytesMax = 64 * 1024;
constexpr long kConnectionsMax = 64;
constexpr int kPollMs = 1000;

/// One request and everything that libcurl refers to while it is under way.
struct Exchange {
  Attempt attempt;
  std::function<void(TryResult)> done;
  AddressGuard guard;
  std::string url;
  Duration timeout{};
  std::string signature;
  curl_slist* headers = nullptr;
  CURL* handle = nullptr;
  std::size_t answer_bytes = 0;
  bool forbidden = false;
  std::array<char, CURL_ERROR_SIZE> error{};

  explicit Exchange(AddressGuard guard_of_url) : guard(std::move(guard_of_url)) {}
  ~Exchange() {
    curl_slist_free_all(headers);
    curl_easy_cleanup(handle);
  }
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;
};

curl_socket_t OpenSocket(void* exchange, curlsocktype, curl_sockaddr* address) {
  auto* self = static_cast<Exchange*>(exchange);
  if (!self->guard.Allows(&address->addr)) {
    self->forbidden = true;
    return CURL_SOCKET_BAD;
  }
  return ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

std::size_t CountAnswer(char*, std::size_t size, std::size_t count, void* exchange) {
  auto* self = static_cast<Exchange*>(exchange);
  self->answer_bytes += size * count;
  return self->answer_bytes > kAnswerBytesMax ? 0 : size * count;
}

void AddHeader(Exchange& exchange, const std::string& line) {
  exchange.headers = curl_slist_append(exchange.headers, line.c_str());
}

void Prepare(Exchange& exchange) {
  exchange.handle = curl_easy_init();
  CURL* handle = exchange.handle;
  const auto seconds = std::chrono::floor<std::chrono::seconds>(exchange.attempt.at);
  AddHeader(exchange, "Content-Type: " + exchange.attempt.content_type);
  AddHeader(exchange, "webhook-id: " + exchange.attempt.notice_id);
  AddHeader(exchange, "webhook-timestamp: " + std::to_string(seconds.time_since_epoch().count()));
  if (!exchange.signature.empty()) AddHeader(exchange, "webhook-signature: " + exchange.signature);
  AddHeader(exchange, "Expect:");
  curl_easy_setopt(handle, CURLOPT_URL, exchange.url.c_str());
  curl_easy_setopt(handle, CURLOPT_POSTFIELDS, exchange.attempt.body.data());
  curl_easy_setopt(handle, CURLOPT_POSTFIELDSIZE_LARGE,
                   static_cast<curl_off_t>(exchange.attempt.body.size()));
  curl_easy_setopt(handle, CURLOPT_HTTPHEADER, exchange.headers);
  curl_easy_setopt(handle, CURLOPT_USERAGENT, "Barograph");
  curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(handle, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(handle, CURLOPT_NOPROXY, "*");
  curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(handle, CURLOPT_TCP_NODELAY, 1L);
  curl_easy_setopt(
      handle, CURLOPT_TIMEOUT_MS,
      static_cast<long>(std::chrono::floor<std::chrono::milliseconds>(exchange.timeout).count()));
  curl_easy_setopt(handle, CURLOPT_OPENSOCKETFUNCTION, &OpenSocket);
  curl_easy_setopt(handle, CURLOPT_OPENSOCKETDATA, &exchange);
  curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, &CountAnswer);
  curl_easy_setopt(handle, CURLOPT_WRITEDATA, &exchange);
  curl_easy_setopt(handle, CURLOPT_ERRORBUFFER, exchange.error.data());
  curl_easy_setopt(handle, CURLOPT_PRIVATE, &exchange);
}

Duration RetryAfter(CURL* handle) {
  curl_off_t seconds = 0;
  curl_easy_getinfo(handle, CURLINFO_RETRY_AFTER, &seconds);
  return std::chrono::seconds(seconds);
}

TryResult ResultOf(const Exchange& exchange, CURLcode code) {
  TryResult result;
  if (exchange.forbidden) {
    result.outcome = TryResult::Outcome::kRefused;
    result.detail = exchange.guard.host() + " leads to an address inside a private network";
    return result;
  }
  long status = 0;
  curl_easy_getinfo(exchange.handle, CURLINFO_RESPONSE_CODE, &status);
  result.status_code = static_cast<std::uint32_t>(status);
  if (code != CURLE_OK && !(code == CURLE_WRITE_ERROR && status != 0)) {
    result.detail = exchange.error[0] != '\0' ? exchange.error.data() : curl_easy_strerror(code);
    return result;
  }
  result.detail = "HTTP " + std::to_string(status);
  if (status >= 200 && status < 300) {
    result.outcome = TryResult::Outcome::kDelivered;
  } else if (status == 408 || status == 425 || status == 429 || status >= 500) {
    result.retry_after = RetryAfter(exchange.handle);
  } else {
    result.outcome = TryResult::Outcome::kRefused;
  }
  return result;
}

}  // namespace

/// The one thread that runs all transfers.
class WebhookClient::Loop {
 public:
  Loop() : multi_(curl_multi_init()) {
    curl_multi_setopt(multi_, CURLMOPT_MAX_TOTAL_CONNECTIONS, kConnectionsMax);
    curl_multi_setopt(multi_, CURLMOPT_MAXCONNECTS, kConnectionsMax);
    thread_ = StartThread("webhooks", [this] { Run(); });
  }
  ~Loop() {
    {
      const absl::MutexLock lock(&mutex_);
      stopping_ = true;
    }
    curl_multi_wakeup(multi_);
    thread_.join();
    curl_multi_cleanup(multi_);
  }
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  void Submit(std::unique_ptr<Exchange> exchange) {
    {
      const absl::MutexLock lock(&mutex_);
      submitted_.push_back(std::move(exchange));
    }
    curl_multi_wakeup(multi_);
  }

 private:
  void Run() {
    while (TakeSubmitted()) {
      int running = 0;
      curl_multi_perform(multi_, &running);
      Collect();
      curl_multi_poll(multi_, nullptr, 0, kPollMs, nullptr);
    }
    Cancel();
  }

  /// False when it is time to stop.
  bool TakeSubmitted() {
    std::list<std::unique_ptr<Exchange>> taken;
    {
      const absl::MutexLock lock(&mutex_);
      if (stopping_) return false;
      taken.swap(submitted_);
    }
    for (auto& exchange : taken) {
      Prepare(*exchange);
      curl_multi_add_handle(multi_, exchange->handle);
      under_way_.push_back(std::move(exchange));
    }
    return true;
  }

  void Collect() {
    int left = 0;
    while (const CURLMsg* message = curl_multi_info_read(multi_, &left)) {
      if (message->msg != CURLMSG_DONE) continue;
      const CURLcode code = message->data.result;
      Exchange* exchange = nullptr;
      curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &exchange);
      TryResult result = ResultOf(*exchange, code);
      curl_multi_remove_handle(multi_, exchange->handle);
      const auto done = std::move(exchange->done);
      under_way_.remove_if([exchange](const auto& other) { return other.get() == exchange; });
      done(std::move(result));
    }
  }

  void Cancel() {
    for (auto& exchange : under_way_) {
      curl_multi_remove_handle(multi_, exchange->handle);
      exchange->done({.detail = "shutting down"});
    }
    under_way_.clear();
    const absl::MutexLock lock(&mutex_);
    for (auto& exchange : submitted_) exchange->done({.detail = "shutting down"});
    submitted_.clear();
  }

  CURLM* multi_;
  absl::Mutex mutex_;
  std::list<std::unique_ptr<Exchange>> submitted_ ABSL_GUARDED_BY(mutex_);
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::list<std::unique_ptr<Exchange>> under_way_;  // the loop's thread only
  std::thread thread_;
};

class WebhookClient::WebhookSender final : public Sender {
 public:
  WebhookSender(Loop& loop, WebhookOptions options, AddressGuard guard, WebhookSigner signer)
      : loop_(loop),
        options_(std::move(options)),
        guard_(std::move(guard)),
        signer_(std::move(signer)) {}

  void Send(Attempt attempt, std::function<void(TryResult)> done) override {
    auto exchange = std::make_unique<Exchange>(guard_);
    const auto seconds = std::chrono::floor<std::chrono::seconds>(attempt.at);
    exchange->signature =
        signer_.Sign(attempt.notice_id, seconds.time_since_epoch().count(), attempt.body);
    exchange->attempt = std::move(attempt);
    exchange->done = std::move(done);
    exchange->url = options_.url;
    exchange->timeout = options_.timeout;
    loop_.Submit(std::move(exchange));
  }

 private:
  Loop& loop_;
  WebhookOptions options_;
  AddressGuard guard_;
  WebhookSigner signer_;
};

WebhookClient::WebhookClient() {
  static const CURLcode initialised = curl_global_init(CURL_GLOBAL_DEFAULT);
  BAROGRAPH_ASSERT(initialised == CURLE_OK, "libcurl does not start");
  loop_ = std::make_unique<Loop>();
}
WebhookClient::~WebhookClient() = default;

Result<std::unique_ptr<Sender>> WebhookClient::MakeSender(const WebhookOptions& options) {
  BAROGRAPH_ASSIGN(AddressGuard guard, AddressGuard::ForUrl(options.url));
  BAROGRAPH_ASSIGN(WebhookSigner signer, WebhookSigner::Make(options.secrets));
  return std::unique_ptr<Sender>(
      std::make_unique<WebhookSender>(*loop_, options, std::move(guard), std::move(signer)));
}

}  // namespace barograph::server
