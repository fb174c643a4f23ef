// What a module is made from: a plain JavaScript object, read by name with errors that say where.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <variant>
#include <vector>

namespace torchwright {

class Plan {
 public:
  using Value = std::variant<std::monostate, bool, double, std::string, std::shared_ptr<Plan>, std::vector<double>,
                             std::vector<std::shared_ptr<Plan>>>;

  // `path` names this object in messages; empty for the root.
  explicit Plan(std::string path = "") : path_(std::move(path)) {}

  void set(const std::string& key, Value value) { values_[key] = std::move(value); }

  bool has(const std::string& key) const;
  // Each throws ERR_CONFIG when the key is absent or holds something else.
  int64_t integer(const std::string& key) const;
  double number(const std::string& key) const;
  bool boolean(const std::string& key) const;
  const std::string& string(const std::string& key) const;
  const Plan& object(const std::string& key) const;
  const std::vector<double>& numbers(const std::string& key) const;
  const std::vector<std::shared_ptr<Plan>>& objects(const std::string& key) const;
  // Name of `key` in messages.
  std::string name(const std::string& key) const { return path_.empty() ? key : path_ + "." + key; }

 private:
  template <typename T>
  const T& get(const std::string& key, const char* wanted) const;

  std::string path_;
  std::map<std::string, Value> values_;
};

}  // namespace torchwright
