#include "capture/process_file.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <fcntl.h>
#include <iterator>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace gilscope {
namespace {

constexpr std::uint32_t kMaxBlocks = 1U << 31U;
constexpr unsigned kMaxFilesOfPid = 10'000;
constexpr int kOldFile = O_RDWR | O_CLOEXEC | O_NOFOLLOW;
constexpr int kNewFile = O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_CREAT | O_EXCL;

// By number: open() and close() are cancellation points, and a hook's thread may have been cancelled.
int open_file(const char* path, int flags) noexcept {
  int file = static_cast<int>(syscall(SYS_openat, AT_FDCWD, path, flags, 0666));
  if (file >= 0 && file <= STDERR_FILENO) {  // as FileDescriptor: what is printed must not land here
    const int low = file;
    file = fcntl(low, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    syscall(SYS_close, low);
  }
  return file;
}

std::uint64_t offset_of(std::uint32_t block) noexcept { return std::uint64_t{block} * kBlockSize; }

FilePoint to_file(const ClockPoint& point) noexcept { return {point.ticks, point.time.count()}; }

void* map_block(int file, std::uint32_t block) noexcept {
  // Populated: it is written to at once, under a GIL's mutex.
  void* const memory = mmap(nullptr, kBlockSize, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, file,
                            static_cast<off_t>(offset_of(block)));
  return memory == MAP_FAILED ? nullptr : memory;
}

}  // namespace

int ProcessFile::create(std::string_view folder, const Facts& facts, const CaptureSystem& system,
                        SizeBudget& budget) noexcept {
  system_ = &system;
  budget_ = &budget;
  if (facts.start_method.size() > kStartMethodSize || facts.metadata.size() > kMetadataSize) return E2BIG;
  if (!budget.take(kBlockSize)) return EFBIG;
  const int error = make(folder, facts);
  if (error != 0) {
    abandon();
    budget.give_back(kBlockSize);
  }
  return error;
}

// The id of a process comes again: after exec, in another run of the recorder, or by chance.
int ProcessFile::name(std::string_view folder, std::uint32_t pid, unsigned number) noexcept {
  const std::size_t room = path_.size() - std::max(kPartSuffix.size(), kLiveSuffix.size());
  const int length =
      std::snprintf(path_.data(), room, "%.*s/%u-%u%.*s", static_cast<int>(folder.size()), folder.data(), pid,
                    number, static_cast<int>(kEventsSuffix.size()), kEventsSuffix.data());
  if (length < 0 || static_cast<std::size_t>(length) >= room) return ENAMETOOLONG;
  const auto append = [&](std::array<char, PATH_MAX>& name, std::string_view suffix) {
    name = path_;
    std::ranges::copy(suffix, &name[static_cast<std::size_t>(length)]);
    name[static_cast<std::size_t>(length) + suffix.size()] = '\0';
  };
  append(part_, kPartSuffix);
  append(live_, kLiveSuffix);
  return 0;
}

// Made under another name until the header is whole: a process that is killed in between leaves nothing that
// a reader takes for an events file.
int ProcessFile::make(std::string_view folder, const Facts& facts) noexcept {
  for (unsigned number = 1; number <= kMaxFilesOfPid; ++number) {
    if (const int error = name(folder, facts.pid, number); error != 0) return error;
    struct stat status{};
    if (fstatat(AT_FDCWD, path_.data(), &status, AT_SYMLINK_NOFOLLOW) == 0) continue;
    file_ = open_file(part_.data(), kNewFile);
    if (file_ < 0 && errno == EEXIST) continue;
    if (file_ < 0) return errno;
    int error = fill(facts);
    const int name = error == 0 ? open_file(path_.data(), kNewFile) : -1;
    if (error == 0 && name < 0) error = errno;
    if (name >= 0) syscall(SYS_close, name);
    if (error == 0 && rename(part_.data(), live_.data()) != 0) error = errno;
    if (error != 0) unlink(part_.data());
    if (error != 0 && name >= 0) unlink(path_.data());
    return error;
  }
  return EEXIST;
}

int ProcessFile::fill(const Facts& facts) noexcept {
  struct stat status{};
  if (fstat(file_, &status) != 0) return errno;
  device_ = status.st_dev;
  inode_ = status.st_ino;
  if (const int error = system_->reserve(file_, 0, kBlockSize); error != 0) return error;
  header_ = static_cast<FileHeader*>(map_block(file_, 0));
  if (header_ == nullptr) return errno;
  static constinit std::atomic<std::uint64_t> files{0};
  number_ = files.fetch_add(1, std::memory_order_relaxed) + 1;
  next_block_ = 1;
  spare_block_ = 0;
  ring_parts_ = facts.ring_parts;
  parts_ = 0;
  oldest_ = 1;
  FileHeader& header = *header_;
  header.version = kFormatVersion;
  header.byte_order = kByteOrderMark;
  header.block_size = kBlockSize;
  header.clock = facts.clock.kind() == ClockKind::Tsc ? 1 : 0;
  header.pid = facts.pid;
  header.parent_pid = facts.parent_pid;
  header.begin = to_file(facts.begin);
  header.reference = to_file(facts.reference);
  header.process_begin = facts.process_begin.count();
  header.first_dropped_ticks = kNoTicks;
  header.is_ring = is_ring() ? 1 : 0;
  header.start_method_length = static_cast<std::uint32_t>(facts.start_method.size());
  std::ranges::copy(facts.start_method, header.start_method.begin());
  header.metadata_length = static_cast<std::uint32_t>(facts.metadata.size());
  std::ranges::copy(facts.metadata, header.metadata.begin());
  // Last, after all that it vouches for: a process may be killed in between.
  std::atomic_signal_fence(std::memory_order_release);
  header.magic = kFileMagic;
  return 0;
}

// A program that becomes a daemon closes all descriptors, and its next files get their numbers: never write
// to one of these. The file is opened again by its path.
bool ProcessFile::is_own_descriptor() noexcept {
  const auto is_own = [this](int file) {
    struct stat status{};
    return fstat(file, &status) == 0 && status.st_dev == device_ && status.st_ino == inode_;
  };
  if (is_own(file_.load(std::memory_order_relaxed))) return true;
  const int again = open_file(live_.data(), kOldFile);
  if (again < 0) return false;
  if (!is_own(again)) {
    syscall(SYS_close, again);
    return false;
  }
  file_.store(again, std::memory_order_relaxed);
  return true;
}

std::uint32_t ProcessFile::take_block() noexcept {
  if (!budget_->take(kBlockSize)) return 0;
  if (const std::uint32_t spare = spare_block_.exchange(0, std::memory_order_relaxed); spare != 0)
    return spare;
  const std::uint32_t block = next_block_.fetch_add(1, std::memory_order_relaxed);
  if (block < kMaxBlocks) return block;
  next_block_.fetch_sub(1, std::memory_order_relaxed);
  budget_->give_back(kBlockSize);
  return 0;
}

// What a failed write left in it is in no list. Several at once: all but one become holes, which take no
// space.
void ProcessFile::give_back_block(std::uint32_t block) noexcept {
  spare_block_.store(block, std::memory_order_relaxed);
  budget_->give_back(kBlockSize);
}

BlockHeader* ProcessFile::add_home() noexcept {
  if (!is_own_descriptor()) return nullptr;
  const std::uint32_t block = take_block();
  if (block == 0) return nullptr;
  void* const memory =
      system_->reserve(file_, offset_of(block), kBlockSize) == 0 ? map_block(file_, block) : nullptr;
  if (memory == nullptr) {
    give_back_block(block);
    return nullptr;
  }
  auto* const home = static_cast<BlockHeader*>(memory);
  *home = {.magic = kBlockMagic, .stream = block};
  return home;
}

void ProcessFile::publish_home(BlockHeader& home) noexcept {
  const std::atomic_ref first(header_->first_stream);
  std::uint32_t next = first.load(std::memory_order_relaxed);
  do {
    home.next_stream = next;
    // Release: whoever follows the list (a reader of what a kill left) finds the home written.
  } while (
      !first.compare_exchange_weak(next, home.stream, std::memory_order_release, std::memory_order_relaxed));
}

void ProcessFile::unmap_home(BlockHeader& home) noexcept { munmap(&home, kBlockSize); }

bool ProcessFile::spill(BlockHeader& home, std::uint32_t& previous, std::uint64_t last_ticks) noexcept {
  if (!is_own_descriptor()) return false;
  if (is_ring()) return spill_in_ring(home, last_ticks);
  const std::uint32_t block = take_block();
  if (block == 0) return false;
  int error = system_->write(file_, &home, kBlockSize, offset_of(block));
  // Linked when it is whole: killed before, the home has the events; after, both have, and the reader sees it
  // by the number of the part.
  if (error == 0 && previous != 0) {
    error = system_->write(file_, &block, sizeof block, offset_of(previous) + offsetof(BlockHeader, next));
  }
  if (error != 0) {
    give_back_block(block);
    return false;
  }
  if (previous == 0) std::atomic_ref(home.first).store(block, std::memory_order_release);
  previous = block;
  return true;
}

// All are made before the first is written over: so they are as old as their numbers say, and homes in
// between are passed over. Where threads of several GILs come at once each has its own.
std::uint32_t ProcessFile::take_ring_block() noexcept {
  if (parts_.load(std::memory_order_relaxed) < ring_parts_ &&
      parts_.fetch_add(1, std::memory_order_relaxed) < ring_parts_) {
    return take_block();
  }
  const std::uint32_t blocks = next_block_.load(std::memory_order_relaxed);
  for (std::uint32_t tries = 0; tries < 2 * blocks; ++tries) {
    std::uint32_t block = oldest_.load(std::memory_order_relaxed);
    const std::uint32_t next = block + 1 < blocks ? block + 1 : 1;
    if (!oldest_.compare_exchange_weak(block, next, std::memory_order_relaxed)) continue;
    BlockHeader old{};
    // By number, as open_file().
    const auto size =
        syscall(SYS_pread64, file_.load(std::memory_order_relaxed), &old, sizeof old, offset_of(block));
    if (size != sizeof old) return 0;
    if (old.magic != kBlockMagic) return block;  // its writer has failed
    if (old.stream == block) continue;
    lose_until(old.last_ticks);
    return block;
  }
  return 0;
}

bool ProcessFile::spill_in_ring(BlockHeader& home, std::uint64_t last_ticks) noexcept {
  home.last_ticks = last_ticks;
  if (write_part(home, take_ring_block())) return true;
  parts_ = ring_parts_;  // there is no space for more of them
  return write_part(home, take_ring_block());
}

// In this order: who reads in between, or after a kill, finds no part there, or a whole one; and the home has
// it still.
bool ProcessFile::write_part(const BlockHeader& home, std::uint32_t block) noexcept {
  if (block == 0) return false;
  constexpr std::uint32_t kNothing = 0;
  static_assert(offsetof(BlockHeader, magic) == 0);
  const auto* const bytes = reinterpret_cast<const std::byte*>(&home);
  const std::uint64_t offset = offset_of(block);
  int error = system_->write(file_, &kNothing, sizeof kNothing, offset);
  if (error == 0) {
    error = system_->write(file_, bytes + kBlockHeaderSize, kPayloadSize, offset + kBlockHeaderSize);
  }
  if (error == 0) error = system_->write(file_, bytes, kBlockHeaderSize, offset);
  return error == 0;
}

void ProcessFile::lose_until(std::uint64_t ticks) noexcept {
  const std::atomic_ref until(header_->lost_until);
  std::uint64_t latest = until.load(std::memory_order_relaxed);
  while (ticks > latest && !until.compare_exchange_weak(latest, ticks, std::memory_order_release)) {
  }
}

void ProcessFile::note_owner(GilId gil, std::int64_t interpreter) noexcept {
  const auto id = static_cast<std::uint32_t>(gil);
  const std::uint64_t entry = (std::uint64_t{id} + 1) << 32U | static_cast<std::uint32_t>(interpreter);
  owners_[id % owners_.size()].store(entry, std::memory_order_relaxed);
}

std::optional<std::int64_t> ProcessFile::owner_of(GilId gil) const noexcept {
  const auto id = static_cast<std::uint32_t>(gil);
  const std::uint64_t entry = owners_[id % owners_.size()].load(std::memory_order_relaxed);
  if (entry >> 32U != std::uint64_t{id} + 1) return std::nullopt;
  return static_cast<std::int64_t>(entry & 0xffff'ffffU);
}

FileDrops* ProcessFile::find_drops(ThreadId thread) noexcept {
  const auto wanted = static_cast<std::uint32_t>(thread);
  for (FileDrops& entry : header_->drops) {
    std::uint32_t is_used = 0;
    // 1 while its thread is being written, 2 when it is there; relaxed suffices for a thread's own entry, and
    // release is for the reader after a kill.
    if (std::atomic_ref(entry.is_used)
            .compare_exchange_strong(is_used, 1, std::memory_order_acquire, std::memory_order_acquire)) {
      entry.thread = wanted;
      std::atomic_ref(entry.is_used).store(2, std::memory_order_release);
      return &entry;
    }
    if (is_used == 2 && entry.thread == wanted) return &entry;
  }
  return nullptr;
}

void ProcessFile::count_drop(ThreadId thread, std::uint64_t ticks) noexcept {
  // The last one found, as drops come in rows.
  struct Latest {
    std::uint64_t file = 0;
    FileDrops* drops = nullptr;
  };
  thread_local constinit Latest latest __attribute__((tls_model("initial-exec")));
  const auto id = static_cast<std::uint32_t>(thread);
  if (latest.file != number_ || latest.drops == nullptr || latest.drops->thread != id) {
    latest = {number_, find_drops(thread)};
  }
  // Relaxed, here and below: counts; nobody acts on one while events are recorded.
  std::uint64_t& count = latest.drops != nullptr ? latest.drops->count : header_->other_drops;
  std::atomic_ref(count).fetch_add(1, std::memory_order_relaxed);
  if (is_ring()) return lose_until(ticks);
  const std::atomic_ref first(header_->first_dropped_ticks);
  std::uint64_t earliest = first.load(std::memory_order_relaxed);
  while (ticks < earliest && !first.compare_exchange_weak(earliest, ticks, std::memory_order_relaxed)) {
  }
}

std::uint64_t ProcessFile::dropped_events() const noexcept {
  if (header_ == nullptr) return 0;
  std::uint64_t sum = std::atomic_ref(header_->other_drops).load(std::memory_order_relaxed);
  for (FileDrops& entry : header_->drops) {
    sum += std::atomic_ref(entry.count).load(std::memory_order_relaxed);
  }
  return sum;
}

std::uint64_t ProcessFile::size() const noexcept {
  return header_ == nullptr ? 0 : offset_of(next_block_.load(std::memory_order_relaxed));
}

void ProcessFile::finish(const ClockPoint& end, std::uint64_t events) noexcept {
  struct stat status{};
  if (header_ != nullptr && is_own_descriptor() && fstat(file_, &status) == 0) {
    header_->end = to_file(end);
    header_->events = events;
    header_->blocks = static_cast<std::uint32_t>(status.st_size / kBlockSize);
    std::atomic_ref(header_->is_finished).store(1, std::memory_order_release);  // vouches for the three
  }
  const bool is_there = header_ != nullptr;
  abandon();
  if (is_there) rename(live_.data(), path_.data());  // where it fails, readers find it all the same
}

void ProcessFile::abandon() noexcept {
  if (header_ != nullptr) munmap(header_, kBlockSize);
  header_ = nullptr;
  const int file = file_.exchange(-1);
  struct stat status{};
  if (file < 0 || fstat(file, &status) != 0) return;
  // The number may be somebody else's file by now.
  if (status.st_dev == device_ && status.st_ino == inode_) syscall(SYS_close, file);
}

}  // namespace gilscope
