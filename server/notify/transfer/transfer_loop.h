#pragma once

#include <curl/curl.h>

#include <array>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "server/notify/sender.h"
#include "server/notify/transfer/address_guard.h"
#include "storage/base/clock.h"

namespace barograph::server {

/// What a transfer needs beyond its protocol.
struct TransferOptions {
  std::string url;
  /// From the start of a try to its last byte. Range [100 ms, 60 s].
  Duration timeout = std::chrono::seconds(15);
  std::string ca_file;  ///< PEM; empty: the system's authorities
  /// Texts that no result may show: secrets and what is made of them.
  std::vector<std::string> hidden;
};

/// One exchange with a receiver over libcurl, and everything that libcurl refers to while it is
/// under way. Sockets are opened only to addresses that the guard allows; answers are read up to
/// 64 KiB; nothing is proxied and no redirect is followed.
///
/// Threads: made anywhere, then used by the loop's thread alone.
class Transfer {
 public:
  Transfer(std::shared_ptr<const TransferOptions> options, AddressGuard guard, Attempt attempt,
           std::function<void(TryResult)> done);
  virtual ~Transfer();
  Transfer(const Transfer&) = delete;
  Transfer& operator=(const Transfer&) = delete;

  /// Makes the handle and sets its options.
  [[nodiscard]] CURL* Open();
  /// How it ended; hides what must be hidden.
  [[nodiscard]] TryResult End(CURLcode code);
  /// Tells the result, once.
  void Tell(TryResult result) { std::exchange(done_, nullptr)(std::move(result)); }
  [[nodiscard]] CURL* handle() const { return handle_; }

 protected:
  virtual void Prepare(CURL* handle) = 0;
  /// `status` is the last one of the protocol, 0 without any. Sets outcome, detail and retry_after.
  virtual void Judge(CURLcode code, long status, TryResult* result) = 0;
  [[nodiscard]] const Attempt& attempt() const { return attempt_; }
  /// libcurl's message about a failure.
  [[nodiscard]] std::string Failure(CURLcode code) const;
  /// Beginning of what the receiver answered, as one line.
  [[nodiscard]] std::string Answer() const;

 private:
  static curl_socket_t OpenSocket(void* self, curlsocktype purpose, curl_sockaddr* address);
  static std::size_t TakeAnswer(char* bytes, std::size_t size, std::size_t count, void* self);

  std::shared_ptr<const TransferOptions> options_;  // a reload may end the sender before the try
  AddressGuard guard_;
  Attempt attempt_;
  std::function<void(TryResult)> done_;
  CURL* handle_ = nullptr;
  std::string answer_;
  std::size_t answer_bytes_ = 0;
  bool forbidden_ = false;
  std::array<char, CURL_ERROR_SIZE> error_{};
};

/// All transfers, on one thread with libcurl's multi interface; connections are kept and shared.
///
/// Threads: any; results are told on its thread.
/// Lifetime: must outlive the senders that use it.
class TransferLoop {
 public:
  TransferLoop();
  /// Cancels what is under way: each gets a kRetry result.
  ~TransferLoop();
  TransferLoop(const TransferLoop&) = delete;
  TransferLoop& operator=(const TransferLoop&) = delete;

  void Submit(std::unique_ptr<Transfer> transfer);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace barograph::server
