// The one way in which cold code fails: gilscope::Error with words, a hint and an exit code.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/error.h"

namespace gilscope::test {

// The Error that `action` throws; fails the test where it throws none. (Another exception ends the test by
// itself.)
template <typename Action>
Error error_of(Action action) {
  try {
    action();
  } catch (const Error& error) {
    return error;
  }
  ADD_FAILURE() << "no error was thrown";
  return {"", ""};
}

}  // namespace gilscope::test
