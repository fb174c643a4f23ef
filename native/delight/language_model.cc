#include "delight/language_model.h"

#include <ATen/ATen.h>

#include "delight/check.h"
#include "delight/decoding.h"
#include "delight/output.h"
#include "nn/products.h"

namespace torchwright::delight {

LanguageModel::LanguageModel(const Plan& plan, const at::TensorOptions& options) : padding_(read_padding(plan)) {
  const int64_t out = read_size(plan, "outFeatures");
  decoder_ = register_module(
      "decoder", std::make_shared<Stack>(plan.object("decoder"), Layer::Side::kDecoder, out, nullptr, options));
  if (decoder_->cross()) throw Error(code::kConfig, "a language model's layers have no crossAttention");
  if (plan.string("output") != "adaptive") {
    embed_out_ = register_output(plan, *decoder_, out, options);
    return;
  }
  const Plan& adaptive = plan.object("adaptive");
  const Embedding& embedding = decoder_->embedding();
  const bool tied = adaptive.boolean("tieWeights");
  if (tied && embedding.adaptive() == nullptr) {
    throw Error(code::kConfig, adaptive.name("tieWeights") + " needs an adaptive input with the same cutoffs");
  }
  AdaptiveSoftmax::Options softmax{
      .vocabulary = embedding.vocabulary(),
      .in = out,
      .padding = padding_,
      .cutoffs = read_cutoffs(adaptive, embedding.vocabulary()),
      .factor = adaptive.number("factor"),
      .dropout = read_probability(adaptive, "dropout"),
      .ignore_tail_pad = adaptive.boolean("ignoreTailPad"),
      .tie_projections = adaptive.boolean("tieProjections"),
  };
  adaptive_ = decoder_->register_module(
      "adaptive_softmax", std::make_shared<AdaptiveSoftmax>(softmax, tied ? embedding.adaptive() : nullptr, options));
}

const at::Tensor& LanguageModel::output_weight() const {
  return embed_out_.defined() ? embed_out_ : decoder_->embedding().table();
}

at::Tensor LanguageModel::features(const at::Tensor& ids) const {
  check_ids(ids, decoder_->embedding().vocabulary(), decoder_->parameters().front(), "ids");
  return decoder_->decode(ids, {}, {});
}

at::Tensor LanguageModel::scores(const at::Tensor& features) const {
  return adaptive_ ? adaptive_->log_probabilities(features) : apply_linear(features, output_weight(), {});
}

std::pair<at::Tensor, at::Tensor> LanguageModel::rows(const at::Tensor& ids, const at::Tensor& labels) const {
  check_rank(ids, 2, "ids", "[batch, time]");
  if (ids.size(1) < 2) throw Error(code::kShape, "there is nothing to predict in sequences of one token");
  const at::Tensor wanted = labels.defined() ? labels : ids;
  if (labels.defined()) {
    check_ids(labels, decoder_->embedding().vocabulary(), ids, "labels");
    if (labels.sizes() != ids.sizes()) {
      throw Error(code::kShape, "labels have shape " + text(labels.sizes()) + ", ids " + text(ids.sizes()));
    }
  }
  const int64_t time = ids.size(1) - 1;
  const at::Tensor x = features(ids.narrow(1, 0, time));
  return without_padding(x.reshape({-1, x.size(-1)}), wanted.narrow(1, 1, time).reshape({-1}), padding_);
}

std::vector<at::Tensor> LanguageModel::loss(const at::Tensor& ids, const at::Tensor& labels) const {
  const auto [x, targets] = rows(ids, labels);
  const LossSums sums = adaptive_ ? adaptive_->loss(x, targets) : linear_cross_entropy(x, output_weight(), targets, 0);
  return {sums.loss / static_cast<double>(std::max<int64_t>(1, targets.size(0)))};
}

std::vector<at::Tensor> LanguageModel::evaluate(const at::Tensor& ids, const at::Tensor& labels) const {
  const at::NoGradGuard no_grad;
  const auto [x, targets] = rows(ids, labels);
  const ScoreSums sums = adaptive_ ? adaptive_->score(x, targets) : linear_score(x, output_weight(), targets);
  return {sums.nll / static_cast<double>(std::max<int64_t>(1, targets.size(0))), sums.correct,
          at::scalar_tensor(targets.size(0), at::kLong)};
}

at::Tensor LanguageModel::token_losses(const at::Tensor& ids, const at::Tensor& targets) const {
  const at::NoGradGuard no_grad;
  const at::Tensor x = features(ids);
  check_ids(targets, decoder_->embedding().vocabulary(), ids, "targets");
  if (targets.sizes() != ids.sizes()) {
    throw Error(code::kShape, "targets have shape " + text(targets.sizes()) + ", ids " + text(ids.sizes()));
  }
  const at::Tensor rows = x.reshape({-1, x.size(-1)}), wanted = targets.reshape({-1});
  at::Tensor losses =
      adaptive_ ? adaptive_->row_losses(rows, wanted) : linear_row_losses(rows, output_weight(), wanted);
  if (padding_) losses = losses.masked_fill(wanted.eq(*padding_), 0);
  return losses.view(targets.sizes());
}

std::vector<at::Tensor> LanguageModel::call(const std::string& method, const std::vector<at::Tensor>& inputs) {
  if (method == "features" || method == "forward") {
    check_inputs(method, inputs, 1, 1);
    const at::Tensor x = features(inputs[0]);
    return {method == "forward" ? scores(x) : x};
  }
  if (method == "loss" || method == "evaluate") {
    check_inputs(method, inputs, 1, 2);
    const at::Tensor labels = inputs.size() > 1 ? inputs[1] : at::Tensor();
    return method == "loss" ? loss(inputs[0], labels) : evaluate(inputs[0], labels);
  }
  if (method == "tokenLosses") {
    check_inputs(method, inputs, 2, 2);
    return {token_losses(inputs[0], inputs[1])};
  }
  refuse_method("delight-language-model", method);
}

std::shared_ptr<Decoding> LanguageModel::decode(const std::vector<at::Tensor>& inputs, int64_t sentences, int64_t beams,
                                                int64_t capacity) {
  auto self = std::static_pointer_cast<LanguageModel>(shared_from_this());
  const Stack& decoder = *decoder_;
  return std::make_shared<StackDecoding>(decoder, beams, decoder.caches(sentences * beams, capacity, {}),
                                         padding_of_rows(inputs, sentences, beams), at::Tensor(),
                                         [self = std::move(self)](const at::Tensor& x) { return self->scores(x); });
}

}  // namespace torchwright::delight
