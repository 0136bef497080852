#include <Python.h>

#include "probe/elf_slots.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <dlfcn.h>
#include <elf.h>
#include <link.h>
#include <optional>
#include <sys/mman.h>
#include <unistd.h>

#include <fmt/core.h>

#include "probe/probe_error.h"

namespace gilscope {
namespace {

// The relocations by which the dynamic linker fills a slot. Both machines use the kind with an addend
// (DT_RELA).
#ifdef __x86_64__
constexpr std::uint32_t kJumpSlot = R_X86_64_JUMP_SLOT;
constexpr std::uint32_t kGlobalData = R_X86_64_GLOB_DAT;
#elif defined(__aarch64__)
constexpr std::uint32_t kJumpSlot = R_AARCH64_JUMP_SLOT;
constexpr std::uint32_t kGlobalData = R_AARCH64_GLOB_DAT;
#else
#error "gilscope's probe knows the relocations of x86-64 and arm64 only: add this machine's"
#endif

struct Search {
  std::uintptr_t address = 0;
  std::optional<dl_phdr_info> found;
};

bool covers(const dl_phdr_info& object, std::uintptr_t address) {
  for (int i = 0; i < object.dlpi_phnum; ++i) {
    const auto& segment = object.dlpi_phdr[i];
    const std::uintptr_t begin = object.dlpi_addr + segment.p_vaddr;
    if (segment.p_type == PT_LOAD && address >= begin && address - begin < segment.p_memsz) return true;
  }
  return false;
}

// Called with the dynamic linker's lock held: may not throw.
int visit_object(dl_phdr_info* object, std::size_t, void* context) {
  auto& search = *static_cast<Search*>(context);
  if (!covers(*object, search.address)) return 0;
  search.found = *object;  // what it points to lives as long as the object is loaded
  return 1;
}

std::uintptr_t page_begin(std::uintptr_t address) {
  return address - address % static_cast<std::uintptr_t>(sysconf(_SC_PAGESIZE));
}

int protection_of(ElfW(Word) segment_flags) {
  // NOLINTBEGIN(bugprone-signed-bitwise): mprotect() takes an int of flags
  return ((segment_flags & PF_R) != 0 ? PROT_READ : 0) | ((segment_flags & PF_W) != 0 ? PROT_WRITE : 0) |
         ((segment_flags & PF_X) != 0 ? PROT_EXEC : 0);
  // NOLINTEND(bugprone-signed-bitwise)
}

std::string name_of(const char* linker_name) {
  if (linker_name != nullptr && *linker_name != '\0') return linker_name;
  return "the executable";
}

}  // namespace

// Addresses in memory, each range checked to lie inside the object.
struct LoadedObject::Tables {
  std::uintptr_t strings = 0;
  std::size_t string_bytes = 0;
  std::uintptr_t symbols = 0;
  std::vector<Range> relocations;
};

LoadedObject LoadedObject::containing(const void* address) {
  Search search{.address = reinterpret_cast<std::uintptr_t>(address), .found = {}};
  dl_iterate_phdr(visit_object, &search);
  if (!search.found) {
    throw ProbeError(ProbeFailure::Unsupported,
                     fmt::format("no loaded object contains the address {:#x}", search.address),
                     "use a dynamically linked Python: a fully static executable has no slots to hook");
  }
  LoadedObject object;
  object.base_ = search.found->dlpi_addr;
  object.path_ = name_of(search.found->dlpi_name);
  for (int i = 0; i < search.found->dlpi_phnum; ++i) {
    const auto& segment = search.found->dlpi_phdr[i];
    const std::uintptr_t begin = object.base_ + segment.p_vaddr;
    const Range range{.begin = begin, .end = begin + segment.p_memsz};
    if (segment.p_type == PT_LOAD) {
      object.segments_.push_back({.range = range, .protection = protection_of(segment.p_flags)});
    }
    if (segment.p_type == PT_DYNAMIC) object.dynamic_ = range;
    // Both ends rounded down, as glibc (_dl_protect_relro) and musl do: what shares the last page with data
    // that is written to stays writable.
    if (segment.p_type == PT_GNU_RELRO) {
      object.relro_ = {.begin = page_begin(range.begin), .end = page_begin(range.end)};
    }
  }
  return object;
}

LoadedObject LoadedObject::of_cpython() {
  const void* function = reinterpret_cast<const void*>(&PyEval_SaveThread);
  LoadedObject object = containing(function);
  if (!object.imports("PyEval_SaveThread")) return object;
  // In an executable that is not position-independent, the address of a function of a library is a stub in
  // the executable itself.
  function = dlsym(RTLD_NEXT, "PyEval_SaveThread");
  if (function == nullptr) object.refuse("it calls PyEval_SaveThread, which no library defines");
  return containing(function);
}

// Also what begins in one segment and ends in the next: who changes an executable afterwards may put its
// tables there.
bool LoadedObject::contains(std::uintptr_t address, std::size_t size) const noexcept {
  do {
    const auto segment = std::ranges::find_if(segments_, [address](const Segment& each) {
      return address >= each.range.begin && address < each.range.end;
    });
    if (segment == segments_.end()) return false;
    const std::size_t part = std::min(size, segment->range.end - address);
    address += part;
    size -= part;
  } while (size > 0);
  return true;
}

LoadedPages LoadedObject::pages_of(std::uintptr_t address) const noexcept {
  if (address >= relro_.begin && address < relro_.end) {
    return {.begin = relro_.begin, .end = relro_.end, .protection = PROT_READ};
  }
  const std::uintptr_t begin = page_begin(address);
  LoadedPages page{.begin = begin, .end = begin + static_cast<std::uintptr_t>(sysconf(_SC_PAGESIZE))};
  for (const Segment& segment : segments_) {
    if (address >= segment.range.begin && address < segment.range.end) page.protection = segment.protection;
  }
  return page;
}

void LoadedObject::refuse(const std::string& reason) const {
  throw ProbeError(ProbeFailure::Unsupported,
                   fmt::format("cannot read the relocations of {}: {}", path_, reason),
                   "please report this, with the output of `readelf -dlr` for that file");
}

LoadedObject::Tables LoadedObject::read_tables() const {
  if (!contains(dynamic_.begin, sizeof(ElfW(Dyn)))) refuse("it has no dynamic section");
  Tables tables;
  std::uintptr_t relocations = 0;
  std::uintptr_t plt_relocations = 0;
  std::size_t relocation_bytes = 0;
  std::size_t plt_bytes = 0;
  // glibc replaces most of these addresses by absolute ones when it loads the object, musl does not.
  const auto absolute = [&](std::uintptr_t address) { return contains(address) ? address : base_ + address; };
  const auto* const end = reinterpret_cast<const ElfW(Dyn)*>(dynamic_.end);
  for (const auto* entry = reinterpret_cast<const ElfW(Dyn)*>(dynamic_.begin);
       entry + 1 <= end && entry->d_tag != DT_NULL; ++entry) {
    switch (entry->d_tag) {
      case DT_STRTAB:
        tables.strings = absolute(entry->d_un.d_ptr);
        break;
      case DT_STRSZ:
        tables.string_bytes = entry->d_un.d_val;
        break;
      case DT_SYMTAB:
        tables.symbols = absolute(entry->d_un.d_ptr);
        break;
      case DT_SYMENT:
        if (entry->d_un.d_val != sizeof(ElfW(Sym))) refuse("symbols of an unknown size");
        break;
      case DT_RELA:
        relocations = absolute(entry->d_un.d_ptr);
        break;
      case DT_RELASZ:
        relocation_bytes = entry->d_un.d_val;
        break;
      case DT_RELAENT:
        if (entry->d_un.d_val != sizeof(ElfW(Rela))) refuse("relocations of an unknown size");
        break;
      case DT_JMPREL:
        plt_relocations = absolute(entry->d_un.d_ptr);
        break;
      case DT_PLTRELSZ:
        plt_bytes = entry->d_un.d_val;
        break;
      case DT_PLTREL:
        if (entry->d_un.d_val != DT_RELA) refuse("relocations without addends");
        break;
      default:
        break;
    }
  }
  if (!contains(tables.strings, tables.string_bytes) || !contains(tables.symbols)) {
    refuse("its symbols lie outside of it");
  }
  for (const auto& [begin, size] : {std::pair{relocations, relocation_bytes}, {plt_relocations, plt_bytes}}) {
    if (size == 0) continue;
    if (!contains(begin, size)) refuse("its relocations lie outside of it");
    tables.relocations.push_back({.begin = begin, .end = begin + size});
  }
  return tables;
}

std::vector<LoadedObject::FoundSlot> LoadedObject::find_relocations(std::string_view function) const {
  const Tables tables = read_tables();
  const std::string_view strings(reinterpret_cast<const char*>(tables.strings), tables.string_bytes);
  std::vector<FoundSlot> slots;
  for (const Range& table : tables.relocations) {
    const auto* const end = reinterpret_cast<const ElfW(Rela)*>(table.end);
    for (const auto* entry = reinterpret_cast<const ElfW(Rela)*>(table.begin); entry + 1 <= end; ++entry) {
      const auto type = ELF64_R_TYPE(entry->r_info);
      if (type != kJumpSlot && type != kGlobalData) continue;
      const auto symbol_address = tables.symbols + ELF64_R_SYM(entry->r_info) * sizeof(ElfW(Sym));
      if (!contains(symbol_address, sizeof(ElfW(Sym)))) refuse("a symbol lies outside of it");
      const auto& symbol = *reinterpret_cast<const ElfW(Sym)*>(symbol_address);
      // A name ends with a zero byte: "pthread_cond_signal" is not the beginning of a longer one.
      if (symbol.st_name >= strings.size()) continue;
      const std::string_view rest = strings.substr(symbol.st_name);
      if (!rest.starts_with(function) || rest.size() == function.size() || rest[function.size()] != '\0')
        continue;
      const std::uintptr_t place = base_ + entry->r_offset;
      if (place % sizeof(std::uintptr_t) != 0 || !contains(place, sizeof(std::uintptr_t))) {
        refuse(fmt::format("the slot of {} lies at {:#x}", function, place));
      }
      slots.push_back(
          {.place = reinterpret_cast<std::uintptr_t*>(place), .is_imported = symbol.st_shndx == SHN_UNDEF});
    }
  }
  return slots;
}

std::vector<Slot> LoadedObject::find_slots(std::string_view function) const {
  std::vector<Slot> slots;
  for (const FoundSlot& slot : find_relocations(function)) {
    // Relaxed: that it is none is all that is asked, and was decided when the object was loaded.
    if (std::atomic_ref(*slot.place).load(std::memory_order_relaxed) == 0) continue;
    slots.push_back({.place = slot.place, .pages = pages_of(reinterpret_cast<std::uintptr_t>(slot.place))});
  }
  return slots;
}

bool LoadedObject::imports(std::string_view function) const {
  return std::ranges::any_of(find_relocations(function), &FoundSlot::is_imported);
}

std::string describe_object(std::uintptr_t address) {
  Search search{.address = address, .found = {}};
  dl_iterate_phdr(visit_object, &search);
  return search.found ? name_of(search.found->dlpi_name) : "?";
}

}  // namespace gilscope
