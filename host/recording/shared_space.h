// Memory that all processes of a recording share, a slot for each: what a process recorded outlives it,
// however it ended, and the first process reads it. It is anonymous (memfd_create): no file to clean up, no
// disk to fill; and sealed: nobody can cut it short under those who have it mapped. Children of fork()
// inherit it, others find it through /proc while the first process lives. Slots of processes that have ended
// become one, and are taken again.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <sys/stat.h>

#include "support/file.h"

namespace gilscope {

class SharedSpace {
 public:
  static constexpr std::uint64_t kSlots = 16384;
  static constexpr std::uint64_t kFew = 128;  // so many are not folded
  static constexpr std::size_t kSums = 16;

  // Throws Error where the system gives no such memory. `slot_bytes` is a multiple of the page size; only
  // what is written to takes memory.
  static SharedSpace create(std::size_t slot_bytes);

  // What another process made, which wrote slots of that size; empty where it is gone or of another gilscope.
  static std::optional<SharedSpace> open(const std::string& path, std::size_t slot_bytes) noexcept;

  // The same, to be read: nothing can be written to it, nor a slot claimed.
  static std::optional<SharedSpace> look(const std::string& path, std::size_t slot_bytes) noexcept;

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

  // In the child of fork(), whom nobody is to see: puts private zeros there. A system call only.
  void leave() noexcept;

  // Whether the descriptor still is what it was: a script may have closed it, and its number be another
  // file's.
  [[nodiscard]] bool is_still_ours() const noexcept;

  // Bytes for all processes, zeros at first; whoever writes them does so before another process opens it.
  static constexpr std::size_t kCommonBytes = std::size_t{12} * 4096;
  [[nodiscard]] std::byte* common() const noexcept;

  // Where the slots begin.
  static constexpr std::size_t kHeaderBytes = 4096 + kCommonBytes + kSlots * sizeof(std::uint64_t);

  // The number of this process's slot, once it was claimed.
  [[nodiscard]] std::uint64_t slot() const noexcept { return slot_number_; }

  // A process that has a slot could not record after all.
  void count_refused() noexcept;

  // Within what there can be, whatever stands there.
  [[nodiscard]] std::uint64_t claimed() const noexcept;  // slots that were ever taken
  [[nodiscard]] std::uint64_t refused() const noexcept;  // processes that got none

  // What becomes of the slot of a process that has ended. It allocates, also in the child of a fork, as
  // Python does at once there.
  class Folder {
   public:
    static constexpr std::size_t kNothing = kSums;  // is in it: the slot is given back

    Folder() = default;
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;
    Folder(Folder&&) = delete;
    Folder& operator=(Folder&&) = delete;

    // Which sum it becomes a part of; empty: it stays as it is.
    virtual std::optional<std::size_t> sum_of(std::byte* slot) = 0;
    // Adds it, or a sum. False where that cannot be.
    virtual bool add(std::byte* sum, std::byte* part) = 0;

   protected:
    ~Folder() = default;
  };
  // Whether there are so many slots that those of processes that have ended are to be folded; and does so, if
  // nobody else is at it, and nobody reads. Whoever is killed meanwhile leaves them as before or as after.
  [[nodiscard]] bool is_to_fold() const noexcept;
  void fold(Folder& folder) noexcept;

  // While it lives nobody folds.
  class Reading {
   public:
    explicit Reading(const SharedSpace& space) noexcept;
    ~Reading();
    Reading(const Reading&) = delete;
    Reading& operator=(const Reading&) = delete;
    Reading(Reading&&) = delete;
    Reading& operator=(Reading&&) = delete;

   private:
    const SharedSpace& space_;
    bool is_locked_;
  };
  // For who may not lock: odd while somebody folds, and another number afterwards; readers change it, too.
  [[nodiscard]] std::uint64_t version() const noexcept;
  // Whether what is in the slot counts: a process's, alive or not, or a sum.
  [[nodiscard]] bool counts(std::uint64_t slot) const noexcept;

  // Where the slot begins in the file.
  [[nodiscard]] std::size_t offset_of(std::uint64_t slot) const noexcept {
    return kHeaderBytes + slot * slot_bytes_;
  }
  [[nodiscard]] std::size_t slot_bytes() const noexcept { return slot_bytes_; }

  enum class Access : std::uint8_t { Read, Write };

  // Another process's slot, to be read. Readers within the run write to it: they take out what is queued.
  class View {
   public:
    View(const SharedSpace& space, std::uint64_t slot, Access access = Access::Write) noexcept;
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
  static std::optional<SharedSpace> open_as(const std::string& path, std::size_t slot_bytes,
                                            Access access) noexcept;
  [[nodiscard]] std::optional<std::uint64_t> take_slot(std::uint64_t owner) noexcept;
  [[nodiscard]] std::uint64_t owner_of_this_process() const noexcept;
  // By slot: see kFree in the source.
  [[nodiscard]] std::atomic_ref<std::uint64_t> owner_of(std::uint64_t slot) const noexcept;
  [[nodiscard]] bool is_part_of_a_finished_sum(std::uint64_t owner) const noexcept;
  [[nodiscard]] bool is_part_of(std::size_t sum, std::uint64_t slot) const noexcept;
  [[nodiscard]] bool has_parts(std::size_t sum) const noexcept;
  void choose(Folder& folder);
  [[nodiscard]] bool build(Folder& folder, std::size_t sum, std::uint64_t slot);
  void finish_fold() noexcept;
  void give_back(std::uint64_t slot) noexcept;

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
