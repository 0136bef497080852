// A library like a CPython that was built for older C libraries, too: it calls a function only where there is
// one.
#include <unistd.h>

extern "C" {

[[gnu::weak]] int gilscope_test_of_no_library(int value);

[[gnu::visibility("default")]] int gilscope_test_call_or(int value) {
  return &gilscope_test_of_no_library != nullptr ? gilscope_test_of_no_library(value) : value;
}

[[gnu::visibility("default")]] int gilscope_test_pid() { return getpid(); }
}
