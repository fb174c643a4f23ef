// Kept attention probabilities: computed once by the layer that owns them, applied to the values of any later stream.
//
// The heads that share a key-value head are rows of one matrix: for K key-value heads, G = H / K, a matrix of
// [time * G, time] for each of [batch * K] pairs; row t * G + g is position t of head g. What is kept is the
// probabilities themselves, or only the queries and keys that they are computed from again wherever they are used.
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/core/ivalue.h>

#include <memory>
#include <vector>

#include "residual/blocks.h"

namespace torchwright::residual {

// What probabilities are made from, or read from.
struct ProbabilitySource {
  at::Tensor queries;          // [batch * K, time * G, width], scaled
  at::Tensor keys;             // [batch * K, time, width]
  at::Tensor transposed_keys;  // [batch * K, width, time], for the kernels of our own
  at::Tensor kept;             // blocks one after the other, each [batch * K, positions * G, keys seen]; or undefined
  bool filled = false;         // kept ones are there
};

// What the later uses of one layer's probabilities leave for the backward of its own use, which runs after all of them:
// one wide product over all uses, and one softmax backward.
struct ProbabilityUses : torch::CustomClassHolder {
  std::vector<at::Tensor> douts;   // each [batch * K, time * G, width]
  std::vector<at::Tensor> values;  // each [batch * K, time, width]
  at::Tensor dqueries, dkeys;      // what the own use makes of them
  int task = -1;                   // the backward pass they belong to: what one that failed has left is not added to
};

struct Probabilities {
  std::shared_ptr<ProbabilitySource> source;
  // Ties uses to their origin in the autograd graph: holds no number, its gradient is never defined.
  at::Tensor token;
  c10::intrusive_ptr<ProbabilityUses> uses;

  // The same numbers without a way back to the layer that made them.
  Probabilities detached() const { return {source, token.detach(), uses}; }
};

// Whether attention of tensors like this one is computed in a core's cache, where making probabilities anew costs less
// than keeping them for a single later use.
bool attends_in_cache(const at::Tensor& like);

// Elements that kept probabilities of one layer have.
int64_t kept_elements(int64_t batch, int64_t heads, int64_t time, const at::Tensor& like);

// Causal softmax(queries keys^T). queries [batch * K, time * G, width], already scaled; keys [batch * K, time, width].
// With `keep`, the first use fills what the later ones read.
Probabilities causal_probabilities(const at::Tensor& queries, const at::Tensor& keys, bool keep);

// Probabilities that have been made before, with a way back to queries and keys that have been computed once more.
Probabilities again(const Probabilities& made, const at::Tensor& queries, const at::Tensor& keys);

// One layer's values for several probabilities: values [batch, time, count * K * width], the i-th part for kept[i];
// gives [batch * time, count * K * G * width], the i-th part from kept[i]. With `own`, the last of them are those of
// the layer itself, to which all their other uses are later ones.
at::Tensor apply_probabilities(const std::vector<Probabilities>& kept, const at::Tensor& values, int64_t kv_heads,
                               bool own);

// A backward pass within another, as checkpointing makes them, adds to the outer one's uses while this lives.
class WithinBackward {
 public:
  explicit WithinBackward(int task);
  ~WithinBackward();
  WithinBackward(const WithinBackward&) = delete;
  WithinBackward& operator=(const WithinBackward&) = delete;

 private:
  int previous_;
};

// The backward pass that is running, the outermost.
int current_backward();

}  // namespace torchwright::residual
