// Layers whose parts trust their callers.
#include <vector>

#include "tensor/guards/checks.h"

namespace torchwright {

namespace {

using torch::jit::Stack;

// The derivative of no distances reads rows that are not there.
void distances(const Stack& stack) {
  const at::Tensor self = stack[0].toTensor();
  if (self.dim() > 0 && self.size(0) == 0 && self.requires_grad()) {
    refuse(code::kShape, "there is no derivative of the distances of no rows");
  }
}

// (query, key, value, mask, dropout, causal, scale, enable_gqa): heads are divided by the key's.
void grouped_attention(const Stack& stack) {
  if (stack.size() < 8 || !stack[7].toBool()) return;
  for (std::size_t i = 0; i < 3; ++i) {
    const at::Tensor tensor = stack[i].toTensor();
    require(tensor.dim() >= 3 && tensor.size(-3) > 0, "grouped attention needs [..., heads, time, size] with heads");
  }
}

// A parameter of one number for each channel, or nothing.
bool per_channel(const c10::IValue& value, int64_t channels) {
  if (value.isNone()) return true;
  const at::Tensor tensor = value.toTensor();
  return !tensor.defined() || tensor.numel() == channels;
}

// (input, weight, bias, N, C, HxW, group, eps)
void native_group_norm(const Stack& stack) {
  const at::Tensor input = stack[0].toTensor();
  const int64_t batch = stack[3].toInt(), channels = stack[4].toInt(), inner = stack[5].toInt(),
                group = stack[6].toInt();
  int64_t count = 0;
  const bool fits = batch >= 0 && channels > 0 && inner >= 0 && group > 0 && channels % group == 0 &&
                    !__builtin_mul_overflow(batch, channels, &count) && !__builtin_mul_overflow(count, inner, &count) &&
                    count == input.numel();
  require(fits, "N, C and HxW must multiply to the input's elements, and the groups must divide C");
  require(per_channel(stack[1], channels) && per_channel(stack[2], channels), "weight and bias must hold C numbers");
}

// (input, weight?, bias?, running_mean?, running_var?, training, ...)
void native_batch_norm(const Stack& stack) {
  const at::Tensor input = stack[0].toTensor();
  require(input.dim() >= 2 && input.size(1) > 0, "the input must be [batch, channel, ...] with channels");
  for (std::size_t i = 1; i < 5; ++i) {
    require(per_channel(stack[i], input.size(1)),
            "weight, bias and running statistics must hold a number for each channel");
  }
  const auto there = [](const c10::IValue& value) { return !value.isNone() && value.toTensor().defined(); };
  require(stack[5].toBool() || (there(stack[3]) && there(stack[4])),
          "outside training the running statistics are needed");
}

// (input, running_mean?, running_var?, momentum)
void batch_norm_update_stats(const Stack& stack) {
  const at::Tensor input = stack[0].toTensor();
  require(input.dim() >= 2 && input.size(1) > 0, "the input must be [batch, channel, ...] with channels");
  for (std::size_t i = 1; i < 3; ++i) {
    const bool there = !stack[i].isNone() && stack[i].toTensor().defined();
    require(there && stack[i].toTensor().numel() == input.size(1),
            "running statistics must hold a number for each channel");
  }
}

// (input, hx or hx[], params[], has_biases, num_layers, dropout, train, bidirectional, ...) or with batch sizes before
// hx. Weights are looked up by layer and direction without asking whether there are so many.
void recurrent(const Stack& stack) {
  const bool packed = stack[1].isTensor() && (stack[2].isTensorList() || stack[2].isTensor());
  const bool with_sizes = packed && stack[3].isTensorList();
  const at::Tensor input = stack[0].toTensor();
  const c10::IValue& hidden = stack[with_sizes ? 2 : 1];
  const auto weights = stack[with_sizes ? 3 : 2].toTensorVector();
  const bool biases = stack[with_sizes ? 4 : 3].toBool();
  const int64_t layers = stack[with_sizes ? 5 : 4].toInt();
  const bool both_ways = stack[with_sizes ? 8 : 7].toBool();
  require(input.dim() == (with_sizes ? 2 : 3) || (!with_sizes && input.dim() == 2),
          "the input has a wrong number of dimensions");
  const auto states = hidden.isTensorList() ? hidden.toTensorVector() : std::vector<at::Tensor>{hidden.toTensor()};
  require(!hidden.isTensorList() || states.size() == 2, "an LSTM has two hidden states");
  for (const at::Tensor& state : states)
    require(state.dim() == input.dim() || state.dim() == 3, "a hidden state has a wrong shape");
  const int64_t most = int64_t{1} << 20;
  require(layers > 0 && layers < most, "numLayers must be positive");
  const auto sets = static_cast<std::size_t>(layers * (both_ways ? 2 : 1));
  const std::size_t each = biases ? 4 : 2;
  const bool projected = hidden.isTensorList() && weights.size() == sets * (each + 1);
  require(weights.size() == sets * each || projected, "the number of weights does not fit the layers and directions");
  for (const at::Tensor& state : states)
    require(state.size(0) == static_cast<int64_t>(sets), "a hidden state has a wrong shape");
  for (const at::Tensor& weight : weights) {
    require(weight.defined() && (weight.dim() == 1 || weight.dim() == 2), "a weight has a wrong shape");
  }
}

// Whether a list of states may be empty: largest second moments without amsgrad, momentum buffers without momentum.
bool may_be_empty(const Stack& stack, std::size_t list, std::size_t lists) {
  if (lists == 6) return list == 4 && !stack[11].toBool();
  return lists == 3 && list == 2 && stack[4].toDouble() == 0;
}

// (self[], grads[], states[]..., steps[] but for SGD, numbers...): all are walked by the first's index and elements.
void fused_step(const Stack& stack) {
  std::size_t lists = 0;
  while (lists < stack.size() && stack[lists].isTensorList()) ++lists;
  const auto parameters = stack[0].toTensorVector();
  for (std::size_t list = 1; list < lists; ++list) {
    const auto tensors = stack[list].toTensorVector();
    if (tensors.empty() && may_be_empty(stack, list, lists)) continue;
    require(tensors.size() == parameters.size(), "all lists must be as long as the first");
    const bool steps = lists != 3 && list == lists - 1;
    for (std::size_t i = 0; i < tensors.size(); ++i) {
      const at::Tensor& tensor = tensors[i];
      require(tensor.layout() == at::kStrided && parameters[i].layout() == at::kStrided, "all tensors must be dense");
      require(steps ? tensor.numel() == 1 : tensor.sizes() == parameters[i].sizes(),
              "tensors of one place must have one shape, and a step one element");
      if (tensor.scalar_type() != (steps ? at::kFloat : parameters[i].scalar_type())) {
        refuse(code::kDtype, "tensors of one place must be of one dtype, and steps float32");
      }
    }
  }
}

}  // namespace

const GuardTable& guards_of_networks() {
  static const GuardTable table{
      {"_fused_adagrad_", fused_step},
      {"_fused_adam_", fused_step},
      {"_fused_adamw_", fused_step},
      {"_fused_sgd_", fused_step},
      {"pdist", distances},
      {"scaled_dot_product_attention", grouped_attention},
      {"native_group_norm", native_group_norm},
      {"native_batch_norm", native_batch_norm},
      {"batch_norm_update_stats", batch_norm_update_stats},
      {"lstm", recurrent},
      {"gru", recurrent},
      {"rnn_tanh", recurrent},
      {"rnn_relu", recurrent},
  };
  return table;
}

}  // namespace torchwright
