// Memory that all processes of a recording share, a slot for each: what a process recorded outlives it,
// however it ended, and the first process reads it. It is anonymous (memfd_create): no file to clean up, no
// disk to fill; and sealed: nobody can cut it short under those who have it mapped. Children of fork()
// inherit it, others find it through /proc while the first process lives.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <sys/stat.h>

#include "support/file.h"

namespace gilscope {

class SharedSpace {
 public:
  static constexpr std::uint64_t kSlots = 1024;

  // Throws Error where the system gives no such memory. `slot_bytes` is a multiple of the page size; only
  // what is written to takes memory.
  static SharedSpace create(std::size_t slot_bytes);

  // What another process made, which wrote slots of that size; empty where it is gone or of another gilscope.
  static std::optional<SharedSpace> open(const std::string& path, std::size_t slot_bytes) noexcept;

  SharedSpace(const SharedSpace&) = delete;
  SharedSpace& operator=(const SharedSpace&) = delete;
  SharedSpace(SharedSpace&& other) noexcept;
  SharedSpace& operator=(SharedSpace&&) = delete;
  ~SharedSpace();

  [[nodiscard]] int file() const noexcept { return file_.get(); }

  // Where others find it; good while this process lives.
  [[nodiscard]] std::string path() const;

  // Maps a fresh slot of zeros for this process; nullptr where there is none. Once for an object.
  std::byte* claim() noexcept;

  // In the child of fork(): puts a fresh slot where the parent's was mapped; private zeros where there is
  // none, and then false: what is recorded there is seen by this process only. System calls only.
  bool claim_anew() noexcept;

  // Whether the descriptor still is what it was: a script may have closed it, and its number be another
  // file's.
  [[nodiscard]] bool is_still_ours() const noexcept;

  // Bytes for all processes, zeros at first; whoever writes them does so before another process opens it.
  static constexpr std::size_t kCommonBytes = 8192;
  [[nodiscard]] std::byte* common() const noexcept;

  // The number of this process's slot, once it was claimed.
  [[nodiscard]] std::uint64_t slot() const noexcept { return slot_number_; }

  // A process that has a slot could not record after all.
  void count_refused() noexcept;

  // Within what there can be, whatever stands there.
  [[nodiscard]] std::uint64_t claimed() const noexcept;  // slots in use
  [[nodiscard]] std::uint64_t refused() const noexcept;  // processes that got none

  // Another process's slot, to be read.
  class View {
   public:
    View(const SharedSpace& space, std::uint64_t slot) noexcept;
    View(const View&) = delete;
    View& operator=(const View&) = delete;
    View(View&&) = delete;
    View& operator=(View&&) = delete;
    ~View();
    // nullptr: this process has no addresses left (RLIMIT_AS).
    [[nodiscard]] std::byte* data() const noexcept { return data_; }

   private:
    std::byte* data_;
    std::size_t size_;
  };

 private:
  struct Header;
  // `identity` as fstat() has it.
  SharedSpace(FileDescriptor file, Header* header, std::size_t slot_bytes,
              const struct stat& identity) noexcept;
  [[nodiscard]] std::optional<std::uint64_t> take_slot() noexcept;

  FileDescriptor file_;
  Header* header_;
  std::size_t slot_bytes_;
  // Ours: what the header says of it another process may have written over.
  std::uint64_t device_;
  std::uint64_t inode_;
  std::byte* slot_ = nullptr;
  std::uint64_t slot_number_ = kSlots;
};

}  // namespace gilscope
