#pragma once

#include <absl/synchronization/mutex.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <deque>
#include <map>
#include <string>
#include <thread>
#include <vector>

namespace barograph::server {

/// An HTTP receiver for tests: answers each request with the next line of its script ("HTTP/1.1 200
/// OK\r\n..."), the last line again and again. "" closes without an answer, "hang" keeps the
/// connection open. One request a connection.
class ScriptedReceiver {
 public:
  struct Request {
    std::map<std::string, std::string> headers;  // lower-case names
    std::string body;
  };

  explicit ScriptedReceiver(std::deque<std::string> script) : script_(std::move(script)) {
    socket_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ::bind(socket_, reinterpret_cast<sockaddr*>(&address), sizeof(address));
    ::listen(socket_, 64);
    socklen_t size = sizeof(address);
    ::getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { Serve(); });
  }
  ~ScriptedReceiver() {
    ::shutdown(socket_, SHUT_RDWR);
    thread_.join();
    ::close(socket_);
    for (const int hanging : hanging_) ::close(hanging);
  }

  static std::string Status(int code, const std::string& headers = "") {
    return "HTTP/1.1 " + std::to_string(code) + " X\r\nContent-Length: 0\r\nConnection: close\r\n" +
           headers + "\r\n";
  }
  [[nodiscard]] std::string url(const std::string& host = "127.0.0.1") const {
    return "http://" + host + ":" + std::to_string(port_) + "/hook";
  }
  [[nodiscard]] std::vector<Request> requests() const {
    const absl::MutexLock lock(&mutex_);
    return requests_;
  }
  /// Waits until `count` requests came; false after ten seconds.
  bool Await(std::size_t count) const {
    const auto enough = [this, count]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
      return requests_.size() >= count;
    };
    const absl::MutexLock lock(&mutex_);
    return mutex_.AwaitWithTimeout(absl::Condition(&enough), absl::Seconds(10));
  }

 private:
  void Serve() {
    while (true) {
      const int connection = ::accept(socket_, nullptr, nullptr);
      if (connection < 0) return;
      Answer(connection);
    }
  }

  void Answer(int connection) {
    Request request = Read(connection);
    std::string answer;
    {
      const absl::MutexLock lock(&mutex_);
      requests_.push_back(std::move(request));
      answer = script_.front();
      if (script_.size() > 1) script_.pop_front();
    }
    if (answer == "hang") {
      hanging_.push_back(connection);
      return;
    }
    (void)!::write(connection, answer.data(), answer.size());
    ::close(connection);
  }

  static Request Read(int connection) {
    std::string bytes;
    std::size_t wanted = std::string::npos;
    while (bytes.size() < wanted) {
      char buffer[4096];
      const ssize_t got = ::read(connection, buffer, sizeof(buffer));
      if (got <= 0) break;
      bytes.append(buffer, static_cast<std::size_t>(got));
      const std::size_t end = bytes.find("\r\n\r\n");
      if (wanted == std::string::npos && end != std::string::npos) {
        const std::size_t at = bytes.find("Content-Length: ");
        wanted = end + 4 + (at < end ? std::stoul(bytes.substr(at + 16)) : 0);
      }
    }
    Request request;
    const std::size_t end = bytes.find("\r\n\r\n");
    std::size_t line = bytes.find("\r\n") + 2;
    while (line < end) {
      const std::size_t next = bytes.find("\r\n", line);
      const std::size_t colon = bytes.find(": ", line);
      std::string name = bytes.substr(line, colon - line);
      for (char& c : name) c = static_cast<char>(std::tolower(c));
      request.headers[name] = bytes.substr(colon + 2, next - colon - 2);
      line = next + 2;
    }
    request.body = bytes.substr(end + 4);
    return request;
  }

  mutable absl::Mutex mutex_;
  std::deque<std::string> script_ ABSL_GUARDED_BY(mutex_);
  std::vector<Request> requests_ ABSL_GUARDED_BY(mutex_);
  std::vector<int> hanging_;
  int socket_ = -1;
  int port_ = 0;
  std::thread thread_;
};

}  // namespace barograph::server
