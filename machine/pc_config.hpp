// What a user may choose about a PC. The defaults are those of the command line.
#pragma once

#include "cpu/model.hpp"
#include "machine/media/open_medium.hpp"
#include "machine/virtual_time.hpp"

#include <optional>
#include <string>
#include <vector>

namespace truering {

// A disk, floppy or CD that goes into a drive before power-on.
struct DriveRequest {
    std::string file;
    std::optional<MediumKind> kind; // forced, or by the file's content
    std::optional<unsigned> index;  // floppy: 0-1; otherwise 0-3, primary master to secondary slave; or the next free
    MediumMode mode = MediumMode::ReadWrite;
    std::optional<ImageFormat> format;
    std::string overlay;
};

// How the processor runs: by the interpreter, or by a translator where the host has one.
enum class Engine : u8 { Interpreter, Translator };

enum class TimeMode : u8 { Instructions, Host };

// What the firmware tries, in this order.
enum class BootDevice : u8 { Floppy, HardDisk, CdRom };

struct PcConfig {
    u64 memory = u64{128} << 20;
    CpuModel cpu = *find_cpu_model("pentium3");
    u32 tsc_mhz = 1000;                       // what RDTSC counts
    u32 mips = InstructionTime::default_mips; // instructions a microsecond, under TimeMode::Instructions
    bool apic = true;
    bool acpi = true; // off: no ACPI tables (empty_acpi.hpp)
    Engine engine = Engine::Interpreter;
    TimeMode time = TimeMode::Instructions;
    u64 rtc_start = 946'684'800;  // seconds since 1970; 2000-01-01
    std::vector<BootDevice> boot; // empty: first that is bootable of floppy, hard disk, CD
    bool boot_menu = false;
    std::vector<DriveRequest> drives;
    std::string bios; // files that win over the search; empty: search
    std::string vga_bios;
    std::optional<u16> debug_exit_port; // isa-debug-exit
    u8 debug_exit_ports = 1;            // how many ports it answers
};

} // namespace truering
