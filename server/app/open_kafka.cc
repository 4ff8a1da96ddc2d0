#include "server/app/open_kafka.h"

#include <spdlog/spdlog.h>

#include <string_view>
#include <utility>

namespace barograph::server {
namespace {

using Level = ingest::KafkaDoor::Hooks::Level;

spdlog::level::level_enum ToSpdlog(Level level) {
  switch (level) {
    case Level::kDebug:
      return spdlog::level::debug;
    case Level::kInfo:
      return spdlog::level::info;
    case Level::kWarning:
      return spdlog::level::warn;
    case Level::kError:
      return spdlog::level::err;
  }
  return spdlog::level::err;
}

}  // namespace

Result<std::unique_ptr<ingest::KafkaDoor>> OpenKafka(const KafkaSection& section,
                                                     Partition& partition, const Clock& clock) {
  BAROGRAPH_ASSIGN(const ingest::KafkaOptions options, ResolveKafka(section));
  ingest::KafkaDoor::Hooks hooks;
  hooks.log = [](Level level, std::string_view line) { spdlog::log(ToSpdlog(level), "{}", line); };
  return ingest::KafkaDoor::Open(options, partition, partition, clock, std::move(hooks));
}

}  // namespace barograph::server
