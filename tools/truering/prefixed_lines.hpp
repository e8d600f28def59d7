// What a port says, line by line on standard error, with a word in front that tells whose words they are.
//
// While the terminal shows the guest's screen, lines would spoil it: then they are kept, the last ones of them, until
// the end.
#pragma once

#include "tools/truering/channel.hpp"

#include <deque>
#include <string>

namespace truering {

class PrefixedLines final : public Channel {
  public:
    enum class Show : u8 { AtOnce, AtTheEnd };
    static constexpr size_t kept_lines = 500;
    static constexpr size_t longest_line = 1000;

    PrefixedLines(std::string prefix, Show show) : prefix_(std::move(prefix)), show_(show) {}
    ~PrefixedLines() override;

    void transmit(u8 byte) override;
    std::vector<u8> receive(size_t) override { return {}; }
    void flush() override {}

  private:
    void end_line();

    std::string prefix_;
    Show show_;
    std::string line_;
    std::deque<std::string> kept_;
};

} // namespace truering
