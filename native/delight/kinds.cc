#include "delight/kinds.h"

#include <ATen/ATen.h>

#include <functional>
#include <map>

#include "delight/adaptive_softmax.h"
#include "delight/check.h"
#include "delight/language_model.h"
#include "delight/layer.h"
#include "delight/output.h"
#include "delight/positions.h"
#include "delight/seq2seq.h"

namespace torchwright::delight {

namespace {

using Tensors = std::vector<at::Tensor>;

// A layer by itself. Its parameters keep the names they have in the layer, so it stands in the layer's place.
class Alone : public Module {
 public:
  struct Method {
    size_t least, most;  // inputs
    std::function<Tensors(const Tensors&)> run;
  };

  Alone(const char* kind, std::shared_ptr<torch::nn::Module> layer, std::map<std::string, Method> methods)
      : kind_(kind), layer_(std::move(layer)), methods_(std::move(methods)) {
    for (const auto& item : layer_->named_parameters(false)) register_parameter(item.key(), item.value());
    for (const auto& item : layer_->named_buffers(false)) register_buffer(item.key(), item.value());
    for (const auto& item : layer_->named_children()) register_module(item.key(), item.value());
  }

  void train(bool on) override {
    Module::train(on);
    layer_->train(on);
  }

  Tensors call(const std::string& method, const Tensors& inputs) override {
    const auto found = methods_.find(method);
    if (found == methods_.end()) refuse_method(kind_, method);
    check_inputs(method, inputs, found->second.least, found->second.most);
    Tensors all = inputs;
    all.resize(found->second.most);
    return found->second.run(all);
  }

