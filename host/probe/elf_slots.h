// Finds the slots of a loaded ELF object: the pointers through which it calls functions of other objects.
// Cold; any thread. It only reads, and never trusts a table to lie where or to be as long as its header says.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace gilscope {

// Whole pages, and how the dynamic linker leaves them.
struct LoadedPages {
  std::uintptr_t begin = 0;
  std::uintptr_t end = 0;
  int protection = 0;  // as mprotect() takes it

  friend bool operator==(const LoadedPages&, const LoadedPages&) = default;
};

// A pointer that functions are called through, and the pages that it lies in.
struct Slot {
  std::uintptr_t* place = nullptr;
  LoadedPages pages;
};

class LoadedObject {
 public:
  // The object that the code or data at `address` belongs to. Throws ProbeError where there is none.
  static LoadedObject containing(const void* address);

  // The object that defines PyEval_SaveThread: libpython, or the executable that it is linked into.
  static LoadedObject of_cpython();

  [[nodiscard]] bool contains(std::uintptr_t address, std::size_t size = 1) const noexcept;
  [[nodiscard]] const std::string& path() const noexcept { return path_; }

  // Every slot that the object calls `function` through. Not those that are NULL: the object looks there
  // whether the C library has the function (a weak reference, such as that to sem_clockwait in Pythons built
  // for older ones), and who wrote something there would say so. Throws ProbeError where its tables are
  // malformed.
  [[nodiscard]] std::vector<Slot> find_slots(std::string_view function) const;

  // Whether another object defines `function`: this one only calls it.
  [[nodiscard]] bool imports(std::string_view function) const;

  // Those of an address in the object that have one protection and got it at once. By the program headers:
  // the pages of PT_GNU_RELRO are read-only once the object is relocated, others as their segment says.
  [[nodiscard]] LoadedPages pages_of(std::uintptr_t address) const noexcept;

 private:
  struct Range {
    std::uintptr_t begin;
    std::uintptr_t end;
  };
  struct Segment {
    Range range;
    int protection;
  };
  struct Tables;
  struct FoundSlot {
    std::uintptr_t* place;
    bool is_imported;
  };

  LoadedObject() = default;
  [[nodiscard]] std::vector<FoundSlot> find_relocations(std::string_view function) const;
  [[nodiscard]] Tables read_tables() const;
  [[noreturn]] void refuse(const std::string& reason) const;

  std::uintptr_t base_ = 0;
  std::vector<Segment> segments_;  // as they lie in memory
  Range dynamic_{};
  Range relro_{};  // whole pages
  std::string path_;
};

// The path of the object that `address` belongs to, for people; "?" where there is none.
std::string describe_object(std::uintptr_t address);

}  // namespace gilscope
