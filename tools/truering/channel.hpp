// The host's end of a port: where a guest's bytes go, and where bytes for it come from.
//
// Destinations: stdio, file:PATH, pty, unix:PATH and tcp:HOST:PORT (which connect; with ",server" at the end they wait
// for one peer at a time). What is written before anybody has connected is lost, as on a cable with nothing at its end.
#pragma once

#include "devices/serial_sink.hpp"

#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace truering {

class ChannelError : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

class Channel : public SerialSink {
  public:
    virtual ~Channel() = default;

    // The descriptor that becomes readable when there is something to do, or -1.
    [[nodiscard]] virtual int descriptor() const { return -1; }
    // Takes what has arrived, at most `most` bytes, without waiting.
    virtual std::vector<u8> receive(size_t most) = 0;
    // Hands on what the guest wrote.
    virtual void flush() = 0;
    [[nodiscard]] virtual bool is_stdio() const { return false; }
};

// Throws ChannelError. Null for an empty destination. `name` is for messages ("--serial").
std::unique_ptr<Channel> open_channel(const std::string& destination, const std::string& name);

} // namespace truering
