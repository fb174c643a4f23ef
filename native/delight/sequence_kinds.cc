#include "delight/sequence_kinds.h"

#include <ATen/ATen.h>

#include <limits>

#include "delight/alone.h"
#include "delight/check.h"
#include "delight/layer.h"
#include "runtime/errors.h"

namespace torchwright::delight {

namespace {

using Methods = std::map<std::string, Alone::Method>;

// Query and memory (keys beside values) of an attention's inputs, batch first.
std::pair<at::Tensor, at::Tensor> projected(const SingleHeadAttention& attention, const at::Tensor& query,
                                            const at::Tensor& key_value) {
  const at::Tensor x = flip_sequence(query, "query");
  if (attention.self()) {
    const auto both = attention.project(x);
    return {both.query, both.memory};
  }
  const at::Tensor memory = flip_sequence(key_value, "keyValue");
  if (memory.size(0) != x.size(0)) {
    throw Error(code::kShape, "query and keyValue must have one batch size: " + std::to_string(x.size(0)) + " and " +
                                  std::to_string(memory.size(0)));
  }
  return {attention.project_query(x), attention.project_memory(memory)};
}

void check_attention_mask(const at::Tensor& mask, int64_t time, int64_t keys) {
  check_mask(mask, time, keys, "attentionMask");
  if (mask.defined() && !mask.is_floating_point()) {
    throw Error(code::kDtype, "attentionMask is added to the scores: it must be floating");
  }
}

Tensors attention_forward(const SingleHeadAttention& attention, const Tensors& in) {
  const auto [query, memory] = projected(attention, in[0], in[1]);
  check_mask(in[2], memory.size(0), memory.size(1), "keyPaddingMask");
  check_attention_mask(in[3], query.size(1), memory.size(1));
  const Attended seen = attention.attend(query, memory, score_bias(in[2], in[3], query), true);
  return {flip(seen.output), flip(seen.weights)};
}

Tensors attention_before_softmax(const SingleHeadAttention& attention, const Tensors& in) {
  const auto [query, memory] = projected(attention, in[0], in[1]);
  check_mask(in[2], memory.size(0), memory.size(1), "keyPaddingMask");
  check_attention_mask(in[3], query.size(1), memory.size(1));
  at::Tensor scores = attention.scores(query, memory.narrow(-1, 0, attention.proj()), score_bias({}, in[3], query));
  if (in[2].defined()) {
    scores = scores.masked_fill(in[2].to(at::kBool).unsqueeze(1), -std::numeric_limits<double>::infinity());
  }
  return {scores, memory.narrow(-1, attention.proj(), attention.proj())};
}

// The masks of former and new keys as one; where only one side has a mask, the other has nothing masked.
at::Tensor joined_mask(const at::Tensor& former, int64_t former_length, const at::Tensor& added, int64_t added_length,
                       int64_t batch) {
  if (!former.defined() && !added.defined()) return {};
  const auto options = (former.defined() ? former : added).options().dtype(at::kBool);
  const auto part = [&](const at::Tensor& mask, int64_t length) {
    return mask.defined() ? mask.to(at::kBool) : at::zeros({batch, length}, options);
  };
  return at::cat({part(former, former_length), part(added, added_length)}, 1);
}

void check_former(const at::Tensor& former, int64_t batch, int64_t proj, const char* name) {
  if (former.dim() != 3 || former.size(0) != batch || former.size(2) != proj) {
    throw Error(code::kShape, std::string(name) + " must be [" + std::to_string(batch) + ", length, " +
                                  std::to_string(proj) + "], not of shape " + text(former.sizes()) +
                                  ": do these caches belong to another batch?");
  }
}

// inputs: query, keyValue?, keyPaddingMask?, prevKey?, prevValue?, prevMask?
Tensors attention_step(const SingleHeadAttention& attention, const Tensors& in) {
  check_rank(in[0], 3, "query", "[time, batch, features]");
  const int64_t batch = in[0].size(1), proj = attention.proj();
  const bool continued = in[3].defined();
  if (continued != in[4].defined()) throw Error(code::kArgument, "prevKey and prevValue come together");
  at::Tensor query, memory, mask = in[2];
  if (continued) {
    check_former(in[3], batch, proj, "prevKey");
    check_former(in[4], batch, proj, "prevValue");
    check_mask(in[5], batch, in[3].size(1), "prevMask");
    memory = at::cat({in[3], in[4]}, -1);
  }
  if (attention.self()) {
    const auto both = attention.project(flip_sequence(in[0], "query"));
    query = both.query;
    check_mask(in[2], batch, both.memory.size(1), "keyPaddingMask");
    if (continued) {
      mask = joined_mask(in[5], memory.size(1), in[2], both.memory.size(1), batch);
      memory = at::cat({memory, both.memory}, 1);
    } else {
      memory = both.memory;
    }
  } else if (continued) {
    query = attention.project_query(flip_sequence(in[0], "query"));
    mask = in[5].defined() ? in[5] : in[2];
    check_mask(mask, batch, memory.size(1), "keyPaddingMask");
  } else {
    std::tie(query, memory) = projected(attention, in[0], in[1]);
    check_mask(mask, batch, memory.size(1), "keyPaddingMask");
  }
  const int64_t time = query.size(1), past = memory.size(1) - time;
  const at::Tensor causal = attention.self() && time > 1
                                ? causal_bias(time, past, query.options().requires_grad(std::nullopt))
                                : at::Tensor();
  const Attended seen = attention.attend(query, memory, score_bias(mask, causal, query), true);
  return {flip(seen.output), flip(seen.weights), memory.narrow(-1, 0, proj).contiguous(),
          memory.narrow(-1, proj, proj).contiguous(), mask};
}

// inputs: x, encoderOut?, encoderPaddingMask?, selfAttentionMask?, selfPaddingMask?
Tensors decoder_layer_forward(const Layer& layer, const Tensors& in) {
  const at::Tensor x = flip_sequence(in[0], "x");
  at::Tensor memory, weights;
  if (layer.cross()) {
    memory = flip_sequence(in[1], "encoderOut");
    check_mask(in[2], memory.size(0), memory.size(1), "encoderPaddingMask");
  }
  check_attention_mask(in[3], x.size(1), x.size(1));
  check_mask(in[4], x.size(0), x.size(1), "selfPaddingMask");
  const at::Tensor y =
      layer.forward(x, score_bias(in[4], in[3], x), memory, layer.cross() ? score_bias(in[2], {}, x) : at::Tensor(),
                    layer.cross() ? &weights : nullptr);
  return {flip(y), flip(weights)};
}

// inputs: x, encoderOut?, encoderPaddingMask?, key?, value?, crossKey?, crossValue?
Tensors decoder_layer_step(const Layer& layer, const Tensors& in) {
  const at::Tensor x = flip_sequence(in[0], "x");
  check_features(x, layer.features(), "x");
  const int64_t batch = x.size(0), time = x.size(1), proj = layer.self_attention().proj();
  const int64_t past = in[3].defined() ? in[3].size(1) : 0;
  if (in[3].defined() != in[4].defined()) throw Error(code::kArgument, "key and value come together");
  LayerCache cache;
  cache.past = at::empty({batch, past + time, 2 * proj}, x.options().requires_grad(std::nullopt));
  if (in[3].defined()) {
    check_former(in[3], batch, proj, "key");
    check_former(in[4], batch, proj, "value");
    cache.past.narrow(1, 0, past).copy_(at::cat({in[3], in[4]}, -1));
  }
  at::Tensor weights;
  StepPlace place{past, 1, time > 1 ? causal_bias(time, past, cache.past.options()).unsqueeze(0) : at::Tensor(), {}};
  if (layer.cross()) {
    if (in[5].defined() != in[6].defined()) throw Error(code::kArgument, "crossKey and crossValue come together");
    if (in[5].defined()) {
      check_former(in[5], batch, proj, "crossKey");
      check_former(in[6], batch, proj, "crossValue");
      cache.memory = at::cat({in[5], in[6]}, -1);
    } else {
      cache.memory = layer.remember(flip_sequence(in[1], "encoderOut"));
    }
    check_mask(in[2], batch, cache.memory.size(1), "encoderPaddingMask");
    place.memory_bias = score_bias(in[2], {}, x);
  }
  const at::Tensor y = layer.step(x, cache, place, layer.cross() ? &weights : nullptr);
  const auto half = [proj](const at::Tensor& both, int64_t which) {
    return both.defined() ? both.narrow(-1, which * proj, proj).contiguous() : both;
  };
  return {
      flip(y), flip(weights), half(cache.past, 0), half(cache.past, 1), half(cache.memory, 0), half(cache.memory, 1)};
}

}  // namespace

std::shared_ptr<Module> make_attention(const Plan& plan, const at::TensorOptions& options) {
  const auto attention = SingleHeadAttention::from(plan, options);
  return std::make_shared<Alone>(
      "delight-attention", attention,
      Methods{
          {"forward", {1, 4, [attention](const Tensors& in) { return attention_forward(*attention, in); }}},
          {"beforeSoftmax",
           {1, 4, [attention](const Tensors& in) { return attention_before_softmax(*attention, in); }}},
          {"step", {1, 6, [attention](const Tensors& in) { return attention_step(*attention, in); }}},
      });
}

std::shared_ptr<Module> make_encoder_layer(const Plan& plan, const at::TensorOptions& options) {
  const auto layer = std::make_shared<Layer>(plan, Layer::Side::kEncoder, options);
  return std::make_shared<Alone>(
      "delight-encoder-layer", layer,
      Methods{{"forward", {1, 3, [layer](const Tensors& in) {
                             const at::Tensor x = flip_sequence(in[0], "x");
                             check_mask(in[1], x.size(0), x.size(1), "paddingMask");
                             at::Tensor attention = in[2];
                             check_mask(attention, x.size(1), x.size(1), "attentionMask");
                             // Here, unlike in the attention itself, the original's mask says where not to look.
                             if (attention.defined()) {
                               attention = at::zeros(attention.sizes(), x.options().requires_grad(std::nullopt))
                                               .masked_fill_(attention.to(at::kBool), -1e8);
                             }
                             return Tensors{flip(layer->forward(x, score_bias(in[1], attention, x), {}, {}))};
                           }}}});
}

std::shared_ptr<Module> make_decoder_layer(const Plan& plan, const at::TensorOptions& options) {
  const auto layer = std::make_shared<Layer>(plan, Layer::Side::kDecoder, options);
  return std::make_shared<Alone>(
      "delight-decoder-layer", layer,
      Methods{
          {"forward", {1, 5, [layer](const Tensors& in) { return decoder_layer_forward(*layer, in); }}},
          {"step",
           {1, 7,
            [layer](const Tensors& in) {
              const at::NoGradGuard no_grad;
              return decoder_layer_step(*layer, in);
            }}},
      });
}

}  // namespace torchwright::delight
