#include <Python.h>

#include "probe/python_stack.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <fcntl.h>
#include <memory>
#include <unistd.h>
#include <vector>

#include "probe/attached.h"
#include "probe/code_deaths.h"
#include "probe/holder_look.h"
#include "probe/python_frame.h"
#include "probe/work_place.h"

namespace gilscope {
namespace {

const PythonFrame* innermost_frame(const PyThreadState& state) noexcept {
#if PY_VERSION_HEX < 0x030d0000
  return reinterpret_cast<const PythonFrame*>(state.cframe->current_frame);
#else
  return reinterpret_cast<const PythonFrame*>(state.current_frame);
#endif
}

PyCodeObject* code_of(const CodePoint& point) noexcept {
  return static_cast<PyCodeObject*>(const_cast<void*>(point.code));
}

// As _PyFrame_IsIncomplete: a frame whose function has not begun, or that is none of Python's.
bool read_frame(const PythonFrame& frame, std::uint64_t first_life, CodePoint& point) noexcept {
  if (frame.owner >= kFirstOwnerInC) return false;
  const PyCodeObject* const code = code_at(frame);
  const auto offset = frame.instruction - reinterpret_cast<const char*>(code->co_code_adaptive);
  if (frame.owner != kOwnedByGenerator && offset < std::ptrdiff_t{code->_co_firsttraceable} * kCodeUnit) {
    return false;
  }
  point = {
      .code = code, .instruction = static_cast<std::int32_t>(offset), .life = first_life + deaths_at(code)};
  return true;
}

// Puts code points into a text, as UTF-8.
class Utf8Writer {
 public:
  explicit Utf8Writer(std::span<char> out) noexcept : out_(out) {}

  // False where it does not fit.
  bool add(std::uint32_t character) noexcept {
    // Half of a pair: what Python puts for a byte of a path that is no UTF-8.
    if (character >= 0xd800 && character <= 0xdfff) character = 0xfffd;
    const unsigned more = character < 0x80 ? 0U : character < 0x800 ? 1U : character < 0x10000 ? 2U : 3U;
    if (out_.size() - size_ <= more) return false;
    constexpr std::array kLead{0x00U, 0xc0U, 0xe0U, 0xf0U};
    out_[size_++] = static_cast<char>(kLead.at(more) | (character >> (6 * more)));
    for (unsigned left = more; left-- > 0;) {
      out_[size_++] = static_cast<char>(0x80U | ((character >> (6 * left)) & 0x3fU));
    }
    return true;
  }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }

 private:
  std::span<char> out_;
  std::size_t size_ = 0;
};

// The last `kept` characters where it has more. Reads the string's memory only. Returns the bytes written.
std::size_t write_text(PyObject* text, std::size_t kept, std::span<char> out) noexcept {
  if (text == nullptr || !PyUnicode_Check(text)) return 0;
  const auto length = static_cast<std::size_t>(PyUnicode_GET_LENGTH(text));
  Utf8Writer writer(out);
  const auto kind = static_cast<int>(PyUnicode_KIND(text));
  const void* const data = PyUnicode_DATA(text);
  std::size_t i = length > kept ? length - kept : 0;
  if (i > 0) writer.add(0x2026);  // "…"
  while (i < length && writer.add(PyUnicode_READ(kind, data, static_cast<Py_ssize_t>(i)))) ++i;
  return writer.size();
}

class PythonCode final : public CodeReader {
 public:
  constexpr PythonCode() = default;

