#include "run/start_archive.h"

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <fcntl.h>
#include <string_view>
#include <sys/mman.h>
#include <unistd.h>
#include <utility>

#include <fmt/core.h>

#include "support/error.h"

namespace gilscope {
namespace {

namespace start_text {

struct EmbeddedFile {
  const char* name;
  const char* text;
};

// Made by cmake/embed_text.py.
#include "start_file.inc"

}  // namespace start_text

// Scripts expect the first numbers for themselves.
constexpr int kFirstStartDescriptor = 200;

std::string to_hex(std::string_view bytes) {
  std::string text;
  for (const char byte : bytes) text += fmt::format("{:02x}", static_cast<unsigned char>(byte));
  return text;
}

// Of zip files and gzip: the polynomial 0xEDB88320, bit by bit.
std::uint32_t crc_of(std::string_view bytes) {
  std::uint32_t crc = ~std::uint32_t{0};
  for (const char byte : bytes) {
    crc ^= static_cast<unsigned char>(byte);
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1U) ^ (0xEDB8'8320U & (~(crc & 1U) + 1U));
  }
  return ~crc;
}

void append_number(std::string& bytes, std::uint32_t number, std::size_t size) {
  for (std::size_t i = 0; i < size; ++i) bytes += static_cast<char>((number >> (8U * i)) & 0xFFU);
}

// One file, stored as it is: PKWARE's APPNOTE, 4.3.7, 4.3.12 and 4.3.16.
std::string zip_of(std::string_view name, std::string_view text) {
  constexpr std::uint32_t kVersion = 20;
  constexpr std::uint32_t kFirstDay = 0x21;  // 1980-01-01
  std::string common;                        // of both headers
  append_number(common, kVersion, 2);
  append_number(common, 0, 4);  // no flags; stored
  append_number(common, kFirstDay << 16U, 4);
  append_number(common, crc_of(text), 4);
  append_number(common, static_cast<std::uint32_t>(text.size()), 4);
  append_number(common, static_cast<std::uint32_t>(text.size()), 4);
  append_number(common, static_cast<std::uint32_t>(name.size()), 2);
  append_number(common, 0, 2);  // nothing extra
  std::string zip = "PK\3\4" + common;
  zip.append(name).append(text);
  const auto begin = static_cast<std::uint32_t>(zip.size());
  std::string directory = "PK\1\2";
  append_number(directory, kVersion, 2);
  directory += common;
  directory.append(14, '\0');  // no comment, the first disk, no attributes, and it begins at 0
  directory.append(name);
  zip += directory + "PK\5\6";
  append_number(zip, 0, 4);
  append_number(zip, 0x1'0001, 4);  // one file of one
  append_number(zip, static_cast<std::uint32_t>(directory.size()), 4);
  append_number(zip, begin, 4);
  append_number(zip, 0, 2);
  return zip;
}

void put_in(std::string& text, std::string_view mark, std::string_view value) {
  const auto at = text.find(mark);
  if (at != std::string::npos) text.replace(at, mark.size(), value);
}

Error no_archive(std::string_view what) {
  return {
      fmt::format("no memory for what Pythons that it starts read first: {}: {}", what, std::strerror(errno)),
      ""};
}

}  // namespace

StartArchive::StartArchive(const StartPlan& plan) {
  FileDescriptor file(memfd_create("gilscope", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (file.get() < 0) throw no_archive("memfd_create");
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-vararg)
  const int moved = fcntl(file.get(), F_DUPFD_CLOEXEC, kFirstStartDescriptor);
  if (moved >= 0) file = FileDescriptor(moved);
  path_ = fmt::format("/proc/{}/fd/{}", getpid(), file.get());
  std::string text = start_text::kFiles[0].text;
  put_in(text, "@HERE@", path_);
  put_in(text, "@RECORDING@", plan.recording);
  put_in(text, "@VERSION@", plan.version);
  put_in(text, "@HOST@", to_hex(plan.host));
  put_in(text, "@PYTHON@", to_hex(plan.python));
  put_in(text, "@PREFIX@", to_hex(plan.prefix));
  if (const int error = file.write(zip_of(start_text::kFiles[0].name, text)); error != 0) {
    errno = error;
    throw no_archive("write");
  }
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-vararg): nobody changes what others run
  fcntl(file.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL);
  file_ = std::move(file);
}

}  // namespace gilscope
