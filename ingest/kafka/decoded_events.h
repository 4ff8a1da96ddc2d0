#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "ingest/formats/record_decoder.h"

namespace barograph::ingest {

/// What one record holds, kept until it is known whether all of it fits into the open batch.
/// Threads: one; memory is used again.
class DecodedEvents final : public EventSink {
 public:
  struct Item {
    std::string_view event;
    std::string_view rejection;  ///< not empty: there is no event
  };

  void Clear() {
    bytes_.clear();
    ends_.clear();
  }
  void Add(std::string_view event_wire) override { Append(event_wire, false); }
  void Reject(std::uint32_t /*index*/, std::string_view reason) override { Append(reason, true); }

  /// Events and rejections.
  [[nodiscard]] std::size_t size() const { return ends_.size(); }
  [[nodiscard]] std::size_t bytes() const { return bytes_.size(); }
  /// `take(index, item)` for each, in order.
  template <typename Take>
  void ForEach(const Take& take) const {
    std::size_t begin = 0;
    for (std::uint32_t index = 0; index < ends_.size(); ++index) {
      const auto [end, rejected] = ends_[index];
      const std::string_view text(bytes_.data() + begin, end - begin);
      take(index, rejected ? Item{{}, text} : Item{text, {}});
      begin = end;
    }
  }

 private:
  struct End {
    std::size_t end;
    bool rejected;
  };
  void Append(std::string_view text, bool rejected) {
    bytes_.append(text);
    ends_.push_back({bytes_.size(), rejected});
  }

  std::string bytes_;
  std::vector<End> ends_;
};

}  // namespace barograph::ingest
