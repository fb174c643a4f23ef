#include "io/tensor_file.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "io/crc32.h"
#include "io/mapping_guard.h"
#include "io/path.h"
#include "runtime/errors.h"

namespace torchwright {

namespace {

// Bytes that are read or written at once, after which a job may be ended.
constexpr std::size_t kPiece = 1 << 24;

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
  // Where the path leads nowhere, the caller is mistaken; all else is the system's refusal.
  [[noreturn]] void fail() {
    const bool no_such_place = errno == ENOENT || errno == ENOTDIR || errno == EEXIST;
    throw Error(no_such_place ? code::kCheckpoint : code::kStorage, path_ + ": " + std::strerror(errno));
  }

  std::string path_;
  int file_;
};

}  // namespace

ExistingFile::ExistingFile(const std::string& path)
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

ExistingFile::~ExistingFile() { close(file_); }

void ExistingFile::read(char* data, std::size_t size, std::size_t offset, const CancelFlag& cancel) const {
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

void ExistingFile::fail(const std::string& reason) const { throw Error(code::kCheckpoint, path_ + ": " + reason); }

namespace {

// Bytes of the whole tensor, which must lie inside a file of this size.
std::size_t checked_bytes(std::size_t file_size, const TensorPlace& place) {
  std::size_t bytes = c10::elementSize(place.dtype);
  bool overflow = false;
  for (const int64_t size : place.shape) {
    overflow = overflow || size < 0 || __builtin_mul_overflow(bytes, static_cast<std::size_t>(size), &bytes);
  }
  if (overflow || place.offset > file_size || bytes > file_size - place.offset) {
    throw Error(code::kCheckpoint, "a tensor lies outside the file: it is truncated or damaged");
  }
  return bytes;
}

at::Tensor empty(const std::vector<int64_t>& shape, at::ScalarType dtype) {
  return at::empty(shape, at::TensorOptions().dtype(dtype));
}

at::Tensor read_whole(const ExistingFile& file, const TensorPlace& place, std::size_t bytes, const CancelFlag& cancel) {
  at::Tensor tensor = empty(place.shape, place.dtype);
  if (bytes > 0) {
    auto* data = static_cast<char*>(tensor.mutable_data_ptr());
    file.read(data, bytes, place.offset, cancel);
    if (place.checksum && crc32(place.checksum->before, data, bytes) != place.checksum->expected) {
      file.fail("bytes have changed since it was written: a checksum is wrong");
    }
  }
  return tensor;
}

// Reads runs of the same length that lie at a fixed distance: those close together at once, since a call to the system
// costs as much as copying some pages.
void read_runs(const ExistingFile& file, char* target, std::size_t run, std::size_t pitch, std::size_t count,
               std::size_t offset, const CancelFlag& cancel) {
  constexpr std::size_t kFarApart = 1 << 16;
  if (run == pitch) return file.read(target, run * count, offset, cancel);
  if (pitch > kFarApart) {
    for (std::size_t i = 0; i < count; ++i) file.read(target + i * run, run, offset + i * pitch, cancel);
    return;
  }
  const std::size_t together = kPiece / pitch;
  std::vector<char> piece;
  for (std::size_t first = 0; first < count; first += together) {
    const std::size_t runs = std::min(together, count - first);
    piece.resize((runs - 1) * pitch + run);
    file.read(piece.data(), piece.size(), offset + first * pitch, cancel);
    for (std::size_t i = 0; i < runs; ++i) std::memcpy(target + (first + i) * run, piece.data() + i * pitch, run);
  }
}

at::Tensor read_window(const ExistingFile& file, const TensorPlace& place, const CancelFlag& cancel) {
  const std::size_t rank = place.shape.size();
  if (place.window.size() != rank) throw Error(code::kShape, "a window has a range for each dimension");
  std::vector<int64_t> shape;
  for (std::size_t dim = 0; dim < rank; ++dim) {
    const auto [from, to] = place.window[dim];
    if (from < 0 || to < from || to > place.shape[dim]) throw Error(code::kShape, "a window lies outside its tensor");
    shape.push_back(to - from);
  }
  at::Tensor tensor = empty(shape, place.dtype);
  if (tensor.numel() == 0) return tensor;
  // Strides in the file, in bytes.
  std::vector<std::size_t> strides(rank);
  std::size_t stride = c10::elementSize(place.dtype);
  for (std::size_t dim = rank; dim-- > 0;) {
    strides[dim] = stride;
    stride *= static_cast<std::size_t>(place.shape[dim]);
  }
  // The last dimensions that are taken whole, and the one before them, make runs of bytes without a gap.
  std::size_t inner = rank - 1;
  while (inner > 0 && shape[inner] == place.shape[inner]) --inner;
  const std::size_t run = static_cast<std::size_t>(shape[inner]) * strides[inner];
  std::size_t base = place.offset;
  for (std::size_t dim = 0; dim < rank; ++dim) base += static_cast<std::size_t>(place.window[dim].first) * strides[dim];
  auto* target = static_cast<char*>(tensor.mutable_data_ptr());
  if (inner == 0) {
    file.read(target, run, base, cancel);
    return tensor;
  }
  const std::size_t outer = inner - 1;
  const auto count = static_cast<std::size_t>(shape[outer]);
  std::vector<int64_t> position(outer, 0);
  for (;;) {
    std::size_t offset = base;
    for (std::size_t dim = 0; dim < outer; ++dim) offset += static_cast<std::size_t>(position[dim]) * strides[dim];
    read_runs(file, target, run, strides[outer], count, offset, cancel);
    target += run * count;
    std::size_t dim = outer;
    while (dim > 0 && ++position[dim - 1] == shape[dim - 1]) position[--dim] = 0;
    if (dim == 0) return tensor;
  }
}

}  // namespace

std::vector<at::Tensor> load_tensors(const ExistingFile& file, const std::vector<TensorPlace>& places,
                                     at::Device device, const CancelFlag& cancel) {
  std::vector<at::Tensor> tensors;
  tensors.reserve(places.size());
  for (const TensorPlace& place : places) {
    cancel.check();
    const std::size_t bytes = checked_bytes(file.size(), place);
    at::Tensor tensor =
        place.window.empty() ? read_whole(file, place, bytes, cancel) : read_window(file, place, cancel);
    tensors.push_back(device.is_cpu() ? std::move(tensor) : tensor.to(device));
  }
  return tensors;
}

std::vector<at::Tensor> map_tensors(const std::shared_ptr<MappedFile>& file, const std::vector<TensorPlace>& places) {
  std::vector<at::Tensor> tensors;
  tensors.reserve(places.size());
  for (const TensorPlace& place : places) {
    const std::size_t bytes = checked_bytes(file->size(), place);
    if (bytes == 0) {
      tensors.push_back(empty(place.shape, place.dtype));
      continue;
    }
    char* data = file->data() + place.offset;
    if (place.offset % c10::elementSize(place.dtype) == 0) {
      tensors.push_back(at::from_blob(data, place.shape, [file](void*) {}, at::TensorOptions().dtype(place.dtype)));
    } else {
      at::Tensor copy = empty(place.shape, place.dtype);
      std::memcpy(copy.mutable_data_ptr(), data, bytes);
      tensors.push_back(std::move(copy));
    }
  }
  file->check();
  return tensors;
}

void check_mapped(const at::Tensor& tensor) {
  if (!mapping::any_broken() || !tensor.has_storage() || !mapping::is_broken(tensor.storage().data())) return;
  throw Error(
      code::kCheckpoint,
      "the file this tensor is mapped from became shorter, or could not be read: its elements are lost; dispose of it");
}

void save_tensors(const std::string& path, const std::string& header, const std::vector<at::Tensor>& tensors,
                  const CancelFlag& cancel) {
  NewFile file(path);
  file.write(header.data(), header.size());
  for (const at::Tensor& tensor : tensors) {
    cancel.check();
    const at::Tensor flat = tensor.detach().to(at::kCPU).resolve_conj().resolve_neg().contiguous();
    check_mapped(tensor);
    file.write(static_cast<const char*>(flat.const_data_ptr()), flat.nbytes());
    check_mapped(tensor);
  }
  file.finish();
}

}  // namespace torchwright
