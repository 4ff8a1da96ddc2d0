#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "storage/base/clock.h"
#include "storage/base/result.h"

namespace barograph::server {

/// A webhook receiver on the loopback interface: plain sockets, so that nothing but the server is
/// measured. Each POST is
/// verified as Standard Webhooks says and its moment, that of its last byte, noted under the agent
/// that it tells of.
/// Threads: one of its own; the methods from any.
class BenchSink {
 public:
  [[nodiscard]] static Result<std::unique_ptr<BenchSink>> Start(const Clock& clock,
                                                                std::string secret);
  ~BenchSink();
  BenchSink(const BenchSink&) = delete;
  BenchSink& operator=(const BenchSink&) = delete;

  [[nodiscard]] std::string url() const;
  /// When the first verified POST about each agent had come (boot time).
  [[nodiscard]] std::map<std::string, Duration> arrivals() const;
  [[nodiscard]] std::uint64_t posts() const { return posts_; }
  [[nodiscard]] std::uint64_t unverified() const { return unverified_; }

 private:
  struct Connection {
    int fd = -1;
    std::string in;
  };

  BenchSink(const Clock& clock, std::string secret) : clock_(clock), secret_(std::move(secret)) {}
  void Run();
  void Accept();
  /// False when the connection ended.
  [[nodiscard]] bool Receive(Connection& connection);
  void Take(std::string_view head, std::string_view body, Duration at);

  const Clock& clock_;
  const std::string secret_;
  int listener_ = -1;
  int port_ = 0;
  std::vector<Connection> connections_;
  std::atomic<bool> stop_{false};
  std::atomic<std::uint64_t> posts_{0}, unverified_{0};
  mutable std::mutex mutex_;
  std::map<std::string, Duration> arrivals_;
  std::thread thread_;
};

}  // namespace barograph::server
