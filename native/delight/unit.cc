#include "delight/unit.h"

#include <ATen/ATen.h>
#include <torch/nn/modules/container/modulelist.h>

#include "delight/check.h"
#include "delight/stage.h"
#include "runtime/errors.h"

namespace torchwright::delight {

Unit::Unit(const Plan& plan, const at::TensorOptions& options) {
  const Style style = Style::from(plan);
  const bool shuffle = plan.boolean("shuffle");
  const int64_t in = read_size(plan, "inFeatures"), proj = read_size(plan, "projFeatures"),
                out = read_size(plan, "outFeatures");
  input_ = register_module("input_layer", std::make_shared<Linear>(in, proj, 1, style, options));
  torch::nn::ModuleList list;
  int64_t features = proj;
  for (const auto& layer : plan.objects("layers")) {
    const int64_t layer_in = read_size(*layer, "inFeatures"), layer_out = read_size(*layer, "outFeatures"),
                  groups = read_size(*layer, "groups");
    if (layer_in != features) {
      throw Error(code::kConfig, layer->name("inFeatures") + " is " + std::to_string(layer_in) + ", but " +
                                     std::to_string(features) + " features come in");
    }
    if (proj % groups != 0 || (features - (grouped_.empty() ? 0 : proj)) % groups != 0) {
      throw Error(code::kConfig, layer->name("groups") + " (" + std::to_string(groups) +
                                     ") must divide both parts of the mix: " + std::to_string(proj) + " and " +
                                     std::to_string(features - proj) + " features");
    }
    if (groups == 1) {
      dense_.push_back(std::make_shared<Linear>(layer_in, layer_out, 1, style, options));
      grouped_.push_back(nullptr);
      list->push_back(dense_.back());
    } else {
      grouped_.push_back(std::make_shared<GroupLinear>(layer_in, layer_out, groups, shuffle, style, options));
      dense_.push_back(nullptr);
      list->push_back(grouped_.back());
    }
    features = layer_out + proj;
  }
  register_module("dextra_layers", list);
  output_ = register_module("output_layer", std::make_shared<Linear>(features, out, 1, style, options));
}

at::Tensor Unit::forward(const at::Tensor& x) const {
  check_features(x, in(), "x");
  std::vector<Stage> stages{Stage::of(*input_)};
  for (size_t i = 0; i < grouped_.size(); ++i) {
    stages.push_back(grouped_[i] ? Stage::of(*grouped_[i]) : Stage::of(*dense_[i]));
  }
  stages.push_back(Stage::of(*output_));
  auto shape = x.sizes().vec();
  shape.back() = out();
  return transform(stages, x.reshape({-1, x.size(-1)}), is_training()).view(shape);
}

}  // namespace torchwright::delight
