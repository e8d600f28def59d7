#include "tools/truering/commands.hpp"

#include "cpu/model.hpp"
#include "decoder/isa.hpp"
#include "devices/keys.hpp"
#include "machine/firmware.hpp"
#include "tools/truering/demos.hpp"
#include "tools/truering/nearest.hpp"
#include "tools/truering/option_table.hpp"
#include "tools/truering/terminal.hpp"
#include "tools/truering/values.hpp"

#include <fmt/format.h>

#include <cstdlib>

namespace truering {

namespace {

FirmwareSearch firmware_search() { return FirmwareSearch(std::getenv("TRUERING_FIRMWARE")); }

std::string cpus() {
    std::string text;
    for (const CpuModel& model : cpu_models())
        text += fmt::format("{:12}  {}{}\n", model.name, model.description,
                            model.features.has(Feature::V32) ? ", V32 mode" : "");
    text += "features (+F or F=on, -F or F=off):";
    for (const std::string& name : cpu_feature_names()) text += " " + name;
    return text + "\n";
}

std::string keys() {
    std::string text;
    for (const KeyCodes& codes : key_table) text += fmt::format("{:20}  set 1: {:04X}\n", codes.name, codes.set1);
    return text;
}

std::string firmware() {
    std::string text;
    const FirmwareSearch search = firmware_search();
    for (const auto* names : {&FirmwareSearch::system_names(), &FirmwareSearch::video_names()})
        for (const std::string& name : *names) {
            const auto path = search.find({name});
            text += fmt::format("{:20}  {}\n", name, path.empty() ? "not found" : path.string());
        }
    return text;
}

std::string devices() {
    return "440FX        host bridge, PCI bus 0                  00:00.0\n"
           "PIIX3        ISA bridge, IDE with bus mastering      00:01.0, 00:01.1\n"
           "PIIX4        ACPI power management, SMBus            00:01.3\n"
           "VGA          with VBE extension, 16 MiB (1234:1111)  00:02.0, 3B0H-3DFH\n"
           "8259A x 2    interrupt controllers                   20H, A0H\n"
           "APIC         local APIC and I/O APIC                 FEE00000H, FEC00000H\n"
           "8254         timer                                   40H\n"
           "MC146818     real-time clock, CMOS                   70H, IRQ 8\n"
           "8237A x 2    DMA                                     00H, C0H\n"
           "8042         keyboard and mouse (PS/2)               60H, IRQ 1, 12\n"
           "82078        floppy controller, two drives           3F0H, IRQ 6, DMA 2\n"
           "IDE          disks and CD-ROM drives, two channels   1F0H, 170H, IRQ 14, 15\n"
           "16550A x 2   serial ports                            3F8H, 2F8H, IRQ 4, 3\n"
           "parallel     printer port                            378H, IRQ 7\n"
           "fw_cfg       firmware configuration                  510H\n"
           "debug        consoles                                E9H, 402H\n"
           "debug-exit   ends the run (--debug-exit)             F4H\n";
}

std::string encodings() {
    std::string text;
    for (const Row& row : isa) text += fmt::format("{}\t{}\n", row.encoding, row.mnemonic);
    return text;
}

bool has_display() {
    const char* x11 = std::getenv("DISPLAY");
    const char* wayland = std::getenv("WAYLAND_DISPLAY");
    return (x11 != nullptr && *x11 != 0) || (wayland != nullptr && *wayland != 0);
}

} // namespace

std::string list_text(const std::string& what) {
    if (what == "cpus") return cpus();
    if (what == "keys") return keys();
    if (what == "firmware") return firmware();
    if (what == "devices") return devices();
    if (what == "encodings") return encodings();
    throw UsageError(fmt::format("list: '{}' is not known; cpus, keys, firmware, devices, encodings{}", what,
                                 suggestion(what, {"cpus", "keys", "firmware", "devices", "encodings"})));
}

Diagnosis diagnose() {
    Diagnosis result;
    const auto line = [&](bool good, std::string_view what, const std::string& details) {
        result.text += fmt::format("{:4} {:16} {}\n", good ? "ok" : "--", what, details);
    };
    const FirmwareSearch search = firmware_search();
    const auto file = [&](std::string_view what, const std::vector<std::string>& names) {
        const auto path = search.find(names);
        line(!path.empty(), what,
             path.empty() ? names[0] + " is missing: install the package 'seabios'" : path.string());
        result.complete = result.complete && !path.empty();
    };
    file("system BIOS", FirmwareSearch::system_names());
    file("video BIOS", FirmwareSearch::video_names());
    line(has_display(), "window",
         has_display() ? "DISPLAY or WAYLAND_DISPLAY is set" : "no display: --display term or none");
    line(Terminal::is_interactive(), "terminal",
         Terminal::is_interactive() ? "keys can be read one by one" : "standard input is no terminal");
#if defined(__x86_64__)
    line(true, "x87 and SSE", "guest floating point runs on this processor's units");
#else
    line(true, "x87 and SSE", "guest floating point is computed in integers");
#endif
    result.text += result.complete ? "A machine can start.\n" : "No machine can start yet.\n";
    return result;
}

std::string completions_text(const std::string& shell) {
    if (shell != "bash") throw UsageError(fmt::format("completions: '{}' is not known; bash", shell));
    std::string all, valued;
    for (const OptionRow& row : option_table()) {
        all += fmt::format(" --{}", row.name);
        if (!row.value.empty()) valued += fmt::format("{}--{}", valued.empty() ? "" : "|", row.name);
    }
    std::string models;
    for (const CpuModel& model : cpu_models()) models += fmt::format(" {}", model.name);
    std::string demos;
    for (const std::string& name : demo_names()) demos += " " + name;
    return fmt::format(
        "# bash completion for truering; put it into /usr/share/bash-completion/completions/truering\n"
        "_truering() {{\n"
        "    local word=${{COMP_WORDS[COMP_CWORD]}} before=${{COMP_WORDS[COMP_CWORD-1]}}\n"
        "    COMPREPLY=()\n"
        "    case $before in\n"
        "        --cpu) COMPREPLY=($(compgen -W '{}' -- \"$word\")); return ;;\n"
        "        --display) COMPREPLY=($(compgen -W 'sdl term none' -- \"$word\")); return ;;\n"
        "        --clock) COMPREPLY=($(compgen -W 'icount host' -- \"$word\")); return ;;\n"
        "        demo) COMPREPLY=($(compgen -W '--list {}' -- \"$word\")); return ;;\n"
        "        list) COMPREPLY=($(compgen -W 'cpus keys firmware devices encodings' -- \"$word\")); return ;;\n"
        "        {}) COMPREPLY=($(compgen -f -- \"$word\")); return ;;\n"
        "    esac\n"
        "    if [[ $word == -* ]]; then\n"
        "        COMPREPLY=($(compgen -W '{}' -- \"$word\"))\n"
        "    elif ((COMP_CWORD == 1)); then\n"
        "        COMPREPLY=($(compgen -W 'run demo list doctor version completions' -f -- \"$word\"))\n"
        "    else\n"
        "        COMPREPLY=($(compgen -f -- \"$word\"))\n"
        "    fi\n"
        "}}\n"
        "complete -o filenames -F _truering truering\n",
        models, demos, valued, all);
}

std::string version_text() { return fmt::format("truering {}\n", TRUERING_VERSION); }

} // namespace truering
