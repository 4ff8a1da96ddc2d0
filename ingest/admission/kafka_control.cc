#include "ingest/admission/kafka_control.h"

namespace barograph::ingest {

std::string_view Name(KafkaReading reading) {
  switch (reading) {
    case KafkaReading::kReading:
      return "reading";
    case KafkaReading::kVerifying:
      return "verifying";
    case KafkaReading::kWaiting:
      return "waiting";
    case KafkaReading::kStopped:
      return "stopped";
    case KafkaReading::kNotAssigned:
      break;
  }
  return "not assigned";
}

}  // namespace barograph::ingest
