#include "residual/kind.h"

#include "residual/config.h"
#include "residual/model.h"

namespace torchwright::residual {

std::shared_ptr<Module> make_llama(const Plan& plan, const at::TensorOptions& options) {
  return std::make_shared<Llama>(Config::from(plan), options);
}

}  // namespace torchwright::residual
