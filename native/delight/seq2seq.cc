#include "delight/seq2seq.h"

#include <ATen/ATen.h>

#include "delight/check.h"
#include "delight/decoding.h"
#include "delight/loss.h"
#include "delight/output.h"

namespace torchwright::delight {

Seq2seq::Seq2seq(const Plan& plan, const at::TensorOptions& options)
    : padding_(plan.integer("paddingId")), label_smoothing_(read_probability(plan, "labelSmoothing")) {
  const int64_t out = read_size(plan, "outFeatures");
  encoder_ = register_module(
      "encoder", std::make_shared<Stack>(plan.object("encoder"), Layer::Side::kEncoder, 0, nullptr, options));
  decoder_ = register_module(
      "decoder", std::make_shared<Stack>(plan.object("decoder"), Layer::Side::kDecoder, out,
                                         plan.boolean("shareEmbeddings") ? &encoder_->embedding() : nullptr, options));
  if (!decoder_->cross()) throw Error(code::kConfig, "decoder.layers need crossAttention: they read the encoder");
  embed_out_ = register_output(plan, *decoder_, out, options);
}

const at::Tensor& Seq2seq::output_weight() const {
  return embed_out_.defined() ? embed_out_ : decoder_->embedding().table();
}

void Seq2seq::check(const at::Tensor& ids, const Stack& stack, const char* name) const {
  check_ids(ids, stack.embedding().vocabulary(), output_weight(), name);
}

Seq2seq::Encoded Seq2seq::encoded(const at::Tensor& source) const {
  check(source, *encoder_, "source");
  const at::Tensor padding = encoder_->padding_of(source);
  return {encoder_->encode(source, padding), padding};
}

// A source of nothing but padding is looked at all the same. Its vectors are zeros that went through many norms: no
// gradient may go back that way.
at::Tensor Seq2seq::memory_of(const Encoded& encoded) {
  if (!encoded.padding.defined()) return encoded.output;
  const at::Tensor empty = encoded.padding.all(1);
  return empty.any().item<bool>() ? encoded.output.masked_fill(empty.view({-1, 1, 1}), 0) : encoded.output;
}

at::Tensor Seq2seq::features(const at::Tensor& source, const at::Tensor& previous) const {
  const Encoded memory = encoded(source);
  check(previous, *decoder_, "previous");
  if (previous.size(0) != source.size(0)) {
    throw Error(code::kShape, "source and previous must hold the same sentences: shapes " + text(source.sizes()) +
                                  " and " + text(previous.sizes()));
  }
  return decoder_->decode(previous, memory_of(memory), memory.padding);
}

std::pair<at::Tensor, at::Tensor> Seq2seq::rows(const std::vector<at::Tensor>& inputs) const {
  const at::Tensor x = features(inputs[0], inputs[1]);
  check(inputs[2], *decoder_, "target");
  if (inputs[2].sizes() != inputs[1].sizes()) {
    throw Error(code::kShape, "target has shape " + text(inputs[2].sizes()) + ", previous " + text(inputs[1].sizes()));
  }
  return without_padding(x.reshape({-1, x.size(-1)}), inputs[2].reshape({-1}), padding_);
}

std::vector<at::Tensor> Seq2seq::loss(const std::vector<at::Tensor>& inputs) const {
  const auto [x, targets] = rows(inputs);
  const LossSums sums = linear_cross_entropy(x, output_weight(), targets, label_smoothing_);
  const double count = static_cast<double>(std::max<int64_t>(1, targets.size(0)));
  return {sums.loss / count, sums.nll / count};
}

std::vector<at::Tensor> Seq2seq::evaluate(const std::vector<at::Tensor>& inputs) const {
  const at::NoGradGuard no_grad;
  const auto [x, targets] = rows(inputs);
  const ScoreSums sums = linear_score(x, output_weight(), targets);
  return {sums.nll / static_cast<double>(std::max<int64_t>(1, targets.size(0))), sums.correct,
          at::scalar_tensor(targets.size(0), at::kLong)};
}

std::vector<at::Tensor> Seq2seq::call(const std::string& method, const std::vector<at::Tensor>& inputs) {
  const auto takes = [&](size_t count) { check_inputs(method, inputs, count, count); };
  if (method == "forward") {
    takes(2);
    return {logits(features(inputs[0], inputs[1]))};
  }
  if (method == "encode") {
    takes(1);
    const Encoded memory = encoded(inputs[0]);
    return {memory.output.transpose(0, 1).contiguous(), memory.padding};
  }
  if (method == "loss" || method == "evaluate") {
    takes(3);
    return method == "loss" ? loss(inputs) : evaluate(inputs);
  }
  refuse_method("delight-seq2seq", method);
}

std::shared_ptr<Decoding> Seq2seq::decode(const std::vector<at::Tensor>& inputs, int64_t sentences, int64_t beams,
                                          int64_t capacity) {
  check_inputs("decode", inputs, 1, 1);
  const Encoded memory = encoded(inputs[0]);
  if (inputs[0].size(0) != sentences) {
    throw Error(code::kShape,
                "source holds " + std::to_string(inputs[0].size(0)) + " sentences, not " + std::to_string(sentences));
  }
  auto self = std::static_pointer_cast<Seq2seq>(shared_from_this());
  const Stack& decoder = *decoder_;
  return std::make_shared<StackDecoding>(decoder, beams, decoder.caches(sentences * beams, capacity, memory_of(memory)),
                                         padding_of_rows({}, sentences, beams),
                                         score_bias(memory.padding, {}, memory.output),
                                         [self = std::move(self)](const at::Tensor& x) { return self->logits(x); });
}

}  // namespace torchwright::delight