  // Neither of what it calls allocates, or asks for a thread state.
  [[nodiscard]] bool describe(const CodePoint& point, CodeWords& words) const noexcept override {
    if (describe_work(point, words)) return true;
    PyCodeObject* const code = code_of(point);
    if (Py_REFCNT(reinterpret_cast<PyObject*>(code)) == 0) return false;
    const int line = PyCode_Addr2Line(code, point.instruction);
    words.line = line > 0 ? static_cast<std::uint32_t>(line) : 0;
    words.file_bytes = write_text(code->co_filename, CodeWords::kFileBytes / 4, words.file_text);
    words.function_bytes = write_text(code->co_qualname, SIZE_MAX, words.function_text);
    return true;
  }
};

constinit const PythonCode the_python_code;

// What check_stacks() runs: Python calls Python, a generator, and C that calls Python.
constexpr const char* kKnownStack =
    "def call(check):\n"
    "    return (\n"
    "        check())\n"
    "def generate(check):\n"
    "    yield call(check)\n"
    "def begin(check):\n"
    "    return all(map(all, [generate(check)]))\n";

bool is_as_cpython_says(PyFrameObject* frame, const CodePoint& point) {
  PyCodeObject* const code = PyFrame_GetCode(frame);
  bool is_same = code == point.code;
  if (is_same) {
    const auto words = std::make_unique<CodeWords>();
    const bool is_there = the_python_code.describe(point, *words);
    const char* const file = PyUnicode_AsUTF8(code->co_filename);
    const char* const function = PyUnicode_AsUTF8(code->co_qualname);
    is_same = is_there && file != nullptr && function != nullptr && words->file() == file &&
              words->function() == function &&
              words->line == static_cast<std::uint32_t>(PyFrame_GetLineNumber(frame));
  }
  Py_DECREF(code);
  return is_same;
}

// Copies memory that may not be there: the system looks, where we would crash.
class CarefulReader {
 public:
  CarefulReader() : is_open_(pipe2(ends_.data(), O_CLOEXEC | O_NONBLOCK) == 0) {}
  CarefulReader(const CarefulReader&) = delete;
  CarefulReader& operator=(const CarefulReader&) = delete;
  CarefulReader(CarefulReader&&) = delete;
  CarefulReader& operator=(CarefulReader&&) = delete;
  ~CarefulReader() {
    if (!is_open_) return;
    close(ends_[0]);
    close(ends_[1]);
  }

  bool copy(const PythonFrame* from, PythonFrame& to) const noexcept {
    return is_open_ && write(ends_[1], from, sizeof to) == sizeof to &&
           read(ends_[0], &to, sizeof to) == sizeof to;
  }

 private:
  std::array<int, 2> ends_{};
  bool is_open_;
};

// Where frames are other ones than we know, what we take for pointers leads anywhere: so before any is
// followed, the frames must have the code objects that CPython says.
bool have_known_layout(const std::vector<PyCodeObject*>& codes) {
  const CarefulReader reader;
  const PythonFrame* place = innermost_frame(*PyThreadState_Get());
  PythonFrame frame{};
  for (std::size_t depth = 0; depth < codes.size(); place = frame.previous) {
    if (!reader.copy(place, frame)) return false;
    if (frame.owner >= kFirstOwnerInC) continue;
    if (code_at(frame) != codes[depth++]) return false;
  }
  return true;
}

// The innermost, as many as are ever read.
std::vector<PyCodeObject*> ask_for_codes() {
  std::vector<PyCodeObject*> codes;
  PyFrameObject* frame = PyThreadState_GetFrame(PyThreadState_Get());
  while (frame != nullptr && codes.size() < kMaxFrames) {
    codes.push_back(PyFrame_GetCode(frame));
    Py_DECREF(codes.back());  // the frame has it
    PyFrameObject* const caller = PyFrame_GetBack(frame);
    Py_DECREF(frame);
    frame = caller;
  }
  Py_XDECREF(frame);
  return codes;
}

// Called by the code above: true where both ways find the same stack.
PyObject* compare_stacks(PyObject* /*self*/, PyObject* /*unused*/) {
  if (!have_known_layout(ask_for_codes())) Py_RETURN_FALSE;
  check_looks("check");
  FrameBuffer buffer;
  const auto points = read_stack(PyThreadState_Get(), buffer);
  PyFrameObject* frame = PyThreadState_GetFrame(PyThreadState_Get());
  std::size_t depth = 0;
  bool is_same = points.size() >= 3;
  while (frame != nullptr && is_same && depth < points.size()) {
    is_same = is_as_cpython_says(frame, points[depth++]);
    PyFrameObject* const caller = PyFrame_GetBack(frame);
    Py_DECREF(frame);
    frame = caller;
  }
  is_same = is_same && depth == points.size() && (frame == nullptr || depth == kMaxFrames);
  Py_XDECREF(frame);
  PyErr_Clear();
  return PyBool_FromLong(is_same ? 1 : 0);
}

std::span<const std::uintptr_t> evaluation_stack(const PythonFrame& frame) noexcept {
  const PyCodeObject& code = *code_at(frame);
  return {evaluation_stack_of(&frame, code), static_cast<std::size_t>(code.co_stacksize)};
}

PyMethodDef check_method{"check", compare_stacks, METH_NOARGS, nullptr};

}  // namespace

Standing standing_of(const void* thread_state) noexcept {
  const PythonFrame* const frame = innermost_frame(*static_cast<const PyThreadState*>(thread_state));
  return {.frame = frame, .instruction = frame != nullptr ? frame->instruction : nullptr};
}

