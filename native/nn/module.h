// The generic door to native modules: parameters and buffers are torch::nn::Module's, methods are called by name.
#pragma once

#include <torch/nn/module.h>

#include <string>
#include <vector>

namespace torchwright {

class Module : public torch::nn::Module {
 public:
  // Calls `method` ("forward", "loss", "evaluate", ...). An undefined tensor stands for null. Throws ERR_ARGUMENT for a
  // name or a number of inputs that this kind does not know.
  virtual std::vector<at::Tensor> call(const std::string& method, const std::vector<at::Tensor>& inputs) = 0;
};

}  // namespace torchwright
