#include "tensor/typed_call.h"

#include <ATen/core/Generator.h>
#include <ATen/core/IListRef.h>
#include <ATen/core/LegacyTypeDispatch.h>
#include <ATen/core/dispatch/Dispatcher.h>

#include <map>
#include <tuple>
#include <utility>

#include "runtime/environment.h"

namespace torchwright {

namespace {

// How a C++ type of an argument is written in the text of a signature, what holds its value during the call, and how it
// is read and handed over.
template <typename T>
struct Parameter;

// What all parameters have that are read by one function of Frame; `absent` values come from the schema's default.
template <typename Held, auto read_value>
struct Plain {
  using Holder = Held;
  static Held read(Frame& frame, const ArgumentPlan& argument) {
    if (argument.form == Form::kAbsent) return argument.fallback->to<Held>();
    return Held((frame.*read_value)(argument));
  }
};

// The same for `std::optional<Held>`: null and no default are nothing.
template <typename Held, auto read_value>
struct Optional {
  using Holder = std::optional<Held>;
  static Holder read(Frame& frame, const ArgumentPlan& argument) {
    if (argument.form == Form::kNull) return std::nullopt;
    if (argument.form == Form::kAbsent) return argument.fallback->to<std::optional<Held>>();
    return Held((frame.*read_value)(argument));
  }
};

#define PARAMETER(type, written, base)                                 \
  template <>                                                          \
  struct Parameter<type> : base {                                      \
    static constexpr const char* text = written;                       \
    static type pass(Holder& held) { return static_cast<type>(held); } \
  };
using TensorValue = Plain<at::Tensor, &Frame::tensor>;
using IntegerValue = Plain<int64_t, &Frame::integer>;
using RealValue = Plain<double, &Frame::real>;
using BooleanValue = Plain<bool, &Frame::boolean>;
using ScalarValue = Plain<at::Scalar, &Frame::scalar>;
using OptionalInteger = Optional<int64_t, &Frame::integer>;
using OptionalReal = Optional<double, &Frame::real>;
using OptionalBoolean = Optional<bool, &Frame::boolean>;
using OptionalScalar = Optional<at::Scalar, &Frame::scalar>;
using OptionalDtype = Optional<at::ScalarType, &Frame::dtype>;
using OptionalLayout = Optional<at::Layout, &Frame::layout>;
using OptionalDevice = Optional<at::Device, &Frame::device>;
using OptionalMemoryFormat = Optional<at::MemoryFormat, &Frame::memory_format>;
using OptionalGenerator = Optional<at::Generator, &Frame::generator>;

PARAMETER(const at::Tensor&, "Tensor", TensorValue)
PARAMETER(at::Tensor&, "Tensor!", TensorValue)
PARAMETER(int64_t, "int", IntegerValue)
PARAMETER(c10::SymInt, "SymInt", IntegerValue)
PARAMETER(double, "float", RealValue)
PARAMETER(bool, "bool", BooleanValue)
PARAMETER(const at::Scalar&, "Scalar", ScalarValue)
PARAMETER(std::optional<int64_t>, "int?", OptionalInteger)
PARAMETER(std::optional<double>, "float?", OptionalReal)
PARAMETER(std::optional<bool>, "bool?", OptionalBoolean)
PARAMETER(const std::optional<at::Scalar>&, "Scalar?", OptionalScalar)
PARAMETER(std::optional<at::ScalarType>, "ScalarType?", OptionalDtype)
PARAMETER(std::optional<at::Layout>, "Layout?", OptionalLayout)
PARAMETER(std::optional<at::Device>, "Device?", OptionalDevice)
PARAMETER(std::optional<at::MemoryFormat>, "MemoryFormat?", OptionalMemoryFormat)
PARAMETER(std::optional<at::Generator>, "Generator?", OptionalGenerator)
#undef PARAMETER

template <>
struct Parameter<std::optional<c10::SymInt>> : OptionalInteger {
  static constexpr const char* text = "SymInt?";
  static std::optional<c10::SymInt> pass(Holder& held) {
    return held ? std::optional<c10::SymInt>(*held) : std::nullopt;
  }
};

template <>
struct Parameter<const std::optional<at::Tensor>&> {
  static constexpr const char* text = "Tensor?";
  using Holder = std::optional<at::Tensor>;
  static Holder read(Frame& frame, const ArgumentPlan& argument) {
    at::Tensor tensor = frame.tensor(argument);
    return tensor.defined() ? Holder(std::move(tensor)) : Holder();
  }
  static const Holder& pass(Holder& held) { return held; }
};

template <>
struct Parameter<c10::string_view> {
  static constexpr const char* text = "str";
  // A copy: an operator may run JavaScript, which writes the frame anew.
  using Holder = std::string;
  static Holder read(Frame& frame, const ArgumentPlan& argument) {
    return argument.form == Form::kAbsent ? argument.fallback->toStringRef() : std::string(frame.text(argument));
  }
  static c10::string_view pass(Holder& held) { return held; }
};

struct IntegerList {
  using Holder = Integers;
  static Holder read(Frame& frame, const ArgumentPlan& argument) {
    if (argument.form != Form::kAbsent) return frame.integers(argument);
    const auto list = argument.fallback->toIntVector();
    return {list.begin(), list.end()};
  }
};

template <>
struct Parameter<at::IntArrayRef> : IntegerList {
  static constexpr const char* text = "int[]";
  static at::IntArrayRef pass(Holder& held) { return held; }
};

template <>
struct Parameter<c10::SymIntArrayRef> : IntegerList {
  static constexpr const char* text = "SymInt[]";
  static c10::SymIntArrayRef pass(Holder& held) { return c10::fromIntArrayRefSlow(held); }
};

struct OptionalIntegerList {
  using Holder = std::optional<Integers>;
  static Holder read(Frame& frame, const ArgumentPlan& argument) {
    const bool none = argument.form == Form::kNull || (argument.form == Form::kAbsent && argument.fallback->isNone());
    return none ? Holder() : Holder(IntegerList::read(frame, argument));
  }
};

template <>
struct Parameter<at::OptionalIntArrayRef> : OptionalIntegerList {
  static constexpr const char* text = "int[]?";
  static at::OptionalIntArrayRef pass(Holder& held) {
    return held ? at::OptionalIntArrayRef(at::IntArrayRef(*held)) : at::OptionalIntArrayRef();
  }
};

template <>
struct Parameter<at::OptionalSymIntArrayRef> : OptionalIntegerList {
  static constexpr const char* text = "SymInt[]?";
  static at::OptionalSymIntArrayRef pass(Holder& held) {
    return held ? at::OptionalSymIntArrayRef(c10::fromIntArrayRefSlow(*held)) : at::OptionalSymIntArrayRef();
  }
};

struct TensorSequence {
  static constexpr const char* text = "Tensor[]";
  using Holder = Tensors;
  static Holder read(Frame& frame, const ArgumentPlan& argument) {
    if (argument.form != Form::kAbsent) return frame.tensors(argument);
    const auto list = argument.fallback->toTensorVector();
    return {list.begin(), list.end()};
  }
};

template <>
struct Parameter<at::TensorList> : TensorSequence {
  static at::TensorList pass(Holder& held) { return held; }
};

template <>
struct Parameter<const at::ITensorListRef&> : TensorSequence {
  static at::ITensorListRef pass(Holder& held) { return at::TensorList(held); }
};

template <>
struct Parameter<at::ArrayRef<at::Scalar>> {
  static constexpr const char* text = "Scalar[]";
  using Holder = std::vector<at::Scalar>;
  static Holder read(Frame& frame, const ArgumentPlan& argument) { return frame.scalars(argument); }
  static at::ArrayRef<at::Scalar> pass(Holder& held) { return held; }
};

template <>
struct Parameter<const c10::List<std::optional<at::Tensor>>&> {
  static constexpr const char* text = "Tensor?[]";
  using Holder = c10::List<std::optional<at::Tensor>>;
  static Holder read(Frame& frame, const ArgumentPlan& argument) { return frame.optional_tensors(argument); }
  static const Holder& pass(Holder& held) { return held; }
};

// Results ----------------------------------------------------------------------------------------------------------

napi_value give(Environment& environment, const at::Tensor& tensor) { return give_tensor(environment, tensor); }

napi_value give(Environment& environment, const std::vector<at::Tensor>& tensors) {
  napi_value result;
  napi_create_array_with_length(environment.env(), tensors.size(), &result);
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    napi_set_element(environment.env(), result, static_cast<uint32_t>(i), give_tensor(environment, tensors[i]));
  }
  return result;
}

template <typename... Each>
napi_value give(Environment& environment, const std::tuple<Each...>& tensors) {
  return std::apply([&](const auto&... each) { return give(environment, std::vector<at::Tensor>{each...}); }, tensors);
}

napi_value give(Environment& environment, bool value) {
  napi_value result;
  napi_get_boolean(environment.env(), value, &result);
  return result;
}

template <typename Result>
struct ResultText;
template <>
struct ResultText<at::Tensor> {
  static constexpr const char* text = "Tensor";
};
template <>
struct ResultText<at::Tensor&> {
  static constexpr const char* text = "Tensor!";
};
template <>
struct ResultText<std::vector<at::Tensor>> {
  static constexpr const char* text = "Tensor[]";
};
template <>
struct ResultText<std::tuple<at::Tensor, at::Tensor>> {
  static constexpr const char* text = "Tensor, Tensor";
};
template <>
struct ResultText<std::tuple<at::Tensor, at::Tensor, at::Tensor>> {
  static constexpr const char* text = "Tensor, Tensor, Tensor";
};
template <>
struct ResultText<bool> {
  static constexpr const char* text = "bool";
};
template <>
struct ResultText<void> {
  static constexpr const char* text = "";
};

// Calls ------------------------------------------------------------------------------------------------------------

template <typename Signature>
class Typed;

template <typename Result, typename... Arguments>
class Typed<Result(Arguments...)> final : public TypedCall {
 public:
  explicit Typed(const c10::OperatorHandle& op) : op_(op.typed<Result(Arguments...)>()) {}

