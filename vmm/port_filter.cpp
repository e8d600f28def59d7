#include "vmm/port_filter.hpp"

#include "vmm/account.hpp"
#include "vmm/acknowledged.hpp"
#include "vmm/firmware_dma.hpp"
#include "vmm/ide_dma.hpp"
#include "vmm/io.hpp"
#include "vmm/log.hpp"
#include "vmm/options.hpp"
#include "vmm/pci_ports.hpp"
#include "vmm/restart.hpp"

namespace ringmaster {

namespace {

enum Port : u16 {
    keyboard_data = 0x60,
    keyboard_command = 0x64,
    system_control = 0x92,
    debug_exit = 0xF4,
    debug_exit_other = 0x501,
    pci_address = 0xCF8,
    reset_control = 0xCF9,
    bochs_shutdown = 0x8900,
};

bool output_port_next = false; // the keyboard controller takes the next byte as its output port
bool said_account = false;     // Bochs' port takes a word letter by letter

enum class Next : u8 { Anything, OutputPort };

// Of the keyboard controller's data port.
void expect(Next next) {
    output_port_next = next == Next::OutputPort;
    if (output_port_next)
        watch_port(keyboard_data);
    else
        leave_port(keyboard_data);
}

Verdict filter_keyboard_command(u8 command) {
    constexpr u8 write_output_port = 0xD1;
    expect(command == write_output_port ? Next::OutputPort : Next::Anything);
    const bool pulses_reset = (command & 0xF1) == 0xF0; // bit 0 of the pulse commands, low: the reset line
    return pulses_reset ? Verdict::Restarted : Verdict::Pass;
}

Verdict filter_byte(u16 port, u8 value, Cause& cause) {
    switch (port) {
    case keyboard_command: cause = Cause::KeyboardController; return filter_keyboard_command(value);
    case keyboard_data: {
        cause = Cause::KeyboardController;
        const bool resets = output_port_next && (value & 1) == 0;
        expect(Next::Anything);
        return resets ? Verdict::Restarted : Verdict::Pass;
    }
    case system_control: cause = Cause::SystemControlPort; return (value & 1) != 0 ? Verdict::Restarted : Verdict::Pass;
    case reset_control: {
        constexpr u8 RST_CPU = 4;
        cause = Cause::ResetControl;
        return (value & RST_CPU) != 0 ? Verdict::Restarted : Verdict::Pass;
    }
    default: byte_to_8259(port, value); return Verdict::Pass;
    }
}

// SLP_EN with SLP_TYP 0 is the power switch. Sleep that ends by a reset would lose the VMM: not done.
void filter_pm1_control(u32& value) {
    constexpr u32 SLP_EN = 1u << 13, SLP_TYP = 7u << 10;
    if ((value & SLP_EN) == 0) return;
    if ((value & SLP_TYP) == 0) {
        say("Ringmaster: the guest switches off\n");
        say_account();
    } else {
        say("Ringmaster: the guest's wish to sleep is not granted\n");
        value &= ~SLP_EN;
    }
}

void say_account_once() {
    if (!said_account) say_account();
    said_account = true;
}

} // namespace

void watch_ports() {
    constexpr u16 always[] = {keyboard_command, system_control,   reset_control,
                              debug_exit,       debug_exit_other, bochs_shutdown};
    for (const u16 port : always) watch_port(port);
    if (options.if_policy == IF_DIRECT) watch_8259s();
    watch_firmware_dma();
    find_PCI_ports();
    begin_ide_dma();
}

u32 filtered_input(u16 port, u32 size) {
    return meets_ide_dma(port, size) ? ide_dma_input(port, size) : input(port, size);
}

namespace {

// Ports of devices that reach memory; Pass: none of them, or nothing against it.
Verdict filter_devices(u16 port, u32 size, u32 value) {
    if (meets_ide_dma(port, size)) {
        ide_dma_output(port, size, value);
        return Verdict::Done;
    }
    if (meets_firmware_dma(port, size) && !allow_firmware_dma(port, size, value)) return Verdict::Done;
    return Verdict::Pass;
}

// PM1a_CNT is a word; SLP_EN is in its high byte.
void filter_power(u16 port, u32 size, u32& value) {
    const u16 control = pm1_control();
    if (control == 0) return;
    if (port == control && size >= 2) filter_pm1_control(value);
    if (port != control + 1 || size != 1) return;
    u32 word = value << 8;
    filter_pm1_control(word);
    value = word >> 8;
}

} // namespace

Verdict filter_output(u16 port, u32 size, u32& value) {
    if (port == pci_address && size == 4) { // the address register, which CF9H lies within
        PCI_address_written(value);
        return Verdict::Pass;
    }
    if (port == debug_exit || port == debug_exit_other || port == bochs_shutdown) say_account_once();
    filter_power(port, size, value);
    if (filter_devices(port, size, value) == Verdict::Done) return Verdict::Done;
    for (u32 n = 0; n < size; ++n) {
        const u8 byte = static_cast<u8>(value >> (8 * n));
        Cause cause = Cause::KeyboardController;
        if (filter_byte(static_cast<u16>(port + n), byte, cause) == Verdict::Pass) continue;
        restart_guest(cause);
        return Verdict::Restarted;
    }
    if (!meets_PCI_data(port, size)) return Verdict::Pass;
    output(port, size, value);
    PCI_data_written();
    return Verdict::Done;
}

} // namespace ringmaster
