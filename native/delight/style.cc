#include "delight/style.h"

#include <ATen/ATen.h>
#include <ATen/autocast_mode.h>

#include <cmath>
#include <utility>

#include "delight/kernels/layer_norm.h"
#include "runtime/errors.h"

namespace torchwright::delight {

namespace {

constexpr double kLeakySlope = 0.1;
constexpr double kPreluSlope = 0.25;
constexpr double kBatchNormMomentum = 0.1;

constexpr std::pair<const char*, Activation> kActivations[] = {
    {"relu", Activation::kRelu},       {"leaky", Activation::kLeaky}, {"selu", Activation::kSelu},
    {"elu", Activation::kElu},         {"celu", Activation::kCelu},   {"prelu", Activation::kPrelu},
    {"sigmoid", Activation::kSigmoid}, {"tanh", Activation::kTanh},   {"gelu", Activation::kGelu},
    {"swish", Activation::kSwish},
};

}  // namespace

Activation read_activation(const Plan& plan, const std::string& key) {
  if (!plan.has(key)) return Activation::kNone;
  const std::string& wanted = plan.string(key);
  std::string known;
  for (const auto& [name, activation] : kActivations) {
    if (wanted == name) return activation;
    known += (known.empty() ? "'" : ", '") + std::string(name) + "'";
  }
  throw Error(code::kConfig, plan.name(key) + " must be one of " + known + ", not '" + wanted + "'");
}

Style Style::from(const Plan& plan) {
  Style style{.norm = Norm::kNone,
              .activation = read_activation(plan, "activation"),
              .dropout = read_probability(plan, "dropout"),
              .bias = plan.boolean("bias")};
  if (plan.has("norm")) {
    const std::string& norm = plan.string("norm");
    if (norm != "layer" && norm != "batch") {
      throw Error(code::kConfig, plan.name("norm") + " must be 'layer', 'batch' or null, not '" + norm + "'");
    }
    style.norm = norm == "layer" ? Norm::kLayer : Norm::kBatch;
  }
  return style;
}

int64_t read_size(const Plan& plan, const std::string& key) {
  const int64_t size = plan.integer(key);
  if (size < 1) throw Error(code::kConfig, plan.name(key) + " must be at least 1, not " + std::to_string(size));
  return size;
}

double read_probability(const Plan& plan, const std::string& key) {
  const double value = plan.number(key);
  if (!(value >= 0 && value < 1)) throw Error(code::kConfig, plan.name(key) + " must be at least 0 and below 1");
  return value;
}

at::Tensor activate(const at::Tensor& x, Activation activation, const at::Tensor& slope) {
  switch (activation) {
    case Activation::kNone:
      return x;
    case Activation::kRelu:
      return at::relu(x);
    case Activation::kLeaky:
      return at::leaky_relu(x, kLeakySlope);
    case Activation::kSelu:
      return at::selu(x);
    case Activation::kElu:
      return at::elu(x);
    case Activation::kCelu:
      return at::celu(x);
    case Activation::kPrelu:
      return at::prelu(x, slope);
    case Activation::kSigmoid:
      return at::sigmoid(x);
    case Activation::kTanh:
      return at::tanh(x);
    case Activation::kGelu:
      return at::gelu(x);
    case Activation::kSwish:
      return at::silu(x);
  }
  return x;
}

at::Tensor register_slope(torch::nn::Module& owner, const char* name, const at::TensorOptions& options) {
  const auto module = owner.register_module(name, std::make_shared<torch::nn::Module>());
  return module->register_parameter("weight", at::full({1}, kPreluSlope, options));
}

at::Tensor recurrent_dropout(const at::Tensor& x, double probability, bool training) {
  if (!training || probability == 0) return x;
  const double keep = 1 - probability;
  const at::Tensor mask = at::empty({x.size(0), 1, x.size(2)}, x.options()).bernoulli_(keep).div_(keep);
  return x * mask;
}

LayerNorm::LayerNorm(int64_t features, const at::TensorOptions& options)
    : weight(register_parameter("weight", at::ones({features}, options))),
      bias(register_parameter("bias", at::zeros({features}, options))) {}

at::Tensor LayerNorm::forward(const at::Tensor& x) const {
  const bool gradient = at::GradMode::is_enabled() && (x.requires_grad() || weight.requires_grad());
  if (!gradient && x.device().is_cpu() && x.scalar_type() == at::kFloat && weight.scalar_type() == at::kFloat &&
      x.is_contiguous() && !at::autocast::is_autocast_enabled(at::kCPU)) {
    at::Tensor y = at::empty_like(x);
    layer_norm(x.const_data_ptr<float>(), x.numel() / weight.numel(), weight.numel(), weight.const_data_ptr<float>(),
               bias.const_data_ptr<float>(), y.mutable_data_ptr<float>());
    return y;
  }
  return at::layer_norm(x, weight.sizes(), weight, bias, kNormEpsilon);
}

BatchNorm::BatchNorm(int64_t features, const at::TensorOptions& options)
    : weight_(register_parameter("weight", at::ones({features}, options))),
      bias_(register_parameter("bias", at::zeros({features}, options))),
      running_mean_(register_buffer("running_mean", at::zeros({features}, options))),
      running_var_(register_buffer("running_var", at::ones({features}, options))),
      num_batches_tracked_(register_buffer("num_batches_tracked", at::zeros({}, options.dtype(at::kLong)))) {}

at::Tensor BatchNorm::forward(const at::Tensor& x) {
  if (is_training()) num_batches_tracked_ += 1;
  return at::batch_norm(x.reshape({-1, x.size(-1)}), weight_, bias_, running_mean_, running_var_, is_training(),
                        kBatchNormMomentum, kNormEpsilon, /*cudnn_enabled=*/true)
      .view(x.sizes());
}

Finish::Finish(torch::nn::Module& owner, const Style& style, int64_t features, const at::TensorOptions& options)
    : style_(style) {
  if (style.norm == Norm::kLayer) {
    layer_norm_ = owner.register_module("normalization_fn", std::make_shared<LayerNorm>(features, options));
  } else if (style.norm == Norm::kBatch) {
    batch_norm_ = owner.register_module("normalization_fn", std::make_shared<BatchNorm>(features, options));
  }
  if (style.activation == Activation::kPrelu) slope_ = register_slope(owner, "act_fn", options);
}

at::Tensor Finish::operator()(const at::Tensor& x, bool training) const {
  at::Tensor y = layer_norm_ ? layer_norm_->forward(x) : batch_norm_ ? batch_norm_->forward(x) : x;
  y = activate(y, style_.activation, slope_);
  return style_.dropout > 0 && training ? at::dropout(y, style_.dropout, true) : y;
}

}  // namespace torchwright::delight