  static std::string text() {
    std::string all;
    ((all += std::string(all.empty() ? "" : ", ") + Parameter<Arguments>::text), ...);
    return all + " -> " + ResultText<Result>::text;
  }

  napi_value run(Environment& environment, Frame& frame, const std::vector<ArgumentPlan>& arguments,
                 bool may_skip_autograd) const override {
    return run(environment, frame, arguments, may_skip_autograd, std::index_sequence_for<Arguments...>());
  }

 private:
  template <std::size_t... index>
  napi_value run(Environment& environment, Frame& frame, const std::vector<ArgumentPlan>& arguments,
                 bool may_skip_autograd, std::index_sequence<index...>) const {
    const auto read = [&]<typename T>(const ArgumentPlan& argument) {
      frame.reading = &argument;
      return T::read(frame, argument);
    };
    // In braces, so that they are read in order.
    std::tuple<typename Parameter<Arguments>::Holder...> held{
        read.template operator()<Parameter<Arguments>>(arguments[index])...};
    frame.reading = nullptr;
    std::optional<at::AutoDispatchBelowAutograd> below;
    if (may_skip_autograd && !frame.needs_autograd()) below.emplace();
    if constexpr (std::is_void_v<Result> || std::is_same_v<Result, at::Tensor&>) {
      // The result is an argument: JavaScript has it already.
      op_.call(Parameter<Arguments>::pass(std::get<index>(held))...);
      return nullptr;
    } else {
      return give(environment, op_.call(Parameter<Arguments>::pass(std::get<index>(held))...));
    }
  }

