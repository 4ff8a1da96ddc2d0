#include "server/cli/bench_process.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <thread>

#include "barograph/v1/query.pb.h"
#include "server/cli/client.h"

namespace barograph::server {
namespace {

constexpr auto kStartMax = std::chrono::seconds(120);

double Seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
}

Error SystemError(const std::string& what) {
  return {ErrorCode::kIo, what + ": " + std::strerror(errno)};
}

constexpr const char* kSlos = R"(apiVersion: barograph/v1
slos:
  - name: task-success
    good: tasks.completed
    total: tasks.finished
    by: [agent]
    objective: 99%
    period: 30d
    min_events: 20
)";
constexpr const char* kRoutes = R"(routes:
  receiver: bench
  group_by: [rule, agent]
  group_wait: 0s
  group_interval: 1m
)";

}  // namespace

double ProcessorSecondsOfSelf() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return Seconds(usage.ru_utime) + Seconds(usage.ru_stime);
}

Result<std::unique_ptr<BenchFolder>> BenchFolder::Make(const std::string& parent, bool keep) {
  std::error_code error;
  const std::string base =
      parent.empty() ? std::filesystem::temp_directory_path(error).string() : parent;
  std::string path = base + "/barograph-bench-XXXXXX";
  if (::mkdtemp(path.data()) == nullptr) return SystemError("cannot make a folder in " + base);
  return std::unique_ptr<BenchFolder>(new BenchFolder(path, keep));
}

BenchFolder::~BenchFolder() {
  std::error_code error;
  if (!keep_) std::filesystem::remove_all(path_, error);
}

Result<std::unique_ptr<BenchProcess>> BenchProcess::Start(const std::vector<std::string>& arguments,
                                                          const std::string& log_file) {
  std::vector<std::string> words = {"/proc/self/exe"};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> argv;
  argv.reserve(words.size() + 1);
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  const int log = ::open(log_file.c_str(), O_CREAT | O_APPEND | O_WRONLY | O_CLOEXEC, 0600);
  if (log < 0) return SystemError(log_file);
  const pid_t parent = ::getpid();
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(127);
    ::dup2(log, STDOUT_FILENO);
    ::dup2(log, STDERR_FILENO);
    ::execv(argv[0], argv.data());
    ::_exit(127);
  }
  ::close(log);
  if (pid < 0) return SystemError("fork");
  return std::unique_ptr<BenchProcess>(new BenchProcess(pid));
}

BenchProcess::~BenchProcess() {
  if (ended_) return;
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
}

bool BenchProcess::Running() {
  if (!ended_ && ::waitpid(pid_, nullptr, WNOHANG) == pid_) ended_ = true;
  return !ended_;
}

Result<double> BenchProcess::Stop(Duration limit) {
  if (ended_) return Error(ErrorCode::kUnavailable, "the child has ended by itself");
  ::kill(pid_, SIGTERM);
  rusage usage{};
  const auto rounds = limit / std::chrono::milliseconds(10);
  for (std::int64_t i = 0; i <= rounds; ++i) {
    int status = 0;
    if (::wait4(pid_, &status, WNOHANG, &usage) == pid_) {
      ended_ = true;
      return Seconds(usage.ru_utime) + Seconds(usage.ru_stime);
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return Error(ErrorCode::kDeadlineExceeded, "the child did not end in " + FormatDuration(limit));
}

void BenchProcess::Kill() {
  if (ended_) return;
  ::kill(pid_, SIGKILL);
  ended_ = ::waitpid(pid_, nullptr, 0) == pid_;
}

double BenchProcess::ProcessorSeconds() const {
  std::ifstream file("/proc/" + std::to_string(pid_) + "/stat");
  std::string line;
  std::getline(file, line);
  const std::size_t end = line.rfind(')');
  if (end == std::string::npos) return 0;
  // After the name: state, then fields 4 to 13, then utime (14) and stime (15) in ticks.
  const char* at = line.c_str() + end + 2;
  for (int field = 3; field < 14 && at != nullptr; ++field) {
    at = std::strchr(at, ' ');
    if (at != nullptr) ++at;
  }
  if (at == nullptr) return 0;
  char* next = nullptr;
  const double user = std::strtod(at, &next);
  const double system = std::strtod(next, nullptr);
  return (user + system) / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

Result<int> FreePort() {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  const bool bound = fd >= 0 &&
                     ::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0 &&
                     ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0;
  if (fd >= 0) ::close(fd);
  if (!bound) return SystemError("no free port");
  return static_cast<int>(ntohs(address.sin_port));
}

std::uint64_t FolderBytes(const std::string& path) {
  std::uint64_t bytes = 0;
  std::error_code error;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(path, error)) {
    if (entry.is_regular_file(error)) bytes += entry.file_size(error);
  }
  return bytes;
}

void WriteFile(const std::string& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
}

Result<std::unique_ptr<BenchServer>> BenchServer::Start(const BenchFolder& folder,
                                                        const Options& options) {
  std::string rules = kSlos + options.slos + kRoutes + options.rules;
  if (options.webhook_url.empty()) {
    rules += "receivers:\n  - {name: bench, file: {path: " + folder.File("alerts.jsonl") + "}}\n";
  } else {
    WriteFile(folder.File("secret"), options.webhook_secret);
    rules += "receivers:\n  - {name: bench, webhook: {url: \"" + options.webhook_url +
             "\", format: alertmanager, secret: {file: " + folder.File("secret") + "}}}\n";
  }
  WriteFile(folder.File("rules.yaml"), rules);
  BAROGRAPH_ASSIGN(const int port, FreePort());
  BAROGRAPH_ASSIGN(const int http, FreePort());
  std::unique_ptr<BenchServer> server(new BenchServer());
  server->address_ = "127.0.0.1:" + std::to_string(port);
  std::vector<std::string> arguments = {"serve",
                                        "--data",
                                        DataFolder(folder),
                                        "--listen",
                                        server->address_,
                                        "--http",
                                        "127.0.0.1:" + std::to_string(http),
                                        "--rules",
                                        folder.File("rules.yaml"),
                                        "--log-level",
                                        "warn"};
  if (!options.config.empty()) {
    WriteFile(folder.File("barograph.yaml"), options.config);
    arguments.insert(arguments.end(), {"--config", folder.File("barograph.yaml")});
  }
  if (!options.extra_flag.empty()) arguments.push_back(options.extra_flag);
  const SystemClock clock;
  const Duration begin = clock.BootNow();
  BAROGRAPH_ASSIGN(server->process_, BenchProcess::Start(arguments, folder.File("server.log")));
  while (clock.BootNow() < begin + kStartMax && server->process_->Running()) {
    // Short tries: a channel that was refused once waits a second before its next one.
    const auto client = Client::Connect(server->address_, std::chrono::milliseconds(50));
    v1::GetStatusResponse status;
    if (!client.ok() ||
        !(*client)
             ->Call("barograph.v1.QueryService/GetStatus", v1::GetStatusRequest(), &status)
             .ok()) {
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
      continue;
    }
    server->ready_seconds_ = std::chrono::duration<double>(clock.BootNow() - begin).count();
    return server;
  }
  std::ifstream log(folder.File("server.log"));
  const std::string text{std::istreambuf_iterator<char>(log), {}};
  return Error(ErrorCode::kUnavailable, "the server did not start:\n" + text);
}

}  // namespace barograph::server
