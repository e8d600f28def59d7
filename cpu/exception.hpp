// Exceptions and interrupts by the SDM's names (vol. 3A, table 6-1), and an event on its way to a handler.
#pragma once

#include "base/types.hpp"

namespace truering {

enum class Vector : u8 {
    DE = 0,
    DB = 1,
    NMI = 2,
    BP = 3,
    OF = 4,
    BR = 5,
    UD = 6,
    NM = 7,
    DF = 8,
    CoprocessorSegmentOverrun = 9,
    TS = 10,
    NP = 11,
    SS = 12,
    GP = 13,
    PF = 14,
    MF = 16,
    AC = 17,
    MC = 18,
    XM = 19,
    VT = 20, // docs/v32.md section 8
};

// How an event came about; the numbers are docs/v32.md 4.5's.
enum class EventType : u8 {
    ExternalInterrupt = 0,
    NMI = 2,
    Exception = 3,         // INT1 too
    SoftwareInterrupt = 4, // INT n
    SoftwareException = 6, // INT3, INTO
};

struct Event {
    u8 vector = 0;
    EventType type = EventType::Exception;
    bool has_error_code = false;
    u8 instruction_length = 0; // types 4 and 6: EIP is the instruction's own, delivery pushes EIP + length
    u32 error_code = 0;
    u32 cr2 = 0;               // #PF
    u32 dr6 = 0;               // #DB: its causes, as they appear in DR6
    bool is_trap = false;      // RF is pushed as it stands (#DB as a trap); faults push RF = 1
    bool unblocks_NMI = false; // a fault of IRET
    bool injected = false;     // by an entry of V32 mode: CR2 and DR6 are as its VMM wants them
};

// Is an error code pushed with this exception (outside real mode)?
constexpr bool pushes_error_code(Vector v) {
    switch (v) {
    case Vector::DF:
    case Vector::TS:
    case Vector::NP:
    case Vector::SS:
    case Vector::GP:
    case Vector::PF:
    case Vector::AC: return true;
    default: return false;
    }
}

// #PF error code bits (SDM vol. 3A, 4.7).
enum PageFaultBits : u32 { pf_present = 1, pf_write = 2, pf_user = 4, pf_reserved = 8, pf_fetch = 16 };

} // namespace truering
