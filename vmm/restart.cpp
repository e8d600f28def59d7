#include "vmm/restart.hpp"

#include "vmm/account.hpp"
#include "vmm/bios_page.hpp"
#include "vmm/guest.hpp"
#include "vmm/interrupts.hpp"
#include "vmm/log.hpp"
#include "vmm/low_memory.hpp"
#include "vmm/msr.hpp"
#include "vmm/options.hpp"
#include "vmm/paging.hpp"
#include "vmm/quiet_devices.hpp"

namespace ringmaster {

namespace {

constexpr u32 boot_sector = 0x7C00;
constexpr u32 loader_address = 0x600; // free in real mode: behind the BIOS's data area, below the boot sector

constexpr const char* causes[] = {"a triple fault", "INIT", "the keyboard controller", "port 92H",
                                  "the reset control register"};

SegmentRecord real_segment(u16 selector) { return {selector, 0x93, 0xFFFF, u32{selector} * 16}; }

// SDM vol. 3A, table 9-1.
void reset_registers() {
    StateRecord& g = guest();
    g = StateRecord{};
    g.gpr[EDX] = cpuid(1).eax;
    g.eip = 0xFFF0;
    g.eflags = EFLAGS_fixed;
    g.dr6 = 0xFFFF'0FF0;
    g.dr7 = 0x400;
    for (u32 n = ES; n <= GS; ++n) g.segment[n] = real_segment(0);
    g.segment[CS] = {0xF000, 0x93, 0xFFFF, 0xFFFF'0000};
    g.segment[LDTR] = {0, 0x82, 0xFFFF, 0};
    g.segment[TR] = {0, 0x8B, 0xFFFF, 0};
    g.gdtr = g.idtr = {0xFFFF, 0};
    area.inject_event = area.inject_error_code = 0;
    area.exit = ExitInformation{};
    reset_paging();
    set_up_interrupts(options.if_policy);
    forget_interrupts();
}

// As the BIOS starts a boot sector.
void begin_at(u32 address) {
    guest().segment[CS] = real_segment(0);
    guest().eip = address;
    guest().gpr[ESP] = boot_sector;
    guest().idtr = {0x3FF, 0};
    set_visible_if(1);
}

template <u32 size> void put_code(u32 address, const u8 (&code)[size]) {
    for (u32 n = 0; n < size; ++n) low_memory<u8>(address)[n] = code[n];
}

void boot_next_device() {
    constexpr u8 code[] = {0xCD, 0x18}; // INT 18H
    put_code(boot_sector, code);
    begin_at(boot_sector);
}

void boot_drive(u8 drive) {
    constexpr u8 code[] = {
        0xB8, 0x01, 0x02,             //       mov ax, 0201h     ; read one sector
        0xBB, 0x00, 0x7C,             //       mov bx, 7C00h
        0xB9, 0x01, 0x00,             //       mov cx, 1
        0xB6, 0x00,                   //       mov dh, 0         ; DL is the drive
        0xCD, 0x13,                   //       int 13h
        0x72, 0x05,                   //       jc failed
        0xEA, 0x00, 0x7C, 0x00, 0x00, //       jmp 0:7C00h
        0xCD, 0x18,                   // failed: int 18h
    };
    put_code(loader_address, code);
    begin_at(loader_address);
    guest().gpr[EDX] = drive;
}

} // namespace

void start_guest() {
    reset_registers();
    if (options.boot == BootFrom::Firmware) return withdraw_bios_page();
    (void)load_cr0(CR0_ET); // caches on, as the firmware left them
    install_bios_page();
    switch (options.boot) {
    case BootFrom::Floppy: return boot_drive(0x00);
    case BootFrom::FirstDisk: return boot_drive(0x80);
    case BootFrom::SecondDisk: return boot_drive(0x81);
    default: return boot_next_device();
    }
}

void restart_guest(Cause cause) {
    say("Ringmaster: the guest is reset by ", causes[static_cast<u32>(cause)], ", at ",
        Hex{guest().segment[CS].selector, 4}, ":", Hex{guest().eip}, "\n");
    if (options.reset == OnReset::Stop) {
        say_account();
        stop(Ending::GuestStopped);
    }
    reset_MSRs();
    asm volatile("fninit");
    quiet_devices();
    withdraw_bios_page();
    reset_registers();
}

} // namespace ringmaster
