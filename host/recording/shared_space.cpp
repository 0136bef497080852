#include "recording/shared_space.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <limits>
#include <new>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

#include <fmt/core.h>

#include "analysis/cell.h"
#include "recording/shared_lock.h"
#include "support/error.h"

namespace gilscope {
namespace {

constexpr std::size_t kPage = 4096;
constexpr std::size_t kOwnerBytes = SharedSpace::kSlots * sizeof(std::uint64_t);
constexpr std::size_t kHeaderBytes = SharedSpace::kHeaderBytes;
static_assert(kHeaderBytes == kPage + SharedSpace::kCommonBytes + kOwnerBytes);
constexpr std::uint64_t kMagic = 0x3365'7061'6373'6C67;  // "glscape3"
// Of any size but this one, which it has for ever, a read of the mapping could be SIGBUS.
constexpr unsigned kSeals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;
// No machine has more processes: what says more is damaged.
constexpr std::uint64_t kMaxRefused = std::uint64_t{1} << 22U;
// Scripts expect the first numbers for themselves.
constexpr int kFirstDescriptor = 200;

std::byte* map(int file, std::size_t offset, std::size_t size, std::byte* at = nullptr,
               SharedSpace::Access access = SharedSpace::Access::Write) noexcept {
  const int flags = MAP_SHARED | MAP_NORESERVE | (at == nullptr ? 0 : MAP_FIXED);
  const int protection = access == SharedSpace::Access::Read ? PROT_READ : PROT_READ | PROT_WRITE;
  void* const mapping = mmap(at, size, protection, flags, file, static_cast<off_t>(offset));
  return mapping == MAP_FAILED ? nullptr : static_cast<std::byte*>(mapping);
}

// Of a slot: who has it. 0: nobody yet; else a process's id, from when it took it.
constexpr std::uint64_t kPid = std::numeric_limits<std::int32_t>::max();
constexpr std::uint64_t kFree = std::uint64_t{1} << 63U;  // given back
constexpr std::uint64_t kKept = std::uint64_t{1}
                                << 62U;  // who has it nobody else can tell, or it is not to be folded
constexpr std::uint64_t kIsSum = std::uint64_t{1} << 61U;   // of the number in kSumShift
constexpr std::uint64_t kIsPart = std::uint64_t{1} << 60U;  // likewise: it is to become one
constexpr unsigned kSumShift = 40;

std::size_t sum_in(std::uint64_t owner) noexcept { return (owner >> kSumShift) % SharedSpace::kSums; }
std::uint64_t is_in(std::size_t sum) noexcept { return std::uint64_t{sum} << kSumShift; }

// In which a process's number is what others know it by; 0: nobody knows.
std::uint64_t read_pid_namespace() noexcept {
  struct stat status{};
  return stat("/proc/self/ns/pid", &status) == 0 ? status.st_ino : 0;
}

bool has_process_ended(std::uint64_t owner) noexcept {
  const bool is_known = owner > 0 && owner <= kPid;
  return is_known && kill(static_cast<pid_t>(owner), 0) != 0 && errno == ESRCH;
}

Error failed(std::string_view what) {
  return {fmt::format("no memory to record child processes in: {}: {}", what, std::strerror(errno)), ""};
}

FileDescriptor move_up(FileDescriptor file) {
  const int moved = fcntl(file.get(), F_DUPFD_CLOEXEC, kFirstDescriptor);
  return moved < 0 ? std::move(file) : FileDescriptor(moved);
}

}  // namespace

struct SharedSpace::Header {
  Cell magic;
  Cell slot_bytes;
  Cell device;
  Cell inode;
  Cell taken;  // by atomic addition, relaxed: a number for each is all that matters
  Cell refused;
  Cell pid_namespace;  // of the process that made it
  Cell to_fold;        // once so many slots are in use
  SharedLock lock;     // for the next, and for owners that change from one that is not 0 or kFree
  Cell pending;  // slot + 1 of a sum that is being built, or that stands for its parts until they are free
  std::array<Cell, kSums> sums;  // slot + 1; 0: there is none yet
};
static_assert(sizeof(Cell) == sizeof(std::uint64_t));

SharedSpace::SharedSpace(FileDescriptor file, Header* header, std::size_t slot_bytes,
                         const struct stat& identity) noexcept
    : file_(std::move(file)),
      header_(header),
      slot_bytes_(slot_bytes),
      device_(identity.st_dev),
      inode_(identity.st_ino) {}

SharedSpace::SharedSpace(SharedSpace&& other) noexcept
    : file_(std::move(other.file_)),
      header_(std::exchange(other.header_, nullptr)),
      slot_bytes_(other.slot_bytes_),
      device_(other.device_),
      inode_(other.inode_),
      slot_(std::exchange(other.slot_, nullptr)),
      slot_number_(other.slot_number_) {}

SharedSpace::~SharedSpace() {
  if (header_ == nullptr) return;
  if (!is_still_ours()) file_.release();
  if (slot_ != nullptr) munmap(slot_, slot_bytes_);
  munmap(header_, kHeaderBytes);
}

SharedSpace SharedSpace::create(std::size_t slot_bytes) {
  const std::size_t size = kHeaderBytes + kSlots * slot_bytes;
  rlimit limit{};
  getrlimit(RLIMIT_FSIZE, &limit);
  // Beyond it the kernel would not only refuse, but end the process (SIGXFSZ).
  if (limit.rlim_cur != RLIM_INFINITY && limit.rlim_cur < size) {
    errno = EFBIG;
    throw failed("RLIMIT_FSIZE");
  }
  auto file = move_up(FileDescriptor(memfd_create("gilscope", MFD_CLOEXEC | MFD_ALLOW_SEALING)));
  if (file.get() < 0) throw failed("memfd_create");
  if (ftruncate(file.get(), static_cast<off_t>(size)) != 0) throw failed("ftruncate");
  if (fcntl(file.get(), F_ADD_SEALS, kSeals) != 0) throw failed("F_ADD_SEALS");
  struct stat status{};
  fstat(file.get(), &status);
  auto* const header = reinterpret_cast<Header*>(map(file.get(), 0, kHeaderBytes));
  if (header == nullptr) throw failed("mmap");
  header->slot_bytes.set(slot_bytes);
  header->device.set(status.st_dev);
  header->inode.set(status.st_ino);
  header->pid_namespace.set(read_pid_namespace());
  header->to_fold.set(kFew);
  header->lock.begin();
  header->magic.set(kMagic);
  return {std::move(file), header, slot_bytes, status};
}

std::optional<SharedSpace> SharedSpace::open(const std::string& path, std::size_t slot_bytes) noexcept {
  return open_as(path, slot_bytes, Access::Write);
}

std::optional<SharedSpace> SharedSpace::look(const std::string& path, std::size_t slot_bytes) noexcept {
  return open_as(path, slot_bytes, Access::Read);
}

std::optional<SharedSpace> SharedSpace::open_as(const std::string& path, std::size_t slot_bytes,
                                                Access access) noexcept {
  const int flags =
      access == Access::Read ? O_RDONLY | O_CLOEXEC | O_NONBLOCK : O_RDWR | O_CLOEXEC | O_NONBLOCK;
  // Not a pipe, at which open() would wait for others. NOLINTNEXTLINE(cppcoreguidelines-pro-type-vararg)
  auto file = move_up(FileDescriptor(::open(path.c_str(), flags)));
  struct stat status{};
  const auto size = static_cast<off_t>(kHeaderBytes + kSlots * slot_bytes);
  // The number may be another file's by now: only a file of just this size is looked into.
  if (file.get() < 0 || fstat(file.get(), &status) != 0 || status.st_size != size) return std::nullopt;
  const int seals = fcntl(file.get(), F_GET_SEALS);  // -1 of a file that has a name
  if (seals < 0 || (static_cast<unsigned>(seals) & kSeals) != kSeals) return std::nullopt;
  auto* const header = reinterpret_cast<Header*>(map(file.get(), 0, kHeaderBytes, nullptr, access));
  if (header == nullptr) return std::nullopt;
  SharedSpace space(std::move(file), header, slot_bytes, status);
  const bool is_one = header->magic.read() == kMagic && header->slot_bytes.read() == slot_bytes;
  const bool is_itself = header->device.read() == status.st_dev && header->inode.read() == status.st_ino;
  if (!is_one || !is_itself) return std::nullopt;
  return space;
}

std::byte* SharedSpace::common() const noexcept { return reinterpret_cast<std::byte*>(header_) + kPage; }

std::string SharedSpace::path() const { return fmt::format("/proc/{}/fd/{}", getpid(), file_.get()); }

bool SharedSpace::is_still_ours() const noexcept {
  struct stat status{};
  return fstat(file_.get(), &status) == 0 && status.st_dev == device_ && status.st_ino == inode_;
}

std::atomic_ref<std::uint64_t> SharedSpace::owner_of(std::uint64_t slot) const noexcept {
  auto* const owners = reinterpret_cast<std::uint64_t*>(common() + kCommonBytes);
  return std::atomic_ref(owners[slot % kSlots]);
}

std::uint64_t SharedSpace::owner_of_this_process() const noexcept {
  const auto space = read_pid_namespace();
  const bool is_known = space != 0 && space == header_->pid_namespace.read();
  return static_cast<std::uint64_t>(getpid()) | (is_known ? 0 : kKept);
}

// One that was given back, or a fresh one.
std::optional<std::uint64_t> SharedSpace::take_slot(std::uint64_t owner) noexcept {
  // A slot that cannot be mapped is not taken: who is refused is not counted among the claimed as well.
  if (!is_still_ours()) return std::nullopt;
  for (std::uint64_t slot = 0; slot < claimed(); ++slot) {
    auto free = kFree;
    if (owner_of(slot).load(std::memory_order_relaxed) == kFree &&
        owner_of(slot).compare_exchange_strong(free, owner)) {
      return slot;
    }
  }
  const std::atomic_ref taken(header_->taken.raw);
  for (auto slot = taken.load(std::memory_order_relaxed); slot < kSlots;) {
    if (!taken.compare_exchange_weak(slot, slot + 1)) continue;
    // Nobody else takes one whose owner is 0.
    owner_of(slot).store(owner);
    return slot;
  }
  return std::nullopt;
}

void SharedSpace::count_refused() noexcept {
  std::atomic_ref(header_->refused.raw).fetch_add(1, std::memory_order_relaxed);
}

std::byte* SharedSpace::claim() noexcept {
  // The first process's is read by others when it has ended.
  const bool is_first = claimed() == 0;
  if (const auto slot = take_slot(owner_of_this_process() | (is_first ? kKept : 0))) {
    slot_ = map(file_.get(), offset_of(*slot), slot_bytes_);
    slot_number_ = *slot;
  } else {
    count_refused();
  }
  return slot_;
}

bool SharedSpace::claim_anew() noexcept {
  const auto slot = take_slot(owner_of_this_process());
  slot_number_ = slot.value_or(kSlots);
  if (!slot) count_refused();
  if (slot && map(file_.get(), offset_of(*slot), slot_bytes_, slot_) != nullptr) return true;
  leave();
  return false;
}

void SharedSpace::leave() noexcept {
  slot_number_ = kSlots;
  // It takes the place of a mapping: what could fail, that of the first one would have.
  [[maybe_unused]] void* const zeros = mmap(slot_, slot_bytes_, PROT_READ | PROT_WRITE,
                                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
}

std::uint64_t SharedSpace::claimed() const noexcept { return std::min(header_->taken.read(), kSlots); }

std::uint64_t SharedSpace::refused() const noexcept { return std::min(header_->refused.read(), kMaxRefused); }

bool SharedSpace::is_to_fold() const noexcept {
  const auto few = std::max(header_->to_fold.read(), kFew);
  if (claimed() < few) return false;
  std::uint64_t in_use = 0;
  for (std::uint64_t slot = 0; slot < claimed(); ++slot) {
    if (owner_of(slot).load(std::memory_order_relaxed) != kFree) ++in_use;
  }
  return in_use >= few;
}

void SharedSpace::fold(Folder& folder) noexcept {
  const auto space = read_pid_namespace();
  if (space == 0 || space != header_->pid_namespace.read() || !is_still_ours()) return;
  if (!header_->lock.try_lock()) return;
  try {
    finish_fold();
    choose(folder);
    for (std::size_t sum = 0; sum < kSums; ++sum) {
      const auto slot = has_parts(sum) ? take_slot(kIsSum | is_in(sum)) : std::nullopt;
      if (!slot) continue;
      header_->pending.set(*slot + 1);
      if (build(folder, sum, *slot)) header_->sums.at(sum).set(*slot + 1);  // from here on it stands for them
      finish_fold();
    }
  } catch (const std::bad_alloc&) {
    finish_fold();
  }
  std::uint64_t left = 0;
  for (std::uint64_t slot = 0; slot < claimed(); ++slot) {
    const auto owner = owner_of(slot);
    const auto was = owner.load();
    if (was != kFree) ++left;
    if ((was & kIsPart) != 0) owner.store(was & kPid);
  }
  // Once so many more have come that it is worth to look for those that have ended.
  header_->to_fold.set(std::clamp(2 * left, kFew, kSlots));
  header_->lock.unlock();
}

void SharedSpace::choose(Folder& folder) {
  for (std::uint64_t slot = 0; slot < claimed(); ++slot) {
    const auto owner = owner_of(slot);
    const auto pid = owner.load() & ~(kIsPart | is_in(kSums - 1));
    if (!has_process_ended(pid)) continue;
    const View view(*this, slot);
    if (view.data() == nullptr) return;
    const auto sum = folder.sum_of(view.data());
    if (!sum) {
      owner.store(pid | kKept);
    } else if (*sum == Folder::kNothing) {
      give_back(slot);
    } else {
      owner.store(pid | kIsPart | is_in(*sum));
    }
  }
}

bool SharedSpace::is_part_of(std::size_t sum, std::uint64_t slot) const noexcept {
  return (owner_of(slot).load() & ~kPid) == (kIsPart | is_in(sum));
}

bool SharedSpace::has_parts(std::size_t sum) const noexcept {
  for (std::uint64_t slot = 0; slot < claimed(); ++slot) {
    if (is_part_of(sum, slot)) return true;
  }
  return false;
}

// In `slot`, of zeros, what the sum is to be; false where that cannot be.
bool SharedSpace::build(Folder& folder, std::size_t sum, std::uint64_t slot) {
  const View built(*this, slot);
  const auto add = [&](std::uint64_t part) {
    const View view(*this, part);
    return view.data() != nullptr && folder.add(built.data(), view.data());
  };
  if (built.data() == nullptr) return false;
  const auto before = header_->sums.at(sum).get();
  if (before != 0 && before <= claimed() && !add(before - 1)) return false;
  for (std::uint64_t part = 0; part < claimed(); ++part) {
    if (is_part_of(sum, part) && !add(part)) return false;
  }
  return true;
}

bool SharedSpace::is_part_of_a_finished_sum(std::uint64_t owner) const noexcept {
  const auto pending = header_->pending.read();
  return (owner & kIsPart) != 0 && pending != 0 && header_->sums.at(sum_in(owner)).read() == pending;
}

std::uint64_t SharedSpace::version() const noexcept { return header_->lock.version.read(); }

bool SharedSpace::counts(std::uint64_t slot) const noexcept {
  const auto owner = owner_of(slot).load();
  if (owner == 0 || owner == kFree) return false;
  if ((owner & kIsSum) != 0) return header_->sums.at(sum_in(owner)).read() == slot + 1;
  return !is_part_of_a_finished_sum(owner);
}

// What somebody was killed in the middle of, too.
void SharedSpace::finish_fold() noexcept {
  for (std::uint64_t slot = 0; slot < claimed(); ++slot) {
    const auto owner = owner_of(slot).load();
    const bool is_old_sum = (owner & kIsSum) != 0 && !counts(slot);
    if (owner != kFree && (is_old_sum || is_part_of_a_finished_sum(owner))) give_back(slot);
  }
  header_->pending.set(0);
}

// Zeros again, and no memory. Where there is no way to do that it is nobody's for ever.
void SharedSpace::give_back(std::uint64_t slot) noexcept {
  const auto begin = static_cast<off_t>(offset_of(slot));
  const bool is_done = fallocate(file_.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, begin,
                                 static_cast<off_t>(slot_bytes_)) == 0;
  owner_of(slot).store(is_done ? kFree : 0);
}

// Somebody may have stopped the one that folds: then slots are as before, or as after.
SharedSpace::Reading::Reading(const SharedSpace& space) noexcept
    : space_(space), is_locked_(space.header_->lock.lock_within(std::chrono::seconds(2))) {}

SharedSpace::Reading::~Reading() {
  if (is_locked_) space_.header_->lock.unlock();
}

SharedSpace::View::View(const SharedSpace& space, std::uint64_t slot, Access access) noexcept
    : data_(map(space.file_.get(), space.offset_of(slot), space.slot_bytes_, nullptr, access)),
      size_(space.slot_bytes_) {}

SharedSpace::View::~View() {
  if (data_ != nullptr) munmap(data_, size_);
}

}  // namespace gilscope
