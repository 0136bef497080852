#include "probe/elf_slots.h"

#include <cstdlib>
#include <dlfcn.h>
#include <filesystem>
#include <set>
#include <string>
#include <sys/mman.h>
#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "probe/page.h"
#include "probe/probe_error.h"

namespace gilscope {
namespace {

std::string flags_of(int protection) {
  // NOLINTBEGIN(bugprone-signed-bitwise)
  return {(protection & PROT_READ) != 0 ? 'r' : '-', (protection & PROT_WRITE) != 0 ? 'w' : '-',
          (protection & PROT_EXEC) != 0 ? 'x' : '-', 'p'};
  // NOLINTEND(bugprone-signed-bitwise)
}

std::uintptr_t address_of(const void* place) { return reinterpret_cast<std::uintptr_t>(place); }

TEST(ElfSlots, CPythonsObjectCallsPthreadsThroughSlots) {
  const LoadedObject cpython = LoadedObject::of_cpython();
  for (const char* function : {"pthread_cond_signal", "pthread_cond_timedwait", "pthread_cond_init",
                               "pthread_cond_destroy", "pthread_mutex_lock"}) {
    const auto slots = cpython.find_slots(function);
    ASSERT_FALSE(slots.empty()) << function << " of " << cpython.path();
    for (const Slot& slot : slots) EXPECT_TRUE(cpython.contains(address_of(slot.place)));
    EXPECT_TRUE(cpython.imports(function));
  }
}

TEST(ElfSlots, AnObjectDoesNotImportWhatItDefines) {
  EXPECT_FALSE(LoadedObject::of_cpython().imports("PyEval_SaveThread"));
}

TEST(ElfSlots, AnObjectWithoutANameIsTheExecutable) {
  static const int here = 0;
  EXPECT_EQ(LoadedObject::containing(&here).path(), "the executable");
}

TEST(ElfSlots, TheBeginningOfANameIsNotTheName) {
  const LoadedObject cpython = LoadedObject::of_cpython();
  EXPECT_TRUE(cpython.find_slots("pthread_cond_signa").empty());
  EXPECT_TRUE(cpython.find_slots("pthread_cond_signall").empty());
  EXPECT_TRUE(cpython.find_slots("").empty());
}

// Whichever of the two ways its object was linked in: bound at once, or at the first call.
TEST(ElfSlots, TheProtectionOfASlotIsThatWhichTheSystemKnows) {
  const LoadedObject cpython = LoadedObject::of_cpython();
  for (const char* function : {"pthread_cond_signal", "pthread_cond_init", "pthread_mutex_lock"}) {
    for (const Slot& slot : cpython.find_slots(function)) {
      EXPECT_EQ(flags_of(slot.pages.protection), page_flags(address_of(slot.place))) << function;
      EXPECT_LE(slot.pages.begin, address_of(slot.place));
      EXPECT_GT(slot.pages.end, address_of(slot.place));
    }
  }
}

// Code, constants, what is constant once it is relocated, and what is written to: first and last byte of each
// page, as parts share those at their ends.
TEST(ElfSlots, TheProtectionOfEveryPageIsThatWhichTheSystemKnows) {
  static int written = 0;
  const auto page_size = static_cast<std::uintptr_t>(sysconf(_SC_PAGESIZE));
  const auto mappings = read_mappings();
  for (const void* inside :
       {static_cast<const void*>(&written), reinterpret_cast<const void*>(&std::abort)}) {
    const LoadedObject object = LoadedObject::containing(inside);
    std::set<std::string> seen;
    for (const Mapping& mapping : mappings) {
      for (std::uintptr_t page = mapping.begin; page < mapping.end; page += page_size) {
        for (const std::uintptr_t address : {page, page + page_size - 1}) {
          if (!object.contains(address)) continue;
          const LoadedPages pages = object.pages_of(address);
          ASSERT_EQ(flags_of(pages.protection), mapping.flags) << object.path() << ": " << address;
          ASSERT_EQ(pages.begin % page_size + pages.end % page_size, 0U);
          seen.insert(mapping.flags);
        }
      }
    }
    EXPECT_THAT(seen, testing::IsSupersetOf({"r--p", "r-xp", "rw-p"})) << object.path();
  }
}

// Who asks whether a function is there must not hear that it is, by somebody's hook.
TEST(ElfSlots, ASlotThatIsNullIsNone) {
  const auto library = std::filesystem::read_symlink("/proc/self/exe").parent_path() / "libweak_call.so";
  void* const handle = dlopen(library.c_str(), RTLD_NOW);
  ASSERT_NE(handle, nullptr) << dlerror();
  const auto call_or = reinterpret_cast<int (*)(int)>(dlsym(handle, "gilscope_test_call_or"));
  ASSERT_NE(call_or, nullptr);
  const auto object = LoadedObject::containing(reinterpret_cast<const void*>(call_or));
  EXPECT_TRUE(object.imports("gilscope_test_of_no_library"));
  EXPECT_TRUE(object.find_slots("gilscope_test_of_no_library").empty());
  EXPECT_FALSE(object.find_slots("getpid").empty());
  EXPECT_EQ(call_or(7), 7);
  dlclose(handle);
}

TEST(ElfSlots, AnAddressOfNoObjectIsRefused) {
  int on_the_stack = 0;
  EXPECT_THROW(LoadedObject::containing(&on_the_stack), ProbeError);
  EXPECT_THROW(LoadedObject::containing(nullptr), ProbeError);
}

}  // namespace
}  // namespace gilscope
