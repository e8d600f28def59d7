// Decoded instructions that stand in no block: above all those that cross a page.
//
// A block never crosses a page, so that it can be found and killed by its physical page. An instruction that does cross
// one is decoded by itself, and in a loop it would be decoded each time. Here it is kept together with its bytes:
// whoever has the bytes in hand can tell whether they are still the same, so nothing must ever be told to this cache.
#pragma once

#include "decoder/decoder.hpp"
#include "decoder/isa.hpp"

#include <algorithm>
#include <array>
#include <span>

namespace truering {

class SingleCache {
  public:
    using Bytes = std::array<u8, max_instruction_length>;

    // The complete instruction that these bytes begin with; null if none does, or one that is undefined. `linear` is
    // where it stands, a hint. Valid until the next call.
    const Instruction* decode(u32 linear, const Bytes& bytes, CodeSize size, const FeatureSet& features) {
        Single& known = singles_[linear % singles_.size()];
        const unsigned length = known.instruction.length;
        if (length != 0 && known.size == size && std::equal(bytes.begin(), bytes.begin() + length, known.bytes.begin()))
            return &known.instruction;
        const Decoded decoded = truering::decode(bytes, size, features);
        if (decoded.status == DecodeStatus::Truncated || decoded.instruction.row >= row_count) return nullptr;
        known = {bytes, size, decoded.instruction};
        return &known.instruction;
    }

    // Is it known of an instruction that begins with these bytes, the last of a page, that it needs more of them?
    // `address` is a hint, linear or physical: they have the same offset in the page.
    [[nodiscard]] bool goes_beyond(u64 address, std::span<const u8> bytes, CodeSize size) const {
        const Single& known = singles_[address % singles_.size()];
        return known.instruction.length > bytes.size() && known.size == size &&
               std::equal(bytes.begin(), bytes.end(), known.bytes.begin());
    }

  private:
    struct Single {
        Bytes bytes{};
        CodeSize size = CodeSize::Bits16;
        Instruction instruction;
    };
    std::array<Single, 64> singles_;
};

} // namespace truering
