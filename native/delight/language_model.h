// A decoder alone: DeLighT's language model, and the Transformer in the same frame.
#pragma once

#include "delight/adaptive_softmax.h"
#include "delight/stack.h"
#include "nn/module.h"

namespace torchwright::delight {

// Plan: paddingId (or null), decoder, outFeatures, output 'tied' | 'linear' | 'adaptive', adaptive { cutoffs, factor,
// dropout, ignoreTailPad, tieWeights, tieProjections }. Methods, with ids and labels [B, T] int64; labels may be null
// and are then the ids:
//   features([ids])            -> [B, T, out]
//   forward([ids])             -> logits [B, T, V], or log-probabilities with an adaptive output
//   loss([ids, labels])        -> mean cross entropy in nats of predicting labels[:, 1:] from ids[:, :-1], padding left
//   out evaluate([ids, labels])    -> that mean, correct, predicted tokenLosses([ids, targets]) -> [B, T] nats of
//   targets, which stand where they are predicted; 0 at padding
class LanguageModel : public Module {
 public:
  LanguageModel(const Plan& plan, const at::TensorOptions& options);

  std::vector<at::Tensor> call(const std::string& method, const std::vector<at::Tensor>& inputs) override;

  // inputs: none.
  std::shared_ptr<Decoding> decode(const std::vector<at::Tensor>& inputs, int64_t sentences, int64_t beams,
                                   int64_t capacity) override;

 private:
  at::Tensor features(const at::Tensor& ids) const;
  // Logits, or log-probabilities.
  at::Tensor scores(const at::Tensor& features) const;
  const at::Tensor& output_weight() const;
  // Features and targets of one row for each target that counts, after the shift.
  std::pair<at::Tensor, at::Tensor> rows(const at::Tensor& ids, const at::Tensor& labels) const;
  std::vector<at::Tensor> loss(const at::Tensor& ids, const at::Tensor& labels) const;
  std::vector<at::Tensor> evaluate(const at::Tensor& ids, const at::Tensor& labels) const;
  at::Tensor token_losses(const at::Tensor& ids, const at::Tensor& targets) const;

  std::optional<int64_t> padding_;
  std::shared_ptr<Stack> decoder_;
  at::Tensor embed_out_;                       // undefined when tied or adaptive
  std::shared_ptr<AdaptiveSoftmax> adaptive_;  // null unless adaptive
};

}  // namespace torchwright::delight
