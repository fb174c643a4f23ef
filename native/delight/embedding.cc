#include "delight/embedding.h"

#include <ATen/ATen.h>
#include <torch/nn/modules/container/modulelist.h>

#include <cmath>

#include "delight/check.h"
#include "runtime/errors.h"

namespace torchwright::delight {

Table::Table(int64_t count, int64_t features, std::optional<int64_t> padding, const at::TensorOptions& options)
    : padding_(padding.value_or(-1)) {
  if (padding && *padding >= count) {
    throw Error(code::kConfig,
                "paddingId (" + std::to_string(*padding) + ") must be below vocabSize (" + std::to_string(count) + ")");
  }
  at::Tensor values = at::empty({count, features}, options).normal_(0, 1 / std::sqrt(static_cast<double>(features)));
  if (padding) values.select(0, *padding).zero_();
  weight = register_parameter("weight", values);
}

at::Tensor Table::forward(const at::Tensor& ids) const { return at::embedding(weight, ids, padding_); }

std::optional<int64_t> read_padding(const Plan& plan) {
  if (!plan.has("paddingId")) return std::nullopt;
  const int64_t padding = plan.integer("paddingId");
  if (padding < 0) throw Error(code::kConfig, plan.name("paddingId") + " must be at least 0");
  return padding;
}

std::vector<int64_t> read_cutoffs(const Plan& plan, int64_t vocabulary) {
  std::vector<int64_t> cutoffs;
  int64_t below = 0;
  for (const double cutoff : plan.numbers("cutoffs")) {
    const auto value = static_cast<int64_t>(cutoff);
    if (static_cast<double>(value) != cutoff || value <= below || value >= vocabulary) {
      throw Error(code::kConfig, plan.name("cutoffs") + " must rise, from above 0 to below vocabSize (" +
                                     std::to_string(vocabulary) + ")");
    }
    cutoffs.push_back(below = value);
  }
  if (cutoffs.empty()) throw Error(code::kConfig, plan.name("cutoffs") + " must hold at least one number");
  return cutoffs;
}

AdaptiveInput::Sizes read_adaptive(const Plan& plan, int64_t vocabulary, int64_t initial, int64_t out,
                                   std::optional<int64_t> padding) {
  const AdaptiveInput::Sizes sizes{vocabulary,
                                   initial,
                                   out,
                                   padding,
                                   read_cutoffs(plan, vocabulary),
                                   plan.number("factor"),
                                   plan.boolean("zeroTails")};
  if (!(sizes.factor >= 1)) throw Error(code::kConfig, plan.name("factor") + " must be at least 1");
  if (std::floor(static_cast<double>(initial) / std::pow(sizes.factor, sizes.cutoffs.size())) < 1) {
    throw Error(code::kConfig, plan.name("factor") + " leaves no features for the last of " +
                                   std::to_string(sizes.cutoffs.size() + 1) + " bands of " + std::to_string(initial));
  }
  return sizes;
}

AdaptiveInput::AdaptiveInput(const Sizes& sizes, const at::TensorOptions& options) : sizes_(sizes) {
  torch::nn::ModuleList table_list, projection_list;
  int64_t begin = 0;
  for (size_t band = 0; band <= sizes.cutoffs.size(); ++band) {
    const int64_t end = band < sizes.cutoffs.size() ? sizes.cutoffs[band] : sizes.vocabulary;
    const auto dim = static_cast<int64_t>(
        std::floor(static_cast<double>(sizes.initial) / std::pow(sizes.factor, static_cast<double>(band))));
    tables.push_back(std::make_shared<Table>(end - begin, dim, band == 0 ? sizes.padding : std::nullopt, options));
    if (band > 0 && sizes.zero_tails) {
      const at::NoGradGuard no_grad;
      tables.back()->weight.zero_();
    }
    table_list->push_back(tables.back());
    const auto projection = std::make_shared<torch::nn::Module>();
    projection->register_parameter("weight", xavier_uniform({sizes.out, dim}, dim, sizes.out, options));
    projections.push_back(projection);
    projection_list->push_back(projection);
    begin = end;
  }
  register_module("embeddings", table_list);
  register_module("projections", projection_list);
}

at::Tensor AdaptiveInput::forward(const at::Tensor& ids) const {
  const at::Tensor flat = ids.reshape({-1});
  at::Tensor result;
  int64_t begin = 0;
  for (size_t band = 0; band < tables.size(); ++band) {
    const int64_t end = band < sizes_.cutoffs.size() ? sizes_.cutoffs[band] : sizes_.vocabulary;
    const at::Tensor where = at::nonzero(flat.ge(begin).logical_and_(flat.lt(end))).squeeze(1);
    const at::Tensor rows = tables[band]->forward(flat.index_select(0, where) - begin);
    const at::Tensor vectors = at::linear(rows * std::sqrt(static_cast<double>(rows.size(1))), projection(band));
    if (!result.defined()) result = at::zeros({flat.size(0), sizes_.out}, vectors.options());
    result = result.index_copy(0, where, vectors);
    begin = end;
  }
  return result.view({ids.size(0), ids.size(1), sizes_.out});
}

Embedding::Embedding(const Plan& plan, const at::TensorOptions& options, const Embedding* shared)
    : vocabulary_(read_size(plan, "vocabSize")),
      features_(read_size(plan, "features")),
      scale_(1),
      dropout_(read_probability(plan, "dropout")) {
  const auto padding = read_padding(plan);
  const bool with_unit = plan.has("unit");
  if (plan.has("adaptive")) {
    if (shared != nullptr) throw Error(code::kConfig, plan.name("adaptive") + ": an adaptive input cannot be shared");
    adaptive_ = register_module(
        "map_layer", std::make_shared<AdaptiveInput>(
                         read_adaptive(plan.object("adaptive"), vocabulary_, features_, features_, padding), options));
  } else {
    if (plan.boolean("scale")) scale_ = std::sqrt(static_cast<double>(features_));
    if (shared != nullptr) {
      if (shared->vocabulary_ != vocabulary_ || shared->features_ != features_ || shared->table_ == nullptr) {
        throw Error(code::kConfig, "shared embeddings need one vocabulary and one width: [" +
                                       std::to_string(shared->vocabulary_) + ", " + std::to_string(shared->features_) +
                                       "] and [" + std::to_string(vocabulary_) + ", " + std::to_string(features_) +
                                       "]");
      }
      table_ = shared->table_;  // not registered here: it is one parameter
    } else {
      table_ = std::make_shared<Table>(vocabulary_, features_, padding, options);
      // DeLighT keeps it under map_layer, the Transformer's embedding is the table itself.
      if (with_unit) {
        register_module("map_layer", table_);
      } else {
        register_parameter("weight", table_->weight);
      }
    }
  }
  if (with_unit) {
    unit_ = register_module("dextra_layer", std::make_shared<Unit>(plan.object("unit"), options));
    if (unit_->in() != features_) {
      throw Error(code::kConfig, plan.name("unit") + " takes " + std::to_string(unit_->in()) +
                                     " features, the table gives " + std::to_string(features_));
    }
  }
}

at::Tensor Embedding::forward(const at::Tensor& ids) const {
  at::Tensor x = adaptive_ ? adaptive_->forward(ids) : table_->forward(ids);
  if (scale_ != 1) x = x * scale_;
  x = recurrent_dropout(x, dropout_, is_training());
  return unit_ ? unit_->forward(x) : x;
}

const at::Tensor& Embedding::table() const {
  if (!table_) throw Error(code::kConfig, "an adaptive input has no single table to tie an output to");
  return table_->weight;
}

}  // namespace torchwright::delight