 private:
  const char* kind_;
  std::shared_ptr<torch::nn::Module> layer_;
  std::map<std::string, Method> methods_;
};

// [T, B, ...] <-> [B, T, ...]; undefined stays undefined.
at::Tensor flip(const at::Tensor& x) { return x.defined() ? x.transpose(0, 1) : x; }
at::Tensor flip_sequence(const at::Tensor& x, const char* name) {
  check_rank(x, 3, name, "[time, batch, features]");
  return x.transpose(0, 1).contiguous();
}

void check_mask(const at::Tensor& mask, int64_t batch, int64_t time, const char* name) {
  if (!mask.defined()) return;
  if (mask.dim() != 2 || mask.size(0) != batch || mask.size(1) != time) {
    throw Error(code::kShape, std::string(name) + " must be [" + std::to_string(batch) + ", " + std::to_string(time) +
                                  "], not of shape " + text(mask.sizes()));
  }
}

// forward(x) of a layer that gives one tensor.
template <typename Layer>
std::shared_ptr<Module> simple(const char* kind, std::shared_ptr<Layer> layer) {
  return std::make_shared<Alone>(
      kind, layer, std::map<std::string, Alone::Method>{{"forward", {1, 1, [layer](const Tensors& in) {
                                                                       return Tensors{layer->forward(in[0])};
                                                                     }}}});
}

std::shared_ptr<Module> make_linear(const Plan& plan, const at::TensorOptions& options) {
  return simple("delight-linear",
                std::make_shared<Linear>(read_size(plan, "inFeatures"), read_size(plan, "outFeatures"),
                                         read_size(plan, "gates"), Style::from(plan), options));
}

std::shared_ptr<Module> make_group_linear(const Plan& plan, const at::TensorOptions& options) {
  const int64_t in = read_size(plan, "inFeatures"), out = read_size(plan, "outFeatures"),
                groups = read_size(plan, "groups");
  const Style style = Style::from(plan);
  if (groups == 1) return simple("delight-group-linear", std::make_shared<Linear>(in, out, 1, style, options));
  return simple("delight-group-linear",
                std::make_shared<GroupLinear>(in, out, groups, plan.boolean("shuffle"), style, options));
}

std::shared_ptr<Module> make_transformation(const Plan& plan, const at::TensorOptions& options) {
  const auto unit = std::make_shared<Unit>(plan, options);
  return std::make_shared<Alone>(
      "delight-transformation", unit,
      std::map<std::string, Alone::Method>{{"forward", {1, 1, [unit](const Tensors& in) {
                                                          if (in[0].dim() != 2 && in[0].dim() != 3) {
                                                            throw Error(code::kShape,
                                                                        "a DeLighT transformation takes [time, batch, "
                                                                        "features] or [batch, features], not shape " +
                                                                            text(in[0].sizes()));
                                                          }
                                                          return Tensors{unit->forward(in[0])};
                                                        }}}});
}

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

std::shared_ptr<Module> make_attention(const Plan& plan, const at::TensorOptions& options) {
  const auto attention = SingleHeadAttention::from(plan, options);
  return std::make_shared<Alone>(
      "delight-attention", attention,
      std::map<std::string, Alone::Method>{
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
      std::map<std::string, Alone::Method>{
          {"forward", {1, 3, [layer](const Tensors& in) {
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

std::shared_ptr<Module> make_decoder_layer(const Plan& plan, const at::TensorOptions& options) {
  const auto layer = std::make_shared<Layer>(plan, Layer::Side::kDecoder, options);
  return std::make_shared<Alone>(
      "delight-decoder-layer", layer,
      std::map<std::string, Alone::Method>{
          {"forward", {1, 5, [layer](const Tensors& in) { return decoder_layer_forward(*layer, in); }}},
          {"step",
           {1, 7,
            [layer](const Tensors& in) {
              const at::NoGradGuard no_grad;
              return decoder_layer_step(*layer, in);
            }}},
      });
}

std::shared_ptr<Module> make_embedding(const Plan& plan, const at::TensorOptions& options) {
  const auto embedding = std::make_shared<Embedding>(plan, options);
  return std::make_shared<Alone>(
      "delight-embedding", embedding,
      std::map<std::string, Alone::Method>{{"forward", {1, 1, [embedding](const Tensors& in) {
                                                          check_ids(in[0], embedding->vocabulary(),
                                                                    embedding->parameters().front(), "tokens");
                                                          return Tensors{embedding->forward(in[0])};
                                                        }}}});
}

std::shared_ptr<Module> make_adaptive_input(const Plan& plan, const at::TensorOptions& options) {
  const int64_t vocabulary = read_size(plan, "vocabSize");
  const auto input = std::make_shared<AdaptiveInput>(read_adaptive(plan, vocabulary, read_size(plan, "initialFeatures"),
                                                                   read_size(plan, "outFeatures"), read_padding(plan)),
                                                     options);
  return std::make_shared<Alone>("delight-adaptive-input", input,
                                 std::map<std::string, Alone::Method>{
                                     {"forward", {1, 1, [input, vocabulary](const Tensors& in) {
                                                    check_ids(in[0], vocabulary, input->tables[0]->weight, "tokens");
                                                    return Tensors{input->forward(in[0])};
                                                  }}}});
}

std::shared_ptr<Module> make_positions(const Plan& plan, const at::TensorOptions& options) {
  const auto positions = std::make_shared<Positions>(plan, options);
  const auto refuse_none = [positions] {
    if (positions->none()) throw Error(code::kArgument, "positions of type 'none' have no vectors");
  };
  return std::make_shared<Alone>("delight-positions", positions,
                                 std::map<std::string, Alone::Method>{
                                     {"forward",
                                      {1, 1,
                                       [=](const Tensors& in) {
                                         refuse_none();
                                         check_ids(in[0], std::numeric_limits<int64_t>::max(), at::empty({0}, options),
                                                   "tokens");
                                         return Tensors{positions->forward(in[0], options)};
                                       }}},
                                     {"table",
                                      {1, 1,
                                       [=](const Tensors& in) {
                                         refuse_none();
                                         return Tensors{positions->table(in[0].item<int64_t>(), options).clone()};
                                       }}},
                                 });
}

std::shared_ptr<Module> make_adaptive_softmax(const Plan& plan, const at::TensorOptions& options) {
  const int64_t vocabulary = read_size(plan, "vocabSize"), in_features = read_size(plan, "inFeatures");
  AdaptiveSoftmax::Options softmax{
      .vocabulary = vocabulary,
      .in = in_features,
      .padding = read_padding(plan),
      .cutoffs = read_cutoffs(plan, vocabulary),
      .factor = plan.number("factor"),
      .dropout = read_probability(plan, "dropout"),
      .ignore_tail_pad = plan.boolean("ignoreTailPad"),
      .tie_projections = false,
  };
  if (!(softmax.factor >= 1)) throw Error(code::kConfig, plan.name("factor") + " must be at least 1");
  std::shared_ptr<AdaptiveInput> input;
  if (plan.has("tied")) {
    const Plan& tied = plan.object("tied");
    softmax.tie_projections = tied.boolean("tieProjections");
    input = std::make_shared<AdaptiveInput>(
        AdaptiveInput::Sizes{vocabulary, read_size(tied, "initialFeatures"), in_features, softmax.padding,
                             softmax.cutoffs, tied.number("factor"), tied.boolean("zeroTails")},
        options);
  }
  const auto layer = std::make_shared<AdaptiveSoftmax>(softmax, input.get(), options);
  if (input) layer->register_module("map_layer", input);
  const auto flat = [in_features](const at::Tensor& x) {
    check_features(x, in_features, "x");
    return x.reshape({-1, in_features});
  };
  const auto rows = [=](const Tensors& in) {
    if (in[1].numel() * in_features != in[0].numel()) {
      throw Error(code::kShape, "x " + text(in[0].sizes()) + " and target " + text(in[1].sizes()) +
                                    " must have the same leading axes");
    }
    check_ids(in[1].reshape({1, -1}), vocabulary, in[0], "target");
    return without_padding(flat(in[0]), in[1].reshape({-1}), softmax.padding);
  };
  return std::make_shared<Alone>("delight-adaptive-softmax", layer,
                                 std::map<std::string, Alone::Method>{
                                     {"loss",
                                      {2, 2,
                                       [=](const Tensors& in) {
                                         const auto [x, targets] = rows(in);
                                         return Tensors{layer->loss(x, targets).loss};
                                       }}},
                                     {"logits",
                                      {2, 2,
                                       [=](const Tensors& in) {
                                         const auto [x, targets] = rows(in);
                                         return layer->logits(x, targets);
                                       }}},
                                     {"logProbabilities",
                                      {1, 1,
                                       [=](const Tensors& in) {
                                         auto shape = in[0].sizes().vec();
                                         at::Tensor all = layer->log_probabilities(flat(in[0]));
                                         shape.back() = vocabulary;
                                         return Tensors{all.view(shape)};
                                       }}},
                                     {"embed",
                                      {1, 1,
                                       [=](const Tensors& in) {
                                         if (!input)
                                           throw Error(code::kArgument, "an untied adaptive softmax embeds nothing");
                                         check_ids(in[0], vocabulary, input->tables[0]->weight, "tokens");
                                         return Tensors{input->forward(in[0])};
                                       }}},
                                 });
}

std::shared_ptr<Module> make_recurrent_dropout(const Plan& plan, const at::TensorOptions&) {
  const auto state = std::make_shared<torch::nn::Module>();
  const double probability = read_probability(plan, "p");
  return std::make_shared<Alone>(
      "delight-recurrent-dropout", state,
      std::map<std::string, Alone::Method>{{"forward", {1, 1, [state, probability](const Tensors& in) {
                                                          check_rank(in[0], 3, "x", "[batch, time, features]");
                                                          return Tensors{recurrent_dropout(in[0], probability,
                                                                                           state->is_training())};
                                                        }}}});
}

std::shared_ptr<Module> make_activation(const Plan& plan, const at::TensorOptions& options) {
  const auto state = std::make_shared<torch::nn::Module>();
  const Activation activation = read_activation(plan, "activation");
  const at::Tensor slope = activation == Activation::kPrelu ? register_slope(*state, "act_fn", options) : at::Tensor();
  return std::make_shared<Alone>(
      "delight-activation", state,
      std::map<std::string, Alone::Method>{{"forward", {1, 1, [activation, slope](const Tensors& in) {
                                                          return Tensors{activate(in[0], activation, slope)};
                                                        }}}});
}

template <typename Model>
std::shared_ptr<Module> make_model(const Plan& plan, const at::TensorOptions& options) {
  return std::make_shared<Model>(plan, options);
}

}  // namespace

const std::vector<std::pair<std::string, Factory>>& kinds() {
  static const std::vector<std::pair<std::string, Factory>> all = {
      {"delight-activation", make_activation},
      {"delight-adaptive-input", make_adaptive_input},
      {"delight-adaptive-softmax", make_adaptive_softmax},
      {"delight-attention", make_attention},
      {"delight-decoder-layer", make_decoder_layer},
      {"delight-embedding", make_embedding},
      {"delight-encoder-layer", make_encoder_layer},
      {"delight-group-linear", make_group_linear},
      {"delight-language-model", make_model<LanguageModel>},
      {"delight-linear", make_linear},
      {"delight-positions", make_positions},
      {"delight-recurrent-dropout", make_recurrent_dropout},
      {"delight-seq2seq", make_model<Seq2seq>},
      {"delight-transformation", make_transformation},
  };
  return all;
}

}  // namespace torchwright::delight
