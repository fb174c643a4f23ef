#include "tensor/operators.h"

#include <sstream>

#include "runtime/environment.h"

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

constexpr std::size_t kMostArguments = 64;

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
  Operator prepared{handle, {}, {}, {}};
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

namespace {

// Puts the arguments on the stack, defaults where there are none.
void push_arguments(Environment& environment, const Operator& op, const napi_value* values, std::size_t count,
                    torch::jit::Stack& stack) {
  const auto& arguments = op.handle.schema().arguments();
  if (count > arguments.size()) {
    throw Error(code::kArgument, op.handle.schema().name() + " takes " + std::to_string(arguments.size()) +
                                     " arguments, got " + std::to_string(count));
  }
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    napi_valuetype type = napi_undefined;
    if (i < count) napi_typeof(environment.env(), values[i], &type);
    if (type == napi_undefined && arguments[i].default_value()) {
      stack.push_back(*arguments[i].default_value());
      continue;
    }
    if (!op.arguments[i]) {
      throw Error(code::kArgument, op.handle.schema().name() + ": argument '" + arguments[i].name() + "' is of type " +
                                       arguments[i].real_type()->str() + ", which JavaScript cannot give");
    }
    if (type == napi_undefined && !op.arguments[i]->optional) {
      throw Error(code::kArgument, op.handle.schema().name() + ": argument '" + arguments[i].name() + "' is missing");
    }
    try {
      stack.push_back(type == napi_undefined ? c10::IValue() : to_ivalue(environment, values[i], *op.arguments[i]));
    } catch (const Error& error) {
      // A device that is not there is nobody's argument in particular, and its message is whole.
      if (std::string_view(error.code) == code::kDevice) throw;
      throw Error(error.code, op.handle.schema().name() + ": argument '" + arguments[i].name() + "': " + error.what());
    }
  }
}

napi_value give_results(Environment& environment, const Operator& op, const torch::jit::Stack& stack) {
  const napi_env env = environment.env();
  napi_value undefined;
  napi_get_undefined(env, &undefined);
  const auto one = [&](std::size_t i) {
    return op.returned_argument[i] >= 0 ? undefined : to_javascript(environment, stack[i], op.returns[i]);
  };
  if (stack.empty()) return undefined;
  if (stack.size() == 1) return one(0);
  napi_value array;
  napi_create_array_with_length(env, stack.size(), &array);
  for (std::size_t i = 0; i < stack.size(); ++i) napi_set_element(env, array, static_cast<uint32_t>(i), one(i));
  return array;
}

}  // namespace

napi_value call_operator(napi_env env, napi_callback_info info) {
  napi_value values[kMostArguments + 1];
  std::size_t count = kMostArguments + 1;
  void* data = nullptr;
  napi_get_cb_info(env, info, &count, values, nullptr, &data);
  auto& environment = *static_cast<Environment*>(data);
  try {
    try {
      uint32_t id = 0;
      if (count == 0 || napi_get_value_uint32(env, values[0], &id) != napi_ok) {
        throw Error(code::kArgument, "call: expected the number of an operator");
      }
      const Operator& op = environment.operators.at(id);
      torch::jit::Stack stack;
      stack.reserve(op.arguments.size());
      push_arguments(environment, op, values + 1, std::min(count - 1, kMostArguments), stack);
      op.handle.callBoxed(stack);
      return give_results(environment, op, stack);
    } catch (const Napi::Error&) {
      throw;
    } catch (...) {
      napi_throw(env, environment.make_error(describe_current_exception()));
    }
  } catch (const Napi::Error& error) {
    // Making the error may itself be refused, in a worker that is being ended.
    error.ThrowAsJavaScriptException();
  }
  return nullptr;
}

}  // namespace torchwright
