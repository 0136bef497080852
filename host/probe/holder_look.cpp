#include <Python.h>

#include "probe/holder_look.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstring>
#include <span>
#include <string_view>

#include "probe/bytecode.h"
#include "probe/code_deaths.h"
#include "probe/copy_memory.h"
#include "probe/frame_copy.h"
#include "probe/object_copy.h"
#include "probe/python_frame.h"
#include "probe/work_place.h"

namespace gilscope {
namespace {

class WorkText {
 public:
  void add(std::string_view text) noexcept {
    bytes_ += text.copy(text_.data() + bytes_, text_.size() - bytes_);
  }
  // Up to its end, or to the end of the page after the one where it begins.
  void add_c_string(const char* from) noexcept {
    constexpr std::size_t kPage = 4096;
    std::array<char, 64> part{};
    if (from == nullptr) return;
    for (int i = 0; i < 2; ++i) {
      const auto left = kPage - reinterpret_cast<std::uintptr_t>(from) % kPage;
      const auto copied = copy_memory(from, part.data(), std::min(left, part.size()));
      const auto end = strnlen(part.data(), copied);
      add({part.data(), end});
      if (end != copied || copied == part.size() || copied == 0) return;
      from += copied;
    }
  }
  // Of text without accents; of other text nothing.
  void add_python_text(const void* object) noexcept {
    const Copied<PyASCIIObject> text(object);
    if (!text || text->ob_base.ob_type != &PyUnicode_Type || text->state.ascii == 0 ||
        text->state.compact == 0 || text->length <= 0) {
      return;
    }
    std::array<char, 96> part{};
    const auto size = std::min(static_cast<std::size_t>(text->length), part.size());
    add({part.data(),
         copy_memory(static_cast<const char*>(object) + sizeof(PyASCIIObject), part.data(), size)});
  }
  [[nodiscard]] std::string_view view() const noexcept { return {text_.data(), bytes_}; }

