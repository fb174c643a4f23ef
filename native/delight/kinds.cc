#include "delight/kinds.h"

#include <ATen/ATen.h>

#include "delight/adaptive_softmax.h"
#include "delight/alone.h"
#include "delight/check.h"
#include "delight/language_model.h"
#include "delight/positions.h"
#include "delight/seq2seq.h"
#include "delight/sequence_kinds.h"
#include "runtime/errors.h"

namespace torchwright::delight {

namespace {

using Methods = std::map<std::string, Alone::Method>;

// forward(x) of a layer that gives one tensor.
template <typename Layer>
std::shared_ptr<Module> simple(const char* kind, std::shared_ptr<Layer> layer) {
  return std::make_shared<Alone>(
      kind, layer, Methods{{"forward", {1, 1, [layer](const Tensors& in) { return Tensors{layer->forward(in[0])}; }}}});
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
  return std::make_shared<Alone>("delight-transformation", unit,
                                 Methods{{"forward", {1, 1, [unit](const Tensors& in) {
                                                        if (in[0].dim() != 2 && in[0].dim() != 3) {
                                                          throw Error(code::kShape,
                                                                      "a DeLighT transformation takes [time, batch, "
                                                                      "features] or [batch, features], not shape " +
                                                                          text(in[0].sizes()));
                                                        }
                                                        return Tensors{unit->forward(in[0])};
                                                      }}}});
}

std::shared_ptr<Module> make_embedding(const Plan& plan, const at::TensorOptions& options) {
  const auto embedding = std::make_shared<Embedding>(plan, options);
  return std::make_shared<Alone>("delight-embedding", embedding,
                                 Methods{{"forward", {1, 1, [embedding](const Tensors& in) {
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
                                 Methods{{"forward", {1, 1, [input, vocabulary](const Tensors& in) {
                                                        check_ids(in[0], vocabulary, input->tables[0]->weight,
                                                                  "tokens");
                                                        return Tensors{input->forward(in[0])};
                                                      }}}});
}

std::shared_ptr<Module> make_positions(const Plan& plan, const at::TensorOptions& options) {
  const auto positions = std::make_shared<Positions>(plan, options);
  const auto refuse_none = [positions] {
    if (positions->none()) throw Error(code::kArgument, "positions of type 'none' have no vectors");
  };
  return std::make_shared<Alone>("delight-positions", positions,
                                 Methods{
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
                                 Methods{
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
      Methods{{"forward", {1, 1, [state, probability](const Tensors& in) {
                             check_rank(in[0], 3, "x", "[batch, time, features]");
                             return Tensors{recurrent_dropout(in[0], probability, state->is_training())};
                           }}}});
}

std::shared_ptr<Module> make_activation(const Plan& plan, const at::TensorOptions& options) {
  const auto state = std::make_shared<torch::nn::Module>();
  const Activation activation = read_activation(plan, "activation");
  const at::Tensor slope = activation == Activation::kPrelu ? register_slope(*state, "act_fn", options) : at::Tensor();
  return std::make_shared<Alone>("delight-activation", state,
                                 Methods{{"forward", {1, 1, [activation, slope](const Tensors& in) {
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
