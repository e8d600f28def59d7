#include "vmm/quiet_devices.hpp"

#include "vmm/enter.hpp"
#include "vmm/hidden_range.hpp"
#include "vmm/ide_dma.hpp"
#include "vmm/pci_ports.hpp"
#include "vmm/processor.hpp"

namespace ringmaster {

namespace {

void mask_8259s() {
    constexpr u16 masks[] = {0x21, 0xA1};
    for (const u16 port : masks) out8(port, 0xFF);
}

void silence_PCI() {
    constexpr u16 address_port = 0xCF8, data_port = 0xCFC;
    constexpr u32 enable = 0x8000'0000, functions = 32 * 8, command = 4, bus_master = 1u << 2, status = 0xFFFF'0000;
    for (u32 function = 0; function < functions; ++function) {
        out32(address_port, enable | function << 8);
        if ((in32(data_port) & 0xFFFF) == 0xFFFF) continue;
        out32(address_port, enable | function << 8 | command);
        out32(data_port, in32(data_port) & ~(bus_master | status)); // status bits are cleared by ones
    }
}

volatile u32* device(u32 address) { return reinterpret_cast<volatile u32*>(address); }

constexpr u32 masked = 1u << 16;

void mask_IO_APIC() {
    constexpr u32 version_register = 1, first_redirection = 0x10;
    volatile u32* const select = device(io_apic_address);
    volatile u32* const window = device(io_apic_address + 0x10);
    *select = version_register;
    const u32 version = *window;
    if (version == ~0u) return;
    const u32 last = version >> 16 & 0xFF;
    for (u32 n = 0; n <= last; ++n) {
        *select = first_redirection + 2 * n;
        *window = masked;
    }
}

// To its state after RESET, as far as it can interrupt (SDM vol. 3A, 10.4.7.1).
void reset_local_APIC() {
    constexpr u32 IA32_APIC_BASE = 0x1B, EOI = 0xB0, SVR = 0xF0, ISR = 0x100, initial_count = 0x380;
    constexpr u32 local_vectors[] = {0x320, 0x340, 0x350, 0x360, 0x370};
    u64 base = 0;
    if (try_rdmsr(IA32_APIC_BASE, &base) == 0 || (base & ~u64{page_offset_mask}) != local_apic_address) return;
    const auto at = [](u32 offset) { return device(local_apic_address + offset); };
    *at(initial_count) = 0;
    for (const u32 offset : local_vectors) *at(offset) = masked;
    for (u32 n = 0; n < 256; ++n) { // interrupts in service, one by one
        u32 in_service = 0;
        for (u32 word = 0; word < 8; ++word) in_service |= *at(ISR + 0x10 * word);
        if (in_service == 0) break;
        *at(EOI) = 0;
    }
    *at(SVR) = 0xFF;
}

} // namespace

void quiet_devices() {
    mask_8259s();
    stop_ide_dma();
    silence_PCI();
    constexpr u16 PCI_address = 0xCF8;
    PCI_address_written(0);
    out32(PCI_address, 0);
    if ((cpuid(1).edx & CPUID_APIC) == 0) return;
    mask_IO_APIC();
    reset_local_APIC();
}

} // namespace ringmaster
