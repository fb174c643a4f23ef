#include "delight/output.h"

#include <ATen/ATen.h>

#include "runtime/errors.h"

namespace torchwright::delight {

at::Tensor register_output(const Plan& plan, Stack& decoder, int64_t out, const at::TensorOptions& options) {
  const std::string& output = plan.string("output");
  const Embedding& embedding = decoder.embedding();
  if (output == "tied") {
    if (embedding.table().size(1) != out) {
      throw Error(code::kConfig, "a tied output needs outFeatures (" + std::to_string(out) +
                                     ") as wide as the embedding (" + std::to_string(embedding.features()) + ")");
    }
    return {};
  }
  if (output != "linear") {
    throw Error(code::kConfig, plan.name("output") + " must be 'tied' or 'linear' here, not '" + output + "'");
  }
  // Under the original's key, or under that of fairseq's Transformer, where it is no module.
  if (!plan.object("decoder").object("embedding").has("unit")) {
    return decoder.register_parameter(
        "embed_out",
        at::empty({embedding.vocabulary(), out}, options).normal_(0, 1 / std::sqrt(static_cast<double>(out))));
  }
  Style style;
  style.bias = false;
  return decoder.register_module("embed_out", std::make_shared<Linear>(out, embedding.vocabulary(), 1, style, options))
      ->weights;
}

void check_inputs(const std::string& method, const std::vector<at::Tensor>& inputs, size_t least, size_t most) {
  if (inputs.size() < least || inputs.size() > most) {
    throw Error(code::kArgument, method + " takes " + std::to_string(least) +
                                     (most > least ? " to " + std::to_string(most) : "") + " tensors, not " +
                                     std::to_string(inputs.size()));
  }
  for (size_t i = 0; i < least; ++i) {
    if (!inputs[i].defined()) throw Error(code::kArgument, method + ": tensor " + std::to_string(i) + " is missing");
  }
}

void refuse_method(const char* kind, const std::string& method) {
  throw Error(code::kArgument, std::string("a ") + kind + " has no method '" + method + "'");
}

}  // namespace torchwright::delight
