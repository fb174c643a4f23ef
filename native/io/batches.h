// What a training step or an evaluation takes its batches from.
#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "runtime/cancel.h"

namespace torchwright {

struct Batch {
  std::vector<at::Tensor> inputs;  // of the module's `loss` and `evaluate`; an undefined tensor for null
  int64_t samples = 0;
  int64_t targets = 0;  // tokens that are predicted: what the module's mean loss is a mean of
  int64_t tokens = 0;   // tokens read, without padding

  Batch to(at::Device device) &&;
};

class Batches {
 public:
  virtual ~Batches() = default;
  // The next batch, on its device. From one thread at a time.
  virtual Batch next(const CancelFlag& cancel) = 0;
};

}  // namespace torchwright
