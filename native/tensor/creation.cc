#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>

#include <cstring>

#include "io/tensor_file.h"
#include "runtime/backing_store.h"
#include "runtime/job.h"
#include "runtime/memory.h"
#include "tensor/bindings.h"
#include "tensor/dtype.h"

namespace torchwright::tensor {

namespace {

std::vector<int64_t> read_shape(Napi::Value value) {
  if (!value.IsArray()) throw Error(code::kShape, "a shape is an array of whole numbers");
  const auto array = value.As<Napi::Array>();
  std::vector<int64_t> shape;
  for (uint32_t i = 0; i < array.Length(); ++i) {
    const int64_t size = to_int64(value.Env(), array.Get(i), "a whole number for each size of a shape");
    if (size < 0) throw Error(code::kShape, "a size of a shape is negative: " + std::to_string(size));
    shape.push_back(size);
  }
  return shape;
}

std::size_t checked_bytes(const std::vector<int64_t>& shape, at::ScalarType dtype) {
  std::size_t bytes = c10::elementSize(dtype);
  for (const int64_t size : shape) {
    if (__builtin_mul_overflow(bytes, static_cast<std::size_t>(size), &bytes)) {
      throw Error(code::kShape, "a shape this large does not fit the address space");
    }
  }
  return bytes;
}

[[noreturn]] void no_room_for(std::size_t bytes) {
  throw c10::OutOfMemoryError({__func__, __FILE__, static_cast<uint32_t>(__LINE__)},
                              "JavaScript cannot make an ArrayBuffer. Tried to allocate " + std::to_string(bytes) +
                                  " bytes; " + cpu_memory_figures());
}

// Node-API's own function ends the process where there is no room; JavaScript's constructor throws.
Napi::ArrayBuffer new_buffer(Environment& environment, std::size_t bytes) {
  constexpr std::size_t kSmall = 1 << 16;
  if (bytes <= kSmall) return Napi::ArrayBuffer::New(environment.napi(), bytes);
  if (!has_cpu_memory(bytes)) no_room_for(bytes);
  try {
    const auto constructor = environment.napi().Global().Get("ArrayBuffer").As<Napi::Function>();
    const Napi::Value made = constructor.New({Napi::Number::New(environment.napi(), static_cast<double>(bytes))});
    if (made.IsArrayBuffer() && made.As<Napi::ArrayBuffer>().ByteLength() == bytes) return made.As<Napi::ArrayBuffer>();
  } catch (const Napi::Error&) {
  }
  no_room_for(bytes);
}

// The elements a tensor has: those of a sparse one are not its bytes.
std::size_t bytes_of(const at::Tensor& tensor) {
  return static_cast<std::size_t>(tensor.numel()) * tensor.element_size();
}

// Copies the elements, row-major, to `data`.
void copy_out(const at::Tensor& tensor, void* data) {
  if (tensor.numel() == 0) return;
  const auto options = at::TensorOptions().dtype(tensor.scalar_type());
  at::from_blob(data, tensor.sizes(), options).copy_(tensor.detach().to_dense());
  check_mapped(tensor);
}

// An ArrayBuffer that JavaScript does not see yet: nobody can take its memory away while a job writes it.
class HiddenBuffer {
 public:
  HiddenBuffer(Environment& environment, std::size_t bytes) : environment_(environment) {
    auto buffer = new_buffer(environment, bytes);
    data_ = buffer.Data();
    napi_create_reference(environment.env(), buffer, 1, &reference_);
  }
  // On the JavaScript thread, as all of a job's end.
  ~HiddenBuffer() { napi_delete_reference(environment_.env(), reference_); }
  HiddenBuffer(const HiddenBuffer&) = delete;
  HiddenBuffer& operator=(const HiddenBuffer&) = delete;

  void* data() const { return data_; }
  Napi::Value value() const {
    napi_value value = nullptr;
    napi_get_reference_value(environment_.env(), reference_, &value);
    return {environment_.env(), value};
  }

 private:
  Environment& environment_;
  napi_ref reference_ = nullptr;
  void* data_ = nullptr;
};

}  // namespace

Napi::Value from_buffer(Environment& environment, const Napi::CallbackInfo& info) {
  const auto shape = read_shape(info[1]);
  const at::ScalarType dtype = parse_dtype(info[2].ToString());
  const at::Device device = parse_device(info[3].ToString());
  void* data = nullptr;
  std::size_t length = 0;
  if (info[0].IsTypedArray()) {
    const auto view = info[0].As<Napi::TypedArray>();
    length = view.ByteLength();
    data = length == 0 ? nullptr : static_cast<char*>(view.ArrayBuffer().Data()) + view.ByteOffset();
  } else if (info[0].IsDataView()) {
    const auto view = info[0].As<Napi::DataView>();
    length = view.ByteLength();
    data = view.Data();
  } else {
    throw Error(code::kArgument, "fromBuffer: expected a typed array or DataView");
  }
  const std::size_t wanted = checked_bytes(shape, dtype);
  if (wanted != length) {
    throw Error(code::kShape, "this shape holds " + std::to_string(wanted) + " bytes as " + dtype_name(dtype) +
                                  ", but the buffer holds " + std::to_string(length));
  }
  at::Tensor result = at::empty(shape, at::TensorOptions().dtype(dtype));
  if (length > 0) std::memcpy(result.mutable_data_ptr(), data, length);
  if (!device.is_cpu()) result = result.to(device);
  return Napi::Number::New(info.Env(), environment.add_tensor(std::move(result)));
}

Napi::Value share_buffer(Environment& environment, const Napi::CallbackInfo& info) {
  if (!info[0].IsTypedArray()) throw Error(code::kArgument, "shareBuffer: expected a typed array");
  const auto view = info[0].As<Napi::TypedArray>();
  const auto shape = read_shape(info[2]);
  const auto options = at::TensorOptions().dtype(parse_dtype(info[3].ToString()));
  const std::size_t bytes = checked_bytes(shape, options.dtype().toScalarType());
  if (bytes != view.ByteLength()) throw Error(code::kShape, "shareBuffer: the shape does not fit the array");
  if (bytes == 0) return Napi::Number::New(info.Env(), environment.add_tensor(at::empty(shape, options)));
  void* data = nullptr;
  napi_value buffer = nullptr;
  napi_get_typedarray_info(info.Env(), view, nullptr, nullptr, &data, &buffer, nullptr);
  if (reinterpret_cast<uintptr_t>(data) % options.dtype().itemsize() != 0) {
    throw Error(code::kArgument,
                "the elements do not begin at a multiple of their size in memory: copy them with torch.tensor");
  }
  auto store = backing_store_of(buffer, info[1].ToBoolean());
  return Napi::Number::New(
      info.Env(), environment.add_tensor(at::from_blob(data, shape, [store = std::move(store)](void*) {}, options)));
}

Napi::Value read_sync(Environment& environment, const Napi::CallbackInfo& info) {
  const at::Tensor& tensor = environment.tensor(info[0]);
  auto buffer = new_buffer(environment, bytes_of(tensor));
  copy_out(tensor, buffer.Data());
  return buffer;
}

Napi::Value read(Environment& environment, const Napi::CallbackInfo& info) {
  const at::Tensor& tensor = environment.tensor(info[1]);
  return submit(
      environment, info[0],
      [tensor, buffer = std::make_shared<HiddenBuffer>(environment, bytes_of(tensor))](const CancelFlag&) {
        copy_out(tensor, buffer->data());
        return buffer;
      },
      [](Environment&, const std::shared_ptr<HiddenBuffer>& buffer) { return buffer->value(); });
}

}  // namespace torchwright::tensor
