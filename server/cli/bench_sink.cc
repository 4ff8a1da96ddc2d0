#include "server/cli/bench_sink.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cctype>
#include <cstdlib>

#include "storage/base/digest.h"

namespace barograph::server {
namespace {

constexpr std::size_t kRequestBytesMax = 1U << 20U;
constexpr std::string_view kAnswer = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";

std::string Base64(std::string_view bytes) {
  constexpr std::string_view kLetters =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    std::uint32_t group = 0;
    for (std::size_t k = 0; k < 3; ++k) {
      const auto byte = i + k < bytes.size() ? static_cast<std::uint8_t>(bytes[i + k]) : 0U;
      group = group << 8 | byte;
    }
    for (std::size_t k = 0; k < 4; ++k) {
      text += i + k <= bytes.size() ? kLetters[group >> (18 - 6 * k) & 63] : '=';
    }
  }
  return text;
}

/// Value of a header; names are compared without case.
std::string_view HeaderOf(std::string_view head, std::string_view name) {
  for (std::size_t line = head.find("\r\n"); line != std::string_view::npos;
       line = head.find("\r\n", line + 2)) {
    std::string_view rest = head.substr(line + 2);
    if (rest.size() <= name.size() || rest[name.size()] != ':') continue;
    bool same = true;
    for (std::size_t i = 0; i < name.size(); ++i) {
      same = same && std::tolower(static_cast<unsigned char>(rest[i])) == name[i];
    }
    if (!same) continue;
    rest.remove_prefix(name.size() + 1);
    while (!rest.empty() && rest.front() == ' ') rest.remove_prefix(1);
    return rest.substr(0, rest.find("\r\n"));
  }
  return {};
}

/// Value of the first `"agent":"..."`, with or without blanks.
std::string AgentOf(std::string_view body) {
  constexpr std::string_view kName = "\"agent\"";
  const std::size_t name = body.find(kName);
  if (name == std::string_view::npos) return "";
  const std::size_t begin = body.find('"', name + kName.size());
  if (begin == std::string_view::npos) return "";
  return std::string(body.substr(begin + 1, body.find('"', begin + 1) - begin - 1));
}

}  // namespace

Result<std::unique_ptr<BenchSink>> BenchSink::Start(const Clock& clock, std::string secret) {
  std::unique_ptr<BenchSink> sink(new BenchSink(clock, std::move(secret)));
  sink->listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  auto* const raw = reinterpret_cast<sockaddr*>(&address);
  if (sink->listener_ < 0 || ::bind(sink->listener_, raw, size) != 0 ||
      ::listen(sink->listener_, 128) != 0 || ::getsockname(sink->listener_, raw, &size) != 0) {
    return Error(ErrorCode::kIo, "cannot listen for webhooks");
  }
  sink->port_ = ntohs(address.sin_port);
  sink->thread_ = std::thread([raw_sink = sink.get()] { raw_sink->Run(); });
  return sink;
}

BenchSink::~BenchSink() {
  stop_ = true;
  if (thread_.joinable()) thread_.join();
  for (const Connection& connection : connections_) ::close(connection.fd);
  if (listener_ >= 0) ::close(listener_);
}

std::string BenchSink::url() const { return "http://127.0.0.1:" + std::to_string(port_) + "/hook"; }

std::map<std::string, Duration> BenchSink::arrivals() const {
  const std::lock_guard lock(mutex_);
  return arrivals_;
}

void BenchSink::Run() {
  constexpr int kPollMilliseconds = 50;
  std::vector<pollfd> fds;
  while (!stop_) {
    fds.assign(1, {listener_, POLLIN, 0});
    for (const Connection& connection : connections_) fds.push_back({connection.fd, POLLIN, 0});
    if (::poll(fds.data(), fds.size(), kPollMilliseconds) <= 0) continue;
    for (std::size_t i = fds.size() - 1; i >= 1; --i) {
      if (fds[i].revents == 0 || Receive(connections_[i - 1])) continue;
      ::close(connections_[i - 1].fd);
      connections_.erase(connections_.begin() + static_cast<std::ptrdiff_t>(i - 1));
    }
    if (fds[0].revents != 0) Accept();
  }
}

void BenchSink::Accept() {
  const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (fd < 0) return;
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  connections_.push_back({fd, {}});
}

bool BenchSink::Receive(Connection& connection) {
  std::array<char, 64 * 1024> buffer{};
  const ssize_t got = ::recv(connection.fd, buffer.data(), buffer.size(), 0);
  if (got <= 0) return false;
  connection.in.append(buffer.data(), static_cast<std::size_t>(got));
  while (true) {
    const std::size_t end = connection.in.find("\r\n\r\n");
    if (end == std::string::npos) return connection.in.size() < kRequestBytesMax;
    const std::string head = connection.in.substr(0, end + 2);
    const std::size_t length =
        std::strtoul(std::string(HeaderOf(head, "content-length")).c_str(), nullptr, 10);
    if (length > kRequestBytesMax) return false;
    if (connection.in.size() < end + 4 + length) return true;
    const Duration at = clock_.BootNow();
    Take(head, std::string_view(connection.in).substr(end + 4, length), at);
    connection.in.erase(0, end + 4 + length);
    if (::send(connection.fd, kAnswer.data(), kAnswer.size(), MSG_NOSIGNAL) < 0) return false;
  }
}

void BenchSink::Take(std::string_view head, std::string_view body, Duration at) {
  ++posts_;
  std::string content(HeaderOf(head, "webhook-id"));
  content.append(".").append(HeaderOf(head, "webhook-timestamp")).append(".").append(body);
  const std::string expected = "v1," + Base64(Bytes(HmacSha256(secret_, content)));
  if (HeaderOf(head, "webhook-signature").find(expected) == std::string_view::npos) {
    ++unverified_;
    return;
  }
  const std::lock_guard lock(mutex_);
  arrivals_.try_emplace(AgentOf(body), at);
}

}  // namespace barograph::server
