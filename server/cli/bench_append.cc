#include "server/cli/bench_append.h"

#include <fcntl.h>
#include <unistd.h>

namespace barograph::server {
namespace {

constexpr std::size_t kAppendBytes = 4096;

}  // namespace

Result<std::unique_ptr<AppendFile>> AppendFile::Open(const std::string& path) {
  const int fd = ::open(path.c_str(), O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0600);
  if (fd < 0) return Error(ErrorCode::kIo, "cannot open '" + path + "'");
  return std::unique_ptr<AppendFile>(new AppendFile(fd));
}

AppendFile::AppendFile(int fd) : fd_(fd), bytes_(kAppendBytes, 'x') {}

AppendFile::~AppendFile() { ::close(fd_); }

Status AppendFile::Append() {
  const auto written = ::write(fd_, bytes_.data(), bytes_.size());
  if (written != static_cast<ssize_t>(bytes_.size()) || ::fdatasync(fd_) != 0)
    return Error(ErrorCode::kIo, "cannot append and sync");
  return {};
}

}  // namespace barograph::server
