#include "ingest/formats/gzip_reader.h"

#include <zlib.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <utility>

#include "storage/base/digest.h"

namespace barograph::ingest {
namespace {

constexpr std::size_t kPieceBytes = 256 * 1024;

struct FileCloser {
  void operator()(std::FILE* file) const { std::fclose(file); }
};
using File = std::unique_ptr<std::FILE, FileCloser>;

Result<File> OpenFile(const std::string& path) {
  std::error_code code;
  if (std::filesystem::is_directory(path, code)) {
    return Error(ErrorCode::kNotFound, path + " is a folder; name a file");
  }
  File file(std::fopen(path.c_str(), "rb"));
  if (!file)
    return Error(ErrorCode::kNotFound, "cannot open " + path + ": " + std::strerror(errno));
  return file;
}

class FileReader final : public GzipReader {
 public:
  FileReader(File file, std::string path, std::uint64_t bytes)
      : file_(std::move(file)), path_(std::move(path)), bytes_(bytes) {}
  ~FileReader() override {
    if (unpacking_) inflateEnd(&stream_);
  }
  FileReader(const FileReader&) = delete;
  FileReader& operator=(const FileReader&) = delete;

  Result<bool> Read(std::string* out) override {
    if (read_ == 0) {
      BAROGRAPH_TRY(Fill());
      BAROGRAPH_TRY(Begin());
    }
    if (unpacking_) return Unpack(out);
    if (available_ == 0) BAROGRAPH_TRY(Fill());
    out->append(packed_.data(), available_);
    return std::exchange(available_, 0) > 0;
  }
  [[nodiscard]] std::uint64_t file_bytes() const override { return bytes_; }
  [[nodiscard]] std::uint64_t file_bytes_read() const override { return read_; }

 private:
  Status Fill() {
    available_ = std::fread(packed_.data(), 1, packed_.size(), file_.get());
    read_ += available_;
    if (std::ferror(file_.get()) != 0) return Error(ErrorCode::kIo, "cannot read " + path_);
    return {};
  }

  Status Begin() {
    const bool gzip = available_ >= 2 && packed_[0] == '\x1f' && packed_[1] == '\x8b';
    if (!gzip) return {};
    constexpr int kGzipOnly = 15 + 16;  // zlib.h, inflateInit2: window of 32 KiB, gzip header
    if (inflateInit2(&stream_, kGzipOnly) != Z_OK)
      return Error(ErrorCode::kIo, "zlib does not start");
    unpacking_ = true;
    return {};
  }

  Result<bool> Unpack(std::string* out) {
    const std::size_t before = out->size();
    while (out->size() == before) {
      if (available_ == 0) {
        BAROGRAPH_TRY(Fill());
        if (available_ == 0) {
          if (inside_member_)
            return Error(ErrorCode::kCorruption, path_ + ": the gzip data end too early");
          return false;
        }
      }
      BAROGRAPH_TRY(UnpackPiece(out));
    }
    return true;
  }

  Status UnpackPiece(std::string* out) {
    const std::size_t before = out->size();
    out->resize(before + kPieceBytes);
    stream_.next_in = reinterpret_cast<Bytef*>(packed_.data() + consumed_);
    stream_.avail_in = static_cast<uInt>(available_);
    stream_.next_out = reinterpret_cast<Bytef*>(out->data() + before);
    stream_.avail_out = static_cast<uInt>(kPieceBytes);
    inside_member_ = true;
    const int code = inflate(&stream_, Z_NO_FLUSH);
    consumed_ += available_ - stream_.avail_in;
    available_ = stream_.avail_in;
    if (available_ == 0) consumed_ = 0;
    out->resize(before + kPieceBytes - stream_.avail_out);
    if (code == Z_STREAM_END) {
      inside_member_ = false;
      inflateReset(&stream_);
    } else if (code != Z_OK && code != Z_BUF_ERROR) {
      return Error(ErrorCode::kCorruption,
                   path_ + ": broken gzip data near byte " + std::to_string(read_ - available_));
    }
    return {};
  }

  File file_;
  std::string path_;
  std::uint64_t bytes_, read_ = 0;
  std::string packed_ = std::string(kPieceBytes, '\0');
  std::size_t available_ = 0,
              consumed_ = 0;  // bytes of packed_ that are left, and where they begin
  z_stream stream_{};
  bool unpacking_ = false, inside_member_ = false;
};

}  // namespace

Result<std::unique_ptr<GzipReader>> GzipReader::Open(const std::string& path) {
  BAROGRAPH_ASSIGN(File file, OpenFile(path));
  std::error_code code;
  const std::uintmax_t bytes = std::filesystem::file_size(path, code);
  return std::unique_ptr<GzipReader>(
      std::make_unique<FileReader>(std::move(file), path, code ? 0 : bytes));
}

Result<Digest> HashFile(const std::string& path) {
  BAROGRAPH_ASSIGN(const File file, OpenFile(path));
  Sha256Stream hash;
  std::string piece(kPieceBytes, '\0');
  while (const std::size_t size = std::fread(piece.data(), 1, piece.size(), file.get())) {
    hash.Update({piece.data(), size});
  }
  if (std::ferror(file.get()) != 0) return Error(ErrorCode::kIo, "cannot read " + path);
  return hash.Finish();
}

Result<bool> LineReader::Next(std::string_view* line) {
  constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
  while (true) {
    const std::size_t end = buffer_.find('\n', searched_);
    if (end != std::string::npos || (at_end_ && begin_ < buffer_.size())) {
      const std::size_t stop = end == std::string::npos ? buffer_.size() : end;
      *line = std::string_view(buffer_).substr(begin_, stop - begin_);
      begin_ = searched_ = end == std::string::npos ? stop : stop + 1;
      if (line->ends_with('\r')) line->remove_suffix(1);
      if (++line_number_ == 1 && line->starts_with(kByteOrderMark)) line->remove_prefix(3);
      return true;
    }
    if (at_end_) return false;
    buffer_.erase(0, begin_);
    begin_ = 0;
    searched_ = buffer_.size();
    if (buffer_.size() > kTextLineBytesMax) {
      return Error(ErrorCode::kInvalidArgument, "line " + std::to_string(line_number_ + 1) +
                                                    " has more than " +
                                                    std::to_string(kTextLineBytesMax) + " bytes");
    }
    BAROGRAPH_ASSIGN(const bool more, source_->Read(&buffer_));
    at_end_ = !more;
  }
}

}  // namespace barograph::ingest
