#include "delight/attention.h"

#include <ATen/ATen.h>
#include <ATen/autocast_mode.h>

#include <cmath>
#include <limits>

#include "delight/check.h"
#include "delight/kernels/attend.h"
#include "runtime/errors.h"

namespace torchwright::delight {

namespace {

// Half of the lowest number: a score added to it does not overflow, and e to the power of it is zero.
constexpr double kMasked = std::numeric_limits<float>::lowest() / 2;

// Up to so many queries of a memory are not worth a matrix product.
constexpr int64_t kFewQueries = 16;

at::Tensor softmax(const at::Tensor& scores) {
  const auto type = scores.scalar_type();
  if (type == at::kFloat || type == at::kDouble) return at::softmax(scores, -1);
  return at::softmax(scores, -1, at::kFloat).to(type);
}

}  // namespace

at::Tensor score_bias(const at::Tensor& padding, const at::Tensor& attention, const at::Tensor& like) {
  const auto options = like.options().requires_grad(std::nullopt);
  at::Tensor bias;
  if (padding.defined()) {
    bias = at::zeros(padding.sizes(), options).masked_fill_(padding.to(at::kBool), kMasked).unsqueeze(1);
  }
  if (attention.defined()) {
    const at::Tensor added = attention.to(options.dtype()).unsqueeze(0);
    bias = bias.defined() ? bias + added : added;
  }
  return bias;
}

at::Tensor causal_bias(int64_t time, int64_t past, const at::TensorOptions& options) {
  return at::full({time, past + time}, -std::numeric_limits<double>::infinity(), options).triu_(past + 1);
}

at::Tensor Attention::scores(const at::Tensor& q, const at::Tensor& k, const at::Tensor& bias) const {
  const double scale = 1 / std::sqrt(static_cast<double>(proj_));
  const at::Tensor keys = k.transpose(1, 2);
  if (!bias.defined()) return at::bmm(q * scale, keys);
  return at::baddbmm(bias.expand({q.size(0), q.size(1), k.size(1)}), q, keys, 1, scale);
}

Attended Attention::attend(const at::Tensor& q, const at::Tensor& memory, const at::Tensor& bias,
                           bool with_weights) const {
  if (decodes(q, memory, bias) && !with_weights) return {out_proj_->forward(attend_few(q, memory, bias)), {}};
  const at::Tensor k = memory.narrow(-1, 0, proj_), v = memory.narrow(-1, proj_, proj_);
  if (heads_ > 1) return attend_heads(q, k, v, bias, with_weights);
  const at::Tensor weights = softmax(scores(q, k, bias));
  const at::Tensor dropped = is_training() && dropout_ > 0 ? at::dropout(weights, dropout_, true) : weights;
  return {out_proj_->forward(at::bmm(dropped, v)), with_weights ? weights : at::Tensor()};
}

bool Attention::decodes(const at::Tensor& q, const at::Tensor& memory, const at::Tensor& bias) const {
  return heads_ == 1 && !at::GradMode::is_enabled() && !is_training() && q.size(1) <= kFewQueries &&
         q.device().is_cpu() && q.scalar_type() == at::kFloat && memory.scalar_type() == at::kFloat &&
         memory.size(0) == q.size(0) && memory.stride(2) == 1 && memory.stride(1) == 2 * proj_ &&
         (!bias.defined() || (bias.size(1) == 1 && bias.size(0) == memory.size(0) && bias.is_contiguous())) &&
         !at::autocast::is_autocast_enabled(at::kCPU);
}

at::Tensor Attention::attend_few(const at::Tensor& q, const at::Tensor& memory, const at::Tensor& bias) const {
  const at::Tensor query = q.contiguous();
  at::Tensor out = at::empty(query.sizes(), query.options());
  attend_rows({.q = query.const_data_ptr<float>(),
               .rows = query.size(0) * query.size(1),
               .size = proj_,
               .memory = memory.const_data_ptr<float>(),
               .memories = memory.size(0),
               .memory_stride = memory.stride(0),
               .length = memory.size(1),
               .bias = bias.defined() ? bias.const_data_ptr<float>() : nullptr,
               .scale = static_cast<float>(1 / std::sqrt(static_cast<double>(proj_))),
               .out = out.mutable_data_ptr<float>()});
  return out;
}

Attended Attention::attend_heads(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, const at::Tensor& bias,
                                 bool with_weights) const {
  const auto by_head = [this](const at::Tensor& x) {
    return x.unflatten(-1, {heads_, proj_ / heads_}).transpose(1, 2);
  };
  const auto together = [this](const at::Tensor& x) {
    return out_proj_->forward(x.transpose(1, 2).reshape({x.size(0), x.size(2), proj_}));
  };
  const at::Tensor heads_bias = bias.defined() ? bias.unsqueeze(1) : bias;
  if (!with_weights) {
    const std::optional<at::Tensor> mask = heads_bias.defined() ? std::optional(heads_bias) : std::nullopt;
    return {together(at::scaled_dot_product_attention(by_head(q), by_head(k), by_head(v), mask,
                                                      is_training() ? dropout_ : 0.0)),
            {}};
  }
  const double scale = 1 / std::sqrt(static_cast<double>(proj_ / heads_));
  at::Tensor scores = at::matmul(by_head(q) * scale, by_head(k).transpose(2, 3));
  if (heads_bias.defined()) scores = scores + heads_bias;
  const at::Tensor weights = softmax(scores);
  const at::Tensor dropped = is_training() && dropout_ > 0 ? at::dropout(weights, dropout_, true) : weights;
  return {together(at::matmul(dropped, by_head(v))), weights.mean(1)};
}

std::shared_ptr<SingleHeadAttention> SingleHeadAttention::from(const Plan& plan, const at::TensorOptions& options) {
  const std::string& type = plan.string("type");
  if (type != "self" && type != "cross") {
    throw Error(code::kConfig, plan.name("type") + " must be 'self' or 'cross', not '" + type + "'");
  }
  return std::make_shared<SingleHeadAttention>(
      type == "self", read_size(plan, "queryFeatures"), read_size(plan, "keyValueFeatures"),
      read_size(plan, "projFeatures"), read_size(plan, "outFeatures"), read_probability(plan, "dropout"), options);
}

SingleHeadAttention::SingleHeadAttention(bool self, int64_t query, int64_t memory, int64_t proj, int64_t out,
                                         double dropout, const at::TensorOptions& options)
    : Attention(proj, 1, dropout) {
  if (self && query != memory) {
    throw Error(code::kConfig, "self attention takes keys and values from its queries: keyValueFeatures (" +
                                   std::to_string(memory) + ") must equal queryFeatures (" + std::to_string(query) +
                                   ")");
  }
  if (self) {
    kqv_ = register_module("linear_kqv", plain_linear(query, proj, options, 3));
  } else {
    q_ = register_module("linear_q", plain_linear(query, proj, options));
    kv_ = register_module("linear_kv", plain_linear(memory, proj, options, 2));
  }
  out_proj_ = register_module("out_proj", plain_linear(proj, out, options));
}

Attention::Projected SingleHeadAttention::project(const at::Tensor& x) const {
  const at::Tensor all = kqv_->forward(x);
  return {all.narrow(-1, 0, proj()), all.narrow(-1, proj(), 2 * proj())};
}

at::Tensor SingleHeadAttention::project_query(const at::Tensor& query) const { return q_->forward(query); }

at::Tensor SingleHeadAttention::project_memory(const at::Tensor& memory) const { return kv_->forward(memory); }

MultiHeadAttention::MultiHeadAttention(int64_t features, int64_t heads, double dropout,
                                       const at::TensorOptions& options)
    : Attention(features, heads, dropout) {
  if (features % heads != 0) {
    throw Error(code::kConfig,
                "heads (" + std::to_string(heads) + ") must divide features (" + std::to_string(features) + ")");
  }
  const auto linear = [&](const char* name, double gain) {
    return register_module(name, std::make_shared<Linear>(features, features, 1, Style{}, options, "", gain));
  };
  q_ = linear("q_proj", std::sqrt(0.5));
  k_ = linear("k_proj", std::sqrt(0.5));
  v_ = linear("v_proj", std::sqrt(0.5));
  out_proj_ = linear("out_proj", 1);
}

Attention::Projected MultiHeadAttention::project(const at::Tensor& x) const {
  return {q_->forward(x), project_memory(x)};
}

at::Tensor MultiHeadAttention::project_query(const at::Tensor& query) const { return q_->forward(query); }

at::Tensor MultiHeadAttention::project_memory(const at::Tensor& memory) const {
  return at::cat({k_->forward(memory), v_->forward(memory)}, -1);
}

}  // namespace torchwright::delight
