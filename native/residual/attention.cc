#include "residual/attention.h"

#include <ATen/ATen.h>

#include "residual/fold.h"

namespace torchwright::residual {

Attention::Attention(const Config& config, const at::TensorOptions& options) {
  const auto linear = [&](const char* name, int64_t in, int64_t out) {
    return register_module(name,
                           std::make_shared<Linear>(in, out, config.attention_bias, config.initializer_range, options));
  };
  q_proj_ = linear("q_proj", config.hidden_size, config.query_size());
  k_proj_ = linear("k_proj", config.hidden_size, config.kv_size());
  v_proj_ = linear("v_proj", config.hidden_size, config.kv_size());
  o_proj_ = linear("o_proj", config.query_size(), config.hidden_size);
}

AttentionWeights Attention::fold(const at::Tensor& gain, at::ScalarType dtype) const {
  return {
      .qk = (at::cat({q_proj_->weight, k_proj_->weight}) * gain).to(dtype),
      .qk_bias = joined_bias(*q_proj_, *k_proj_, dtype),
      .v = (v_proj_->weight * gain).to(dtype),
      .v_bias = converted(v_proj_->bias, dtype),
      .o = o_proj_->weight.to(dtype),
      .o_bias = converted(o_proj_->bias, dtype),
  };
}

}  // namespace torchwright::residual
