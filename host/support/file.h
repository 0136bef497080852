// Files that the user asked for: nothing is overwritten without --force, and a file is there whole or not at
// all.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace gilscope {

// Owns a file descriptor.
class FileDescriptor {
 public:
  FileDescriptor() = default;
  // Takes what open() and its like returned. Never 0, 1 or 2: where this process was started with one of
  // these closed, the kernel gives it to the next file, and what is printed would land there.
  explicit FileDescriptor(int descriptor) noexcept;
  FileDescriptor(const FileDescriptor&) = delete;
  FileDescriptor& operator=(const FileDescriptor&) = delete;
  FileDescriptor(FileDescriptor&& other) noexcept;
  FileDescriptor& operator=(FileDescriptor&& other) noexcept;
  ~FileDescriptor();

  [[nodiscard]] int get() const noexcept { return descriptor_; }
  // Writes all of it. Returns errno, or 0.
  [[nodiscard]] int write(std::string_view text) const noexcept;
  // Returns errno, or 0: some file systems tell only here that there was no space.
  int close() noexcept;
  // Leaves the file open, and this object without it.
  void release() noexcept { descriptor_ = -1; }

 private:
  int descriptor_ = -1;
};

enum class Existing { Keep, Overwrite };

// A result's destination. Checked in the constructor, before the long work whose result it takes.
class OutputFile {
 public:
  // "-" is standard output. Throws Error where the file exists (and is to be kept), or cannot be made.
  OutputFile(std::string path, Existing existing);
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;
  OutputFile(OutputFile&&) = delete;
  OutputFile& operator=(OutputFile&&) = delete;
  ~OutputFile();  // removes what was not committed

  // Writes a part. Throws Error (no space, …): then nothing is left of it.
  void append(std::string_view text);
  // Puts what was appended in place. Throws Error (a file that came meanwhile and is to be kept; …).
  void commit();
  void write(std::string_view text) {
    append(text);
    commit();
  }

 private:
  void require_no(int error) const;
  [[nodiscard]] int put_in_place() const noexcept;  // returns errno, or 0

  std::string path_;
  Existing existing_;
  std::string temporary_;
  FileDescriptor file_;
};

// That the file can be made, told before work whose result it takes. What is no regular file (a pipe) is not
// opened: its reader would see the end. Throws Error.
void check_output(const std::string& path, Existing existing);

// Writes to standard output, whole. Throws Error where that fails; ends the process as SIGPIPE does where the
// reader is gone, which is no failure (`| head -1`).
void print(std::string_view text);

// Writes to standard error what it takes; where it is closed or full there is nobody left to tell.
void print_error(std::string_view text) noexcept;

}  // namespace gilscope
