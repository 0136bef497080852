#include "recording/shared_space.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

#include <fmt/core.h>

#include "analysis/cell.h"
#include "support/error.h"

namespace gilscope {
namespace {

constexpr std::size_t kPage = 4096;
constexpr std::size_t kHeaderBytes = kPage + SharedSpace::kCommonBytes;
constexpr std::uint64_t kMagic = 0x3165'7061'6373'6C67;  // "glscape1"
// Of any size but this one, which it has for ever, a read of the mapping could be SIGBUS.
constexpr unsigned kSeals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;
// No machine has more processes: what says more is damaged.
constexpr std::uint64_t kMaxRefused = std::uint64_t{1} << 22U;
// Scripts expect the first numbers for themselves.
constexpr int kFirstDescriptor = 200;

std::byte* map(int file, std::size_t offset, std::size_t size, std::byte* at = nullptr) noexcept {
  const int flags = MAP_SHARED | MAP_NORESERVE | (at == nullptr ? 0 : MAP_FIXED);
  void* const mapping = mmap(at, size, PROT_READ | PROT_WRITE, flags, file, static_cast<off_t>(offset));
  return mapping == MAP_FAILED ? nullptr : static_cast<std::byte*>(mapping);
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
};

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
  header->magic.set(kMagic);
  return {std::move(file), header, slot_bytes, status};
}

std::optional<SharedSpace> SharedSpace::open(const std::string& path, std::size_t slot_bytes) noexcept {
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-vararg)
  auto file = move_up(FileDescriptor(::open(path.c_str(), O_RDWR | O_CLOEXEC)));
  struct stat status{};
  const auto size = static_cast<off_t>(kHeaderBytes + kSlots * slot_bytes);
  // The number may be another file's by now: only a file of just this size is looked into.
  if (file.get() < 0 || fstat(file.get(), &status) != 0 || status.st_size != size) return std::nullopt;
  const int seals = fcntl(file.get(), F_GET_SEALS);  // -1 of a file that has a name
  if (seals < 0 || (static_cast<unsigned>(seals) & kSeals) != kSeals) return std::nullopt;
  auto* const header = reinterpret_cast<Header*>(map(file.get(), 0, kHeaderBytes));
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

std::optional<std::uint64_t> SharedSpace::take_slot() noexcept {
  // A slot that cannot be mapped is not taken: who is refused is not counted among the claimed as well.
  if (is_still_ours()) {
    const auto slot = std::atomic_ref(header_->taken.raw).fetch_add(1, std::memory_order_relaxed);
    if (slot < kSlots) return slot;
  }
  count_refused();
  return std::nullopt;
}

void SharedSpace::count_refused() noexcept {
  std::atomic_ref(header_->refused.raw).fetch_add(1, std::memory_order_relaxed);
}

std::byte* SharedSpace::claim() noexcept {
  if (const auto slot = take_slot()) {
    slot_ = map(file_.get(), kHeaderBytes + *slot * slot_bytes_, slot_bytes_);
    slot_number_ = *slot;
  }
  return slot_;
}

bool SharedSpace::claim_anew() noexcept {
  const auto slot = take_slot();
  slot_number_ = slot.value_or(kSlots);
  if (slot && map(file_.get(), kHeaderBytes + *slot * slot_bytes_, slot_bytes_, slot_) != nullptr)
    return true;
  // It takes the place of a mapping: what could fail, that of the first one would have.
  [[maybe_unused]] void* const zeros = mmap(slot_, slot_bytes_, PROT_READ | PROT_WRITE,
                                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
  return false;
}

std::uint64_t SharedSpace::claimed() const noexcept { return std::min(header_->taken.read(), kSlots); }

std::uint64_t SharedSpace::refused() const noexcept { return std::min(header_->refused.read(), kMaxRefused); }

SharedSpace::View::View(const SharedSpace& space, std::uint64_t slot) noexcept
    : data_(map(space.file_.get(), kHeaderBytes + slot * space.slot_bytes_, space.slot_bytes_)),
      size_(space.slot_bytes_) {}

SharedSpace::View::~View() {
  if (data_ != nullptr) munmap(data_, size_);
}

}  // namespace gilscope
