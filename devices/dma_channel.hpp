// What a peripheral sees of the ISA bus's DMA: its channel's DREQ/DACK pair, as "move these bytes".
//
// Source: Intel 8237A datasheet, "DMA Operation".
#pragma once

#include "base/types.hpp"

#include <span>

namespace truering {

// As the 8237's mode register names them: seen from memory.
enum class DmaDirection : u8 {
    Write, // the peripheral's bytes go to memory
    Read,  // memory's bytes go to the peripheral
};

struct DmaResult {
    u32 bytes = 0;               // how many were moved (verified, for a verify transfer)
    bool terminal_count = false; // TC was reached with the last of them: the peripheral is to stop
};

class DmaChannel {
  public:
    // Moves up to data.size() bytes now: from `data` to memory (Write) or the other way (Read). Fewer are moved at
    // terminal count. None are moved while the channel is masked, its controller disabled, or programmed for the
    // other direction; a channel in verify mode counts the bytes and leaves memory and `data` alone.
    // A 16-bit channel moves whole words: an odd last byte stays.
    virtual DmaResult transfer(std::span<u8> data, DmaDirection direction) = 0;

    // DREQ, for the status register only: transfer() may be called at any time.
    virtual void set_dreq(bool level) = 0;

    // Would transfer() move anything now?
    [[nodiscard]] virtual bool ready(DmaDirection direction) const = 0;

  protected:
    ~DmaChannel() = default;
};

} // namespace truering
