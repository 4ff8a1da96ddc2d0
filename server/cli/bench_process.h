#pragma once

#include <sys/types.h>

#include <memory>
#include <string>
#include <vector>

#include "storage/base/clock.h"
#include "storage/base/result.h"

namespace barograph::server {

/// Seconds of processor time, user and system together.
[[nodiscard]] double ProcessorSecondsOfSelf();

/// A folder that is removed with all in it, unless `keep`.
class BenchFolder {
 public:
  /// Made below `parent`, or below the system's folder for temporary files when that is empty.
  [[nodiscard]] static Result<std::unique_ptr<BenchFolder>> Make(const std::string& parent,
                                                                 bool keep);
  ~BenchFolder();
  BenchFolder(const BenchFolder&) = delete;
  BenchFolder& operator=(const BenchFolder&) = delete;
  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::string File(const std::string& name) const { return path_ + "/" + name; }

 private:
  BenchFolder(std::string path, bool keep) : path_(std::move(path)), keep_(keep) {}
  std::string path_;
  bool keep_;
};

/// This program once more, with other arguments. Its stderr goes to a file.
class BenchProcess {
 public:
  /// Also ends the child when this process ends, however it does.
  [[nodiscard]] static Result<std::unique_ptr<BenchProcess>> Start(
      const std::vector<std::string>& arguments, const std::string& log_file);
  ~BenchProcess();
  BenchProcess(const BenchProcess&) = delete;
  BenchProcess& operator=(const BenchProcess&) = delete;

  /// SIGTERM, waits, and returns the processor seconds that it used.
  [[nodiscard]] Result<double> Stop(Duration limit);
  [[nodiscard]] bool Running();
  /// SIGKILL.
  void Kill();
  /// Processor seconds so far.
  [[nodiscard]] double ProcessorSeconds() const;

 private:
  explicit BenchProcess(pid_t pid) : pid_(pid) {}
  pid_t pid_;
  bool ended_ = false;
};

/// A port of the loopback interface that nobody listens on just now.
[[nodiscard]] Result<int> FreePort();
/// Bytes of all files below a folder.
[[nodiscard]] std::uint64_t FolderBytes(const std::string& path);
void WriteFile(const std::string& path, const std::string& text);

/// `barograph serve` as a child, with the rules of the benchmarks: 1,000 agents, one SLO each on
/// the default rows.
class BenchServer {
 public:
  struct Options {
    std::string webhook_url;  ///< empty: notices go to a file
    std::string webhook_secret;
    std::string extra_flag;  ///< e.g. --replay
    std::string config;      ///< text of a barograph.yaml
    std::string slos;        ///< items beside the benchmarks' own SLO
    std::string rules;       ///< sections beside the benchmarks' own
  };
  [[nodiscard]] static Result<std::unique_ptr<BenchServer>> Start(const BenchFolder& folder,
                                                                  const Options& options);
  [[nodiscard]] const std::string& address() const { return address_; }
  [[nodiscard]] BenchProcess& process() { return *process_; }
  /// From its start until it answered.
  [[nodiscard]] double ready_seconds() const { return ready_seconds_; }
  [[nodiscard]] static std::string DataFolder(const BenchFolder& folder) {
    return folder.File("data");
  }

 private:
  BenchServer() = default;
  std::string address_;
  std::unique_ptr<BenchProcess> process_;
  double ready_seconds_ = 0;
};

}  // namespace barograph::server