std::span<const CodePoint> read_stack(const void* thread_state, FrameBuffer& buffer) noexcept {
  const auto& state = *static_cast<const PyThreadState*>(thread_state);
  return read_stack(OwnFrames{.innermost = innermost_frame(state), .first_life = first_life_in(state)},
                    buffer);
}

// States are freed once Python says that it ends: what was read before it said so was there. Acquire: read in
// this order.
OwnFrames own_frames(const void* thread_state) noexcept {
  if (is_python_ending()) return {};
  const auto* const state = static_cast<const volatile PyThreadState*>(thread_state);
  PyInterpreterState* const interpreter = state->interp;
#if PY_VERSION_HEX < 0x030d0000
  const auto* const current = state->cframe;
#else
  const void* const current = state->current_frame;
#endif
  std::atomic_thread_fence(std::memory_order_acquire);
  if (is_python_ending()) return {};
#if PY_VERSION_HEX < 0x030d0000
  const void* const innermost = current->current_frame;
#else
  const void* const innermost = current;
#endif
  return {.innermost = innermost, .first_life = first_life_in(interpreter)};
}

std::span<const CodePoint> read_stack(const OwnFrames& frames, FrameBuffer& buffer) noexcept {
  std::size_t count = 0;
  for (const auto* frame = static_cast<const PythonFrame*>(frames.innermost);
       frame != nullptr && count < kMaxFrames; frame = frame->previous) {
    if (read_frame(*frame, frames.first_life, buffer[count])) ++count;
  }
  return std::span(buffer).first(count);
}

bool is_on_own_stack(const void* object) noexcept {
  const PythonFrame* const frame = innermost_frame(*PyThreadState_Get());
  if (frame == nullptr || frame->owner >= kFirstOwnerInC) return false;
  return std::ranges::any_of(evaluation_stack(*frame), [&](std::uintptr_t slot) {
    return without_flags(slot) == reinterpret_cast<std::uintptr_t>(object);
  });
}

const void* on_stack_of(const OwnFrames& frames, std::size_t slot) noexcept {
  const auto* const frame = static_cast<const PythonFrame*>(frames.innermost);
  if (frame == nullptr || frame->owner >= kFirstOwnerInC) return nullptr;
  const auto slots = evaluation_stack(*frame);
  return slot < slots.size() ? reinterpret_cast<const void*>(without_flags(slots[slot])) : nullptr;
}

bool is_python_ending() noexcept {
#if PY_VERSION_HEX < 0x030d0000
  return _Py_IsFinalizing() != 0;
#else
  return Py_IsFinalizing() != 0;
#endif
}

const CodeReader& python_code() noexcept { return the_python_code; }

bool check_stacks() noexcept {
  PyObject* const names = PyDict_New();
  PyObject* const check = PyCFunction_New(&check_method, nullptr);
  PyObject* const code = Py_CompileString(kKnownStack, "<gilscope>", Py_file_input);
  PyObject* ran = nullptr;
  PyObject* answer = nullptr;
  if (names != nullptr && check != nullptr && code != nullptr &&
      PyDict_SetItemString(names, "__builtins__", PyEval_GetBuiltins()) == 0) {
    ran = PyEval_EvalCode(code, names, names);
    PyObject* const begin = PyDict_GetItemString(names, "begin");  // borrowed
    if (ran != nullptr && begin != nullptr) answer = PyObject_CallOneArg(begin, check);
  }
  const bool is_same = answer == Py_True;
  PyErr_Clear();
  Py_XDECREF(answer);
  Py_XDECREF(ran);
  Py_XDECREF(code);
  Py_XDECREF(check);
  Py_XDECREF(names);
  return is_same;
}

// gil->last_holder, which drop_gil and take_gil set before they signal (Python/ceval_gil.c): at every hook,
// the thread state of the calling thread. It lies before `cond`, with three numbers in between.
std::uintptr_t find_holder_distance(std::uintptr_t cond) noexcept {
  const auto state = reinterpret_cast<std::uintptr_t>(PyThreadState_Get());
  constexpr std::uintptr_t kFarthest = 6 * sizeof(std::uintptr_t);
  for (std::uintptr_t distance = sizeof state; distance <= kFarthest; distance += sizeof state) {
    if (*reinterpret_cast<const std::uintptr_t*>(cond - distance) == state) return distance;
  }
  return 0;
}

}  // namespace gilscope
