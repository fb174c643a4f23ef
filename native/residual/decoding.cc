#include "residual/decoding.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <string>

#include "nn/kernels/few_rows.h"
#include "nn/products.h"
#include "residual/kernels/rows.h"
#include "residual/precision.h"
#include "runtime/errors.h"

namespace torchwright::residual {

namespace {

// Bytes that the probabilities of one chunk may take.
constexpr int64_t kChunkBytes = 64 << 20;

// x W^T + bias of rows x.
at::Tensor linear(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias) {
  return x.size(0) <= kFewRows ? apply_linear(x, weight, bias) : at::linear(x, weight, bias);
}

// Whether the kernels for few rows can read it.
bool few(const at::Tensor& x) {
  return x.device().is_cpu() && x.scalar_type() == at::kFloat && x.size(0) <= kFewRows && x.is_contiguous();
}

// silu(gate) * up of rows that hold gate and up side by side.
at::Tensor gated(const at::Tensor& gate_up) {
  if (!few(gate_up)) return swiglu(gate_up);
  const int64_t rows = gate_up.size(0), size = gate_up.size(1) / 2;
  at::Tensor out = at::empty({rows, size}, gate_up.options());
  swiglu_rows(gate_up.const_data_ptr<float>(), rows, size, out.mutable_data_ptr<float>());
  return out;
}

// x [rows, time, heads, width] turned by angles [1 or rows, time, 1, width / 2].
at::Tensor turned(const at::Tensor& x, const at::Tensor& cos, const at::Tensor& sin) {
  const int64_t half = x.size(3) / 2;
  at::Tensor out = at::empty_like(x);
  if (few(x.flatten(0, 1))) {
    const at::Tensor c = cos.contiguous(), s = sin.contiguous();
    turn_rows({.x = x.const_data_ptr<float>(),
               .rows = x.size(0),
               .time = x.size(1),
               .heads = x.size(2),
               .half = half,
               .cos = c.const_data_ptr<float>(),
               .sin = s.const_data_ptr<float>(),
               .rows_differ = c.size(0) > 1,
               .out = out.mutable_data_ptr<float>()});
    return out;
  }
  const at::Tensor first = x.narrow(3, 0, half), second = x.narrow(3, half, half);
  at::Tensor to_first = out.narrow(3, 0, half), to_second = out.narrow(3, half, half);
  at::mul_out(to_first, first, cos).addcmul_(second, sin, -1);
  at::mul_out(to_second, second, cos).addcmul_(first, sin);
  return out;
}

// sum + factor * term; an undefined sum is nothing.
at::Tensor added(const at::Tensor& sum, const at::Tensor& term, double factor) {
  if (!sum.defined()) return factor == 1 ? term : term * factor;
  return at::add(sum, term.to(sum.scalar_type()), factor);
}

}  // namespace

// What the layers of one chunk share.
struct LlamaDecoding::Chunk {
  int64_t past, time;
  at::Tensor cos, sin;              // [1 or rows, time, 1, headDim / 2]
  at::Tensor bias;                  // of scores, as `step_bias` gives it
  at::Tensor probabilities;         // [layers or 1, rows * K, time * G, past + time]
  std::vector<at::Tensor> outputs;  // stored outputs of the layers so far

