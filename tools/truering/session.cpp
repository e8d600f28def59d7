#include "tools/truering/session.hpp"

#include "decoder/isa.hpp"
#include "machine/key_text.hpp"
#include "tools/truering/prefixed_lines.hpp"
#include "tools/truering/report.hpp"
#include "tools/truering/standard_streams.hpp"
#include "tools/truering/status.hpp"
#include "tools/truering/terminal.hpp"
#include "tools/truering/values.hpp"
#include "tools/truering/vmm.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <poll.h>
#include <unistd.h>

namespace truering {

namespace {

// The processor that a signal stops.
Cpu* running_cpu = nullptr;

constexpr u8 escape_key = 0x01; // Ctrl-A
constexpr size_t receive_at_once = 64;

bool has_environment(const char* name) {
    const char* value = std::getenv(name);
    return value != nullptr && *value != 0;
}

void write_terminal(const std::string& text) {
    [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, text.data(), text.size());
}

} // namespace

Session::Session(Settings settings) : settings_(std::move(settings)) {
    choose_defaults();
    open_ports();
    build_machine();
    open_display();
    expect_texts();
    plan_typing();
}

Session::~Session() {
    running_cpu = nullptr;
    display_.reset();
    Terminal::restore();
}

void Session::choose_defaults() {
    Settings& s = settings_;
    const bool serial_on_terminal = s.serial[0] == "stdio" || s.serial[1] == "stdio";
    if (s.display == DisplayKind::Automatic) {
        if (has_environment("DISPLAY") || has_environment("WAYLAND_DISPLAY"))
            s.display = DisplayKind::Sdl;
        else if (Terminal::is_interactive() && Terminal::shows_output() && !serial_on_terminal)
            s.display = DisplayKind::Terminal;
        else
            s.display = DisplayKind::None;
    }
    terminal_used_ = serial_on_terminal || s.display == DisplayKind::Terminal;
    terminal_open_ = terminal_used_;
    const bool watched = s.display != DisplayKind::None || (terminal_used_ && Terminal::is_interactive());
    if (s.engine == EngineChoice::Automatic)
        s.pc.engine = s.coverage.empty() ? Engine::Translator : Engine::Interpreter; // which counts what it executes
    const bool checked = s.engine == EngineChoice::Check;
    if (checked && s.time == TimeChoice::Host)
        throw UsageError(
            "--engine check: both engines must see the same time, which the host's is not; --clock icount");
    const bool host = s.time == TimeChoice::Host || (s.time == TimeChoice::Automatic && watched && !checked);
    s.pc.time = host ? TimeMode::Host : TimeMode::Instructions;
    if (s.rtc_now || (host && !s.rtc_given)) s.pc.rtc_start = static_cast<u64>(std::time(nullptr));
    if (!s.pc.debug_exit_port && s.display == DisplayKind::None) s.pc.debug_exit_port = DebugExit::usual_port;

    if (s.snapshot)
        for (DriveRequest& drive : s.pc.drives)
            if (drive.mode == MediumMode::ReadWrite) drive.mode = MediumMode::Snapshot;
    if (checked && !s.coverage.empty()) throw UsageError("--coverage: counts are the interpreter's; --engine interp");
    if (!s.overlay.empty()) {
        const auto disk = std::find_if(s.pc.drives.begin(), s.pc.drives.end(), [](const DriveRequest& drive) {
            return drive.kind.value_or(MediumKind::HardDisk) == MediumKind::HardDisk;
        });
        if (disk == s.pc.drives.end()) throw UsageError("--overlay: there is no disk to lay it over");
        disk->mode = MediumMode::Overlay;
        disk->overlay = s.overlay;
    }
    if (checked) s.pc = shadow_config(s.pc);
}

void Session::open_ports() {
    const std::string* destinations[port_count] = {&settings_.serial[0], &settings_.serial[1], &settings_.debugcon,
                                                   &settings_.parallel, &settings_.vmm_log};
    const char* names[port_count] = {"--serial", "--serial2", "--debugcon", "--parallel", "--vmm-log"};
    for (unsigned n = 0; n < port_count; ++n) {
        Port port;
        port.channel = open_channel(*destinations[n], names[n]);
        if (n == vmm_console && !settings_.vmm.empty() && !settings_.vmm_log_given) {
            const bool drawn = settings_.display == DisplayKind::Terminal;
            const auto show = drawn ? PrefixedLines::Show::AtTheEnd : PrefixedLines::Show::AtOnce;
            port.channel = std::make_unique<PrefixedLines>("[vmm] ", show);
        }
        port.sink = std::make_unique<WatchedSink>(n, port.channel.get());
        ports_.push_back(std::move(port));
    }
}

void Session::build_machine() {
    const Firmware firmware =
        FirmwareSearch(std::getenv("TRUERING_FIRMWARE")).load(settings_.pc.bios, settings_.pc.vga_bios);
    say(1, fmt::format("firmware: {}, {}", firmware.system.path.string(), firmware.video.path.string()));
    if (settings_.vmm.empty() && (!settings_.vmm_append.empty() || settings_.vmm_log_given))
        throw UsageError("--vmm-append and --vmm-log belong to --vmm");
    if (settings_.kernel.empty() && (!settings_.modules.empty() || !settings_.append.empty()))
        throw UsageError("--initrd, --module and --append belong to a --kernel");
    Kernels kernels = open_kernels();
    for (const auto& kernel : kernels) say(1, kernel->description());
    PcPlugs plugs;
    plugs.serial[0] = ports_[com1].sink.get();
    plugs.serial[1] = ports_[com2].sink.get();
    plugs.debug_console = ports_[debug_console].sink.get();
    if (!settings_.vmm.empty()) plugs.vmm_console = ports_[vmm_console].sink.get();
    plugs.parallel = ports_[parallel].sink.get();
    plugs.serial_console = settings_.serial_console;
    pc_ = std::make_unique<Pc>(settings_.pc, firmware, plugs, std::move(kernels),
                               [this](const std::string& line) { say(0, line); });
    need_translator();
    for (const Pc::Drive& drive : pc_->drives())
        say(1, fmt::format("{} {}: {}, {}, {} KiB", name_of(drive.opened.kind), drive.index, drive.file,
                           name_of(drive.opened.format), drive.opened.medium->sectors() / 2));
    if (!settings_.coverage.empty()) pc_->cpu.enable_coverage();
    watch_ = std::make_unique<TextWatch>(pc_->clock, [this] { return pc_->vga.text_screen(); });
    for (Port& port : ports_) port.sink->watch(*watch_);
    loop_ = std::make_unique<MachineLoop>(*pc_, *this, policy());
    if (settings_.engine == EngineChoice::Check) build_shadow(firmware);
}

// The VMM first.
Kernels Session::open_kernels() const {
    Kernels kernels;
    if (!settings_.vmm.empty()) kernels.push_back(open_vmm(settings_));
    if (!settings_.kernel.empty())
        kernels.push_back(open_kernel({settings_.kernel, settings_.append, settings_.modules}));
    return kernels;
}

// Who asks for the translator by name wants to hear that there is none.
void Session::need_translator() const {
    if (pc_->translator != nullptr || settings_.pc.engine != Engine::Translator) return;
    if (settings_.engine != EngineChoice::Automatic)
        throw UsageError("--engine: there is no translator for this host, only the interpreter (--engine interp)");
}

void Session::build_shadow(const Firmware& firmware) {
    const MakeShadow make = [this, firmware](Engine engine) {
        PcPlugs plugs; // all connected, as the first machine's are
        plugs.serial[0] = plugs.serial[1] = plugs.parallel = &silence_;
        plugs.serial_console = settings_.serial_console;
        PcConfig config = settings_.pc;
        config.engine = engine;
        return std::make_unique<Pc>(config, firmware, plugs, open_kernels(), [](const std::string&) {});
    };
    lockstep_ = std::make_unique<Lockstep>(*pc_, make, [this](const Differences& found) {
        loop_->finish({EndReason::EnginesDiffer, 0, in_short(found)});
    });
    loop_->set_listener(lockstep_.get());
}

void Session::open_display() {
    if (settings_.display == DisplayKind::Sdl) {
        std::string title = settings_.title;
        if (title.empty() && !settings_.pc.drives.empty())
            title = settings_.pc.drives[0].file.substr(settings_.pc.drives[0].file.rfind('/') + 1);
        display_ = open_window(title.empty() ? "Truering" : title + " - Truering", settings_.full_screen);
    }
    if (settings_.display == DisplayKind::Terminal) {
        if (!Terminal::shows_output()) throw UsageError("--display term: standard output is no terminal");
        display_ = open_terminal_display();
    }
}

Policy Session::policy() const {
    Policy policy;
    if (settings_.display == DisplayKind::Sdl) {
        policy.on[static_cast<unsigned>(GuestEvent::Triple)] = Action::Pause;
        policy.on[static_cast<unsigned>(GuestEvent::Halt)] = Action::Pause;
    }
    for (unsigned n = 0; n < guest_event_count; ++n)
        if (settings_.on[n]) policy.on[n] = *settings_.on[n];
    policy.instructions = settings_.limit_instructions;
    if (settings_.engine == EngineChoice::Check) policy.slice = settings_.check_slice;
    if (settings_.limit_seconds)
        policy.time = std::chrono::duration_cast<std::chrono::nanoseconds>(
            std::chrono::duration<double>(std::min(*settings_.limit_seconds, 1e9)));
    return policy;
}

void Session::expect_texts() {
    for (const std::string& pattern : settings_.fail_on)
        watch_->expect(pattern, [this](const std::string& line) { loop_->finish({EndReason::FailOn, 0, line}); });
    for (const std::string& pattern : settings_.until)
        watch_->expect(pattern, [this](const std::string& line) { loop_->finish({EndReason::Until, 0, line}); });
    screenshots_ = std::make_unique<Screenshots>(*pc_, *watch_, settings_.screenshots);
}

void Session::plan_typing() {
    std::vector<TypeStep> steps;
    try {
        for (const TypeRequest& request : settings_.types) {
            TypeStep step;
            step.when = request.when;
            if (request.where == TypeRequest::Where::Keyboard)
                step.strokes = parse_key_text(request.text);
            else
                step.bytes = terminal_text(request.text);
            steps.push_back(std::move(step));
        }
    } catch (const KeyTextError& error) {
        throw UsageError(fmt::format("--type: {}", error.what()));
    }
    typist_ = std::make_unique<Typist>(*pc_, *watch_, std::move(steps));
}

int Session::run() {
    for (const std::string& note : settings_.notes) say(0, note);
    if (terminal_used_ && Terminal::is_interactive()) {
        if (display_ == nullptr) say(0, "Ctrl-A x quits, Ctrl-A h helps");
        Terminal::set_raw();
    }
    running_cpu = &pc_->cpu;
    Terminal::catch_signals([] {
        if (running_cpu != nullptr) running_cpu->request_stop();
    });
    End end = loop_->run();
    running_cpu = nullptr;
    settle(end);
    for (Port& port : ports_)
        if (port.channel) port.channel->flush();
    display_.reset();
    Terminal::restore();
    screenshots_->take_last();
    const int status = status_of(end, settings_);
    report(end, status);
    write_coverage();
    return status;
}

std::vector<std::string> Session::vmm_lines() const { return watch_->last_lines(vmm_console, TextWatch::kept_lines); }

void Session::attend() {
    if (const int signal = Terminal::signal(); signal != 0)
        loop_->finish({EndReason::Signal, static_cast<u32>(signal), {}});
    take_terminal_input();
    for (unsigned n = 0; n < port_count; ++n) pump(n);
    if (!display_) return;
    update_status();
    display_->update(*pc_);
    if (display_->wants_to_quit()) loop_->finish({EndReason::Quit, 0, {}});
}

// Standard input: Ctrl-A is ours, the rest goes to the display's keyboard or to the first port that is the terminal.
void Session::take_terminal_input() {
    if (!terminal_open_) return;
    const auto owner = std::find_if(ports_.begin(), ports_.end(),
                                    [](const Port& port) { return port.channel && port.channel->is_stdio(); });
    const bool to_display = settings_.display == DisplayKind::Terminal;
    if (!to_display && owner != ports_.end() && owner->waiting.size() >= receive_at_once) return;
    pollfd input{STDIN_FILENO, POLLIN, 0};
    if (::poll(&input, 1, 0) != 1) return;
    u8 bytes[receive_at_once];
    const ssize_t count = ::read(STDIN_FILENO, bytes, sizeof bytes);
    if (count == 0 || (count < 0 && errno != EINTR && errno != EAGAIN)) terminal_open_ = false;
    for (ssize_t n = 0; n < count; ++n) {
        const u8 byte = bytes[n];
        if (Terminal::is_interactive() && (escape_ || byte == escape_key)) {
            if (escape_ && byte != escape_key) {
                terminal_command(byte);
                escape_ = false;
                continue;
            }
            escape_ = !escape_;
            if (escape_) continue; // the second one goes through
        }
        if (to_display)
            display_->take_input(byte);
        else if (owner != ports_.end())
            owner->waiting.push_back(byte);
    }
}

void Session::terminal_command(u8 letter) {
    switch (letter) {
    case 'x':
    case 'q': loop_->finish({EndReason::Quit, 0, {}}); break;
    case 'r': pc_->take(ResetButton{}); break;
    case 'p': pc_->take(PowerButton{}); break;
    case 'b': pc_->take(SerialBreak{0}); break;
    default:
        write_terminal("\r\nCtrl-A x  quit\r\nCtrl-A r  reset\r\nCtrl-A p  press the power button\r\n"
                       "Ctrl-A b  send a break to COM1\r\n"
                       "Ctrl-A Ctrl-A  sends Ctrl-A\r\n");
    }
}

void Session::pump(unsigned number) {
    Port& port = ports_[number];
    if (!port.channel) return;
    port.channel->flush();
    if (number != com1 && number != com2) {
        // Nothing goes in there, but a peer may come or go.
        if (!port.channel->is_stdio()) static_cast<void>(port.channel->receive(receive_at_once));
        return;
    }
    if (!port.channel->is_stdio() && port.waiting.size() < receive_at_once)
        for (const u8 byte : port.channel->receive(receive_at_once)) port.waiting.push_back(byte);
    const unsigned line = number == com1 ? 0 : 1;
    const Uart16550& uart = line == 0 ? pc_->com1 : pc_->com2;
    size_t given = 0;
    while (given < port.waiting.size() && uart.can_receive()) pc_->take(SerialInput{line, port.waiting[given++]});
    port.waiting.erase(port.waiting.begin(), port.waiting.begin() + static_cast<std::ptrdiff_t>(given));
}

void Session::sleep(std::chrono::nanoseconds at_most) {
    if (display_) at_most = std::min<std::chrono::nanoseconds>(at_most, display_->patience());
    std::vector<pollfd> inputs;
    if (terminal_open_) inputs.push_back({STDIN_FILENO, POLLIN, 0});
    for (const Port& port : ports_) {
        if (!port.channel || port.channel->is_stdio()) continue;
        const int descriptor = port.channel->descriptor();
        if (descriptor >= 0 && port.waiting.empty()) inputs.push_back({descriptor, POLLIN, 0});
    }
    const auto count = std::max<std::chrono::nanoseconds::rep>(at_most.count(), 0);
    const timespec limit{static_cast<time_t>(count / 1'000'000'000), static_cast<long>(count % 1'000'000'000)};
    ::ppoll(inputs.data(), inputs.size(), &limit, nullptr);
}

bool Session::expects_input() const {
    if (display_ || terminal_open_) return true;
    return std::any_of(ports_.begin(), ports_.end(), [](const Port& port) {
        return port.channel && !port.channel->is_stdio() && port.channel->descriptor() >= 0;
    });
}

void Session::paused(const End& why) {
    if (display_) display_->set_status("paused: " + reason_of(why));
    say(0, fmt::format("paused: {}", reason_of(why)));
    if (settings_.verbosity >= 0) tell(report_text(why, *pc_, *watch_));
}

void Session::update_status() {
    const auto present = std::chrono::steady_clock::now();
    const std::chrono::duration<double> passed = present - status_time_;
    if (passed.count() < 1.0) return;
    const u64 retired = pc_->cpu.retired();
    const double mips = static_cast<double>(retired - status_instructions_) / passed.count() / 1e6;
    status_time_ = present;
    status_instructions_ = retired;
    display_->set_status(fmt::format("{:.0f} MIPS", mips));
}

void Session::say(int verbosity, const std::string& line) const {
    if (settings_.verbosity >= verbosity) tell(fmt::format("truering: {}\n", line));
}

// What the shadow has to say at the end.
void Session::settle(End& end) {
    if (!lockstep_) return;
    if (!lockstep_->finish() && end.reason != EndReason::EnginesDiffer)
        end = {EndReason::EnginesDiffer, 0, "at the end of the run"};
    say(1, fmt::format("the two engines were compared {} times", lockstep_->comparisons()));
}

void Session::report(const End& end, int status) {
    const bool worth_words = status != 0;
    if (settings_.verbosity >= (worth_words ? -1 : 1))
        tell(fmt::format("truering: {} (status {})\n", reason_of(end), status));
    say(1, fmt::format("{} instructions, {:.3f} s of the machine's time", pc_->cpu.retired(),
                       static_cast<double>(pc_->clock.now()) / 1e9));
    if (worth_words && settings_.verbosity >= 0)
        tell(fmt::format("{}the command: {}\n", report_text(end, *pc_, *watch_), settings_.command));
    if (end.reason == EndReason::EnginesDiffer)
        tell(lockstep_->explain([this](const std::string& line) { say(0, line); }));
}

void Session::write_coverage() const {
    if (settings_.coverage.empty()) return;
    std::ofstream file(settings_.coverage);
    const std::vector<u64>& counts = pc_->cpu.coverage();
    for (size_t n = 0; n < counts.size(); ++n) {
        const Row& row = isa[n];
        file << row.encoding << '\t' << row.mnemonic << '\t' << counts[n] << '\n';
    }
    file.close();
    if (!file) throw UsageError(fmt::format("--coverage: '{}' cannot be written", settings_.coverage));
}

} // namespace truering
