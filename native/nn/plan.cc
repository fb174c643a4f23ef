#include "nn/plan.h"

#include <cmath>

#include "runtime/errors.h"

namespace torchwright {

bool Plan::has(const std::string& key) const {
  const auto found = values_.find(key);
  return found != values_.end() && !std::holds_alternative<std::monostate>(found->second);
}

template <typename T>
const T& Plan::get(const std::string& key, const char* wanted) const {
  const auto found = values_.find(key);
  if (found == values_.end()) throw Error(code::kConfig, name(key) + " is missing from the module's plan");
  const T* value = std::get_if<T>(&found->second);
  if (value == nullptr) throw Error(code::kConfig, name(key) + " must be " + wanted);
  return *value;
}

int64_t Plan::integer(const std::string& key) const {
  const double value = get<double>(key, "an integer");
  if (std::floor(value) != value || std::abs(value) > 9007199254740991.0) {
    throw Error(code::kConfig, name(key) + " must be an integer");
  }
  return static_cast<int64_t>(value);
}

double Plan::number(const std::string& key) const { return get<double>(key, "a number"); }

bool Plan::boolean(const std::string& key) const { return get<bool>(key, "true or false"); }

const std::string& Plan::string(const std::string& key) const { return get<std::string>(key, "a string"); }

const Plan& Plan::object(const std::string& key) const { return *get<std::shared_ptr<Plan>>(key, "an object"); }

const std::vector<double>& Plan::numbers(const std::string& key) const {
  return get<std::vector<double>>(key, "a list of numbers");
}

const std::vector<std::shared_ptr<Plan>>& Plan::objects(const std::string& key) const {
  return get<std::vector<std::shared_ptr<Plan>>>(key, "a list of objects");
}

}  // namespace torchwright
