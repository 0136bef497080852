// Golden files: what a report printed when somebody last looked and agreed. GILSCOPE_UPDATE_GOLDEN=1 rewrites
// them; look at the difference before you commit it.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

namespace gilscope::test {

inline void expect_golden(std::string_view name, const std::string& actual) {
  const std::filesystem::path file = std::filesystem::path(GILSCOPE_GOLDEN_DIR) / name;
  const char* update = std::getenv("GILSCOPE_UPDATE_GOLDEN");  // NOLINT(concurrency-mt-unsafe)
  if (update != nullptr && std::string_view(update) == "1") {
    std::ofstream stream(file, std::ios::binary);
    stream << actual;
    stream.close();
    ASSERT_TRUE(stream) << file << " cannot be written";
    return;
  }
  const std::ifstream stream(file, std::ios::binary);
  ASSERT_TRUE(stream) << file << " cannot be read; GILSCOPE_UPDATE_GOLDEN=1 makes it";
  std::ostringstream expected;
  expected << stream.rdbuf();
  EXPECT_EQ(expected.str(), actual) << "differs from " << file
                                    << "; if it should, GILSCOPE_UPDATE_GOLDEN=1 rewrites it";
}

}  // namespace gilscope::test
