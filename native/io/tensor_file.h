// Raw tensors in a file: what safetensors holds behind its header. Names, shapes and offsets are TypeScript's business.
#pragma once

#include <ATen/core/Tensor.h>

#include <string>
#include <vector>

#include "runtime/cancel.h"

namespace torchwright {

struct TensorPlace {
  at::ScalarType dtype;
  std::vector<int64_t> shape;
  uint64_t offset;  // from the file's start
};

// Copies tensors out of a file. Throws ERR_CHECKPOINT when one lies outside it.
std::vector<at::Tensor> load_tensors(const std::string& path, const std::vector<TensorPlace>& places, at::Device device,
                                     const CancelFlag& cancel);

// Creates `path` (which must not exist) with `header` followed by the tensors' bytes in row-major order, and syncs it.
void save_tensors(const std::string& path, const std::string& header, const std::vector<at::Tensor>& tensors,
                  const CancelFlag& cancel);

}  // namespace torchwright
