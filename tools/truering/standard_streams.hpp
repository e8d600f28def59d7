// Standard output and standard error, either of which may be closed, full, or a pipe whose reader has gone.
//
// What is said on standard error is said to whoever listens: that nobody does changes nothing in what the program does,
// nor its exit status. What is asked for on standard output (a list, the help) is the program's work: where it cannot
// be delivered, that is an error. A guest's own output goes by channels (channel.hpp).
#pragma once

#include <stdexcept>
#include <string_view>

namespace truering {

class OutputError : public std::runtime_error {
  public:
    explicit OutputError(int error);
    [[nodiscard]] bool reader_has_gone() const { return reader_has_gone_; }

  private:
    bool reader_has_gone_;
};

// First of all in main(). Descriptors 0 to 2 that are closed lead to /dev/null from here on: a disk image or log that
// is opened later must not become what messages are written to. A pipe without a reader is an error, not a signal.
void prepare_standard_streams();

void tell(std::string_view text);  // to standard error; never fails
void print(std::string_view text); // to standard output; throws OutputError

} // namespace truering
