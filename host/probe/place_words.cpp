#include "probe/place_words.h"

namespace gilscope {
namespace {

void set_text(PyObject* text, char* to, std::size_t room, std::size_t& bytes, bool keeps_end) noexcept {
  Py_ssize_t size = 0;
  const char* const from =
      text != nullptr && PyUnicode_Check(text) ? PyUnicode_AsUTF8AndSize(text, &size) : nullptr;
  bytes = 0;
  if (from == nullptr) {
    PyErr_Clear();
    return;
  }
  std::string_view view(from, static_cast<std::size_t>(size));
  if (view.size() > room && keeps_end) view.remove_prefix(view.size() - room);
  bytes = view.copy(to, room);
}

}  // namespace

void set_place(PyCodeObject& code, int line, CodeWords& words) noexcept {
  words.line = line > 0 ? static_cast<std::uint32_t>(line) : 0;
  set_text(code.co_filename, words.file_text.data(), CodeWords::kFileBytes, words.file_bytes, true);
  set_text(code.co_qualname, words.function_text.data(), CodeWords::kFunctionBytes, words.function_bytes,
           false);
}

void set_name(std::string_view name, CodeWords& words) noexcept {
  words.line = 0;
  words.file_bytes = 0;
  words.function_bytes = name.copy(words.function_text.data(), CodeWords::kFunctionBytes);
}

}  // namespace gilscope
