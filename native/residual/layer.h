// One decoder layer: its own attention and feed-forward part, and the terms that earlier layers add when they are
// recomputed on its stream.
#pragma once

#include <torch/nn/module.h>

#include <memory>
#include <vector>

#include "residual/attention.h"
#include "residual/config.h"
#include "residual/mixing.h"
#include "residual/mlp.h"
#include "residual/norm.h"
#include "residual/probabilities.h"
#include "residual/rotary.h"

namespace torchwright::residual {

struct LayerWeights {
  AttentionWeights attention;
  MlpWeights mlp;
};

// How earlier layers and a layer's own output enter its sum, as numbers.
struct LayerTerms {
  int64_t first_earlier;        // the terms are the layers [first_earlier, index]
  bool replaces;                // the sum stands alone, without the residual
  std::vector<double> factors;  // of each term
};

// What the layers of one forward pass share. Streams are [batch * time, hidden].
struct Pass {
  int64_t batch;
  int64_t time;
  at::ScalarType dtype;      // of matrix products
  bool keeps_probabilities;  // as far as more than one use will be made of them, else only what they are made from
  bool keeps_own;            // also those that are used again in the backward pass only
  RotaryTable rotary;
  std::vector<LayerWeights> weights;  // of all layers
  std::vector<Probabilities> kept;    // of the layers so far; empty where no later layer will ask
  std::vector<at::Tensor> outputs;    // stored outputs of the layers so far; undefined where no later layer will ask
};

class DecoderLayer : public torch::nn::Module {
 public:
  DecoderLayer(const Config& config, int64_t index, const at::TensorOptions& options);

  LayerWeights fold(at::ScalarType dtype) const;
  LayerTerms terms() const;

  // Weights of the terms [first_earlier, index], learned ones with a way back to their parameters; undefined where all
  // are 1.
  at::Tensor factors() const;

  // The layer's output for its input `h`. `made`: its own probabilities, when it runs a second time.
  at::Tensor forward(const at::Tensor& h, const at::Tensor& factors, Pass& pass,
                     const Probabilities* made = nullptr) const;

  int64_t index() const { return index_; }
  int64_t first_earlier() const { return first_earlier_; }
  bool detaches() const { return config_.residual.detach_probs; }

 private:
  at::Tensor unit(const at::Tensor& stream, const Pass& pass) const;
  // Probabilities of this layer on its normed input.
  Probabilities probabilities(const at::Tensor& unit, const Pass& pass, const Probabilities* made) const;
  // Heads' outputs, side by side, of the layers [first, last) on one normed stream. `kept` are those layers'.
  at::Tensor heads(const at::Tensor& unit, int64_t first, int64_t last, const std::vector<Probabilities>& kept,
                   const Pass& pass) const;
  // One layer's feed-forward part on a stream, before its last projection.
  at::Tensor activations(const at::Tensor& stream, const MlpWeights& weights, const Pass& pass) const;
  // Those of each term, each undefined where all are 1.
  std::vector<at::Tensor> each(const at::Tensor& factors) const;

  // The layer's output with the sum after attention (the plain layer is the sum of one term), and after the MLP.
  // `kept`: probabilities of the layers [first_earlier, index].
  at::Tensor mix_attention(const at::Tensor& h, const std::vector<at::Tensor>& factor,
                           const std::vector<Probabilities>& kept, const at::Tensor& unit, const Pass& pass) const;
  at::Tensor mix_mlp(const at::Tensor& h, const std::vector<at::Tensor>& factor, const std::vector<Probabilities>& kept,
                     const at::Tensor& unit, const Pass& pass) const;
  // The layer's output where earlier layers enter by their stored outputs.
  at::Tensor mix_stored(const at::Tensor& h, const std::vector<at::Tensor>& factor, Pass& pass,
                        const Probabilities* made) const;

  Config config_;
  int64_t index_;
  int64_t first_earlier_;
  bool replaces_;  // the sum stands alone, without the residual
  std::shared_ptr<Attention> self_attn_;
  std::shared_ptr<Mlp> mlp_;
  std::shared_ptr<RmsNorm> input_layernorm_, post_attention_layernorm_;
  std::shared_ptr<Mixing> mixing_;  // learned weights only
};

}  // namespace torchwright::residual
