#include <Python.h>

#include "probe/seen_stack.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>

#include "probe/code_deaths.h"
#include "probe/copy_memory.h"
#include "probe/python_frame.h"
#include "probe/python_stack.h"
#include "probe/work_place.h"

namespace gilscope {
namespace {

// As read_stack() does it. Empty, too, where the frames lead nowhere.
std::span<const CodePoint> copy_stack(const PyThreadState& state, FrameBuffer& buffer) noexcept {
  constexpr int kMostSteps = 256;
  const auto first_life = first_life_in(state);
  auto place = innermost_of(state);
  std::size_t count = 0;
  for (int i = 0; i < kMostSteps && place && *place != nullptr && count < buffer.size(); ++i) {
    const auto frame = copy_of(*place);
    if (!frame) return {};
    place = frame->previous;
    if (frame->owner >= kFirstOwnerInC) continue;
    const PyCodeObject* const code = code_at(*frame);
    const auto first_traceable = copy_of(&code->_co_firsttraceable);
    if (!first_traceable) return {};
    const auto offset =
        frame->instruction - (reinterpret_cast<const char*>(code) + offsetof(PyCodeObject, co_code_adaptive));
    if (offset < 0 || offset > INT32_MAX) return {};
    if (frame->owner != kOwnedByGenerator && offset < std::ptrdiff_t{*first_traceable} * kCodeUnit) continue;
    buffer.at(count++) = {
        .code = code, .instruction = static_cast<std::int32_t>(offset), .life = first_life + deaths_at(code)};
  }
  return std::span(buffer).first(count);
}

bool is_same(const CodePoint& one, const CodePoint& other) noexcept {
  return one.code == other.code && one.instruction == other.instruction && one.life == other.life;
}

// Objects that only their type's own functions read.
struct alignas(std::max_align_t) ObjectCopy {
  static constexpr std::size_t kBytes = 16384;
  std::array<std::byte, kBytes> bytes;

  // False where it is of another type, or larger.
  bool take(const void* object, const PyTypeObject& type, std::size_t head) noexcept {
    if (object == nullptr || copy_memory(object, bytes.data(), head) != head) return false;
    if (reinterpret_cast<const PyObject*>(bytes.data())->ob_type != &type) return false;
    const std::size_t size = &type == &PyUnicode_Type ? size_of_text() : size_of_bytes();
    return size <= kBytes && copy_memory(object, bytes.data(), size) == size;
  }
  bool take_text(const void* object) noexcept {
    return take(object, PyUnicode_Type, sizeof(PyCompactUnicodeObject));
  }
  bool take_bytes(const void* object) noexcept { return take(object, PyBytes_Type, sizeof(PyBytesObject)); }
  [[nodiscard]] PyObject* get() noexcept { return reinterpret_cast<PyObject*>(bytes.data()); }

 private:
  [[nodiscard]] std::size_t size_of_text() const noexcept {
    const auto& text = *reinterpret_cast<const PyASCIIObject*>(bytes.data());
    if (text.state.compact == 0 || text.length < 0 || text.length > std::ptrdiff_t{kBytes}) return kBytes + 1;
    const std::size_t head = text.state.ascii != 0 ? sizeof(PyASCIIObject) : sizeof(PyCompactUnicodeObject);
    return std::max(head + (static_cast<std::size_t>(text.length) + 1) * text.state.kind,
                    sizeof(PyCompactUnicodeObject));
  }
  [[nodiscard]] std::size_t size_of_bytes() const noexcept {
    const auto length = reinterpret_cast<const PyBytesObject*>(bytes.data())->ob_base.ob_size;
    if (length < 0 || length > std::ptrdiff_t{kBytes}) return kBytes + 1;
    return sizeof(PyBytesObject) + static_cast<std::size_t>(length);
  }
};

// Large, and needed by one at a time.
struct CopiedCode {
  std::atomic_flag is_taken;
  alignas(PyCodeObject) std::array<std::byte, sizeof(PyCodeObject)> code;
  ObjectCopy file;
  ObjectCopy function;
  ObjectCopy lines;
};
constinit CopiedCode copied_code{};

class SeenCode final : public CodeReader {
 public:
  constexpr SeenCode() = default;

  [[nodiscard]] bool describe(const CodePoint& point, CodeWords& words) const noexcept override {
    if (describe_work(point, words)) return true;
    CopiedCode& copied = copied_code;
    if (copied.is_taken.test_and_set(std::memory_order_acquire)) return false;
    const bool is_there = describe_copy(copied, point, words);
    copied.is_taken.clear(std::memory_order_release);
    return is_there;
  }

 private:
  static bool describe_copy(CopiedCode& copied, const CodePoint& point, CodeWords& words) noexcept {
    constexpr std::size_t kHead = offsetof(PyCodeObject, co_code_adaptive);
    if (copy_memory(point.code, copied.code.data(), kHead) != kHead) return false;
    auto& code = *reinterpret_cast<PyCodeObject*>(copied.code.data());
    if (code.ob_base.ob_base.ob_type != &PyCode_Type) return false;
    if (!copied.file.take_text(code.co_filename) || !copied.function.take_text(code.co_qualname) ||
        !copied.lines.take_bytes(code.co_linetable)) {
      return false;
    }
    code.co_filename = copied.file.get();
    code.co_qualname = copied.function.get();
    code.co_linetable = copied.lines.get();
#if PY_VERSION_HEX < 0x030c0000
    code._co_linearray = nullptr;
#else
    code._co_monitoring = nullptr;
#endif
    return python_code().describe({.code = &code, .instruction = point.instruction, .life = point.life},
                                  words);
  }
};
constinit const SeenCode the_seen_code;

}  // namespace

std::span<const CodePoint> see_stack(const void* thread_state, FrameBuffer& buffer) noexcept {
  const auto& state = *static_cast<const PyThreadState*>(thread_state);
  FrameBuffer again;  // NOLINT(cppcoreguidelines-pro-type-member-init): copy_stack() says what it wrote
  const auto seen = copy_stack(state, buffer);
  return std::ranges::equal(seen, copy_stack(state, again), is_same) ? seen : std::span<const CodePoint>();
}

const CodeReader& seen_code() noexcept { return the_seen_code; }

}  // namespace gilscope
