#include "io/tensor_file.h"

#include <ATen/ops/empty.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "io/path.h"
#include "runtime/errors.h"

namespace torchwright {

namespace {

// Bytes that are read or written at once, after which a job may be ended.
constexpr std::size_t kPiece = 1 << 24;

// A file being read. Not mapped: a mapped file that becomes shorter, or a disk that fails, ends the process.
class ExistingFile {
 public:
  explicit ExistingFile(const std::string& path)
      : path_(path), file_(open(system_path(path, code::kCheckpoint), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {
    if (file_ < 0) fail(std::strerror(errno));
    struct stat status{};
    std::string problem;
    if (fstat(file_, &status) != 0) problem = std::strerror(errno);
    if (problem.empty() && !S_ISREG(status.st_mode)) problem = "this is not a regular file";
    if (!problem.empty()) {
      close(file_);
      fail(problem);
    }
    size_ = static_cast<std::size_t>(status.st_size);
  }
  ~ExistingFile() { close(file_); }
  ExistingFile(const ExistingFile&) = delete;
  ExistingFile& operator=(const ExistingFile&) = delete;

  std::size_t size() const { return size_; }

  void read(char* data, std::size_t size, std::size_t offset, const CancelFlag& cancel) const {
    while (size > 0) {
      cancel.check();
      const ssize_t got = pread(file_, data, std::min(size, kPiece), static_cast<off_t>(offset));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) fail(std::strerror(errno));
      if (got == 0) fail("it became shorter while it was read");
      data += got;
      size -= static_cast<std::size_t>(got);
      offset += static_cast<std::size_t>(got);
    }
  }

 private:
  [[noreturn]] void fail(const std::string& reason) const { throw Error(code::kCheckpoint, path_ + ": " + reason); }

  std::string path_;
  int file_;
  std::size_t size_ = 0;
};

// A file being written. What is not finished is removed.
class NewFile {
 public:
  explicit NewFile(const std::string& path)
      : path_(path), file_(open(system_path(path, code::kCheckpoint), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644)) {
    if (file_ < 0) fail();
  }
  ~NewFile() {
    if (file_ < 0) return;
    close(file_);
    unlink(path_.c_str());
  }
  NewFile(const NewFile&) = delete;
  NewFile& operator=(const NewFile&) = delete;

  void write(const char* data, std::size_t size) {
    while (size > 0) {
      const ssize_t written = ::write(file_, data, std::min(size, kPiece));
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) fail();
      data += written;
      size -= static_cast<std::size_t>(written);
    }
  }

  void finish() {
    if (fsync(file_) != 0) fail();
    const int file = std::exchange(file_, -1);
    if (close(file) != 0) {
      const int reason = errno;
      unlink(path_.c_str());
      errno = reason;
      fail();
    }
  }

 private:
  [[noreturn]] void fail() { throw Error(code::kCheckpoint, path_ + ": " + std::strerror(errno)); }

  std::string path_;
  int file_;
};

}  // namespace

std::vector<at::Tensor> load_tensors(const std::string& path, const std::vector<TensorPlace>& places, at::Device device,
                                     const CancelFlag& cancel) {
  const ExistingFile file(path);
  std::vector<at::Tensor> tensors;
  tensors.reserve(places.size());
  for (const TensorPlace& place : places) {
    cancel.check();
    std::size_t bytes = c10::elementSize(place.dtype);
    bool overflow = false;
    for (const int64_t size : place.shape) {
      overflow = overflow || size < 0 || __builtin_mul_overflow(bytes, static_cast<std::size_t>(size), &bytes);
    }
    if (overflow || place.offset > file.size() || bytes > file.size() - place.offset) {
      throw Error(code::kCheckpoint, path + ": a tensor lies outside the file: it is truncated or damaged");
    }
    at::Tensor tensor = at::empty(place.shape, at::TensorOptions().dtype(place.dtype));
    if (bytes > 0) file.read(static_cast<char*>(tensor.mutable_data_ptr()), bytes, place.offset, cancel);
    tensors.push_back(device.is_cpu() ? tensor : tensor.to(device));
  }
  return tensors;
}

void save_tensors(const std::string& path, const std::string& header, const std::vector<at::Tensor>& tensors,
                  const CancelFlag& cancel) {
  NewFile file(path);
  file.write(header.data(), header.size());
  for (const at::Tensor& tensor : tensors) {
    cancel.check();
    const at::Tensor flat = tensor.detach().to(at::kCPU).resolve_conj().resolve_neg().contiguous();
    file.write(static_cast<const char*>(flat.const_data_ptr()), flat.nbytes());
  }
  file.finish();
}

}  // namespace torchwright
