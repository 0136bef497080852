// Waits for Python's locks: where threads waited, and where those stood who ended it. In memory that other
// processes may read, written by one thread at a time: all zero bits are none yet.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "probe/code_point.h"
#include "probe/spin_series.h"
#include "probe/world_pause.h"

namespace gilscope {

// For what a thread waits.
enum class WaitFor : std::uint8_t {
  Turn,  // another one has the lock
  Work,  // until another one does something: Condition.wait, Queue.get, Thread.join and what is built on them
  World,  // until the world goes on, which another one has stopped
};

// What the lock is, where that is known: of builds that are free-threaded (parking_lot.h).
enum class LockKind : std::uint8_t {
  Unknown,
  Lock,    // a threading.Lock
  Object,  // of an object, which one thread uses at a time
  Python,  // of CPython's own
  World,   // the world was stopped: by a collection of garbage, or what else needs all threads to stand
};
inline constexpr std::size_t kLockNameBytes = 40;
// As documents have it; "" of Unknown.
inline constexpr std::array<std::string_view, 5> kLockKinds{"", "lock", "object", "python", "world"};
[[nodiscard]] constexpr std::string_view name_of(LockKind kind) noexcept {
  return kLockKinds.at(static_cast<std::size_t>(kind));
}
[[nodiscard]] std::optional<LockKind> lock_kind_of(std::string_view name) noexcept;

// Where a thread stood, as its reader wants to know it.
struct LockPlace {
  static constexpr std::uint64_t kWaitsForWork = 1;
  static constexpr std::uint64_t kGivesWork = 2;  // who ends a wait there: it was for work,
  static constexpr std::uint64_t kGivesTurn = 3;  // or for a turn that he had himself, wherever it began

  std::uint64_t key;           // of its texts; 0: the place is free; set last
  std::uint64_t line;          // 0: unknown
  std::uint64_t work;          // one of those, or 0
  std::uint64_t lock_kind;     // a LockKind: of what it waited for
  std::array<char, 152> file;  // the user's; of a longer path its end; up to the first zero, as all here
  std::array<char, 72> function;
  std::array<char, 72> within;  // the library's function that stood there in the end; "": the user's own
  std::array<char, kLockNameBytes> lock_type;  // of an object: its type
};

// Waits at one place that ended at another one.
struct LockRow {
  std::uint64_t count;              // 0: the row is free; set last
  std::uint64_t place;              // number of a LockPlace
  std::uint64_t ended_at_plus_one;  // likewise; 0: unknown
  std::uint64_t ticks;
  std::uint64_t by_peers;                // of these: ended by who has waited for the same lock himself
  std::uint64_t longest;                 // ticks,
  std::uint64_t longest_begin;           // when that one began,
  std::uint64_t longest_thread;          // whose it was,
  std::uint64_t longest_ender;           // and who ended it; 0: unknown
  std::array<std::uint64_t, 4> threads;  // a bit for each that waited, by its id
};

// What a thread that lives has waited in all, and the wait that is on.
struct LockThread {
  std::uint64_t thread;       // 0: free; set last
  std::uint64_t turn_ticks;   // of waits that are over and whose place is known,
  std::uint64_t work_ticks;   // likewise
  std::uint64_t world_ticks;  // that it stood in a stopped world
  std::uint64_t since;        // when the one that is on began: ticks; 0: none is; set last
  std::uint64_t lock;         // what it is for,
  std::uint64_t place;        // and where: number of a LockPlace
  std::uint64_t identity;     // whose it is, as pthread_self() tells
  // Of a wait that has no time limit and goes on for long: when it was last looked at (ticks; 0: it was not;
  // set last), and what was found then, as HeldLocks has it.
  std::uint64_t looked;
  std::uint64_t owner;
  std::array<std::uint64_t, 4> held;
};

// Pauses of a stopped world that a thread asked for at one place.
struct StopRow {
  static constexpr std::uint64_t kCollection = 1;  // of garbage, by itself

  std::uint64_t count;           // 0: the row is free; set last
  std::uint64_t place_plus_one;  // number of a LockPlace; 0: unknown
  std::uint64_t why;             // one of those, or 0
  std::uint64_t ticks;
  std::uint64_t until_stood;              // of these: until all stood
  std::uint64_t lost;                     // by those who stood, together
  std::uint64_t longest;                  // ticks,
  std::uint64_t longest_begin;            // when that one began,
  std::uint64_t longest_thread;           // and who asked for it
  std::array<char, kLockNameBytes> call;  // what was called there; "": unknown
};

struct LockWait {
  std::uint32_t thread = 0;
  std::uint32_t ender = 0;  // 0: unknown
  std::uint64_t begin = 0;  // ticks
  std::uint64_t ticks = 0;
  bool is_by_peer = false;    // the ender has waited for the same lock before
  bool is_for_world = false;  // for the world to go on, and for no lock

