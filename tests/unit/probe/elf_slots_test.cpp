#include "probe/elf_slots.h"

#include <algorithm>
#include <cstdlib>
#include <dlfcn.h>
#include <elf.h>
#include <filesystem>
#include <iterator>
#include <link.h>
#include <set>
#include <span>
#include <string>
#include <sys/mman.h>
#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "probe/page.h"
#include "probe/probe_error.h"
#include "scratch_folder.h"

namespace gilscope {
namespace {

std::string flags_of(int protection) {
  // NOLINTBEGIN(bugprone-signed-bitwise)
  return {(protection & PROT_READ) != 0 ? 'r' : '-', (protection & PROT_WRITE) != 0 ? 'w' : '-',
          (protection & PROT_EXEC) != 0 ? 'x' : '-', 'p'};
  // NOLINTEND(bugprone-signed-bitwise)
}

std::filesystem::path weak_call() {
  return std::filesystem::read_symlink("/proc/self/exe").parent_path() / "libweak_call.so";
}

// The object with its first segment cut in two at that byte of the file: where a note of the builder's had
// its header is that of the second part. All of it is loaded as before.
std::string with_first_segment_cut(std::string object, std::size_t cut) {
  auto& file = *reinterpret_cast<ElfW(Ehdr)*>(object.data());
  const std::span headers(reinterpret_cast<ElfW(Phdr)*>(object.data() + file.e_phoff), file.e_phnum);
  const auto first = std::ranges::find(headers, std::uint32_t{PT_LOAD}, &ElfW(Phdr)::p_type);
  const auto note = std::ranges::find(first, headers.end(), std::uint32_t{PT_NOTE}, &ElfW(Phdr)::p_type);
  if (note == headers.end() || cut >= first->p_filesz) return {};
  std::ranges::copy_backward(first, note, std::next(note));
  const auto second = std::next(first);
  second->p_offset = second->p_vaddr = second->p_paddr = cut;
  second->p_filesz = second->p_memsz = first->p_filesz - cut;
  first->p_filesz = first->p_memsz = cut;
  return object;
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
      if (!object.contains(mapping.begin) && !object.contains(mapping.end - 1)) continue;
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
  void* const handle = dlopen(weak_call().c_str(), RTLD_NOW);
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

// As BOLT leaves them in an executable that it has optimised.
TEST(ElfSlots, TablesThatBeginInOneSegmentAndEndInTheNextAreRead) {
  const std::string whole = test::read_file(weak_call());
  const std::size_t within_strings = whole.find("gilscope_test_of_no_library") + 5;
  const std::string cut = with_first_segment_cut(whole, within_strings);
  ASSERT_FALSE(cut.empty());
  const test::ScratchFolder scratch;
  void* const handle = dlopen(scratch.write("libcut.so", cut).c_str(), RTLD_NOW);
  ASSERT_NE(handle, nullptr) << dlerror();
  const auto object = LoadedObject::containing(dlsym(handle, "gilscope_test_call_or"));
  EXPECT_THAT(object.path(), testing::EndsWith("libcut.so"));
  EXPECT_TRUE(object.imports("gilscope_test_of_no_library"));
  EXPECT_FALSE(object.find_slots("getpid").empty());
  dlclose(handle);
}

TEST(ElfSlots, AnAddressOfNoObjectIsRefused) {
  int on_the_stack = 0;
  EXPECT_THROW(LoadedObject::containing(&on_the_stack), ProbeError);
  EXPECT_THROW(LoadedObject::containing(nullptr), ProbeError);
}

}  // namespace
}  // namespace gilscope
