// The 64 KiB of I/O ports, and who answers at each of them.
#pragma once

#include "base/types.hpp"

#include <array>
#include <vector>

namespace truering {

// A chip with registers in port space. `size` is 1, 2 or 4 bytes and never larger than the width it was mapped with;
// values are in the low bytes.
class PortDevice {
  public:
    virtual u32 read_port(u16 port, unsigned size) = 0;
    virtual void write_port(u16 port, u32 value, unsigned size) = 0;

  protected:
    ~PortDevice() = default;
};

enum class PortWidth : u8 { Byte = 1, Word = 2, Dword = 4 };

class PortBus {
  public:
    PortBus();

    // Maps `count` ports from `first`. A later mapping of the same port wins. An access wider than `width`, or one
    // that crosses into another chip's ports, reaches the chips as several narrower ones, lowest port first, as the
    // ISA bus does it.
    void map(u16 first, unsigned count, PortDevice& device, PortWidth width = PortWidth::Byte);
    void unmap(u16 first, unsigned count);

    // A port nobody answers reads as all ones and swallows writes.
    u32 read(u16 port, unsigned size);
    void write(u16 port, u32 value, unsigned size);

    [[nodiscard]] bool is_mapped(u16 port) const { return owner_[port] != nobody; }

  private:
    struct Mapping {
        PortDevice* device;
        PortWidth width;
    };
    static constexpr u16 nobody = 0;

    [[nodiscard]] bool one_access(u16 port, unsigned size) const;

    std::vector<Mapping> mappings_; // [0] is nobody
    std::array<u16, 65536> owner_;  // index into mappings_ for each port
};

} // namespace truering
