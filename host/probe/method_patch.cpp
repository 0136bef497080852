#include "probe/method_patch.h"

#include <cstring>

#include "probe/copy_memory.h"

namespace gilscope {

PyMethodDef* find_method(const PyTypeObject& type, const char* name, int flags) noexcept {
  PyMethodDef* method = type.tp_methods;
  while (method != nullptr && method->ml_name != nullptr && std::strcmp(method->ml_name, name) != 0) ++method;
  return method != nullptr && method->ml_name != nullptr && method->ml_flags == flags ? method : nullptr;
}

bool MethodPatch::apply(PyMethodDef& method, PyCFunction ours) noexcept {
  if (method.ml_meth == ours || is_below_) return true;
  method_ = &method;
  ours_ = ours;
  original_ = method.ml_meth;
  return write_pointer(method.ml_meth, ours);
}

void MethodPatch::restore() noexcept {
  if (method_ == nullptr || is_below_) return;
  is_below_ = method_->ml_meth != ours_ || !write_pointer(method_->ml_meth, original_);
}

}  // namespace gilscope
