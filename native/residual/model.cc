#include "residual/model.h"

#include <ATen/ATen.h>
#include <torch/nn/modules/container/modulelist.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "residual/checkpoint.h"
#include "residual/cross_entropy.h"
#include "residual/precision.h"
#include "runtime/errors.h"

namespace torchwright::residual {

namespace {

std::string text(at::IntArrayRef sizes) {
  std::string out;
  for (const int64_t size : sizes) out += (out.empty() ? "" : ", ") + std::to_string(size);
  return "[" + out + "]";
}

}  // namespace

Body::Body(const Config& config, const at::TensorOptions& options) : config_(config) {
  embed_tokens_ = register_module("embed_tokens", std::make_shared<Embedding>(config.vocab_size, config.hidden_size,
                                                                              config.initializer_range, options));
  torch::nn::ModuleList list;
  for (int64_t index = 0; index < config.layers; ++index) {
    layers_.push_back(std::make_shared<DecoderLayer>(config, index, options));
    list->push_back(layers_.back());
  }
  register_module("layers", list);
  norm_ = register_module("norm", std::make_shared<RmsNorm>(config.hidden_size, options));
}

std::vector<at::Tensor> Body::hidden_states(const at::Tensor& ids, at::ScalarType dtype, bool all) const {
  const int64_t batch = ids.size(0), time = ids.size(1);
  const auto options = embedding().options().dtype(dtype).requires_grad(std::nullopt);
  Pass pass{batch,
            time,
            dtype,
            /*keeps_probabilities=*/false,
            /*keeps_own=*/false,
            RotaryTable::make(time, config_.head_dim, config_.rope, options),
            {},
            {},
            {}};
  for (const auto& layer : layers_) pass.weights.push_back(layer->fold(dtype));
  pass.kept.resize(layers_.size());
  pass.outputs.resize(layers_.size());

  // All of the probabilities that later layers read, or none of them.
  const int64_t readers = config_.is_recomputed(0) ? config_.layers - 1 : 0;
  const int64_t looked_back = config_.residual.window == 0 ? readers : std::min(readers, config_.residual.window + 1);
  const at::Tensor like = at::empty({0}, options);
  const bool training = at::GradMode::is_enabled();
  const bool own = training && !attends_in_cache(like) && !config_.activation_checkpointing;
  const double bytes = static_cast<double>(kept_elements(batch, config_.heads, time, like)) * like.element_size();
  const int64_t most = own ? config_.layers : training ? readers : looked_back;
  pass.keeps_probabilities = bytes * static_cast<double>(most) <= config_.probability_budget;
  pass.keeps_own = pass.keeps_probabilities && own;

  std::vector<at::Tensor> states = {at::embedding(embedding(), ids).view({batch * time, config_.hidden_size})};
  for (const auto& layer : layers_) {
    const at::Tensor factors = layer->factors();
    at::Tensor next = training && config_.activation_checkpointing ? checkpointed(layer, states.back(), factors, pass)
                                                                   : layer->forward(states.back(), factors, pass);
    if (all)
      states.push_back(std::move(next));
    else
      states.back() = std::move(next);
  }
  return states;
}

at::Tensor Body::normed(const at::Tensor& hidden, at::ScalarType dtype) const {
  const at::Tensor unit = unit_rms(hidden, config_.rms_norm_eps, accumulation_type(hidden.scalar_type()));
  return (unit * norm_->weight).to(dtype);
}

std::shared_ptr<const DecodingWeights> Body::decoding_weights(const at::Tensor& head) const {
  const at::NoGradGuard no_grad;
  auto result = std::make_shared<DecodingWeights>();
  const at::ScalarType dtype = head.scalar_type();
  result->config = config_;
  std::vector<at::Tensor> values, biases;
  for (const auto& layer : layers_) {
    result->layers.push_back({layer->fold(dtype), layer->terms()});
    AttentionWeights& attention = result->layers.back().weights.attention;
    // Scores are divided by the root of the width: queries come divided.
    const double scale = 1 / std::sqrt(static_cast<double>(config_.head_dim));
    attention.qk.narrow(0, 0, config_.query_size()).mul_(scale);
    if (attention.qk_bias.defined()) attention.qk_bias.narrow(0, 0, config_.query_size()).mul_(scale);
    // Others keep their type should the model be converted meanwhile.
    for (at::Tensor* shared : {&attention.o, &attention.o_bias, &result->layers.back().weights.mlp.down,
                               &result->layers.back().weights.mlp.down_bias}) {
      if (shared->defined()) *shared = shared->detach();
    }
    values.push_back(std::exchange(attention.v, at::Tensor()));
    if (attention.v_bias.defined()) biases.push_back(std::exchange(attention.v_bias, at::Tensor()));
  }
  result->values = at::cat(values);
  if (!biases.empty()) result->values_bias = at::cat(biases);
  result->embedding = embedding().detach();
  result->norm = norm_->weight.detach();
  result->head = head.detach();
  return result;
}

Llama::Llama(const Config& config, const at::TensorOptions& options) : config_(config) {
  model_ = register_module("model", std::make_shared<Body>(config, options));
  if (!config.tied) {
    lm_head_ = register_module("lm_head", std::make_shared<Linear>(config.hidden_size, config.vocab_size, false,
                                                                   config.initializer_range, options));
  }
}

std::vector<at::Tensor> Llama::call(const std::string& method, const std::vector<at::Tensor>& inputs) {
  const bool takes_labels = method == "loss" || method == "evaluate";
  if (!takes_labels && method != "forward" && method != "hiddenStates") {
    throw Error(code::kArgument,
                "a residual-llama has the methods forward, hiddenStates, loss and evaluate, not '" + method + "'");
  }
  if (inputs.empty() || inputs.size() > (takes_labels ? 2u : 1u)) {
    throw Error(code::kArgument, method + (takes_labels ? " takes ids and, if wanted, labels" : " takes ids only") +
                                     "; it was given " + std::to_string(inputs.size()) + " tensors");
  }
  const at::Tensor& ids = inputs[0];
  check(ids, "ids");
  if (method == "forward") return forward(ids);
  if (method == "hiddenStates") return hidden_states(ids);
  const at::Tensor& labels = inputs.size() == 2 && inputs[1].defined() ? inputs[1] : ids;
  if (!labels.is_same(ids)) check(labels, "labels");
  return loss(ids, labels, method == "evaluate");
}

std::shared_ptr<const DecodingWeights> Llama::decoding_weights() {
  std::vector<std::pair<const void*, int64_t>> now;
  for (const at::Tensor& parameter : parameters()) now.emplace_back(parameter.const_data_ptr(), parameter._version());
  auto weights = decoding_weights_.lock();
  if (weights == nullptr || now != decoding_parameters_) {
    weights = model_->decoding_weights(head());
    decoding_weights_ = weights;
    decoding_parameters_ = std::move(now);
  }
  return weights;
}

std::shared_ptr<Decoding> Llama::decode(const std::vector<at::Tensor>& inputs, int64_t sentences, int64_t beams,
                                        int64_t capacity) {
  return std::make_shared<LlamaDecoding>(decoding_weights(), padding_of_rows(inputs, sentences, beams), beams,
                                         capacity);
}

void Llama::check(const at::Tensor& ids, const char* name) const {
  const std::string who = std::string(name);
  if (!ids.defined()) throw Error(code::kArgument, who + " must be a tensor, not null");
  if (ids.scalar_type() != at::kLong)
    throw Error(code::kDtype, who + " must be int64 token ids, not " + c10::toString(ids.scalar_type()));
  if (ids.dim() != 2 || ids.numel() == 0) {
    throw Error(code::kShape, who + " must be [batch, time] with at least one token, not " + text(ids.sizes()));
  }
  if (ids.device() != head().device()) {
    throw Error(code::kDevice, who + " are on " + ids.device().str() + ", the model is on " + head().device().str());
  }
  // One pass over the ids: an id outside the table would be read out of bounds, and on CUDA end the process's context.
  const auto [low, high] = at::aminmax(ids);
  const int64_t lowest = low.item<int64_t>(), highest = high.item<int64_t>();
  if (lowest < 0 || highest >= config_.vocab_size) {
    throw Error(code::kData, who + " hold the token id " + std::to_string(lowest < 0 ? lowest : highest) +
                                 ", but the model's vocabulary has the ids 0 to " +
                                 std::to_string(config_.vocab_size - 1));
  }
}

std::vector<at::Tensor> Llama::forward(const at::Tensor& ids) const {
  const at::ScalarType dtype = compute_type(head());
  const auto guard = autocast_off();
  const at::Tensor hidden = model_->hidden_states(ids, dtype, /*all=*/false).back();
  const at::Tensor logits = at::linear(model_->normed(hidden, dtype), head().to(dtype));
  return {logits.view({ids.size(0), ids.size(1), config_.vocab_size})};
}

std::vector<at::Tensor> Llama::hidden_states(const at::Tensor& ids) const {
  const at::ScalarType dtype = compute_type(head());
  const auto guard = autocast_off();
  auto states = model_->hidden_states(ids, dtype, /*all=*/true);
  for (at::Tensor& state : states) state = state.view({ids.size(0), ids.size(1), config_.hidden_size});
  return states;
}

std::vector<at::Tensor> Llama::loss(const at::Tensor& ids, const at::Tensor& labels, bool evaluate) const {
  const int64_t batch = ids.size(0), time = ids.size(1);
  if (labels.sizes() != ids.sizes()) {
    throw Error(code::kShape, "labels " + text(labels.sizes()) + " must have the shape of ids " + text(ids.sizes()));
  }
  if (time < 2)
    throw Error(code::kShape, "a loss needs at least 2 tokens in each row: the first has nothing to predict it");
  const at::ScalarType dtype = compute_type(head());
  const auto guard = autocast_off();
  const at::AutoGradMode grad(at::GradMode::is_enabled() && !evaluate);
  const at::Tensor targets = labels.narrow(1, 1, time - 1).reshape({-1});
  const at::Tensor hidden = model_->hidden_states(ids, dtype, /*all=*/false).back();
  const at::Tensor predicting =
      hidden.view({batch, time, config_.hidden_size}).narrow(1, 0, time - 1).reshape({-1, config_.hidden_size});
  const at::Tensor normed = model_->normed(predicting, dtype);
  if (!evaluate) return {linear_cross_entropy(normed, head(), targets)};
  const Score score = linear_score(normed, head(), targets);
  return {score.loss, score.correct, at::full({}, targets.numel(), targets.options())};
}

}  // namespace torchwright::residual