  int64_t length() const { return past + time; }
};

LlamaDecoding::LlamaDecoding(std::shared_ptr<const DecodingWeights> weights, std::vector<int64_t> starts, int64_t beams,
                             int64_t capacity)
    : weights_(std::move(weights)), starts_(std::move(starts)), beams_(beams), capacity_(capacity) {
  const Config& c = config();
  const auto options = weights_->values.options();
  for (size_t index = 0; index < weights_->layers.size(); ++index) {
    const int64_t earlier = static_cast<int64_t>(index) - weights_->layers[index].terms.first_earlier;
    const int64_t terms = c.residual.stored ? 1 : earlier + 1;
    keys_.push_back(at::empty({rows(), c.kv_heads, capacity_, c.head_dim}, options));
    values_.push_back(at::empty({terms, rows(), c.kv_heads, capacity_, c.head_dim}, options));
  }
}

bool LlamaDecoding::padded() const {
  return std::any_of(starts_.begin(), starts_.end(), [](int64_t start) { return start > 0; });
}

void LlamaDecoding::reorder(const std::vector<int64_t>& order) {
  if (check_order(order, rows(), beams_).same_rows) return;
  std::vector<int64_t> starts;
  for (const int64_t row : order) starts.push_back(starts_[row]);
  const at::Tensor index = at::tensor(order, at::kLong).to(device());
  const auto take = [&](at::Tensor& cache, int64_t dim) {
    auto sizes = cache.sizes().vec();
    sizes[dim] = index.size(0);
    at::Tensor taken = at::empty(sizes, cache.options());
    taken.narrow(dim + 2, 0, length_).copy_(cache.narrow(dim + 2, 0, length_).index_select(dim, index));
    cache = taken;
  };
  for (at::Tensor& cache : keys_) take(cache, 0);
  for (at::Tensor& cache : values_) take(cache, 1);
  starts_ = std::move(starts);
}

void LlamaDecoding::reserve(int64_t length) {
  if (length <= capacity_) return;
  const int64_t capacity = std::max(length, 2 * capacity_);
  const auto enlarge = [&](at::Tensor& cache) {
    auto sizes = cache.sizes().vec();
    sizes[sizes.size() - 2] = capacity;
    at::Tensor larger = at::empty(sizes, cache.options());
    larger.narrow(-2, 0, length_).copy_(cache.narrow(-2, 0, length_));
    cache = larger;
  };
  for (at::Tensor& cache : keys_) enlarge(cache);
  for (at::Tensor& cache : values_) enlarge(cache);
  capacity_ = capacity;
  table_ = {};
}

RotaryTable LlamaDecoding::angles(int64_t length) const {
  const Config& c = config();
  const auto options = weights_->values.options();
  const int64_t time = length - length_;
  const auto of_row = [&](int64_t start) {
    // Where the frequencies depend on the length, they are those of the row's own.
    const RotaryTable table =
        table_.cos.defined() ? table_
                             : RotaryTable::make(std::max<int64_t>(1, length - start), c.head_dim, c.rope, options);
    const at::Tensor positions =
        at::arange(length_ - start, length - start, at::kLong).clamp_min_(0).to(options.device());
    return RotaryTable{table.cos.index_select(0, positions), table.sin.index_select(0, positions)};
  };
  std::vector<at::Tensor> cos, sin;
  const bool alike = !padded();
  for (const int64_t start : starts_) {
    RotaryTable row = of_row(start);
    cos.push_back(std::move(row.cos));
    sin.push_back(std::move(row.sin));
    if (alike) break;
  }
  const auto all = [&](const std::vector<at::Tensor>& rows) {
    return at::stack(rows).view({-1, time, 1, c.head_dim / 2});
  };
  return {all(cos), all(sin)};
}

int64_t LlamaDecoding::chunk_time(int64_t length) const {
  const Config& c = config();
  const int64_t layers = c.is_recomputed(0) ? c.layers : 1;
  const int64_t position = layers * rows() * c.heads * length * static_cast<int64_t>(weights_->values.element_size());
  return std::max<int64_t>(1, kChunkBytes / position);
}

at::Tensor LlamaDecoding::step(const at::Tensor& tokens, const CancelFlag& cancel) {
  const Config& c = config();
  const auto guard = autocast_off();
  const int64_t time = tokens.size(1), length = length_ + time;
  reserve(length);
  const bool fixed = c.rope.scaling != Rope::Scaling::kDynamic;
  if (fixed && !table_.cos.defined()) {
    table_ = RotaryTable::make(capacity_, c.head_dim, c.rope, weights_->values.options());
  }
  const RotaryTable rotary = angles(length);
  const int64_t most = chunk_time(length);
  at::Tensor hidden;
  int64_t count = 0;
  for (int64_t begin = 0; begin < time; begin += count) {
    cancel.check();
    count = std::min(most, time - begin);
    Chunk chunk{.past = length_ + begin,
                .time = count,
                .cos = rotary.cos.narrow(1, begin, count),
                .sin = rotary.sin.narrow(1, begin, count),
                .bias = step_bias(starts_, length_ + begin, count, weights_->values.options()),
                .probabilities = {},
                .outputs = {}};
    hidden = forward(tokens.narrow(1, begin, count), chunk);
  }
  length_ = length;
  const at::Tensor last = hidden.view({rows(), count, c.hidden_size}).select(1, count - 1);
  const at::Tensor unit = unit_rms(last, c.rms_norm_eps, accumulation_type(last.scalar_type()));
  return linear((unit * weights_->norm).to(weights_->head.scalar_type()), weights_->head, at::Tensor());
}

at::Tensor LlamaDecoding::forward(const at::Tensor& tokens, Chunk& chunk) {
  const Config& c = config();
  const int64_t layers = c.is_recomputed(0) ? c.layers : 1;
  chunk.probabilities = at::empty({layers, rows() * c.kv_heads, chunk.time * (c.heads / c.kv_heads), chunk.length()},
                                  weights_->values.options());
  chunk.outputs.resize(c.layers);
  at::Tensor h = at::embedding(weights_->embedding, tokens).view({rows() * chunk.time, c.hidden_size});
  for (int64_t index = 0; index < c.layers; ++index) h = layer(index, h, chunk);
  return h;
}

at::Tensor LlamaDecoding::unit(const at::Tensor& stream) const {
  const double eps = config().rms_norm_eps;
  if (!few(stream)) return unit_rms(stream, eps, weights_->values.scalar_type());
  at::Tensor out = at::empty_like(stream);
  unit_rms_rows(stream.const_data_ptr<float>(), stream.size(0), stream.size(1), eps, out.mutable_data_ptr<float>());
  return out;
}

void LlamaDecoding::attend(int64_t index, const at::Tensor& unit, Chunk& chunk) {
  const Config& c = config();
  const AttentionWeights& weights = weights_->layers[index].weights.attention;
  const int64_t group = c.heads / c.kv_heads, time = chunk.time;
  const at::Tensor qk =
      linear(unit, weights.qk, weights.qk_bias).view({rows(), time, c.heads + c.kv_heads, c.head_dim});
  const at::Tensor heads = turned(qk, chunk.cos, chunk.sin);
  keys_[index].narrow(2, chunk.past, time).copy_(heads.narrow(2, c.heads, c.kv_heads).transpose(1, 2));
  const at::Tensor queries = heads.narrow(2, 0, c.heads)
                                 .view({rows(), time, c.kv_heads, group, c.head_dim})
                                 .transpose(1, 2)
                                 .reshape({rows() * c.kv_heads, time * group, c.head_dim});
  const at::Tensor keys = keys_[index].flatten(0, 1).narrow(1, 0, chunk.length());
  const at::Tensor scores = batched_product_transposed(queries, keys);
  if (chunk.bias.defined()) {
    const at::Tensor bias = chunk.bias.view({-1, 1, time, 1, chunk.length()});
    scores.view({rows(), c.kv_heads, time, group, chunk.length()}).add_(bias);
  }
  at::Tensor probabilities = chunk.probabilities.select(0, c.is_recomputed(0) ? index : 0);
  at::_softmax_out(probabilities, scores, -1, /*half_to_float=*/false);
}

std::vector<at::Tensor> LlamaDecoding::heads(int64_t index, const at::Tensor& unit, int64_t first, int64_t last,
                                             Chunk& chunk) {
  const Config& c = config();
  const int64_t terms = last - first, group = c.heads / c.kv_heads, time = chunk.time;
  const auto weights = [&](const at::Tensor& all) {
    return all.defined() ? all.narrow(0, first * c.kv_size(), terms * c.kv_size()) : all;
  };
  const at::Tensor values = linear(unit, weights(weights_->values), weights(weights_->values_bias));
  // The layer's own values come last.
  const int64_t place = values_[index].size(0) - (index - first + 1);
  const at::Tensor cache = values_[index].narrow(0, place, terms);
  cache.narrow(3, chunk.past, time)
      .copy_(values.view({rows(), time, terms, c.kv_heads, c.head_dim}).permute({2, 0, 3, 1, 4}));
  const at::Tensor kept = chunk.probabilities.narrow(0, c.is_recomputed(0) ? first : 0, terms).flatten(0, 1);
  const at::Tensor seen = cache.flatten(0, 2).narrow(1, 0, chunk.length());
  const at::Tensor product = kept.size(1) <= kFewRows ? batched_product(kept, seen) : at::bmm(kept, seen);
  return product.view({terms, rows(), c.kv_heads, time, group, c.head_dim})
      .transpose(2, 3)
      .reshape({terms, rows() * time, c.query_size()})
      .unbind();
}

at::Tensor LlamaDecoding::feed(const at::Tensor& stream, const MlpWeights& weights) const {
  return linear(gated(linear(unit(stream), weights.gate_up, weights.gate_up_bias)), weights.down, weights.down_bias);
}

at::Tensor LlamaDecoding::layer(int64_t index, const at::Tensor& h, Chunk& chunk) {
  const Residual& residual = config().residual;
  const DecodingWeights::Layer& own = weights_->layers[index];
  const int64_t first = own.terms.first_earlier;
  const auto factor = [&](int64_t j) { return own.terms.factors[j - first]; };
  const auto projected = [&](int64_t j, const at::Tensor& outputs) {
    const AttentionWeights& attention = weights_->layers[j].weights.attention;
    return linear(outputs, attention.o, attention.o_bias);
  };
  const auto fed = [&](int64_t j, const at::Tensor& stream) { return feed(stream, weights_->layers[j].weights.mlp); };
  // base + the sum of all terms, each with its factor; without the base where the sum replaces it
  const auto mixed = [&](const at::Tensor& base, const auto& term) {
    at::Tensor sum = own.terms.replaces ? at::Tensor() : base;
    for (int64_t j = first; j <= index; ++j) sum = added(sum, term(j), factor(j));
    return sum.to(h.scalar_type());
  };
  const auto stored = [&](const at::Tensor& output) {
    chunk.outputs[index] = output;
    return [&chunk](int64_t j) { return chunk.outputs[j]; };
  };

  const at::Tensor normed = unit(h);
  attend(index, normed, chunk);
  if (residual.site == Site::kAttention) {
    at::Tensor u;
    if (residual.stored) {
      u = mixed(h, stored(projected(index, heads(index, normed, index, index + 1, chunk)[0])));
    } else {
      const auto outputs = heads(index, normed, first, index + 1, chunk);
      u = mixed(h, [&](int64_t j) { return projected(j, outputs[j - first]); });
    }
    return u + fed(index, u);
  }
  const bool before = residual.site == Site::kMlp && !residual.stored && !residual.mid;
  auto outputs = heads(index, normed, before ? first : index, index + 1, chunk);
  const at::Tensor u = h + projected(index, outputs.back());
  if (residual.site == Site::kNone) return u + fed(index, u);
  if (residual.stored) return mixed(u, stored(fed(index, u)));
  // With `mid` the earlier layers read u, which needed the current layer's attention first.
  if (residual.mid && first < index) outputs = heads(index, unit(u), first, index, chunk);
  const at::Tensor& read = residual.mid ? u : h;
  return mixed(u, [&](int64_t j) { return fed(j, j == index ? u : read + projected(j, outputs[j - first])); });
}

}  // namespace torchwright::residual