  [[nodiscard]] std::uint64_t end() const noexcept { return begin + ticks; }
};

// A wait that has begun.
struct OpenWait {
  std::uint64_t since = 0;  // ticks
  std::uintptr_t lock = 0;  // its address
  std::size_t place = 0;
  std::uint64_t identity = 0;  // of the thread: pthread_self()
};

// What a thread is found to have, while it waits for a lock.
struct HeldLocks {
  // Of threading.Lock and RLock that it has taken by `with`: addresses; 0: none. More are not kept.
  std::array<std::uint64_t, 4> locks{};
  // Who has the lock that it waits for, as pthread_self() tells; 0: not known, as of all but an RLock.
  std::uint64_t owner = 0;
};

// What a LockPlace is of.
struct LockWords {
  std::string_view file;
  std::uint32_t line = 0;
  std::string_view function;
  std::string_view within;
  WaitFor wait_for = WaitFor::Turn;
  bool gives_work = false;  // whoever waits for what is called there
  bool gives_turn = false;  // likewise: one that he had
  bool is_by_call = false;  // that this waits for work is known by what is called there alone
  LockKind lock_kind = LockKind::Unknown;
  std::string_view lock_type;
};

// A step of a pause, and who asked for it.
struct WorldStop {
  PauseStep step;
  std::uint32_t thread = 0;
  std::uint64_t why = 0;  // as StopRow has it
  std::string_view call;
};

// By what the two places say: LockPlace::work.
[[nodiscard]] constexpr bool is_for_work(std::uint64_t began_at, std::uint64_t ended_at) noexcept {
  return ended_at == LockPlace::kGivesWork ||
         (began_at == LockPlace::kWaitsForWork && ended_at != LockPlace::kGivesTurn);
}

struct LockTable {
  static constexpr std::size_t kPlaces = 96;
  static constexpr std::size_t kRows = 128;
  static constexpr std::size_t kStops = 16;
  static constexpr std::size_t kNoPlace = kPlaces;
  static constexpr std::size_t kThreads = 1024;  // that live and have waited

  std::uint64_t others;         // waits that found no row or no place,
  std::uint64_t others_ticks;   // and their sum
  std::uint64_t is_watched;     // 0: nobody notes waits here
  std::uint64_t further_stops;  // that found no row, likewise,
  std::uint64_t further_stop_ticks;
  std::uint64_t spins;       // waits that ended while CPython tried again and again (spin_series.h),
  std::uint64_t spin_ticks;  // and their sum
  // The GIL that came back (gil_return.h): when, in ticks, 0: it did not; where, number of a LockPlace, 0:
  // unknown;
  std::uint64_t gil_since;  // set last
  std::uint64_t gil_place_plus_one;
  std::array<char, 104> gil_module;  // and by which module
  std::array<std::byte, 2640> unused;
  std::array<LockPlace, kPlaces> places;
  std::array<LockRow, kRows> rows;
  std::array<StopRow, kStops> stops;
  std::array<LockThread, kThreads> threads;

  // Its number; kNoPlace: there is no room.
  std::size_t find_or_add(const LockWords& words) noexcept;
  // A wait has begun.
  void begin(std::uint32_t thread, const OpenWait& wait) noexcept;
  // It goes on for long.
  void look(std::uint32_t thread, std::uint64_t ticks, const HeldLocks& found) noexcept;
  // It is over, and was for what is returned. `ended_at`: kNoPlace is unknown.
  WaitFor add(const LockWait& wait, std::size_t place, std::size_t ended_at) noexcept;
  void add(const WorldStop& stop, std::size_t place) noexcept;
  void add(const SpunWaits& spun) noexcept;
  // Only the first is kept.
  void note_gil(std::uint64_t since, std::size_t place, std::string_view module) noexcept;
  // The thread has ended.
  void forget(std::uint32_t thread) noexcept;
  // Nullptr: it has not waited, or found no room.
  [[nodiscard]] const LockThread* find(std::uint32_t thread) const noexcept;
  // All rows of another one.
  void add(const LockTable& part) noexcept;

 private:
  LockThread* thread_of(std::uint32_t thread) noexcept;
  [[nodiscard]] WaitFor wait_for(const LockWait& wait, std::size_t place,
                                 std::size_t ended_at) const noexcept;
  StopRow* stop_at(std::size_t place, std::uint64_t why, std::string_view call) noexcept;
  LockRow* row_of(std::size_t place, std::size_t ended_at) noexcept;
};
static_assert(sizeof(LockTable) == std::size_t{41} * 4096, "whole pages, as the note that it is a part of");

}  // namespace gilscope
