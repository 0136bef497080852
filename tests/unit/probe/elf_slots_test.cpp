#include "probe/elf_slots.h"

#include <gtest/gtest.h>

#include "probe/probe_error.h"

namespace gilscope {
namespace {

TEST(ElfSlots, CPythonsObjectCallsPthreadsThroughSlots) {
  const LoadedObject cpython = LoadedObject::of_cpython();
  for (const char* function : {"pthread_cond_signal", "pthread_cond_timedwait", "pthread_cond_init",
                               "pthread_cond_destroy", "pthread_mutex_lock"}) {
    const auto slots = cpython.find_slots(function);
    ASSERT_FALSE(slots.empty()) << function << " of " << cpython.path();
    for (const auto* slot : slots) EXPECT_TRUE(cpython.contains(reinterpret_cast<std::uintptr_t>(slot)));
    EXPECT_TRUE(cpython.imports(function));
  }
}

TEST(ElfSlots, AnObjectDoesNotImportWhatItDefines) {
  EXPECT_FALSE(LoadedObject::of_cpython().imports("PyEval_SaveThread"));
}

TEST(ElfSlots, TheBeginningOfANameIsNotTheName) {
  const LoadedObject cpython = LoadedObject::of_cpython();
  EXPECT_TRUE(cpython.find_slots("pthread_cond_signa").empty());
  EXPECT_TRUE(cpython.find_slots("pthread_cond_signall").empty());
  EXPECT_TRUE(cpython.find_slots("").empty());
}

TEST(ElfSlots, AnAddressOfNoObjectIsRefused) {
  int on_the_stack = 0;
  EXPECT_THROW(LoadedObject::containing(&on_the_stack), ProbeError);
  EXPECT_THROW(LoadedObject::containing(nullptr), ProbeError);
}

}  // namespace
}  // namespace gilscope
