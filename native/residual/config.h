// What a recomputed-residual Llama decoder is made of: its sizes, and which reading of the recomputed residual it has.
#pragma once

#include <cstdint>

#include "nn/plan.h"
#include "residual/rotary.h"

namespace torchwright::residual {

enum class Site { kNone, kMlp, kAttention };
enum class Weights { kSum, kMean, kLearned };

// How earlier layers enter a layer: recomputed on the current stream, or as they were. `kNone` is the plain Llama
// layer.
struct Residual {
  Site site;
  Weights weights;
  bool stored;                // earlier layers' own outputs, as they were when those layers ran, nothing recomputed
  bool replace;               // the sum takes the residual's place instead of being added to it
  bool first_layer_residual;  // with `replace`: layer 0, which has no earlier layers, keeps its residual
  bool mid;                   // earlier layers read the stream after attention, not the layer's input (site MLP)
  int64_t window;             // how many of the nearest earlier layers take part; 0: all
  bool norm_with_current;     // the current layer's own output is inside the mean or softmax
  bool free_weights;          // learned weights are used as they are, without a softmax
  bool detach_probs;          // no gradient through kept probabilities into the layer that made them
};

struct Config {
  int64_t vocab_size;
  int64_t hidden_size;
  int64_t intermediate_size;
  int64_t layers;
  int64_t heads;
  int64_t kv_heads;
  int64_t head_dim;
  double rms_norm_eps;
  Rope rope;
  bool tied;
  bool attention_bias;
  bool mlp_bias;
  double initializer_range;
  Residual residual;
  // How a pass is run, which changes no result:
  bool activation_checkpointing;  // in training, each layer's inner activations are made anew in the backward pass
  double probability_budget;      // bytes; kept probabilities that need more are computed again at each use instead

  // Reads and checks a plan; throws ERR_CONFIG with the name of the first value that cannot be.
  static Config from(const Plan& plan);

  int64_t query_size() const { return heads * head_dim; }
  int64_t kv_size() const { return kv_heads * head_dim; }

  // The earlier layers that take part in layer `layer` are [first_earlier(layer), layer).
  int64_t first_earlier(int64_t layer) const;
  bool adds_earlier() const { return residual.site != Site::kNone; }
  // Whether a layer after `layer` recomputes it, so that its attention probabilities must be kept.
  bool is_recomputed(int64_t layer) const { return adds_earlier() && !residual.stored && layer + 1 < layers; }
};

}  // namespace torchwright::residual
