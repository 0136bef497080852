#include "recording/stack_store.h"

#include <algorithm>
#include <atomic>
#include <string>
#include <type_traits>

#include "capture/stack_interner.h"

namespace gilscope {
namespace {

static_assert(std::is_trivially_default_constructible_v<StackStore> &&
                  std::is_trivially_destructible_v<StackStore>,
              "never constructed: pages of zeros are valid ones");

constexpr int kTries = 1000;

constexpr std::uint32_t kNotYet = StackTable::kNotNow;

// May not wait: whoever has it may have lost its CPU.
class TryLock {
 public:
  explicit TryLock(std::uint32_t& lock) noexcept : lock_(lock) {
    for (int i = 0; i < kTries && !is_ours_; ++i) {
      is_ours_ = lock_.exchange(1, std::memory_order_acquire) == 0;
    }
  }
  ~TryLock() {
    if (is_ours_) lock_.store(0, std::memory_order_release);
  }
  TryLock(const TryLock&) = delete;
  TryLock& operator=(const TryLock&) = delete;
  TryLock(TryLock&&) = delete;
  TryLock& operator=(TryLock&&) = delete;

  explicit operator bool() const noexcept { return is_ours_; }

 private:
  std::atomic_ref<std::uint32_t> lock_;
  bool is_ours_ = false;
};

}  // namespace

struct StackStore::Sink {
  StackStore& store;

  static constexpr std::uint32_t kRefusal = StackTable::kNever;

  [[nodiscard]] bool has_room_for(std::size_t text_bytes) const noexcept {
    return store.text_used + text_bytes <= kTextBytes;
  }
  Text tell_text(std::string_view words) noexcept {
    const Text told{store.text_used, static_cast<std::uint32_t>(words.size())};
    words.copy(store.text.data() + told.begin, words.size());
    store.text_used += told.bytes;
    return told;
  }
  [[nodiscard]] bool tell_file(std::string_view path) noexcept {
    if (store.files_used == kFiles || !has_room_for(path.size())) return false;
    store.files.at(store.files_used++) = tell_text(path);
    return true;
  }
  [[nodiscard]] bool has_room_for_place(const CodeWords& words) const noexcept {
    return store.places_used < kPlaces && has_room_for(words.function_bytes);
  }
  void tell_place(std::uint32_t file, const CodeWords& words) noexcept {
    store.places.at(store.places_used++) = {
        .file = file, .line = words.line, .function = tell_text(words.function())};
  }
  [[nodiscard]] bool tell_stack(std::span<const std::uint32_t> stack) noexcept {
    const auto number = store.stacks_used.get();
    if (number >= kStacks || store.stack_places_used + stack.size() > kStackPlaces) return false;
    store.stacks.at(number) = {store.stack_places_used, static_cast<std::uint32_t>(stack.size())};
    std::ranges::copy(stack, store.stack_places.begin() + store.stack_places_used);
    store.stack_places_used += static_cast<std::uint32_t>(stack.size());
    store.stacks_used.set(number + 1);
    return true;
  }
};

std::optional<std::uint32_t> StackStore::number_of(GilId gil, std::span<const CodePoint> stack,
                                                   const CodeReader& reader) noexcept {
  const std::uint64_t key = key_of(gil, stack);
  const TryLock locked(lock);
  if (!locked) return std::nullopt;
  Sink sink{*this};
  return intern_stack(numbers, sink, gil, stack, reader, key);
}

std::string_view StackStore::read_text(const Text& text_of) const noexcept {
  const std::size_t begin = std::min<std::size_t>(text_of.begin, kTextBytes);
  return {text.data() + begin, std::min<std::size_t>(text_of.bytes, kTextBytes - begin)};
}

StackStore::Adoption::Adoption(StackStore& into, const StackStore& of)
    : into_(into),
      of_(of),
      places_(kPlaces, kNotYet),
      stacks_(std::min<std::size_t>(of.stacks_used.read(), kStacks), kNotYet) {}

std::optional<std::uint32_t> StackStore::Adoption::number_of(std::uint32_t number) noexcept {
  if (number >= stacks_.size()) return std::nullopt;
  std::uint32_t& known = stacks_[number];
  if (known == kNotYet) known = adopt(of_.stacks.at(number));
  return StackTable::is_number(known) ? std::optional(known) : std::nullopt;
}

std::uint32_t StackStore::Adoption::adopt_place(std::uint32_t place) noexcept {
  std::uint32_t& known = places_[std::min<std::size_t>(place, kPlaces - 1)];
  if (known != kNotYet) return known;
  const Place& told = of_.places.at(std::min<std::size_t>(place, kPlaces - 1));
  const auto file = of_.read_text(of_.files.at(std::min<std::size_t>(told.file, kFiles - 1)));
  const auto function = of_.read_text(told.function);
  CodeWords words;  // NOLINT(cppcoreguidelines-pro-type-member-init): what is read of it is written here
  words.line = told.line;
  words.file_bytes = file.copy(words.file_text.data(), words.file_text.size());
  words.function_bytes = function.copy(words.function_text.data(), words.function_text.size());
  Sink sink{into_};
  known = intern_words(into_.numbers, sink, words);
  return known;
}

std::uint32_t StackStore::Adoption::adopt(const Stack& stack) noexcept {
  const std::size_t begin = std::min<std::size_t>(stack.begin, kStackPlaces - 1);
  const std::size_t size =
      std::clamp<std::size_t>(stack.places, 1, std::min(kStackPlaces - begin, kMaxFrames));
  std::array<std::uint32_t, kMaxFrames> told{};
  const auto adopted = std::span(told).first(size);
  for (std::size_t i = 0; i < size; ++i) {
    adopted[i] = adopt_place(of_.stack_places.at(begin + i));
    if (!StackTable::is_number(adopted[i])) return StackTable::kNever;
  }
  Sink sink{into_};
  return intern_numbers(into_.numbers, sink, adopted);
}

std::vector<StackId> StackStore::read(CodeStacks& known) const {
  std::vector<StackId> ids;
  std::vector<std::optional<PlaceId>> place_ids;
  const auto id_of = [&](std::uint32_t told) {
    const std::size_t number = std::min<std::size_t>(told, kPlaces - 1);
    if (number >= place_ids.size()) place_ids.resize(number + 1);
    auto& id = place_ids[number];
    if (!id) {
      const Place& place = places[number];
      const Text& file = files[std::min<std::size_t>(place.file, kFiles - 1)];
      id = known.add(CodePlace{.file = std::string(read_text(file)),
                               .function = std::string(read_text(place.function)),
                               .line = place.line});
    }
    return *id;
  };
  const auto end = std::min<std::uint64_t>(stacks_used.read(), kStacks);
  for (const Stack& stack : std::span(stacks).first(end)) {
    const std::size_t begin = std::min<std::size_t>(stack.begin, kStackPlaces - 1);
    const std::size_t size = std::clamp<std::size_t>(stack.places, 1, kStackPlaces - begin);
    std::vector<PlaceId> ids_of_places;
    for (const auto number : std::span(stack_places).subspan(begin, std::min(size, kMaxFrames))) {
      ids_of_places.push_back(id_of(number));
    }
    ids.push_back(known.add(std::move(ids_of_places)));
  }
  return ids;
}

}  // namespace gilscope
