#include "server/config/price_file.h"

#include <filesystem>
#include <fstream>
#include <iterator>

#include "ingest/formats/price_table.h"
#include "server/config/shipped_prices.h"
#include "storage/base/digest.h"

namespace barograph::server {
namespace {

constexpr std::size_t kVersionDigits = 12;

}  // namespace

Result<storage::PricesApplied> LoadPriceFile(const std::string& file) {
  if (file.empty()) {
    BAROGRAPH_ASSIGN(auto shipped,
                     ingest::ReadPriceTable(ShippedPriceTable(), ShippedPriceVersion()));
    return shipped.prices;
  }
  std::ifstream in(file, std::ios::binary);
  const std::string text(std::istreambuf_iterator<char>(in), {});
  if (!in) return Error(ErrorCode::kInvalidArgument, "prices: cannot read " + file);
  const std::string version = std::filesystem::path(file).filename().string() + " " +
                              Hex(Sha256(text)).substr(0, kVersionDigits);
  auto table = ingest::ReadPriceTable(text, version);
  if (!table.ok()) return table.error().WithContext("prices: " + file);
  return table->prices;
}

}  // namespace barograph::server
