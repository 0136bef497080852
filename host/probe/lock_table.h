// Waits for Python's locks: where threads waited, and where those stood who ended it. In memory that other
// processes may read, written by one thread at a time: all zero bits are none yet.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "probe/code_point.h"

namespace gilscope {

// For what a thread waits.
enum class WaitFor : std::uint8_t {
  Turn,  // another one has the lock
  Work,  // until another one does something: Condition.wait, Queue.get, Thread.join and what is built on them
};

// Where a thread stood, as its reader wants to know it.
struct LockPlace {
  static constexpr std::uint64_t kWaitsForWork = 1;
  static constexpr std::uint64_t kGivesWork = 2;  // who ends a wait there: it was for work

  std::uint64_t key;           // of its texts; 0: the place is free; set last
  std::uint64_t line;          // 0: unknown
  std::uint64_t work;          // one of those, or 0
  std::array<char, 152> file;  // the user's; of a longer path its end; up to the first zero, as all here
  std::array<char, 72> function;
  std::array<char, 72> within;  // the library's function that stood there in the end; "": the user's own
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
  std::uint64_t thread;      // 0: free; set last
  std::uint64_t turn_ticks;  // of waits that are over and whose place is known,
  std::uint64_t work_ticks;  // likewise
  std::uint64_t since;       // when the one that is on began: ticks; 0: none is; set last
  std::uint64_t lock;        // what it is for,
  std::uint64_t place;       // and where: number of a LockPlace
  std::uint64_t identity;    // whose it is, as pthread_self() tells
  // Of a wait that has no time limit and goes on for long: when it was last looked at (ticks; 0: it was not;
  // set last), and what was found then, as HeldLocks has it.
  std::uint64_t looked;
  std::uint64_t owner;
  std::array<std::uint64_t, 4> held;
};

struct LockWait {
  std::uint32_t thread = 0;
  std::uint32_t ender = 0;  // 0: unknown
  std::uint64_t begin = 0;  // ticks
  std::uint64_t ticks = 0;
  bool is_by_peer = false;  // the ender has waited for the same lock before
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
  bool is_by_call = false;  // that this waits for work is known by what is called there alone
};

struct LockTable {
  static constexpr std::size_t kPlaces = 96;
  static constexpr std::size_t kRows = 128;
  static constexpr std::size_t kNoPlace = kPlaces;
  static constexpr std::size_t kThreads = 1024;  // that live and have waited

  std::uint64_t others;        // waits that found no row or no place,
  std::uint64_t others_ticks;  // and their sum
  std::uint64_t is_watched;    // 0: nobody notes waits here
  std::array<std::byte, 1000> unused;
  std::array<LockPlace, kPlaces> places;
  std::array<LockRow, kRows> rows;
  std::array<LockThread, kThreads> threads;

  // Its number; kNoPlace: there is no room.
  std::size_t find_or_add(const LockWords& words) noexcept;
  // A wait has begun.
  void begin(std::uint32_t thread, const OpenWait& wait) noexcept;
  // It goes on for long.
  void look(std::uint32_t thread, std::uint64_t ticks, const HeldLocks& found) noexcept;
  // It is over. `ended_at`: kNoPlace is unknown.
  void add(const LockWait& wait, std::size_t place, std::size_t ended_at) noexcept;
  // The thread has ended.
  void forget(std::uint32_t thread) noexcept;
  // Nullptr: it has not waited, or found no room.
  [[nodiscard]] const LockThread* find(std::uint32_t thread) const noexcept;
  // All rows of another one.
  void add(const LockTable& part) noexcept;

 private:
  LockThread* thread_of(std::uint32_t thread) noexcept;
  [[nodiscard]] bool is_for_work(std::size_t place, std::size_t ended_at) const noexcept;
  LockRow* row_of(std::size_t place, std::size_t ended_at) noexcept;
};
static_assert(sizeof(LockTable) == std::size_t{37} * 4096, "whole pages, as the note that it is a part of");

}  // namespace gilscope