  c10::TypedOperatorHandle<Result(Arguments...)> op_;
};

using T = const at::Tensor&;
using MaybeT = const std::optional<at::Tensor>&;
using S = const at::Scalar&;
using MaybeS = const std::optional<at::Scalar>&;
using Ints = at::IntArrayRef;
using MaybeInts = at::OptionalIntArrayRef;
using Sizes = c10::SymIntArrayRef;
using SymInt = c10::SymInt;
using Indices = const c10::List<std::optional<at::Tensor>>&;
using Tensor = at::Tensor;
using InPlace = at::Tensor&;
using List = at::TensorList;
using StructuredList = const at::ITensorListRef&;
using Many = std::vector<at::Tensor>;
using Two = std::tuple<at::Tensor, at::Tensor>;
using Three = std::tuple<at::Tensor, at::Tensor, at::Tensor>;
using MaybeInt = std::optional<int64_t>;
using MaybeSymInt = std::optional<c10::SymInt>;
using Dtype = std::optional<at::ScalarType>;
using Layout = std::optional<at::Layout>;
using Device = std::optional<at::Device>;
using Pin = std::optional<bool>;
using Format = std::optional<at::MemoryFormat>;
using Random = std::optional<at::Generator>;
using String = c10::string_view;

using Make = std::unique_ptr<TypedCall> (*)(const c10::OperatorHandle&);

template <typename Signature>
std::unique_ptr<TypedCall> make(const c10::OperatorHandle& op) {
  return std::make_unique<Typed<Signature>>(op);
}

template <typename... Signatures>
std::multimap<std::string, Make> table() {
  return {{Typed<Signatures>::text(), &make<Signatures>}...};
}

// The types that most operators have, and those of the operators that models are made of.
const std::multimap<std::string, Make>& signatures() {
  static const auto all = table<
      // Element by element.
      Tensor(T), Tensor(T, T), Tensor(T, T, T), Tensor(T, S), Tensor(S, T), Tensor(T, T, S), Tensor(T, S, S),
      Tensor(T, S, T), Tensor(T, MaybeS, MaybeS), Tensor(T, T, T, S), Tensor(T, T, T, S, S), Tensor(T, String),
      // The same in place.
      InPlace(InPlace), InPlace(InPlace, T), InPlace(InPlace, S), InPlace(InPlace, T, S), InPlace(InPlace, S, S),
      InPlace(InPlace, T, T), InPlace(InPlace, T, T, S), InPlace(InPlace, T, bool), InPlace(InPlace, MaybeS, MaybeS),
      InPlace(InPlace, double, double, Random), InPlace(InPlace, int64_t), InPlace(InPlace, int64_t, T, T),
      // Along dimensions.
      Tensor(T, Dtype), Tensor(T, MaybeInts, bool, Dtype), Tensor(T, Ints, bool), Tensor(T, int64_t, Dtype),
      Tensor(T, MaybeInt, bool), Tensor(T, int64_t, bool), Two(T, int64_t, bool), Two(T, SymInt, int64_t, bool, bool),
      Tensor(T, MaybeInts, MaybeS, bool),
      // Shapes and views.
      Tensor(T, Sizes), Tensor(T, Ints), Tensor(T, int64_t), Tensor(T, int64_t, int64_t), Tensor(T, Sizes, bool),
      Tensor(T, int64_t, SymInt), Tensor(T, int64_t, MaybeSymInt, MaybeSymInt, SymInt), Tensor(T, Format),
      Tensor(T, int64_t, SymInt, SymInt), Many(T, SymInt, int64_t), Many(T, int64_t, int64_t), Many(T, int64_t),
      Many(T, Sizes, int64_t), Tensor(StructuredList, int64_t), Tensor(List, int64_t), Tensor(List),
      Tensor(T, Dtype, Layout, Device, Pin, bool, bool, Format),
      // Gathering.
      Tensor(T, Indices), Tensor(T, int64_t, T), Tensor(T, int64_t, T, bool), Tensor(T, int64_t, T, T),
      Tensor(T, T, SymInt, bool, bool),
      // Layers and losses.
      Tensor(T, T, MaybeT), Tensor(T, Sizes, MaybeT, MaybeT, double, bool), Tensor(T, double, bool),
      Tensor(T, T, MaybeT, Sizes, Sizes, Sizes, SymInt), Tensor(T, T, int64_t), Tensor(T, T, bool),
      Tensor(T, T, MaybeT, int64_t, SymInt, double), Tensor(T, Ints, Ints, Ints, Ints, bool),
      Tensor(T, T, T, MaybeT, double, bool, std::optional<double>, bool), Three(T, Sizes, MaybeT, MaybeT, double),
      // Lists of tensors.
      Many(List), Many(List, List), Many(List, S), Many(List, List, S), void(List), void(List, List), void(List, S),
      void(List, List, S), void(List, at::ArrayRef<at::Scalar>), void(List, List, List, S),
      // From nothing.
      Tensor(Sizes, Dtype, Layout, Device, Pin), Tensor(T, Dtype, Layout, Device, Pin, Format),
      Tensor(S, Dtype, Layout, Device, Pin), Tensor(S, S, S, Dtype, Layout, Device, Pin),
      Tensor(Sizes, S, Dtype, Layout, Device, Pin),
      // Questions.
      bool(T), bool(T, T)>();
  return all;
}

// The types of a schema as `Typed::text` writes them; `int[2]` is no different from `int[]` in C++.
std::string text_of(const c10::Argument& argument) {
  auto kind = kind_of(*argument.real_type(), std::nullopt);
  if (!kind) return "?";
  const bool written = argument.alias_info() != nullptr && argument.alias_info()->isWrite();
  return kind_text(*kind) + (written && !kind->list ? "!" : "");
}

std::string text_of(const c10::FunctionSchema& schema) {
  std::string text;
  for (const auto& argument : schema.arguments()) text += (text.empty() ? "" : ", ") + text_of(argument);
  text += " -> ";
  for (std::size_t i = 0; i < schema.returns().size(); ++i) text += (i == 0 ? "" : ", ") + text_of(schema.returns()[i]);
  return text;
}

}  // namespace

std::unique_ptr<TypedCall> typed_call(const c10::OperatorHandle& op) {
  const auto [begin, end] = signatures().equal_range(text_of(op.schema()));
  for (auto found = begin; found != end; ++found) {
    try {
      return found->second(op);
    } catch (const c10::Error&) {
      // The same schema can stand for another C++ type: lists of tensors have two.
    }
  }
  return nullptr;
}

}  // namespace torchwright
