#include "tools/truering/option_table.hpp"

#include "machine/text_pattern.hpp"
#include "tools/truering/nearest.hpp"
#include "tools/truering/values.hpp"

#include <fmt/format.h>

#include <array>
#include <map>

namespace truering {

namespace {

using S = Settings&;
using V = const std::string&;

void check_regex(V text) {
    try {
        const TextPattern tried(text);
    } catch (const TextPattern::Error& error) {
        throw UsageError(error.what());
    }
}

void set_display(S s, V v) {
    static const std::map<std::string, DisplayKind> displays{{"sdl", DisplayKind::Sdl},
                                                             {"term", DisplayKind::Terminal},
                                                             {"none", DisplayKind::None},
                                                             {"auto", DisplayKind::Automatic}};
    const auto found = displays.find(v);
    if (found == displays.end())
        throw UsageError(
            fmt::format("--display: '{}' is not sdl, term or none{}", v, suggestion(v, {"sdl", "term", "none"})));
    s.display = found->second;
}

void set_time(S s, V v) {
    if (v == "icount")
        s.time = TimeChoice::Instructions;
    else if (v == "host")
        s.time = TimeChoice::Host;
    else
        throw UsageError(
            fmt::format("--clock: '{}' is neither icount nor host{}", v, suggestion(v, {"icount", "host"})));
}

void set_engine(S s, V v) {
    static const std::map<std::string, EngineChoice> engines{
        {"interp", EngineChoice::Interpreter}, {"jit", EngineChoice::Translator}, {"check", EngineChoice::Check}};
    const std::vector<KeyValue> parts = split_list(v);
    const auto found = engines.find(parts[0].key);
    if (found == engines.end() || parts[0].has_value)
        throw UsageError(fmt::format("--engine: '{}' is not interp, jit or check{}", v,
                                     suggestion(parts[0].key, {"interp", "jit", "check"})));
    s.engine = found->second;
    s.pc.engine = s.engine == EngineChoice::Interpreter ? Engine::Interpreter : Engine::Translator;
    for (size_t n = 1; n < parts.size(); ++n) {
        if (s.engine != EngineChoice::Check || parts[n].key != "slice")
            throw UsageError(fmt::format("--engine: '{}' is not known; check[,slice=N]", parts[n].key));
        s.check_slice = parse_count(parts[n].value);
        if (s.check_slice == 0) throw UsageError("--engine check: a slice of 0 instructions leads nowhere");
    }
}

void set_rtc(S s, V v) {
    const bool keyed = v.rfind("base=", 0) == 0; // QEMU's spelling
    const std::string value = keyed ? split_list(v)[0].value : v;
    s.rtc_given = true;
    s.rtc_now = value == "now" || value == "utc" || value == "localtime";
    if (!s.rtc_now) s.pc.rtc_start = parse_date(value);
}

void set_destination(std::string& destination, V v) {
    static const std::vector<std::string> words{"stdio", "null", "none", "pty"};
    for (const char* scheme : {"file:", "unix:", "tcp:"})
        if (v.rfind(scheme, 0) == 0 && v.size() > std::string_view(scheme).size()) {
            destination = v;
            return;
        }
    if (v == "mon:stdio")
        destination = "stdio"; // QEMU's; the monitor's part is Ctrl-A here
    else if (v == "null" || v == "none")
        destination.clear();
    else if (v == "stdio" || v == "pty")
        destination = v;
    else
        throw UsageError(
            fmt::format("'{}' is no destination; known: stdio file:PATH unix:PATH tcp:HOST:PORT pty null{}", v,
                        suggestion(v, words)));
}

void set_type(S s, V v, TypeRequest::Where where) {
    When soon;
    soon.time = 2 * nanoseconds_per_second; // the firmware has found its keyboard by then
    auto [text, when] = split_when(v, soon);
    if (when.kind == When::Kind::Text) check_regex(when.text);
    if (when.kind == When::Kind::Exit) throw UsageError("--type: nothing can be typed at the exit");
    s.types.push_back({text, when, where});
}

void add_screenshot(S s, V v) {
    When at_exit;
    at_exit.kind = When::Kind::Exit;
    auto [file, when] = split_when(v, at_exit);
    if (when.kind == When::Kind::Text) check_regex(when.text);
    if (file.empty()) throw UsageError("--screenshot needs a file name");
    s.screenshots.push_back({file, when});
}

void set_debug_exit(S s, V v) {
    bool first = true;
    for (const KeyValue& pair : split_list(v)) {
        if (first && !pair.has_value)
            s.pc.debug_exit_port = static_cast<u16>(parse_number(pair.key, 0xFFFF));
        else if (pair.key == "port" || pair.key == "iobase")
            s.pc.debug_exit_port = static_cast<u16>(parse_number(pair.value, 0xFFFF));
        else if (pair.key == "iosize")
            s.pc.debug_exit_ports = static_cast<u8>(parse_number(pair.value, 8));
        else if (pair.key == "success")
            s.debug_exit_success = static_cast<u32>(parse_number(pair.value, 0xFFFF'FFFF));
        else
            throw UsageError(fmt::format("--debug-exit: '{}' is not known; PORT[,success=VALUE]", pair.key));
        first = false;
    }
}

void set_action(S s, V v) {
    static const std::vector<std::string> events{"reset", "shutdown", "triple", "hlt"};
    static const std::map<std::string, Action> actions{
        {"reset", Action::Reset}, {"exit", Action::Exit}, {"pause", Action::Pause}};
    for (const KeyValue& pair : split_list(v)) {
        const auto event = std::find(events.begin(), events.end(), pair.key);
        if (event == events.end())
            throw UsageError(fmt::format("--on: '{}' is no event; known: reset shutdown triple hlt{}", pair.key,
                                         suggestion(pair.key, events)));
        const auto action = actions.find(pair.value);
        if (action == actions.end())
            throw UsageError(fmt::format("--on {}=: '{}' is no action; known: reset exit pause", pair.key, pair.value));
        s.on[event - events.begin()] = action->second;
    }
}

void set_vmm(S s, V v) {
    if (v == "none" || v == "off")
        s.vmm.clear();
    else
        s.vmm = v == "on" || v.empty() ? Settings::bundled_vmm : v; // "vmm = on" in a configuration file
}

void add_module(S s, V v) {
    if (v.empty()) throw UsageError("a module needs a file name");
    s.modules.push_back(v);
}

void add_initrd(S s, V v) { // QEMU separates Multiboot modules by commas
    std::string part;
    for (size_t i = 0; i <= v.size(); ++i) {
        if (i < v.size() && v[i] == ',' && i + 1 < v.size() && v[i + 1] == ',')
            part += v[i++];
        else if (i == v.size() || v[i] == ',') {
            add_module(s, part);
            part.clear();
        } else
            part += v[i];
    }
}

constexpr std::array rows{
    OptionRow{"Machine", "memory", 'm', "SIZE", "RAM; a plain number is MiB, suffixes K M G [128]",
              [](S s, V v) { s.pc.memory = parse_memory(v.rfind("size=", 0) == 0 ? v.substr(5) : v); }},
    OptionRow{"Machine", "cpu", 0, "MODEL[,v32=on|off][,umip=on|off][,+F,-F][,mhz=N][,level=N]",
              "processor and changes to its features [pentium3, with V32 mode]; see 'truering list cpus'",
              [](S s, V v) { parse_cpu(v, s.pc); }},
    OptionRow{"Machine", "machine", 'M', "pc[,apic=off][,acpi=off]",
              "the board: i440FX and PIIX3, with or without APICs and ACPI tables",
              [](S s, V v) { parse_machine(v, s.pc); }},
    OptionRow{"Machine", "smp", 0, "1", "processors; there is one",
              [](S, V v) {
                  if (split_list(v)[0].key != "1" && split_list(v)[0].value != "1")
                      throw UsageError("--smp: this machine has one processor");
              }},
    OptionRow{"Machine", "clock", 0, "icount|host",
              "time from executed instructions (each run the same) or from the host [host when a person looks on]",
              set_time},
    OptionRow{
        "Machine", "engine", 0, "interp|jit|check[,slice=N]",
        "the interpreter, a translator to the host's own code (x86-64 hosts), or both side by side, compared every "
        "N instructions [jit where there is one; 10000]",
        set_engine},
    OptionRow{"Machine", "rtc", 0, "DATE|now", "what the real-time clock shows at power-on [2000-01-01, or now]",
              set_rtc},
    OptionRow{"Machine", "bios", 0, "FILE", "system BIOS [bios-256k.bin of the package seabios]",
              [](S s, V v) { s.pc.bios = v; }},
    OptionRow{"Machine", "vga-bios", 0, "FILE", "video BIOS [vgabios-stdvga.bin]", [](S s, V v) { s.pc.vga_bios = v; }},

    OptionRow{"Media", "drive", 0, "file=F[,if=fd0|hd0|cd0..][,mode=rw|ro|overlay][,format=][,overlay=F]",
              "a disk, floppy or CD image", [](S s, V v) { s.pc.drives.push_back(parse_drive(v)); }},
    OptionRow{"Media", "snapshot", 0, "", "forget what the guest writes to its disks",
              [](S s, V) { s.snapshot = true; }},
    OptionRow{"Media", "overlay", 0, "FILE", "keep what the guest writes to the first disk in FILE",
              [](S s, V v) { s.overlay = v; }},
    OptionRow{"Media", "boot", 0, "a|c|d..[,menu=on]", "boot order: floppy, hard disk, CD [first that is bootable]",
              [](S s, V v) { parse_boot(v, s.pc); }},
    OptionRow{"Media", "kernel", 0, "FILE", "start a Linux bzImage, a Multiboot or an ELF kernel",
              [](S s, V v) { s.kernel = v; }},
    OptionRow{"Media", "initrd", 0, "FILE", "initial ramdisk of a Linux kernel; a module of a Multiboot one",
              add_initrd},
    OptionRow{"Media", "module", 0, "FILE [ARGS]", "a Multiboot module and its arguments", add_module},
    OptionRow{"Media", "append", 0, "TEXT", "the kernel's command line", [](S s, V v) { s.append = v; }},

    OptionRow{"Virtual machine monitor", "vmm", 0, "[=FILE]",
              "start Ringmaster, or another Multiboot VMM, and everything else as its guest", set_vmm},
    OptionRow{"Virtual machine monitor", "vmm-append", 0, "TEXT",
              "the VMM's options; Ringmaster's: if=shadow|trap|direct, trace, live, log=none, ...",
              [](S s, V v) { s.vmm_append = v; }},
    OptionRow{"Virtual machine monitor", "vmm-log", 0, "DEST",
              "what it writes to the port E9H, its account of exits [lines on standard error]",
              [](S s, V v) {
                  set_destination(s.vmm_log, v);
                  s.vmm_log_given = true;
              }},

    OptionRow{"Display and ports", "display", 0, "sdl|term|none",
              "window, text in this terminal, or nothing [sdl; term without a display; none without a terminal]",
              set_display},
    OptionRow{"Display and ports", "nographic", 0, "", "--display none --serial stdio",
              [](S s, V) {
                  s.display = DisplayKind::None;
                  s.serial[0] = "stdio";
                  s.serial_console = true;
              }},
    OptionRow{"Display and ports", "full-screen", 0, "", "start with the window over the whole screen",
              [](S s, V) { s.full_screen = true; }},
    OptionRow{"Display and ports", "title", 0, "TEXT", "the window's title", [](S s, V v) { s.title = v; }},
    OptionRow{"Display and ports", "serial", 0, "DEST",
              "COM1 to stdio, file:PATH, unix:PATH, tcp:HOST:PORT, pty or null [null]",
              [](S s, V v) { set_destination(s.serial[0], v); }},
    OptionRow{"Display and ports", "serial2", 0, "DEST", "COM2 [null]",
              [](S s, V v) { set_destination(s.serial[1], v); }},
    OptionRow{"Display and ports", "parallel", 0, "DEST", "the printer port [null]",
              [](S s, V v) { set_destination(s.parallel, v); }},
    OptionRow{"Display and ports", "debugcon", 0, "DEST", "what is written to the ports E9H and 402H [null]",
              [](S s, V v) { set_destination(s.debugcon, v); }},

    OptionRow{"Scripts", "type", 0, "TEXT[@WHEN]",
              "press keys: \\n, \\t, <enter>, <f1>, <ctrl-c>; WHEN: 5s, 1000000i, text:REGEX [2s]",
              [](S s, V v) { set_type(s, v, TypeRequest::Where::Keyboard); }},
    OptionRow{"Scripts", "type-serial", 0, "TEXT[@WHEN]", "the same, but as bytes into COM1",
              [](S s, V v) { set_type(s, v, TypeRequest::Where::Serial); }},
    OptionRow{"Scripts", "until", 0, "REGEX",
              "end with status 0 when a text appears on the screen, COM1, COM2, debugcon",
              [](S s, V v) { check_regex(v), s.until.push_back(v); }},
    OptionRow{"Scripts", "fail-on", 0, "REGEX", "end with status 14 when a text appears",
              [](S s, V v) { check_regex(v), s.fail_on.push_back(v); }},
    OptionRow{"Scripts", "screenshot", 0, "FILE[@WHEN]", "the screen as PNG; WHEN as above, or exit [exit]",
              add_screenshot},
    OptionRow{"Scripts", "limit-time", 0, "TIME", "end with status 10 after this time of the host",
              [](S s, V v) { s.limit_seconds = parse_seconds(v); }},
    OptionRow{"Scripts", "limit-insns", 0, "N", "end with status 12 after N instructions (5e9, 10M)",
              [](S s, V v) { s.limit_instructions = parse_count(v); }},
    OptionRow{"Scripts", "debug-exit", 0, "PORT[,success=V]",
              "a write of V to PORT ends with status 2V+1, or 0 for the success value [0xf4 without a window]",
              set_debug_exit},
    OptionRow{"Scripts", "on", 0, "EVENT=ACTION",
              "reset, shutdown, triple, hlt = reset, exit, pause [reset=reset, the others exit; pause in a window]",
              set_action},
    OptionRow{"Scripts", "coverage", 0, "FILE", "how often each encoding of the instruction table was executed",
              [](S s, V v) { s.coverage = v; }},

    OptionRow{"Program", "config", 0, "FILE", "read options from FILE: lines of name = value",
              nullptr}, // read before the others
    OptionRow{"Program", "dump-config", 0, "", "print the options as such a file, and end",
              [](S s, V) { s.dump_config = true; }},
    OptionRow{"Program", "verbose", 'v', "", "say more on stderr", [](S s, V) { ++s.verbosity; }},
    OptionRow{"Program", "quiet", 'q', "", "say errors only", [](S s, V) { s.verbosity = -1; }},
    OptionRow{"Program", "help", 'h', "", "this text", [](S s, V) { s.help = true; }},
};

} // namespace

std::span<const OptionRow> option_table() { return rows; }

const OptionRow* find_option(std::string_view name) {
    for (const OptionRow& row : rows)
        if (row.name == name) return &row;
    return nullptr;
}

std::vector<std::string> option_names() {
    std::vector<std::string> names;
    for (const OptionRow& row : rows) names.emplace_back(row.name);
    return names;
}

} // namespace truering
