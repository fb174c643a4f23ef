// An output layer that gives rare words narrow logits in clusters of their own. Source: Grave et al., ICML 2017.
#pragma once

#include "delight/embedding.h"
#include "delight/loss.h"

namespace torchwright::delight {

class AdaptiveSoftmax : public torch::nn::Module {
 public:
  struct Options {
    int64_t vocabulary, in;
    std::optional<int64_t> padding;
    std::vector<int64_t> cutoffs;
    double factor, dropout;
    bool ignore_tail_pad;  // as the original trains: a word whose number within its cluster is the padding id adds no
                           // tail loss
    bool tie_projections;
  };
  // `tied`: the input whose tables are the output's; null for own weights.
  AdaptiveSoftmax(const Options& options, const AdaptiveInput* tied, const at::TensorOptions& tensor_options);

  // x [N, in], targets [N], none of them padding. The clusters' cross entropies summed, in nats.
  LossSums loss(const at::Tensor& x, const at::Tensor& targets) const;

  // [N, V].
  at::Tensor log_probabilities(const at::Tensor& x) const;

  // -log p of the targets, [N]; no gradient.
  at::Tensor row_losses(const at::Tensor& x, const at::Tensor& targets) const;
  ScoreSums score(const at::Tensor& x, const at::Tensor& targets) const;

  // The head's logits [N, c0 + clusters], then each tail's [rows of it, size].
  std::vector<at::Tensor> logits(const at::Tensor& x, const at::Tensor& targets) const;

  int64_t vocabulary() const { return options_.vocabulary; }

 private:
  size_t tails() const { return options_.cutoffs.size(); }
  int64_t begin(size_t tail) const { return options_.cutoffs[tail]; }
  int64_t end(size_t tail) const { return tail + 1 < tails() ? options_.cutoffs[tail + 1] : options_.vocabulary; }

  bool tied() const { return !tied_tables_.empty(); }

  at::Tensor dropped(const at::Tensor& x) const;
  at::Tensor head_input(const at::Tensor& x) const;
  // [c0 + clusters, in]: one product with it gives the head's logits.
  at::Tensor head_weight() const;
  at::Tensor tail_input(const at::Tensor& x, size_t tail) const;
  at::Tensor tail_weight(size_t tail) const;
  at::Tensor head_logits(const at::Tensor& x) const;

  // Where targets lie in tail `tail`, as row numbers.
  at::Tensor rows_of(size_t tail, const at::Tensor& targets) const;
  // The head's targets: a word of its own, or a cluster's number.
  at::Tensor head_targets(const at::Tensor& targets) const;

  Options options_;
  std::vector<at::Tensor> tied_tables_, tied_projections_;  // of the input's bands; empty when untied
  at::Tensor head_, word_projection_, class_proj_;
  std::vector<at::Tensor> tail_projections_, tail_tables_;  // own; undefined where tied
};

}  // namespace torchwright::delight
