// The GIL of a free-threaded CPython that comes back while the program runs: an extension module is imported
// that has not declared that it needs none. Nothing else is recorded of that GIL.
#pragma once

namespace gilscope {

// From now on, until unwatch_gil_return() was called as often, it is noted in each LockTable that waits are
// noted in. The calling thread is attached, and no GIL is on. With the nesting_mutex(), as what follows.
void watch_gil_return() noexcept;
// Any thread, and after the end of Python too.
void unwatch_gil_return() noexcept;

}  // namespace gilscope
