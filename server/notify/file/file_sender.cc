#include "server/notify/file/file_sender.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>
#include <utility>

namespace barograph::server {

namespace {

class FileSender final : public Sender {
 public:
  explicit FileSender(std::string path) : path_(std::move(path)) {}

  void Send(Attempt attempt, std::function<void(TryResult)> done) override {
    nlohmann::ordered_json line;
    line["webhook_id"] = attempt.notice_id;
    line["at"] = FormatTime(attempt.at);
    auto body = nlohmann::ordered_json::parse(attempt.body, nullptr, false);
    line["body"] = body.is_discarded() ? nlohmann::ordered_json(attempt.body) : std::move(body);
    done(
        Append(line.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n"));
  }

 private:
  TryResult Append(const std::string& line) const {
    // A FIFO that nobody reads must not hold up the other receivers.
    constexpr int kFlags = O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NONBLOCK;
    const int file = ::open(path_.c_str(), kFlags, 0600);
    if (file < 0) return {.detail = path_ + ": " + std::strerror(errno)};
    // One write call: lines of concurrent writers do not mix, and a short write is seen.
    const ssize_t written = ::write(file, line.data(), line.size());
    TryResult result{.detail = path_};
    if (written != static_cast<ssize_t>(line.size())) {
      result.detail = path_ + ": " + (written < 0 ? std::strerror(errno) : "short write");
    } else if (::fsync(file) != 0 && errno != EINVAL) {  // a FIFO has nothing to sync
      result.detail = path_ + ": " + std::strerror(errno);
    } else {
      result.outcome = TryResult::Outcome::kDelivered;
    }
    ::close(file);
    return result;
  }

  std::string path_;
};

}  // namespace

Result<std::unique_ptr<Sender>> MakeFileSender(const std::string& path) {
  if (path.empty()) return Error(ErrorCode::kInvalidArgument, "file receiver: the path is empty");
  return std::unique_ptr<Sender>(std::make_unique<FileSender>(path));
}

}  // namespace barograph::server
