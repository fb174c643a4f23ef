#include "delight/alone.h"

#include <ATen/ATen.h>

#include "delight/check.h"
#include "delight/output.h"
#include "runtime/errors.h"

namespace torchwright::delight {

Alone::Alone(const char* kind, std::shared_ptr<torch::nn::Module> layer, std::map<std::string, Method> methods)
    : kind_(kind), layer_(std::move(layer)), methods_(std::move(methods)) {
  for (const auto& item : layer_->named_parameters(false)) register_parameter(item.key(), item.value());
  for (const auto& item : layer_->named_buffers(false)) register_buffer(item.key(), item.value());
  for (const auto& item : layer_->named_children()) register_module(item.key(), item.value());
}

void Alone::train(bool on) {
  Module::train(on);
  layer_->train(on);
}

Tensors Alone::call(const std::string& method, const Tensors& inputs) {
  const auto found = methods_.find(method);
  if (found == methods_.end()) refuse_method(kind_, method);
  check_inputs(method, inputs, found->second.least, found->second.most);
  Tensors all = inputs;
  all.resize(found->second.most);
  return found->second.run(all);
}

at::Tensor flip(const at::Tensor& x) { return x.defined() ? x.transpose(0, 1) : x; }

at::Tensor flip_sequence(const at::Tensor& x, const char* name) {
  check_rank(x, 3, name, "[time, batch, features]");
  return x.transpose(0, 1).contiguous();
}

void check_mask(const at::Tensor& mask, int64_t rows, int64_t columns, const char* name) {
  if (!mask.defined()) return;
  if (mask.dim() != 2 || mask.size(0) != rows || mask.size(1) != columns) {
    throw Error(code::kShape, std::string(name) + " must be [" + std::to_string(rows) + ", " + std::to_string(columns) +
                                  "], not of shape " + text(mask.sizes()));
  }
}

}  // namespace torchwright::delight
