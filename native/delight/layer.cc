#include "delight/layer.h"

#include <ATen/ATen.h>

#include "delight/check.h"
#include "runtime/errors.h"

namespace torchwright::delight {

Layer::Layer(const Plan& plan, Side side, const at::TensorOptions& options)
    : features_(read_size(plan, "features")),
      normalize_before_(plan.boolean("normalizeBefore")),
      dropout_(read_probability(plan, "dropout")),
      activation_dropout_(read_probability(plan, "activationDropout")),
      activation_(read_activation(plan, "activation")) {
  if (activation_ == Activation::kPrelu) slope_ = register_slope(*this, "activation_fn", options);
  const std::string& type = plan.string("type");
  const double attention_dropout = read_probability(plan, "attentionDropout");
  const bool cross = side == Side::kDecoder && plan.boolean("crossAttention");
  const char* suffix = "s";
  if (type == "delight") {
    ffn_dropout_ = read_probability(plan, "ffnDropout");
    unit_ = register_module(side == Side::kDecoder ? "dextra_layer_sa" : "dextra_layer",
                            std::make_shared<Unit>(plan.object("unit"), options));
    if (unit_->in() != features_) {
      throw Error(code::kConfig, plan.name("unit") + " takes " + std::to_string(unit_->in()) +
                                     " features, the layer has " + std::to_string(features_));
    }
    const int64_t proj = unit_->out();
    self_attn_ = std::make_shared<SingleHeadAttention>(true, proj, proj, proj, features_, attention_dropout, options);
    if (cross) {
      cross_attn_ = std::make_shared<SingleHeadAttention>(false, features_, features_, proj, features_,
                                                          attention_dropout, options);
    }
  } else if (type == "transformer") {
    ffn_dropout_ = dropout_;
    suffix = "";
    const int64_t heads = read_size(plan, "heads");
    self_attn_ = std::make_shared<MultiHeadAttention>(features_, heads, attention_dropout, options);
    if (cross) cross_attn_ = std::make_shared<MultiHeadAttention>(features_, heads, attention_dropout, options);
  } else {
    throw Error(code::kConfig, plan.name("type") + " must be 'delight' or 'transformer', not '" + type + "'");
  }
  register_module("self_attn", self_attn_);
  self_attn_norm_ = register_module("self_attn_layer_norm", std::make_shared<LayerNorm>(features_, options));
  if (cross) {
    register_module("encoder_attn", cross_attn_);
    cross_attn_norm_ = register_module("encoder_attn_layer_norm", std::make_shared<LayerNorm>(features_, options));
  }
  const int64_t inner = read_size(plan, "ffnFeatures");
  fc1_ = register_module("fc1", std::make_shared<Linear>(features_, inner, 1, Style{}, options, suffix));
  fc2_ = register_module("fc2", std::make_shared<Linear>(inner, features_, 1, Style{}, options, suffix));
  final_norm_ = register_module("final_layer_norm", std::make_shared<LayerNorm>(features_, options));
}

at::Tensor Layer::dropped(const at::Tensor& x, double probability) const {
  return is_training() && probability > 0 ? at::dropout(x, probability, true) : x;
}

template <typename Branch>
at::Tensor Layer::residual(const at::Tensor& x, const LayerNorm& norm, Branch branch) const {
  if (normalize_before_) return x + branch(norm.forward(x));
  return norm.forward(x + branch(x));
}

at::Tensor Layer::feed_forward(const at::Tensor& x) const {
  const at::Tensor inner = dropped(activate(fc1_->forward(x), activation_, slope_), activation_dropout_);
  return dropped(fc2_->forward(inner), ffn_dropout_);
}

at::Tensor Layer::forward(const at::Tensor& x, const at::Tensor& self_bias, const at::Tensor& memory,
                          const at::Tensor& memory_bias, at::Tensor* weights) const {
  check_features(x, features_, "x");
  at::Tensor y = residual(x, *self_attn_norm_, [&](const at::Tensor& x) {
    const auto [query, memory] = self_attn_->project(unit_ ? unit_->forward(x) : x);
    return dropped(self_attn_->attend(query, memory, self_bias, false).output, dropout_);
  });
  if (cross_attn_) {
    check_features(memory, features_, "encoderOut");
    y = residual(y, *cross_attn_norm_, [&](const at::Tensor& x) {
      const Attended seen = cross_attn_->attend(cross_attn_->project_query(x), cross_attn_->project_memory(memory),
                                                memory_bias, weights != nullptr);
      if (weights != nullptr) *weights = seen.weights;
      return dropped(seen.output, dropout_);
    });
  }
  return residual(y, *final_norm_, [&](const at::Tensor& x) { return feed_forward(x); });
}

at::Tensor Layer::step(const at::Tensor& x, LayerCache& cache, const StepPlace& place, at::Tensor* weights) const {
  const int64_t rows = x.size(0), time = x.size(1), length = place.past + time;
  at::Tensor y = residual(x, *self_attn_norm_, [&](const at::Tensor& x) {
    const auto [query, memory] = self_attn_->project(unit_ ? unit_->forward(x) : x);
    cache.past.narrow(1, place.past, time).copy_(memory);
    return self_attn_->attend(query, cache.past.narrow(1, 0, length), place.self_bias, false).output;
  });
  if (cross_attn_) {
    y = residual(y, *cross_attn_norm_, [&](const at::Tensor& x) {
      // The beams of a sentence look at the same memory: as if they were times of one sequence.
      const at::Tensor q = cross_attn_->project_query(x).view({rows / place.beams, place.beams * time, -1});
      const Attended seen = cross_attn_->attend(q, cache.memory, place.memory_bias, weights != nullptr);
      if (weights != nullptr) *weights = seen.weights.view({rows, time, -1});
      return seen.output.view({rows, time, features_});
    });
  }
  return residual(y, *final_norm_, [&](const at::Tensor& x) { return feed_forward(x); });
}

}  // namespace torchwright::delight
