// Attention probabilities that outlive their layer: computed once from a layer's own queries and keys, applied there
// and again, to new values, in every later layer.
//
// Heads that share keys and values are folded into rows: with H query and K key-value heads, G = H / K, a matrix of
// [time * G, time] for each of [batch * K] pairs; row t * G + g is position t of head g. Rows are cut into blocks of
// positions; a block from a to e sees the keys 0..e only, so the half that causality forbids is neither computed nor
// kept.
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/core/ivalue.h>

#include <vector>

namespace torchwright::residual {

// Where the uses of one layer's probabilities leave their gradients, block by block, summed in place. The layer's own
// backward takes them once all uses have run: one softmax backward and no T x T addition outside a matrix product.
struct ProbabilityGradients : torch::CustomClassHolder {
  std::vector<at::Tensor> blocks;
  int task = -1;  // the backward pass that they belong to: what one that failed has left is not added to
};

struct Probabilities {
  std::vector<at::Tensor> blocks;  // each [batch * K, positions * G, keys seen]
  // Ties uses to their origin in the autograd graph: holds no number, its gradient is never defined.
  at::Tensor token;
  c10::intrusive_ptr<ProbabilityGradients> gradients;

  // The same numbers without a way back to the layer that made them.
  Probabilities detached() const { return {blocks, token.detach(), gradients}; }
};

// Causal softmax(queries keys^T). queries [batch * K, time * G, width], already scaled; keys [batch * K, time, width].
Probabilities causal_probabilities(const at::Tensor& queries, const at::Tensor& keys);

// One layer's values for several probabilities: values [batch, time, count * K * width], the i-th part for kept[i];
// gives [batch * time, count * K * G * width], the i-th part from kept[i].
at::Tensor apply_probabilities(const std::vector<Probabilities>& kept, const at::Tensor& values, int64_t kv_heads);

}  // namespace torchwright::residual
