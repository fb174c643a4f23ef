#include "delight/stack.h"

#include <ATen/ATen.h>
#include <torch/nn/modules/container/modulelist.h>

#include <utility>

#include "nn/checkpoint.h"
#include "nn/decoding.h"
#include "runtime/errors.h"

namespace torchwright::delight {

Stack::Stack(const Plan& plan, Layer::Side side, int64_t out, const Embedding* shared, const at::TensorOptions& options)
    : dropout_(read_probability(plan, "dropout")),
      position_dropout_(read_probability(plan, "positionDropout")),
      padding_(read_padding(plan.object("embedding"))),
      checkpoints_(plan.boolean("activationCheckpointing")),
      recurrent_(plan.object("embedding").has("unit")) {
  const int64_t features = read_size(plan, "features");
  embed_tokens_ =
      register_module("embed_tokens", std::make_shared<Embedding>(plan.object("embedding"), options, shared));
  embed_positions_ = register_module("embed_positions", std::make_shared<Positions>(plan.object("positions"), options));
  if (embed_tokens_->out() != features) {
    throw Error(code::kConfig, plan.name("embedding") + " gives " + std::to_string(embed_tokens_->out()) +
                                   " features, the layers take " + std::to_string(features));
  }
  torch::nn::ModuleList list;
  for (const auto& layer : plan.objects("layers")) {
    layers_.push_back(std::make_shared<Layer>(*layer, side, options));
    if (layers_.back()->features() != features) {
      throw Error(code::kConfig, layer->name("features") + " must be " + std::to_string(features));
    }
    list->push_back(layers_.back());
  }
  register_module("layers", list);
  if (plan.boolean("finalNorm")) {
    layer_norm_ = register_module("layer_norm", std::make_shared<LayerNorm>(features, options));
  }
  if (out != 0 && out != features) {
    Style style;
    style.bias = false;
    project_out_ = register_module("project_out_dim", std::make_shared<Linear>(features, out, 1, style, options));
  }
}

at::Tensor Stack::padding_of(const at::Tensor& ids) const {
  if (!padding_) return {};
  at::Tensor padding = ids.eq(*padding_);
  return padding.any().item<bool>() ? padding : at::Tensor();
}

at::Tensor Stack::placed(const at::Tensor& ids,
                         const std::function<at::Tensor(const at::TensorOptions&)>& positions) const {
  at::Tensor x = embedded(ids);
  const auto dropped = [this](const at::Tensor& x, double probability) {
    return is_training() && probability > 0 ? at::dropout(x, probability, true) : x;
  };
  if (embed_positions_->none()) return dropped(x, dropout_);
  x = x + positions(x.options().requires_grad(std::nullopt));
  return recurrent_ ? recurrent_dropout(x, position_dropout_, is_training()) : dropped(x, position_dropout_);
}

at::Tensor Stack::embedded(const at::Tensor& ids) const {
  if (!checkpoints_) return embed_tokens_->forward(ids);
  return checkpointed(*embed_tokens_, {ids}, [embedding = embed_tokens_](const std::vector<at::Tensor>& inputs) {
    return embedding->forward(inputs[0]);
  });
}

at::Tensor Stack::layered(at::Tensor x, const at::Tensor& self_bias, const at::Tensor& memory,
                          const at::Tensor& memory_bias) const {
  for (const auto& layer : layers_) {
    const auto run = [=](const std::vector<at::Tensor>& inputs) {
      return layer->forward(inputs[0], self_bias, inputs[1], memory_bias);
    };
    x = checkpoints_ ? checkpointed(*layer, {x, memory}, run) : run({x, memory});
  }
  return x;
}

at::Tensor Stack::finished(const at::Tensor& x) const {
  const at::Tensor y = layer_norm_ ? layer_norm_->forward(x) : x;
  return project_out_ ? project_out_->forward(y) : y;
}

at::Tensor Stack::placed(const at::Tensor& ids) const {
  return placed(ids, [&](const at::TensorOptions& like) { return embed_positions_->forward(ids, like); });
}

at::Tensor Stack::encode(const at::Tensor& ids, const at::Tensor& padding) const {
  at::Tensor x = placed(ids);
  const at::Tensor bias = score_bias(padding, {}, x);
  return finished(layered(std::move(x), bias, {}, {}));
}

at::Tensor Stack::decode(const at::Tensor& ids, const at::Tensor& memory, const at::Tensor& memory_padding) const {
  at::Tensor x = placed(ids);
  const auto options = x.options().requires_grad(std::nullopt);
  // Padding stands on the right, where nothing that counts looks: no mask for it, as in the original.
  const at::Tensor bias = causal_bias(ids.size(1), 0, options).unsqueeze(0);
  const at::Tensor memory_bias = score_bias(memory_padding, {}, x);
  return finished(layered(std::move(x), bias, memory, memory_bias));
}

at::Tensor Stack::step(const at::Tensor& ids, std::vector<LayerCache>& caches, int64_t past, int64_t beams,
                       const std::vector<int64_t>& padding, const at::Tensor& memory_bias) const {
  const int64_t time = ids.size(1);
  at::Tensor x =
      placed(ids, [&](const at::TensorOptions& like) { return embed_positions_->after(past, time, padding, like); });
  const auto options = x.options().requires_grad(std::nullopt);
  const StepPlace place{past, beams, step_bias(padding, past, time, options), memory_bias};
  for (size_t i = 0; i < layers_.size(); ++i) x = layers_[i]->step(x, caches[i], place);
  return finished(x);
}

std::vector<LayerCache> Stack::caches(int64_t rows, int64_t capacity, const at::Tensor& memory) const {
  std::vector<LayerCache> caches;
  const auto options = layers_.front()->parameters().front().options().requires_grad(std::nullopt);
  for (const auto& layer : layers_) {
    caches.push_back({at::empty({rows, capacity, 2 * layer->self_attention().proj()}, options), at::Tensor(),
                      layer->cross() ? layer->remember(memory) : at::Tensor()});
  }
  return caches;
}

}  // namespace torchwright::delight
