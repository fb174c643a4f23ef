// Raw tensors in a file: what safetensors holds behind its header. Names, shapes and offsets are TypeScript's business.
#pragma once

#include <ATen/core/Tensor.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "io/mapped_file.h"
#include "runtime/cancel.h"

namespace torchwright {

// The CRC-32 that a tensor's bytes make, together with bytes before them.
struct Checksum {
  uint32_t before;
  uint32_t expected;
};

struct TensorPlace {
  at::ScalarType dtype;
  std::vector<int64_t> shape;
  uint64_t offset;                                  // from the file's start
  std::vector<std::pair<int64_t, int64_t>> window;  // from and to, for each dimension; empty for the whole tensor
  std::optional<Checksum> checksum;                 // of a whole tensor
};

// A file being read. Not mapped: a mapped file that becomes shorter, or a disk that fails, ends the process.
class ExistingFile {
 public:
  explicit ExistingFile(const std::string& path);
  ~ExistingFile();
  ExistingFile(const ExistingFile&) = delete;
  ExistingFile& operator=(const ExistingFile&) = delete;

  std::size_t size() const { return size_; }
  void read(char* data, std::size_t size, std::size_t offset, const CancelFlag& cancel) const;
  [[noreturn]] void fail(const std::string& reason) const;

 private:
  std::string path_;
  int file_;
  std::size_t size_ = 0;
};

// Copies tensors out of a file. Throws ERR_CHECKPOINT when one lies outside it or its bytes have another checksum.
std::vector<at::Tensor> load_tensors(const ExistingFile& file, const std::vector<TensorPlace>& places,
                                     at::Device device, const CancelFlag& cancel);

// Tensors on the file's own pages, without a copy; where they do not begin at a multiple of their element size, with
// one. What is written into them stays in memory.
std::vector<at::Tensor> map_tensors(const std::shared_ptr<MappedFile>& file, const std::vector<TensorPlace>& places);

// Throws when a tensor lies on a mapped file that became shorter: its elements are zeros now. Costs nothing while none
// has.
void check_mapped(const at::Tensor& tensor);

// Creates `path` (which must not exist) with `header` followed by the tensors' bytes in row-major order, and syncs it.
void save_tensors(const std::string& path, const std::string& header, const std::vector<at::Tensor>& tensors,
                  const CancelFlag& cancel);

}  // namespace torchwright
