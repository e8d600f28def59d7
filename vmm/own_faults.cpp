// The VMM's IDT, and the end of a VMM that faults: a register dump and a stop. Nothing of its own may fault: this says
// where it did.
#include "vmm/enter.hpp"
#include "vmm/guest.hpp"
#include "vmm/log.hpp"

extern "C" {
extern const truering::u32 idt_entries[256];
volatile truering::u32 nmi_arrived;

// What enter.S pushed: PUSHA, the vector, then what the processor pushed.
struct OwnFault {
    truering::u32 edi, esi, ebp, esp, ebx, edx, ecx, eax, vector, word[4];
};
[[noreturn]] void own_fault(const OwnFault* fault);
}

namespace ringmaster {

namespace {

alignas(8) u64 idt[256];

constexpr bool has_error_code(u32 vector) {
    return vector == 8 || (vector >= 10 && vector <= 14) || vector == 17 || vector == V32_VECTOR_VT;
}

} // namespace

void load_idt() {
    constexpr u32 code_selector = 8, interrupt_gate = 0x8E00;
    for (u32 n = 0; n < 256; ++n) {
        const u32 entry = idt_entries[n];
        idt[n] = u64{(entry & 0xFFFF'0000) | interrupt_gate} << 32 | code_selector << 16 | (entry & 0xFFFF);
    }
    struct [[gnu::packed]] {
        u16 limit;
        u32 base;
    } const idtr{sizeof idt - 1, reinterpret_cast<u32>(idt)};
    asm volatile("lidt %0" : : "m"(idtr));
}

} // namespace ringmaster

void own_fault(const OwnFault* fault) {
    using namespace ringmaster;
    const u32* const frame = fault->word + (has_error_code(fault->vector) ? 1 : 0);
    use_screen();
    say("\nRingmaster itself met exception ", fault->vector, " at ", Hex{frame[0]});
    if (frame != fault->word) say(", error code ", Hex{fault->word[0]});
    say("\nEAX ", Hex{fault->eax}, " ECX ", Hex{fault->ecx}, " EDX ", Hex{fault->edx}, " EBX ", Hex{fault->ebx},
        "\nESP ", Hex{fault->esp}, " EBP ", Hex{fault->ebp}, " ESI ", Hex{fault->esi}, " EDI ", Hex{fault->edi},
        "\nEFLAGS ", Hex{frame[2]}, " CR2 ", Hex{read_cr2()}, "\nlast exit: reason ", area.exit.exit_reason,
        ", guest at ", Hex{guest().segment[CS].selector, 4}, ":", Hex{guest().eip}, "\n");
    const auto* stack = reinterpret_cast<const u32*>(frame + 3);
    for (u32 n = 0; n < 24; ++n) say(Hex{stack[n]}, n % 8 == 7 ? "\n" : " ");
    stop(Ending::GaveUp);
}
