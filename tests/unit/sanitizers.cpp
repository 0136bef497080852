// What the sanitizers of the presets `asan` and `tsan` are told, compiled in: so it holds for the children of
// tests, too, and for a test that somebody runs by hand. (ASAN_OPTIONS, LSAN_OPTIONS, UBSAN_OPTIONS and
// TSAN_OPTIONS come on top.) Suppressions are for CPython's own doings alone.
//
// The sanitizers' libraries look for these names; without a sanitizer nobody calls them.
#include "sanitizers.h"

namespace gilscope::test {

bool is_sanitized_by(std::string_view name) {
  return std::string_view(GILSCOPE_SANITIZER).find(name) != std::string_view::npos;
}

}  // namespace gilscope::test

extern "C" {

#define GILSCOPE_ASKED_FOR [[gnu::visibility("default"), gnu::used]] const char*

// What UBSan finds fails the test: its default is to print it and to go on.
GILSCOPE_ASKED_FOR __ubsan_default_options() { return "halt_on_error=1:print_stacktrace=1"; }

// The small-object allocator of an interpreter with a GIL of its own keeps the list and the index of its
// arenas when that interpreter has ended (Objects/obmalloc.c; seen with 3.13.0). Objects of modules outlive
// their interpreter: with LeakSanitizer alone a plain `python -c "import asyncio"` leaves 660 KB.
GILSCOPE_ASKED_FOR __lsan_default_suppressions() {
  return "leak:new_arena\n"
         "leak:arena_map_get\n"
         "leak:_PyObject_Malloc\n"
         "leak:_PyMem_DebugRawAlloc\n";
}

#undef GILSCOPE_ASKED_FOR
}
