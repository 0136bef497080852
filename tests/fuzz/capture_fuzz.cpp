// The reader of captures against any bytes: an Error or events, never a crash. With libFuzzer where the
// compiler has it (cmake -DCMAKE_CXX_COMPILER=clang++ -DGILSCOPE_FUZZERS=ON), else a program that reads the
// files it is given. What it finds is kept in tests/fuzz/corpus, and read by the unit tests.
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <vector>

#include "read_anything.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static_cast<void>(gilscope::test::read_anything({data, size}));
  return 0;
}

#ifndef GILSCOPE_LIBFUZZER
int main(int count, char** arguments) {
  for (int i = 1; i < count; ++i) {
    std::ifstream stream(arguments[i], std::ios::binary);
    const std::vector<char> bytes{std::istreambuf_iterator<char>(stream), {}};
    const auto* const data = reinterpret_cast<const std::uint8_t*>(bytes.data());
    const auto result = gilscope::test::read_anything({data, bytes.size()});
    std::printf("%s: %llu events, %s\n", arguments[i], static_cast<unsigned long long>(result.events),
                result.error ? result.error->c_str() : "no error");
  }
  return 0;
}
#endif
