#include "io/bindings.h"

#include <algorithm>

#include "io/crc32.h"
#include "io/folder_lock.h"
#include "io/tensor_file.h"
#include "io/token_file.h"
#include "runtime/job.h"
#include "tensor/dtype.h"

namespace torchwright::io {

Napi::Value tokens_open(Environment& environment, const Napi::CallbackInfo& info) {
  const std::string dtype = info[1].ToString();
  if (dtype != "uint16" && dtype != "uint32")
    throw Error(code::kDtype, "token files are of uint16 or uint32, not " + dtype);
  auto tokens = std::make_shared<TokenFile>(info[0].ToString(), dtype == "uint16" ? 2 : 4);
  auto result = Napi::Object::New(info.Env());
  result.Set("length", static_cast<double>(tokens->length()));
  result.Set("id", environment.add_object(std::move(tokens)));
  return result;
}

Napi::Value tokens_maximum(Environment& environment, const Napi::CallbackInfo& info) {
  return submit(
      environment, info[0],
      [tokens = environment.object<TokenFile>(info[1], "token file")](const CancelFlag& cancel) {
        constexpr int64_t kPart = 1 << 20;
        std::vector<int64_t> part(kPart);
        int64_t largest = -1;
        for (int64_t first = 0; first < tokens->length(); first += kPart) {
          cancel.check();
          const int64_t count = std::min(kPart, tokens->length() - first);
          tokens->copy(first, count, part.data());
          largest = std::max(largest, *std::max_element(part.begin(), part.begin() + count));
        }
        return largest;
      },
      [](Environment& environment, int64_t largest) {
        return Napi::Number::New(environment.napi(), static_cast<double>(largest));
      });
}

Napi::Value checksum(Environment&, const Napi::CallbackInfo& info) {
  if (!info[1].IsTypedArray()) throw Error(code::kArgument, "expected bytes");
  const auto bytes = info[1].As<Napi::Uint8Array>();
  const uint32_t before = info[0].ToNumber().Uint32Value();
  return Napi::Number::New(info.Env(), crc32(before, reinterpret_cast<const char*>(bytes.Data()), bytes.ByteLength()));
}

Napi::Value file_open(Environment& environment, const Napi::CallbackInfo& info) {
  return environment.add_object(std::make_shared<ExistingFile>(info[0].ToString()));
}

namespace {

TensorPlace read_place(Napi::Object entry) {
  const Napi::Env env = entry.Env();
  const auto whole = [env](Napi::Value value, const char* what) {
    const int64_t number = to_int64(env, value, what);
    if (number < 0) throw Error(code::kCheckpoint, std::string(what) + " is negative");
    return number;
  };
  TensorPlace place{parse_dtype(entry.Get("dtype").ToString()), {}, 0, {}, std::nullopt};
  const auto sizes = entry.Get("shape").As<Napi::Array>();
  for (uint32_t i = 0; i < sizes.Length(); ++i) place.shape.push_back(to_int64(env, sizes.Get(i), "a size"));
  place.offset = static_cast<uint64_t>(whole(entry.Get("offset"), "an offset"));
  if (const auto window = entry.Get("window"); window.IsArray()) {
    const auto ranges = window.As<Napi::Array>();
    for (uint32_t i = 0; i < ranges.Length(); ++i) {
      const auto range = ranges.Get(i).As<Napi::Array>();
      place.window.emplace_back(whole(range.Get(0u), "a bound"), whole(range.Get(1u), "a bound"));
    }
  }
  if (const auto checksum = entry.Get("checksum"); checksum.IsObject()) {
    const auto sums = checksum.As<Napi::Object>();
    place.checksum =
        Checksum{sums.Get("before").ToNumber().Uint32Value(), sums.Get("expected").ToNumber().Uint32Value()};
  }
  return place;
}

}  // namespace

Napi::Value tensors_load(Environment& environment, const Napi::CallbackInfo& info) {
  if (!info[2].IsArray()) throw Error(code::kArgument, "expected an array of tensors' places");
  const auto list = info[2].As<Napi::Array>();
  std::vector<TensorPlace> places;
  for (uint32_t i = 0; i < list.Length(); ++i) places.push_back(read_place(list.Get(i).As<Napi::Object>()));
  return submit(
      environment, info[0],
      [path = info[1].IsString() ? info[1].ToString().Utf8Value() : std::string(),
       opened = info[1].IsString() ? nullptr : environment.object<ExistingFile>(info[1], "file"),
       places = std::move(places), device = parse_device(info[3].ToString())](const CancelFlag& cancel) {
        const auto file = opened != nullptr ? opened : std::make_shared<ExistingFile>(path);
        return load_tensors(*file, places, device, cancel);
      },
      [](Environment& environment, const std::vector<at::Tensor>& tensors) { return environment.handles_of(tensors); });
}

Napi::Value file_map(Environment& environment, const Napi::CallbackInfo& info) {
  return environment.add_object(
      std::make_shared<MappedFile>(info[0].ToString(), code::kCheckpoint, MappedFile::Memory::kOwnCopies));
}

Napi::Value tensors_map(Environment& environment, const Napi::CallbackInfo& info) {
  return environment.handles_of(
      map_tensors(environment.object<MappedFile>(info[0], "mapped file"), {read_place(info[1].As<Napi::Object>())}));
}

Napi::Value tensors_save(Environment& environment, const Napi::CallbackInfo& info) {
  if (!info[2].IsBuffer() && !info[2].IsTypedArray()) throw Error(code::kArgument, "expected the header's bytes");
  const auto view = info[2].As<Napi::Uint8Array>();
  std::string header(reinterpret_cast<const char*>(view.Data()), view.ByteLength());
  return submit(
      environment, info[0],
      [path = info[1].ToString().Utf8Value(), header = std::move(header),
       tensors = environment.tensor_list(info[3])](const CancelFlag& cancel) {
        save_tensors(path, header, tensors, cancel);
        return true;
      },
      [](Environment& environment, bool) { return environment.napi().Undefined(); });
}

Napi::Value folder_lock(Environment& environment, const Napi::CallbackInfo& info) {
  auto lock = FolderLock::take(info[0].ToString());
  if (!lock) return info.Env().Null();
  return environment.add_object(std::make_shared<FolderLock>(std::move(*lock)));
}

}  // namespace torchwright::io
