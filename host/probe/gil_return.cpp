#include <Python.h>

#include "probe/gil_return.h"

#include <string_view>

#include "probe/attached.h"
#include "probe/lock_watch.h"
#include "probe/module_births.h"

namespace gilscope {
namespace {

constinit int watchers = 0;

// While some other thread imports one the GIL may be on for a moment, too: then this one has a share in that.
void look_for_gil(PyObject* module) noexcept {
  if (!is_gil_on()) return;
  const char* const name = PyModule_Check(module) ? PyModule_GetName(module) : nullptr;
  PyErr_Clear();
  const std::uint64_t now = lock_clock.read();
  const OwnStack stack(attached_state());
  const NotesLock lock;
  const auto places = number_place(stack, OwnStack::Call::AsBefore);
  for (std::size_t i = 0; i < places.size(); ++i) {
    const Watcher& watcher = lock_watch.watching.at(i);
    if (watcher.table != nullptr)
      watcher.table->note_gil(now, places.at(i).place, name != nullptr ? name : std::string_view());
  }
}

}  // namespace

void watch_gil_return() noexcept {
  if (watchers++ == 0) watch_births(look_for_gil);
}

void unwatch_gil_return() noexcept {
  if (--watchers == 0) unwatch_births();
}

}  // namespace gilscope
