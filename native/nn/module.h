// The generic door to native modules: parameters and buffers are torch::nn::Module's, methods are called by name.
#pragma once

#include <torch/nn/module.h>

#include <memory>
#include <string>
#include <vector>

#include "nn/decoding.h"
#include "runtime/errors.h"

namespace torchwright {

class Module : public torch::nn::Module {
 public:
  // Calls `method` ("forward", "loss", "evaluate", ...). An undefined tensor stands for null. Throws ERR_ARGUMENT for a
  // name or a number of inputs that this kind does not know.
  virtual std::vector<at::Tensor> call(const std::string& method, const std::vector<at::Tensor>& inputs) = 0;

  // Begins to decode `sentences` x `beams` rows; `inputs` are the kind's own. `capacity`: tokens expected, not a limit.
  virtual std::shared_ptr<Decoding> decode(const std::vector<at::Tensor>&, int64_t /*sentences*/, int64_t /*beams*/,
                                           int64_t /*capacity*/) {
    throw Error(code::kArgument, "modules of this kind do not decode");
  }
};

}  // namespace torchwright
