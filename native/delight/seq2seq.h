// The encoder-decoder: DeLighT's translation model, and the Transformer in the same frame.
#pragma once

#include "delight/stack.h"
#include "nn/module.h"
#include "nn/products.h"

namespace torchwright::delight {

// Plan: paddingId, eosId, shareEmbeddings, encoder, decoder, outFeatures, output 'tied' | 'linear', labelSmoothing.
// Methods, with source [B, S], previous and target [B, T] int64 ids:
//   forward([source, previous])           -> [logits [B, T, V]]
//   encode([source])                      -> [output [S, B, features], padding [B, S] bool or null]
//   loss([source, previous, target])      -> [loss, nll]: means over the targets that are not padding, label-smoothed
//   and
//                                            plain; zero when there is none
//   evaluate([source, previous, target])  -> [nll, correct, predicted]
class Seq2seq : public Module {
 public:
  Seq2seq(const Plan& plan, const at::TensorOptions& options);

  std::vector<at::Tensor> call(const std::string& method, const std::vector<at::Tensor>& inputs) override;

  // inputs: [source [sentences, S]].
  std::shared_ptr<Decoding> decode(const std::vector<at::Tensor>& inputs, int64_t sentences, int64_t beams,
                                   int64_t capacity) override;

  const Stack& encoder() const { return *encoder_; }
  const Stack& decoder() const { return *decoder_; }
  at::Tensor logits(const at::Tensor& features) const { return apply_linear(features, output_weight(), {}); }
  void check(const at::Tensor& ids, const Stack& stack, const char* name) const;

 private:
  struct Encoded {
    at::Tensor output, padding;  // [B, S, features]; [B, S] or undefined
  };
  Encoded encoded(const at::Tensor& source) const;
  static at::Tensor memory_of(const Encoded& encoded);
  const at::Tensor& output_weight() const;
  at::Tensor features(const at::Tensor& source, const at::Tensor& previous) const;
  std::vector<at::Tensor> loss(const std::vector<at::Tensor>& inputs) const;
  std::vector<at::Tensor> evaluate(const std::vector<at::Tensor>& inputs) const;
  // Features and targets of one row for each target that counts.
  std::pair<at::Tensor, at::Tensor> rows(const std::vector<at::Tensor>& inputs) const;

  int64_t padding_;
  double label_smoothing_;
  std::shared_ptr<Stack> encoder_, decoder_;
  at::Tensor embed_out_;  // undefined when tied
};

}  // namespace torchwright::delight
