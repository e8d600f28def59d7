#include "traps.hpp"

#include "narrate.hpp"
#include "segments.hpp"

extern "C" const uint32_t trap_entries[256]; // addresses of the stubs

namespace demo {
namespace {

struct Gate { // SDM volume 3, figure 6-2
    uint16_t offset_low, selector;
    uint8_t zero, type;
    uint16_t offset_high;
};
static_assert(sizeof(Gate) == 8);

constexpr uint8_t interrupt_gate = 0x8e;      // present, DPL 0, 32-bit; clears IF on the way in
constexpr uint8_t interrupt_gate_user = 0xee; // DPL 3: INT n from ring 3 may name it

struct [[gnu::packed]] Pointer {
    uint16_t limit;
    uint32_t base;
};

Gate idt[256];
Handler handlers[256];

} // namespace

void load_traps() {
    for (uint32_t i = 0; i < 256; ++i) {
        const uint32_t offset = trap_entries[i];
        const uint8_t type = i == vector::system_call ? interrupt_gate_user : interrupt_gate;
        idt[i] = {static_cast<uint16_t>(offset), kernel_code, 0, type, static_cast<uint16_t>(offset >> 16)};
    }
    const Pointer pointer{sizeof idt - 1, reinterpret_cast<uint32_t>(idt)};
    asm volatile("lidt %0" : : "m"(pointer));
    say("Interrupts: the IDT has 256 gates; only INT ", hex16(vector::system_call), " is open to ring 3 (DPL 3).");
}

void handle(uint32_t vector, Handler handler) { handlers[vector] = handler; }

// Called by the stubs with interrupts off.
extern "C" Frame* dispatch(Frame* frame) {
    if (const Handler handler = handlers[frame->vector]) {
        return handler(frame);
    }
    say("The kernel did not expect vector ", frame->vector, " (error code ", hex16(frame->error_code), ") at ",
        hex16(frame->cs), ":", hex32(frame->eip), ". It stops here.");
    for (;;) {
        asm volatile("cli; hlt");
    }
}

} // namespace demo
