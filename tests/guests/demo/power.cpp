// The way of the PIIX4's power management function (82371AB datasheet, section 7): its PCI configuration space says
// where the ACPI registers are; SLP_EN with sleep type 0 in PMCNTRL is "soft off". Where no PIIX4 is, the debug-exit
// ports of emulators are tried; a real machine would be left halted.
#include "power.hpp"

#include "narrate.hpp"
#include "pit.hpp"
#include "ports.hpp"

namespace demo {
namespace {

constexpr uint32_t piix4_pm = 0x71138086; // device, vendor
constexpr uint8_t PMBASE = 0x40, PMREGMISC = 0x80;
constexpr uint16_t PMCNTRL = 4; // from PMBASE
constexpr uint16_t SLP_EN = 1u << 13;

uint32_t config_address(uint32_t device, uint32_t function, uint32_t offset) {
    return 0x80000000u | device << 11 | function << 8 | offset; // bus 0
}

uint32_t read_config(uint32_t device, uint32_t function, uint32_t offset) {
    outl(0xcf8, config_address(device, function, offset));
    return inl(0xcfc);
}

void write_config(uint32_t device, uint32_t function, uint32_t offset, uint32_t value) {
    outl(0xcf8, config_address(device, function, offset));
    outl(0xcfc, value);
}

void power_off_by_piix4() {
    for (uint32_t device = 0; device < 32; ++device) {
        for (uint32_t function = 0; function < 8; ++function) {
            if (read_config(device, function, 0) != piix4_pm) {
                continue;
            }
            if (!(read_config(device, function, PMBASE) & 0xffc0)) {
                write_config(device, function, PMBASE, 0xb000); // the BIOS gave it no place: choose one
            }
            const auto base = static_cast<uint16_t>(read_config(device, function, PMBASE) & 0xffc0);
            write_config(device, function, PMREGMISC, read_config(device, function, PMREGMISC) | 1); // decode it
            say("Power: PCI device 0:", device, ".", function, " is a PIIX4; SLP_EN goes to its PMCNTRL. Good night.");
            outw(static_cast<uint16_t>(base + PMCNTRL), SLP_EN);
            pit::wait(10); // the power does not go within one instruction
        }
    }
}

} // namespace

void power_off() {
    power_off_by_piix4();
    say("Power: no PIIX4 switched the machine off; now the debug-exit ports, then HLT.");
    outb(0xf4, 0);
    outb(0x501, 0);
    for (;;) {
        asm volatile("cli; hlt");
    }
}

} // namespace demo
