#include "probe/method_patch.h"

#include <sys/uio.h>
#include <unistd.h>

namespace gilscope {
namespace {

// The system writes, as it may be read-only memory.
bool put(PyMethodDef& method, PyCFunction function) noexcept {
  const iovec from{.iov_base = static_cast<void*>(&function), .iov_len = sizeof function};
  const iovec to{.iov_base = static_cast<void*>(&method.ml_meth), .iov_len = sizeof function};
  return process_vm_writev(getpid(), &from, 1, &to, 1, 0) == sizeof function;
}

}  // namespace

bool MethodPatch::apply(PyMethodDef& method, PyCFunction ours) noexcept {
  if (method.ml_meth == ours || is_below_) return true;
  method_ = &method;
  ours_ = ours;
  original_ = method.ml_meth;
  return put(method, ours);
}

void MethodPatch::restore() noexcept {
  if (method_ == nullptr || is_below_) return;
  is_below_ = method_->ml_meth != ours_ || !put(*method_, original_);
}

}  // namespace gilscope
