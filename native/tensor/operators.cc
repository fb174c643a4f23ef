#include "tensor/operators.h"

#include <sstream>

#include "runtime/environment.h"
#include "tensor/guards/guards.h"

namespace torchwright {

namespace {

std::string default_text(const c10::IValue& value) {
  std::ostringstream text;
  text << value;
  return text.str();
}

std::string type_text(const std::optional<ValueKind>& kind, const c10::Type& type) {
  return kind ? kind_text(*kind) : type.str();
}

}  // namespace

const OperatorTable::Index& OperatorTable::index() {
  static const Index index = [] {
    Index overloads;
    for (const auto& name : c10::Dispatcher::singleton().getAllOpNames()) overloads[name.name].push_back(name);
    return overloads;
  }();
  return index;
}

Napi::Value OperatorTable::names(Napi::Env env) const {
  auto list = Napi::Array::New(env, index().size());
  uint32_t count = 0;
  for (const auto& [name, overloads] : index()) list.Set(count++, Napi::String::New(env, name));
  return list;
}

uint32_t OperatorTable::prepare(const c10::OperatorHandle& handle) {
  const c10::FunctionSchema& schema = handle.schema();
  const bool own = schema.name().rfind("aten::", 0) == 0;
  // What is guarded is called boxed, where the guard sees its arguments.
  const bool typed = own && guard_of(schema.name()) == nullptr;
  Operator prepared{handle, {}, {}, {}, typed ? typed_call(handle) : nullptr, own};
  for (const auto& argument : schema.arguments()) {
    prepared.arguments.push_back(kind_of(*argument.real_type(), argument.N()));
  }
  for (const auto& result : schema.returns()) {
    prepared.returns.push_back(kind_of(*result.real_type(), result.N()));
    int32_t source = -1;
    if (const auto* alias = result.alias_info(); alias != nullptr && alias->isWrite()) {
      for (std::size_t i = 0; i < schema.arguments().size(); ++i) {
        const auto* other = schema.arguments()[i].alias_info();
        if (other != nullptr && other->isWrite() && other->beforeSets() == alias->beforeSets())
          source = static_cast<int32_t>(i);
      }
    }
    prepared.returned_argument.push_back(source);
  }
  operators_.push_back(std::move(prepared));
  return static_cast<uint32_t>(operators_.size() - 1);
}

Napi::Value OperatorTable::schemas(Napi::Env env, const std::string& name) {
  auto [entry, fresh] = prepared_.try_emplace(name);
  if (const auto found = index().find(name); fresh && found != index().end()) {
    for (const auto& overload : found->second) {
      if (auto handle = c10::Dispatcher::singleton().findSchema(overload)) entry->second.push_back(prepare(*handle));
    }
  }
  auto list = Napi::Array::New(env, entry->second.size());
  uint32_t index = 0;
  for (const uint32_t id : entry->second) {
    const Operator& prepared = operators_[id];
    const c10::FunctionSchema& schema = prepared.handle.schema();
    auto arguments = Napi::Array::New(env, schema.arguments().size());
    for (uint32_t i = 0; i < schema.arguments().size(); ++i) {
      const auto& argument = schema.arguments()[i];
      auto object = Napi::Object::New(env);
      object.Set("name", argument.name());
      object.Set("type", type_text(prepared.arguments[i], *argument.real_type()));
      object.Set("keywordOnly", argument.kwarg_only());
      if (argument.default_value()) object.Set("defaultValue", default_text(*argument.default_value()));
      object.Set("written", argument.alias_info() != nullptr && argument.alias_info()->isWrite());
      arguments.Set(i, object);
    }
    auto returns = Napi::Array::New(env, schema.returns().size());
    for (uint32_t i = 0; i < schema.returns().size(); ++i) {
      auto object = Napi::Object::New(env);
      object.Set("type", type_text(prepared.returns[i], *schema.returns()[i].real_type()));
      object.Set("name", schema.returns()[i].name());
      if (prepared.returned_argument[i] >= 0) object.Set("argument", prepared.returned_argument[i]);
      returns.Set(i, object);
    }
    auto object = Napi::Object::New(env);
    object.Set("id", id);
    object.Set("name", schema.name());
    object.Set("overload", schema.overload_name());
    object.Set("arguments", arguments);
    object.Set("returns", returns);
    list.Set(index++, object);
  }
  return list;
}

const Operator& OperatorTable::at(uint32_t id) const {
  if (id >= operators_.size()) throw Error(code::kArgument, "there is no operator of this number");
  return operators_[id];
}

}  // namespace torchwright
