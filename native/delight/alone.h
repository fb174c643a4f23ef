// A layer as a module by itself, and what layers that take sequences time first share.
#pragma once

#include <functional>
#include <map>
#include <string>

#include "nn/module.h"

namespace torchwright::delight {

using Tensors = std::vector<at::Tensor>;

// A layer by itself. Its parameters keep the names they have in the layer, so it stands in the layer's place.
class Alone : public Module {
 public:
  struct Method {
    size_t least, most;  // inputs
    std::function<Tensors(const Tensors&)> run;
  };

  Alone(const char* kind, std::shared_ptr<torch::nn::Module> layer, std::map<std::string, Method> methods);

  void train(bool on) override;
  Tensors call(const std::string& method, const Tensors& inputs) override;

 private:
  const char* kind_;
  std::shared_ptr<torch::nn::Module> layer_;
  std::map<std::string, Method> methods_;
};

// [T, B, ...] <-> [B, T, ...]; undefined stays undefined.
at::Tensor flip(const at::Tensor& x);
// The same for a sequence [T, B, C]. Throws ERR_SHAPE for anything else.
at::Tensor flip_sequence(const at::Tensor& x, const char* name);

// Throws ERR_SHAPE unless a mask, where defined, is [rows, columns].
void check_mask(const at::Tensor& mask, int64_t rows, int64_t columns, const char* name);

}  // namespace torchwright::delight
