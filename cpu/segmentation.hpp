// Segmentation (SDM vol. 3A, chapters 3 and 5): descriptors, and loading segment registers by the rules of each mode.
#pragma once

#include "cpu/cpu.hpp"

namespace truering {

// A descriptor as the tables hold it, unpacked.
struct Descriptor {
    u32 low = 0, high = 0; // as in memory

    [[nodiscard]] u16 attributes() const { return static_cast<u16>(((high >> 8) & 0xFF) | ((high >> 12) & 0xF00)); }
    [[nodiscard]] unsigned type() const { return (high >> 8) & 0xF; }
    [[nodiscard]] bool S() const { return (high & 0x1000) != 0; }
    [[nodiscard]] unsigned dpl() const { return (high >> 13) & 3; }
    [[nodiscard]] bool present() const { return (high & 0x8000) != 0; }
    [[nodiscard]] u32 base() const { return low >> 16 | (high & 0xFF) << 16 | (high & 0xFF00'0000); }
    [[nodiscard]] u32 limit() const { // in bytes
        const u32 raw = (low & 0xFFFF) | (high & 0xF'0000);
        return (high & 0x0080'0000) != 0 ? raw << 12 | 0xFFF : raw;
    }
    // Of a gate.
    [[nodiscard]] u16 gate_selector() const { return static_cast<u16>(low >> 16); }
    [[nodiscard]] u32 gate_offset_32() const { return (low & 0xFFFF) | (high & 0xFFFF'0000); }
    [[nodiscard]] u16 gate_offset_16() const { return static_cast<u16>(low); }
    [[nodiscard]] unsigned gate_parameters() const { return high & 0x1F; }

    // The segment register that results from loading it with a selector.
    [[nodiscard]] Segment to_segment(u16 selector) const;
};

// System descriptor types (SDM vol. 3A, table 3-2).
enum SystemType : unsigned {
    type_TSS16_available = 1,
    type_LDT = 2,
    type_TSS16_busy = 3,
    type_CallGate16 = 4,
    type_TaskGate = 5,
    type_InterruptGate16 = 6,
    type_TrapGate16 = 7,
    type_TSS32_available = 9,
    type_TSS32_busy = 11,
    type_CallGate32 = 12,
    type_InterruptGate32 = 14,
    type_TrapGate32 = 15,
};

constexpr bool is_null_selector(u16 selector) { return (selector & 0xFFFC) == 0; }

// A segment register without a segment: what a null selector loads, and what a task switch leaves until it has checked.
constexpr Segment null_segment(u16 selector = 0) { return {.selector = selector}; }

// Reads the descriptor that a selector names from GDT or LDT. Past the table's limit: `vector` with the selector as
// error code. The address of its bytes comes back too, for setting accessed and busy bits.
Outcome read_descriptor(Cpu& cpu, u16 selector, Vector vector, Descriptor& descriptor, u32& linear);

// The same without a fault for limits (VERR, LAR...): false if the selector names nothing. Page faults are faults.
Outcome try_read_descriptor(Cpu& cpu, u16 selector, bool& found, Descriptor& descriptor, u32& linear);

// Sets the accessed bit of a code or data descriptor in memory, if it is clear.
Outcome set_accessed(Cpu& cpu, Descriptor& descriptor, u32 linear);

// A descriptor, the selector that names it, and where its bytes are.
struct SelectedDescriptor {
    u16 selector = 0;
    Descriptor descriptor;
    u32 linear = 0;

    [[nodiscard]] unsigned rpl() const { return selector & 3u; }
    [[nodiscard]] Segment segment() const { return descriptor.to_segment(selector); }
};

Outcome select_descriptor(Cpu& cpu, u16 selector, Vector vector, SelectedDescriptor& selected);
Outcome set_accessed(Cpu& cpu, SelectedDescriptor& selected);

// What may be loaded into SS at a privilege level: a writable data segment whose RPL and DPL are the level's. A null
// selector and other mistakes are `vector` with the selector; a segment that is not present is #SS.
Outcome select_stack_segment(Cpu& cpu, u16 selector, unsigned level, Vector vector, SelectedDescriptor& selected);
// What may be loaded into DS, ES, FS, GS at the current privilege: data or readable code; the selector is not null.
// Mistakes are `vector` with the selector; a segment that is not present is #NP.
Outcome select_data_segment(Cpu& cpu, u16 selector, Vector vector, SelectedDescriptor& selected);

// A segment register as real and virtual-8086 mode load it: base = selector * 16; real mode keeps the cached limit
// and attributes, virtual-8086 mode sets them.
void load_segment_real(Cpu& cpu, SegmentIndex index, u16 selector);

// MOV, POP and LDS..LGS to ES, SS, DS, FS, GS, in any mode.
Outcome load_segment(Cpu& cpu, SegmentIndex index, u16 selector);

} // namespace truering
