// Attention: with one head, as DeLighT has it, and with many, as the Transformer it is compared with.
#pragma once

#include "delight/linear.h"

namespace torchwright::delight {

// What is added to scores [B, T, S]: `attention` [T, S] as it is, and nearly minus infinity where `padding` [B, S] is
// true: a row with nothing left to look at looks at everything alike, instead of giving NaN. Undefined when both are.
at::Tensor score_bias(const at::Tensor& padding, const at::Tensor& attention, const at::Tensor& like);

// [time, past + time]: minus infinity where a position would look ahead.
at::Tensor causal_bias(int64_t time, int64_t past, const at::TensorOptions& options);

struct Attended {
  at::Tensor output;   // [B, T, out]
  at::Tensor weights;  // [B, T, S], mean over the heads; undefined unless asked for
};

// Batch first throughout. `bias` is added to the scores: [B or 1, T or 1, S], or undefined.
class Attention : public torch::nn::Module {
 public:
  Attention(int64_t proj, int64_t heads, double dropout) : proj_(proj), heads_(heads), dropout_(dropout) {}

  struct Projected {
    at::Tensor query;   // [B, T, proj]
    at::Tensor memory;  // [B, T, 2 * proj]: keys, then values
  };
  // Of one sequence that looks at itself.
  virtual Projected project(const at::Tensor& x) const = 0;
  virtual at::Tensor project_query(const at::Tensor& query) const = 0;
  // Keys and values [B, S, 2 * proj].
  virtual at::Tensor project_memory(const at::Tensor& memory) const = 0;

  // query [B, T, proj], memory [B, S, 2 * proj].
  Attended attend(const at::Tensor& query, const at::Tensor& memory, const at::Tensor& bias, bool with_weights) const;

  // q k^T / sqrt(proj) + bias, [B, T, S]; for one head.
  at::Tensor scores(const at::Tensor& query, const at::Tensor& keys, const at::Tensor& bias) const;

  int64_t proj() const { return proj_; }

 protected:
  std::shared_ptr<Linear> out_proj_;

 private:
  // Whether `attend_few` computes this: the few queries of a decoding step.
  bool decodes(const at::Tensor& q, const at::Tensor& memory, const at::Tensor& bias) const;
  at::Tensor attend_few(const at::Tensor& q, const at::Tensor& memory, const at::Tensor& bias) const;
  Attended attend_heads(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, const at::Tensor& bias,
                        bool with_weights) const;

  int64_t proj_, heads_;
  double dropout_;
};

// Source: DeLighT, section 3.2. Keys: linear_kqv (in the order q, k, v), or linear_q and linear_kv; out_proj.
class SingleHeadAttention : public Attention {
 public:
  // Plan: type 'self' | 'cross', queryFeatures, keyValueFeatures, projFeatures, outFeatures, dropout.
  static std::shared_ptr<SingleHeadAttention> from(const Plan& plan, const at::TensorOptions& options);

  SingleHeadAttention(bool self, int64_t query, int64_t memory, int64_t proj, int64_t out, double dropout,
                      const at::TensorOptions& options);

  Projected project(const at::Tensor& x) const override;
  at::Tensor project_query(const at::Tensor& query) const override;
  at::Tensor project_memory(const at::Tensor& memory) const override;

  bool self() const { return kqv_ != nullptr; }

 private:
  std::shared_ptr<Linear> kqv_, q_, kv_;
};

// Keys q_proj, k_proj, v_proj, out_proj, as fairseq's.
class MultiHeadAttention : public Attention {
 public:
  MultiHeadAttention(int64_t features, int64_t heads, double dropout, const at::TensorOptions& options);

  Projected project(const at::Tensor& x) const override;
  at::Tensor project_query(const at::Tensor& query) const override;
  at::Tensor project_memory(const at::Tensor& memory) const override;

 private:
  std::shared_ptr<Linear> q_, k_, v_;
};

}  // namespace torchwright::delight
