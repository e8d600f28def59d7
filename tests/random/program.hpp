// A random program before it is bytes: items that may be taken out, and jumps that still find their way.
//
// An item is an instruction, or some that belong together. Jumps and addresses name labels, which stand between items,
// so that a program without some of its items is a program too: that is what makes a difference small (minimise.hpp).
#pragma once

#include "decoder/decoder.hpp"
#include "tests/random/place.hpp"

#include <vector>

namespace truering::random_test {

using Label = u32;
inline constexpr Label no_label = ~u32{0};

struct Item {
    std::vector<u8> bytes; // of a jump: the opcode in front of a displacement of 8 bits; empty: it has no such form
    std::vector<u8> near_form{}; // of a jump: the opcode in front of one of 16 or 32 bits; empty: it has no such form
    Label target = no_label;     // of a jump, or whose address is put into the bytes
    unsigned address_at = 0;     // where in the bytes
    unsigned address_bytes = 0;  // 0: it is a jump
    u32 addend = 0;              // to the address
    u32 new_page_at = 0;         // it begins on a page of its own, at this offset; 0: behind the item before

    [[nodiscard]] bool is_jump() const { return target != no_label && address_bytes == 0; }
};

struct Program {
    CodeSize size = CodeSize::Bits32;
    u32 first_eip = 0; // of the first item
    u32 cs_base = 0;
    std::vector<Item> items;
    std::vector<u32> labels; // the number of the item before which each stands
    Label head = 0;          // where the fault handler sends a program that is lost

    Label new_label() { return labels.push_back(~u32{0}), static_cast<Label>(labels.size() - 1); }
    void bind(Label label) { labels[label] = static_cast<u32>(items.size()); }
};

// A program as bytes at Program::first_eip.
struct Image {
    u32 first_eip = 0;
    std::vector<u8> bytes;
    std::vector<u32> begins; // for each item: its offset in `bytes`; one that was left out has the next one's
    u32 head_eip = 0;
};

[[nodiscard]] Image lay_out(const Program& program, const std::vector<bool>& kept);

} // namespace truering::random_test