 private:
  std::array<char, 111> text_{};
  std::size_t bytes_ = 0;
};

void add_type(WorkText& text, const PyTypeObject* type) noexcept {
  const Copied<PyTypeObject> copied(type);
  if (copied) text.add_c_string(copied->tp_name);
}

// A function of ctypes: its type is made for each library, below the one that ctypes has.
bool is_of_ctypes(const PyTypeObject* type) noexcept {
  constexpr int kDeepest = 4;
  for (int i = 0; i < kDeepest && type != nullptr; ++i) {
    const Copied<PyTypeObject> copied(type);
    if (!copied) return false;
    WorkText name;
    name.add_c_string(copied->tp_name);
    if (name.view().ends_with("CFuncPtr")) return true;
    type = copied->tp_base;
  }
  return false;
}

void add_c_function(WorkText& text, const void* callable) noexcept {
  const Copied<PyCFunctionObject> function(callable);
  const Copied<PyMethodDef> method(function ? function->m_ml : nullptr);
  if (!method) return;
  WorkText module;
  if (function->m_module != nullptr) module.add_python_text(function->m_module);
  if (module.view().empty() && function->m_self != nullptr && type_of(function->m_self) != &PyModule_Type) {
    const PyTypeObject* const type = type_of(function->m_self);
    const bool is_of_class = is_kind_of(type, &PyType_Type);  // a class method
    add_type(text, is_of_class ? reinterpret_cast<const PyTypeObject*>(function->m_self) : type);
    text.add(".");
  } else if (!module.view().empty() && module.view() != "builtins") {
    text.add(module.view());
    text.add(".");
  }
  text.add_c_string(method->ml_name);
}

void add_descriptor(WorkText& text, const void* callable) noexcept {
  const Copied<PyDescrObject> descriptor(callable);
  if (!descriptor) return;
  add_type(text, descriptor->d_type);
  text.add(".");
  text.add_python_text(descriptor->d_name);
}

// Says what is called; true where it is a function of Python code.
bool name_callable(WorkText& text, const void* callable) noexcept {
  const PyTypeObject* type = type_of(callable);
  if (type == &PyMethod_Type) {
    const Copied<PyMethodObject> method(callable);
    callable = method ? method->im_func : nullptr;
    type = type_of(callable);
  }
  if (type == nullptr) return false;
  if (type == &PyFunction_Type) {
    const Copied<PyFunctionObject> function(callable);
    if (function) text.add_python_text(function->func_qualname);
    return true;
  }
  if (type == &PyCFunction_Type || type == &PyCMethod_Type) {
    add_c_function(text, callable);
  } else if (type == &PyMethodDescr_Type || type == &PyClassMethodDescr_Type ||
             type == &PyWrapperDescr_Type) {
    add_descriptor(text, callable);
  } else if (is_of_ctypes(type)) {
    text.add("a ctypes call");
  } else {
    add_type(text, is_kind_of(type, &PyType_Type) ? static_cast<const PyTypeObject*>(callable) : type);
  }
  return false;
}

// Large, and needed by one at a time.
struct LookSpace {
  std::atomic_flag is_taken;
  SeenFrame seen;
  SeenFrame again;
  CodeSpace code;
  const void* operand;
  std::size_t slot;
};

constinit LookSpace look_space{};
constinit std::atomic<bool> can_look{true};

bool see(const PyThreadState* state, SeenFrame& seen) noexcept {
  return seen.see(innermost_of(*state).value_or(nullptr));
}

// 0: none.
std::uintptr_t operand_of(LookSpace& space, const Instruction& instruction) noexcept {
  if (instruction.depth < 0) return 0;
  if (instruction.has_entered) {
    const auto called = static_cast<std::size_t>(instruction.depth);  // where it lay lowest
    space.slot = called;
    return called < space.seen.slots_seen ? without_flags(space.seen.slots.at(called)) : 0;
  }
  const auto places = operand_places(instruction, static_cast<std::size_t>(instruction.depth));
  if (!places || std::max(places->first, places->second) >= space.seen.slots_seen) return 0;
  const auto first = without_flags(space.seen.slots.at(places->first));
  space.slot = first != 0 ? places->first : places->second;
  return without_flags(space.seen.slots.at(space.slot));
}

std::optional<CodePoint> find_work_of(LookSpace& space) noexcept {
  const Instruction instruction = space.code.find_instruction_of(space.seen);
  space.operand = nullptr;
  WorkText text;
  if (instruction.is_return) {
    text.add_python_text(space.seen.code().co_qualname);
    return work_point(WorkKind::Freeing, text.view());
  }
  if (instruction.is_drop) return work_point(WorkKind::Freeing, "");
  const auto* const operand = reinterpret_cast<const void*>(operand_of(space, instruction));
  if (operand == nullptr) return std::nullopt;
  space.operand = operand;
  switch (instruction.operation) {
    case Operation::ForIter:
      add_type(text, type_of(operand));
      text.add(".__next__");
      break;
    case Operation::ContainsOp:
      add_type(text, type_of(operand));
      text.add(".__contains__");
      break;
    case Operation::BinaryOp:
      add_type(text, type_of(operand));
      text.add(" ");
      text.add(operator_of(instruction));
      break;
    default:
      // It stands where it called a function of Python code that has no frame: that one has just returned.
      if (name_callable(text, operand)) return work_point(WorkKind::Freeing, text.view());
      if (instruction.is_over || instruction.has_entered) return std::nullopt;
  }
  return text.view().empty() ? std::nullopt : work_point(WorkKind::Call, text.view());
}

}  // namespace

std::optional<HolderLook> look_at_holder(const void* thread_state) noexcept {
  LookSpace& space = look_space;
  if (!can_look.load(std::memory_order_relaxed) || space.is_taken.test_and_set(std::memory_order_acquire)) {
    return std::nullopt;
  }
  const auto* const state = static_cast<const PyThreadState*>(thread_state);
  std::optional<HolderLook> look;
  if (see(state, space.seen)) {
    const void* const code = code_at(space.seen.frame);
    const std::uint64_t deaths = deaths_at(code);
    const auto work = find_work_of(space);
    if (work && see(state, space.again) && space.seen.is_same_as(space.again)) {
      const auto instruction = space.seen.frame.instruction - space.seen.first_instruction();
      look = HolderLook{.work = *work,
                        .place = {.code = code,
                                  .instruction = static_cast<std::int32_t>(instruction),
                                  .life = first_life_in(*state) + deaths},
                        .deaths = deaths,
                        .operand = space.operand,
                        .slot = space.slot};
    }
  }
  space.is_taken.clear(std::memory_order_release);
  return look;
}

const void* function_of_callable(const void* callable) noexcept {
  const PyTypeObject* const type = type_of(callable);
  if (type == &PyMethodDescr_Type) return callable;
  if (type != &PyCFunction_Type) return type;
  const Copied<PyCFunctionObject> function(callable);
  return function ? function->m_ml : nullptr;
}

void check_looks(const char* function) noexcept {
  can_look.store(true, std::memory_order_relaxed);
  const auto look = look_at_holder(PyThreadState_Get());
  CodeWords words;  // NOLINT(cppcoreguidelines-pro-type-member-init): what was written is said
  const bool is_right = look && describe_work(look->work, words) && words.function() == function &&
                        words.file() == kWorkFiles.at(static_cast<std::size_t>(WorkKind::Call));
  can_look.store(is_right, std::memory_order_relaxed);
}

}  // namespace gilscope
