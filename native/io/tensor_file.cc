#include "io/tensor_file.h"

#include <ATen/ops/empty.h>
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "io/mapped_file.h"
#include "runtime/errors.h"

namespace torchwright {

namespace {

// A file being written. What is not finished is removed.
class NewFile {
 public:
  explicit NewFile(const std::string& path)
      : path_(path), file_(open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644)) {
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
      const ssize_t written = ::write(file_, data, std::min<std::size_t>(size, 1 << 24));
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
  const MappedFile file(path, code::kCheckpoint);
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
    if (bytes > 0) std::memcpy(tensor.mutable_data_ptr(), file.data() + place.offset, bytes);
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
