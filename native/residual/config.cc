#include "residual/config.h"

#include <algorithm>
#include <cmath>
#include <initializer_list>
#include <string>
#include <utility>

#include "runtime/errors.h"

namespace torchwright::residual {

namespace {

[[noreturn]] void refuse(const std::string& message) { throw Error(code::kConfig, message); }

int64_t positive(const Plan& plan, const char* key) {
  const int64_t value = plan.integer(key);
  if (value < 1) refuse(std::string(key) + " must be at least 1, not " + std::to_string(value));
  return value;
}

double positive_number(const Plan& plan, const char* key) {
  const double value = plan.number(key);
  if (!(value > 0) || !std::isfinite(value)) refuse(std::string(key) + " must be a finite number above 0");
  return value;
}

// One of the named values of `residual.key`.
template <typename T>
T choice(const Plan& plan, const char* key, std::initializer_list<std::pair<const char*, T>> values) {
  const std::string& name = plan.string(key);
  std::string known;
  for (const auto& [value_name, value] : values) {
    if (name == value_name) return value;
    known += (known.empty() ? "'" : ", '") + std::string(value_name) + "'";
  }
  refuse(plan.name(key) + " must be one of " + known + ", not '" + name + "'");
}

Residual read_residual(const Plan& plan) {
  Residual residual{
      .site = choice<Site>(plan, "site", {{"none", Site::kNone}, {"mlp", Site::kMlp}, {"attention", Site::kAttention}}),
      .weights = choice<Weights>(plan, "weights",
                                 {{"sum", Weights::kSum}, {"mean", Weights::kMean}, {"learned", Weights::kLearned}}),
      .stored = choice<bool>(plan, "source", {{"recomputed", false}, {"stored", true}}),
      .replace = choice<bool>(plan, "mode", {{"add", false}, {"replace", true}}),
      .first_layer_residual = choice<bool>(plan, "firstLayer", {{"standard", true}, {"none", false}}),
      .mid = choice<bool>(plan, "input", {{"layer", false}, {"mid", true}}),
      .window = plan.integer("window"),
      .norm_with_current = choice<bool>(plan, "normSet", {{"with_current", true}, {"earlier", false}}),
      .free_weights = choice<bool>(plan, "weightParam", {{"softmax", false}, {"free", true}}),
      .detach_probs = plan.boolean("detachProbs"),
  };
  if (residual.window < 0) refuse("residual.window must be 0 (all earlier layers) or a number of layers");
  if (residual.mid && residual.site == Site::kAttention) {
    refuse("residual.input 'mid' needs residual.site 'mlp': before attention there is no middle of the layer");
  }
  if (residual.stored && residual.mid) {
    refuse(
        "residual.input 'mid' needs residual.source 'recomputed': stored outputs were computed on their own streams");
  }
  if (residual.stored && residual.detach_probs) {
    refuse("residual.detachProbs needs residual.source 'recomputed': stored outputs keep no probabilities");
  }
  return residual;
}

Rope read_rope(const Plan& plan) {
  Rope rope{.theta = positive_number(plan, "ropeTheta")};
  if (!plan.has("ropeScaling")) return rope;
  const Plan& scaling = plan.object("ropeScaling");
  using Scaling = Rope::Scaling;
  rope.scaling = choice<Scaling>(
      scaling, "type", {{"linear", Scaling::kLinear}, {"dynamic", Scaling::kDynamic}, {"llama3", Scaling::kLlama3}});
  rope.factor = positive_number(scaling, "factor");
  if (rope.scaling == Scaling::kDynamic) {
    rope.original_length = positive(plan, "maxPositionEmbeddings");
    if (positive(plan, "headDim") < 4) refuse("headDim must be at least 4 where ropeScaling.type is 'dynamic'");
  }
  if (rope.scaling == Scaling::kLlama3) {
    rope.original_length = positive(scaling, "originalMaxPositionEmbeddings");
    rope.low_freq_factor = positive_number(scaling, "lowFreqFactor");
    rope.high_freq_factor = positive_number(scaling, "highFreqFactor");
    if (rope.high_freq_factor <= rope.low_freq_factor) refuse("ropeScaling.highFreqFactor must exceed lowFreqFactor");
  }
  return rope;
}

}  // namespace

Config Config::from(const Plan& plan) {
  Config config{
      .vocab_size = positive(plan, "vocabSize"),
      .hidden_size = positive(plan, "hiddenSize"),
      .intermediate_size = positive(plan, "intermediateSize"),
      .layers = positive(plan, "numHiddenLayers"),
      .heads = positive(plan, "numAttentionHeads"),
      .kv_heads = positive(plan, "numKeyValueHeads"),
      .head_dim = positive(plan, "headDim"),
      .rms_norm_eps = positive_number(plan, "rmsNormEps"),
      .rope = read_rope(plan),
      .tied = plan.boolean("tieWordEmbeddings"),
      .attention_bias = plan.boolean("attentionBias"),
      .mlp_bias = plan.boolean("mlpBias"),
      .initializer_range = plan.number("initializerRange"),
      .residual = read_residual(plan.object("residual")),
      .activation_checkpointing = plan.boolean("activationCheckpointing"),
      .probability_budget = plan.number("probabilityBudget") * 1024 * 1024 * 1024,
  };
  if (config.heads % config.kv_heads != 0) {
    refuse("numKeyValueHeads (" + std::to_string(config.kv_heads) + ") must divide numAttentionHeads (" +
           std::to_string(config.heads) + ")");
  }
  if (config.head_dim % 2 != 0) refuse("headDim must be even: rotary embeddings turn pairs of channels");
  if (!(config.probability_budget >= 0)) refuse("probabilityBudget must be a number of GiB, at least 0");
  if (!(config.initializer_range >= 0) || !std::isfinite(config.initializer_range)) {
    refuse("initializerRange must be a finite number, at least 0");
  }
  if (plan.number("attentionDropout") != 0)
    refuse("attentionDropout must be 0: dropout of probabilities is not supported");
  return config;
}

int64_t Config::first_earlier(int64_t layer) const {
  if (residual.site == Site::kNone) return layer;
  return residual.window == 0 ? 0 : std::max<int64_t>(0, layer - residual.window);
}

}  // namespace torchwright::residual
